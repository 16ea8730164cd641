"""Writing motion into Actions, on every Blender from 4.2 on, and their recipes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Quaternion

from .rig import Pose

SLOT_NAME = "MotionLCM"
"""The same for every Action we make, so that a character that is given another one goes on playing."""
RECIPE = "motionlcm_"
"""Custom properties with this prefix tell how an Action was made."""
LONGEST_NAME = 63


@dataclass(frozen=True)
class Channel:
    """F-curves of one property. path: RNA path; values: (K, components); group: name of the bone."""

    path: str
    values: np.ndarray
    group: str


def channels_of(obj: bpy.types.Object, pose: Pose) -> list[Channel]:
    """The pose as channels of the object's bones, each rotation in the mode its bone is in."""
    channels = [Channel(_bone_path(pose.root, "location"), pose.location, pose.root)]
    for name, quaternions in pose.rotations.items():
        mode = obj.pose.bones[name].rotation_mode
        if mode == "QUATERNION":
            channels.append(Channel(_bone_path(name, "rotation_quaternion"), quaternions, name))
        elif mode == "AXIS_ANGLE":
            channels.append(Channel(_bone_path(name, "rotation_axis_angle"), _axis_angles(quaternions), name))
        else:
            channels.append(Channel(_bone_path(name, "rotation_euler"), _eulers(quaternions, mode), name))
    return channels


def new_action(
    obj: bpy.types.Object, name: str, times: np.ndarray, channels: Sequence[Channel], recipe: Mapping[str, Any]
) -> bpy.types.Action:
    """Make an Action with keys of type GENERATED at `times` (K,) scene frames, and give it to the object.

    The Action the object had before is kept, with a fake user if nobody else uses it.
    """
    data = obj.animation_data_create()
    before = data.action
    action = bpy.data.actions.new(name[:LONGEST_NAME])
    try:
        slot = _write_curves(action, times, channels)
        for key, value in recipe.items():
            action[RECIPE + key] = value
    except Exception:
        bpy.data.actions.remove(action)
        raise
    if before is not None and before.users <= 1 and not before.use_fake_user:
        before.use_fake_user = True
    data.action = action
    if slot is not None:
        data.action_slot = slot
    return action


def _write_curves(action: bpy.types.Action, times: np.ndarray, channels: Sequence[Channel]) -> Any | None:
    """Fill an empty Action; returns its slot where there are slots (4.4 and later)."""
    if hasattr(action, "slots"):
        slot = action.slots.new(id_type="OBJECT", name=SLOT_NAME)
        strip = action.layers.new("Motion").strips.new(type="KEYFRAME")
        holder = strip.channelbag(slot, ensure=True)
    else:
        slot, holder = None, action
    generated = bpy.types.Keyframe.bl_rna.properties["type"].enum_items["GENERATED"].value
    types = np.full(len(times), generated, np.int32)
    coordinates = np.empty(2 * len(times), np.float32)
    coordinates[0::2] = times
    for channel in channels:
        group = holder.groups.get(channel.group) or holder.groups.new(channel.group)
        for index in range(channel.values.shape[1]):
            curve = holder.fcurves.new(channel.path, index=index)
            curve.group = group
            coordinates[1::2] = channel.values[:, index]
            curve.keyframe_points.add(len(times))
            curve.keyframe_points.foreach_set("co", coordinates)
            curve.keyframe_points.foreach_set("type", types)
            curve.update()
    return slot


def curves_of(obj: bpy.types.Object) -> Sequence[bpy.types.FCurve]:
    """The F-curves that animate the object now."""
    data = obj.animation_data
    if data is None or data.action is None:
        return ()
    if not hasattr(data.action, "slots"):
        return data.action.fcurves
    for layer in data.action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(data.action_slot) if data.action_slot is not None else None
            if bag is not None:
                return bag.fcurves
    return ()


def repeat_forever(obj: bpy.types.Object) -> None:
    """Let the object's present curves repeat before and after their keys; over the floor each round goes on from the
    last."""
    for curve in curves_of(obj):
        modifier = curve.modifiers.new("CYCLES")
        # What travels is the location of the hips or of the object. Where nothing travels, the offset is nothing.
        mode = "REPEAT_OFFSET" if curve.data_path.endswith("location") else "REPEAT"
        modifier.mode_before = modifier.mode_after = mode


def recipe_of(obj: bpy.types.Object | None) -> dict[str, Any]:
    """How the object's present Action was made; empty if it is not ours."""
    action = obj.animation_data.action if obj is not None and obj.animation_data is not None else None
    if action is None:
        return {}
    return {key.removeprefix(RECIPE): action[key] for key in action.keys() if key.startswith(RECIPE)}


def _bone_path(bone: str, channel: str) -> str:
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"].{channel}'


def _eulers(quaternions: np.ndarray, order: str) -> np.ndarray:
    """(K, 3) angles without jumps."""
    result = np.empty((len(quaternions), 3))
    before = None
    for index, quaternion in enumerate(quaternions):
        turned = Quaternion(quaternion)
        before = turned.to_euler(order, before) if before is not None else turned.to_euler(order)
        result[index] = before
    return result


def _axis_angles(quaternions: np.ndarray) -> np.ndarray:
    """(K, 4) angle first, as Blender keeps it; the quaternions are continuous, and so is this."""
    length = np.linalg.norm(quaternions[:, 1:], axis=1)
    angle = 2.0 * np.arctan2(length, quaternions[:, 0])
    axis = np.where(length[:, None] > 1e-9, quaternions[:, 1:] / np.maximum(length, 1e-9)[:, None], [0.0, 1.0, 0.0])
    return np.concatenate([angle[:, None], axis], axis=1)
