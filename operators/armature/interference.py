"""What else moves or holds a character: parents, constraints, drivers, other NLA tracks, options of the NLA."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import bpy

from ..scene.dependencies import (
    OBJECT_TRANSFORMS,
    acts,
    animated_paths,
    curves_played,
    moving_constraints,
    moving_parents,
    playing_strips,
)
from .take_properties import PROMPT, SHOT

MOST_NAMES = 4
"""Number of names in one sentence; the others are counted."""
BONE = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.(location|rotation_\w+|scale)')


class HasBones(Protocol):
    """A character whose bones a motion moves; None for a missing one.

    controls: whether they are controls of a control rig, whose own constraints and drivers belong to it.
    """

    @property
    def bones(self) -> tuple[str | None, ...]: ...

    @property
    def controls(self) -> bool: ...


@dataclass(frozen=True)
class Interference:
    """A cause why a character does not show its motion.

    sentence: for the animator. repair: key of REPAIRS, or empty if there is no safe repair.
    """

    sentence: str
    repair: str = ""


def interferences(
    obj: bpy.types.Object, rig: HasBones, in_shots: bool, moves_object: bool = False
) -> list[Interference]:
    """All causes that are known before a generation.

    Args:
        obj: The character.
        rig: Its bones.
        in_shots: Whether the motion plays as a strip, not as the active Action.
        moves_object: Whether the motion has keys of the armature object.
    """
    found = [*_of_carriers(obj), *_of_constraints(obj, rig), *_of_bone_drivers(obj, rig), *_of_object_drivers(obj)]
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
    covering = [track.name for track in _tracks_over_shots(obj, rig)] if in_shots else []
    if covering:
        found.append(
            Interference(
                f"{_with_count('The NLA track', covering)} lies over the shots and replaces their motion.", "COVER"
            )
        )
    moving = [track.name for track in _object_tracks(obj)]
    if moving and not moves_object:
        found.append(
            Interference(
                f'{_with_count("The NLA track", moving)} also moves the armature object "{obj.name}".', "TRACKS"
            )
        )
    return found


def holds_shots(track: bpy.types.NlaTrack) -> bool:
    """Whether a track has strips of shots."""
    return any(SHOT.is_on(strip.action) for strip in track.strips)


def disturbed_channels(obj: bpy.types.Object, bones: Iterable[str]) -> set[tuple[str, str]]:
    """Bone and channel ("location" or "scale") of the bones that are not at rest, or that NLA strips animate.

    A motion keys rotations only, so such a channel would stay under it.
    """
    import numpy as np

    wanted, posed = set(bones), obj.pose.bones
    found = set()
    for channel, at_rest in (("location", 0.0), ("scale", 1.0)):
        values = np.empty(3 * len(posed), np.float32)
        posed.foreach_get(channel, values)
        moved = np.abs(values.reshape(-1, 3) - at_rest).max(axis=1) > 1e-6
        found |= {(posed[number].name, channel) for number in np.flatnonzero(moved).tolist()}
    found = {each for each in found if each[0] in wanted}
    for _, path in _strip_paths(obj):
        match = BONE.fullmatch(path)
        if match is not None and match[1] in wanted and match[2] in ("location", "scale"):
            found.add((match[1], match[2]))
    return found


def _strip_paths(obj: bpy.types.Object) -> Iterator[tuple[bpy.types.NlaTrack, str]]:
    """Tracks that play, and the data paths of their curves."""
    for track, strip in playing_strips(obj.animation_data):
        for curve in curves_played(strip):
            yield track, curve.data_path


def _object_tracks(obj: bpy.types.Object) -> list[bpy.types.NlaTrack]:
    """Tracks of the animator that play and move the object."""
    found: dict[str, bpy.types.NlaTrack] = {}
    for track, path in _strip_paths(obj):
        if path in OBJECT_TRANSFORMS and not holds_shots(track):
            found[track.name] = track
    return list(found.values())


def _tracks_over_shots(obj: bpy.types.Object, rig: HasBones) -> list[bpy.types.NlaTrack]:
    """Tracks of the animator above those of the shots that replace the motion of most joints, or of the hips, while the
    shots play. Takes that were pushed to the NLA are meant to lie there."""
    found: dict[str, bpy.types.NlaTrack] = {}
    joints, shots = {name for name in rig.bones if name is not None}, obj.motionlcm.shots
    under = False
    for track, strip in playing_strips(obj.animation_data):
        if holds_shots(track):
            under = True
        if not under or holds_shots(track) or strip.blend_type != "REPLACE" or PROMPT.is_on(strip.action):
            continue
        first = strip.frame_start if strip.extrapolation != "HOLD" else -float("inf")
        last = strip.frame_end if strip.extrapolation == "NOTHING" else float("inf")
        posed = {match[1] for match in (BONE.fullmatch(curve.data_path) for curve in curves_played(strip)) if match}
        replaced = len(posed & joints) > len(joints) / 2 or bool(posed.intersection(rig.bones[:1]))
        if replaced and any(shot.action is not None and shot.first < last and shot.last > first for shot in shots):
            found[track.name] = track
    return list(found.values())


def _body_bones(obj: bpy.types.Object, rig: HasBones) -> set[str]:
    """The bones of the joints, and all bones above them; of a control rig the controls alone."""
    joints = {name for name in rig.bones if name is not None and name in obj.data.bones}
    if rig.controls:
        return joints
    return joints | {above.name for name in joints for above in obj.data.bones[name].parent_recursive}


def _holding_constraints(obj: bpy.types.Object, rig: HasBones) -> list[tuple[str, bpy.types.Constraint]]:
    """Bones of the body and the constraints that hold them now."""
    body, animated = _body_bones(obj, rig), animated_paths(obj, active_action=False)
    found = []
    for bone in obj.pose.bones:
        for constraint in bone.constraints:
            if not acts(constraint, animated) or (rig.controls and not _follows_another(obj, constraint)):
                continue
            if bone.name in body or body & set(_chain(bone, constraint)):
                found.append((bone.name, constraint))
    return found


def _follows_another(obj: bpy.types.Object, constraint: Any) -> bool:
    """Whether a constraint follows another object: the constraints of a control rig follow bones of its own."""
    targets = [each.target for each in getattr(constraint, "targets", ())] or [getattr(constraint, "target", None)]
    return any(target not in (None, obj) for target in targets)


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


def _bone_drivers(obj: bpy.types.Object, rig: HasBones) -> list[tuple[str, bpy.types.FCurve]]:
    body = _body_bones(obj, rig)
    matches = [(BONE.fullmatch(curve.data_path), curve) for curve in _driven(obj)]
    return [(match[1], curve) for match, curve in matches if match is not None and match[1] in body]


def _of_carriers(obj: bpy.types.Object) -> Iterator[Interference]:
    """Parents and constraints that may move the armature object."""
    parents = [parent.name for parent in moving_parents(obj)]
    if parents:
        yield Interference(
            f'{_with_count("The parent", parents)} may move the armature object "{obj.name}", and the motion with it.'
        )
    names = [constraint.name for constraint in moving_constraints(obj)]
    if names:
        yield Interference(
            f'Constraints move the armature object "{obj.name}": {listed_names(names)}.', "OBJECT_CONSTRAINTS"
        )


def _of_constraints(obj: bpy.types.Object, rig: HasBones) -> Iterator[Interference]:
    names = [f"{bone} ({constraint.name})" for bone, constraint in _holding_constraints(obj, rig)]
    if names:
        yield Interference(
            f'Constraints hold bones of "{obj.name}" in place of the motion: {listed_names(names)}.', "CONSTRAINTS"
        )


def _of_bone_drivers(obj: bpy.types.Object, rig: HasBones) -> Iterator[Interference]:
    names = list(dict.fromkeys(bone for bone, _ in _bone_drivers(obj, rig)))
    if names:
        yield Interference(
            f'Drivers move bones of "{obj.name}" in place of the motion: {listed_names(names)}.', "DRIVERS"
        )


def _of_object_drivers(obj: bpy.types.Object) -> Iterator[Interference]:
    if any(curve.data_path in OBJECT_TRANSFORMS for curve in _driven(obj)):
        yield Interference(f'A driver also moves the armature object "{obj.name}".', "OBJECT_DRIVERS")


def listed_names(names: Sequence[str]) -> str:
    """Names for a sentence, with the number of those that are left out."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _with_count(kind: str, names: list[str]) -> str:
    return f'{kind} "{names[0]}"' + (f" (and {len(names) - 1} more)" if names[1:] else "")


def _end_solo(obj: bpy.types.Object, _rig: HasBones) -> None:
    for track in obj.animation_data.nla_tracks:
        track.is_solo = False


def _switch_nla_on(obj: bpy.types.Object, _rig: HasBones) -> None:
    obj.animation_data.use_nla = True


def _replace_nla(obj: bpy.types.Object, _rig: HasBones) -> None:
    obj.animation_data.action_influence, obj.animation_data.action_blend_type = 1.0, "REPLACE"


def _mute_tracks(obj: bpy.types.Object, _rig: HasBones) -> None:
    for track in _object_tracks(obj):
        track.mute = True


def _mute_tracks_over_shots(obj: bpy.types.Object, rig: HasBones) -> None:
    for track in _tracks_over_shots(obj, rig):
        track.mute = True


def _mute_object_constraints(obj: bpy.types.Object, _rig: HasBones) -> None:
    for constraint in moving_constraints(obj):
        constraint.mute = True


def _mute_object_drivers(obj: bpy.types.Object, _rig: HasBones) -> None:
    for curve in _driven(obj):
        curve.mute = curve.mute or curve.data_path in OBJECT_TRANSFORMS


def _mute_constraints(obj: bpy.types.Object, rig: HasBones) -> None:
    for _, constraint in _holding_constraints(obj, rig):
        constraint.mute = True


def _mute_drivers(obj: bpy.types.Object, rig: HasBones) -> None:
    for _, curve in _bone_drivers(obj, rig):
        curve.mute = True


REPAIRS: dict[str, Callable[[bpy.types.Object, HasBones], None]] = {
    "SOLO": _end_solo,
    "NLA_OFF": _switch_nla_on,
    "BLENDING": _replace_nla,
    "TRACKS": _mute_tracks,
    "COVER": _mute_tracks_over_shots,
    "OBJECT_CONSTRAINTS": _mute_object_constraints,
    "OBJECT_DRIVERS": _mute_object_drivers,
    "CONSTRAINTS": _mute_constraints,
    "DRIVERS": _mute_drivers,
}
"""Repairs by key. Nothing is deleted, and one undo step restores all."""
