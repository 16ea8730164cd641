"""Pickles of arrays, read without running anything in them.

Body models are handed out as Python-2 pickles, and a pickle can call whatever it names. Here every name is looked up
in a short list, and every entry is a class of this module that does no more than keep what it is given: not even NumPy
is called until the whole file has been read, and then only with bytes whose number fits their shape.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from typing import Any, TypeGuard

import numpy as np

LARGEST_ARRAY = 256 << 20
"""Bytes of one array, as float64. The shape directions of SMPL-X, the largest that is read, take 100 MB."""
MOST_STEPS, MOST_TUPLES, MOST_REUSED = 1_000_000, 10_000, 40
"""Instructions in a pickle, and tuples in it, and how often it may come back to one; see `_scan`."""
_REFUSED_STEPS = {
    "EXT1", "EXT2", "EXT4", "DUP", "POP", "POP_MARK", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER",
}  # fmt: skip
"""Never needed for arrays: names from a registry, juggling with the stack, objects from elsewhere."""


class Refused(Exception):
    """The pickle is not one of plain arrays; the message continues a sentence that begins with the file's name."""


class _Inert:
    """What stands for a class or function that a pickle names: keeps its arguments and its state, calls nothing."""

    def __new__(cls, *args: object, **_named: object) -> Any:
        made = super().__new__(cls)
        made.args = args
        made.state = None
        return made

    def __init__(self, *_args: object, **_named: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state

    args: tuple[object, ...]
    state: object


class _Ignored(_Inert):
    """object, set: nothing that is read depends on them."""

    def __setitem__(self, _key: object, _value: object) -> None:
        pass

    def append(self, _value: object) -> None:
        pass


class _Bytes(_Inert):
    """_codecs.encode(text, "latin1"): how Python 3 writes bytes for Python 2."""

    def __new__(cls, text: object = None, encoding: object = None, *_more: object) -> Any:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise Refused("encodes text in an unknown way")
        return text.encode("latin-1")


class _Dtype(_Inert):
    """numpy.dtype: its code is the first argument, its byte order the second part of its state."""

    def resolved(self) -> np.dtype:
        code = self.args[0] if self.args else None
        if isinstance(code, bytes):
            code = code.decode("latin-1")
        if not isinstance(code, str) or code.lstrip("<>=|") not in _NUMBERS:
            raise Refused("holds an array that is not one of plain numbers")
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else "="
        order = order.decode("latin-1") if isinstance(order, bytes) else order
        bare = code.lstrip("<>=|")
        return np.dtype(order + bare) if isinstance(order, str) and order in ("<", ">") else np.dtype(code)


_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}


def _is_shape(shape: object) -> TypeGuard[tuple[int, ...]]:
    """Whether it is a tuple of at most four whole numbers, none of them absurd."""
    if not isinstance(shape, tuple) or len(shape) > 4:
        return False
    return all(isinstance(n, int) and 0 <= n < LARGEST_ARRAY for n in shape)


class _Array(_Inert):
    """numpy.ndarray, whose state is (version, shape, dtype, whether in Fortran's order, bytes)."""

    def resolved(self) -> np.ndarray:
        state = self.state
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Refused("holds an array without its numbers")
        shape, dtype, fortran, content = state[-4:]
        if not isinstance(dtype, _Dtype) or not isinstance(content, (bytes, bytearray, str)):
            raise Refused("holds an array that is not one of plain numbers")
        if not _is_shape(shape):
            raise Refused("holds an array without a proper shape")
        kind = dtype.resolved()
        count = math.prod(shape)
        if count * 8 > LARGEST_ARRAY:
            raise Refused("holds an array that is too large for a body model")
        if isinstance(content, str):  # a Python-2 string, decoded as Latin-1
            try:
                content = content.encode("latin-1")
            except UnicodeEncodeError:
                raise Refused("holds an array that is not one of plain numbers") from None
        if count * kind.itemsize != len(content):
            raise Refused("holds an array whose size does not fit its shape")
        return np.frombuffer(content, kind).reshape(shape, order="F" if fortran else "C")


class _Reconstruct(_Inert):
    """numpy's _reconstruct(ndarray, shape, type): an empty array, whose state follows."""

    def __new__(cls, *_args: object) -> Any:
        return _Array()


class _FromBuffer(_Inert):
    """numpy's _frombuffer(bytes, dtype, shape, order), of pickles of protocol 5."""

    def __new__(cls, content: object = None, dtype: object = None, shape: object = None, order: object = "C") -> Any:
        made = _Array()
        made.state = (shape, dtype, order == "F", content)
        return made


class _Scalar(_Inert):
    """numpy's scalar(dtype, bytes)."""

    def __new__(cls, dtype: object = None, content: object = b"") -> Any:
        made = _Array()
        made.state = ((), dtype, False, content)
        return made


class _Reconstructor(_Inert):
    """copyreg's _reconstructor(class, base, state) and __newobj__(class): an empty object, whose state follows."""

    def __new__(cls, made_of: object = None, *_args: object) -> Any:
        if not (isinstance(made_of, type) and issubclass(made_of, _Inert)):
            raise Refused("makes an object of an unknown kind")
        return made_of()


class _Chumpy(_Inert):
    """chumpy's arrays that remember how they were computed; only the numbers they hold are of use."""

    def resolved(self) -> np.ndarray:
        held = self.state.get("x") if isinstance(self.state, dict) else None
        if not isinstance(held, _Array):
            raise Refused("holds an array that has yet to be computed")
        return held.resolved()


class _ChumpySelect(_Chumpy):
    """chumpy's slice of another of its arrays: numbers out of that one by their index, in a shape of its own."""

    def resolved(self) -> np.ndarray:
        state = self.state if isinstance(self.state, dict) else {}
        source, places, shape = state.get("a"), state.get("idxs"), state.get("preferred_shape")
        # Slices of slices are not needed, and could go on for ever.
        if type(source) not in (_Array, _Chumpy) or not isinstance(places, _Array):
            raise Refused("holds an array that has yet to be computed")
        numbers, indices = dense_array(source).ravel(), places.resolved().ravel()
        if not _is_shape(shape) or indices.dtype.kind not in "iu" or math.prod(shape) != len(indices):
            raise Refused("holds an array whose size does not fit its shape")
        if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= len(numbers)):
            raise Refused("holds an array that leads out of another")
        return np.asarray(numbers[indices.astype(np.int64)]).reshape(shape)


class _Sparse(_Inert):
    """scipy's csc_matrix or csr_matrix: only what is not zero, column by column or row by row."""

    by_column = True

    def dense(self, shape: tuple[int, int]) -> np.ndarray:
        """float64. Raises Refused if it is of another shape than `shape`, or its indices lead out of it."""
        state = self.state if isinstance(self.state, dict) else {}
        parts = [state.get(name) for name in ("data", "indices", "indptr")]
        told = state.get("_shape", state.get("shape"))
        if not all(isinstance(part, _Array) for part in parts) or not isinstance(told, tuple) or tuple(told) != shape:
            raise Refused("holds a sparse matrix of another shape than its weights ask for")
        data, indices, starts = (part.resolved() for part in parts if isinstance(part, _Array))
        lines, across = shape[::-1] if self.by_column else shape
        fits = data.ndim == indices.ndim == 1 and len(data) == len(indices) and starts.shape == (lines + 1,)
        fits = fits and indices.dtype.kind in "iu" and starts.dtype.kind in "iu"
        if not fits or starts[0] != 0 or starts[-1] != len(data) or (np.diff(starts.astype(np.int64)) < 0).any():
            raise Refused("holds a sparse matrix whose parts do not fit together")
        if len(indices) and (int(indices.min()) < 0 or int(indices.max()) >= across):
            raise Refused("holds a sparse matrix whose parts do not fit together")
        line = np.repeat(np.arange(lines), np.diff(starts.astype(np.int64)))
        result = np.zeros(shape)
        where = (indices.astype(np.int64), line) if self.by_column else (line, indices.astype(np.int64))
        np.add.at(result, where, data.astype(np.float64))
        return result


class _SparseRows(_Sparse):
    by_column = False


_KNOWN: dict[tuple[str, str], type[_Inert]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Bytes,
    ("copy_reg", "_reconstructor"): _Reconstructor,
    ("copyreg", "_reconstructor"): _Reconstructor,
    ("copyreg", "__newobj__"): _Reconstructor,
    ("__builtin__", "object"): _Ignored,
    ("builtins", "object"): _Ignored,
    ("__builtin__", "set"): _Ignored,
    ("builtins", "set"): _Ignored,
    **{(f"numpy.{core}.multiarray", name): kind for core in ("core", "_core")
       for name, kind in (("_reconstruct", _Reconstruct), ("scalar", _Scalar))},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _FromBuffer for core in ("core", "_core")},
    **{(f"scipy.sparse{part}", "csc_matrix"): _Sparse for part in ("", ".csc", "._csc")},
    **{(f"scipy.sparse{part}", "csr_matrix"): _SparseRows for part in ("", ".csr", "._csr")},
}  # fmt: skip


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = _KNOWN.get((module, name))
        if found is None and module.split(".")[0] == "chumpy":
            found = _ChumpySelect if name == "Select" else _Chumpy
        if found is None:
            asked = "".join(letter for letter in f"{module}.{name}"[:70] if letter.isprintable())
            raise Refused(f"asks for {asked}, which no body model needs, and might be harmful")
        return found


def read_inert(content: bytes) -> dict[str, object]:
    """The dictionary a pickle holds, of any protocol, with stand-ins for arrays: see `dense_array`.

    Raises Refused if it is broken, holds no dictionary, or asks for anything but arrays. Nothing in it is run.
    """
    try:
        _scan(content)
        read = _Unpickler(io.BytesIO(content), encoding="latin1").load()
    except Refused:
        raise
    except MemoryError:
        raise Refused("does not fit into memory") from None
    except Exception:  # whatever a broken pickle makes Python's reader raise: EOFError, ValueError, IndexError, ...
        raise Refused("is truncated or no pickle of a body model") from None
    if not isinstance(read, dict):
        raise Refused("holds no body model")
    return {key: value for key, value in read.items() if isinstance(key, str)}


def dense_array(value: object, shape: tuple[int, int] | None = None) -> np.ndarray:
    """The numbers of an array, of a chumpy array, or (if `shape` is given) of a sparse matrix of that shape.

    Raises Refused if it is anything else, or is broken.
    """
    if isinstance(value, (_Array, _Chumpy)):
        return value.resolved()
    if isinstance(value, _Sparse) and shape is not None:
        return value.dense(shape)
    raise Refused("holds something else where there should be an array")


def _scan(content: bytes) -> None:
    """Raises Refused for what could make Python's reader hang or fill the memory, before it begins.

    The hash of a tuple is that of what it holds, each time anew, so a few tuples that hold each other twice, used as a
    key, never end. No file of arrays refers to a tuple a second time more than now and then.
    """
    tuples = reused = 0
    used: set[int] = set()
    of_tuples: set[int] = set()
    on_top = False  # whether a tuple was pushed last
    for step, (opcode, argument, _position) in enumerate(pickletools.genops(content)):
        name = opcode.name
        if name in _REFUSED_STEPS or step > MOST_STEPS:
            raise Refused("is no plain pickle of a body model")
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            slot = len(used) if name == "MEMOIZE" or argument is None else int(argument)
            used.add(slot)
            (of_tuples.add if on_top else of_tuples.discard)(slot)
            if slot > MOST_STEPS:
                raise Refused("is no plain pickle of a body model")
            continue
        again = name in ("GET", "BINGET", "LONG_BINGET") and argument in of_tuples
        made = name.startswith("TUPLE") or name == "FROZENSET"
        on_top, tuples, reused = again or made, tuples + made, reused + again
        if tuples > MOST_TUPLES or reused > MOST_REUSED:
            raise Refused("is no plain pickle of a body model")
