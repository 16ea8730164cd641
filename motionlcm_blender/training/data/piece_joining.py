"""Pieces of motion put together: one after the other, an arm of one on the body of another, standing before and after.

Pieces are on the model's skeleton (`motion_piece.MotionPiece`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ...array_types import FloatArray
from ...gestures.performance import chest_axes
from ...motion.skeleton import JOINTS, MAX_FRAMES
from . import action_detectors as see
from . import augmentation
from .action_detectors import Side
from .motion_piece import MotionPiece

_J = {name: index for index, name in enumerate(JOINTS)}
_ARMS = {
    Side.LEFT: (_J["l_shoulder"], _J["l_elbow"], _J["l_wrist"]),
    Side.RIGHT: (_J["r_shoulder"], _J["r_elbow"], _J["r_wrist"]),
}
_HANDS = {Side.LEFT: slice(6, 12), Side.RIGHT: slice(12, 18)}
"""Features of the hands (`motion.head_hands`)."""
_CANDIDATES = 16
"""Standing pieces of which the one nearest in pose is taken."""


def joined(pieces: Sequence[MotionPiece], fade: int = 8) -> MotionPiece:
    """Pieces one after the other.

    Each is turned and moved to where the one before ends; the difference of the two poses fades out over the first
    `fade` frames. The first frame of each piece but the first takes the place of the last one of the piece before, so
    it is left out.
    """
    whole = pieces[0]
    ground = np.array([1.0, 0.0, 1.0])
    for piece in pieces[1:]:
        angle = see.heading(whole.joints)[-1] - see.heading(piece.joints)[0]
        moved = augmentation.turned(piece.joints - piece.joints[0, 0] * ground, angle) + whole.joints[-1, 0] * ground
        part = np.clip(1 - np.arange(1, len(moved)) / fade, 0, 1)[:, None]
        joints = moved[1:] + (whole.joints[-1] - moved[0]) * part[..., None]
        turns = piece.head_hands[1:] + (whole.head_hands[-1] - piece.head_hands[0]) * part
        # Where one of the two is not known there is nothing to fade from.
        turns = np.where(np.isnan(turns), piece.head_hands[1:], turns)
        whole = MotionPiece(
            np.concatenate([whole.joints, joints]).astype(np.float32),
            np.concatenate([whole.head_hands, turns]).astype(np.float32),
            whole.prop or piece.prop,
        )
    return whole


def held(body: MotionPiece, frames: int) -> MotionPiece:
    """Longer by going to and fro, which a figure that only sways can do."""
    back = body.reverse().cut(1, len(body) - 1)
    count = 1 + frames // max(1, len(body) + len(back))
    joints = np.concatenate([body.joints, back.joints] * count)[:frames]
    turns = np.concatenate([body.head_hands, back.head_hands] * count)[:frames]
    return MotionPiece(joints, turns, body.prop)


def padded(
    cut: MotionPiece, calm: Sequence[MotionPiece], generator: np.random.Generator, most: int = 110, fade: int = 14
) -> MotionPiece:
    """The piece with standing before and after, up to the model's longest motion.

    A requested motion is often longer than its action; the figure should stand for the rest of it.
    """
    room = MAX_FRAMES + 1 - len(cut)
    if not calm or room < 20:
        return cut
    spare = int(generator.integers(10, min(room, most)))
    first = int(generator.integers(0, spare + 1))
    pieces = [cut]
    if first > 3:
        pieces.insert(0, _nearest(calm, cut.joints[0], first, generator))
    if spare - first > 3:
        pieces.append(_nearest(calm, cut.joints[-1], spare - first, generator))
    return joined(pieces, fade).cut(0, MAX_FRAMES + 1)


def _nearest(calm: Sequence[MotionPiece], pose: FloatArray, frames: int, generator: np.random.Generator) -> MotionPiece:
    """Of a few pieces the one whose first pose is most like `pose` (22, 3), made as long as requested."""
    candidates = [calm[int(generator.integers(len(calm)))] for _ in range(_CANDIDATES)]
    wanted = own_pose(pose)
    apart = [np.linalg.norm(own_pose(piece.joints[0]) - wanted, axis=-1).mean() for piece in candidates]
    return held(candidates[int(np.argmin(apart))], frames)


def own_pose(pose: FloatArray) -> FloatArray:
    """A pose (22, 3) seen from the figure itself: pelvis above the origin, facing +Z."""
    moved = pose - pose[0] * np.array([1.0, 0.0, 1.0])
    turned: FloatArray = augmentation.turned(moved, -float(augmentation.headings(pose[None])[0]))
    return turned


def with_arm(body: MotionPiece, gesture: MotionPiece, side: Side, at: int, fade: int = 6) -> MotionPiece:
    """`body` with the arm and hand of `gesture`, which is not longer, as seen from the chest, from frame `at` on.

    The directions of upper arm and forearm are faded in and out over `fade` frames; lengths stay the body's.
    """
    joints, turns = body.joints.astype(np.float64), body.head_hands.copy()
    now = slice(at, at + len(gesture))
    weight = np.clip(np.minimum(np.arange(1, len(gesture) + 1), np.arange(len(gesture), 0, -1)) / fade, 0, 1)[:, None]
    to_body, from_gesture = chest_axes(body.joints[now]), chest_axes(gesture.joints)
    chain = _ARMS[side]
    for upper, lower in itertools.pairwise(chain):
        own = body.joints[now, lower].astype(np.float64) - body.joints[now, upper]
        length = np.linalg.norm(own, axis=-1, keepdims=True)
        theirs = gesture.joints[:, lower].astype(np.float64) - gesture.joints[:, upper]
        theirs = np.einsum("tij,tj->ti", to_body, np.einsum("tji,tj->ti", from_gesture, theirs))
        mixed = (1 - weight) * own / length + weight * theirs / np.linalg.norm(theirs, axis=-1, keepdims=True)
        bone = length * mixed / np.maximum(np.linalg.norm(mixed, axis=-1, keepdims=True), 1e-6)
        joints[now, lower] = joints[now, upper] + bone
    hand = _HANDS[side]
    turns[now, hand] = (1 - weight) * turns[now, hand] + weight * gesture.head_hands[:, hand]
    return MotionPiece(joints.astype(np.float32), turns, body.prop)
