"""The visible motion of a character as a clip of SMPL's joints, and of fingers, jaw and eyes of SMPL's armatures."""

from __future__ import annotations

import bpy
import numpy as np

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion import rotations as rot
from ...motionlcm_blender.motion.skeleton import JOINT_COUNT, SMPL
from ...motionlcm_blender.motion.world_transform import blender_to_engine
from ...motionlcm_blender.rigs.pose_reading import completed_turns, showing_body
from ...motionlcm_blender.rigs.rig_body import ENGINE_TO_WORLD
from ...motionlcm_blender.rigs.rig_retarget import clip_of
from ...motionlcm_blender.smpl.body_model import KINDS
from ...motionlcm_blender.smpl.body_parameters import BodyMotion
from ..armature.actions import Channel, bone_path, rotation_channel
from ..armature.smpl_rig import Rig
from ..armature.visible_pose import VisiblePoses, visible_poses
from .recognised import BodyRig, units_per_metre

_TO_WORLD = rot.from_matrix(ENGINE_TO_WORLD)
_FURTHEST = KINDS[55]
"""The kind with all joints."""


def visible_motion(
    context: bpy.types.Context, obj: bpy.types.Object, rig: Rig | BodyRig, at: np.ndarray, fps: float
) -> BodyMotion:
    """The motion that a character shows on frames of keys (N,), as frames of `fps`.

    In the world, engine axes, metres in which the character's legs are as long as those of `SMPL`. Constraints, NLA
    tracks and drivers are included. Joints without a bone turn with their parent.

    Raises InvalidRequest if Blender does not evaluate the character, or it is in Rest Position.
    """
    if obj.data.pose_position == "REST":
        raise InvalidRequest(f'"{obj.name}" is in Rest Position: switch to Pose Position first.')
    units = units_per_metre(obj, rig)
    if isinstance(rig, Rig):
        further = _further_bones(obj, rig)
        joints = [(joint, name) for joint, name in enumerate(rig.bones) if name is not None]
        poses = visible_poses(context, obj, [name for _, name in joints] + list(further), at)
        world = _smpl_turns(rig, [joint for joint, _ in joints], poses)
        extra = _further_turns(rig, joints, further, poses)
        return BodyMotion(clip_of(world, blender_to_engine(poses.root) / units, fps, rig.skeleton), extra)
    body = showing_body(rig.body)
    names = [body.description.bones[each.bone].name for each in body.bones]
    poses = visible_poses(context, obj, names, at)
    outside = rot.multiply(rot.inverse(_TO_WORLD), poses.objects)
    found = {
        each.joint: rot.multiply(
            rot.multiply(outside, poses.turns[:, number]), rot.inverse(body.alignment.turns[each.joint])
        )
        for number, each in enumerate(body.bones)
        if each.share >= 1.0
    }
    world = completed_turns(found, body, len(at))
    pelvis = body.description.bones[body.bones[0].bone]
    beside = rot.rotate(body.alignment.turns[0], pelvis.head - body.alignment.points[0]) / body.alignment.size
    root = blender_to_engine(poses.root) / units - rot.rotate(world[:, 0], beside)
    return BodyMotion(clip_of(world, root, fps, body.skeleton))


def further_channels(obj: bpy.types.Object, rig: Rig, motion: BodyMotion) -> list[Channel]:
    """Channels of the fingers, jaw and eyes that an SMPL armature and a motion both have."""
    channels = []
    for bone, joint in _further_bones(obj, rig).items():
        if bone not in motion.extra:
            continue
        frame = _frame_of(rig, joint)
        moved = rot.multiply(rot.multiply(rot.inverse(frame), motion.extra[bone]), frame)
        rest = np.array(obj.data.bones[bone].matrix_local.to_quaternion(), np.float64)
        turns = rot.continuous(rot.multiply(rot.multiply(rot.inverse(rest), moved), rest))
        channels.append(rotation_channel(bone_path(bone), turns, obj.pose.bones[bone].rotation_mode, bone))
    return channels


def _further_bones(obj: bpy.types.Object, rig: Rig) -> dict[str, int]:
    """Bones of fingers, jaw and eyes that hang from the bones of their parents -> the body's joint above them."""
    found: dict[str, int] = {}
    for joint in range(JOINT_COUNT, len(_FURTHEST.names)):
        name, parent = _FURTHEST.names[joint], _FURTHEST.parents[joint]
        above = rig.bones[parent] if parent < JOINT_COUNT else _FURTHEST.names[parent]
        bone = obj.data.bones.get(name)
        if bone is None or bone.parent is None or bone.parent.name != above:
            continue
        if parent < JOINT_COUNT:
            found[name] = parent
        elif above in found:
            found[name] = found[above]
    return found


def _frame_of(rig: Rig, joint: int) -> np.ndarray:
    """(4,) rotation from armature space to the axes of a joint in the T-pose."""
    return rot.multiply(rig.to_t_pose[joint], rot.inverse(rot.from_matrix(rig.axes)))


def _smpl_turns(rig: Rig, joints: list[int], poses: VisiblePoses) -> np.ndarray:
    """(N, 24, 4) world rotations of the joints, engine axes, relative to the T-pose."""
    outside = rot.multiply(rot.inverse(_TO_WORLD), poses.objects)
    world = np.empty((len(outside), len(SMPL), 4))
    for joint, parent in enumerate(SMPL.parents):
        if joint in joints:
            back = rot.inverse(_frame_of(rig, joint))
            world[:, joint] = rot.multiply(rot.multiply(outside, poses.turns[:, joints.index(joint)]), back)
        else:
            world[:, joint] = world[:, parent]
    return world


def _further_turns(
    rig: Rig, joints: list[tuple[int, str]], further: dict[str, int], poses: VisiblePoses
) -> dict[str, np.ndarray]:
    """(N, 4) rotations of further joints, local to their parents, in the axes of the T-pose."""
    place = {name: number for number, name in enumerate([name for _, name in joints] + list(further))}
    found = {}
    for name, joint in further.items():
        parent = _FURTHEST.parents[_FURTHEST.names.index(name)]
        above = rig.bones[parent] if parent < JOINT_COUNT else _FURTHEST.names[parent]
        assert above is not None
        local = rot.multiply(rot.inverse(poses.turns[:, place[above]]), poses.turns[:, place[name]])
        frame = _frame_of(rig, joint)
        found[name] = rot.continuous(rot.multiply(rot.multiply(frame, local), rot.inverse(frame)))
    return found
