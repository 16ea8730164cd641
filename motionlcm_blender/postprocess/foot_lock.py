"""Foot lock: keep each standing foot in place and solve the leg by inverse kinematics.

A foot moves as one rigid piece (ankle and toe joint together), the leg follows by two-bone inverse kinematics, and
where the leg is too short the pelvis is lowered slightly. Between two stances the correction is interpolated, so a
swinging foot bends towards its next position instead of jumping there. Lengths in metres, Y up, 20 fps.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..errors import InvalidRequest
from ..motion.foot_contacts import foot_contacts, joined_stances, rest_heights, run_stances, stance_mask
from ..motion.skeleton import FOOT_JOINTS, FPS, JOINT_COUNT
from ..motion.smoothing import smooth, smoothstep
from .correction_splines import smoothing_spline
from .leg_ik import ANKLES, TOES, lengths, rotated_about_y, solve_legs

FULL_LOCK, NO_LOCK = 0.25, 0.45
"""Metres of correction up to which a foot is locked fully, and above which it is not locked.

A larger correction would look worse than the slide.
"""
TWIST = (0.7, 1.3)
"""Radians: the same limits for the rotation of a foot against the body that turns above it."""
STEP_STRIDE, STEP_TURN, STEP_SWING, STEP_LIFT = 0.8, 1.2, 0.45, 0.07
"""For inserted steps: metres, or radians of a turn, from one step of a foot to its next, fraction of it in the air,
metres of lift."""
STEP_RATE = 0.25
"""Steps a second of each foot from which steps are inserted."""

ANCHOR_SIGMA = 2.5
"""Frames over which the speed of sliding feet is averaged to correct the speed of the figure."""
SWING_HEIGHT, SWING_FAR = 0.085, (0.04, 0.26)
"""Minimum height, metres, of a toe joint over the floor in mid-swing, and the swing lengths over which it applies."""
RUN_PACE = (0.8, 2.5)
"""Speeds of a toe joint, m/s, over which this height applies anywhere outside of stances."""
SWING_PACE = (0.1, 0.9)
"""Speeds of a toe joint, m/s, over which this height applies in a swing that begins or ends outside of the motion."""
MOST_HOVER = 0.15
"""Metres: the largest correction of height of a whole figure that floats or sinks while its feet have contact."""
MOST_RISE = 0.05
"""Metres: the largest correction of height, up or down, of a standing foot."""
FIRM = 40.0
"""Weight of a foot's locked position beside the smoothness of its correction."""
GIVEN = 50.0
"""Weight of a frame that stays unchanged, relative to other frames of its stance."""
HEEL_DOWN = 0.04
"""Metres above its lowest height up to which an ankle belongs to a foot that is flat on the floor."""

_CLOSE_GAP = 2
"""Frames without contact between two stances that become one."""
_SHORTEST_STANCE = 2
"""Frames; a shorter contact is not locked."""


class FootLock(Enum):
    """Modes of the foot lock.

    OFF: no lock.
    AUTO: feet are locked while the model and the motion indicate a stance.
    GROUND: the lower foot is on the floor on every frame, also where the model lets the figure jump or float.
    """

    OFF = "off"
    AUTO = "auto"
    GROUND = "ground"


@dataclass(frozen=True, eq=False)
class FootLockResult:
    """Result of the foot lock.

    Attributes:
        joints: (T, 22, 3) float32, metres.
        stands: (T, 4) bool, the foot joints that were locked, in the order of the contacts.
    """

    joints: FloatArray
    stands: BoolArray


def lock_feet_from_contacts(
    joints: FloatArray,
    contacts: BoolArray | FloatArray | None = None,
    lock: FootLock = FootLock.AUTO,
    spin: FloatArray | None = None,
) -> FootLockResult:
    """Lock the feet during their contacts.

    Bones keep their lengths. The figure is moved to the floor, and its speed is corrected to the speed of its legs.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4) in 0..1, the model's contact channels: l_ankle, l_foot, r_ankle, r_foot. None: detected from
            the positions.
        lock: Mode of the foot lock.
        spin: As in `lock_feet`.

    Returns:
        Corrected joints and locked feet.

    Raises:
        InvalidRequest: A shape does not fit, or a number is not finite.
    """
    source, touching = checked(joints, contacts)
    if lock is FootLock.OFF:
        return FootLockResult(source, np.zeros(touching.shape, bool))
    runs = run_stances(source)
    source, touching = on_floor(source, np.maximum(touching, runs), lock)
    for _ in range(2):  # twice: after the first pass feet slide less, and longer stances are detected
        source = source + foot_slide_correction(source, stance_mask(source, touching))[:, None]
    return lock_feet(source, joined_stances(stance_mask(source, touching), source, touching) | runs, spin)


def on_floor(joints: FloatArray, channels: FloatArray, lock: FootLock) -> tuple[FloatArray, FloatArray]:
    """Move the figure to the floor.

    Args:
        joints: (T, 22, 3) metres, Y up.
        channels: (T, 4) contacts in 0..1.
        lock: Mode, see `FootLock`.

    Returns:
        Joints (T, 22, 3) and contacts (T, 4).
    """
    up = np.array([0.0, 1.0, 0.0])
    if lock is FootLock.GROUND:
        feet = joints[:, FOOT_JOINTS]
        above = feet[..., 1] - rest_heights(feet)
        lowest = above == above.min(axis=1, keepdims=True)
        drop = above.min(axis=1)
        # The full correction on every frame, but smoothed: a flight becomes a glide, not a series of jolts.
        joints = joints - up * (smooth(drop, 1.5) if len(drop) > 4 else drop)[:, None, None]
        return joints, np.where(lowest, 1.0, channels)
    return joints + up * floor_height_offset(joints, channels)[:, None, None], channels


def floor_height_offset(joints: FloatArray, channels: FloatArray) -> FloatArray:
    """Height correction of the whole figure that puts its lower foot on the floor during contacts.

    Args:
        joints: (T, 22, 3) metres, Y up.
        channels: (T, 4) contacts in 0..1. On frames without contact, in a jump, the correction is interpolated.

    Returns:
        (T,) metres to add to all heights.
    """
    feet = joints[:, FOOT_JOINTS]
    in_contact = np.asarray(channels) > 0.5
    if len(joints) < 8 or not in_contact.any():
        return np.zeros(len(joints))
    above = np.where(in_contact, feet[..., 1] - rest_heights(feet), np.inf).min(axis=1)
    known = np.isfinite(above)
    weight = smooth(known.astype(np.float64), ANCHOR_SIGMA)
    hover = smooth(np.where(known, above, 0.0), ANCHOR_SIGMA) * smoothstep(weight, 0.1, 0.6) / np.maximum(weight, 0.1)
    result: FloatArray = -MOST_HOVER * np.tanh(hover / MOST_HOVER)
    return result


def foot_slide_correction(joints: FloatArray, stands: BoolArray) -> FloatArray:
    """Horizontal correction of the whole figure that minimises the slide of standing feet.

    If both feet slide the same way, the figure travels at another speed than its legs walk: it gets the legs' speed.
    The legs close the rest (`lock_feet`).

    Args:
        joints: (T, 22, 3) metres, Y up.
        stands: (T, 4) bool.

    Returns:
        (T, 3) metres to add to all positions.
    """
    move = np.zeros((len(joints), 3))
    both = stands[1:] & stands[:-1]
    if len(joints) < 8 or not both.any():
        return move
    steps = np.diff(joints[:, FOOT_JOINTS][..., [0, 2]], axis=0)
    weight = smooth(both.sum(1).astype(np.float64), ANCHOR_SIGMA)
    sliding = smooth((steps * both[..., None]).sum(1), ANCHOR_SIGMA)
    sliding *= (smoothstep(weight, 0.1, 0.6) / np.maximum(weight, 0.1))[:, None]
    move[1:, [0, 2]] = -np.cumsum(sliding, axis=0)
    return move


def checked(joints: FloatArray, contacts: BoolArray | FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Validate joints and contacts, and detect missing contacts.

    Args:
        joints: (T, 22, 3) metres.
        contacts: (T, 4) in 0..1, or None.

    Returns:
        Joints (T, 22, 3) float64 and contacts (T, 4).

    Raises:
        InvalidRequest: A shape does not fit, or a number is not finite.
    """
    source = np.asarray(joints, dtype=np.float64)
    if source.ndim != 3 or source.shape[1:] != (JOINT_COUNT, 3) or len(source) == 0:
        raise InvalidRequest("Motion must be given as frames x 22 joints x 3 coordinates.")
    if not np.isfinite(source).all():
        raise InvalidRequest("The motion holds a number that is not finite.")
    if contacts is None:
        return source, foot_contacts(source).astype(np.float64)
    channels = np.asarray(contacts, dtype=np.float64)
    if channels.shape != (len(source), 4):
        raise InvalidRequest("Contacts must be given as frames x 4 foot joints.")
    return source, np.nan_to_num(channels)


def lock_feet(
    joints: FloatArray, stands: BoolArray, spin: FloatArray | None = None, given: BoolArray | None = None
) -> FootLockResult:
    """Lock standing feet in place.

    Args:
        joints: (T, 22, 3) float64, metres, Y up.
        stands: (T, 4) bool, the stances.
        spin: (T,) radians about +Y by which the figure was rotated before; a standing foot does not rotate with it.
        given: (T,) bool, frames that stay unchanged: a foot that stands on one of them is locked to its position
            there.

    Returns:
        Corrected joints, and the feet that could be locked: not those of a figure that is carried along.
    """
    frames = len(joints)
    if frames < 3 or not stands.any():
        return FootLockResult(joints.copy(), stands.copy())
    turned = np.zeros(frames) if spin is None else spin
    heights = rest_heights(joints[:, FOOT_JOINTS])
    corrections = [
        _foot_correction(joints, stands[:, 2 * side : 2 * side + 2], turned, side, heights, given) for side in (0, 1)
    ]
    move, yaw, rise, kept = (np.stack(part, axis=1) for part in zip(*corrections, strict=True))

    ankle, toe = joints[:, ANKLES], joints[:, TOES]
    foot = rotated_about_y(toe - ankle, yaw)
    wanted = toe.copy()
    wanted[..., [0, 2]] += move
    wanted = wanted - foot  # correction of the ankle
    wanted[..., 1] = ankle[..., 1] + rise
    heel_down = stands[:, 0::2] & (ankle[..., 1] - np.percentile(ankle[..., 1], 5, axis=0) < HEEL_DOWN)
    solved = solve_legs(joints, wanted, foot, heel_down, heel_down | stands[:, 1::2])
    return FootLockResult(solved, stands & np.repeat(kept, 2, axis=1))


def _foot_correction(
    joints: FloatArray, stands: BoolArray, spin: FloatArray, side: int, heights: FloatArray, given: BoolArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Correction of a foot: move on the floor (T, 2), yaw about its toe joint (T,), lift (T,), locked (T,) bool."""
    label = stance_labels(stands.any(axis=1))
    lock_weight, move, yaw = _stance_correction(joints, stands, spin, side, label, given)
    lift = np.zeros(len(joints))
    dragged = (label >= 0) & (lock_weight < 0.5)
    if dragged.any():
        # The figure is carried along, or it turns, while the foot stands. The foot cannot be locked: insert steps.
        ahead = joints[:, TOES[side]] - joints[:, ANKLES[side]]
        turn = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
        swing = dragged & _step_time(joints[:, 0][:, [0, 2]], turn, side)
        label = stance_labels(stands.any(axis=1) & ~swing)
        lock_weight, move, yaw = _stance_correction(joints, stands, spin, side, label, given)
        lift = STEP_LIFT * np.where(swing & (label < 0), 1.0, 0.0)
        lift = np.maximum(smooth(lift, 1.5) - 0.35 * STEP_LIFT, 0.0) / 0.65
    toe_off, heel_off = (heights[2 * side + k] - joints[:, (ANKLES, TOES)[k][side], 1] for k in (1, 0))
    rise = np.clip(np.where(stands[:, 1], toe_off, heel_off), -MOST_RISE, MOST_RISE)
    weight = FIRM * (lock_weight if given is None else np.where(given, 1.0, lock_weight))
    carried = smoothing_spline(np.concatenate([move, yaw[:, None], rise[:, None]], axis=-1), weight)
    toe = joints[:, TOES[side]]
    above = toe[:, 1] + carried[:, 3] + lift - heights[2 * side + 1]
    lift = lift + _swing_lift(toe[:, [0, 2]] + carried[:, :2], above, label)
    # Neither the motion nor its correction carries a toe below its standing height.
    lift = lift + np.maximum(-(above + lift), 0.0)
    return carried[:, :2], carried[:, 2], carried[:, 3] + lift, (label >= 0) & (lock_weight > 0.5)


def _swing_lift(ground: FloatArray, above: FloatArray, label: IntArray) -> FloatArray:
    """(T,) metres of lift with which a swinging foot clears the floor between its positions.

    ground: (T, 2) positions of its toe joint; above: (T,) height over its standing height; label: (T,) its stances.
    """
    lift = np.zeros(len(label))
    changes = np.flatnonzero(np.diff(label))
    for leaves, lands in itertools.pairwise(changes):
        inside = lands - leaves
        if label[leaves] < 0 or label[lands + 1] < 0 or inside < 3 or label[leaves + 1] >= 0:
            continue
        far = float(np.linalg.norm(ground[lands + 1] - ground[leaves]))
        wanted = SWING_HEIGHT * smoothstep(np.array(far), *SWING_FAR)
        arc = np.sin(np.pi * np.arange(1, inside + 1) / (inside + 1.0)) ** 0.7
        part = slice(leaves + 1, lands + 1)
        lift[part] = np.maximum(wanted * arc - above[part], 0.0)
    # Before the first and after the last stance, and in runs, the ends of a swing are not known; there a fast foot is a
    # high foot.
    standing = np.flatnonzero(label >= 0)
    if len(label) > 4:
        pace = smooth(lengths(np.gradient(ground, axis=0)) * FPS, 1.0)
        lift = np.maximum(lift, np.where(label < 0, SWING_HEIGHT * smoothstep(pace, *RUN_PACE) - above, 0.0))
        if len(standing):
            cleared = np.maximum(SWING_HEIGHT * smoothstep(pace, *SWING_PACE) - above, 0.0)
            lift[: standing[0]] = cleared[: standing[0]]
            lift[standing[-1] + 1 :] = cleared[standing[-1] + 1 :]
    return smooth(lift, 0.7) if len(lift) > 4 else lift


def _step_time(root: FloatArray, turn: FloatArray, side: int) -> BoolArray:
    """(T,) bool: when this foot swings in a walk along root (T, 2) with alternating feet.

    turn: (T,) radians, direction of the foot, which steps to turn too.
    """
    step = np.linalg.norm(np.gradient(smooth(root, 4.0), axis=0), axis=-1) / STEP_STRIDE
    step = np.maximum(step, np.abs(np.gradient(smooth(turn, 4.0))) / STEP_TURN)
    phase = np.cumsum(step) + 0.5 * side
    result: BoolArray = (phase - np.floor(phase) < STEP_SWING) & (step * FPS > STEP_RATE)
    return result


def _stance_correction(
    joints: FloatArray, stands: BoolArray, spin: FloatArray, side: int, label: IntArray, given: BoolArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Correction during the stances of `label` (T,): weight of the lock (T,) in 0..1, move (T, 2) and yaw (T,)."""
    frames = len(joints)
    ankle, toe = joints[:, ANKLES[side]][:, [0, 2]], joints[:, TOES[side]][:, [0, 2]]
    on = label >= 0
    count = int(label.max()) + 1
    if count == 0:
        return np.zeros(frames), np.zeros((frames, 2)), np.zeros(frames)
    heel_only, both = on & stands[:, 0] & ~stands[:, 1], on & stands[:, 0] & stands[:, 1]
    toe_down = on & ~heel_only  # a closed gap counts as standing on the toes
    counts = np.ones(frames) if given is None else np.where(given, GIVEN, 1.0)

    yaw = np.zeros(frames)
    yaw[on] = _mean(spin, on, label, count, counts)[label[on]] - spin[on]
    # A foot flat on the floor keeps its direction; on its toes or heel it may roll and rotate as in the motion.
    ahead = joints[:, TOES[side]] - joints[:, ANKLES[side]]
    direction = np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2])) + yaw
    yaw[both] += _mean(direction, both, label, count, counts)[label[both]] - direction[both]
    offset = rotated_about_y(joints[:, TOES[side]] - joints[:, ANKLES[side]], yaw)[:, [0, 2]]
    toe_place = _mean(toe, toe_down, label, count, counts)
    ankle_place = toe_place - _mean(offset, both, label, count, counts)
    no_both = ~_has(both, label, count)
    ankle_place[no_both] = _mean(ankle, heel_only, label, count, counts)[no_both]
    place = np.zeros((frames, 2))
    place[toe_down] = toe_place[label[toe_down]]
    place[heel_only] = ankle_place[label[heel_only]] + offset[heel_only]
    move = np.where(on[:, None], place - toe, 0.0)

    farthest, most = np.zeros(count), np.zeros(count)
    np.maximum.at(farthest, label[on], lengths(move[on]))
    np.maximum.at(most, label[on], np.abs(yaw[on]))
    lock_weight = (1.0 - smoothstep(farthest, FULL_LOCK, NO_LOCK)) * (1.0 - smoothstep(most, *TWIST))
    return np.where(on, lock_weight[label], 0.0), move, yaw


def stance_labels(down: BoolArray) -> IntArray:
    """Number the stances of a foot: short gaps are closed, single frames dropped.

    Args:
        down: (T,) bool, frames of contact.

    Returns:
        (T,) int, number of the stance of each frame, -1 for none.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], down, [False]])))
    starts, ends = edges[0::2], edges[1::2]
    label = np.full(len(down), -1)
    if not len(starts):
        return label
    fresh = np.concatenate([[True], starts[1:] - ends[:-1] > _CLOSE_GAP])
    starts, ends = starts[fresh], ends[np.concatenate([fresh[1:], [True]])]
    number = 0
    for start, end in zip(starts, ends, strict=True):
        if end - start >= _SHORTEST_STANCE:
            label[start:end] = number
            number += 1
    return label


def _mean(values: FloatArray, where: BoolArray, label: IntArray, count: int, counts: FloatArray) -> FloatArray:
    """(count, ...) mean of values (T, ...), weighted by `counts`, over each stance's frames in `where`; 0 for none."""
    total = np.zeros((count, *values.shape[1:]))
    weight = counts[where].reshape(-1, *([1] * (values.ndim - 1)))
    np.add.at(total, label[where], weight * values[where])
    number = np.bincount(label[where], counts[where], minlength=count)
    result: FloatArray = total / np.where(number > 0, number, 1.0).reshape(-1, *([1] * (values.ndim - 1)))
    return result


def _has(where: BoolArray, label: IntArray, count: int) -> BoolArray:
    return np.bincount(label[where], minlength=count) > 0
