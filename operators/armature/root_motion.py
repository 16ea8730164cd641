"""Root motion in the armature object or in a root bone."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion.loops import Travel
from ...motionlcm_blender.motion.rotations import continuous
from ...motionlcm_blender.motion.world_transform import Placement, engine_to_blender
from .actions import Channel, bone_path, rotation_channel
from .smpl_rig import Rig, read_rig, standing_place
from .take_properties import PREFIX

GROUP = "Object Transforms"
NO_ROOT_BONE = 'The armature "{name}" has no bone above its hips: choose Hips or Armature Object.'


@dataclass(frozen=True, eq=False)
class RootMotion:
    """(T, 3) points on the floor and (T,) headings about +Y in the world, engine axes, metres of the character."""

    ground: np.ndarray
    heading: np.ndarray


def travel_of(name: str, character: bpy.types.Object, bone: str | None = None) -> Travel:
    """The setting as a value of the engine. bone: the root bone, if the root motion goes there.

    Raises InvalidRequest if this armature object or bone cannot carry the root motion.
    """
    travel = Travel(name)
    if travel is Travel.ROOT and (character.parent is not None or len(character.constraints) > 0):
        raise InvalidRequest(
            f'"{character.name}" has a parent or constraints and cannot carry root motion: choose Hips.'
        )
    if travel is Travel.BONE:
        assert bone is not None
        connected = character.data.bones[bone].use_connect
        if connected or not character.data.bones[bone].use_local_location:
            raise InvalidRequest(f'The bone "{bone}" cannot move freely, so it cannot carry the root motion.')
    return travel


def root_bone(character: bpy.types.Object) -> str:
    """The topmost bone above the hips. Raises InvalidRequest if there is none."""
    hips = read_rig(character).bones[0]
    assert hips is not None
    above = character.pose.bones[hips].parent_recursive
    if not above:
        raise InvalidRequest(NO_ROOT_BONE.format(name=character.name))
    name: str = above[-1].name
    return name


def current_placement(obj: bpy.types.Object, rig: Rig, units_per_metre: float) -> Placement:
    """The current placement of the armature object's rest pose, in engine axes and metres of the character."""
    place, heading = standing_place(obj, rig)
    return Placement(np.array([place[0], place[2], -place[1]]) / units_per_metre, heading)


def stored_placement(obj: bpy.types.Object) -> Placement | None:
    """The placement of the armature object before its active Action of ours animated it; None if it does not."""
    action = obj.animation_data.action if obj.animation_data is not None else None
    if action is None or action.get(PREFIX + "travel") != Travel.ROOT.value:
        return None
    standing = action.get(PREFIX + "standing")
    if standing is None:
        return None
    return Placement(np.array(standing[:3]), float(standing[3]))


@dataclass(frozen=True)
class Deltas:
    """Delta transforms of an object: Blender adds the location and multiplies the rotation from the left."""

    location: Vector
    rotation: Quaternion


def deltas_of(obj: bpy.types.Object) -> Deltas:
    """The delta location and rotation, in any rotation mode."""
    place, turned, _ = obj.matrix_basis.decompose()  # with deltas
    if obj.rotation_mode == "QUATERNION":
        own = obj.rotation_quaternion.normalized()
    elif obj.rotation_mode == "AXIS_ANGLE":
        angle, *axis = obj.rotation_axis_angle
        own = Quaternion(axis, angle)
    else:
        own = obj.rotation_euler.to_quaternion()
    return Deltas(place - obj.location, turned @ own.inverted())


def object_channels(
    obj: bpy.types.Object, root_motion: RootMotion, rest_placement: Placement, units_per_metre: float
) -> list[Channel]:
    """Location and rotation of the object on each frame, such that the content at `rest_placement` follows the root
    motion.

    The object keeps its scale, its tilt and its place relative to the ground frame of the character.
    """
    world, deltas = obj.matrix_world.copy(), deltas_of(obj)
    moved = [move @ world for move in _moves(root_motion, rest_placement, units_per_metre)]
    back = deltas.rotation.inverted()
    turns = continuous(np.array([back @ matrix.to_quaternion() for matrix in moved]))
    locations = np.array([matrix.translation - deltas.location for matrix in moved])
    return [Channel("location", locations, GROUP), rotation_channel("", turns, obj.rotation_mode, GROUP)]


def bone_channels(
    obj: bpy.types.Object, root_motion: RootMotion, rest_placement: Placement, units_per_metre: float, root: str
) -> list[Channel]:
    """The same for the bone `root` above the hips, relative to its rest pose. The object and the scale of the bone stay
    unchanged."""
    bone = obj.pose.bones[root]
    rest = obj.matrix_world @ bone.bone.matrix_local
    back = rest.inverted()
    moved = [back @ move @ rest for move in _moves(root_motion, rest_placement, units_per_metre)]
    turns = continuous(np.array([matrix.to_quaternion() for matrix in moved]))
    path = bone_path(bone.name)
    locations = np.array([matrix.translation for matrix in moved])
    channels = [Channel(path + "location", locations, bone.name)]
    return [*channels, rotation_channel(path, turns, bone.rotation_mode, bone.name)]


def _moves(root_motion: RootMotion, rest_placement: Placement, units_per_metre: float) -> list[Matrix]:
    """(T, 4, 4) world transforms of the content at `rest_placement` by the root motion, one per frame."""
    places = engine_to_blender(root_motion.ground) * units_per_metre
    start = engine_to_blender(np.array([rest_placement.origin[0], 0.0, rest_placement.origin[2]])) * units_per_metre
    return [
        # The engine's heading about +Y equals Blender's about +Z: +Z to +X in the engine is -Y to +X in Blender.
        Matrix.Translation(Vector(place))
        @ Matrix.Rotation(float(heading - rest_placement.heading), 4, "Z")
        @ Matrix.Translation(-Vector(start))
        for place, heading in zip(places, root_motion.heading, strict=True)
    ]
