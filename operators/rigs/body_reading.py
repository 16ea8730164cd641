"""Read an Action of a recognised armature as a clip of its body: the inverse of `apply_motion.motion_channels`."""

from __future__ import annotations

import bpy
import numpy as np

from ...motionlcm_blender.motion import rotations as rot
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.motion.skeleton import FPS
from ...motionlcm_blender.rigs.bone_channels import rotation_of, to_armature_turn
from ...motionlcm_blender.rigs.bone_keys import location_map
from ...motionlcm_blender.rigs.pose_reading import completed_turns
from ...motionlcm_blender.rigs.rig_retarget import clip_of
from ..armature import action_sampling, pose_reading
from ..armature.actions import bone_path
from ..armature.smpl_rig import Rig
from .recognised import BodyRig, root_pose


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
    above = _above_on(curves, at, obj, rig)
    world = _world_turns(curves, at, rig, above)
    pelvis, joint_place = body.description.bones[body.bones[0].bone], body.alignment.points[0]
    location = action_sampling.values(curves, bone_path(pelvis.name, "location"), (0.0, 0.0, 0.0), at)
    places = np.empty((len(at), 3))
    for frame, pose in enumerate(above):
        matrix, offset = location_map(body, body.description.world, pose, units)
        places[frame] = np.linalg.solve(matrix, location[frame] - offset)
    beside = rot.rotate(body.alignment.turns[0], pelvis.head - joint_place) / body.alignment.size
    return clip_of(world, places - rot.rotate(world[:, 0], beside), FPS, body.skeleton)


def _above_on(curves: action_sampling.Curves, at: np.ndarray, obj: bpy.types.Object, rig: BodyRig) -> np.ndarray:
    """(N, 4, 4) poses of the bone above the pelvis's: as it is now, but for an animated root bone."""
    root = obj.pose.bones.get(rig.body.mapping.root or "")
    prefix = "" if root is None else bone_path(root.name)
    if root is None or not any(path.startswith(prefix) for path, _ in curves):
        return np.broadcast_to(rig.above, (len(at), 4, 4))
    rest = np.array(root.bone.matrix_local, np.float64)
    moved = np.tile(np.eye(4), (len(at), 1, 1))
    moved[:, :3, :3] = rot.to_matrix(action_sampling.turns(curves, prefix, root.rotation_mode, at))
    moved[:, :3, 3] = action_sampling.values(curves, prefix + "location", (0.0, 0.0, 0.0), at)
    still = np.linalg.inv(root_pose(obj, root.name)) @ rig.above
    result: np.ndarray = rest @ moved @ np.linalg.inv(rest) @ still
    return result


def bones_of(rig: Rig | BodyRig) -> tuple[str, ...]:
    """The bones that turn as joints do."""
    if isinstance(rig, Rig):
        return tuple(name for name in rig.bones if name is not None)
    return tuple(rig.body.description.bones[each.bone].name for each in rig.body.bones)


def _world_turns(curves: action_sampling.Curves, at: np.ndarray, rig: BodyRig, poses: np.ndarray) -> np.ndarray:
    """(N, J, 4) world rotations of the body's joints, relative to the T-pose. poses: (N, 4, 4) of the bone above."""
    body, bones = rig.body, rig.body.description.bones
    outside = rot.inverse(to_armature_turn(body.description.world))
    above = np.array([rotation_of(pose[:3, :3]) for pose in poses])
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
