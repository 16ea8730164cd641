"""Transfer of motion from any actor and capture system to the skeleton's proportions, trunk included.

Capture systems agree on hips, knees, shoulders and elbows, which are anatomical joints, but not on the points of the
trunk: the pelvis joint may lie above or behind the hips, the collars at the breastbone or at the neck.
`features.onto_skeleton` keeps the direction of every bone and therefore keeps these differences. A model trained on
such data learns several trunks, none of which a skeleton with fixed bones can follow. Here the pelvis (with the hips)
and the chest (with neck, collars and shoulders) are rigid bodies: their motion is kept and their shape is replaced by
the skeleton's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import FloatArray
from . import rotations as rot
from .features import leg_ratio
from .skeleton import HUMANML, JOINT_COUNT, JOINTS, Skeleton

_J = {name: index for index, name in enumerate(JOINTS)}
_HIPS = [_J["l_hip"], _J["r_hip"]]
_SHOULDERS = [_J["l_shoulder"], _J["r_shoulder"]]
_PELVIS = [*_HIPS, _J["spine1"]]
_CHEST = [_J["neck"], *_SHOULDERS]


def onto_rig(joints: ArrayLike, skeleton: Skeleton = HUMANML) -> FloatArray:
    """Transfer a motion to a figure with exactly the bones and the trunk of `skeleton`.

    Spine, limbs and head keep their directions. The midpoint of the hips keeps its trajectory, scaled by the ratio of
    leg lengths about its XZ position in the first frame. The lowest joint of the clip keeps its height. A motion that
    already has the skeleton's trunk and bone lengths is returned unchanged, except that a shrug held during the whole
    clip is attributed to the shape of the chest.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        skeleton: Target skeleton; its first 22 joints are those of `JOINTS`.

    Returns:
        (T, 22, 3) float64 joint positions, metres, in the frame of `joints`.

    Raises:
        ValueError: `joints` has another shape.
    """
    ratio = leg_ratio(joints, skeleton)
    joints = np.asarray(joints, dtype=np.float64)
    offsets = np.asarray(skeleton.offsets[:JOINT_COUNT], dtype=np.float64)
    rest = skeleton.rest[:JOINT_COUNT]
    parents, lengths = skeleton.parents, np.linalg.norm(offsets, axis=-1)

    pelvis = _body_rotation(joints, rest, _PELVIS, joints[:, _HIPS].mean(1), rest[_HIPS].mean(0))
    chest = _body_rotation(joints, rest, _CHEST, joints[:, _J["spine3"]], rest[_J["spine3"]])
    place = joints[:, _HIPS].mean(1) * ratio
    place[:, [0, 2]] += joints[0, _HIPS][:, [0, 2]].mean(0) - place[0, [0, 2]]

    result = np.empty((len(joints), JOINT_COUNT, 3))
    result[:, 0] = place - rot.rotate(pelvis, rest[_HIPS].mean(0))
    carried_by = dict.fromkeys(_PELVIS, pelvis) | {_J[n]: chest for n in ("neck", "l_collar", "r_collar")}
    for joint in range(1, JOINT_COUNT):
        parent = parents[joint]
        if joint in carried_by:
            bone = rot.rotate(carried_by[joint], offsets[joint])
        elif joint in _SHOULDERS:
            bone = rot.rotate(rot.multiply(chest, _shrug(joints, chest, joint, parent)), offsets[joint])
        else:
            bone = lengths[joint] * rot.unit(joints[:, joint] - joints[:, parent], offsets[joint] / lengths[joint])
        result[:, joint] = result[:, parent] + bone
    result[..., 1] += joints[..., 1].min() - result[..., 1].min()
    return result


def _body_rotation(
    joints: FloatArray, rest: FloatArray, points: list[int], centre: FloatArray, rest_centre: FloatArray
) -> FloatArray:
    """(T, 4) world rotation, relative to rest, of the rigid body given by three points: two sides and one above.

    The body's own shape is its mean over the clip. The rotation is therefore independent of the capture system up to
    one constant rotation, chosen so that the mean shape fits the skeleton's best.
    """
    now = joints[:, points] - centre[:, None]
    sides, above = ((0, 1), 2) if points is _PELVIS else ((1, 2), 0)
    frame = _frame(now[:, sides[0]] - now[:, sides[1]], now[:, above])
    shape = rot.rotate(rot.inverse(frame)[:, None], now).mean(0)
    seen = rot.continuous(rot.best_fit(shape, now))
    wanted = rest[points] - rest_centre
    wanted = wanted * (np.linalg.norm(shape, axis=-1) / np.maximum(np.linalg.norm(wanted, axis=-1), 1e-9))[:, None]
    return rot.multiply(seen, rot.best_fit(wanted, shape))


def _shrug(joints: FloatArray, chest: FloatArray, shoulder: int, collar: int) -> FloatArray:
    """(T, 4) rotation of the collar bone in the chest's frame, from its mean direction over the clip."""
    direction = rot.rotate(rot.inverse(chest), rot.unit(joints[:, shoulder] - joints[:, collar], (1.0, 0.0, 0.0)))
    return rot.between(direction.mean(0), direction)


def _frame(across: FloatArray, up: FloatArray) -> FloatArray:
    x = rot.unit(across, (1.0, 0.0, 0.0))
    y = rot.unit(up - (up * x).sum(-1, keepdims=True) * x, (0.0, 1.0, 0.0))
    return rot.from_axes(x, y, np.cross(x, y))
