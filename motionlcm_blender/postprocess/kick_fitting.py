"""A kick made as high as the prompt names it.

The network kicks too low: on "a fighter does a high roundhouse kick" below the hip. The rotation of the kicking leg
about its hip is enlarged around the peak of its foot, the knee is stretched, and the trunk leans the other way. A kick
is never lowered. The standing leg and the pelvis stay.
"""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion import rotations as rot
from ..motion.skeleton import JOINTS, PARENTS
from .leg_ik import ANKLES, HIPS, KNEES, TOES, lengths, place_feet

LEAST_RISE = 0.12
"""Metres by which an ankle rises at least in a kick: a motion with less has no kick to be enlarged."""
PEAK_SHARE = 0.6
"""Share of the highest rise from which another peak of the same foot is another kick."""
APART = 10
"""Frames between two kicks."""
LONGEST = 9
"""Most frames from the peak to where the enlargement begins and ends; captured kicks rise in 6 and fall in 7."""
MOST = np.radians(110.0)
"""Largest rotation that is added."""
REACH = 0.96
"""Distance of hip and ankle at the peak as a share of the leg: the median of 83 captured kicks."""
LEAN = 0.35
"""Rotation of the trunk away from the kick as a share of that of the leg."""
_HANGING_SHIN = np.radians(-80.0)
"""Elevation of the shin at the peak of a knee strike."""
_SPINE = tuple(JOINTS.index(name) for name in ("spine1", "spine2", "spine3"))
_NECK = JOINTS.index("neck")
_UP = np.array([0.0, 1.0, 0.0])


def raise_kicks(
    joints: FloatArray, stands: BoolArray, elevation: float, side: int | None = None, with_knee: bool = False
) -> FloatArray:
    """Raise the kicks of a motion to an elevation.

    Args:
        joints: (T, 22, 3) metres, Y up.
        stands: (T, 2) bool, left and right foot on the floor.
        elevation: Radians from the horizontal up to the line from hip to ankle at the peak, of a knee strike to the
            thigh.
        side: 0 for the left leg, 1 for the right one, None: the leg whose ankle rises most.
        with_knee: Whether the knee strikes instead of the foot.

    Returns:
        (T, 22, 3) float64 metres; bones keep their lengths. The input where no foot rises, or a kick is high enough.
    """
    joints = np.asarray(joints, np.float64)
    joint = KNEES if with_knee else ANKLES
    heights = joints[:, joint, 1]
    rises = heights.max(axis=0) - np.quantile(heights, 0.1, axis=0)
    leg = int(rises.argmax()) if side is None else side
    if rises[leg] < LEAST_RISE:
        return joints
    for peak in _peaks(heights[:, leg], rises[leg]):
        joints = _raised(joints, stands[:, leg], leg, peak, elevation, with_knee)
    return joints


def _peaks(height: FloatArray, rise: float) -> list[int]:
    """Frames of the highest points of (T,) heights, apart from each other, the highest first."""
    left = height.copy()
    least = height.max() - (1.0 - PEAK_SHARE) * rise
    found: list[int] = []
    while left.max() >= least:
        peak = int(left.argmax())
        is_top = height[max(0, peak - 2) : peak + 3].max() <= height[peak]
        if is_top:
            found.append(peak)
        left[max(0, peak - APART) : peak + APART + 1] = -np.inf
    return found


def _raised(
    joints: FloatArray, stands: BoolArray, leg: int, peak: int, elevation: float, with_knee: bool
) -> FloatArray:
    """One kick raised. stands: (T,) bool, the kicking foot on the floor."""
    hip, knee, ankle = (joints[:, part[leg]] for part in (HIPS, KNEES, ANKLES))
    if joints[peak, _NECK, 1] - joints[peak, 0, 1] < 0.25:
        return joints  # lying, bent double or upside down
    limb = (knee if with_knee else ankle)[peak] - hip[peak]
    ahead = _ahead(joints[peak], limb)
    now = float(np.arctan2(limb[1], limb @ ahead))
    more = float(np.clip(elevation - now, 0.0, MOST))
    weight = _weight(stands, peak)
    axis = np.cross(ahead, _UP)
    turn = rot.to_matrix(rot.from_rotation_vector(axis * (more * weight)[:, None]))
    if with_knee:
        moved = _with_raised_knee(joints, leg, turn, weight, ahead)
    else:
        moved = _with_raised_foot(joints, leg, peak, turn, weight)
    return _leant(moved, axis * (LEAN * more * weight)[:, None])


def _ahead(pose: FloatArray, limb: FloatArray) -> FloatArray:
    """(3,) horizontal direction of a kick: of the limb, or of the pelvis where the limb hangs."""
    across = pose[HIPS[0]] - pose[HIPS[1]]
    front = np.array([-across[2], 0.0, across[0]])
    front /= max(float(np.linalg.norm(front)), 1e-6)
    level = limb * [1.0, 0.0, 1.0]
    far = float(np.linalg.norm(level))
    share = np.clip(far / 0.3, 0.0, 1.0)
    mixed = share * level / max(far, 1e-6) + (1.0 - share) * front
    result: FloatArray = mixed / max(float(np.linalg.norm(mixed)), 1e-6)
    return result


def _weight(stands: BoolArray, peak: int) -> FloatArray:
    """(T,) 1 at the peak, falling to 0 where the foot is on the floor or the kick is over."""
    frames = np.arange(len(stands), dtype=np.float64)
    down = np.flatnonzero(stands)
    before, after = down[down < peak], down[down > peak]
    first = max(peak - LONGEST, before[-1] if len(before) else -LONGEST)
    last = min(peak + LONGEST, after[0] if len(after) else len(stands) + LONGEST)
    part = np.where(frames < peak, (frames - first) / max(peak - first, 1), (last - frames) / max(last - peak, 1))
    part = np.clip(part, 0.0, 1.0)
    weight: FloatArray = part * part * (3.0 - 2.0 * part)
    return weight


def _with_raised_foot(joints: FloatArray, leg: int, peak: int, turn: FloatArray, weight: FloatArray) -> FloatArray:
    hip, knee, ankle, toe = (joints[:, part[leg]] for part in (HIPS, KNEES, ANKLES, TOES))
    limb = np.einsum("tij,tj->ti", turn, ankle - hip)
    far = lengths(limb)
    whole = lengths(knee - hip) + lengths(ankle - knee)
    wanted = far + weight * max(REACH * whole[peak] - far[peak], 0.0)
    wanted = np.maximum(np.minimum(wanted, 0.995 * whole), far)
    limb = limb * (wanted / np.maximum(far, 1e-6))[:, None]
    foot = np.einsum("tij,tj->ti", turn, toe - ankle)
    ankles, toes = joints[:, ANKLES].copy(), joints[:, TOES].copy()
    ankles[:, leg] = hip + limb
    toes[:, leg] = ankles[:, leg] + foot
    placed = place_feet(joints, ankles, toes)
    return _with_leg(joints, placed, leg, weight)


def _with_raised_knee(
    joints: FloatArray, leg: int, turn: FloatArray, weight: FloatArray, ahead: FloatArray
) -> FloatArray:
    hip, knee, ankle, toe = (joints[:, part[leg]] for part in (HIPS, KNEES, ANKLES, TOES))
    shin, length = ankle - knee, lengths(ankle - knee)[:, None]
    hanging = -np.cos(_HANGING_SHIN) * ahead + np.sin(_HANGING_SHIN) * _UP
    mixed = (1.0 - weight)[:, None] * shin / length + weight[:, None] * hanging
    placed = joints.copy()
    placed[:, KNEES[leg]] = hip + np.einsum("tij,tj->ti", turn, knee - hip)
    placed[:, ANKLES[leg]] = placed[:, KNEES[leg]] + length * mixed / np.maximum(lengths(mixed)[:, None], 1e-6)
    placed[:, TOES[leg]] = placed[:, ANKLES[leg]] + toe - ankle
    return _with_leg(joints, placed, leg, weight)


def _with_leg(joints: FloatArray, placed: FloatArray, leg: int, weight: FloatArray) -> FloatArray:
    """The motion with one leg of another, on the frames that have a weight."""
    result = joints.copy()
    frames = np.flatnonzero(weight > 0.0)
    for part in (KNEES, ANKLES, TOES):
        result[frames, part[leg]] = placed[frames, part[leg]]
    return result


def _leant(joints: FloatArray, rotation: FloatArray) -> FloatArray:
    """The upper body rotated by (T, 3) rotation vectors, a third of it at each joint of the spine."""
    turn = rot.to_matrix(rot.from_rotation_vector(rotation / 3.0))
    moved = joints.copy()
    for joint in _SPINE:
        above = [child for child in range(len(PARENTS)) if _is_above(child, joint)]
        moved[:, above] = np.einsum("tij,tnj->tni", turn, moved[:, above] - moved[:, [joint]]) + moved[:, [joint]]
    return moved


def _is_above(child: int, joint: int) -> bool:
    parent = PARENTS[child]
    while parent > joint:
        parent = PARENTS[parent]
    return parent == joint
