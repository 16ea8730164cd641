"""What an object depends on: parents, targets of constraints, modifiers and drivers; and what moves it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import bpy

TRANSFORMS = ("location", "rotation_euler", "rotation_quaternion", "rotation_axis_angle", "scale")
OBJECT_TRANSFORMS = (*TRANSFORMS, *(f"delta_{name}" for name in TRANSFORMS))
_LIMITS = tuple(f"use_{part}_{axis}" for part in ("limit", "min", "max") for axis in "xyz")
_OF_SURFACES = ("FOLLOW_PATH", "CLAMP_TO", "SHRINKWRAP")
"""Constraints that read the shape of their target."""


class Source(NamedTuple):
    """An object that another object depends on. by_shape: on its bones or vertices, not only on its place."""

    obj: bpy.types.Object
    by_shape: bool


def sources_of(obj: bpy.types.Object, shape: bool) -> Iterator[Source]:
    """The objects that an object depends on directly. shape: include what its vertices depend on."""
    if obj.parent is not None:
        yield Source(obj.parent, obj.parent_type not in ("OBJECT", "ARMATURE"))
    for constraint in obj.constraints:
        if acts(constraint, ()):
            yield from _targets(constraint)
    blocks = [obj, obj.data] if shape else [obj]
    for block in blocks:
        data = getattr(block, "animation_data", None)
        for curve in data.drivers if data is not None else ():
            for target in (target for variable in curve.driver.variables for target in variable.targets):
                if isinstance(target.id, bpy.types.Object):
                    yield Source(target.id, bool(target.bone_target) or target.data_path.startswith("pose."))
    for modifier in obj.modifiers if shape else ():
        for name, value in modifier.bl_rna.properties.items():
            used = getattr(modifier, name, None) if value.type == "POINTER" else None
            if isinstance(used, bpy.types.Object):
                yield Source(used, modifier.type == "ARMATURE" or bool(getattr(modifier, "subtarget", "")))


def dependence(obj: bpy.types.Object, on: bpy.types.Object, shape: bool) -> str:
    """How an object depends on another one, at any remove: "shape" (its bones or vertices), "place", or empty.

    shape: whether the vertices of the object count, and not only its own place.
    """
    found, seen, waiting = "", {(obj, shape)}, [(obj, shape)]
    while waiting:
        for source in sources_of(*waiting.pop()):
            if source.obj == on:
                if source.by_shape:
                    return "shape"
                found = "place"
            elif source not in seen:
                seen.add(source)
                waiting.append(source)
    return found


def acts(constraint: bpy.types.Constraint, animated: Iterable[str]) -> bool:
    """Whether a constraint holds its owner now, or at a time when one of the animated data paths switches it on."""
    if not constraint.is_valid or not constraint.enabled:
        return False
    limits = [name for name in _LIMITS if hasattr(constraint, name)]
    if constraint.type.startswith("LIMIT_") and limits and not any(getattr(constraint, name) for name in limits):
        return False
    path = constraint.path_from_id()
    moved = {name.rpartition(".")[2] for name in animated if name.rpartition(".")[0] == path}
    if constraint.mute and "mute" not in moved and "enabled" not in moved:
        return False
    return constraint.influence > 0.0 or "influence" in moved


def playing_strips(data: bpy.types.AnimData | None) -> Iterator[tuple[bpy.types.NlaTrack, bpy.types.NlaStrip]]:
    """The strips of Actions that play, with their tracks."""
    if data is None or not data.use_nla:
        return
    for track in data.nla_tracks:
        for strip in () if track.mute else _clips(track.strips):
            yield track, strip


def curves_played(player: bpy.types.AnimData | bpy.types.NlaStrip) -> list[bpy.types.FCurve]:
    """The F-curves that animation data or a strip plays of its Action: those of its slot, without muted ones."""
    action = player.action
    if action is None:
        return []
    if not hasattr(action, "slots"):  # before Blender 4.4
        return [curve for curve in action.fcurves if not curve.mute]
    slot = getattr(player, "action_slot", None)
    bags = [strip.channelbag(slot) for layer in action.layers for strip in layer.strips] if slot is not None else []
    return [curve for bag in bags if bag is not None for curve in bag.fcurves if not curve.mute]


def animated_paths(block: bpy.types.ID, active_action: bool = True, among: Collection[str] | None = None) -> set[str]:
    """The data paths of a data-block that change in time, by drivers and animation.

    active_action: include the active Action. among: the paths to look at, None for all; control rigs have hundreds of
    drivers.
    """
    data = getattr(block, "animation_data", None)
    if data is None:
        return set()
    driven = [each for each in data.drivers if not each.mute and (among is None or each.data_path in among)]
    found = {curve.data_path for curve in driven if _may_vary(curve.driver)}
    for _, strip in playing_strips(data):
        found |= {curve.data_path for curve in curves_played(strip)}
    if active_action:
        found |= {curve.data_path for curve in curves_played(data)}
    return found if among is None else found & set(among)


def _may_vary(driver: bpy.types.Driver) -> bool:
    """Whether the value of a driver may depend on the frame: not that of a property without keys."""
    if driver.type == "SCRIPTED" and "frame" in driver.expression:
        return True
    for variable in driver.variables:
        if variable.type not in ("SINGLE_PROP", "TRANSFORMS", "ROTATION_DIFF", "LOC_DIFF"):
            return True
        for target in variable.targets:
            data = getattr(target.id, "animation_data", None)
            moved = isinstance(target.id, bpy.types.Object) and target.id.parent is not None
            if moved or (data is not None and (variable.type != "SINGLE_PROP" or _is_keyed(data, target.data_path))):
                return True
    return False


def _is_keyed(data: bpy.types.AnimData, path: str) -> bool:
    """Whether the active Action, a strip or another driver changes a property."""
    players: list[bpy.types.AnimData | bpy.types.NlaStrip] = [data, *(strip for _, strip in playing_strips(data))]
    keyed = any(curve.data_path == path for player in players for curve in curves_played(player))
    return keyed or any(curve.data_path == path for curve in data.drivers)


def moving_parents(obj: bpy.types.Object) -> list[bpy.types.Object]:
    """The parents, at any remove, that may move or scale the object during a motion."""
    found, child = [], obj
    while child.parent is not None:
        if may_be_moved(child.parent) or _part_may_move(child.parent, child.parent_type):
            found.append(child.parent)
        child = child.parent
    return found


def moving_constraints(obj: bpy.types.Object) -> list[bpy.types.Constraint]:
    """The constraints of the object that may move it during a motion; those with a resting target do not."""
    if not obj.constraints:
        return []
    animated = animated_paths(obj, active_action=False)
    return [each for each in obj.constraints if acts(each, animated) and _may_change(each, animated)]


def is_carried(obj: bpy.types.Object) -> bool:
    """Whether parents, constraints, drivers or NLA strips may move an object, beside its active Action."""
    own = bool(animated_paths(obj, active_action=False, among=OBJECT_TRANSFORMS))
    return own or bool(moving_parents(obj)) or bool(moving_constraints(obj))


def may_be_moved(obj: bpy.types.Object, depth: int = 8) -> bool:
    """Whether animation, drivers, constraints, physics or parents may move the object."""
    animated = animated_paths(obj)
    if animated & set(OBJECT_TRANSFORMS):
        return True
    if obj.rigid_body is not None and obj.rigid_body.type == "ACTIVE" and not obj.rigid_body.kinematic:
        return True
    if any(acts(each, animated) and _may_change(each, animated, depth) for each in obj.constraints):
        return True
    above = obj.parent
    return (
        depth > 0 and above is not None and (may_be_moved(above, depth - 1) or _part_may_move(above, obj.parent_type))
    )


def _may_change(constraint: bpy.types.Constraint, animated: set[str], depth: int = 8) -> bool:
    """Whether the effect of a constraint may depend on the frame."""
    path = constraint.path_from_id()
    if constraint.type in ("TRANSFORM_CACHE", "CAMERA_SOLVER", "OBJECT_SOLVER", "FOLLOW_TRACK"):
        return True
    if any(name.startswith(f"{path}.") for name in animated):
        return True
    for target, by_shape in _targets(constraint):
        if depth > 0 and may_be_moved(target, depth - 1):
            return True
        if by_shape and _part_may_move(target, "VERTEX"):
            return True
    return False


def _part_may_move(obj: bpy.types.Object, parent_type: str) -> bool:
    """Whether the part of an object that carries a child may move within it: a bone, a vertex, a place on a curve."""
    if obj.type == "CURVE" and obj.data.use_path and obj.data.animation_data is not None:
        return True
    if parent_type in ("OBJECT", "ARMATURE"):
        return False
    if obj.type == "ARMATURE":
        posed = any(name.startswith("pose.") for name in animated_paths(obj))
        return posed or any(len(bone.constraints) for bone in obj.pose.bones)
    keys = getattr(obj.data, "shape_keys", None)
    keyed = keys is not None and keys.animation_data is not None
    return keyed or len(obj.modifiers) > 0 or (obj.data is not None and obj.data.animation_data is not None)


def _targets(constraint: bpy.types.Constraint) -> Iterator[Source]:
    by_shape = constraint.type in _OF_SURFACES
    target = getattr(constraint, "target", None)
    if target is not None:
        yield Source(target, by_shape or bool(getattr(constraint, "subtarget", "")))
    for each in getattr(constraint, "targets", ()):
        if each.target is not None:
            yield Source(each.target, True)


def _clips(strips: Any) -> Iterator[bpy.types.NlaStrip]:
    """The strips with an Action, also those within meta strips."""
    for strip in strips:
        if strip.mute:
            continue
        if strip.type == "META":
            yield from _clips(strip.strips)
        elif strip.action is not None:
            yield strip
