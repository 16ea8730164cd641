"""Reading of a whole file that a person chose, with one sentence for each thing that can be wrong."""

from __future__ import annotations

from pathlib import Path

from ..errors import InvalidRequest
from .pickle_arrays import LARGEST_FILE


def content_of(path: Path, meaning: str) -> bytes:
    """Read a file of at most `LARGEST_FILE` bytes.

    Args:
        path: The file.
        meaning: What the file should be, such as "body model"; for messages.

    Raises:
        InvalidRequest: The file is missing, too large or not readable.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InvalidRequest(f"{path.name} is larger than any {meaning}.")
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidRequest(f"{path.name} is not there.") from None
    except OSError as error:
        raise InvalidRequest(f"{path.name} cannot be read: {error.strerror}.") from error
    except MemoryError:
        raise InvalidRequest(f"{path.name} does not fit into memory.") from None
