"""What else moves or holds a character: constraints and drivers of bones, other NLA tracks, options of the NLA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ..scene.evaluation import curves_in_action
from .smpl_rig import Rig
from .take_properties import SHOT

MOST_NAMES = 4
"""Number of names in one sentence; the others are counted."""
BONE = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.(location|rotation_\w+|scale)')
TRANSFORMS = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale")
OBJECT_TRANSFORMS = (*TRANSFORMS, *(f"delta_{name}" for name in TRANSFORMS))


@dataclass(frozen=True)
class Interference:
    """A cause why a character does not show its motion.

    sentence: for the animator. repair: key of REPAIRS, or empty if there is no safe repair.
    """

    sentence: str
    repair: str = ""


def interferences(obj: bpy.types.Object, rig: Rig, in_shots: bool, moves_object: bool = False) -> list[Interference]:
    """All causes that are known before a generation.

    Args:
        obj: The character.
        rig: Its bones.
        in_shots: Whether the motion plays as a strip, not as the active Action.
        moves_object: Whether the motion has keys of the armature object.
    """
    found = [*_of_constraints(obj, rig), *_of_bone_drivers(obj, rig), *_of_object_drivers(obj)]
    data = obj.animation_data
    if data is None:
        return found
    solo = [track for track in data.nla_tracks if track.is_solo and not (in_shots and holds_shots(track))]
    if solo and data.use_nla:
        found.append(
            Interference(f'The NLA track "{solo[0].name}" is on solo, so only this track moves "{obj.name}".', "SOLO")
        )
    if in_shots and not data.use_nla:
        found.append(Interference(f'The NLA of "{obj.name}" is switched off, so its shots do not play.', "NLA_OFF"))
    playing = not in_shots and data.use_nla and len(data.nla_tracks)
    if playing and (data.action_influence < 1.0 or data.action_blend_type != "REPLACE"):
        found.append(
            Interference(
                f'The active Action of "{obj.name}" is blended with the NLA below it (influence '
                f"{data.action_influence:.2f}, {data.action_blend_type.lower()}).",
                "BLENDING",
            )
        )
    moving = [track.name for track in _object_tracks(obj)]
    if moving and not moves_object:
        found.append(
            Interference(f'{_listed("The NLA track", moving)} also moves the armature object "{obj.name}".', "TRACKS")
        )
    return found


def holds_shots(track: bpy.types.NlaTrack) -> bool:
    """Whether a track has strips of shots."""
    return any(SHOT.is_on(strip.action) for strip in track.strips)


def disturbed_channels(obj: bpy.types.Object, bones: Iterable[str]) -> set[tuple[str, str]]:
    """Bone and channel ("location" or "scale") of the bones that are not at rest, or that NLA strips animate.

    A motion keys rotations only, so such a channel would stay under it.
    """
    wanted = set(bones)
    found = set()
    for name in wanted:
        bone = obj.pose.bones[name]
        if max(abs(value) for value in bone.location) > 1e-6:
            found.add((name, "location"))
        if max(abs(value - 1.0) for value in bone.scale) > 1e-6:
            found.add((name, "scale"))
    for _, path in _strip_paths(obj):
        match = BONE.fullmatch(path)
        if match is not None and match[1] in wanted and match[2] in ("location", "scale"):
            found.add((match[1], match[2]))
    return found


def _strip_paths(obj: bpy.types.Object) -> Iterator[tuple[bpy.types.NlaTrack, str]]:
    """Tracks that play, and the data paths of their curves."""
    data = obj.animation_data
    if data is None or not data.use_nla:
        return
    for track in data.nla_tracks:
        if track.mute:
            continue
        for strip in track.strips:
            if strip.action is not None and not strip.mute:
                for curve in curves_in_action(strip.action):
                    if not curve.mute:
                        yield track, curve.data_path


def _object_tracks(obj: bpy.types.Object) -> list[bpy.types.NlaTrack]:
    """Tracks of the animator that play and move the object."""
    found: dict[str, bpy.types.NlaTrack] = {}
    for track, path in _strip_paths(obj):
        if path in OBJECT_TRANSFORMS and not holds_shots(track):
            found[track.name] = track
    return list(found.values())


def _body_bones(obj: bpy.types.Object, rig: Rig) -> set[str]:
    """The bones of the joints, and all bones above them."""
    joints = {name for name in rig.bones if name is not None}
    return joints | {above.name for name in joints for above in obj.data.bones[name].parent_recursive}


def _holding_constraints(obj: bpy.types.Object, rig: Rig) -> list[tuple[str, bpy.types.Constraint]]:
    """Bones of the body and the constraints that hold them now."""
    body = _body_bones(obj, rig)
    found = []
    for bone in obj.pose.bones:
        for constraint in bone.constraints:
            if constraint.mute or not constraint.enabled or constraint.influence <= 0.0 or not constraint.is_valid:
                continue
            if bone.name in body or body & set(_chain(bone, constraint)):
                found.append((bone.name, constraint))
    return found


def _chain(bone: bpy.types.PoseBone, constraint: Any) -> list[str]:
    """The bones that an inverse kinematics constraint moves."""
    if constraint.type not in ("IK", "SPLINE_IK") or (constraint.type == "IK" and constraint.target is None):
        return []
    chain = [bone.name, *(above.name for above in bone.parent_recursive)]
    if constraint.type == "IK" and not constraint.use_tail:
        chain = chain[1:]
    return chain[: constraint.chain_count] if constraint.chain_count else chain


def _driven(obj: bpy.types.Object) -> list[bpy.types.FCurve]:
    return [] if obj.animation_data is None else [curve for curve in obj.animation_data.drivers if not curve.mute]


def _bone_drivers(obj: bpy.types.Object, rig: Rig) -> list[tuple[str, bpy.types.FCurve]]:
    body = _body_bones(obj, rig)
    matches = [(BONE.fullmatch(curve.data_path), curve) for curve in _driven(obj)]
    return [(match[1], curve) for match, curve in matches if match is not None and match[1] in body]


def _of_constraints(obj: bpy.types.Object, rig: Rig) -> Iterator[Interference]:
    names = [f"{bone} ({constraint.name})" for bone, constraint in _holding_constraints(obj, rig)]
    if names:
        yield Interference(
            f'Constraints hold bones of "{obj.name}" in place of the motion: {_some(names)}.', "CONSTRAINTS"
        )


def _of_bone_drivers(obj: bpy.types.Object, rig: Rig) -> Iterator[Interference]:
    names = list(dict.fromkeys(bone for bone, _ in _bone_drivers(obj, rig)))
    if names:
        yield Interference(f'Drivers move bones of "{obj.name}" in place of the motion: {_some(names)}.', "DRIVERS")


def _of_object_drivers(obj: bpy.types.Object) -> Iterator[Interference]:
    if any(curve.data_path in OBJECT_TRANSFORMS for curve in _driven(obj)):
        yield Interference(f'A driver also moves the armature object "{obj.name}".')


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _listed(kind: str, names: list[str]) -> str:
    return f'{kind} "{names[0]}"' + (f" (and {len(names) - 1} more)" if names[1:] else "")


def _end_solo(obj: bpy.types.Object, _rig: Rig) -> None:
    for track in obj.animation_data.nla_tracks:
        track.is_solo = False


def _switch_nla_on(obj: bpy.types.Object, _rig: Rig) -> None:
    obj.animation_data.use_nla = True


def _replace_nla(obj: bpy.types.Object, _rig: Rig) -> None:
    obj.animation_data.action_influence, obj.animation_data.action_blend_type = 1.0, "REPLACE"


def _mute_tracks(obj: bpy.types.Object, _rig: Rig) -> None:
    for track in _object_tracks(obj):
        track.mute = True


def _mute_constraints(obj: bpy.types.Object, rig: Rig) -> None:
    for _, constraint in _holding_constraints(obj, rig):
        constraint.mute = True


def _mute_drivers(obj: bpy.types.Object, rig: Rig) -> None:
    for _, curve in _bone_drivers(obj, rig):
        curve.mute = True


REPAIRS: dict[str, Callable[[bpy.types.Object, Rig], None]] = {
    "SOLO": _end_solo,
    "NLA_OFF": _switch_nla_on,
    "BLENDING": _replace_nla,
    "TRACKS": _mute_tracks,
    "CONSTRAINTS": _mute_constraints,
    "DRIVERS": _mute_drivers,
}
"""Repairs by key. Nothing is deleted, and one undo step restores all."""
