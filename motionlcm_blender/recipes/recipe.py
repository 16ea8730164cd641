"""Recipes: everything needed to generate one motion again, as plain values for an Action or a JSON file.

A recipe does not depend on the curve, the pin objects, the ground or the earlier motion that it was made with: it
contains what was read from them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..export.clip_output import EndPose, StartPose
from ..generation.request import Hints, Request
from ..motion.loops import Travel
from ..motion.skeleton import FPS, JOINT_COUNT, SMPL
from ..motion.world_transform import Placement, unplace_joints
from ..postprocess.terrain import Ground, HeightField, PathHeights
from .fields import LARGEST_NUMBER, require

SAME_SIZE = 1e-4
"""Relative size difference of two characters below which numbers are used without scaling."""


@dataclass(frozen=True)
class Origin:
    """Model and version that generated a motion, and the model's licence."""

    model: str = ""
    model_sha256: str = ""
    licence: str = ""
    attribution: str = ""
    version: str = ""


def version_warning(origin: Origin, current: str) -> str | None:
    """Make one sentence if another version of the extension generated a motion, which corrects motion differently.

    Args:
        origin: Where the motion comes from.
        current: The present version, "MAJOR.MINOR.PATCH".

    Returns:
        The sentence; None for the same major and minor version, or where the version is not known.
    """
    if not origin.version or origin.version.split(".")[:2] == current.split(".")[:2]:
        return None
    return f"Version {origin.version} generated this motion before; version {current} may give another motion."


@dataclass(frozen=True)
class Recipe:
    """One motion and how it was written.

    Attributes:
        request: Request of one take.
        placement: Placement in the world, engine axes, metres of the character.
        seconds: Requested length.
        first_frame: First frame in the scene.
        scene_fps: Frame rate of the scene.
        units_per_metre: Scene units per metre of the character.
        path: Name of the path object.
        path_xz: (frames, 2) path in the world, metres, engine axes (x, z).
        ground: Heights above the motion's floor, by position in the world.
        ground_name: Name of the ground object.
        standing: Rest placement of the armature object.
        travel: Where the travel over the floor is stored.
        loop: Whether the motion was looped.
        key_tolerance: Tolerance of the key fitting, millimetres; None: a key on every frame.
        seam: Pose in which the motion continues an earlier one.
        landing: Pose in which the motion ends.
        scene_frames: Largest number of scene frames that are written.
        origin: Model and version.

    Raises:
        InvalidRequest: The parts do not fit together.
    """

    request: Request
    placement: Placement
    seconds: float
    first_frame: int
    scene_fps: float = FPS
    units_per_metre: float = 1.0
    path: str = ""
    path_xz: FloatArray | None = None
    ground: Ground | None = None
    ground_name: str = ""
    standing: Placement | None = None
    travel: Travel = Travel.HIPS
    loop: bool = False
    key_tolerance: float | None = None
    seam: StartPose | None = None
    landing: EndPose | None = None
    scene_frames: int | None = None
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        require(self.request.takes == 1, "A recipe is of one take.")
        require(0 <= self.seconds <= LARGEST_NUMBER, "The recipe's length must be a number of seconds.")
        require(abs(self.first_frame) < 2**30, "The recipe starts on a frame that no scene has.")
        require(0 < self.scene_fps <= LARGEST_NUMBER, "The recipe's frame rate is not one that a scene can have.")
        require(1e-9 < self.units_per_metre < 1e9, "The recipe's units_per_metre must be a positive number.")
        if self.path_xz is not None:
            fits = np.shape(self.path_xz) == (self.request.frames, 2)
            require(fits, "The recipe's path_xz must give x and z for each of its frames.")
        if self.key_tolerance is not None:
            require(0 < self.key_tolerance <= 1e4, "The recipe's key_tolerance must be 0 to 10000 millimetres.")
        if self.scene_frames is not None:
            require(1 <= self.scene_frames < 2**30, "The recipe's scene_frames must be 1 or more.")
        if self.seam is not None:
            require(0 <= self.seam.frame < self.request.frames, "The recipe's seam is not on one of its frames.")
            _check_turns("seam_turns", self.seam.rotations)
        if self.landing is not None:
            _check_turns("landing_turns", self.landing.rotations)

    def for_size(self, units_per_metre: float) -> Recipe:
        """Scale the recipe to a character of another size; positions in the world stay."""
        ratio = self.units_per_metre / units_per_metre
        if abs(ratio - 1.0) < SAME_SIZE:
            return self
        request = self.request
        if request.hints is not None:
            request = replace(request, hints=replace(request.hints, positions=request.hints.positions * ratio))
        if request.end is not None and not request.end_anywhere:
            offset = (ratio - 1.0) * request.end.joints[0, 0] * (1.0, 0.0, 1.0)
            joints = (request.end.joints + offset).astype(np.float32)
            request = replace(request, end=replace(request.end, joints=joints))
        seam, standing, landing = self.seam, self.standing, self.landing
        if landing is not None and landing.translation is not None:
            landing = replace(landing, translation=landing.translation * ratio)
        return replace(
            self,
            request=request,
            placement=_sized(self.placement, ratio),
            units_per_metre=units_per_metre,
            path_xz=None if self.path_xz is None else self.path_xz * ratio,
            ground=None if self.ground is None else _sized_ground(self.ground, ratio),
            standing=None if standing is None else _sized(standing, ratio),
            seam=None if seam is None else replace(seam, translation=seam.translation * ratio),
            landing=landing,
        )


def _check_turns(name: str, turns: FloatArray) -> None:
    require(np.shape(turns) == (len(SMPL), 4), f"The recipe's {name} must be {len(SMPL)} quaternions.")
    require(bool(np.linalg.norm(turns, axis=1).min() > 0.1), f"The recipe's {name} are no turns.")


def _sized(placement: Placement, ratio: float) -> Placement:
    return replace(placement, origin=placement.origin * ratio)


def _sized_ground(ground: Ground, ratio: float) -> Ground:
    if isinstance(ground, HeightField):
        return HeightField(ground.corner * ratio, ground.step * ratio, ground.grid * ratio)
    if isinstance(ground, PathHeights):
        return PathHeights(ground.points * ratio, ground.levels * ratio)
    return ground


def hints_of(
    path_xz: FloatArray | None,
    pinned: tuple[FloatArray, BoolArray] | None,
    placement: Placement,
    pins_in_motion: bool = False,
) -> Hints | None:
    """Make hints from a path and pins.

    Args:
        path_xz: (frames, 2) metres, path in the world, or None.
        pinned: Positions and mask, (frames, 22, 3) each, or None.
        placement: Frame of the motion in the world.
        pins_in_motion: The pins are already in the motion's frame.

    Returns:
        The hints; None without path and pins.
    """
    frames = next(
        (len(given) for given in (path_xz, pinned[0] if pinned is not None else None) if given is not None), 0
    )
    if not frames:
        return None
    positions, mask = np.zeros((frames, JOINT_COUNT, 3), np.float32), np.zeros((frames, JOINT_COUNT, 3), bool)
    if pinned is not None:
        mask |= pinned[1]
        held = mask.any(axis=-1)
        positions[held] = pinned[0][held] if pins_in_motion else unplace_joints(pinned[0][held], placement)
    if path_xz is not None:
        positions[:, 0, [0, 2]] = unplace_joints(np.insert(path_xz, 1, 0.0, axis=1), placement)[:, [0, 2]]
        positions[0, 0, [0, 2]] = 0.0
        mask[:, 0, [0, 2]] = True
    return Hints(positions, mask)


# Recipes as named values


# In an Action: flat values


# In a file: JSON
