"""Read an Action of a recognised armature as a clip of its body: the inverse of `apply_motion.motion_channels`."""

from __future__ import annotations

import bpy
import numpy as np

from ...motionlcm_blender.motion import rotations as rot
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.motion.skeleton import FPS
from ...motionlcm_blender.rigs.bone_channels import rotation_of, to_armature_turn
from ...motionlcm_blender.rigs.bone_keys import location_map
from ...motionlcm_blender.rigs.rig_body import RigBody
from ...motionlcm_blender.rigs.rig_retarget import clip_of
from ..armature import action_sampling, pose_reading
from ..armature.actions import bone_path
from ..armature.smpl_rig import Rig
from .recognised import BodyRig


def read_clip(
    action: bpy.types.Action, at: np.ndarray, obj: bpy.types.Object, rig: Rig | BodyRig, units: float
) -> Clip:
    """The pose of the character on scene frames at (N,), from the Action's current curves, including manual edits.

    The clip is placed in the world at the object's current place, in engine axes and metres of the character, at 20
    frames per second. Bones without curves are in their rest pose.
    """
    if isinstance(rig, Rig):
        return pose_reading.read_clip(action, at, obj, rig, units)
    curves, body = action_sampling.curves_in(action, obj), rig.body
    world = _world_turns(curves, at, rig)
    pelvis, joint_place = body.description.bones[body.bones[0].bone], body.alignment.points[0]
    matrix, offset = location_map(body, body.description.world, rig.above, units)
    location = action_sampling.values(curves, bone_path(pelvis.name, "location"), (0.0, 0.0, 0.0), at)
    beside = rot.rotate(body.alignment.turns[0], pelvis.head - joint_place) / body.alignment.size
    root = (location - offset) @ np.linalg.inv(matrix).T - rot.rotate(world[:, 0], beside)
    return clip_of(world, root, FPS, body.skeleton)


def bones_of(rig: Rig | BodyRig) -> tuple[str, ...]:
    """The bones that turn as joints do."""
    if isinstance(rig, Rig):
        return tuple(name for name in rig.bones if name is not None)
    return tuple(rig.body.description.bones[each.bone].name for each in rig.body.bones)


def _world_turns(curves: action_sampling.Curves, at: np.ndarray, rig: BodyRig) -> np.ndarray:
    """(N, J, 4) world rotations of the body's joints, relative to the T-pose."""
    body, bones = rig.body, rig.body.description.bones
    outside = rot.inverse(to_armature_turn(body.description.world))
    above = rotation_of(rig.above[:3, :3])
    turned: list[np.ndarray] = []
    found: dict[int, np.ndarray] = {}
    for each in body.bones:
        bone = bones[each.bone]
        rest = rot.from_matrix(bone.matrix)
        local = action_sampling.turns(curves, bone_path(bone.name), bone.rotation_mode, at)
        carried = turned[each.parent] if each.parent >= 0 else above
        if not each.follows:
            carried = rot.IDENTITY
        turned.append(rot.multiply(carried, rot.multiply(rot.multiply(rest, local), rot.inverse(rest))))
        if each.share >= 1.0:
            back = rot.inverse(body.alignment.turns[each.joint])
            found[each.joint] = rot.multiply(rot.multiply(outside, turned[-1]), back)
    return completed_turns(found, body, len(at))


def completed_turns(found: dict[int, np.ndarray], body: RigBody, frames: int) -> np.ndarray:
    """(N, J, 4) turns of all joints: one without a bone turns half as far as the next one below, or with its parent."""
    parents = body.skeleton.parents
    world = np.empty((frames, len(parents), 4))
    for joint, parent in enumerate(parents):
        if joint in found:
            world[:, joint] = found[joint]
            continue
        below = [child for child, above in enumerate(parents) if above == joint and child in found]
        if len(below) == 1:
            world[:, joint] = rot.slerp(world[:, parent], found[below[0]], np.full(frames, 0.5))
        else:
            world[:, joint] = world[:, parent]
    return world
