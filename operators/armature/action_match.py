"""Whether the Actions of a character still reach its bones: slot, names of bones, rotation modes, rest position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import bpy

from .actions import holder_of, slot_of
from .interference import BONE, HasBones, Interference, listed_names
from .smpl_rig import joint_of
from .take_properties import PROMPT

CHANNELS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}
"""The channel of a rotation mode; Euler modes share `EULER`."""
EULER = "rotation_euler"
OBJECT = "Armature Object"
"""The name of the armature object among the names of its bones."""


def mismatches(obj: bpy.types.Object, rig: HasBones, actions: Sequence[bpy.types.Action]) -> Iterator[Interference]:
    """The causes why generated Actions do not move the character. actions: the active Action, or those of the shots."""
    ours = [action for action in actions if PROMPT.is_on(action)]
    if not ours:
        return
    if obj.data.pose_position == "REST":
        yield Interference(f'The armature of "{obj.name}" is in Rest Position, so it shows no motion.', "REST")
    if _without_slot(obj, ours):
        name = obj.animation_data.action.name
        yield Interference(f'"{obj.name}" has no slot of its Action "{name}", so the Action does not play.', "SLOT")
    renamed = list(_renamed_bones(obj, ours))
    if renamed:
        names = listed_names(list(dict.fromkeys(old for _, old, _ in renamed)))
        yield Interference(f"Generated keys are for bones that were renamed since: {names}.", "BONE_NAMES")
    modes = _wanted_modes(obj, rig, ours)
    if modes:
        names = listed_names(sorted(modes))
        safe = all(len(wanted) == 1 and EULER not in wanted for wanted in modes.values())
        advice = "" if safe else " Generate the motion again."
        yield Interference(
            f"The rotation mode was changed after the generation, so these keys do not play: {names}.{advice}",
            "ROTATION_MODES" if safe else "",
        )


def _without_slot(obj: bpy.types.Object, actions: Iterable[bpy.types.Action]) -> bool:
    """Whether the active Action is one of these and has slots, but none of them animates the object."""
    data = obj.animation_data
    action = data.action if data is not None else None
    if action is None or action not in actions or not hasattr(action, "slots"):
        return False
    return len(action.slots) > 0 and data.action_slot is None


def _renamed_bones(
    obj: bpy.types.Object, actions: Iterable[bpy.types.Action]
) -> Iterator[tuple[bpy.types.Action, str, str]]:
    """Actions with keys for a joint's bone under a name that the armature lacks: the old and the present name."""
    present = {joint_of(bone.name): bone.name for bone in obj.data.bones}
    for action in actions:
        matches = (BONE.fullmatch(curve.data_path) for curve in _curves_of(action, obj))
        keyed = {match[1] for match in matches if match is not None}
        for name in sorted(keyed):
            joint = joint_of(name)
            if name not in obj.data.bones and joint and present.get(joint, name) not in keyed:
                yield action, name, present[joint]


def _wanted_modes(obj: bpy.types.Object, rig: HasBones, actions: Iterable[bpy.types.Action]) -> dict[str, set[str]]:
    """The joints' bones, and `OBJECT` for the object, whose rotation mode has no keys, and the channels that have keys
    in its place."""
    modes = {name: obj.pose.bones[name].rotation_mode for name in rig.bones if name is not None}
    modes[OBJECT] = obj.rotation_mode
    found: dict[str, set[str]] = {}
    for action in actions:
        channels: dict[str, set[str]] = {}
        for curve in _curves_of(action, obj):
            match = BONE.fullmatch(curve.data_path)
            owner, channel = match.groups() if match is not None else (OBJECT, curve.data_path)
            if channel.startswith("rotation"):
                channels.setdefault(owner, set()).add(channel)
        for name, keyed in channels.items():
            if name in modes and CHANNELS.get(modes[name], EULER) not in keyed:
                found.setdefault(name, set()).update(keyed)
    return found


def _curves_of(action: bpy.types.Action, obj: bpy.types.Object) -> Sequence[bpy.types.FCurve]:
    holder = holder_of(action, obj)
    return () if holder is None else holder.fcurves


def _to_pose_position(obj: bpy.types.Object, _rig: HasBones, _actions: Sequence[bpy.types.Action]) -> None:
    obj.data.pose_position = "POSE"


def _assign_slot(obj: bpy.types.Object, _rig: HasBones, _actions: Sequence[bpy.types.Action]) -> None:
    obj.animation_data.action_slot = slot_of(obj.animation_data.action, obj)


def _rename_in_keys(obj: bpy.types.Object, _rig: HasBones, actions: Sequence[bpy.types.Action]) -> None:
    for action, old, new in list(_renamed_bones(obj, actions)):
        before, after = (f'pose.bones["{bpy.utils.escape_identifier(name)}"].' for name in (old, new))
        for curve in _curves_of(action, obj):
            if curve.data_path.startswith(before):
                curve.data_path = after + curve.data_path[len(before) :]


def _restore_modes(obj: bpy.types.Object, rig: HasBones, actions: Sequence[bpy.types.Action]) -> None:
    modes: dict[str, Any] = {channel: mode for mode, channel in CHANNELS.items()}
    for name, wanted in _wanted_modes(obj, rig, actions).items():
        owner = obj if name == OBJECT else obj.pose.bones[name]
        owner.rotation_mode = modes[next(iter(wanted))]


ACTION_REPAIRS: dict[str, Callable[[bpy.types.Object, HasBones, Sequence[bpy.types.Action]], None]] = {
    "REST": _to_pose_position,
    "SLOT": _assign_slot,
    "BONE_NAMES": _rename_in_keys,
    "ROTATION_MODES": _restore_modes,
}
"""Repairs by key, as in `interference`."""
