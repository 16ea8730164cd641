"""Large files that models side by side have in common are on the disk once, as hard links.

Whoever deletes one name of a file leaves the others whole. Writing into it would show under every name, so nothing here
does that: a file is made under a name of its own and moved to where it belongs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_BLOCK = 1 << 20


def link_or_copy(source: Path, target: Path, others: Iterable[Path]) -> None:
    """Have `target` hold what `source` does: as a link to one of `others` with the same bytes, else as a copy.

    Raises OSError if the disk refuses the copy.
    """
    if link_to_twin(source, target, others):
        return
    aside = _aside(target)
    try:
        shutil.copyfile(source, aside)
        os.replace(aside, target)
    except OSError:
        with suppress(OSError):
            aside.unlink()
        raise


def link_to_twin(source: Path, target: Path, others: Iterable[Path]) -> bool:
    """Make `target` a link to the first of `others` with the same bytes as `source`, which may be `target` itself.

    Returns whether it is one now. If there is none, or the disk knows no links, nothing has changed.
    """
    for other in others:
        if not have_same_bytes(source, other):
            continue
        aside = _aside(target)
        try:
            os.link(other, aside)
            os.replace(aside, target)
        except OSError:  # another disk, one without links such as FAT, a file that is another user's
            with suppress(OSError):
                aside.unlink()
            continue
        with suppress(OSError):
            aside.unlink()  # where both were links to one file already, moving leaves both names
        return True
    return False


def have_same_bytes(one: Path, other: Path) -> bool:
    """Whether both are files with the same content; links to a file elsewhere do not count. Reads both to the first
    difference."""
    try:
        if other.is_symlink() or not other.is_file() or one.stat().st_size != other.stat().st_size:
            return False
        if os.path.samefile(one, other):
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
