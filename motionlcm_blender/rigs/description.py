"""An armature as plain data, and the mapping of SMPL's joints onto its bones.

Places are in armature space (Blender units, before the object's matrix), or in Blender's world, Z up, in fields whose
description contains the word "world".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import MotionLCMError

UNLOCKED = (False, False, False)


class NotHumanoid(MotionLCMError):
    """The armature is no humanoid, or too little of one was found."""


@dataclass(frozen=True)
class BoneConstraint:
    """A constraint of a pose bone: its type, the bone it follows ("": none) and its influence (0: muted).

    Of several targets `target` is the one of greatest weight; `targets` has all of them. Of IK constraints `pole` is
    the pole bone ("": none) and `chain` the number of bones (0: all above).
    """

    type: str
    target: str = ""
    influence: float = 1.0
    name: str = ""
    targets: tuple[str, ...] = ()
    pole: str = ""
    chain: int = 0


@dataclass(frozen=True, eq=False)
class RigBone:
    """A bone at rest.

    Attributes:
        name: The bone's name, unique in its armature.
        parent: Index of the parent in `RigDescription.bones`, -1 for none. Parents come first.
        head: (3,) float64, armature space.
        tail: (3,) float64, armature space.
        matrix: (3, 3) float64, rest axes in armature space as columns x, y, z; y runs from head to tail.
        deform: Whether the bone deforms meshes.
        hidden: Whether the bone, or every collection it is in, is hidden.
        use_inherit_rotation: As in Blender.
        inherit_scale: As in Blender.
        connected: Whether the head sticks to the parent's tail.
        locked_rotation: For x, y, z.
        locked_location: For x, y, z.
        rotation_mode: As in Blender: QUATERNION, AXIS_ANGLE or an Euler order.
        collections: Names of the bone's collections.
        constraints: The pose bone's constraints.
        properties: Custom property's name -> (value, min, max).
        use_local_location: As in Blender.
        custom_shape: Whether the bone is drawn as an object, as controls are.
    """

    name: str
    parent: int
    head: FloatArray
    tail: FloatArray
    matrix: FloatArray
    deform: bool = True
    hidden: bool = False
    use_inherit_rotation: bool = True
    inherit_scale: str = "FULL"
    connected: bool = False
    locked_rotation: tuple[bool, bool, bool] = UNLOCKED
    locked_location: tuple[bool, bool, bool] = UNLOCKED
    rotation_mode: str = "QUATERNION"
    collections: tuple[str, ...] = ()
    constraints: tuple[BoneConstraint, ...] = ()
    properties: Mapping[str, tuple[Any, Any, Any]] = field(default_factory=dict)
    use_local_location: bool = True
    custom_shape: bool = False


@dataclass(frozen=True, eq=False)
class RigDescription:
    """An armature: its bones, parents first.

    Attributes:
        name: Name of the armature object.
        bones: Parents before children.
        world: (4, 4) float64, the object's matrix_world.
        unit_scale: Metres of one scene unit.
    """

    name: str
    bones: tuple[RigBone, ...]
    world: FloatArray
    unit_scale: float = 1.0


@dataclass(frozen=True)
class FkSwitch:
    """What to set so that the FK controls rule: a custom property of a bone, or a constraint's influence.

    Of `prop` and `constraint` one is named, the other "". The constraint "*" stands for all of that bone.
    """

    bone: str
    prop: str
    constraint: str
    value: float


@dataclass(frozen=True)
class IkLimb:
    """The IK controls of a limb.

    Attributes:
        end: The joint at the end of the limb: a wrist or an ankle.
        control: The control that the end follows.
        pole: The control towards which elbow or knee points, "" for none.
        toe: The control of the toes in IK, "" for none.
        aim: The control that the end points at, "" for none.
        kept: Bones of the mapping whose keys rule beside the IK controls.
    """

    end: str
    control: str
    pole: str = ""
    toe: str = ""
    aim: str = ""
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RigMapping:
    """Which bones of an armature turn as SMPL's joints do.

    Attributes:
        family: The kind of rig, as `rigs/families` names it, or "generic".
        joints: Each of SMPL's 22 joint names -> bone names, lowest first; an empty tuple: none.
        confidence: Each of the joint names -> 0 to 1: the confidence (also for an empty tuple).
        switches: What to set for the FK controls to rule.
        apart: Joints whose bone does not hang from the limb and must be moved, not only turned.
        facing: (3,) float64 unit vector in the world; None if the rest pose does not show it.
        up: (3,) float64 unit vector in the world, from pelvis to head of the figure at rest.
        leg_length: Hip to ankle along the leg, in scene units.
        rest_pose: "T" (arms less than 20 degrees below level), "A", "arms down", "zero" (limbs along axes, no pose of
            a body) or "other".
        fingers: "l" and "r" -> thumb, index, middle, ring, pinky -> bone names from the palm outwards.
        root: The bone on the floor that takes a game's travel, or None.
        preset: Name of the user's preset that recognised the rig; empty for any other.
        ik: The IK controls of the limbs, as the family names them or as IK constraints show them.
        ik_switches: What to set for the IK controls to rule.
    """

    family: str
    joints: Mapping[str, tuple[str, ...]]
    confidence: Mapping[str, float]
    switches: tuple[FkSwitch, ...]
    apart: tuple[str, ...]
    facing: FloatArray | None
    up: FloatArray
    leg_length: float
    rest_pose: str
    fingers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    root: str | None = None
    preset: str = ""
    ik: tuple[IkLimb, ...] = ()
    ik_switches: tuple[FkSwitch, ...] = ()


def rest_axes(direction: FloatArray, roll: float) -> FloatArray:
    """Rest axes of a bone from the way it points and its roll, as Blender's Edit Mode defines them.

    Args:
        direction: (3,) from head to tail, any length above zero.
        roll: Radians about the bone.

    Returns:
        (3, 3) float64, axes as columns x, y, z: the shortest turn of Y onto the bone, then the roll.
    """
    x, y, z = (float(value) for value in np.asarray(direction, np.float64) / np.linalg.norm(direction))
    aside = x * x + z * z
    below = 1.0 + y if y > 0.0 else aside / (1.0 - y)  # the same, without cancellation
    if y < 0.0 and aside <= 6.25e-8:  # straight down: half a turn about Z
        turned = np.diag([-1.0, -1.0, 1.0])
    else:
        turned = np.array(
            [[1.0 - x * x / below, x, -x * z / below], [-x, y, -z], [-x * z / below, z, 1.0 - z * z / below]]
        )
    sine, cosine = math.sin(roll), math.cos(roll)
    rolled = np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])
    return np.asarray(turned @ rolled, dtype=np.float64)


def read_rig_json(path: str | Path) -> RigDescription:
    """The armature in a JSON file of test data.

    Args:
        path: A file with keys `object` (name, matrix_world), `scene` (unit_scale), `collections`, and `bones`: name,
            parent, head, tail, roll and settings that differ from the default.
    """
    rig = json.loads(Path(path).read_text(encoding="utf-8"))
    collections = rig.get("collections", ())
    index: dict[str, int] = {}
    bones = []
    for entry in rig["bones"]:
        parent = entry["parent"]
        bones.append(_bone(entry, -1 if parent is None else index[parent], collections))
        index[entry["name"]] = len(index)
    return RigDescription(
        name=rig["object"]["name"],
        bones=tuple(bones),
        world=np.array(rig["object"]["matrix_world"], dtype=np.float64),
        unit_scale=float(rig.get("scene", {}).get("unit_scale", 1.0)),
    )


def _bone(entry: Mapping[str, Any], parent: int, collections: Any) -> RigBone:
    head, tail = np.array(entry["head"], dtype=np.float64), np.array(entry["tail"], dtype=np.float64)
    pose = entry.get("pose", {})
    members = [collections[each] for each in entry.get("collections", ())]
    unseen = bool(members) and not any(each.get("visible", True) for each in members)
    properties = entry.get("properties", {}).items()
    return RigBone(
        name=entry["name"],
        parent=parent,
        head=head,
        tail=tail,
        matrix=rest_axes(tail - head, float(entry.get("roll", 0.0))),
        deform=entry.get("use_deform", True),
        hidden=entry.get("hide", False) or unseen,
        use_inherit_rotation=entry.get("use_inherit_rotation", True),
        inherit_scale=entry.get("inherit_scale", "FULL"),
        connected=entry.get("use_connect", False),
        locked_rotation=_flags(pose.get("lock_rotation", UNLOCKED)),
        locked_location=_flags(pose.get("lock_location", UNLOCKED)),
        rotation_mode=entry.get("rotation_mode", "QUATERNION"),
        collections=tuple(each["name"] for each in members),
        constraints=tuple(_constraint(each) for each in entry.get("constraints", ())),
        properties={name: (each["value"], each.get("min"), each.get("max")) for name, each in properties},
        use_local_location=entry.get("use_local_location", True),
        custom_shape=entry.get("custom_shape", False),
    )


def _constraint(entry: Mapping[str, Any]) -> BoneConstraint:
    weighted = [(each.get("weight", 1.0), each["subtarget"]) for each in entry.get("targets", ())]
    targets = tuple(each for _, each in weighted) or tuple(filter(None, [entry.get("subtarget")]))
    target = max(weighted, key=lambda each: each[0])[1] if weighted else (entry.get("subtarget") or "")
    influence = 0.0 if entry.get("mute", False) else float(entry.get("influence", 1.0))
    pole, chain = entry.get("pole_subtarget") or "", int(entry.get("settings", {}).get("chain_count", 0))
    return BoneConstraint(entry["type"], target, influence, entry.get("name", ""), targets, pole, chain)


def _flags(values: Any) -> tuple[bool, bool, bool]:
    return bool(values[0]), bool(values[1]), bool(values[2])
