"""The two forms in which motion travels: `Motion` (joint positions) and `Clip` (bone rotations)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .skeleton import FPS, SMPL, Skeleton


@dataclass(frozen=True, eq=False)
class Motion:
    """Joint positions as the model decodes them.

    joints: (T, 22, 3) float32, metres, Y up, first root at the XZ origin, facing +Z (unless placed elsewhere).
    contacts: (T, 4) float32 in 0..1: l_ankle, l_foot, r_ankle, r_foot touch the floor.
    fps: frames per second, 20.
    head_hands: (T, 3, 4) float32 unit quaternions (w, x, y, z): how the head turns on the chest and the left and right
        hand on their forearms (`head_hands`); None where the model does not say.
    """

    joints: np.ndarray
    contacts: np.ndarray
    fps: float = FPS
    head_hands: np.ndarray | None = None

    @property
    def frames(self) -> int:
        return int(self.joints.shape[0])

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last."""
        return (self.frames - 1) / self.fps


@dataclass(frozen=True, eq=False)
class Clip:
    """Motion of a skeleton with fixed bone lengths, ready for an armature.

    fps: frames per second, any positive number.
    translation: (T, 3) float64, metres, Y up: the root joint's position.
    rotations: (T, J, 4) float64 unit quaternions (w, x, y, z), local to the parent joint and relative to the
        rest pose; no sign flips from frame to frame.
    skeleton: whose joints they are.
    """

    fps: float
    translation: np.ndarray
    rotations: np.ndarray
    skeleton: Skeleton = SMPL

    @property
    def frames(self) -> int:
        return int(self.translation.shape[0])
