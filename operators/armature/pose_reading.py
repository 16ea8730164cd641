"""Read an Action of a character as a clip: the inverse of `smpl_rig.pose_channels`."""

from __future__ import annotations

import bpy
import numpy as np

from ...motionlcm_blender.motion import rotations
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.motion.retarget import forward_kinematics
from ...motionlcm_blender.motion.skeleton import FOOT_JOINTS, FPS, JOINT_COUNT, SMPL
from ..scene.evaluation import evaluated_depsgraph
from . import action_sampling
from .actions import Channel, bone_path, loose_action, rotation_channel
from .smpl_rig import Rig, bone_axes, read_rig


def read_clip(
    action: bpy.types.Action, at: np.ndarray, obj: bpy.types.Object, rig: Rig, units_per_metre: float
) -> Clip:
    """The pose of the character on scene frames at (N,), from the Action's current curves, including manual edits.

    The clip is placed in the world at the object's current place, in engine axes and metres of the character, at 20
    frames per second. Bones without curves are in their rest pose.
    """
    axes = bone_axes(obj, rig, units_per_metre)
    curves = action_sampling.curves_in(action, obj)
    location = action_sampling.values(curves, bone_path(axes.root, "location"), (0.0, 0.0, 0.0), at)
    translation = (location - axes.offset) @ np.linalg.inv(axes.matrix).T
    turns = np.broadcast_to(rotations.IDENTITY, (len(at), len(rig.skeleton), 4)).copy()
    for bone, (joint, left, right) in axes.turns.items():
        local = action_sampling.turns(curves, bone_path(bone), obj.pose.bones[bone].rotation_mode, at)
        inner = rotations.multiply(local, rotations.inverse(right))
        turns[:, joint] = rotations.multiply(rotations.inverse(left), inner)
    return Clip(FPS, translation, rotations.continuous(turns), rig.skeleton)


def joints_of(clip: Clip) -> np.ndarray:
    """(T, 22, 3) metres: the clip performed by the engine's own skeleton, with its lower foot at the height of the
    clip's."""
    joints = forward_kinematics(clip)[:, :JOINT_COUNT]
    if clip.skeleton is SMPL:
        return joints
    own = forward_kinematics(Clip(clip.fps, clip.translation, clip.rotations, SMPL))[:, :JOINT_COUNT]
    own[..., 1] += (joints[:, FOOT_JOINTS, 1].min(axis=1) - own[:, FOOT_JOINTS, 1].min(axis=1))[:, None]
    return own


def pose_action(context: bpy.types.Context, obj: bpy.types.Object, name: str) -> bpy.types.Action:
    """The visible pose of the character, constraints and layers included, as an Action that also stores its place.

    Raises InvalidRequest if the object is no character.
    """
    rig = read_rig(obj)
    shown = obj.evaluated_get(evaluated_depsgraph(context))
    channels = []
    for name_of_bone in rig.bones:
        if name_of_bone is None:
            continue
        bone, mode = shown.pose.bones[name_of_bone], obj.pose.bones[name_of_bone].rotation_mode
        local = shown.convert_space(pose_bone=bone, matrix=bone.matrix, from_space="POSE", to_space="LOCAL")
        place, turn, _ = local.decompose()
        turns = np.array([turn], np.float64)
        channels.append(rotation_channel(bone_path(name_of_bone), turns, mode, name_of_bone))
        if name_of_bone == rig.bones[0]:
            channels.append(Channel(bone_path(name_of_bone, "location"), np.array([place], np.float64), name_of_bone))
    return loose_action(name, np.zeros(1), channels, {"placed": True})
