"""Unpacking of a .zip with published checkpoints: only the needed files, and nothing outside the target folder."""

from __future__ import annotations

import errno
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ..errors import Cancelled, ModelFolderError

MAX_ENTRIES = 5000
MAX_BYTES = 16 << 30
"""Largest unpacked size; all published checkpoints, statistics and the text encoder are smaller."""
MOST_UNFOLDING = 20
"""Largest ratio of unpacked size to archive size. Weights hardly compress; a higher ratio is an attack on the disk."""
_SMALL = 64 << 20
"""Archives up to this unpacked size may have any ratio."""
CHECKPOINTS = (".ckpt", ".pt", ".pth", ".safetensors")
WANTED = (*CHECKPOINTS, ".bin", ".npy", ".json", ".model")
ELSEWHERE = "nothing of it was unpacked; get it from its authors"
_BLOCK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, UnicodeError)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip of files, and not a single checkpoint, which is a zip itself."""
    try:
        if not path.is_file() or not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return not any(name.rpartition("/")[2] == "data.pkl" for name in archive.namelist())
    except (*_DAMAGE, OSError):
        return path.suffix.lower() == ".zip"


def unpack(
    path: Path,
    target: Path,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Unpack checkpoints, statistics and the text encoder's files; other files are skipped.

    On an error the caller removes the files unpacked so far.

    Args:
        path: The archive.
        target: The folder.
        progress: Called with a fraction 0..1 and a description.
        cancel: True stops.

    Raises:
        ModelFolderError: The archive is damaged, has paths out of its folder, or unpacks to an implausible size.
        Cancelled: `cancel` returned True.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = _checked(archive, path)
            total = sum(info.file_size for info in wanted)
            _check_space(path, target, total)
            done = 0
            for info in wanted:
                goal = target.joinpath(*info.filename.split("/"))
                goal.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as packed, goal.open("wb") as file:
                    while block := packed.read(_BLOCK):
                        if cancel is not None and cancel():
                            raise Cancelled
                        file.write(block)
                        done += len(block)
                        if progress is not None:
                            progress(done / max(1, total), "Unpacking")
    except _DAMAGE as error:
        raise ModelFolderError(f"{path.name} is truncated or damaged: fetch it again.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelFolderError(f"There is not enough space to unpack {path.name}: free some.") from error
        why = error.strerror or error
        raise ModelFolderError(f"{path.name} cannot be unpacked ({why}): unpack it and choose its folder.") from error


def _checked(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The entries to unpack.

    Raises:
        ModelFolderError: An entry is not allowed.
    """
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES or len({info.filename for info in infos}) != len(infos):
        raise ModelFolderError(
            f"{path.name} has more files inside than models have, or the same one twice: unpack it and choose its "
            "folder."
        )
    size = path.stat().st_size
    if sum(info.compress_size for info in infos) > size:
        raise ModelFolderError(f"{path.name} claims to hold more than its own size: {ELSEWHERE}.")
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES or total > max(_SMALL, MOST_UNFOLDING * size):
        raise ModelFolderError(f"{path.name} unfolds to far more than weights would: {ELSEWHERE}.")
    wanted = []
    for info in infos:
        parts = info.filename.split("/")
        if ".." in parts or "" in parts[:-1] or "\\" in info.filename or ":" in info.filename:
            raise ModelFolderError(f"{path.name} holds a file whose path leads out of it: {ELSEWHERE}.")
        if info.flag_bits & 1:
            raise ModelFolderError(f"{path.name} is encrypted: unpack it and choose its folder.")
        if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16) or parts[0] == "__MACOSX":
            continue
        if parts[-1].lower().endswith(WANTED):
            wanted.append(info)
    if not wanted:
        raise ModelFolderError(f"{path.name} holds no checkpoint ({', '.join(CHECKPOINTS)}): choose one that does.")
    return wanted


def _check_space(path: Path, target: Path, needed: int) -> None:
    place = next(folder for folder in (target, *target.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < needed:
        raise ModelFolderError(
            f"There is not enough space to unpack {path.name}: it takes {needed >> 20} MiB and {free >> 20} MiB are "
            "free: free some."
        )
