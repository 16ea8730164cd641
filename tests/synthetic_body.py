"""Body model files of our own making, laid out as SMPL's, SMPL-H's and SMPL-X's are: no licensed number is in them.

Each joint has an octahedron of vertices around it, of which it is the mean; weights are spread over neighbours.
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np

RADIUS = 0.05


def body_arrays(
    rest: np.ndarray, parents: tuple[int, ...], seed: int = 0, shapes: int = 12, corrections: float = 0.0
) -> dict[str, np.ndarray]:
    """The arrays of a body model file. rest: (J, 3) joints, metres, Y up; parents: of each, -1 for the root.

    corrections: metres, spread of the pose-dependent shapes.
    """
    rng = np.random.default_rng(seed)
    count = len(rest)
    corners = RADIUS * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float)
    sides = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])
    weights = np.zeros((6 * count, count))
    for joint, parent in enumerate(parents):
        for corner in range(6):
            share = rng.uniform(0.0, 0.5)
            weights[6 * joint + corner, joint] = 1.0 - share
            weights[6 * joint + corner, max(parent, 0)] += share
    return {
        "v_template": (rest[:, None] + corners).reshape(-1, 3),
        "shapedirs": rng.normal(0.0, 0.004, (6 * count, 3, shapes)),
        "posedirs": corrections * np.random.default_rng(seed + 1).standard_normal((6 * count, 3, 9 * (count - 1))),
        "J_regressor": np.kron(np.eye(count), np.full((1, 6), 1.0 / 6.0)),
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, *parents[1:]], range(count)], np.int64),
        "f": (6 * np.arange(count)[:, None, None] + sides).reshape(-1, 3).astype(np.uint32),
    }


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    np.savez_compressed(path, **arrays)
    return path


def _text(text: bytes) -> bytes:
    """A Python-2 string."""
    return b"U" + bytes([len(text)]) + text if len(text) < 256 else b"T" + struct.pack("<i", len(text)) + text


def _whole(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def _tuple(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def _dtype(dtype: np.dtype) -> bytes:
    made = b"cnumpy\ndtype\n" + _tuple(_text(dtype.str[1:].encode()), _whole(0), _whole(1)) + b"R"
    return made + _tuple(_whole(3), _text(b"<"), b"N", b"N", b"N", _whole(-1), _whole(-1), _whole(0)) + b"b"


def python2_array(array: np.ndarray) -> bytes:
    """The instructions with which Python 2 pickles an array in protocol 2."""
    array = np.asarray(array)
    made = b"cnumpy.core.multiarray\n_reconstruct\n"
    made += _tuple(b"cnumpy\nndarray\n", _tuple(_whole(0)), _text(b"b")) + b"R"
    shape = _tuple(*(_whole(n) for n in array.shape))
    return made + _tuple(_whole(1), shape, _dtype(array.dtype), b"\x89", _text(array.tobytes())) + b"b"


def python2_object(module: str, name: str, state: dict[str, bytes]) -> bytes:
    """An object of a class of the old kind of protocol 2, with instructions for each part of its state."""
    made = b"ccopy_reg\n_reconstructor\n"
    made += _tuple(f"c{module}\n{name}\n".encode(), b"c__builtin__\nobject\n", b"N") + b"R"
    return made + python2_dict(state) + b"b"


def python2_dict(parts: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(_text(key.encode()) + value for key, value in parts.items()) + b"u"


def python2_chumpy(array: np.ndarray) -> bytes:
    """As chumpy pickles an array, with a set in its state."""
    dirty = b"c__builtin__\nset\n" + _tuple(b"](" + _text(b"x") + b"e") + b"R"
    return python2_object("chumpy.ch", "Ch", {"x": python2_array(array), "_dirty_vars": dirty, "_itr": b"N"})


def python2_columns(array: np.ndarray) -> bytes:
    """As scipy pickles a csc_matrix."""
    columns, rows = np.nonzero(array.T)
    starts = np.concatenate([[0], np.cumsum((array != 0).sum(0))]).astype(np.int32)
    state = {
        "_shape": _tuple(*(_whole(n) for n in array.shape)), "format": _text(b"csc"), "maxprint": _whole(50),
        "indptr": python2_array(starts), "indices": python2_array(rows.astype(np.int32)),
        "data": python2_array(array[rows, columns]),
    }  # fmt: skip
    return python2_object("scipy.sparse.csc", "csc_matrix", state)


def python2_pickle(arrays: dict[str, np.ndarray], **instead: bytes) -> bytes:
    """A body model as its authors pickled it; instead: instructions for some of its entries."""
    parts = {name: python2_array(array) for name, array in arrays.items()}
    parts |= {"shapedirs": python2_chumpy(arrays["shapedirs"]), "J_regressor": python2_columns(arrays["J_regressor"])}
    parts |= {"bs_type": _text(b"lrotmin"), "bs_style": _text(b"lbs"), **instead}
    return b"\x80\x02" + python2_dict(parts) + b"."


def write_pickle(path: Path, arrays: dict[str, np.ndarray], protocol: int = 0) -> Path:
    """A .pkl: as Python 2 writes it, or with one of Python 3's protocols."""
    path.write_bytes(pickle.dumps(arrays, protocol) if protocol else python2_pickle(arrays))
    return path
