"""Arrays from .npz files, read without pickles and with limits of size.

`numpy.load(allow_pickle=False)` checks a header's shape after it has reserved the memory. This reader checks it before.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib

import numpy as np

from ..array_types import AnyArray
from .pickle_arrays import LARGEST_ARRAY, Refused

_NUMBERS, _TEXT = "fiub", "US"


class Pickled(Refused):
    """An array of Python objects: NumPy stores these as a pickle, which could run any code."""


class NpzArrays:
    """The arrays of an .npz file.

    Args:
        content: Bytes of the file.
        meaning: What the file should be, such as "body model"; for messages.

    Raises:
        Refused: The bytes are no .npz file.
    """

    def __init__(self, content: bytes, meaning: str) -> None:
        self._meaning = meaning
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
            raise Refused("is truncated or no .npz file") from None
        self._members = {info.filename: info for info in self._archive.infolist()}
        if not any(name.endswith(".npy") for name in self._members):
            raise Refused("is an archive: unpack it first")

    def __contains__(self, name: str) -> bool:
        """Whether there is an array of this name."""
        return f"{name}.npy" in self._members

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all arrays, in the order of the file."""
        return tuple(name.removesuffix(".npy") for name in self._members if name.endswith(".npy"))

    def read(self, name: str, text: bool = False) -> AnyArray:
        """Read an array.

        Args:
            name: Its name.
            text: Whether the array may hold text in place of numbers.

        Returns:
            The array.

        Raises:
            Pickled: It is one of Python objects.
            Refused: It is missing, damaged, too large, or of another type.
        """
        info = self._members.get(f"{name}.npy")
        if info is None:
            raise Refused(f"holds no {name}, so it is no {self._meaning}")
        if info.file_size > LARGEST_ARRAY:  # reading stops at this size, whatever the compressed bytes unpack to
            raise Refused(f"holds an array that is too large for a {self._meaning}")
        try:
            return _array(self._archive.read(info), _NUMBERS + _TEXT * text)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError, SyntaxError, TypeError):
            raise Refused(f"is truncated, or its {name} is no array") from None


def _array(stored: bytes, kinds: str) -> AnyArray:
    """Parse an .npy file without pickles; its header is checked against the size before the array is created."""
    file = io.BytesIO(stored)
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    rest = stored[file.tell() :]
    if dtype.hasobject:
        raise Pickled("holds an array that is not one of plain numbers")
    if dtype.kind not in kinds:
        raise Refused("holds an array that is not one of plain numbers")
    if not all(0 <= n < LARGEST_ARRAY for n in shape) or math.prod(shape) * dtype.itemsize != len(rest):
        raise Refused("holds an array whose size does not fit its shape")
    if dtype.itemsize == 0:
        return np.zeros(shape, dtype)
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran else "C")
