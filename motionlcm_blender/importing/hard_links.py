"""Hard links between model folders, so that equal large files use disk space once.

Deleting one name of a file keeps the others. Writing into the file would change all of them, so nothing here writes
into a file: it creates a new file under another name and moves it into place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_BLOCK = 1 << 20


def link_or_copy(source: Path, target: Path, others: Iterable[Path]) -> None:
    """Create `target` with the content of `source`: a link to one of `others` with the same bytes, else a copy.

    Raises:
        OSError: The file cannot be copied.
    """
    if link_to_twin(source, target, others):
        return
    aside = _aside(target)
    try:
        shutil.copyfile(source, aside)
        aside.replace(target)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def link_to_twin(source: Path, target: Path, others: Iterable[Path]) -> bool:
    """Make `target` a link to the first of `others` with the same bytes as `source`, which may be `target` itself.

    Returns:
        Whether it is a link now. Without an equal file, or on a disk without hard links, nothing changes.
    """
    for other in others:
        if not have_same_bytes(source, other):
            continue
        aside = _aside(target)
        try:
            os.link(other, aside)
            aside.replace(target)
        except OSError:  # another disk, one without links such as FAT, or another user's file
            with suppress(OSError):
                aside.unlink()
            continue
        with suppress(OSError):
            aside.unlink()  # if both were links to one file, moving keeps both names
        return True
    return False


def have_same_bytes(one: Path, other: Path) -> bool:
    """Whether both are regular files with equal content, symbolic links excluded; reads up to the first difference."""
    try:
        if other.is_symlink() or not other.is_file() or one.stat().st_size != other.stat().st_size:
            return False
        if one.samefile(other):
            return True
        with one.open("rb") as first, other.open("rb") as second:
            while block := first.read(_BLOCK):
                if block != second.read(_BLOCK):
                    return False
            return True
    except OSError:
        return False


def _aside(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    aside.unlink(missing_ok=True)
    return aside
