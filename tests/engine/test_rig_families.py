"""Family files and presets of the user: they decide the mapping, and a broken one does no harm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from motionlcm_blender.motion.skeleton import JOINTS
from motionlcm_blender.rigs.description import FkSwitch
from motionlcm_blender.rigs.families import FOLDER, FamilyFileError, match_family, read_family, save_preset
from motionlcm_blender.rigs.recognition import recognise
from tests.made_rigs import rig_of_names
from tests.rig_answers import HUMANOIDS, answer, renamed, rig

FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_family_file(path: Path) -> None:
    family = read_family(path)
    assert family.family.strip() == family.family != ""
    assert len(family.names) >= 3 and len(set(family.names)) == len(family.names)
    assert not set(family.names) & set(family.absent)
    assert set(family.joints) <= {*JOINTS, "spine"}


def test_no_two_files_match_the_same_names() -> None:
    signatures = [(frozenset(family.names), family.prefix, family.absent) for family in map(read_family, FILES)]
    assert len(set(signatures)) == len(signatures)


def names_of(name: str) -> list[str]:
    return [bone.name for bone in rig(name).bones]


@pytest.mark.parametrize("name", HUMANOIDS)
def test_the_family_of_a_rig(name: str) -> None:
    match = match_family(names_of(name))
    assert match is not None and match.family.family == answer(name)["family"]


def test_a_namespace_before_every_name() -> None:
    for before in ("mixamorig:", "mixamorig9:", "mixamorig", "hero:"):
        names = [before + name.removeprefix("mixamorig:") for name in names_of("mpfb_mixamo")]
        match = match_family(names)
        assert match is not None and match.family.family == "Mixamo" and match.prefix == before


def test_a_correction_is_recognised_the_next_time(tmp_path: Path) -> None:
    """Also if it is a curious one: the user's word counts, for these names and for no others."""
    description = rig("m2m_human")
    found = recognise(description)
    joints = {**found.joints, "neck": ("spine_03", "neck_01"), "spine3": (), "l_foot": ()}
    switches = (FkSwitch("head", "IK.FK", "", 1.0), FkSwitch("pelvis", "", "*", 0.0))
    save_preset(replace(found, family="Our hero", joints=joints, switches=switches), tmp_path / "hero.toml")
    bones = [
        replace(bone, properties={"IK.FK": (0.0, 0.0, 1.0), "IK_FK": (0.0, 0.0, 1.0)}) if bone.name == "head" else bone
        for bone in description.bones
    ]
    again = recognise(replace(description, bones=tuple(bones)), presets_folder=tmp_path)
    assert again.family == "Our hero" and dict(again.joints) == joints
    assert min(again.confidence.values()) > 0.95
    assert again.switches == switches[:1], "the pelvis has no constraint to set"
    assert recognise(rig("m2m_zombie"), presets_folder=tmp_path).family == "Our hero", "the same names"
    assert recognise(rig("geno_fbx"), presets_folder=tmp_path).family == answer("geno_fbx")["family"]


def test_a_preset_of_names_that_are_hard_to_write(tmp_path: Path) -> None:
    hard = ['L "5"', "back\\slash", "brackets [x]", "左足", "tab\tin", "it's", "a.b*c", "#"]
    names = {bone.name: bone.name for bone in rig_of_names("cascadeur").bones}
    names |= dict(zip(list(names)[: len(hard)], hard, strict=True))
    description = renamed(rig_of_names("cascadeur"), names)
    plain = recognise(rig_of_names("cascadeur"))
    joints = {joint: tuple(names[bone] for bone in bones) for joint, bones in plain.joints.items()}
    save_preset(replace(plain, family="Hard", joints=joints), tmp_path / "hard.toml")
    again = recognise(description, presets_folder=tmp_path)
    assert again.family == "Hard" and dict(again.joints) == joints


def test_presets_where_nothing_else_is_recognised(tmp_path: Path) -> None:
    """Names without meaning and hips that are not found: the preset alone makes the mapping."""
    plain = recognise(rig_of_names("cascadeur"))
    names = {bone.name: f"x{index}" for index, bone in enumerate(rig_of_names("cascadeur").bones)}
    flat = tuple(replace(bone, parent=-1) for bone in renamed(rig_of_names("cascadeur"), names).bones)
    joints = {joint: tuple(names[bone] for bone in bones) for joint, bones in plain.joints.items()}
    save_preset(replace(plain, family="Flat", joints=joints), tmp_path / "flat.toml")
    again = recognise(replace(rig_of_names("cascadeur"), bones=flat), presets_folder=tmp_path)
    assert dict(again.joints) == joints and again.rest_pose == "A"


@pytest.mark.parametrize(
    "text",
    [
        "", "family = ", 'family = "x"', 'family = "x"\nnames = 3',
        'family = "x"\nnames = ["a"]\n[joints]\nhat = ["a"]',
        'family = "x"\nnames = ["a"]\nprefix = "("', 'family = "x"\nnames = ["a"]\n[[switches]]\nbone = "a"',
        'family = "x"\nnames = ["a"]\nleast = "many"',
    ],
)  # fmt: skip
def test_a_broken_preset_is_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FamilyFileError, match=r"broken\.toml cannot be read"):
        read_family(path)
    assert recognise(rig("m2m_human"), presets_folder=tmp_path).family == "Mesh2Motion"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert recognise(rig("m2m_human"), presets_folder=tmp_path / "none").family == "Mesh2Motion"
