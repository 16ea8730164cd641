"""The installer uv: taken from a folder of wheels, or downloaded and verified by its sha256."""

from __future__ import annotations

import json
import os
import ssl
import stat
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urljoin

from ..errors import DownloadError
from ..files.safetensors_files import sha256 as file_sha256
from ..importing import connections, downloads, source_list
from .errors import CERTIFICATE, NETWORK, RuntimeProblem
from .requirements import INDEX, UV_VERSION, UV_WHEELS, this_machine

PATIENCE = 60.0
BROKEN_OFF = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def fetch(
    url: str, target: Path, sha256: str, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Path:
    """Download a file; the part of an earlier attempt is resumed. The target appears only with the right hash.

    Args:
        url: The address.
        target: The file.
        sha256: Its expected hash.
        progress: Called with a fraction 0..1.
        cancelled: True stops.

    Returns:
        The file.

    Raises:
        Cancelled: `cancelled` returned True.
        RuntimeProblem: The file cannot be downloaded.
    """
    source = source_list.Source(target.name, "program", (url,), "", sha256, None, "")
    try:
        return downloads.fetch(source, target.parent, progress=lambda fraction, _: progress(fraction), cancel=cancelled)
    except DownloadError as error:
        raise RuntimeProblem(str(error)) from error


def ready_uv(
    tools: Path, wheels: Path | None, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Path | None:
    """Find uv's program: an earlier download, a folder of wheels, or a download now; None where it is not available.

    Args:
        tools: Folder for the program.
        wheels: A folder of wheels, used instead of the network, or None.
        progress: Called with a fraction 0..1.
        cancelled: True stops.

    Returns:
        The program, or None.

    Raises:
        Cancelled: `cancelled` returned True.
        OSError: A file cannot be written.
        RuntimeProblem: The download failed, or has a wrong hash.
    """
    known = UV_WHEELS.get(this_machine())
    if known is None:
        return None
    name, sha256 = known
    suffix = ".exe" if this_machine().startswith("windows") else ""
    program = tools / f"uv-{UV_VERSION}{suffix}"
    if program.is_file():
        return program
    wheel = tools / name
    if not (wheel.is_file() and file_sha256(wheel) == sha256):
        if wheels is not None:
            wheel = wheels / name
            if not wheel.is_file():
                return None
            if file_sha256(wheel) != sha256:
                raise RuntimeProblem(f"{name} is not the file it should be (another sha256): fetch it again.")
        else:
            url = _address(name)
            if url is None:
                return None
            fetch(url, wheel, sha256, progress, cancelled)
    tools.mkdir(parents=True, exist_ok=True)
    part = tools / (program.name + ".part")
    with zipfile.ZipFile(wheel) as file, part.open("wb") as out:
        out.write(file.read(f"uv-{UV_VERSION}.data/scripts/uv{suffix}"))
    part.chmod(part.stat().st_mode | stat.S_IXUSR)
    part.replace(program)
    if wheel.parent == tools:
        wheel.unlink()
    return program


def _address(name: str) -> str | None:
    """Address of a wheel of uv according to the index; None if the index does not have it.

    Raises:
        RuntimeProblem: The index is not reachable.
    """
    index = (os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or INDEX).rstrip("/") + "/uv/"
    request = urllib.request.Request(index, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=connections.certificates()) as answer:
            base, content = answer.url, answer.read()
        files = json.loads(content)["files"]
    except (*BROKEN_OFF, ValueError, KeyError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # the error is the response itself, and holds the connection
            if error.code == 404:
                return None  # a mirror without uv
        reason = getattr(error, "reason", error)
        raise RuntimeProblem(CERTIFICATE if isinstance(reason, ssl.SSLCertVerificationError) else NETWORK) from error
    for file in files:
        if file.get("filename") == name:
            result: str | None = urljoin(base, file["url"])
            return result
    return None
