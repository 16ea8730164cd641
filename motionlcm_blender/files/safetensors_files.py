"""Arrays in .safetensors files: read completely and checked, written atomically.

No file can run code here. Files are read into memory instead of mapped, so that they can be replaced or deleted while
a model is loaded (Windows locks mapped files).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import DeviceError, ModelFolderError
from .atomic_write import replace_bytes


def read_arrays(path: Path) -> tuple[dict[str, FloatArray], str]:
    """Read all arrays of a file as float32.

    float16 and float64 are converted.

    Args:
        path: The file.

    Returns:
        Arrays by name, and the sha256 of the file.

    Raises:
        ModelFolderError: The file is missing, truncated, a pickle or not a safetensors file, or has arrays of other
            types or numbers that are not finite.
        DeviceError: There is not enough memory.
    """
    content = read_bytes(path)
    arrays = {name: as_float32(name, array, path) for name, array in parsed(content, path).items()}
    return arrays, hashlib.sha256(content).hexdigest()


def read_stored(path: Path) -> dict[str, AnyArray]:
    """Read all arrays of a file in their stored types; errors as in `read_arrays`."""
    return parsed(read_bytes(path), path)


def as_float32(name: str, array: AnyArray, path: Path) -> FloatArray:
    """Convert an array to float32.

    Args:
        name: Name of the array, for the message.
        array: The array.
        path: Its file, for the message.

    Returns:
        The float32 array.

    Raises:
        ModelFolderError: The array is not float16, float32 or float64, or not finite.
        DeviceError: There is not enough memory.
    """
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise ModelFolderError(f"{name} in {path.name} is of type {array.dtype}, not float16 or float32.")
    try:
        result: FloatArray = np.ascontiguousarray(array, dtype=np.float32)
    except MemoryError as error:
        raise DeviceError(f"There is not enough memory to load {path.name}.") from error
    if not np.isfinite(result).all():
        raise ModelFolderError(f"{name} in {path.name} holds numbers that are not finite.")
    return result


def parsed(content: bytes, path: Path) -> dict[str, AnyArray]:
    """Parse the content of a safetensors file.

    Args:
        content: Bytes of the file.
        path: The file, for messages.

    Returns:
        Arrays by name, in their stored types.

    Raises:
        ModelFolderError: This is not a valid safetensors file.
        DeviceError: There is not enough memory.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    # A safetensors file starts with the length of its header, whose first byte is arbitrary, then the header's "{".
    if content[8:9] != b"{" and (content[:2] == b"PK" or content[:1] == b"\x80"):
        raise ModelFolderError(f"{path.name} is a pickle, not a safetensors file: import the checkpoint first.")
    if content[:7] == b"version" or len(content) < 8:
        raise ModelFolderError(f"{path.name} is a placeholder or empty, not the weights: fetch the file again.")
    try:
        return dict(load(content))
    except SafetensorError as error:
        raise ModelFolderError(f"{path.name} is truncated or no safetensors file: fetch it again.") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError(f"{path.name} holds numbers of a kind that NumPy cannot read.") from error
    except MemoryError as error:
        raise DeviceError(f"There is not enough memory to load {path.name}.") from error


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        ModelFolderError: The file cannot be read.
        DeviceError: There is not enough memory.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelFolderError(f"{path.name} is missing in {path.parent}.") from None
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error.strerror}.") from error
    except MemoryError as error:
        raise DeviceError(f"There is not enough memory to load {path.name}.") from error


def write_arrays(path: Path, arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays in their types.

    Raises:
        ModelFolderError: The file cannot be written.
    """
    from safetensors.numpy import save

    write_bytes(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        ModelFolderError: The file cannot be written.
    """
    try:
        replace_bytes(path, content)
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be written: {error.strerror}.") from error


def sha256(path: Path) -> str:
    """Compute the sha256 of a file, block by block.

    Raises:
        ModelFolderError: The file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except FileNotFoundError:
        raise ModelFolderError(f"{path.name} is missing in {path.parent}.") from None
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
