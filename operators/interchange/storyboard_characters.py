"""The characters of storyboards: armatures of this scene, of any family."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import bpy
import numpy as np
from mathutils import Matrix

from ...motionlcm_blender.errors import MotionLCMError
from ..armature.smpl_rig import is_character, standing_place
from ..rigs.recognised import BodyRig, read_character, rest_placement_of, units_per_metre

if TYPE_CHECKING:
    from ...motionlcm_blender.storyboard.storyboard import StoryCharacter
    from ..armature.smpl_rig import Rig

SAME_SIZE = 0.01
"""Part of a size by which an armature may differ from the storyboard's character without a warning."""


def characters_of(scene: bpy.types.Scene) -> tuple[list[tuple[bpy.types.Object, Rig | BodyRig]], list[str]]:
    """The characters of a scene by name, and a sentence for each armature with shots that cannot be one.

    These are all armatures with SMPL's bone names, and any other armature that has shots.
    """
    found, left_out = [], []
    for obj in sorted((obj for obj in scene.objects if obj.type == "ARMATURE"), key=lambda obj: obj.name):
        if not is_character(obj) and not len(obj.motionlcm.shots):
            continue
        try:
            found.append((obj, read_character(obj)))
        except MotionLCMError as error:
            if is_character(obj):
                raise
            left_out.append(f'The storyboard is without "{obj.name}". {error}')
    return found, left_out


def standing(obj: bpy.types.Object, rig: Rig | BodyRig) -> tuple[np.ndarray, float]:
    """The floor under an armature's rest pose, (3,) in the world, and its heading in radians, 0 for facing -Y."""
    if not isinstance(rig, BodyRig):
        return standing_place(obj, rig)
    units = units_per_metre(obj, rig)
    place = rest_placement_of(obj, rig, units)
    x, y, z = np.asarray(place.origin, np.float64) * units
    return np.array([x, -z, y]), float(place.heading)


def armature_for(scene: bpy.types.Scene, story: StoryCharacter) -> bpy.types.Object | None:
    """The armature of a scene that has the name of a storyboard's character, can perform, and has no shots yet."""
    obj = scene.objects.get(story.name)
    if obj is None or obj.type != "ARMATURE" or len(obj.motionlcm.shots) or obj.library is not None:
        return None
    try:
        read_character(obj)
    except MotionLCMError:
        return None
    return obj


def stand_at(obj: bpy.types.Object, at: list[float], facing: float) -> None:
    """Move an armature so that its rest pose stands at a place of the world and faces a direction.

    Args:
        obj: The armature.
        at: Place on the floor, scene units.
        facing: Degrees, as in storyboards.
    """
    floor, heading = standing(obj, read_character(obj))
    turn = Matrix.Rotation(math.radians(facing) - heading, 4, "Z")
    obj.matrix_world = Matrix.Translation(at) @ turn @ Matrix.Translation(-floor) @ obj.matrix_world


def size_warning(obj: bpy.types.Object, story: StoryCharacter, units: float) -> str:
    """A sentence if an armature is of another size than the storyboard's character; otherwise "".

    Args:
        obj: The armature.
        story: The character.
        units: Scene units in a metre.
    """
    ratio = units_per_metre(obj, read_character(obj)) / units / story.scale
    if abs(ratio - 1.0) < SAME_SIZE:
        return ""
    return f'"{obj.name}" keeps its size, {ratio:.2f} times that of the storyboard.'
