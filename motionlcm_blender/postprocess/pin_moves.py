"""Moves of the whole figure over the floor that bring it into reach of its pins. Metres, Y up, 20 fps."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion.skeleton import FPS, PARENTS
from ..motion.smoothing import smooth, through
from .correction_splines import blend_between_runs

REACH = 0.93
"""Fraction of a limb's length beyond which the body moves nearer."""
FASTEST_WALK, FASTER = 2.3, 1.3
"""m/s at which a figure may be led to a pin, and factor on the mean speed of its own motion that allows more."""
WALK = 1.2
"""m/s of the walk whose duration is named to the user."""
FROM_START = 0.3
"""Metres by which a motion may begin beside its start for a pin of hand, foot or head on its first frame."""
SETS_OFF = 6.0
"""Frames over which a move begins."""
_HEAD = 15
_LIMBS = ((20, 16), (21, 17), (10, 1), (11, 2), (_HEAD, 0))


def limbs(source: FloatArray) -> list[tuple[int, int, float]]:
    """Limbs with pins.

    Args:
        source: (T, 22, 3) metres.

    Returns:
        Pinned joint, root joint of its limb, and length of the limb in metres.
    """
    found = []
    for joint, root in _LIMBS:
        chain, at = 0.0, joint
        while at != root:
            chain += float(np.linalg.norm(source[0, at] - source[0, PARENTS[at]]))
            at = PARENTS[at]
        found.append((joint, root, chain))
    return found


def limb_reach(source: FloatArray, joint: int, height: float) -> float:
    """Horizontal reach of a limb.

    Args:
        source: (T, 22, 3) metres, Y up.
        joint: The pinned joint: wrist, toe joint or head.
        height: Height of the pin, metres.

    Returns:
        Metres from the root of the limb, at its median height, to a pin that the limb reaches without a move.
    """
    for end, root, length in limbs(source):
        if end == joint:
            return float(_room(np.array(height - np.median(source[:, root, 1])), length))
    return 0.0


def needed_move(source: FloatArray, positions: FloatArray, mask: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Move of the figure over the floor that each pinned frame needs by itself.

    Args:
        source: (T, 22, 3) metres, Y up.
        positions: (T, 22, 3) metres, the pins.
        mask: (T, 22, 3) bool, the pinned coordinates.

    Returns:
        The move (T, 3), metres, 0 in height, and the frames (T,) bool on which a pin decides about it.
    """
    source = np.asarray(source, np.float64)
    wanted = np.where(mask, positions, source)
    needed, known = _reaching(source, wanted, mask, np.zeros((len(source), 3)))
    hips = mask[:, 0, [0, 2]].any(-1)
    needed[hips] = (wanted[hips, 0] - source[hips, 0]) * np.array([1.0, 0.0, 1.0])
    return needed, known | hips


def moves_in_time(source: FloatArray, positions: FloatArray, mask: BoolArray) -> BoolArray:
    """Find the pins that the figure reaches at the speed of a brisk walk, or of its own motion.

    Args:
        source: (T, 22, 3) metres, Y up.
        positions: (T, 22, 3) metres, the pins.
        mask: (T, 22, 3) bool, the pinned coordinates.

    Returns:
        (T,) bool, the frames whose pins are reached in time; True on frames without pins.
    """
    needed, known = needed_move(source, positions, mask)
    root = np.asarray(source, np.float64)[:, 0] * np.array([1.0, 0.0, 1.0])
    own = float(np.linalg.norm(np.diff(root, axis=0), axis=-1).mean() * FPS) if len(root) > 1 else 0.0
    fastest = max(FASTEST_WALK, FASTER * own)
    timely = np.ones(len(root), bool)
    at, place = 0, root[0]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]])))
    for first, stop in zip(edges[0::2], edges[1::2], strict=True):
        far = float(np.linalg.norm(root[first] + needed[first] - place))
        if first == 0:
            timely[:stop] = mask[0, 0, [0, 2]].any() or far < FROM_START
        else:
            timely[first:stop] = far <= fastest * (first - at) / FPS
        if timely[first]:
            at, place = int(stop) - 1, root[stop - 1] + needed[stop - 1]
    return timely


def walking_seconds(joints: FloatArray, positions: FloatArray, mask: BoolArray, frame: int, joint: int) -> float:
    """Seconds of a walk from the first pelvis to a pin.

    Args:
        joints: (T, 22, 3) metres, Y up.
        positions: (T, 22, 3) metres, the pins.
        mask: (T, 22, 3) bool, the pinned coordinates.
        frame: Frame of the pin.
        joint: The pinned joint.
    """
    start = np.asarray(joints, np.float64)[0, 0]
    offset = np.where(mask[frame, joint], positions[frame, joint] - start, 0.0)[[0, 2]]
    return float(np.linalg.norm(offset)) / WALK


def shift_root_to_pins(source: FloatArray, wanted: FloatArray, pinned: BoolArray) -> FloatArray:
    """Move of the whole figure to the pins of the pelvis and into reach of the other pins.

    It begins with zero on the first frame, unless that frame is pinned, so a take begins where it is meant to. Pins
    that are too far to be reached in time do not move the figure.

    Args:
        source: (T, 22, 3) metres, Y up.
        wanted: (T, 22, 3) metres, positions of pinned coordinates.
        pinned: (T, 22, 3) bool.

    Returns:
        (T, 3) metres.
    """
    late = ~moves_in_time(source, wanted, pinned)
    over_floor = np.array([True, False, True])
    pinned = pinned & ~(late[:, None, None] & over_floor)
    shift = pelvis_shift(source, wanted, pinned)
    needed, known = _reaching(source, wanted, pinned, shift)
    known &= ~late
    needed[late] = 0.0
    if not known.any() or np.abs(needed).max() < 1e-3:
        return shift
    needed = _carried(needed, known)
    begins = np.minimum(np.arange(len(needed)) / SETS_OFF, 1.0)[:, None]
    moved: FloatArray = shift + np.where(known[:, None], needed, begins * smooth(needed, 3.0))
    return moved


def pelvis_shift(source: FloatArray, wanted: FloatArray, pinned: BoolArray) -> FloatArray:
    """Move to the pins of the pelvis: kept between and after them over the floor, faded in height.

    Args:
        source: (T, 22, 3) metres, Y up.
        wanted: (T, 22, 3) metres, positions of pinned coordinates.
        pinned: (T, 22, 3) bool.

    Returns:
        (T, 3) metres.
    """
    shift = np.zeros((len(source), 3))
    gap = wanted[:, 0] - source[:, 0]
    both = pinned[:, 0, 0] & pinned[:, 0, 2]
    for axes in ([0, 2],) if (both == pinned[:, 0, [0, 2]].any(-1)).all() else ([0], [2]):
        known = pinned[:, 0, axes[0]]
        if known.any():
            shift[:, axes] = _carried(gap[:, axes], known)
    known = pinned[:, 0, 1]
    if known.any():
        shift[:, 1] = blend_between_runs(gap[:, 1, None], pin_runs(known))[:, 0]
    return shift


def pin_runs(known: BoolArray) -> IntArray:
    """(T,) number of the run of known frames (T,), -1 outside."""
    starts = known & ~np.concatenate([[False], known[:-1]])
    return np.where(known, np.cumsum(starts) - 1, -1)


def _reaching(
    source: FloatArray, wanted: FloatArray, pinned: BoolArray, shift: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Move (T, 3) beside a shift (T, 3) into reach of hands, feet and head, and the frames (T,) with such pins."""
    needed, known = np.zeros((len(source), 3)), np.zeros(len(source), bool)
    for joint, root, length in limbs(source):
        frames = pinned[:, joint].any(-1) & ~pinned[:, 0, [0, 2]].all(-1)
        offset = wanted[:, joint] - (source[:, root] + shift)
        offset[:, 1] = 0.0
        room = _room(wanted[:, joint, 1] - source[:, root, 1], length)
        distance = np.linalg.norm(offset, axis=-1)
        excess = np.maximum(distance - room, 0.0)
        push = offset * (excess / np.maximum(distance, 1e-9))[:, None]
        stronger = frames & (np.linalg.norm(push, axis=-1) > np.linalg.norm(needed, axis=-1))
        needed[stronger] = push[stronger]
        known |= frames
    return needed, known


def _room(rise: FloatArray, length: float) -> FloatArray:
    """Horizontal metres that a limb of a length reaches at a height `rise` above or below its root."""
    rise = np.minimum(np.abs(rise), 0.9 * length)
    return np.asarray(np.sqrt((REACH * length) ** 2 - np.minimum(rise, 0.85 * REACH * length) ** 2))


def _carried(values: FloatArray, known: BoolArray) -> FloatArray:
    """(T, k) values known on frames (T,), interpolated from zero on the first frame on, constant after the last."""
    at = np.flatnonzero(known)
    given = values[at]
    if at[0] > 0:
        at, given = np.concatenate([[0], at]), np.concatenate([np.zeros((1, values.shape[1])), given])
    return through(at, given, np.arange(len(values)), level_ends=True)
