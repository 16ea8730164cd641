"""Downloads: each file is complete and verified, or not there.

A file grows as `.NAME.part` beside its final place, with its source in `.NAME.part.json`, so that a broken download
can be resumed. It is moved into place only if its length and sha256 are right. `sources.json` is the list of available
files. Proxies are those of the environment, as urllib reads them.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import re
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from email.message import Message
from pathlib import Path
from typing import Any

from ..errors import Cancelled, DownloadError
from ..files.safetensors_files import sha256
from ..version import version
from .connections import RefusedRedirect, host_of, url_opener
from .source_list import MAX_BYTES, Source

TIMEOUT = 20.0
"""Seconds without a byte after which a connection counts as broken."""
WAITS = (0.5, 2.0, 5.0)
"""Seconds before each new attempt after one without progress."""
MOST_ATTEMPTS = 100
"""Attempts at one address, even if each makes progress."""
_BLOCK = 1 << 16
_TRANSIENT = (408, 425, 429, 500, 502, 503, 504)

Progress = Callable[[float, str], None]


def fetch_all(
    sources: Sequence[Source],
    folder: str | Path,
    *,
    accept_unverified: bool = False,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> list[Path]:
    """Download files one after the other; existing files are skipped.

    Args:
        sources: The files.
        folder: The target folder.
        accept_unverified: As in `fetch`.
        progress: As in `fetch`, over all files.
        cancel: As in `fetch`.

    Returns:
        Paths of the files.

    Raises:
        DownloadError: As in `fetch`.
        Cancelled: As in `fetch`.
    """
    weights = [source.bytes or 1 << 20 for source in sources]
    paths = []
    for number, source in enumerate(sources):
        before, own = sum(weights[:number]) / sum(weights), weights[number] / sum(weights)

        def report(part: float, what: str, before: float = before, own: float = own) -> None:
            if progress is not None:
                progress(before + own * part, what)

        paths.append(fetch(source, folder, accept_unverified=accept_unverified, progress=report, cancel=cancel))
    return paths


def fetch(
    source: Source,
    folder: str | Path,
    *,
    accept_unverified: bool = False,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Path:
    """Download one file; the part of an earlier attempt is resumed.

    A broken connection leaves its part for the next attempt; any other error leaves nothing.

    Args:
        source: The file.
        folder: The target folder.
        accept_unverified: Also accept a file whose sha256 is unknown.
        progress: Called with a fraction 0..1 and a description, from this thread.
        cancel: Called from this thread; True stops.

    Returns:
        Path of the file.

    Raises:
        DownloadError: The file cannot be downloaded; it is then not in place.
        Cancelled: `cancel` returned True.
    """
    target = Path(folder) / source.name
    if target.is_file() and (source.sha256 is None or sha256(target) == source.sha256):
        return target
    if not source.urls:
        raise DownloadError(
            f"{source.name} has no address from which a program may fetch it: fetch it in a browser from {source.page} "
            "and choose its folder."
        )
    if source.sha256 is None and not accept_unverified:
        raise DownloadError(
            f"{source.name} cannot be verified, because its sha256 is not known: allow unverified files first."
        )
    part = _Part(target)
    problem: Exception | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for url in source.urls:
            try:
                _fetch_from(url, source, part, progress or _silent, cancel or _never)
                part.finish()
                return target
            except _NextMirror as error:
                problem = error
    except OSError as error:
        part.drop()
        raise _disk_error(target, error) from error
    raise DownloadError(str(problem)) from problem


class _NextMirror(Exception):
    """This address does not provide the file; the message is the reason."""


class _TryAgain(Exception):
    """The connection broke; the message is the reason."""


def _silent(_part: float, _what: str) -> None:
    pass


def _never() -> bool:
    return False


class _Part:
    """The downloaded part of a file, and its source."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f".{target.name}.part")
        self.state = target.with_name(f".{target.name}.part.json")

    def have(self, url: str) -> tuple[int, str]:
        """Number of bytes from this address, and the validator for resuming; 0 if unknown."""
        try:
            entry = json.loads(self.state.read_text(encoding="utf-8"))
            size = self.path.stat().st_size
            if entry["url"] == url and isinstance(entry["validator"], str):
                return size, entry["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        return 0, ""

    def begin(self, url: str, validator: str) -> None:
        self.path.unlink(missing_ok=True)
        self.state.write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")

    def digest(self) -> Any:
        """sha256 of the part, to be continued."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest

    def drop(self) -> None:
        for path in (self.path, self.state):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def finish(self) -> None:
        self.path.replace(self.target)
        with suppress(OSError):
            self.state.unlink(missing_ok=True)


def _fetch_from(url: str, source: Source, part: _Part, progress: Progress, cancel: Callable[[], bool]) -> None:
    """Complete and verify the part from one address, in several attempts if necessary."""
    idle, most = 0, part.have(url)[0]
    for _ in range(MOST_ATTEMPTS):
        try:
            digest = _attempt(url, source, part, progress, cancel)
        except _TryAgain as error:
            have = part.have(url)[0]
            idle, most = (0, have) if have > most else (idle + 1, most)
            if idle > len(WAITS):
                raise _NextMirror(str(error)) from error
            _wait(WAITS[max(0, idle - 1)], cancel)
            continue
        if source.sha256 is not None and digest != source.sha256:
            part.drop()
            raise _NextMirror(
                f"{source.name} from {host_of(url)} is not the file that was published (its sha256 is another), and "
                f"nothing of it was kept: {_by_hand(source)}."
            )
        return
    raise _NextMirror(f"{source.name} from {host_of(url)} broke off too often: try again later.")


def _attempt(url: str, source: Source, part: _Part, progress: Progress, cancel: Callable[[], bool]) -> str:
    """Continue the part with one connection; returns the sha256 of the whole file."""
    if cancel():
        raise Cancelled
    have, validator = part.have(url)
    headers = {"User-Agent": f"motionlcm/{version()}", "Accept-Encoding": "identity"}
    if have and (validator or source.sha256 is not None):
        headers["Range"] = f"bytes={have}-"
        if validator:
            headers["If-Range"] = validator
    else:
        have = 0
    what = f"Fetching: {source.name.rpartition('/')[2]}"
    progress(have / source.bytes if source.bytes else 0.0, "Fetching")
    try:
        with url_opener().open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT) as response:
            begins, total = _extent(response, url, source, have, part)
            _check_space(part.target, None if total is None else total - begins)
            digest = part.digest() if begins else hashlib.sha256()
            if not begins:
                part.begin(url, _validator(response.headers))
            with part.path.open("ab") as file:
                got = begins
                while block := _read(response):
                    got += len(block)
                    if got > (source.bytes or MAX_BYTES):
                        file.close()
                        part.drop()
                        raise _too_long(url, source)
                    file.write(block)
                    digest.update(block)
                    progress(got / total if total else 0.0, what)
                    if cancel():
                        raise Cancelled
    except RefusedRedirect as error:
        part.drop()
        raise _NextMirror(f"{error}: {_by_hand(source)}.") from error
    except urllib.error.HTTPError as error:
        error.close()
        raise _of_status(error, url, source, part) from error
    except _Broken as error:
        raise _TryAgain(f"{source.name} from {host_of(url)} broke off: try again to go on.") from error
    except urllib.error.URLError as error:
        raise _of_connection(error.reason, url, source) from error
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise _of_connection(error, url, source) from error
    if total is not None and got < total:
        raise _TryAgain(
            f"{source.name} from {host_of(url)} broke off after {_megabytes(got)} of {_megabytes(total)}: try again to "
            "go on."
        )
    if total is None and source.sha256 is None and response.headers.get("Transfer-Encoding", "") != "chunked":
        part.drop()
        raise _NextMirror(
            f"{host_of(url)} sends no length of {source.name}, so it may be half a file: {_by_hand(source)}."
        )
    return digest.hexdigest()


class _Broken(Exception):
    """Reading failed; a class of its own, because errors of the disk are OSErrors too."""


def _read(response: Any) -> bytes:
    try:
        block: bytes = response.read1(_BLOCK)
        return block
    except (OSError, http.client.HTTPException) as error:
        raise _Broken from error


def _extent(response: Any, url: str, source: Source, have: int, part: _Part) -> tuple[int, int | None]:
    """Start of the response in the file, and length of the whole file.

    Raises:
        _NextMirror: The response is another file.
    """
    if response.headers.get_content_type() == "text/html":
        part.drop()
        raise _NextMirror(f"{host_of(url)} gives a web page instead of {source.name}: {_by_hand(source)}.")
    begins, total = 0, _count(response.headers.get("Content-Length"))
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != have:
            part.drop()
            raise _TryAgain(f"{host_of(url)} does not go on where {source.name} broke off: try again.")
        begins, total = have, int(match[2])
    if total is not None and source.bytes is not None and total != source.bytes:
        part.drop()
        raise _NextMirror(
            f"{source.name} from {host_of(url)} has {total} bytes instead of {source.bytes}: {_by_hand(source)}."
        )
    if total is not None and total > MAX_BYTES:
        part.drop()
        raise _too_long(url, source)
    return begins, source.bytes if total is None else total


def _too_long(url: str, source: Source) -> _NextMirror:
    return _NextMirror(f"{source.name} from {host_of(url)} is longer than it may be: {_by_hand(source)}.")


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _validator(headers: Message) -> str:
    """Validator that shows in a later request whether the file changed; weak tags do not guarantee every byte."""
    tag = headers.get("ETag", "")
    return str(tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", ""))


def _of_status(error: urllib.error.HTTPError, url: str, source: Source, part: _Part) -> Exception:
    if error.code == 416:  # the part is as long as the file or longer: it belongs to another file
        part.drop()
        return _TryAgain(f"{host_of(url)} does not go on where {source.name} broke off: try again.")
    if error.code in _TRANSIENT:
        return _TryAgain(f"{host_of(url)} does not give {source.name} now ({error.code}): try again later.")
    part.drop()
    if error.code in (404, 410):
        return _NextMirror(f"{source.name} is not at {host_of(url)} any more ({error.code}): {_by_hand(source)}.")
    if error.code in (401, 403, 407):
        return _NextMirror(
            f"{host_of(url)} does not allow {source.name} to be fetched ({error.code}): {_by_hand(source)}."
        )
    return _NextMirror(f"{host_of(url)} answers {error.code} for {source.name}: {_by_hand(source)}.")


def _of_connection(reason: object, url: str, source: Source) -> Exception:
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _NextMirror(
            f"{host_of(url)} does not prove that it is {host_of(url)}, as its certificate is not valid: see to this "
            "machine's clock and its proxy."
        )
    if isinstance(reason, socket.gaierror):
        return _TryAgain(f"There is no connection, {host_of(url)} cannot be found: see to the network, then try again.")
    if isinstance(reason, TimeoutError):
        return _TryAgain(f"{host_of(url)} does not answer: try again later.")
    if isinstance(reason, OSError) and reason.errno == errno.ECONNREFUSED:
        return _TryAgain(f"There is no connection, {host_of(url)} refuses it: see to the proxy, or try again later.")
    return _TryAgain(f"There is no connection to {host_of(url)} for {source.name}: see to the network, then try again.")


def _by_hand(source: Source) -> str:
    return f"fetch it in a browser from {source.page}" if source.page else "try again later"


# Where a request may lead


# The disk


def _check_space(target: Path, needed: int | None) -> None:
    free = shutil.disk_usage(target.parent).free
    if needed is not None and free < needed:
        raise OSError(errno.ENOSPC, f"{_megabytes(needed)} are needed and {_megabytes(free)} are free")


def _disk_error(target: Path, error: OSError) -> DownloadError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DownloadError(f"There is not enough space for {target.name} in {target.parent}: free some.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DownloadError(f"{target.parent} may not be written to: see to its permissions, then try again.")
    return DownloadError(f"{target} cannot be written ({error.strerror or error}): see to that, then try again.")


def _wait(seconds: float, cancel: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if cancel():
            raise Cancelled
        time.sleep(min(0.1, seconds))


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
