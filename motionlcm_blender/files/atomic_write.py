"""Write a file beside its place, then move it there: readers see the old content or the new, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import MotionLCMError


def replace_file(file: Path, write: Callable[[Path], object]) -> None:
    """Replace a file by one that `write` makes.

    Args:
        file: the file, in a folder that exists.
        write: called with a path of the same suffix, in a temporary folder beside the file.

    Raises:
        OSError: the disk refuses; the file is as it was.
    """
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".motionlcm-") as folder:
        temporary = Path(folder) / f"motion{file.suffix.lower()}"
        write(temporary)
        os.replace(temporary, file)


def write_aside(file: Path, write: Callable[[Path], object]) -> None:
    """`replace_file`, with one sentence for what the disk refuses. Raises MotionLCMError."""
    try:
        replace_file(file, write)
    except OSError as error:
        raise MotionLCMError(f"{file} cannot be written: {error.strerror or error}.") from error


def replace_bytes(file: Path, content: bytes) -> None:
    """Replace a file by these bytes; its folder is made if it is missing.

    The content is on the disk before the file has its name, so a crash of the system leaves no empty file.

    Raises:
        OSError: the disk refuses; the file is as it was.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
