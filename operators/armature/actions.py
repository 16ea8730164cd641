"""Write motion and recipes to Actions, on every Blender from 4.2 on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from mathutils import Quaternion

from ...motionlcm_blender.keyframes.keys import BezierKeys
from .interference import disturbed_channels
from .smpl_rig import Pose
from .take_properties import LIVE_PREVIEW, facts_of, write_facts

SLOT_NAME = "MotionLCM"
"""The slot name of all our Actions, so that a character continues to play after it gets another one of them."""
LONGEST_NAME = 63


@dataclass(frozen=True, eq=False)
class Channel:
    """F-curves of one property. path: RNA path; group: name of the bone; values: (K, components), one row per moment,
    or (1, components) for one key on the first frame.

    keys: sparse keys with handles, in place of a value on every frame.
    """

    path: str
    values: np.ndarray
    group: str
    keys: BezierKeys | None = None


def channels_of(
    obj: bpy.types.Object, pose: Pose, fitted: tuple[BezierKeys, dict[str, BezierKeys]] | None = None
) -> list[Channel]:
    """The pose as channels of the object's bones, each rotation in the rotation mode of its bone.

    fitted: sparse keys of the location and of the bones' rotations in each bone's mode; other bones get a key on every
    frame. A location or a scale that an earlier Action or a strip left on a bone gets a key at rest.
    """
    location, turns = fitted if fitted is not None else (None, {})
    channels = [Channel(bone_path(pose.root, "location"), pose.location, pose.root, location)]
    for name, quaternions in pose.rotations.items():
        mode = obj.pose.bones[name].rotation_mode
        channels.append(rotation_channel(bone_path(name, ""), quaternions, mode, name, turns.get(name)))
    for name, channel in sorted(disturbed_channels(obj, pose.rotations)):
        if (name, channel) != (pose.root, "location"):
            rest = np.ones((1, 3)) if channel == "scale" else np.zeros((1, 3))
            channels.append(Channel(bone_path(name, channel), rest, name))
    for name, (place, turn, scale) in pose.still.items():
        mode = obj.pose.bones[name].rotation_mode
        channels += [
            Channel(bone_path(name, "location"), place[None], name),
            rotation_channel(bone_path(name, ""), turn[None], mode, name),
            Channel(bone_path(name, "scale"), scale[None], name),
        ]
    return channels


def rotation_channel(
    prefix: str, quaternions: np.ndarray, mode: str, group: str, fitted: BezierKeys | None = None
) -> Channel:
    """A rotation in the rotation mode of its owner. prefix: of the RNA path; quaternions: (K, 4), w first, without sign
    flips; fitted: sparse keys of these quaternions, or of Euler angles in this order; keys of another mode are ignored.
    """
    channels = 0 if fitted is None else fitted.values.shape[1]
    if mode == "QUATERNION":
        return Channel(prefix + "rotation_quaternion", quaternions, group, fitted if channels == 4 else None)
    if mode == "AXIS_ANGLE":
        return Channel(prefix + "rotation_axis_angle", _axis_angles(quaternions), group)
    return Channel(prefix + "rotation_euler", _eulers(quaternions, mode), group, fitted if channels == 3 else None)


def new_action(
    obj: bpy.types.Object, name: str, times: np.ndarray, channels: Sequence[Channel], recipe: Mapping[str, Any]
) -> bpy.types.Action:
    """Create an Action with keys of type GENERATED at `times` (K,) scene frames, and assign it to the object.

    The previous Action of the object is kept, with a fake user if it has no other user.
    """
    action = loose_action(name, times, channels, recipe)
    assign(obj, action)
    return action


def loose_action(
    name: str, times: np.ndarray, channels: Sequence[Channel], recipe: Mapping[str, Any]
) -> bpy.types.Action:
    """Create such an Action without assigning it."""
    action = bpy.data.actions.new(name[:LONGEST_NAME])
    try:
        fill(empty_holder(action), times, channels)
        write_facts(action, recipe)
    except Exception:
        bpy.data.actions.remove(action)
        raise
    return action


def add_channels(
    action: bpy.types.Action, obj: bpy.types.Object, times: np.ndarray, channels: Sequence[Channel]
) -> None:
    """Write channels into an Action of the object; curves of the same properties are replaced."""
    holder = holder_of(action, obj)
    assert holder is not None
    paths = {channel.path for channel in channels}
    for curve in [curve for curve in holder.fcurves if curve.data_path in paths]:
        holder.fcurves.remove(curve)
    _fill(holder, times, channels)


def assign(obj: bpy.types.Object, action: bpy.types.Action | None) -> None:
    """Assign one of our Actions, or None, to the object. The previous Action is kept, with a fake user if it needs
    one."""
    data = obj.animation_data_create()
    before = data.action
    if before is not None and before != action and before.users <= 1 and not LIVE_PREVIEW.is_on(before):
        before.use_fake_user = True
    data.action = action
    if action is not None and hasattr(action, "slots") and len(action.slots):
        data.action_slot = slot_of(action, obj)


def empty_holder(action: bpy.types.Action) -> Any:
    """The owner of the curves of a new Action: the Action or, from 4.4 on, the channelbag of a slot of ours."""
    if not hasattr(action, "slots"):
        return action
    slot = action.slots.new(id_type="OBJECT", name=SLOT_NAME)
    return action.layers.new("Motion").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)


def rewrite(obj: bpy.types.Object, times: np.ndarray, channels: Sequence[Channel], recipe: Mapping[str, Any]) -> None:
    """Replace the curves of the object's active Action. recipe: fields of its recipe to change."""
    holder = _holder(obj)
    assert holder is not None
    refill(holder, times, channels)
    write_facts(obj.animation_data.action, recipe)


def refill(holder: Any, times: np.ndarray, channels: Sequence[Channel]) -> None:
    """Replace all curves of an Action or channelbag."""
    for curve in list(holder.fcurves):
        holder.fcurves.remove(curve)
    fill(holder, times, channels)


def fill(holder: Any, times: np.ndarray, channels: Sequence[Channel]) -> None:
    """Write channels to an Action or channelbag without curves."""
    rna = bpy.types.Keyframe.bl_rna.properties
    generated = rna["type"].enum_items["GENERATED"].value
    free = rna["handle_left_type"].enum_items["FREE"].value
    for channel in channels:
        group = holder.groups.get(channel.group) or holder.groups.new(channel.group)
        keys = channel.keys
        values = channel.values if keys is None else keys.values
        moments = times[: len(values)] if keys is None else keys.times
        count = len(moments)
        coordinates = np.empty(2 * count, np.float32)
        coordinates[0::2] = moments
        for index in range(values.shape[1]):
            curve = holder.fcurves.new(channel.path, index=index)
            curve.group = group
            coordinates[1::2] = values[:, index]
            points = curve.keyframe_points
            points.add(count)
            points.foreach_set("co", coordinates)
            points.foreach_set("type", np.full(count, generated, np.int32))
            if keys is not None:
                for side, handles in (("left", keys.left), ("right", keys.right)):
                    points.foreach_set(f"handle_{side}_type", np.full(count, free, np.int32))
                    points.foreach_set(f"handle_{side}", handles[:, index].astype(np.float32).ravel())
            curve.update()


def curves_of(obj: bpy.types.Object) -> Sequence[bpy.types.FCurve]:
    """The F-curves that animate the object."""
    holder = _holder(obj)
    return () if holder is None else holder.fcurves


def _holder(obj: bpy.types.Object) -> Any | None:
    """The owner of the curves that animate the object: the Action or, from 4.4 on, its slot's channelbag."""
    data = obj.animation_data
    if data is None or data.action is None:
        return None
    return _holder_in(data.action, getattr(data, "action_slot", None))


def holder_of(action: bpy.types.Action, obj: bpy.types.Object | None = None) -> Any | None:
    """The owner of the curves of one of our Actions, whichever object it animates; see `slot_of`."""
    return _holder_in(action, slot_of(action, obj))


def slot_of(action: bpy.types.Action, obj: bpy.types.Object | None = None) -> Any | None:
    """The slot of an Action that holds a character's motion; None without slots, as before Blender 4.4.

    The first of: the slot that animates the object; the slot named after it; ours; the slot with the most curves of
    bones. obj: the character, None for any.
    """
    slots = [slot for slot in getattr(action, "slots", ()) if slot.target_id_type in ("OBJECT", "UNSPECIFIED")]
    if not slots:
        return None
    data = obj.animation_data if obj is not None else None
    if data is not None and data.action == action and data.action_slot in slots:
        return data.action_slot

    def rank(slot: Any) -> tuple[bool, bool, int]:
        holder = _holder_in(action, slot)
        posed = 0 if holder is None else sum(curve.data_path.startswith("pose.bones[") for curve in holder.fcurves)
        named = obj is not None and slot.name_display == obj.name
        return named and posed > 0, slot.name_display == SLOT_NAME and posed > 0, posed

    return max(slots, key=rank)


def _holder_in(action: bpy.types.Action, slot: Any | None) -> Any | None:
    if not hasattr(action, "slots"):
        return action
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot) if slot is not None else None
            if bag is not None:
                return bag
    return None


def repeat_forever(obj: bpy.types.Object) -> None:
    """Repeat the object's curves before and after their keys. The root motion accumulates from repetition to
    repetition."""
    for curve in curves_of(obj):
        modifier = curve.modifiers.new("CYCLES")
        # The hips or the object carry the root motion in their location. Without root motion the offset is zero.
        mode = "REPEAT_OFFSET" if curve.data_path.endswith("location") else "REPEAT"
        modifier.mode_before = modifier.mode_after = mode


def recipe_of(obj: bpy.types.Object | None) -> dict[str, Any]:
    """The recipe of the object's active Action; empty if the Action is not ours."""
    return facts_of(obj.animation_data.action if obj is not None and obj.animation_data is not None else None)


def bone_path(bone: str, channel: str = "") -> str:
    """The RNA path of a bone's channel; without a channel, the prefix of such paths."""
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
    """(K, 4), the angle first, as in Blender. The quaternions are continuous, and so is the result."""
    length = np.linalg.norm(quaternions[:, 1:], axis=1)
    angle = 2.0 * np.arctan2(length, quaternions[:, 0])
    axis = np.where(length[:, None] > 1e-9, quaternions[:, 1:] / np.maximum(length, 1e-9)[:, None], [0.0, 1.0, 0.0])
    return np.concatenate([angle[:, None], axis], axis=1)
