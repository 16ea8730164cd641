"""Read what an armature of any family shows, with constraints, drivers and layers: one pose, or one on each frame."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.rigs.pose_reading import showing_body, shown_clip
from ...motionlcm_blender.rigs.rig_body import RigBody
from ..armature import pose_reading
from ..armature.actions import loose_action
from ..armature.smpl_rig import Rig
from ..scene.evaluation import evaluated_depsgraph
from .apply_motion import motion_channels
from .recognised import BodyRig, read_character


def poses_now(obj: bpy.types.Object, body: RigBody, depsgraph: bpy.types.Depsgraph) -> tuple[np.ndarray, np.ndarray]:
    """(B, 4, 4) poses of a body's bones in armature space and (4, 4) the object's matrix, as evaluated."""
    shown = obj.evaluated_get(depsgraph)
    bones = shown.pose.bones
    names = [body.description.bones[each.bone].name for each in body.bones]
    return np.array([bones[name].matrix for name in names], np.float64), np.array(shown.matrix_world, np.float64)


def visible_clip(context: bpy.types.Context, obj: bpy.types.Object, rig: BodyRig, frames: Sequence[float]) -> Clip:
    """What a character shows on these frames of the scene, which are one scene frame apart.

    Steps the scene, and returns it to its frame. The clip is placed in the world, in engine axes and metres of the
    body.
    """
    from ..scene.scene_time import rate_of

    scene, body = context.scene, showing_body(rig.body)
    before = scene.frame_current, scene.frame_subframe
    poses, worlds = [], []
    try:
        for frame in frames:
            scene.frame_set(int(np.floor(frame)), subframe=float(frame - np.floor(frame)))
            pose, world = poses_now(obj, body, evaluated_depsgraph(context))
            poses.append(pose)
            worlds.append(world)
    finally:
        scene.frame_set(before[0], subframe=before[1])
    return shown_clip(body, np.array(poses), np.array(worlds), rate_of(scene))


def pose_action(context: bpy.types.Context, obj: bpy.types.Object, name: str) -> bpy.types.Action:
    """The visible pose of the character, constraints and layers included, as an Action that also stores its place.

    Raises InvalidRequest if the object is no character.
    """
    rig = read_character(obj)
    if isinstance(rig, Rig):
        return pose_reading.pose_action(context, obj, name)
    body = showing_body(rig.body)
    pose, world = poses_now(obj, body, evaluated_depsgraph(context))
    clip = shown_clip(body, pose[None], world[None], 20.0)
    channels = motion_channels(obj, rig.body, clip)
    return loose_action(name, np.zeros(1), channels, {"placed": True})
