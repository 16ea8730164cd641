"""A .zip that checkpoints were handed out in: unpacked with what is needed of it, and nothing outside its folder."""

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
"""Unpacked; all published checkpoints, statistics and the text encoder have less."""
MOST_UNFOLDING = 20
"""Times its own size an archive may unfold to. Weights hardly shrink; what shrinks more was made to fill a disk."""
_SMALL = 64 << 20
"""Up to here an archive may unfold as it likes."""
CHECKPOINTS = (".ckpt", ".pt", ".pth", ".safetensors")
WANTED = (*CHECKPOINTS, ".bin", ".npy", ".json", ".model")
ELSEWHERE = "nothing of it was unpacked; get it from its authors"
_BLOCK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, UnicodeError)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip of files, and not one checkpoint, which is a zip itself."""
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
    """Unpack checkpoints, statistics and the text encoder's files into the folder `target`; the rest stays packed.

    Raises ModelFolderError, with one sentence, if the archive is damaged, leads out of its folder, or unfolds to more
    than weights would; Cancelled. What was unpacked until then is the caller's to remove.
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
    """The entries to unpack. Raises ModelFolderError."""
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
