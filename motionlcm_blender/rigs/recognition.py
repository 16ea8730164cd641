"""The mapping of an armature's bones to the joints of SMPL, for any bone names and any rest pose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..motion.skeleton import JOINTS
from .body import NO_LIMBS, Body, find_body, names_of
from .description import FkSwitch, NotHumanoid, RigDescription, RigMapping
from .families import FamilyMatch, match_family
from .figure import FULL_COPIES, Figure, figure_of
from .fingers import fingers_of
from .ik_finding import find_ik_limbs, ik_switches_of
from .limbs import ARM, LEG
from .pose import RestPose, rest_pose
from .sides import SIDES
from .trunk import spread

FOUR_LEGS = "This armature looks like an animal's: its legs do not stand under an upright trunk."
UPRIGHT = 0.75
"""Smallest cosine of the angle between legs and trunk of a figure that stands."""
BACKWARDS = 0.5
"""Factor of the confidence in sides if the feet point backwards."""
KNOWN = 0.85
"""Least confidence in a rig of a family whose names are its own."""
ESSENTIAL = {f"{side}_{part}" for side in SIDES for part in (*LEG, *ARM)} | {"pelvis"}
"""Joints that a family file must name to make a body without other evidence."""
IN_FAMILY_FILE, CHOSEN = 0.98, 1.0
"""Confidence of a joint that a family file names, and of one that a person has chosen."""
UNSURE, UNSURE_WITHOUT_NAMES = 0.2, 0.27
"""Mean confidence of the limbs below which a figure is taken for no humanoid."""
STRANGE = {"other", "face"}
"""Kinds of bones that are no limbs: wings, tails, feathers."""
LIMBS = {
    "knee": "hip", "ankle": "knee", "foot": "ankle", "elbow": "shoulder", "wrist": "elbow",
}  # fmt: skip


def recognise(
    description: RigDescription,
    presets_folder: str | Path | None = None,
    families: bool = True,
    chosen: Mapping[str, tuple[str, ...]] | None = None,
) -> RigMapping:
    """Recognise a humanoid.

    Args:
        description: The armature.
        presets_folder: Folder with family files of the user, which have priority over those of the package.
        families: Whether the package's family files are used.
        chosen: Joint names -> bone names that a person has chosen, lowest first; an empty tuple: no bone. Bones that
            the armature does not have are ignored.

    Returns:
        The mapping, with a confidence for each joint.

    Raises:
        NotHumanoid: The armature is an animal, a prop, or too little of a body.
    """
    if len(description.bones) < 8:
        raise NotHumanoid("This armature is no humanoid: it has too few bones.")
    figure = figure_of(description)
    names = [bone.name for bone in description.bones]
    match = match_family(names, presets_folder) if families or presets_folder else None
    if match is not None and not (families or match.family.own):
        match = None
    family_joints = match.joints(names) if match else {}
    own = {joint: bones for joint, bones in (chosen or {}).items() if set(bones) <= set(names)}
    try:
        body = find_body(figure)
    except NotHumanoid:
        if not family_joints.keys() | own.keys() >= ESSENTIAL:
            raise
        body = Body(
            dict.fromkeys(JOINTS, ()), dict.fromkeys(JOINTS, IN_FAMILY_FILE), [name.side for name in figure.names]
        )
    if match is not None:
        body = _with_family(figure, body, family_joints, not match.family.general)
    if own:
        body = _with_chosen(figure, body, own)
    without = next((joint for joint in JOINTS if joint in ESSENTIAL and not body.joints[joint]), None)
    if without is not None:
        raise NotHumanoid(f"No bone is known for the {readable_joint(without)}.")
    pose = rest_pose(figure, body.joints)
    _refuse_animals(figure, body, pose)
    kind = match_family(names) if match is not None and match.family.own and families else match
    mapping = _mapping(match, figure, body, pose)
    return _with_ik_controls(mapping, figure, body, kind)


def _with_ik_controls(mapping: RigMapping, figure: Figure, body: Body, kind: FamilyMatch | None) -> RigMapping:
    """The mapping with the IK controls that the family names, otherwise with those that IK constraints show."""
    limbs = kind.ik(bone.name for bone in figure.bones) if kind is not None else ()
    switches = kind.ik_switches(figure.bones) if kind is not None else ()
    limbs = limbs or (find_ik_limbs(figure, body.joints) if mapping.switches else ())
    if not limbs:
        return mapping
    switches = switches or ik_switches_of(mapping.switches, figure.bones, limbs, mapping.joints)
    return replace(mapping, ik=limbs, ik_switches=switches)


def _with_family(figure: Figure, body: Body, family_joints: Mapping[str, tuple[str, ...]], known: bool) -> Body:
    """Replace the joints found by those of a family file; in a known rig the confidence of the other joints rises."""
    index = {bone.name: at for at, bone in enumerate(figure.bones)}
    joints, confidence = dict(body.joints), dict(body.confidence)
    if known:
        confidence = {joint: max(sure, KNOWN) for joint, sure in confidence.items()}
    bones = {joint: tuple(index[name] for name in names) for joint, names in family_joints.items()}
    if "spine" in bones:
        bones["spine1"], bones["spine2"], bones["spine3"] = spread(bones.pop("spine"))
    for joint, chain in bones.items():
        joints[joint], confidence[joint] = chain, IN_FAMILY_FILE
    return Body(joints, confidence, body.sides)


def _with_chosen(figure: Figure, body: Body, chosen: Mapping[str, tuple[str, ...]]) -> Body:
    """Replace joints by those that a person has chosen; another joint loses a bone that was chosen for this one."""
    index = {bone.name: at for at, bone in enumerate(figure.bones)}
    taken = {index[name] for names in chosen.values() for name in names}
    joints = {joint: tuple(bone for bone in bones if bone not in taken) for joint, bones in body.joints.items()}
    confidence = dict(body.confidence)
    for joint, names in chosen.items():
        joints[joint], confidence[joint] = tuple(index[name] for name in names), CHOSEN
    return Body(joints, confidence, body.sides)


def readable_joint(joint: str) -> str:
    """A joint's name for a sentence."""
    return joint.replace("l_", "left ").replace("r_", "right ")


def _refuse_animals(figure: Figure, body: Body, pose: RestPose) -> None:
    if abs(pose.leg_along_trunk) < UPRIGHT and not pose.straight:
        raise NotHumanoid(FOUR_LEGS)
    limbs = [body.joints[name][0] for name in sorted(ESSENTIAL - {"pelvis"})]
    sure = sum(body.confidence[name] for name in ESSENTIAL - {"pelvis"}) / len(limbs)
    named = any(figure.names[bone].parts for bone in limbs)
    strange = sum(bool(figure.names[bone].kinds & STRANGE) and not figure.names[bone].parts for bone in limbs)
    if strange > 1 or sure < (UNSURE if named else UNSURE_WITHOUT_NAMES):
        raise NotHumanoid(NO_LIMBS)


def _mapping(match: FamilyMatch | None, figure: Figure, body: Body, pose: RestPose) -> RigMapping:
    joints = names_of(figure, body.joints)
    fingers = {
        side: {
            finger: tuple(figure.bones[bone].name for bone in bones)
            for finger, bones in fingers_of(figure, body.joints[f"{side}_wrist"][0], side, body.sides).items()
        }
        for side in SIDES
    }
    return RigMapping(
        family=match.family.family if match else "generic",
        joints=joints,
        confidence=_doubted(body.confidence) if pose.backwards else body.confidence,
        switches=(match.switches(figure.bones) if match else ()) or _switches(figure, body.joints),
        apart=_apart(figure, body.joints),
        facing=pose.facing,
        up=pose.up,
        leg_length=pose.leg_length,
        rest_pose=pose.kind,
        fingers=fingers,
        root=_root(figure, body.joints),
        preset=match.family.file if match and match.family.own else "",
    )


def _doubted(confidence: Mapping[str, float]) -> dict[str, float]:
    """The confidence if the feet point backwards: left and right may be swapped."""
    return {joint: sure * (BACKWARDS if joint[1] == "_" else 1.0) for joint, sure in confidence.items()}


def _apart(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> tuple[str, ...]:
    """Joints of limbs whose bone is not a descendant of the bone before it; in control rigs, constraints move them."""
    if figure.control_rig:
        return ()
    pairs = [(f"{side}_{part}", f"{side}_{before}") for part, before in LIMBS.items() for side in SIDES]
    return tuple(
        name
        for name, before in pairs
        if joints[name] and joints[before] and not figure.is_below(joints[name][0], joints[before][-1])
    )


def _root(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> str | None:
    """The root bone: the topmost ancestor of the pelvis; in control rigs, the topmost bone named root."""
    above = figure.ancestors(joints["pelvis"][0]) if joints["pelvis"] else []
    named = [bone for bone, name in enumerate(figure.names) if name.words == ("root",) and figure.parent[bone] < 0]
    if figure.control_rig and named:
        return figure.bones[named[0]].name
    return figure.bones[above[-1]].name if above else None


def _switches(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> tuple[FkSwitch, ...]:
    """Properties that choose between IK and FK, and constraints that hold mapped bones."""
    found = []
    for bone in figure.bones:
        for name, (_, least, most) in bone.properties.items():
            words = name.lower().replace(" ", "_").replace("-", "_")
            if "ik" in words and "fk" in words:
                forward_last = words.rindex("fk") > words.rindex("ik")
                found.append(FkSwitch(bone.name, name, "", float((most if forward_last else least) or forward_last)))
    for bones in joints.values():
        for index in bones:
            held = [each for each in figure.bones[index].constraints if each.type in FULL_COPIES and each.target]
            found += [FkSwitch(figure.bones[index].name, "", each.name or "*", 0.0) for each in held if each.influence]
    return tuple(found)
