"""The two representations of motion: `Motion` (joint positions) and `Clip` (bone rotations)."""

from __future__ import annotations

from dataclasses import dataclass

from ..array_types import FloatArray
from .skeleton import FPS, SMPL, Skeleton


@dataclass(frozen=True, eq=False)
class Motion:
    """Joint positions as decoded by the model.

    Attributes:
        joints: (T, 22, 3) float32, metres, Y up; first root at the XZ origin, facing +Z (unless placed elsewhere).
        contacts: (T, 4) float32 in 0..1: floor contact of l_ankle, l_foot, r_ankle, r_foot.
        fps: Frames per second, 20.
        head_hands: (T, 3, 4) float32 unit quaternions (w, x, y, z): rotation of the head relative to the chest and of
            the left and right hand relative to the forearms (`head_hands`); None for models without these rotations.
    """

    joints: FloatArray
    contacts: FloatArray
    fps: float = FPS
    head_hands: FloatArray | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.joints.shape[0])

    @property
    def seconds(self) -> float:
        """Time from the first frame to the last."""
        return (self.frames - 1) / self.fps


@dataclass(frozen=True, eq=False)
class Clip:
    """Motion of a skeleton with fixed bone lengths, ready for an armature.

    Attributes:
        fps: Frames per second, any positive number.
        translation: (T, 3) float64, metres, Y up: position of the root joint.
        rotations: (T, J, 4) float64 unit quaternions (w, x, y, z), local to the parent joint and relative to the rest
            pose; no sign flips from frame to frame.
        skeleton: The skeleton whose joints these are.
    """

    fps: float
    translation: FloatArray
    rotations: FloatArray
    skeleton: Skeleton = SMPL

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.translation.shape[0])
