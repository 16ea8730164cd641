"""Captured locomotion with its path made straight, for the ControlNet.

The engine shows the network every drawn path as a straight line with the path's own progress, and bends the result. So
the network learns progress along a line: forward, backward or sideways, at any speed, with stops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ...array_types import FloatArray
from ...motion.skeleton import FPS
from ...motion.smoothing import smooth
from . import action_detectors as see
from .action_detectors import Gait, Side
from .caption_families import family
from .motion_data import Segment, mirror_caption
from .motion_piece import MotionPiece

_SIGMA = 4.0
"""Frames: takes the sway of single steps out of the path."""
_SLOW = 0.25
"""Metres per second below which a path has no direction."""
_TURN_ON_THE_SPOT = np.radians(50.0)
"""Radians that a figure may turn in all on the frames on which it does not travel."""
_SHARP = np.radians(25.0)
"""Radians a frame at which the direction of a path flips rather than turns."""
_STRAIGHT = 0.3
"""Metres by which a straightened path may leave its line."""
_WAY = re.compile(
    r"\b(turn|curve|circle|loop|(left|right)(?! (hand|arm|leg|foot|knee|elbow|shoulder|paw))|veer|around|round|eight|"
    r"weave|zigzag|corner|clockwise|back and forth|pace|wander|bend|arc)",
    re.I,
)
_ONLY_GOING = {"walk", "run", "turn", "around", "backward", "sideways"}
"""Families of captions about locomotion alone."""
_GENERIC = {
    Gait.WALK: ("a person walks forward.", "a person walks.", "walks forward"),
    Gait.RUN: ("a person runs forward.", "a person runs.", "runs"),
    Gait.BACKWARD: ("a person walks backward.", "a person walks backwards.", "walks backward"),
}


def straightened(piece: MotionPiece) -> MotionPiece | None:
    """The same motion along a straight line, or None where that would turn a figure on its spot or flip its way."""
    ground = smooth(piece.joints[:, 0][:, [0, 2]].astype(np.float64), _SIGMA)
    steps = np.gradient(ground, axis=0)
    speed = np.linalg.norm(steps, axis=-1) * FPS
    going = speed > _SLOW
    if going.mean() < 0.4:
        return None
    angles = np.arctan2(steps[:, 0], steps[:, 1])
    known = np.flatnonzero(going)
    direction = np.interp(np.arange(len(angles)), known, np.unwrap(angles[known]))
    change = np.gradient(direction)
    if np.abs(change).max() > _SHARP or np.abs(change[~going]).sum() > _TURN_ON_THE_SPOT:
        return None
    metres = np.maximum(speed / FPS, 1e-4)
    # Where the figure hardly moves nothing is bent: a turn there is not a matter of the path.
    turn = np.where(going, -change / metres, 0.0)
    made = piece.bend(smooth(turn[:, None], 2.0)[:, 0])
    return made if _leaves_line(made.joints) < _STRAIGHT else None


def _leaves_line(joints: FloatArray) -> float:
    """Metres by which the pelvis of (T, 22, 3) is at most beside the line from its first to its last place."""
    ground = joints[:, 0][:, [0, 2]].astype(np.float64)
    along = ground[-1] - ground[0]
    length = np.linalg.norm(along)
    if length < 0.3:
        return np.inf
    beside = (ground - ground[0]) @ np.array([-along[1], along[0]]) / length
    return float(np.abs(beside).max())


def plain_captions(piece: MotionPiece, captions: tuple[str, ...], mirrored: bool = False) -> tuple[str, ...]:
    """The captions without turns and sides; otherwise the name of the gait. Empty if that is not all.

    mirrored: the piece is the mirror image of the captioned motion.
    """
    kept = tuple(mirror_caption(c) if mirrored else c for c in captions if not _WAY.search(c))
    if kept:
        return kept
    if family(Segment("", 0.0, 0.0, captions)) not in _ONLY_GOING:
        return ()
    gait = see.gait(piece.joints)
    if gait is Gait.SIDESTEP:
        side = see.sidestepped_to(piece.joints) or Side.LEFT
        return (f"a person steps sideways to the {side.value}.", "a person walks sideways.", "sidesteps")
    return _GENERIC.get(gait, ())


def straight_examples(
    piece: MotionPiece, captions: tuple[str, ...], mirrored: bool = False
) -> Iterator[tuple[MotionPiece, tuple[str, ...]]]:
    """The straightened piece with captions that fit it; nothing where it cannot be made straight."""
    made = straightened(piece)
    if made is not None:
        kept = plain_captions(made, captions, mirrored)
        if kept:
            yield made, kept


def speed_balanced(speeds: FloatArray) -> FloatArray:
    """(N,) weights so that slow, usual and fast locomotion are shown about equally often; speeds in m/s."""
    bins = np.digitize(speeds, (0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.6, 3.3))
    counts = np.bincount(bins, minlength=10).astype(np.float64)
    weights: FloatArray = 1.0 / np.sqrt(np.maximum(counts[bins], 1.0))
    result: FloatArray = weights / weights.sum()
    return result
