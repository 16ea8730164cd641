"""What is asked of the model: a prompt, a length, a seed, and positions to pass through."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InvalidRequest
from ..motion.motion import Motion
from ..motion.skeleton import FPS, JOINT_COUNT, MIN_FRAMES
from ..postprocess.foot_lock import FootLock
from ..postprocess.transitions import at_origin

STEPS = (1, 2, 4)
MAX_TAKES = 64
SLOWEST, FASTEST = 0.25, 4.0
"""Limits of `Request.speed`."""
MAX_CHAINED_FRAMES = 1200
"""A minute: the longest motion, made in pieces that go on from one another."""


@dataclass(frozen=True)
class Blend:
    """Noise on the way to that of another seed.

    towards: the other seed. share: 0 is the request's own take, 1 the other one's; a tenth varies a take a little, a
    half is as much of the one as of the other.
    Raises InvalidRequest if the share is not from 0 to 1.
    """

    towards: int
    share: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and 0.0 <= self.share <= 1.0):
            raise InvalidRequest(f"A take is varied by a share from 0 to 1, not {self.share}.")


@dataclass(frozen=True, eq=False)
class Hints:
    """Joint positions the motion should pass through.

    positions: (T, 22, 3) float32, metres, Y up, in the motion's own frame (first root at the XZ origin, facing +Z).
    mask: (T, 22, 3) bool, True where the number is given; a ground path gives x and z of joint 0 only.
    Raises InvalidRequest on shapes that do not match or numbers that are not finite where the mask is True.
    """

    positions: np.ndarray
    mask: np.ndarray

    def __post_init__(self) -> None:
        positions = np.asarray(self.positions, dtype=np.float32)
        mask = np.asarray(self.mask, dtype=bool)
        if positions.ndim != 3 or positions.shape[1:] != (JOINT_COUNT, 3) or mask.shape != positions.shape:
            raise InvalidRequest(
                "Hints must be given as frames x 22 joints x 3 coordinates, with a mask of that shape."
            )
        if not np.isfinite(positions[mask]).all():
            raise InvalidRequest("The path or a pin holds a number that is not finite.")
        if not mask.any():
            raise InvalidRequest("The hints give no position at all.")
        object.__setattr__(self, "positions", np.where(mask, positions, np.float32(0)))
        object.__setattr__(self, "mask", mask)

    @classmethod
    def ground_path(cls, root_xz: np.ndarray) -> Hints:
        """Hints for a root trajectory on the floor. root_xz: (T, 2) metres, x and z for each frame."""
        root_xz = np.asarray(root_xz, dtype=np.float32)
        if root_xz.ndim != 2 or root_xz.shape[1] != 2:
            raise InvalidRequest("A ground path must give x and z for each frame.")
        positions = np.zeros((len(root_xz), JOINT_COUNT, 3), np.float32)
        mask = np.zeros(positions.shape, bool)
        positions[:, 0, 0], positions[:, 0, 2] = root_xz[:, 0], root_xz[:, 1]
        mask[:, 0, 0] = mask[:, 0, 2] = True
        return cls(positions, mask)

    @property
    def frames(self) -> int:
        return int(self.positions.shape[0])

    @property
    def root_xz(self) -> np.ndarray | None:
        """(T, 2) the ground path, if x and z of the pelvis are given on every frame; else None."""
        if self.mask[:, 0, 0].all() and self.mask[:, 0, 2].all():
            return self.positions[:, 0][:, [0, 2]]
        return None

    @property
    def are_whole(self) -> bool:
        """Whether each joint that is given on a frame is given in all three coordinates."""
        return bool((self.mask.all(-1) == self.mask.any(-1)).all())

    def completed(self, joints: np.ndarray) -> Hints:
        """All three coordinates of each joint that is given on a frame; what is missing is taken from (T, 22, 3)
        joints, put onto the ground path if there is one."""
        joints, path = np.array(joints, np.float32), self.root_xz
        if path is not None:
            joints[..., [0, 2]] += (path - joints[:, 0][:, [0, 2]])[:, None]
        whole = np.repeat(self.mask.any(-1, keepdims=True), 3, axis=-1)
        return Hints(np.where(self.mask, self.positions, joints), whole)

    @property
    def pins(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Positions and mask (T, 22, 3) of all that is given beside a ground path; None if there is no more."""
        mask = self.mask.copy()
        if self.root_xz is not None:
            mask[:, 0, [0, 2]] = False
        return (self.positions, mask) if mask.any() else None


@dataclass(frozen=True)
class Request:
    """One order to the model.

    prompt: English text, not empty.
    frames: length at 20 fps, 8..1200; more than the 196 that a model makes at a time are made in pieces that go on from
        one another (`long_motion`).
    seed: any integer; take k is made with seed + k.
    takes: how many variations, made in one batch.
    steps: sampler steps, 1, 2 or 4.
    guidance: guidance scale; None: the model's own for that number of steps.
    hints: positions to pass through, `frames` long, or None.
    start: motion whose frames are the first ones of this motion, from anywhere in the world; it goes on from there.
        To continue an earlier motion, give its last frames. Positions in `hints` are then in the frame of `start` put
        with its first root at the XZ origin, facing +Z.
    end: motion whose frames are the last ones of this motion, in the frame of `hints`: a pose to come to, or the first
        frames of what follows. Without a path the way is bent so that it leads there.
    end_anywhere: only the poses of `end` are asked for; where on the floor is left to the motion.
    feet: what is done about the feet, see `FootLock`.
    facing: (frames,) radians about +Y, 0 along +Z, rising towards +X: where the figure shall face on each frame, in
        the frame of the hints; None: along its way.
    refine: search for start noise with which the network itself meets the hints, in up to 20 passes more for each
        take; one step only, and only where PyTorch is (without it, a warning says so).
    blends: from the seed towards another one, and from there towards a third, to vary a take or to mix two; take k
        differs in the last of them.
    mirror: left and right swapped, path and pins as they are asked for.
    speed: the motion of `frames` times this many frames, played in `frames`; 2 is twice as fast, 0.5 half. 0.25 to 4.
    Raises InvalidRequest, with one sentence, on anything outside this.
    """

    prompt: str
    frames: int
    seed: int = 0
    takes: int = 1
    steps: int = 1
    guidance: float | None = None
    hints: Hints | None = None
    start: Motion | None = None
    end: Motion | None = None
    end_anywhere: bool = False
    feet: FootLock = FootLock.AUTO
    facing: np.ndarray | None = None
    refine: bool = False
    blends: tuple[Blend, ...] = ()
    mirror: bool = False
    speed: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise InvalidRequest("The prompt is empty: say what the character should do.")
        if int(self.frames) != self.frames or not MIN_FRAMES <= self.frames <= MAX_CHAINED_FRAMES:
            raise InvalidRequest(
                f"A motion may be {MIN_FRAMES / FPS:.1f} to {MAX_CHAINED_FRAMES / FPS:.1f} seconds long, "
                f"not {self.frames / FPS:.1f}."
            )
        if self.steps not in STEPS:
            raise InvalidRequest(f"The sampler takes 1, 2 or 4 steps, not {self.steps}.")
        if not 1 <= self.takes <= MAX_TAKES:
            raise InvalidRequest(f"The number of takes must be 1 to {MAX_TAKES}, not {self.takes}.")
        if self.guidance is not None and not (np.isfinite(self.guidance) and 1.0 <= self.guidance <= 30.0):
            raise InvalidRequest(f"The guidance scale must be 1 to 30, not {self.guidance}.")
        if self.hints is not None and self.hints.frames != self.frames:
            raise InvalidRequest(f"The path covers {self.hints.frames} frames but the motion has {self.frames}.")
        if self.refine and self.steps != 1:
            raise InvalidRequest("Refining works with one sampler step only.")
        if not (np.isfinite(self.speed) and SLOWEST <= self.speed <= FASTEST):
            raise InvalidRequest(f"The speed of a motion must be {SLOWEST:g} to {FASTEST:g}, not {self.speed}.")
        if self.speed != 1.0 and self.start is not None:
            raise InvalidRequest("A motion that goes on from another one cannot be made faster or slower.")
        if self.end is not None:
            left = self.frames - (self.start.frames if self.start is not None else 0)
            if not 1 <= self.end.frames < left:
                raise InvalidRequest(
                    f"The motion to end in has {self.end.frames} frames; it must have at least 1 and leave some of the "
                    f"{left} that are free."
                )
            if not np.isfinite(self.end.joints).all():
                raise InvalidRequest("The pose to end in holds a number that is not finite.")
            if self.speed != 1.0:
                raise InvalidRequest("A motion that ends in a given pose cannot be made faster or slower.")
        if self.facing is not None:
            facing = np.asarray(self.facing, dtype=np.float64)
            if facing.shape != (self.frames,) or not np.isfinite(facing).all():
                raise InvalidRequest("The direction to face must be one finite angle for each frame.")
        if self.start is not None and not 2 <= self.start.frames < self.frames:
            raise InvalidRequest(
                f"The motion to go on from has {self.start.frames} frames; it must have at least 2 and fewer than the "
                f"{self.frames} of the whole."
            )

    @property
    def all_hints(self) -> Hints | None:
        """The hints with the frames of `start` and `end` among them, all 22 joints of each; None if there is nothing.

        An end that may be anywhere is not among them.
        """
        end = None if self.end_anywhere else self.end
        if self.start is None and end is None:
            return self.hints
        positions = np.zeros((self.frames, JOINT_COUNT, 3), np.float32)
        mask = np.zeros(positions.shape, bool)
        if self.hints is not None:
            positions, mask = self.hints.positions.copy(), self.hints.mask.copy()
        if self.start is not None:
            first = at_origin(self.start.joints)
            positions[: len(first)], mask[: len(first)] = first, True
        if end is not None:
            positions[-end.frames :], mask[-end.frames :] = end.joints, True
        return Hints(positions, mask)
