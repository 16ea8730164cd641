"""HTTP connections for downloads: which redirects are followed, and which certificates count."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.parse
import urllib.request
from typing import IO, Any


class RefusedRedirect(Exception):
    """A redirect that is not followed; says why, without a full stop."""


class CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects to where a file may be fetched from: no local file, and not out of an encrypted connection."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        check_redirect(req.full_url, newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        # urllib looks at the scheme before `redirect_request` is asked, and its own sentence says less.
        told = headers.get("Location") or headers.get("URI") or ""
        try:
            check_redirect(req.full_url, urllib.parse.urljoin(req.full_url, told))
            return super().http_error_302(req, fp, code, msg, headers)
        except RefusedRedirect:
            fp.close()  # urllib closes it only where it goes on
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def check_redirect(url: str, onward: str) -> None:
    here, there = urllib.parse.urlsplit(url), urllib.parse.urlsplit(onward)
    if there.scheme not in ("http", "https"):
        raise RefusedRedirect(f"{here.hostname} leads to an address of the kind {there.scheme!r}, which is refused")
    if here.scheme == "https" and there.scheme != "https":
        raise RefusedRedirect(f"{here.hostname} leads from an encrypted connection to an open one, which is refused")
    if here.scheme == "http" and not may_be_fetched(onward):
        raise RefusedRedirect(f"{here.hostname} leads to {there.hostname} without encryption, which is refused")


def may_be_fetched(url: str) -> bool:
    """Whether an address is encrypted, or on this machine."""
    told = urllib.parse.urlsplit(url)
    here = told.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(told.hostname) and (told.scheme == "https" or (told.scheme == "http" and here))


def certificates() -> ssl.SSLContext:
    """Who is believed: whom the system believes, and whom Blender's Python does, which knows no system everywhere."""
    context = ssl.create_default_context()
    try:
        import certifi

        context.load_verify_locations(certifi.where())
    except (ImportError, OSError):  # the system's alone, then
        pass
    return context


def url_opener() -> urllib.request.OpenerDirector:
    """As urllib's own, without its handlers for local files, FTP and data in an address."""
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
    return urllib.parse.urlsplit(url).hostname or url
