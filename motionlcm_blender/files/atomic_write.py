"""Atomic writing of files: readers see the old content or the new, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..errors import MotionLCMError


def replace_file(file: Path, write: Callable[[Path], object]) -> None:
    """Replace a file atomically.

    Args:
        file: The file, in an existing folder.
        write: Called with a path of the same suffix, in a temporary folder beside the file.

    Raises:
        OSError: The file cannot be written; it is unchanged.
    """
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".motionlcm-") as folder:
        temporary = Path(folder) / f"motion{file.suffix.lower()}"
        write(temporary)
        temporary.replace(file)


def write_aside(file: Path, write: Callable[[Path], object]) -> None:
    """Replace a file as `replace_file` does, with one sentence for errors of the operating system.

    Raises:
        MotionLCMError: The file cannot be written; it is unchanged.
    """
    try:
        replace_file(file, write)
    except OSError as error:
        raise MotionLCMError(f"{file} cannot be written: {error.strerror or error}.") from error


def replace_bytes(file: Path, content: bytes) -> None:
    """Replace the content of a file atomically; creates its folder if missing.

    The content is flushed to the disk before the file gets its name, so a system crash leaves no empty file.

    Args:
        file: The file.
        content: The new content.

    Raises:
        OSError: The file cannot be written; it is unchanged.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
