"""The armature of a character, whatever family it is of: SMPL's by its bone names, any other recognised."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from mathutils import Matrix

from ...motionlcm_blender.errors import InvalidRequest, MotionLCMError
from ...motionlcm_blender.motion.skeleton import JOINTS
from ...motionlcm_blender.rigs.description import NotHumanoid, RigDescription, RigMapping
from ...motionlcm_blender.rigs.recognition import readable_joint, recognise
from ...motionlcm_blender.rigs.rig_body import RigBody, rig_body
from ..armature import root_motion, smpl_rig, take_properties
from ..armature.smpl_rig import Rig
from . import rig_presets, stored_mapping
from .apply_motion import pose_above
from .rig_description import armature_state, describe_rig
from .switches import influence_path

if TYPE_CHECKING:
    from ...motionlcm_blender.motion.skeleton import Skeleton
    from ...motionlcm_blender.motion.world_transform import Placement

log = logging.getLogger(__name__)
SMPL_FAMILY = "SMPL"
DOUBTFUL = 0.5
"""Confidence of a joint below which the panel names it as unsure."""
MOST_MAPPINGS = 32
"""Mappings that are kept in memory."""
_mappings: dict[tuple[Any, ...], RigMapping] = {}
"""Recognised mappings by armature data, rest pose, corrections and presets, the oldest first."""
_bodies: dict[tuple[Any, ...], RigBody] = {}
"""Read bodies by the state of their armatures (`armature_state`), the oldest first."""


@dataclass(frozen=True, eq=False)
class BodyRig:
    """An armature of any family at its present place.

    body: its proportions and bones. above: (4, 4) pose of the bone above the pelvis's, relative to its rest pose.
    """

    body: RigBody
    above: np.ndarray

    @property
    def skeleton(self) -> Skeleton:
        """The joints of the clip that this armature performs."""
        return self.body.skeleton

    @property
    def bones(self) -> tuple[str, ...]:
        """The bones that no constraint or driver may hold."""
        return tuple(self.body.description.bones[each.bone].name for each in self.body.bones)

    @property
    def controls(self) -> bool:
        """Whether these are controls of a control rig, which needs its constraints."""
        return bool(self.body.mapping.switches)


def read_character(obj: bpy.types.Object) -> Rig | BodyRig:
    """Read a character: an armature with SMPL's bone names by these, any other by recognition.

    Raises InvalidRequest or NotHumanoid with one sentence if it cannot perform a motion.
    """
    if obj.type != "ARMATURE" or smpl_rig.is_character(obj):
        return smpl_rig.read_rig(obj)
    return as_body(obj)


def as_body(obj: bpy.types.Object) -> BodyRig:
    """Any humanoid armature as a recognised body, also one with SMPL's bone names.

    Raises InvalidRequest or NotHumanoid with one sentence if it cannot perform a motion.
    """
    body = _read_body(obj)
    return BodyRig(body, pose_above(obj, body.description.bones[body.bones[0].bone].name))


def _read_body(obj: bpy.types.Object) -> RigBody:
    """The body of an armature, read anew only if the armature has changed since.

    Constraints that our motions switch off count as they were before.
    """
    switches = stored_switches(obj)
    chosen = take_properties.RIG_CHOSEN.read(obj)
    key = (*armature_state(obj), chosen, rig_presets.state(), tuple(sorted(switches.items())))
    if key not in _bodies:
        description = _as_before(obj, describe_rig(obj), switches)
        try:
            body = rig_body(description, _mapping(obj, description))
        except NotHumanoid as error:
            raise NotHumanoid(f'"{obj.name}" cannot be the character. {error}') from error
        _bodies[key] = body
        while len(_bodies) > MOST_MAPPINGS:
            del _bodies[next(iter(_bodies))]
    return _bodies[key]


def _as_before(
    obj: bpy.types.Object, description: RigDescription, switches: Mapping[str, tuple[float, float]]
) -> RigDescription:
    if not any(path.endswith("].influence") for path in switches):
        return description
    bones = []
    for bone in description.bones:
        constraints = tuple(
            replace(each, influence=switches[path][0])
            if (path := influence_path(bone.name, each.name)) in switches and not _is_muted(obj, bone.name, each.name)
            else each
            for each in bone.constraints
        )
        bones.append(replace(bone, constraints=constraints) if constraints != bone.constraints else bone)
    return replace(description, bones=tuple(bones))


def _is_muted(obj: bpy.types.Object, bone: str, constraint: str) -> bool:
    return bool(obj.pose.bones[bone].constraints[constraint].mute)


def _mapping(obj: bpy.types.Object, description: RigDescription) -> RigMapping:
    """What an armature is recognised as; looked up if neither its rest pose nor the animator's corrections changed."""
    chosen = take_properties.RIG_CHOSEN.read(obj)
    key = obj.data.session_uid, _fingerprint(description), chosen, rig_presets.state()
    if key not in _mappings:
        _mappings[key] = recognise(description, rig_presets.home(), chosen=stored_mapping.chosen_of(obj))
        while len(_mappings) > MOST_MAPPINGS:
            del _mappings[next(iter(_mappings))]
    return _mappings[key]


def _fingerprint(description: RigDescription) -> str:
    """A value that changes with names, hierarchy, rest pose, constraints and the object's place in the world."""
    found = hashlib.sha1(usedforsecurity=False)
    for bone in description.bones:
        constraints = [(each.type, each.name, each.targets, each.influence > 0.0) for each in bone.constraints]
        extras = repr((constraints, sorted(bone.properties))) if constraints or bone.properties else ""
        found.update(f"{bone.name}\0{bone.parent}\0{extras}\0".encode())
    for places in zip(*((bone.head, bone.tail, bone.matrix.ravel()) for bone in description.bones), strict=True):
        found.update(np.concatenate(places).round(6).tobytes())
    found.update(np.asarray(description.world).round(6).tobytes())
    return found.hexdigest()


def stored_switches(obj: bpy.types.Object) -> dict[str, tuple[float, float]]:
    """RNA path of each switch that a motion has set -> value before and value now."""
    for stored, block in (
        (take_properties.SWITCHES, obj),
        (take_properties.SWITCHED, obj.animation_data.action if obj.animation_data is not None else None),
    ):
        if stored.is_on(block):
            return read_switches(stored.read(block))
    return {}


def read_switches(text: str) -> dict[str, tuple[float, float]]:
    """The report of `set_switches` from its stored text."""
    try:
        return {str(path): (float(before), float(now)) for path, (before, now) in json.loads(text).items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def root_bone(obj: bpy.types.Object, rig: Rig | BodyRig) -> str:
    """The bone on the floor that carries the armature. Raises InvalidRequest if there is none."""
    if isinstance(rig, Rig):
        return root_motion.root_bone(obj)
    root = rig.body.mapping.root
    if root is None or root == rig.body.description.bones[rig.body.bones[0].bone].name:
        raise InvalidRequest(root_motion.NO_ROOT_BONE.format(name=obj.name))
    return root


def root_pose(obj: bpy.types.Object, root: str) -> np.ndarray:
    """(4, 4) place and turn of a root bone relative to its rest pose, armature space."""
    bone = obj.pose.bones[root]
    place, turn, _ = (bone.matrix @ bone.bone.matrix_local.inverted()).decompose()
    return np.array(Matrix.LocRotScale(place, turn, None), np.float64)


def with_root_at_rest(obj: bpy.types.Object, rig: BodyRig) -> BodyRig:
    """The armature as it is with its root bone at rest, whatever pose that is in now."""
    return replace(rig, above=np.linalg.inv(root_pose(obj, root_bone(obj, rig))) @ rig.above)


def units_per_metre(obj: bpy.types.Object, rig: Rig | BodyRig) -> float:
    """Scene units per metre of the engine for this character."""
    return smpl_rig.units_per_metre(obj, rig) if isinstance(rig, Rig) else rig.body.units_per_metre


def current_placement(obj: bpy.types.Object, rig: Rig | BodyRig, units: float) -> Placement:
    """The current placement of the character's rest pose, in engine axes and metres of the character."""
    return root_motion.current_placement(obj, rig, units) if isinstance(rig, Rig) else rig.body.standing_place()


def rest_placement_of(obj: bpy.types.Object, rig: Rig | BodyRig, units: float) -> Placement:
    """The placement of the armature object before one of our Actions animated it."""
    stored = root_motion.stored_placement(obj)
    return current_placement(obj, rig, units) if stored is None else stored


def doubt_of(rig: Rig | BodyRig) -> str:
    """One sentence about joints that were not recognised for sure; empty if all were."""
    if isinstance(rig, Rig):
        return ""
    mapping = rig.body.mapping
    unsure = [name for name in JOINTS if mapping.joints[name] and mapping.confidence[name] < DOUBTFUL]
    if not unsure:
        return ""
    named = ", ".join(readable_joint(name) for name in unsure[:4]) + (
        f" and {len(unsure) - 4} more" if unsure[4:] else ""
    )
    return f'It is not sure which bones of "{rig.body.description.name}" are: {named}. Check the mapping.'


def note(obj: bpy.types.Object | None) -> bool:
    """Store on a character what it was recognised as, for the panel; returns whether joints of it are unsure.

    Never raises; the log has the sentence.
    """
    if obj is None or obj.type != "ARMATURE":
        return False
    try:
        unsure = doubt = doubt_of(read_and_note(obj))
    except MotionLCMError as error:
        unsure, doubt = "", str(error)
    if doubt:
        log.warning("%s", doubt)
    return bool(unsure)


def read_and_note(obj: bpy.types.Object) -> Rig | BodyRig:
    """Read the character (`read_character`) and store the result on the object for the panel."""
    try:
        rig = read_character(obj)
    except MotionLCMError as error:
        _write(obj, "", 0, str(error))
        if obj.library is None and obj.type == "ARMATURE" and not smpl_rig.is_character(obj):
            _note_choice(obj)  # so that the panel can show a mapping to complete
        raise
    if isinstance(rig, Rig):
        _write(obj, SMPL_FAMILY, len(JOINTS), "")
        return rig
    mapping = rig.body.mapping
    _write(obj, mapping.family, sum(1 for joint in JOINTS if mapping.joints[joint]), doubt_of(rig), mapping.preset)
    if obj.library is None:
        stored_mapping.store_joints(obj, {name: (mapping.confidence[name], mapping.joints[name]) for name in JOINTS})
        take_properties.RIG_CONTROLS.write(obj, bool(mapping.switches))
        take_properties.RIG_IK.write(obj, bool(mapping.ik))
    return rig


def _note_choice(obj: bpy.types.Object) -> None:
    """Show the animator's choice of bones also where it does not make a body yet."""
    chosen, known = stored_mapping.chosen_of(obj), stored_mapping.joints_of(obj)
    taken = {bone for bones in chosen.values() for bone in bones}
    kept = {joint: (sure, tuple(bone for bone in bones if bone not in taken)) for joint, (sure, bones) in known.items()}
    stored_mapping.store_joints(obj, kept | {joint: (1.0, bones) for joint, bones in chosen.items()})


def _write(obj: bpy.types.Object, family: str, bones: int, doubt: str, preset: str = "") -> None:
    if obj.library is not None:
        return
    stored = take_properties
    known = stored.RIG.read(obj), stored.RIG_BONES.read(obj), stored.RIG_DOUBT.read(obj)
    if not stored.RIG.is_on(obj) or known != (family, bones, doubt):
        stored.RIG.write(obj, family)
        stored.RIG_BONES.write(obj, bones)
        stored.RIG_DOUBT.write(obj, doubt)
    if stored.RIG_PRESET.read(obj) != preset:
        stored.RIG_PRESET.write(obj, preset)
