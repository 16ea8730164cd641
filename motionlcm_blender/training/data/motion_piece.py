"""A piece of captured motion: joints, and how head and hands turn where that was captured.

Metres, Y up, 20 fps. All methods return a new piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...motion import rotations as rot
from ...motion.features import canonical, facing, features_from_joints
from ...motion.head_hands import WIDTH, mirrored
from . import augmentation


@dataclass(frozen=True, eq=False)
class MotionPiece:
    """joints: (T, 22, 3) float32 metres, on the model's skeleton, floor at y = 0 unless `prop`.

    head_hands: (T, 18) float32 features (`motion.head_hands`), NaN where not captured.
    prop: something carries the figure that is not there (stairs, a stool), so the floor is not at y = 0.
    """

    joints: FloatArray
    head_hands: FloatArray
    prop: bool = False

    @classmethod
    def of(cls, joints: FloatArray, head_hands: FloatArray | None = None, prop: bool = False) -> MotionPiece:
        """head_hands: (T, 18), None: not captured."""
        if head_hands is None:
            head_hands = np.full((len(joints), WIDTH), np.nan, np.float32)
        return cls(joints.astype(np.float32), head_hands.astype(np.float32), prop)

    def __len__(self) -> int:
        return len(self.joints)

    def cut(self, first: int, end: int) -> MotionPiece:
        """Frames first to end - 1."""
        return MotionPiece(self.joints[first:end], self.head_hands[first:end], self.prop)

    def mirror(self) -> MotionPiece:
        """Left and right swapped."""
        return MotionPiece(augmentation.mirror(self.joints), mirrored(self.head_hands), self.prop)

    def warp(self, speed: float) -> MotionPiece:
        """Played `speed` times as fast."""
        turns = augmentation.warp_time(self.head_hands[:, None], speed)[:, 0]
        return MotionPiece(augmentation.warp_time(self.joints, speed), turns, self.prop)

    def bend(self, turn_per_metre: FloatArray) -> MotionPiece:
        """Bend the path; see `augmentation.bend`."""
        return MotionPiece(augmentation.bend(self.joints, turn_per_metre), self.head_hands, self.prop)

    def reverse(self) -> MotionPiece:
        """Played backwards."""
        return MotionPiece(self.joints[::-1].copy(), self.head_hands[::-1].copy(), self.prop)

    def features(self) -> FloatArray:
        """(T - 1, 281) float32, not normalised; NaN where head and hands are not known."""
        joints = np.asarray(self.joints, np.float64)
        if self.prop:
            placed = canonical(joints)
        else:
            # The data's own floor: the lowest joint of a short piece may be in the air or a bit below it.
            origin = np.array([joints[0, 0, 0], 0.0, joints[0, 0, 2]])
            placed = rot.rotate(facing(joints[:1], smooth=False)[0], joints - origin)
        return np.concatenate([features_from_joints(placed), self.head_hands[:-1]], axis=-1)
