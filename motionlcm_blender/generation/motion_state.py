"""The motion between two steps of the post-processing, and the input of all steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion.motion import Motion
from .request import Request


@dataclass(frozen=True, eq=False)
class PostprocessInput:
    """Input of the post-processing, which no step changes.

    Attributes:
        request: The request of one take.
        contacts: (T, 4) in 0..1, contact channels of the model: l_ankle, l_foot, r_ankle, r_foot.
        pins: Positions and mask, (T, 22, 3) each, in the frame of the request, or None.
    """

    request: Request
    contacts: FloatArray
    pins: tuple[FloatArray, BoolArray] | None


@dataclass(frozen=True, eq=False)
class MotionState:
    """A motion between two steps. Metres, Y up, in the frame of the request, 20 frames per second.

    Attributes:
        given: The input of all steps.
        joints: (T, 22, 3) joint positions.
        path: (T, 2) x and z of the pelvis on each frame, or None.
        facing: (T,) radians about +Y, or None.
        end: The motion of the last frames, in its final position on the floor, or None.
        stands: (T, 4) bool, the foot joints that are locked.
        report: Measurements by name.
        head_hands: (T, 3, 4) unit quaternions, rotations of head and hands on the frames that are played
            (`motion.head_hands`), or None.
        warnings: Sentences for the user.
        spin: (T,) radians about +Y by which `fit_turn` has rotated each frame, or None.
        times: (T,) frames of the sampled motion that are played, or None: all as sampled.
    """

    given: PostprocessInput
    joints: FloatArray
    path: FloatArray | None
    facing: FloatArray | None
    end: Motion | None
    stands: BoolArray
    report: dict[str, float]
    head_hands: FloatArray | None = None
    warnings: tuple[str, ...] = ()
    spin: FloatArray | None = None
    times: FloatArray | None = None

    @property
    def contacts(self) -> FloatArray:
        """(T, 4) in 0..1, contact channels of the frames that are played."""
        return self.given.contacts if self.times is None else self.given.contacts[np.rint(self.times).astype(int)]


def given_frames(state: MotionState) -> BoolArray:
    """(T,) bool, the frames that start and end give."""
    start, end, frames = state.given.request.start, state.end, len(state.joints)
    fixed = np.zeros(frames, bool)
    fixed[: 0 if start is None else start.frames] = True
    fixed[frames - (0 if end is None else end.frames) :] = True
    return fixed
