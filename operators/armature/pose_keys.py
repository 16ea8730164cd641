"""Convert fitted keys of a clip to keys of pose bones, in quaternions and in Euler angles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np

from ...motionlcm_blender.keyframes.keys import BezierKeys, SparseKeys
from ...motionlcm_blender.motion import rotations
from ...motionlcm_blender.motion.euler_angles import euler_quaternions
from .smpl_rig import Rig, bone_axes


@dataclass(frozen=True, eq=False)
class EulerBones:
    """The joints whose bones use Euler angles, and the conversion for fitting their keys.

    orders: Euler order of each joint of the skeleton, such as "ZXY", or "" for a bone in another mode. outer, inner:
    (J, 4) quaternions: outer * the clip's rotation * inner has XYZ angles that equal the bone's own angles up to their
    order and sign (`euler_axes`).
    """

    orders: tuple[str, ...]
    outer: np.ndarray
    inner: np.ndarray

    @property
    def modes(self) -> tuple[str, ...]:
        """The rotation modes in the form that `fit_keys` expects."""
        return tuple("XYZ" if order else "QUATERNION" for order in self.orders)


def euler_bones(obj: bpy.types.Object, rig: Rig, units_per_metre: float, root: bool = True) -> EulerBones | None:
    """The bones of the object that use Euler angles; None if there is none. root: whether to include the root's
    bone."""
    axes = bone_axes(obj, rig, units_per_metre)
    orders = [""] * len(rig.bones)
    outer, inner = np.tile(rotations.IDENTITY, (2, len(rig.bones), 1))
    for name, (joint, left, right) in axes.turns.items():
        mode = obj.pose.bones[name].rotation_mode
        if mode in ("QUATERNION", "AXIS_ANGLE") or (joint == 0 and not root):
            continue
        relabel, _, _ = euler_axes(mode)
        orders[joint] = mode
        outer[joint] = rotations.multiply(relabel, left)
        inner[joint] = rotations.multiply(right, rotations.inverse(relabel))
    return EulerBones(tuple(orders), outer, inner) if any(orders) else None


def euler_axes(order: str) -> tuple[np.ndarray, list[int], float]:
    """Express rotations of another Euler order as XYZ rotations: the first axis becomes X, the second Y, the third Z.

    Returns the quaternion (4,) of this change of axes, the axis of each of the three angles, and their sign. Orders
    like XZY need reversed axes; otherwise the change of axes would be a reflection.
    """
    about = ["XYZ".index(axis) for axis in order]
    matrix = np.eye(3)[about]
    sign = float(np.round(np.linalg.det(matrix)))
    return rotations.from_matrix(sign * matrix), about, sign


def pose_keys(
    keys: SparseKeys,
    obj: bpy.types.Object,
    rig: Rig,
    units_per_metre: float,
    euler: EulerBones | None = None,
    above_rests: bool = False,
) -> tuple[BezierKeys, dict[str, BezierKeys], dict[str, np.ndarray]]:
    """Convert fitted keys to keys of the pose bones: of the root's location, and of each bone's rotation.

    The conversion is exact: values and handles go through the same linear maps as the clip's own numbers. euler: the
    conversion the keys were fitted with. For bones that now use another mode, the third value contains the quaternions
    (frames, 4) that the keys give on each frame: errors of bones compensate each other, so all bones must use the
    fitted rotations. above_rests: see `bone_axes`.
    """
    axes = bone_axes(obj, rig, units_per_metre, above_rests)
    location = keys.location.mapped(lambda v: v @ axes.matrix.T + axes.offset)
    now = None if euler is None else euler_bones(obj, rig, units_per_metre)
    frames = keys.location.times[0] + np.arange(keys.frames)
    turned: dict[str, BezierKeys] = {}
    played: dict[str, np.ndarray] = {}
    alike = [
        name
        for name, (joint, _, _) in axes.turns.items()
        if keys.rotation_modes[joint] == "QUATERNION" and obj.pose.bones[name].rotation_mode == "QUATERNION"
    ]
    if alike:
        joints, lefts, rights = zip(*(axes.turns[name] for name in alike), strict=True)
        before, after = np.array(lefts), np.array(rights)

        def all_seen(v: np.ndarray, of: np.ndarray) -> np.ndarray:
            return rotations.multiply(rotations.multiply(before[of], v), after[of])

        mapped = BezierKeys.mapped_together([keys.rotations[joint] for joint in joints], all_seen)
        turned.update(zip(alike, mapped, strict=True))
    for name, (joint, left, right) in axes.turns.items():
        if name in turned:
            continue
        own = keys.rotations[joint]

        def seen(v: np.ndarray, left: np.ndarray = left, right: np.ndarray = right) -> np.ndarray:
            return rotations.multiply(rotations.multiply(left, v), right)

        if keys.rotation_modes[joint] == "XYZ":
            assert euler is not None  # otherwise no bone was fitted in Euler angles
            if now is not None and _same_axes(euler, now, joint):
                _, about, sign = euler_axes(euler.orders[joint])
                turned[name] = own.mapped(partial(_reordered, back=np.argsort(about), sign=sign))
                continue
            angles = euler_quaternions(own.evaluate(frames))
            clip = rotations.multiply(rotations.inverse(euler.outer[joint]), angles)
            played[name] = seen(rotations.multiply(clip, rotations.inverse(euler.inner[joint])))
        else:
            played[name] = seen(rotations.normalise(own.evaluate(frames)))
    return location, turned, {name: rotations.continuous(q) for name, q in played.items()}


def _reordered(angles: np.ndarray, back: np.ndarray, sign: float) -> np.ndarray:
    return sign * angles[:, back]


def _same_axes(then: EulerBones, now: EulerBones, joint: int) -> bool:
    alike = [abs(float((a[joint] * b[joint]).sum())) for a, b in ((then.outer, now.outer), (then.inner, now.inner))]
    return then.orders[joint] == now.orders[joint] and min(alike) > 1.0 - 1e-7
