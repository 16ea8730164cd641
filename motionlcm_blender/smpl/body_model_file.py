"""Reading of body models from the files of SMPL, SMPL-H and SMPL-X: .pkl and .npz.

The file is the user's own, under its own licence. A .npz is read without pickles; a .pkl, which could run any code,
through `pickle_arrays`. Only the parts that a skinned body needs are read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import InvalidRequest
from ..files.file_kinds import other_kind
from ..files.npz_arrays import NpzArrays
from ..files.pickle_arrays import Refused, dense_array, read_arrays
from ..files.user_file import content_of
from .body_model import KINDS, SHAPES, BodyModel

MOST_VERTICES = 100_000
NEEDED = ("v_template", "shapedirs", "J_regressor", "weights", "kintree_table", "f")

_Reader = Callable[[str, "tuple[int, int] | None"], AnyArray]
"""Returns an array by its name; the shape is that of a matrix that may be sparse."""


def read_body_model(path: Path, with_corrections: bool = False) -> BodyModel:
    """Read and check a body model: SMPL_NEUTRAL.pkl, SMPL_*.npz, SMPLH_*.pkl, SMPLX_*.npz and similar.

    Args:
        path: The file.
        with_corrections: Whether to read the pose-dependent shapes as well.

    Returns:
        The body model.

    Raises:
        InvalidRequest: The file is missing, too large, truncated or hostile, or is not a consistent body model with
            finite numbers and the joints of SMPL, SMPL-H or SMPL-X.
    """
    content = _content(path)
    other = other_kind(content)
    if other:
        raise InvalidRequest(f"{path.name} {other}.")
    try:
        reader = _npz_reader(content) if content[:2] == b"PK" else _pickle_reader(content)
        model = _checked(reader)
        return replace(model, pose_directions=_pose_directions(reader, model)) if with_corrections else model
    except Refused as problem:
        raise InvalidRequest(f"{path.name} {problem}.") from None
    except MemoryError:
        raise InvalidRequest(f"{path.name} does not fit into memory.") from None


def _content(path: Path) -> bytes:
    if path.suffix.lower() not in (".pkl", ".npz"):
        raise InvalidRequest(f"{path.name or 'This'} is no body model: choose a .pkl or .npz file of SMPL or SMPL-X.")
    return content_of(path, "body model")


def _pickle_reader(content: bytes) -> _Reader:
    held = read_arrays(content)

    def read(name: str, shape: tuple[int, int] | None) -> AnyArray:
        if name not in held:
            raise Refused(f"holds no {name}, so it is no body model")
        return dense_array(held[name], shape)

    return read


def _npz_reader(content: bytes) -> _Reader:
    arrays = NpzArrays(content, "body model")

    def read(name: str, _shape: tuple[int, int] | None) -> AnyArray:
        return arrays.read(name)

    return read


def _checked(read: _Reader) -> BodyModel:
    """Build a body model from arrays.

    Raises:
        Refused: The arrays do not make a body.
    """
    template = _numbers(read("v_template", None), "v_template")
    if template.ndim != 2 or template.shape[1] != 3 or not 3 < len(template) <= MOST_VERTICES:
        raise Refused("holds a v_template of the wrong shape")
    count = len(template)
    weights = _numbers(read("weights", None), "weights")
    if weights.ndim != 2 or len(weights) != count:
        raise Refused("holds weights of the wrong shape")
    kind = KINDS.get(weights.shape[1])
    if kind is None:
        raise Refused(f"has {weights.shape[1]} joints: bodies have 24 (SMPL), 52 (SMPL-H) or 55 (SMPL-X)")
    joints = len(kind.names)
    total = weights.sum(1, keepdims=True)
    if weights.min() < -1e-6 or np.abs(total - 1.0).max() > 0.01:
        raise Refused("holds weights that do not sum to one")
    weights = np.maximum(weights, 0.0) / np.maximum(weights, 0.0).sum(1, keepdims=True)
    _check_tree(read("kintree_table", None), kind.parents, kind.name)
    regressor = _numbers(read("J_regressor", (joints, count)), "J_regressor")
    if regressor.shape != (joints, count):
        raise Refused("holds a J_regressor of the wrong shape")
    directions = read("shapedirs", None)
    if directions.ndim != 3 or directions.shape[:2] != (count, 3) or directions.shape[2] < 1:
        raise Refused("holds shapedirs of the wrong shape")
    faces = read("f", None)
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise Refused("holds faces of the wrong shape")
    if len(faces) > 4 * MOST_VERTICES:
        raise Refused("holds more faces than a body has")
    if len(faces) and (int(faces.min()) < 0 or int(faces.max()) >= count):
        raise Refused("holds faces of vertices that are not there")
    return BodyModel(
        kind, template, _numbers(directions[:, :, :SHAPES], "shapedirs"), regressor, weights, faces.astype(np.int64)
    )


def _pose_directions(read: _Reader, model: BodyModel) -> FloatArray:
    """The pose-dependent shapes, (V, 3, 9 (J - 1)) float32.

    Raises:
        Refused: They are missing or of another shape.
    """
    directions = read("posedirs", None)
    count, joints = len(model.template), len(model.kind.names)
    if directions.ndim == 2 and directions.shape == (9 * (joints - 1), 3 * count):  # as PyTorch code stores them
        directions = directions.T.reshape(count, 3, -1)
    if directions.shape != (count, 3, 9 * (joints - 1)):
        raise Refused("holds posedirs of the wrong shape")
    result = np.array(directions, dtype=np.float32)
    if not np.isfinite(result).all() or (result.size and np.abs(result).max() > 1e6):
        raise Refused("holds posedirs with numbers that no body has")
    return result


def _numbers(array: AnyArray, name: str) -> FloatArray:
    result = np.array(array, dtype=np.float64)
    if not np.isfinite(result).all():
        raise Refused(f"holds {name} with numbers that are not finite")
    if result.size and np.abs(result).max() > 1e6:
        raise Refused(f"holds {name} with numbers that no body has")
    return result


def _check_tree(table: AnyArray, parents: tuple[int, ...], kind: str) -> None:
    """Check kintree_table (2, J): parents in row 0, joints in row 1; the root's parent may be any number."""
    count = len(parents)
    if table.shape != (2, count) or table.dtype.kind not in "iu":
        raise Refused("holds a kintree_table of the wrong shape")
    if [int(n) for n in table[1]] != list(range(count)) or [int(n) for n in table[0, 1:]] != list(parents[1:]):
        raise Refused(f"has joints that hang from others than those of {kind}")
