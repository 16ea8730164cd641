"""Move arms, head, trunk and shoulders of a motion through the poses of a gesture.

Arms are interpolated as directions of upper arm and forearm in the axes of the chest, so hands move on arcs; lengths
stay those of the motion. Easing is minimum jerk (Flash and Hogan 1985). Feet are never moved; legs bend where a pose
moves the pelvis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..array_types import FloatArray
from ..motion.skeleton import JOINTS, PARENTS
from ..postprocess.leg_ik import ANKLES, TOES, place_feet
from .definitions import GesturePose, Vector

_J = {name: index for index, name in enumerate(JOINTS)}
_COLLARS, _SHOULDERS, _ELBOWS, _WRISTS = (
    (_J[f"l_{name}"], _J[f"r_{name}"]) for name in ("collar", "shoulder", "elbow", "wrist")
)
_SPINE = (_J["spine1"], _J["spine2"], _J["spine3"])
_SHOULDER_OUT, _UPPER_ARM, _FOREARM = 0.19, 0.285, 0.245
"""Metres, of the model's skeleton."""
ANGLES = 8


@dataclass(frozen=True, eq=False)
class GestureKey:
    """The pose of arms, head and trunk at a frame.

    Attributes:
        frame: Frame number.
        arms: (2, 2, 3) directions of upper arm and forearm of left and right arm in the axes of the chest (left, up,
            ahead); NaN: as in the motion.
        angles: (8,) yaw, pitch and roll of the head, yaw and pitch of the trunk in radians, rise of the shoulders,
            moves of the pelvis ahead and down in metres; yaw and roll to the left, pitch downward and forward.
        through: Whether the pose is passed without a rest.
    """

    frame: float
    arms: FloatArray
    angles: FloatArray
    through: bool = False

    def mirrored(self) -> GestureKey:
        """The key with left and right swapped."""
        arms = self.arms[::-1] * np.array([-1.0, 1.0, 1.0])
        signs = np.array([-1.0, 1.0, -1.0, -1.0, 1.0, 1.0, 1.0, 1.0])
        return replace(self, arms=arms, angles=self.angles * signs)


def free_key(frame: float) -> GestureKey:
    """A key at which arms, head and trunk are those of the motion."""
    return GestureKey(frame, np.full((2, 2, 3), np.nan), np.zeros(ANGLES))


def varied_poses(
    poses: Sequence[GesturePose], generator: np.random.Generator, sizes: tuple[float, float] = (0.75, 1.15)
) -> list[tuple[FloatArray, FloatArray]]:
    """Arms and angles of the poses of one performance: place, width and angles differ from one to the next.

    Args:
        poses: Poses of a gesture of the left side.
        generator: Source of the differences.
        sizes: Range of the factor of all angles.

    Returns:
        For each pose `arms` and `angles` of a `GestureKey`.
    """
    shift, wider = generator.normal(0, 0.018, 3), generator.uniform(0.8, 1.15)
    more = generator.uniform(*sizes)
    varied = []
    centres = [_centre([getattr(pose, name) for pose in poses]) for name in ("hand", "other")]
    for pose in poses:
        arms = np.full((2, 2, 3), np.nan)
        for side, target in enumerate((pose.hand, pose.other)):
            if target is not None:
                centre = centres[side]
                place = centre + wider * (np.array(target) - centre) + shift + generator.normal(0, 0.006, 3)
                elbow = pose.elbow if side == 0 or pose.other_elbow is None else pose.other_elbow
                arms[side] = _arm_directions(place, np.array(elbow), 1.0 - 2.0 * side)
        high = max((target[1] for target in (pose.hand, pose.other) if target is not None), default=0.0)
        rise = pose.shoulders + 0.03 * np.clip((high - 0.15) / 0.3, 0, 1)
        angles = np.radians([*pose.head, *pose.trunk, 0.0, 0.0, 0.0]) * more
        angles[5] = rise * generator.uniform(0.85, 1.15)
        angles[6:] = np.array(pose.pelvis) * more
        varied.append((arms, angles))
    return varied


def perform(joints: FloatArray, keys: Sequence[GestureKey]) -> tuple[FloatArray, FloatArray]:
    """Move arms, head, trunk and shoulders of a motion through keys.

    Args:
        joints: (T, 22, 3) metres, Y up.
        keys: At least two, frames rising. The first key applies also before its frame, the last key after it.

    Returns:
        (T, 22, 3) float64 joints, and (T, 3, 3) rotations of the head on the chest in the axes left, up, ahead, to be
        multiplied from the left onto the rotations that the motion has.
    """
    joints = joints.astype(np.float64)
    frames = np.arange(len(joints), dtype=np.float64)
    times = np.array([key.frame for key in keys])
    at = np.clip(np.searchsorted(times, frames, side="right") - 1, 0, len(keys) - 2)
    part = np.clip((frames - times[at]) / (times[at + 1] - times[at]), 0, 1)
    speeds = np.array([float(key.through) for key in keys])
    part = _eased(part, speeds[at], speeds[at + 1])
    all_angles = np.stack([key.angles for key in keys])
    angles = all_angles[at] + part[:, None] * (all_angles[at + 1] - all_angles[at])
    joints = _with_moved_pelvis(joints, angles[:, 6], angles[:, 7])
    joints = _with_turned_trunk(joints, angles[:, 3], angles[:, 4])
    axes = chest_axes(joints)
    joints = _with_raised_shoulders(joints, axes, angles[:, 5])
    half = _rotation(angles[:, 0] / 2, angles[:, 1] / 2, angles[:, 2] / 2)
    joints = _with_turned_head(joints, axes, half)
    joints = _with_moved_arms(joints, axes, np.stack([key.arms for key in keys]), at, part)
    return joints, _rotation(angles[:, 0], angles[:, 1], angles[:, 2])


def chest_axes(joints: FloatArray) -> FloatArray:
    """Axes of the chest.

    Args:
        joints: (T, 22, 3) metres.

    Returns:
        (T, 3, 3) with the axes as columns: to the figure's left, up, ahead.
    """
    across = joints[:, _J["l_shoulder"]] - joints[:, _J["r_shoulder"]]
    up = joints[:, _J["neck"]] - joints[:, _J["spine3"]]
    x = across / np.linalg.norm(across, axis=-1, keepdims=True)
    z = np.cross(x, up)
    z /= np.maximum(np.linalg.norm(z, axis=-1, keepdims=True), 1e-6)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _centre(places: Sequence[Vector | None]) -> FloatArray:
    given = [place for place in places if place is not None]
    return np.mean(given, axis=0) if given else np.zeros(3)


def _arm_directions(wrist: FloatArray, elbow: FloatArray, sign: float) -> FloatArray:
    """Directions of upper arm and forearm.

    Args:
        wrist: (3,) outward, up, ahead of the middle of the shoulders, metres.
        elbow: (3,) where the elbow points, in the same axes.
        sign: 1 for the left arm, -1 for the right one.

    Returns:
        (2, 3) unit vectors in the axes of the chest: left, up, ahead.
    """
    reach = wrist - np.array([_SHOULDER_OUT, 0.0, 0.0])
    far = float(np.clip(np.linalg.norm(reach), 0.12, 0.985 * (_UPPER_ARM + _FOREARM)))
    along = reach / max(float(np.linalg.norm(reach)), 1e-6)
    pole = elbow - along * (elbow @ along)
    pole /= max(float(np.linalg.norm(pole)), 1e-6)
    share = (far**2 + _UPPER_ARM**2 - _FOREARM**2) / (2 * far)
    bend = along * share + pole * np.sqrt(max(_UPPER_ARM**2 - share**2, 0.0))
    both = np.stack([bend / _UPPER_ARM, (along * far - bend) / _FOREARM])
    directions: FloatArray = both * np.array([sign, 1.0, 1.0])
    return directions


def _with_moved_arms(
    joints: FloatArray, axes: FloatArray, arms: FloatArray, at: FloatArray, part: FloatArray
) -> FloatArray:
    moved = joints.copy()
    for side in (0, 1):
        if np.isnan(arms[:, side]).all():
            continue
        place = moved[:, _SHOULDERS[side]]
        for bone, (upper, lower) in enumerate(((_SHOULDERS, _ELBOWS), (_ELBOWS, _WRISTS))):
            own = joints[:, lower[side]] - joints[:, upper[side]]
            length = np.linalg.norm(own, axis=-1, keepdims=True)
            local = np.einsum("tji,tj->ti", axes, own / length)
            ends = [np.where(np.isnan(arms[k, side, bone]), local, arms[k, side, bone]) for k in (at, at + 1)]
            place = place + length * np.einsum("tij,tj->ti", axes, _between(ends[0], ends[1], part))
            moved[:, lower[side]] = place
    return moved


def _between(first: FloatArray, second: FloatArray, part: FloatArray) -> FloatArray:
    """Unit vectors on the great circle between two sequences (T, 3) of unit vectors, at (T,) parts of the way."""
    angle = np.arccos(np.clip((first * second).sum(-1), -1.0, 1.0))[:, None]
    part, sine = part[:, None], np.maximum(np.sin(angle), 1e-4)
    mixed = np.where(
        angle < 1e-3,
        first + part * (second - first),
        (np.sin((1 - part) * angle) * first + np.sin(part * angle) * second) / sine,
    )
    result: FloatArray = mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
    return result


def _eased(part: FloatArray, first: FloatArray, last: FloatArray) -> FloatArray:
    """Quintic from 0 to 1 with given slopes and no acceleration at both ends; with slopes of 0 minimum jerk."""
    cubic, quartic, quintic = (
        constant + at_first * first + at_last * last
        for constant, at_first, at_last in ((10.0, -6.0, -4.0), (-15.0, 8.0, 7.0), (6.0, -3.0, -3.0))
    )
    eased: FloatArray = first * part + part**3 * (cubic + part * (quartic + part * quintic))
    return eased


def _with_moved_pelvis(joints: FloatArray, ahead: FloatArray, down: FloatArray) -> FloatArray:
    """The figure moved ahead and down by (T,) metres each, with its feet where they are."""
    if not (ahead.any() or down.any()):
        return joints
    across = joints[:, _J["l_hip"]] - joints[:, _J["r_hip"]]
    front = np.stack([-across[:, 2], np.zeros(len(joints)), across[:, 0]], axis=-1)
    front /= np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-6)
    moved = joints + (front * ahead[:, None] - np.array([0.0, 1.0, 0.0]) * down[:, None])[:, None]
    return place_feet(moved, joints[:, ANKLES], joints[:, TOES])


def _with_turned_trunk(joints: FloatArray, yaw: FloatArray, pitch: FloatArray) -> FloatArray:
    """The upper body turned about the vertical and leant forward, a third of it at each joint of the spine."""
    across = joints[:, _J["l_hip"]] - joints[:, _J["r_hip"]]
    across[:, 1] = 0.0
    left = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
    up = np.broadcast_to([0.0, 1.0, 0.0], left.shape)
    axes = np.stack([left, up, np.cross(left, up)], axis=-1)
    third = _rotation(yaw / 3, pitch / 3, np.zeros_like(yaw))
    turn = np.einsum("tij,tjk,tlk->til", axes, third, axes)
    moved = joints.copy()
    for joint in _SPINE:
        above = _descendants(joint)
        moved[:, above] = np.einsum("tij,tnj->tni", turn, moved[:, above] - moved[:, [joint]]) + moved[:, [joint]]
    return moved


def _descendants(joint: int) -> list[int]:
    chain = [joint]
    for child, parent in enumerate(PARENTS):
        if parent in chain:
            chain.append(child)
    return chain[1:]


def _with_raised_shoulders(joints: FloatArray, axes: FloatArray, rise: FloatArray) -> FloatArray:
    moved = joints.copy()
    for collar, shoulder, elbow, wrist in zip(_COLLARS, _SHOULDERS, _ELBOWS, _WRISTS, strict=True):
        bone = joints[:, shoulder] - joints[:, collar]
        length = np.linalg.norm(bone, axis=-1, keepdims=True)
        lifted = bone + axes[..., 1] * rise[:, None]
        lifted *= length / np.linalg.norm(lifted, axis=-1, keepdims=True)
        moved[:, [shoulder, elbow, wrist]] += (lifted - bone)[:, None]
    return moved


def _with_turned_head(joints: FloatArray, axes: FloatArray, half: FloatArray) -> FloatArray:
    """The bone from neck to head turned by (T, 3, 3) rotations in the axes of the chest."""
    turn = np.einsum("tij,tjk,tlk->til", axes, half, axes)
    moved, neck, head = joints.copy(), _J["neck"], _J["head"]
    moved[:, head] = joints[:, neck] + np.einsum("tij,tj->ti", turn, joints[:, head] - joints[:, neck])
    return moved


def _rotation(yaw: FloatArray, pitch: FloatArray, roll: FloatArray) -> FloatArray:
    """(T, 3, 3): roll to the left, then pitch downward, then yaw to the left, in axes left, up, ahead."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (yaw, pitch, roll))
    about_up = np.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], -1).reshape(-1, 3, 3)
    about_left = np.stack([one, zero, zero, zero, cp, -sp, zero, sp, cp], -1).reshape(-1, 3, 3)
    about_ahead = np.stack([cr, sr, zero, -sr, cr, zero, zero, zero, one], -1).reshape(-1, 3, 3)
    result: FloatArray = about_up @ about_left @ about_ahead
    return result
