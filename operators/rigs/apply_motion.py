"""Write a clip of the engine onto an armature of any family as an Action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ...motionlcm_blender.keyframes.keys import BezierKeys
from ...motionlcm_blender.motion import rotations
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.rigs.bone_channels import BoneChannels, bone_channels
from ...motionlcm_blender.rigs.bone_keys import BoneKeys, bone_clip, fit_bone_keys
from ...motionlcm_blender.rigs.euler_orders import ORDERS, ordered_euler_angles
from ...motionlcm_blender.rigs.rig_body import RigBody
from ..armature.actions import Channel, bone_path, new_action, rotation_channel
from ..armature.interference import disturbed_channels
from .switches import set_switches, switch_channels


@dataclass(frozen=True)
class WrittenMotion:
    """A motion on a rig.

    action: the character's new Action. switches: RNA path of each switch that the motion needs -> value before and
    value now; `switches.put_back` takes it when the motion is removed.
    """

    action: bpy.types.Action
    switches: dict[str, tuple[float, float]]


def write_motion(
    obj: bpy.types.Object,
    body: RigBody,
    clip: Clip,
    first_frame: float,
    name: str,
    facts: Mapping[str, Any],
    units_per_metre: float | None = None,
    keys: BoneKeys | None = None,
) -> WrittenMotion:
    """Write a clip as the character's active Action.

    Args:
        obj: The armature object.
        body: Its body, as `rig_body` reads it.
        clip: A clip on the body's skeleton at the scene's frame rate, placed in the world.
        first_frame: Scene frame of the clip's first frame.
        name: Name of the Action.
        facts: What is stored on the Action.
        units_per_metre: Scene units in a metre of the clip; None: those of the body at the object's present scale.
        keys: Few keys of this clip (`fitted_keys`); None: a key on every frame.

    Returns:
        The Action, and the switches that were set.
    """
    switches = set_switches(obj, body.mapping.switches)
    times = first_frame + np.arange(clip.frames, dtype=np.float64)
    channels = motion_channels(obj, body, clip, units_per_metre, keys) + switch_channels(switches)
    return WrittenMotion(new_action(obj, name, times, channels, facts), switches)


def fitted_keys(
    obj: bpy.types.Object,
    body: RigBody,
    clip: Clip,
    tolerance_mm: float,
    first_frame: float,
    units_per_metre: float | None = None,
    loops: bool = False,
) -> BoneKeys | None:
    """Few keys for a clip on an armature at its present place; None if the armature needs a key on every frame."""
    pelvis = body.description.bones[body.bones[0].bone].name
    world = np.array(obj.matrix_world, np.float64)
    bones = bone_clip(clip, body, world, pose_above(obj, pelvis), units_per_metre)
    return None if bones is None else fit_bone_keys(bones, tolerance_mm, first_frame, loops)


def motion_channels(
    obj: bpy.types.Object,
    body: RigBody,
    clip: Clip,
    units_per_metre: float | None = None,
    keys: BoneKeys | None = None,
    above: np.ndarray | None = None,
    root: str = "",
) -> list[Channel]:
    """The channels of the pose bones for a clip, each rotation in the rotation mode of its bone.

    Bones above the pelvis keep their present pose, bones between those of the mapping rest. Both get a key on the first
    frame: another Action may have keyed them.

    above: (4, 4) pose of the bone above the pelvis's relative to its rest pose; None: its present one. root: a bone
    that other channels animate.
    """
    pelvis = body.description.bones[body.bones[0].bone].name
    world = np.array(obj.matrix_world, np.float64)
    above = pose_above(obj, pelvis) if above is None else above
    pose = bone_channels(clip, body, world, above, units_per_metre)
    placed = {} if keys is None else keys.locations | {pelvis: keys.location}
    channels = [
        Channel(bone_path(bone, "location"), values, bone, placed.get(bone)) for bone, values in pose.locations.items()
    ]
    channels += _rotation_channels(obj, pose, {} if keys is None else keys.rotations)
    for bone, channel in sorted(disturbed_channels(obj, pose.rotations)):
        if bone not in pose.locations or channel != "location":
            rest = np.ones((1, 3)) if channel == "scale" else np.zeros((1, 3))
            channels.append(Channel(bone_path(bone, channel), rest, bone))
    for bone in pose.resting:
        channels += _still(obj, bone, np.zeros(3), rotations.IDENTITY, np.ones(3))
    for held in held_bones(obj, body, pelvis):
        if held.name != root:
            place, turn, scale = held.matrix_basis.decompose()
            channels += _still(obj, held.name, np.array(place), np.array(turn), np.array(scale))
    return channels


def held_bones(obj: bpy.types.Object, body: RigBody, pelvis: str) -> list[bpy.types.PoseBone]:
    """The bones above the pelvis's, and the root bone of a control rig, which carries it by constraints."""
    bones = list(obj.pose.bones[pelvis].parent_recursive)
    root = obj.pose.bones.get(body.mapping.root or "")
    return bones if root is None or root in bones or root.name == pelvis else [*bones, root]


def _rotation_channels(obj: bpy.types.Object, pose: BoneChannels, keys: Mapping[str, BezierKeys]) -> list[Channel]:
    """Rotations in the modes of their bones; Euler angles of all bones with one order at once."""
    modes: dict[str, list[str]] = {}
    for bone in pose.rotations:
        modes.setdefault(obj.pose.bones[bone].rotation_mode, []).append(bone)
    channels = []
    for mode, bones in modes.items():
        if mode not in ORDERS:
            channels += [
                rotation_channel(bone_path(bone), pose.rotations[bone], mode, bone, keys.get(bone)) for bone in bones
            ]
            continue
        angles = ordered_euler_angles(np.stack([pose.rotations[bone] for bone in bones], axis=1), mode)
        channels += [
            Channel(bone_path(bone, "rotation_euler"), angles[:, number], bone, keys.get(bone))
            for number, bone in enumerate(bones)
        ]
    return channels


def _still(obj: bpy.types.Object, bone: str, place: np.ndarray, turn: np.ndarray, scale: np.ndarray) -> list[Channel]:
    """One key that holds a bone."""
    mode = obj.pose.bones[bone].rotation_mode
    return [
        Channel(bone_path(bone, "location"), place[None], bone),
        rotation_channel(bone_path(bone), turn[None], mode, bone),
        Channel(bone_path(bone, "scale"), scale[None], bone),
    ]


def pose_above(obj: bpy.types.Object, bone: str) -> np.ndarray:
    """(4, 4) pose of the bone above the pelvis's, if there is one, relative to its rest pose."""
    parent = obj.pose.bones[bone].parent
    if parent is None:
        return np.eye(4)
    return np.array(parent.matrix @ parent.bone.matrix_local.inverted(), np.float64)
