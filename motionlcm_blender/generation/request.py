"""Requests to the model: prompt, length, seed, and positions to pass through."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..errors import InvalidRequest
from ..motion.motion import Motion
from ..motion.skeleton import FPS, JOINT_COUNT, MIN_FRAMES
from ..postprocess.foot_lock import FootLock
from ..postprocess.transitions import at_origin

STEPS = (1, 2, 4)
DEFAULT_STEPS = 4
MAX_TAKES = 64
START_FRAMES = 20
"""Frames of an earlier motion that a motion which goes on from it is given: one second."""
LONGEST_PROMPT = 4000
"""Letters of a prompt, in requests, recipes and storyboards alike."""
SLOWEST, FASTEST = 0.25, 4.0
"""Limits of `Request.speed`."""
TAMEST, LIVELIEST = 0.5, 1.7
"""Limits of `Request.liveliness`."""
MAX_CHAINED_FRAMES = 1200
"""One minute: the longest motion, generated in segments that continue one another."""


@dataclass(frozen=True)
class Blend:
    """Noise interpolated towards that of another seed.

    Attributes:
        towards: The other seed.
        weight: 0 is the request's own take, 1 the other one; 0.1 varies a take slightly, 0.5 mixes both equally.

    Raises:
        InvalidRequest: `weight` is not in 0..1.
    """

    towards: int
    weight: float

    def __post_init__(self) -> None:
        """Check the values."""
        if not (math.isfinite(self.weight) and 0.0 <= self.weight <= 1.0):
            raise InvalidRequest(f"A take is varied by a weight from 0 to 1, not {self.weight}.")


@dataclass(frozen=True, eq=False)
class Hints:
    """Joint positions that the motion should pass through.

    Attributes:
        positions: (T, 22, 3) float32, metres, Y up, in the motion's own frame (first root at the XZ origin, facing
            +Z).
        mask: (T, 22, 3) bool, True where a number is given; a ground path gives x and z of joint 0 only.

    Raises:
        InvalidRequest: The shapes do not match, or a number is not finite where the mask is True.
    """

    positions: FloatArray
    mask: BoolArray

    def __post_init__(self) -> None:
        """Check the values."""
        positions = np.asarray(self.positions, dtype=np.float32)
        mask = np.asarray(self.mask, dtype=bool)
        if positions.ndim != 3 or positions.shape[1:] != (JOINT_COUNT, 3) or mask.shape != positions.shape:
            raise InvalidRequest(
                "Hints must be given as frames x 22 joints x 3 coordinates, with a mask of that shape."
            )
        given = np.where(mask, positions, np.float32(0))
        if not np.isfinite(given).all():
            raise InvalidRequest("The path or a pin holds a number that is not finite.")
        if not mask.any():
            raise InvalidRequest("The hints give no position at all.")
        object.__setattr__(self, "positions", given)
        object.__setattr__(self, "mask", mask)

    @classmethod
    def ground_path(cls, root_xz: FloatArray) -> Hints:
        """Make hints for a root trajectory on the floor.

        Args:
            root_xz: (T, 2) metres, x and z for each frame.

        Returns:
            The hints.

        Raises:
            InvalidRequest: `root_xz` has another shape.
        """
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
        """Number of frames."""
        return int(self.positions.shape[0])

    @property
    def root_xz(self) -> FloatArray | None:
        """(T, 2) ground path, if x and z of the pelvis are given on every frame; else None."""
        if self.mask[:, 0, 0].all() and self.mask[:, 0, 2].all():
            return self.positions[:, 0][:, [0, 2]]
        return None

    @property
    def are_whole(self) -> bool:
        """Whether each joint that is given on a frame is given in all three coordinates."""
        return bool((self.mask.all(-1) == self.mask.any(-1)).all())

    def completed(self, joints: FloatArray) -> Hints:
        """Complete all three coordinates of each joint that is given on a frame.

        Args:
            joints: (T, 22, 3) metres, source of the missing coordinates, moved onto the ground path if there is one.

        Returns:
            The completed hints.
        """
        joints, path = np.array(joints, np.float32), self.root_xz
        if path is not None:
            joints[..., [0, 2]] += (path - joints[:, 0][:, [0, 2]])[:, None]
        whole = np.repeat(self.mask.any(-1, keepdims=True), 3, axis=-1)
        return Hints(np.where(self.mask, self.positions, joints), whole)

    @property
    def pins(self) -> tuple[FloatArray, BoolArray] | None:
        """Positions and mask (T, 22, 3) of everything given beside a ground path; None if there is nothing."""
        mask = self.mask.copy()
        if self.root_xz is not None:
            mask[:, 0, [0, 2]] = False
        return (self.positions, mask) if mask.any() else None


@dataclass(frozen=True)
class Request:
    """One request to the model.

    Attributes:
        prompt: English text, not empty.
        frames: Length at 20 fps, 8..1200; more than the model's 196 frames are generated in segments (`long_motion`).
        seed: Any integer; take k uses seed + k.
        takes: Number of variations, generated in one batch.
        steps: Sampler steps, 1, 2 or 4. Four cost a few milliseconds and keep most of the teacher's motion.
        guidance: Guidance scale; None: the model's own for that number of steps.
        liveliness: Factor on the initial noise, 0.5 to 1.7. Above 1 a motion is larger and farther from the usual one.
        hints: Positions to pass through, `frames` long, or None.
        start: Motion whose frames are the first ones of this motion, in any world frame. To continue an earlier
            motion, give its last frames. `hints` are then in the frame of `start` moved to the XZ origin, facing +Z.
        end: Motion whose frames are the last ones of this motion, in the frame of `hints`: a final pose, or the first
            frames of what follows. Without a path the trajectory is bent so that it leads there.
        end_anywhere: Use only the poses of `end`; the motion decides the position on the floor.
        feet: Mode of the foot lock, see `FootLock`.
        facing: (frames,) radians about +Y, 0 along +Z, rising towards +X: target facing on each frame, in the frame of
            the hints; None: along the trajectory.
        refine: Optimize the initial noise so that the network itself meets the hints, in up to 20 more passes for each
            take. Needs PyTorch (without it there is a warning). The noise is optimized for one step; a student in
            phases then takes `steps` from there, others take one.
        blends: Interpolation of the noise from the seed towards a second one, from there towards a third, to vary a
            take or to mix two; takes differ in the last of them.
        mirror: Swap left and right; path and pins stay as given.
        gestures: Perform gestures and actions that the prompt names, as nods and throws, with arms and head on the
            sampled motion (`gestures.gesture_layer`), raise its kicks, and keep a foot up in hops on the other one.
        sequence: Make the actions that the prompt names one after the other one after the other, each from a prompt of
            its own, and an action that it names several times as often (`text.action_sequence`). For motion without
            path, pins, facing and end.
        rewrite: Give the network a caption that the model is seen to do well in place of words that it was seen not to
            follow (`text.prompt_rewriting`), if the model folder has such captions.
        caption: What the network gets in place of the prompt, and what decides the gait on a path; None: the prompt, or
            its rewrite. The engine sets it for a prompt that names the shape of a path; recipes do not hold it.
        caption_liveliness: Scale the noise by how much captured motion of such captions moves, if the model
            folder has the numbers (`generation.caption_liveliness`). Motion on a path stays as it is.
        speed: The motion of `frames` times this many frames, played in `frames`; 2 is twice as fast. 0.25 to 4.

    Raises:
        InvalidRequest: A value is outside these limits.
    """

    prompt: str
    frames: int
    seed: int = 0
    takes: int = 1
    steps: int = DEFAULT_STEPS
    guidance: float | None = None
    hints: Hints | None = None
    start: Motion | None = None
    end: Motion | None = None
    end_anywhere: bool = False
    feet: FootLock = FootLock.AUTO
    facing: FloatArray | None = None
    refine: bool = False
    blends: tuple[Blend, ...] = ()
    mirror: bool = False
    speed: float = 1.0
    liveliness: float = 1.0
    gestures: bool = True
    sequence: bool = True
    rewrite: bool = True
    caption_liveliness: bool = True
    caption: str | None = None

    @property
    def has_path(self) -> bool:
        """Whether a ground path is given; pins alone are none."""
        return self.hints is not None and self.hints.root_xz is not None

    def __post_init__(self) -> None:
        """Check the values."""
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise InvalidRequest("The prompt is empty: describe what the character should do.")
        if len(self.prompt) > LONGEST_PROMPT:
            raise InvalidRequest(f"The prompt has {len(self.prompt)} letters; {LONGEST_PROMPT} are the most.")
        if any("\ud800" <= letter <= "\udfff" for letter in self.prompt):
            raise InvalidRequest("The prompt is not text in UTF-8.")
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
        if not (np.isfinite(self.liveliness) and TAMEST <= self.liveliness <= LIVELIEST):
            raise InvalidRequest(f"The liveliness must be {TAMEST:g} to {LIVELIEST:g}, not {self.liveliness}.")
        if self.hints is not None and self.hints.frames != self.frames:
            raise InvalidRequest(f"The path covers {self.hints.frames} frames but the motion has {self.frames}.")
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
        """The hints including the frames of `start` and `end`, all 22 joints of each; None if there is nothing.

        An `end` of free position is not included.
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
