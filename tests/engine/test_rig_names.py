"""Meaning of bone names: sides in many languages and positions, joined words, prefixes, Japanese."""

from __future__ import annotations

import pytest

from motionlcm_blender.rigs.names import BoneName, read_names


def both(pattern: str, left: str, right: str) -> tuple[BoneName, BoneName]:
    one, other = read_names([pattern.replace("*", left), pattern.replace("*", right)])
    return one, other


@pytest.mark.parametrize(
    ("pattern", "left", "right"),
    [
        ("*Arm", "Left", "Right"), ("arm_*", "l", "r"), ("Arm.*", "L", "R"), ("*_arm", "left", "right"),
        ("CC_Base_*_Arm", "L", "R"), ("Bip001 * UpperArm", "L", "R"), ("ValveBiped.Bip01_*_UpperArm", "L", "R"),
        ("*Arm", "l", "r"), ("*UArm", "L", "R"), ("mArm*", "Left", "Right"), ("*腕", "左", "右"), ("腕.*", "L", "R"),
        ("NPC * UpperArm [*Uar]", "L", "R"), ("Arm*", "L", "R"), ("*arm", "left", "right"), ("arm_*_04", "L", "R"),
        ("Oberarm_*", "links", "rechts"), ("brazo.*", "izq", "der"), ("Bras *", "gauche", "droit"),
        ("braccio_*", "sx", "dx"), ("braço_*", "esq", "dir"), ("*_плечо", "левое", "правое"), ("Bras.*", "G", "D"),
        ("hero:*Arm_jnt", "Left", "Right"), ("jnt_*_arm_upr", "l", "r"),
        ("*팔", "왼쪽", "오른쪽"), ("*上臂", "左", "右"),
    ],
)  # fmt: skip
def test_an_upper_arm_of_a_side(pattern: str, left: str, right: str) -> None:
    names = both(pattern, left, right)
    assert [name.side for name in names] == ["l", "r"]
    for name in names:
        assert name.parts["shoulder"] == max(name.parts.values()) > 0.6


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("mixamorig:LeftUpLeg", "hip"), ("LeftForeArm", "elbow"), ("upperleg01.L", "hip"), ("lShin", "knee"),
        ("thigh_stretch.l", ""), ("J_Bip_L_LowerLeg", "knee"), ("足首.L", "ankle"), ("ひざ.L", "knee"),
        ("つま先.L", "foot"),
        ("CC_Base_L_ToeBase", "foot"), ("ball_l", "foot"), ("Left_Wrist_Joint_01", "wrist"), ("lClavicle", "collar"),
        ("calf_twist_01_l", ""), ("ik_hand_l", ""), ("index_01_l", ""), ("HeadTop_End", ""), ("手首.L", "wrist"),
        ("SKEL_L_Thigh", "hip"), ("leftupleg", "hip"), ("lfemur", "hip"), ("LeftHandIndex1", ""), ("Hair_L_02", ""),
    ],
)  # fmt: skip
def test_parts_of_the_body(name: str, part: str) -> None:
    opposite = name.replace("Left", "Right").replace("left", "right").replace("_l", "_r").replace("_L", "_R")
    opposite = opposite.replace(".L", ".R").replace(".l", ".r")
    opposite = "r" + opposite[1:] if opposite == name and name[0] == "l" else opposite
    found = read_names([name, opposite])[0]
    best = max(found.parts, key=lambda each: found.parts[each], default="")
    assert best == part or (part == "" and found.parts[best] < 0.45)


def test_leg_may_be_thigh_or_shin_and_shoulder_collar_or_arm() -> None:
    leg, shoulder = read_names(["LeftLeg", "LeftShoulder", "RightLeg", "RightShoulder"])[:2]
    assert leg.parts["hip"] == leg.parts["knee"]
    assert min(shoulder.parts["collar"], shoulder.parts["shoulder"]) > 0.5


def test_a_vertebra_is_on_no_side() -> None:
    assert [name.side for name in read_names(["L5", "L3", "T12", "T8", "LeftArm", "RightArm"])][:4] == [""] * 4


UNLIKE = ["CATRigLLegDigit11", "CATRToe1", "CATPelvis", "CATSpine1", "CATHead", "CATNeck", "CATLArm", "CATRArm"]


def test_sides_that_are_called_unlike() -> None:
    names = read_names(UNLIKE)
    assert [name.side for name in names] == ["l", "r", "", "", "", "", "l", "r"]


def test_controls_and_helpers() -> None:
    words = ["upper_arm_fk.L", "MCH-thigh_ik.L", "DEF-thigh.L", "hand_tweak.L", "CC_Base_L_KneeShareBone", "LegIK_L"]
    found = [name.kinds for name in read_names(words)]
    for kind, kinds in zip(("fk", "ik", "deform", "tweak", "twist", "ik"), found, strict=True):
        assert kind in kinds
