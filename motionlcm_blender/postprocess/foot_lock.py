"""Feet that stand still: hold each foot where it stands and solve the leg for it.

A foot is moved as one rigid piece (ankle and toe joint together), the leg follows by two-bone inverse kinematics,
and where the leg is too short the pelvis dips a little. Between two stances the correction passes smoothly from the
one to the other, so the swinging foot is bent towards its next place instead of jumping there.
All lengths in metres, Y up, at 20 fps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ..errors import InvalidRequest
from ..motion.foot_contacts import foot_contacts, rest_heights, stance_mask
from ..motion.skeleton import FOOT_JOINTS, FPS, JOINT_COUNT
from ..motion.smoothing import smooth, smoothstep
from .correction_splines import smoothing_spline
from .leg_ik import ANKLES, TOES, lengths, rotated_about_y, solve_legs

FULL_LOCK, NO_LOCK = 0.25, 0.45
"""Metres: up to the first a foot is held entirely; beyond the second the correction would look worse than sliding."""
TWIST = (0.7, 1.3)
"""Radians: the same for the turn of a foot against the body that turns above it."""
STEP_STRIDE, STEP_SWING, STEP_LIFT = 0.8, 0.45, 0.07
"""Metres from one step of a foot to its next, the part of it in the air, and metres of lift, where steps are made."""

ANCHOR_SIGMA = 2.5
"""Frames over which the speed of sliding feet is averaged before the figure is slowed down or sped up by it."""
SWING_HEIGHT, SWING_FAR = 0.085, (0.15, 0.4)
"""Metres of a toe joint over the floor in the middle of a swing, at least, and how far a swing must go for that."""
MOST_HOVER = 0.15
"""Metres by which a whole figure that floats or sinks while its feet say contact is brought to the floor at most."""
MOST_RISE = 0.05
"""Metres by which a standing foot is brought to the floor at most, up or down."""
FIRM = 40.0
"""How firmly a foot is held beside the smoothness of its correction."""
GIVEN = 50.0
"""How much a frame that will stay as it is counts beside another one of its stance."""
HEEL_DOWN = 0.04
"""Metres above its lowest up to which an ankle counts as that of a foot flat on the floor."""

_CLOSE_GAP = 2
_SHORTEST_STANCE = 2


class FootLock(Enum):
    """What is done about the feet.

    OFF: nothing. AUTO: they are held while the model and the motion say that they stand. GROUND: the lower foot is on
    the floor on every frame, also where the model lets the figure jump or float.
    """

    OFF = "off"
    AUTO = "auto"
    GROUND = "ground"


@dataclass(frozen=True, eq=False)
class FootLockResult:
    """joints (T, 22, 3) float64; stands (T, 4) bool: which foot joints were held, in the order of contacts."""

    joints: np.ndarray
    stands: np.ndarray


def lock_feet_from_contacts(
    joints: np.ndarray, contacts: np.ndarray | None = None, lock: FootLock = FootLock.AUTO
) -> FootLockResult:
    """Hold the feet still while they stand.

    joints: (T, 22, 3) metres, Y up. contacts: (T, 4) in 0..1, l_ankle, l_foot, r_ankle, r_foot, what the model says of
    contact; None: told from the positions. Every bone keeps its length; the figure is brought to the floor and goes as
    fast as its legs walk. Raises InvalidRequest on shapes that do not fit or numbers that are not finite.
    """
    source, touching = checked(joints, contacts)
    if lock is FootLock.OFF:
        return FootLockResult(source, np.zeros(touching.shape, bool))
    source, touching = on_floor(source, touching, lock)
    for _ in range(2):  # feet that no longer slide are seen to stand for longer
        source = source + foot_slide_correction(source, stance_mask(source, touching))[:, None]
    stands = stance_mask(source, touching)
    return lock_feet(source, stands)


def on_floor(joints: np.ndarray, channels: np.ndarray, lock: FootLock) -> tuple[np.ndarray, np.ndarray]:
    """Joints (T, 22, 3) brought to the floor by their contacts (T, 4), and the contacts; see `FootLock`."""
    up = np.array([0.0, 1.0, 0.0])
    if lock is FootLock.GROUND:
        feet = joints[:, FOOT_JOINTS]
        above = feet[..., 1] - rest_heights(feet)
        lowest = above == above.min(axis=1, keepdims=True)
        drop = above.min(axis=1)
        # Down as far as it takes on every frame, but smoothly: a flight becomes a glide, not a series of jolts.
        joints = joints - up * (smooth(drop, 1.5) if len(drop) > 4 else drop)[:, None, None]
        return joints, np.where(lowest, 1.0, channels)
    return joints + up * floor_height_offset(joints, channels)[:, None, None], channels


def floor_height_offset(joints: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """(T,) metres by which to raise the whole figure so that its lower foot is on the floor while a channel says so.

    joints: (T, 22, 3); channels: (T, 4), 0..1. Where none says contact, in a jump, what is before and after fades.
    """
    feet = joints[:, FOOT_JOINTS]
    says = np.asarray(channels) > 0.5
    if len(joints) < 8 or not says.any():
        return np.zeros(len(joints))
    above = np.where(says, feet[..., 1] - rest_heights(feet), np.inf).min(axis=1)
    known = np.isfinite(above)
    weight = smooth(known.astype(np.float64), ANCHOR_SIGMA)
    hover = smooth(np.where(known, above, 0.0), ANCHOR_SIGMA) * smoothstep(weight, 0.1, 0.6) / np.maximum(weight, 0.1)
    return -MOST_HOVER * np.tanh(hover / MOST_HOVER)


def foot_slide_correction(joints: np.ndarray, stands: np.ndarray) -> np.ndarray:
    """(T, 3) metres by which to move the whole figure so that the feet that stand slide as little as they can.

    joints: (T, 22, 3); stands: (T, 4) bool. Feet that slide the same way are a figure that travels at another speed
    than its legs walk: it goes at the legs' speed instead. What is left, the legs take (`lock_feet`).
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


def checked(joints: np.ndarray, contacts: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(T, 22, 3) float64 and contact (T, 4), or InvalidRequest."""
    source = np.asarray(joints, dtype=np.float64)
    if source.ndim != 3 or source.shape[1:] != (JOINT_COUNT, 3) or len(source) == 0:
        raise InvalidRequest("Motion must be given as frames x 22 joints x 3 coordinates.")
    if not np.isfinite(source).all():
        raise InvalidRequest("The motion holds a number that is not finite.")
    if contacts is None:
        return source, foot_contacts(source).astype(np.float64)
    contacts = np.asarray(contacts)
    if contacts.shape != (len(source), 4):
        raise InvalidRequest("Contacts must be given as frames x 4 foot joints.")
    return source, np.nan_to_num(contacts.astype(np.float64))


def lock_feet(
    joints: np.ndarray, stands: np.ndarray, spin: np.ndarray | None = None, given: np.ndarray | None = None
) -> FootLockResult:
    """Hold standing feet in place. joints: (T, 22, 3) float64; stands: (T, 4) bool.

    spin: (T,) radians about +Y by which the figure has been turned beforehand; a standing foot does not turn with it.
    given: (T,) bool, frames that will stay as they are: a foot that stands on one of them stands where it is there.
    Returns joints (T, 22, 3) float64 and the feet that could be held: not those of a figure that is carried along.
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
    wanted = wanted - foot  # where the ankle has to be
    wanted[..., 1] = ankle[..., 1] + rise
    heel_down = stands[:, 0::2] & (ankle[..., 1] - np.percentile(ankle[..., 1], 5, axis=0) < HEEL_DOWN)
    solved = solve_legs(joints, wanted, foot, heel_down, heel_down | stands[:, 1::2])
    return FootLockResult(solved, stands & np.repeat(kept, 2, axis=1))


def _foot_correction(
    joints: np.ndarray, stands: np.ndarray, spin: np.ndarray, side: int, heights: np.ndarray, given: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """By how much a foot is moved on the floor (T, 2), turned about its toe joint (T,) and lifted (T,), and whether it
    is held (T,)."""
    label = stance_labels(stands.any(axis=1))
    share, move, yaw = _stance_correction(joints, stands, spin, side, label, given)
    lift = np.zeros(len(joints))
    dragged = (label >= 0) & (share < 0.5)
    if dragged.any():
        # The figure is carried along while the foot stands: it has to step, for it cannot be held.
        swing = dragged & _step_time(joints[:, 0][:, [0, 2]], side)
        label = stance_labels(stands.any(axis=1) & ~swing)
        share, move, yaw = _stance_correction(joints, stands, spin, side, label, given)
        lift = STEP_LIFT * np.where(swing & (label < 0), 1.0, 0.0)
        lift = np.maximum(smooth(lift, 1.5) - 0.35 * STEP_LIFT, 0.0) / 0.65
    toe_off, heel_off = (heights[2 * side + k] - joints[:, (ANKLES, TOES)[k][side], 1] for k in (1, 0))
    rise = np.clip(np.where(stands[:, 1], toe_off, heel_off), -MOST_RISE, MOST_RISE)
    weight = FIRM * (share if given is None else np.where(given, 1.0, share))
    carried = smoothing_spline(np.concatenate([move, yaw[:, None], rise[:, None]], axis=-1), weight)
    toe = joints[:, TOES[side]]
    above = toe[:, 1] + carried[:, 3] + lift - heights[2 * side + 1]
    lift = lift + _swing_lift(toe[:, [0, 2]] + carried[:, :2], above, label)
    return carried[:, :2], carried[:, 2], carried[:, 3] + lift, (label >= 0) & (share > 0.5)


def _swing_lift(ground: np.ndarray, above: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(T,) metres by which a swinging foot is raised so that it clears the floor from one place to the next.

    ground: (T, 2) of its toe joint; above: (T,) its height over where it stands; label: (T,) its stances.
    """
    lift = np.zeros(len(label))
    changes = np.flatnonzero(np.diff(label))
    for leaves, lands in zip(changes, changes[1:], strict=False):
        inside = lands - leaves
        if label[leaves] < 0 or label[lands + 1] < 0 or inside < 3 or label[leaves + 1] >= 0:
            continue
        far = float(np.linalg.norm(ground[lands + 1] - ground[leaves]))
        wanted = SWING_HEIGHT * smoothstep(np.array(far), *SWING_FAR)
        arc = np.sin(np.pi * np.arange(1, inside + 1) / (inside + 1.0)) ** 0.7
        part = slice(leaves + 1, lands + 1)
        lift[part] = np.maximum(wanted * arc - above[part], 0.0)
    return smooth(lift, 0.7) if len(lift) > 4 else lift


def _step_time(root: np.ndarray, side: int) -> np.ndarray:
    """(T,) bool: when this foot swings if somebody walks along root (T, 2), left and right in turn."""
    step = np.linalg.norm(np.gradient(smooth(root, 4.0), axis=0), axis=-1)
    phase = np.cumsum(step) / STEP_STRIDE + 0.5 * side
    return (phase - np.floor(phase) < STEP_SWING) & (step * FPS > 0.2)


def _stance_correction(
    joints: np.ndarray, stands: np.ndarray, spin: np.ndarray, side: int, label: np.ndarray, given: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What holds the foot during the stances of `label` (T,): how much of it is reasonable (T,), 0..1, the move (T, 2)
    and the turn (T,)."""
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
    # A foot flat on the floor keeps its direction; on its toes or heel it may roll and turn as it did.
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
    share = (1.0 - smoothstep(farthest, FULL_LOCK, NO_LOCK)) * (1.0 - smoothstep(most, *TWIST))
    return np.where(on, share[label], 0.0), move, yaw


def stance_labels(down: np.ndarray) -> np.ndarray:
    """(T,) number of the stance each frame belongs to, -1 for none: short gaps closed, single frames dropped."""
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


def _mean(values: np.ndarray, where: np.ndarray, label: np.ndarray, count: int, counts: np.ndarray) -> np.ndarray:
    """Mean of values (T, ...) over the frames of each stance where `where` is True, each as much as counts (T,) says; 0
    for none. (count, ...)"""
    total = np.zeros((count, *values.shape[1:]))
    weight = counts[where].reshape(-1, *([1] * (values.ndim - 1)))
    np.add.at(total, label[where], weight * values[where])
    number = np.bincount(label[where], counts[where], minlength=count)
    return total / np.where(number > 0, number, 1.0).reshape(-1, *([1] * (values.ndim - 1)))


def _has(where: np.ndarray, label: np.ndarray, count: int) -> np.ndarray:
    return np.bincount(label[where], minlength=count) > 0
