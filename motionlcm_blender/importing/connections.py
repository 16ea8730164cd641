"""HTTP connections for downloads: allowed redirects and trusted certificates."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any


class RefusedRedirect(Exception):
    """A redirect that is not followed; the message is the reason, without a full stop."""


class CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to allowed addresses: no local file, and none from an encrypted to an open connection."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Check a redirect before following it."""
        check_redirect(req.full_url, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Check the target of a redirect."""
        # urllib checks the scheme before `redirect_request`, with a less helpful message.
        location = headers.get("Location") or headers.get("URI") or ""
        try:
            check_redirect(req.full_url, urllib.parse.urljoin(req.full_url, location))
            return super().http_error_302(req, fp, code, msg, headers)
        except RefusedRedirect:
            fp.close()  # urllib closes it only when it follows the redirect
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def check_redirect(url: str, onward: str) -> None:
    """Check a redirect from `url` to `onward`; RefusedRedirect if it is not allowed."""
    here, there = urllib.parse.urlsplit(url), urllib.parse.urlsplit(onward)
    if there.scheme not in ("http", "https"):
        raise RefusedRedirect(f"{here.hostname} leads to an address of the kind {there.scheme!r}, which is refused")
    if here.scheme == "https" and there.scheme != "https":
        raise RefusedRedirect(f"{here.hostname} leads from an encrypted connection to an open one, which is refused")
    if here.scheme == "http" and not may_be_fetched(onward):
        raise RefusedRedirect(f"{here.hostname} leads to {there.hostname} without encryption, which is refused")


def may_be_fetched(url: str) -> bool:
    """Whether an address is encrypted, or on this machine."""
    url_parts = urllib.parse.urlsplit(url)
    here = url_parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(url_parts.hostname) and (url_parts.scheme == "https" or (url_parts.scheme == "http" and here))


def certificates() -> ssl.SSLContext:
    """Trusted certificates: the system's and those of Blender's Python, which does not always find the system's."""
    context = ssl.create_default_context()
    try:
        import certifi

        context.load_verify_locations(certifi.where())
    except (ImportError, OSError):  # only the system's
        pass
    return context


def url_opener() -> urllib.request.OpenerDirector:
    """Make an opener like urllib's own, without its handlers for local files, FTP and data URLs."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=certificates()),
        CheckedRedirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def host_of(url: str) -> str:
    """Host name of an address, for sentences."""
    return urllib.parse.urlsplit(url).hostname or url
