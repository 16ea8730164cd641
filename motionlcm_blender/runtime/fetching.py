"""Fetching a file in parts that can be gone on with, held against its sha256; and uv, which installs the rest."""

from __future__ import annotations

import hashlib
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

from ..errors import Cancelled
from .pins import INDEX, UV_VERSION, UV_WHEELS, this_machine
from .problems import DAMAGED, NETWORK, RuntimeProblem

BLOCK = 1 << 18
PATIENCE = 60.0
BROKEN_OFF = (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


def sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(
    url: str, target: Path, sha256: str, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Path:
    """Fetch a file; what a former try left of it is gone on with. The target appears only if its hash is right.

    Raises Cancelled, RuntimeProblem, OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        _receive(url, part, progress, cancelled)
    except BROKEN_OFF as error:
        raise RuntimeProblem(NETWORK) from error
    if sha256_of(part) != sha256:
        part.unlink()
        raise RuntimeProblem(DAMAGED)
    os.replace(part, target)
    return target


def _receive(url: str, part: Path, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE, context=_certificates())
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing
            return
        raise
    with answer:
        if have and answer.status != 206:  # the server begins anew
            have = 0
        total = have + int(answer.headers.get("Content-Length") or 0)
        with open(part, "ab" if have else "wb") as file:
            while block := answer.read(BLOCK):
                if cancelled():
                    raise Cancelled
                file.write(block)
                have += len(block)
                progress(have / total if total else 0.0)
        if have < total:
            raise ConnectionError("the connection ended early")


def _certificates() -> ssl.SSLContext:
    """The system's, and those that come with Blender."""
    context = ssl.create_default_context()
    try:
        import certifi

        context.load_verify_locations(certifi.where())
    except (ImportError, OSError):
        pass
    return context


def ready_uv(
    tools: Path, wheels: Path | None, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Path | None:
    """uv's program: as fetched before, from a folder of wheels, or fetched now; None where it cannot be had.

    Raises Cancelled, RuntimeProblem for a wheel with a wrong hash, OSError.
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
    if not (wheel.is_file() and sha256_of(wheel) == sha256):
        if wheels is not None:
            wheel = wheels / name
            if not wheel.is_file():
                return None
            if sha256_of(wheel) != sha256:
                raise RuntimeProblem(f"{name} is not the file it should be (another sha256), so it is not used.")
        else:
            fetch(_address(name), wheel, sha256, progress, cancelled)
    tools.mkdir(parents=True, exist_ok=True)
    part = tools / (program.name + ".part")
    with zipfile.ZipFile(wheel) as file, open(part, "wb") as out:
        out.write(file.read(f"uv-{UV_VERSION}.data/scripts/uv{suffix}"))
    part.chmod(part.stat().st_mode | stat.S_IXUSR)
    os.replace(part, program)
    if wheel.parent == tools:
        wheel.unlink()
    return program


def _address(name: str) -> str:
    """Where the index says that a wheel of uv is. Raises RuntimeProblem."""
    index = (os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or INDEX).rstrip("/") + "/uv/"
    request = urllib.request.Request(index, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=_certificates()) as answer:
            base, content = answer.url, answer.read()
        files = json.loads(content)["files"]
    except (*BROKEN_OFF, ValueError, KeyError) as error:
        raise RuntimeProblem(NETWORK) from error
    for file in files:
        if file.get("filename") == name:
            return urljoin(base, file["url"])
    raise RuntimeProblem(f"The package index does not have {name}.")
