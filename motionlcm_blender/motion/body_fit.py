"""Motion of any actor and capture system onto one skeleton, trunk included.

Capture systems agree on hips, knees, shoulders and elbows, which are places in the body, but not on the points of the
trunk: the pelvis joint may lie above or behind the hips, collars at the breastbone or at the neck. Keeping each bone's
direction, as `features.onto_skeleton` does, keeps these differences, and a model trained on the result learns several
trunks, none of which a skeleton with fixed bones can follow. Here the pelvis with the hips, and the chest with neck,
collars and shoulders, are rigid bodies: their motion is kept, their shape is replaced by the skeleton's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import rotations as rot
from .features import leg_ratio
from .skeleton import HUMANML, JOINT_COUNT, JOINTS, Skeleton

_J = {name: index for index, name in enumerate(JOINTS)}
_HIPS = [_J["l_hip"], _J["r_hip"]]
_SHOULDERS = [_J["l_shoulder"], _J["r_shoulder"]]
_PELVIS = [*_HIPS, _J["spine1"]]
_CHEST = [_J["neck"], *_SHOULDERS]


def onto_rig(joints: ArrayLike, skeleton: Skeleton = HUMANML) -> np.ndarray:
    """The same motion, of a figure with exactly the bones and the trunk of `skeleton`.

    joints: (T, 22, 3) metres. Spine, limbs and head keep their directions; the middle of the hips keeps its way, scaled
    by the ratio of leg lengths about its XZ point in the first frame; the lowest joint of the clip keeps its height.
    Motion that has the skeleton's own trunk and lengths comes back unchanged, except that a shrug held throughout
    is taken for the shape of the chest. Returns (T, 22, 3) float64. Raises ValueError for other shapes.
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
    carried_by = {joint: pelvis for joint in _PELVIS} | {_J[n]: chest for n in ("neck", "l_collar", "r_collar")}
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
    joints: np.ndarray, rest: np.ndarray, points: list[int], centre: np.ndarray, rest_centre: np.ndarray
) -> np.ndarray:
    """(T, 4) world rotation, relative to rest, of the rigid body that holds three points: two sides and one above.

    The body's own shape is its mean over the clip, so the orientation does not depend on the capture system but for one
    constant rotation, which brings that shape nearest to the skeleton's.
    """
    now = joints[:, points] - centre[:, None]
    sides, above = ((0, 1), 2) if points is _PELVIS else ((1, 2), 0)
    frame = _frame(now[:, sides[0]] - now[:, sides[1]], now[:, above])
    shape = rot.rotate(rot.inverse(frame)[:, None], now).mean(0)
    seen = rot.continuous(rot.best_fit(shape, now))
    wanted = rest[points] - rest_centre
    wanted = wanted * (np.linalg.norm(shape, axis=-1) / np.maximum(np.linalg.norm(wanted, axis=-1), 1e-9))[:, None]
    return rot.multiply(seen, rot.best_fit(wanted, shape))


def _shrug(joints: np.ndarray, chest: np.ndarray, shoulder: int, collar: int) -> np.ndarray:
    """(T, 4): how far the collar bone has turned, seen from the chest, from its mean direction over the clip."""
    direction = rot.rotate(rot.inverse(chest), rot.unit(joints[:, shoulder] - joints[:, collar], (1.0, 0.0, 0.0)))
    return rot.between(direction.mean(0), direction)


def _frame(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    x = rot.unit(across, (1.0, 0.0, 0.0))
    y = rot.unit(up - (up * x).sum(-1, keepdims=True) * x, (0.0, 1.0, 0.0))
    return rot.from_axes(x, y, np.cross(x, y))
