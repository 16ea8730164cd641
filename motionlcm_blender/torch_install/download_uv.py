"""uv, which installs PyTorch: from a folder of wheels, or fetched and held against its sha256."""

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
from .errors import NETWORK, RuntimeProblem
from .requirements import INDEX, UV_VERSION, UV_WHEELS, this_machine

PATIENCE = 60.0
BROKEN_OFF = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def fetch(
    url: str, target: Path, sha256: str, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Path:
    """Fetch a file; what a former try left of it is gone on with. The target appears only if its hash is right.

    progress: called with a share, 0..1. Raises Cancelled, or RuntimeProblem with one sentence.
    """
    source = source_list.Source(target.name, "program", (url,), "", sha256, None, "")
    try:
        return downloads.fetch(source, target.parent, progress=lambda share, _: progress(share), cancel=cancelled)
    except DownloadError as error:
        raise RuntimeProblem(str(error)) from error


def ready_uv(
    tools: Path, wheels: Path | None, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Path | None:
    """uv's program: as fetched before, from a folder of wheels, or fetched now; None where it cannot be had.

    Raises Cancelled, OSError, and RuntimeProblem for what cannot be fetched or has a wrong hash.
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
    with zipfile.ZipFile(wheel) as file, open(part, "wb") as out:
        out.write(file.read(f"uv-{UV_VERSION}.data/scripts/uv{suffix}"))
    part.chmod(part.stat().st_mode | stat.S_IXUSR)
    os.replace(part, program)
    if wheel.parent == tools:
        wheel.unlink()
    return program


def _address(name: str) -> str | None:
    """Where the index says that a wheel of uv is; None if it does not have it. Raises RuntimeProblem."""
    index = (os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or INDEX).rstrip("/") + "/uv/"
    request = urllib.request.Request(index, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=connections.certificates()) as answer:
            base, content = answer.url, answer.read()
        files = json.loads(content)["files"]
    except (*BROKEN_OFF, ValueError, KeyError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it is the answer itself, and holds the connection
            if error.code == 404:
                return None  # a mirror without uv
        raise RuntimeProblem(NETWORK) from error
    for file in files:
        if file.get("filename") == name:
            return urljoin(base, file["url"])
    return None
