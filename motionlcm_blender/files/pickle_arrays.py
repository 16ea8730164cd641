"""Arrays from a pickle that was read as data: NumPy's, and those of chumpy and SciPy in body models.

`pickle_reader` leaves a placeholder for each array. This module recognises the placeholder by the name of its
constructor, and calls NumPy only with bytes whose number fits the shape.
"""

from __future__ import annotations

import math
from typing import Any, TypeGuard

import numpy as np

from ..array_types import AnyArray, FloatArray
from .pickle_reader import DamagedPickle, GlobalRef, HostilePickle, ReduceCall, read_pickle

LARGEST_FILE = 1 << 30
"""Bytes; the largest published body model, SMPL-X as a pickle, has half of it."""
LARGEST_ARRAY = 256 << 20
"""Bytes of one array, as float64. The largest array that is read, the shape directions of SMPL-X, has 100 MB."""
MOST_OPERATIONS = 1_000_000
"""A body model has some hundred for each array."""

_MAKERS = {("copy_reg", "_reconstructor"), ("copyreg", "_reconstructor"), ("copyreg", "__newobj__")}
"""Constructors of older protocols: the class is the first argument."""
_KINDS = {
    ("numpy", "ndarray"): "array", ("numpy", "dtype"): "dtype", ("_codecs", "encode"): "bytes",
    **{(f"numpy.{core}.multiarray", name): kind for core in ("core", "_core")
       for name, kind in (("_reconstruct", "array"), ("scalar", "scalar"))},
    **{(f"numpy.{core}.numeric", "_frombuffer"): "buffer" for core in ("core", "_core")},
    **{(f"scipy.sparse{part}", "csc_matrix"): "columns" for part in ("", ".csc", "._csc")},
    **{(f"scipy.sparse{part}", "csr_matrix"): "rows" for part in ("", ".csr", "._csr")},
    **{(module, name): "ignored" for module in ("builtins", "__builtin__") for name in ("object", "set")},
}  # fmt: skip
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}


class Refused(Exception):
    """The file does not contain plain arrays; the message continues a sentence that starts with the file's name."""


def read_arrays(content: bytes) -> dict[str, Any]:
    """Read the dictionary of a pickle of any protocol, with placeholders for arrays (see `dense_array`).

    Nothing in the pickle is executed.

    Args:
        content: Bytes of the file.

    Returns:
        The dictionary.

    Raises:
        Refused: The pickle is damaged, is not a dictionary, or names anything but arrays.
    """
    try:
        read = read_pickle(content, _is_foreign, LARGEST_FILE, MOST_OPERATIONS)
    except HostilePickle as error:
        raise Refused(f"names {error}, which no body model needs, and might be harmful") from None
    except DamagedPickle:
        raise Refused("is truncated or no plain pickle of a body model") from None
    if not isinstance(read, dict):
        raise Refused("holds no body model")
    return read


def dense_array(value: object, shape: tuple[int, int] | None = None) -> AnyArray:
    """Convert a placeholder to an array.

    Args:
        value: Placeholder of an array, of a chumpy array or of a sparse matrix.
        shape: Shape of a matrix that may be sparse.

    Returns:
        The array.

    Raises:
        Refused: The placeholder is something else or damaged.
    """
    kind, state = _kind(value), _state(value)
    if kind in ("array", "scalar", "buffer"):
        return _array(value)
    if kind == "select":
        return _selected(state)
    if kind == "chumpy":  # chumpy arrays remember how they were computed; only their numbers are needed
        if _kind(state.get("x")) not in ("array", "buffer"):
            raise Refused("holds an array that has yet to be computed")
        return _array(state["x"])
    if kind in ("columns", "rows") and shape is not None:
        return _sparse(state, shape, kind == "columns")
    raise Refused("holds something else where there should be an array")


def _is_foreign(module: str, name: str) -> bool:
    return (module, name) not in _MAKERS and not _kind_named(module, name)


def _kind_named(module: str, name: str) -> str:
    if module.split(".")[0] == "chumpy":
        return "select" if name == "Select" else "chumpy"
    return _KINDS.get((module, name), "")


def _kind(value: object) -> str:
    """Kind of a placeholder; "" for anything else."""
    what = value.what if isinstance(value, ReduceCall) else None
    if isinstance(what, GlobalRef) and (what.module, what.name) in _MAKERS and _arguments(value):
        what = _arguments(value)[0]
    return _kind_named(what.module, what.name) if isinstance(what, GlobalRef) else ""


def _arguments(value: object) -> tuple[Any, ...]:
    return value.arguments if isinstance(value, ReduceCall) and isinstance(value.arguments, tuple) else ()


def _state(value: object) -> dict[str, Any]:
    return value.state if isinstance(value, ReduceCall) and isinstance(value.state, dict) else {}


def _array(value: Any) -> AnyArray:
    """Array from a placeholder with the state (version, shape, dtype, Fortran order, bytes).

    Or with the arguments of NumPy's `scalar` or `_frombuffer`.
    """
    kind, parts = _kind(value), value.state
    if kind == "scalar":
        parts = ((), *_arguments(value)[:1], False, *_arguments(value)[1:])
    elif kind == "buffer" and len(_arguments(value)) == 4:
        content, dtype, shape, order = _arguments(value)
        parts = (shape, dtype, order == "F", content)
    if not isinstance(parts, tuple) or len(parts) not in (4, 5):
        raise Refused("holds an array without its numbers")
    shape, dtype, fortran, content = parts[-4:]
    numbers, content = _dtype(dtype), _bytes(content)
    if not _is_shape(shape):
        raise Refused("holds an array without a proper shape")
    count = math.prod(shape)
    if count * 8 > LARGEST_ARRAY:
        raise Refused("holds an array that is too large for a body model")
    if count * numbers.itemsize != len(content):
        raise Refused("holds an array whose size does not fit its shape")
    return np.frombuffer(content, numbers).reshape(shape, order="F" if fortran else "C")


def _dtype(value: object) -> np.dtype[np.generic]:
    """Data type of a numpy.dtype placeholder, from its code (first argument) and byte order (in its state)."""
    arguments, state = _arguments(value), value.state if isinstance(value, ReduceCall) else None
    code = _bytes(arguments[0]).decode("latin-1") if _kind(value) == "dtype" and arguments else ""
    if (bare := code.lstrip("<>=|")) not in _NUMBERS:
        raise Refused("holds an array that is not one of plain numbers")
    order = _bytes(state[1]).decode("latin-1") if isinstance(state, tuple) and len(state) > 1 else "="
    return np.dtype(order + bare if order in ("<", ">") else code)


def _bytes(value: object) -> bytes | bytearray:
    """Bytes from any protocol: Python 3 pickles a call of an encoder where Python 2 has a string."""
    if _kind(value) == "bytes" and _arguments(value)[1:] in (("latin1",), ("latin-1",)):
        value = _arguments(value)[0]
    try:
        value = value.encode("latin-1") if isinstance(value, str) else value
    except UnicodeEncodeError:
        value = None
    if not isinstance(value, (bytes, bytearray)):
        raise Refused("holds an array that is not one of plain numbers")
    return value


def _is_shape(shape: object) -> TypeGuard[tuple[int, ...]]:
    """Whether the value is a tuple of at most four whole numbers of plausible size."""
    if not isinstance(shape, tuple) or len(shape) > 4:
        return False
    return all(isinstance(n, int) and 0 <= n < LARGEST_ARRAY for n in shape)


def _selected(state: dict[str, Any]) -> AnyArray:
    """Numbers of a chumpy slice: elements of another array by index, in a shape of its own."""
    source, places, shape = state.get("a"), state.get("idxs"), state.get("preferred_shape")
    # Nested slices are not needed, and could be infinite.
    if _kind(source) not in ("array", "buffer", "chumpy") or _kind(places) not in ("array", "buffer"):
        raise Refused("holds an array that has yet to be computed")
    numbers, indices = dense_array(source).ravel(), _array(places).ravel()
    if not _is_shape(shape) or indices.dtype.kind not in "iu" or math.prod(shape) != len(indices):
        raise Refused("holds an array whose size does not fit its shape")
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= len(numbers)):
        raise Refused("holds an array that leads out of another")
    return np.asarray(numbers[indices.astype(np.int64)]).reshape(shape)


def _sparse(state: dict[str, Any], shape: tuple[int, int], by_column: bool) -> FloatArray:
    """Dense float64 array of scipy's csc_matrix (column by column) or csr_matrix (row by row)."""
    parts = [state.get(name) for name in ("data", "indices", "indptr")]
    stored_shape = state.get("_shape", state.get("shape"))
    if not all(_kind(part) in ("array", "buffer") for part in parts) or stored_shape != shape:
        raise Refused("holds a sparse matrix of another shape than that of its weights")
    data, indices, starts = (_array(part) for part in parts)
    lines, across = shape[::-1] if by_column else shape
    fits = data.ndim == indices.ndim == 1 and len(data) == len(indices) and starts.shape == (lines + 1,)
    fits = fits and indices.dtype.kind in "iu" and starts.dtype.kind in "iu"
    if not fits or starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts.astype(np.int64)) < 0).any():
        raise Refused("holds a sparse matrix whose parts do not fit together")
    if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= across):
        raise Refused("holds a sparse matrix whose parts do not fit together")
    line, index = np.repeat(np.arange(lines), np.diff(starts.astype(np.int64))), indices.astype(np.int64)
    result = np.zeros(shape)
    np.add.at(result, (index, line) if by_column else (line, index), data.astype(np.float64))
    return result
