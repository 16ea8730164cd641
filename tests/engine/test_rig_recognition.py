"""Which bones are which: in real rigs, with family files and without, with other names and with none."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.motion.skeleton import JOINTS
from motionlcm_blender.rigs.description import NotHumanoid, RigBone, RigDescription, RigMapping
from motionlcm_blender.rigs.families import save_preset
from motionlcm_blender.rigs.recognition import recognise
from tests.made_rigs import made_rigs, rig_of_names
from tests.rig_answers import HUMANOIDS, RIGS, answer, renamed, rig, wrong_joints

ANIMALS = [name for name in RIGS if name not in HUMANOIDS]
UNNAMED_IN_TWO = {"cloudrig_human", "rigify_human_generated"}
"""Control rigs, where without names the FK controls cannot be distinguished from other bones at the same places."""
BROAD = {"quaternius_cyberpunk", "quaternius_platformer", "quaternius_platformer_humanoid"}
"""Feet apart from the legs, or legs shorter than arms and a metre apart: no human without names."""


@cache
def mapping(name: str, families: bool = True) -> RigMapping:
    return recognise(rig(name), families=families)


def without_names(name: str) -> tuple[RigDescription, dict[str, str]]:
    names = {bone.name: f"bone_{index}" for index, bone in enumerate(rig(name).bones)}
    return renamed(rig(name), names), {new: old for old, new in names.items()}


def wrong_after(name: str, found: RigMapping, back: dict[str, str]) -> list[str]:
    return wrong_joints(name, {joint: tuple(back[bone] for bone in bones) for joint, bones in found.joints.items()})


@pytest.mark.parametrize("name", HUMANOIDS)
def test_every_joint_of_a_known_family(name: str) -> None:
    found = mapping(name)
    assert wrong_joints(name, found.joints) == []
    assert found.family == answer(name)["family"]
    assert min(found.confidence.values()) > 0.5 or name == "quaternius_man"


@pytest.mark.parametrize("name", HUMANOIDS)
def test_every_joint_without_family_files(name: str) -> None:
    found = mapping(name, families=False)
    assert found.family == "generic"
    wrong = wrong_joints(name, found.joints)
    # Its collars hang from what a family file calls the lowest bone of the neck.
    assert wrong == (["spine3", "neck"] if name == "mpfb_rigify_metarig" else [])
    assert all(found.confidence[joint] < 0.5 for joint in wrong)


@pytest.mark.parametrize("name", sorted(made_rigs()))
@pytest.mark.parametrize("families", [True, False])
def test_rigs_known_by_their_names_alone(name: str, families: bool) -> None:
    found = recognise(rig_of_names(name), families=families)
    right = made_rigs()[name]["right"]
    if families and "family" in made_rigs()[name]:
        assert found.family == made_rigs()[name]["family"]
    if not families and made_rigs()[name].get("by_family"):
        assert found.facing is not None
        return
    also = made_rigs()[name].get("also_right", {})
    got = {**found.joints, "spine": sum((found.joints[f"spine{number}"] for number in (1, 2, 3)), ())}
    for joint, bones in right.items():
        assert list(got[joint]) in [bones, *also.get(joint, [])], joint
        if joint.startswith("l_"):
            assert len(got["r_" + joint[2:]]) == len(got[joint])
    assert found.facing is not None and np.allclose(found.facing, [0, 1 if name == "skyrim" else -1, 0])


def test_left_and_right_exchanged_are_doubted() -> None:
    """The feet point against the sides of the names: the names decide, with low confidence."""
    names = {bone.name: bone.name for bone in rig_of_names("cascadeur").bones}
    swapped = {name: name[:-1] + {"l": "r", "r": "l"}[name[-1]] for name in names if name[-2:] in ("_l", "_r")}
    plain = recognise(rig_of_names("cascadeur"))
    found = recognise(renamed(rig_of_names("cascadeur"), names | swapped))
    assert found.joints == plain.joints
    assert all(found.confidence[joint] < 0.5 for joint in JOINTS if joint[1] == "_")
    assert found.confidence["head"] == plain.confidence["head"] > 0.8


@pytest.mark.parametrize("name", ANIMALS)
def test_animals_are_refused_whatever_their_bones_are_called(name: str) -> None:
    for description in (rig(name), without_names(name)[0]):
        with pytest.raises(NotHumanoid, match=r"animal|no humanoid"):
            recognise(description)


def test_names_removed() -> None:
    """Most joints are right, and no wrong one is taken for sure."""
    right = total = whole = 0
    for name in HUMANOIDS:
        description, back = without_names(name)
        total += len(JOINTS)
        try:
            found = recognise(description)
        except NotHumanoid:
            assert name in UNNAMED_IN_TWO | BROAD
            continue
        wrong = wrong_after(name, found, back)
        right += len(JOINTS) - len(wrong)
        whole += not wrong
        assert all(found.confidence[joint] < 0.5 for joint in wrong), (name, wrong)
    assert right / total > 0.8 and whole >= len(HUMANOIDS) - 10


def test_what_a_person_chose_is_taken() -> None:
    plain = mapping("m2m_human")
    hip, knee = plain.joints["l_hip"], plain.joints["l_knee"]
    found = recognise(rig("m2m_human"), chosen={"l_foot": (), "spine2": plain.joints["spine1"], "head": ("no bone",)})
    assert found.joints["l_foot"] == () and found.joints["spine2"] == plain.joints["spine1"]
    assert found.joints["spine1"] == () and found.joints["head"] == plain.joints["head"]
    assert found.confidence["spine2"] == 1.0 and found.joints["l_hip"] == hip
    with pytest.raises(NotHumanoid, match="No bone is known for the left knee"):
        recognise(rig("m2m_human"), chosen={"l_hip": knee})


def test_a_preset_keeps_the_ik_controls_of_the_family(tmp_path: Path) -> None:
    plain = mapping("rigify_human_generated")
    assert {limb.end for limb in plain.ik} == {"l_wrist", "r_wrist", "l_ankle", "r_ankle"} and plain.ik_switches
    save_preset(replace(plain, family="Hero"), tmp_path / "presets" / "hero.toml")
    found = recognise(rig("rigify_human_generated"), tmp_path / "presets")
    assert (found.family, found.preset, found.joints) == ("Hero", "hero", plain.joints)
    assert found.ik == plain.ik and found.switches == plain.switches


def prefixed(name: str, chance: random.Random) -> str:
    return "Zorblax_" + name


def glued(name: str, chance: random.Random) -> str:
    return "Zorblax" + name


def numbered(name: str, chance: random.Random) -> str:
    return f"{name}_{chance.randrange(100):02d}"


def suffixed(name: str, chance: random.Random) -> str:
    return name + "_jnt"


def in_namespaces(name: str, chance: random.Random) -> str:
    return "scene|hero01:" + name


def with_underscores(name: str, chance: random.Random) -> str:
    return re.sub("[-. ]", "_", re.sub("(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower()


SIDE_WORD = re.compile("(?<![A-Za-z])(left|right|l|r)(?![a-z])|(left|right)(?=[A-Z_ ])".replace("left", "[Ll]eft")
                       .replace("right", "[Rr]ight").replace("|l|r)", "|[Ll]|[Rr])"))  # fmt: skip


def sides_called(left: str, right: str) -> Callable[[str, random.Random], str]:
    """Other words for the two sides."""
    return lambda name, chance: SIDE_WORD.sub(lambda found: left if found[0][0] in "lL" else right, name)


CHANGES = {
    "prefixed": prefixed, "glued": glued, "numbered": numbered, "suffixed": suffixed, "in capitals":
    lambda name, chance: name.upper(), "in namespaces": in_namespaces, "with underscores": with_underscores,
    "Spanish sides": sides_called("izq", "der"), "German sides": sides_called("links", "rechts"),
    "French sides": sides_called("gauche", "droite"), "Italian sides": sides_called("sx", "dx"),
    "Japanese sides": sides_called("左", "右"), "Russian sides": sides_called("лев", "прав"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_names_in_other_ways_of_writing(change: Callable[[str, random.Random], str]) -> None:
    whole = 0
    for name in HUMANOIDS:
        chance = random.Random(len(rig(name).bones))
        names = {bone.name: change(bone.name, chance) for bone in rig(name).bones}
        if len(set(names.values())) < len(names):
            continue
        back = {new: old for old, new in names.items()}
        whole += not wrong_after(name, recognise(renamed(rig(name), names), families=False), back)
    assert whole >= len(HUMANOIDS) - 3


def test_a_family_is_known_in_a_namespace() -> None:
    names = {bone.name: "hero01:" + bone.name for bone in rig("cloudrig_human").bones}
    found = recognise(renamed(rig("cloudrig_human"), names))
    assert found.family == "CloudRig"
    assert {each.bone for each in found.switches} == {"hero01:Properties"}
    assert len(found.switches) == len(mapping("cloudrig_human").switches)


def without_bones(description: RigDescription, gone: set[str]) -> RigDescription:
    """Without some bones and all that hang from them."""
    kept: list[RigBone] = []
    at: dict[int, int] = {}
    for number, bone in enumerate(description.bones):
        if bone.name not in gone and (bone.parent < 0 or bone.parent in at):
            at[number] = len(kept)
            kept.append(replace(bone, parent=at.get(bone.parent, -1)))
    return replace(description, bones=tuple(kept))


PLAIN = [name for name in HUMANOIDS if "fk_switches" not in answer(name)]


@pytest.mark.parametrize("joint", ["foot", "wrist", "head"])
def test_without_the_ends_of_the_body(joint: str) -> None:
    """Without bones below a joint the others are found; a wrong one is unsure, also without names."""
    for name in PLAIN:
        ends = [joint] if joint == "head" else [f"l_{joint}", f"r_{joint}"]
        bones = {bone for end in ends for bone in mapping(name).joints[end]}
        if joint == "wrist":
            bones = {
                bone.name for bone in rig(name).bones if bone.parent >= 0 and rig(name).bones[bone.parent].name in bones
            }
        cut = without_bones(rig(name), bones)
        found = recognise(cut, families=False)
        wrong = [each for each in wrong_joints(name, found.joints) if each not in ends or joint == "wrist"]
        assert all(found.confidence[each] < 0.5 for each in wrong), (name, wrong)
        names = {bone.name: f"bone_{index}" for index, bone in enumerate(cut.bones)}
        try:
            unnamed = recognise(renamed(cut, names))
        except NotHumanoid:
            continue
        back = {new: old for old, new in names.items()}
        limbs = [each for each in wrong_after(name, unnamed, back) if each[1] == "_" and each not in ends]
        assert all(unnamed.confidence[each] < 0.5 for each in limbs), (name, limbs)


def test_left_and_right_without_names_and_toes() -> None:
    """Bent knees and elbows show the front, heels do not; straight limbs leave the sides unsure."""
    for name, bent in (("rigify_basic_human_metarig", True), ("cmu_fbx_neo", False)):
        cut = without_bones(rig(name), {bone for side in "lr" for bone in mapping(name).joints[f"{side}_foot"]})
        names = {bone.name: f"bone_{index}" for index, bone in enumerate(cut.bones)}
        found = recognise(renamed(cut, names))
        wrong = wrong_after(name, found, {new: old for old, new in names.items()})
        assert not bent or [joint for joint in wrong if joint[1] == "_"] == ["l_foot", "r_foot"]
        assert (found.confidence["l_hip"] > 0.5) == bent


def test_a_fifth_of_the_names_lost() -> None:
    """Bones without a name are found by the other side's name or by their place, or are marked as unsure."""
    sure, unsure = [], []
    for name in HUMANOIDS:
        chance = random.Random(7 * len(rig(name).bones))
        lost = {bone.name: f"bone_{index}" for index, bone in enumerate(rig(name).bones) if chance.random() < 0.2}
        names = {bone.name: lost.get(bone.name, bone.name) for bone in rig(name).bones}
        found = recognise(renamed(rig(name), names), families=False)
        wrong = wrong_after(name, found, {new: old for old, new in names.items()})
        for joint in JOINTS:
            (sure if found.confidence[joint] > 0.5 else unsure).append(joint not in wrong)
    assert np.mean(sure) > 0.96 and len(sure) > 0.93 * (len(sure) + len(unsure))
    assert np.mean(unsure) < np.mean(sure) - 0.2


def test_confidence_separates_right_from_wrong_without_names() -> None:
    sure = []
    for name in HUMANOIDS:
        description, back = without_names(name)
        try:
            found = recognise(description)
        except NotHumanoid:
            continue
        wrong = wrong_after(name, found, back)
        sure += [joint not in wrong for joint in JOINTS if found.confidence[joint] > 0.5]
        assert max(found.confidence.values()) < 0.9, "no name says so"
    assert np.mean(sure) > 0.95


@pytest.mark.parametrize("name", ["mpfb_default", "m2m_human", "geno_fbx", "rigify_human_metarig", "soma77_tpose"])
def test_turned_moved_and_scaled_it_is_the_same(name: str) -> None:
    chance = np.random.default_rng(3)
    for scale in (0.01, 1.0, 90.0):
        turn, _ = np.linalg.qr(chance.normal(size=(3, 3)))
        world = np.eye(4)
        world[:3, :3] = scale * turn * np.sign(np.linalg.det(turn))
        world[:3, 3] = chance.normal(size=3) * 20.0
        before = rig(name)
        found = recognise(replace(before, world=world @ before.world), families=False)
        assert found.joints == mapping(name, families=False).joints
        assert found.leg_length == pytest.approx(scale * mapping(name).leg_length)
        facing = mapping(name).facing
        assert facing is not None and found.facing is not None
        assert found.facing @ world[:3, :3] @ facing / scale > 0.98


@pytest.mark.parametrize("name", HUMANOIDS)
def test_what_the_rest_pose_is(name: str) -> None:
    found, right = mapping(name), answer(name)
    assert found.rest_pose == right["rest_pose"]
    assert found.apart == tuple(right.get("apart", ()))
    if right["facing_world"] is None:
        assert found.facing is None
        return
    assert found.facing is not None
    for direction, wanted in ((found.facing, right["facing_world"]), (found.up, right["up_world"])):
        axis = np.zeros(3)
        axis["XYZ".index(wanted[1])] = 1.0 if wanted[0] == "+" else -1.0
        assert direction @ axis > 0.95
    assert found.leg_length == pytest.approx(right["leg_length_world"], rel=0.02)


@pytest.mark.parametrize("name", [name for name in HUMANOIDS if "fk_switches" in answer(name)])
def test_switches_for_the_fk_controls(name: str) -> None:
    wanted = {(each["bone"], each["property"], each["value"]) for each in answer(name)["fk_switches"]}
    assert {(each.bone, each.prop, each.value) for each in mapping(name).switches} == wanted


def test_switches_of_a_rig_of_no_family() -> None:
    """A property that names both IK and FK chooses between them; its last word is what the greatest value means."""
    bones = list(rig_of_names("cascadeur").bones)
    bones[0] = replace(bones[0], properties={"IK_FK": (0.0, 0.0, 1.0), "ik_stretch": (1.0, 0.0, 1.0)})
    bones[1] = replace(bones[1], properties={"fk/ik": (1.0, 0.0, 1.0)})
    found = recognise(replace(rig_of_names("cascadeur"), bones=tuple(bones)), families=False)
    assert [(each.bone, each.prop, each.value) for each in found.switches] == [
        ("pelvis", "IK_FK", 1.0), ("stomach", "fk/ik", 0.0),
    ]  # fmt: skip


def test_fingers_and_the_bone_on_the_floor() -> None:
    found = mapping("ue4_mannequin_fbx")
    assert found.fingers["l"]["index"] == ("index_01_l", "index_02_l", "index_03_l")
    assert list(found.fingers["r"]) == ["thumb", "index", "middle", "ring", "pinky"]
    assert mapping("mpfb_game_engine").root == "Root"
    assert mapping("rigify_human_generated").root == mapping("cloudrig_human").root == "root"
    assert mapping("mpfb_mixamo").root is None
    assert mapping("rigify_human_generated").fingers["l"]["thumb"][0] == "thumb.01.L"
    description, back = without_names("ue4_mannequin_fbx")
    unnamed = recognise(description).fingers["l"]
    assert [back[bone] for bone in unnamed["thumb"]] == list(found.fingers["l"]["thumb"])
    assert [back[bone] for bone in unnamed["pinky"]] == list(found.fingers["l"]["pinky"])


def made(bones: list[tuple[str, str, tuple[float, float, float]]]) -> RigDescription:
    index: dict[str, int] = {}
    found = []
    for name, parent, head in bones:
        index[name] = len(index)
        place = np.array(head)
        found.append(RigBone(name, index.get(parent, -1), place, place + [0.0, 0.0, 0.05], np.eye(3)))
    return RigDescription("prop", tuple(found), np.eye(4))


Place = tuple[float, float, float]


def chains(starts: dict[str, Place], step: Place, count: int) -> RigDescription:
    bones: list[tuple[str, str, Place]] = [("root", "", (0.0, 0.0, 1.0))]
    for name, (x, y, z) in starts.items():
        for at in range(count):
            place = (x + at * step[0], y + at * step[1], z + at * step[2])
            bones.append((f"{name}{at}", f"{name}{at - 1}" if at else "root", place))
    return made(bones)


SIDES = (("_L", 1), ("_R", -1))
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
TABLE = {f"leg{end}{side}": (0.4 * x, 0.3 * y, 1.0) for end, y in (("F", -1), ("B", 1)) for side, x in SIDES}
CAR = {"door_L": (0.5, 0.0, 1.0), "door_R": (-0.5, 0.0, 1.0), "hood": (0.0, -1.0, 1.0)}
PROPS = {
    "rope": chains({"spine": (0.0, 0.0, 0.0)}, (0.0, 0.1, 0.0), 20),
    "table": chains(TABLE, (0.0, 0.0, -0.3), 4),
    "hand": chains({finger: (0.02 * at, -0.08, 1.0) for at, finger in enumerate(FINGERS)}, (0.0, -0.03, 0.0), 4),
    "car": chains(CAR, (0.0, 0.0, 0.1), 3),
}


@pytest.mark.parametrize("prop", PROPS.values(), ids=PROPS)
def test_props_are_refused(prop: RigDescription) -> None:
    with pytest.raises(NotHumanoid):
        recognise(prop)


def test_wings_are_no_arms() -> None:
    names = {bone.name: bone.name for bone in rig_of_names("cascadeur").bones}
    for side in "lr":
        names |= {f"arm_{side}": f"wing1_{side}", f"forearm_{side}": f"wing2_{side}", f"hand_{side}": f"feather_{side}"}
    with pytest.raises(NotHumanoid):
        recognise(renamed(rig_of_names("cascadeur"), names), families=False)
