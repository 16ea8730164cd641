"""The mapping of a character: listed, corrected, kept as a preset, shown in the viewport, picked with the mouse."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender import test_any_rig
from tests.blender.support import add_character, generate, panel_status, part, refusal, settings
from tests.blender.test_any_rig import build, mixamo_like, mixamo_name, stored_rig
from tests.rig_answers import renamed

pytestmark = pytest.mark.each_blender
a_model_that_walks = test_any_rig.a_model_that_walks
HIP, KNEE = mixamo_name("l_hip"), mixamo_name("l_knee")


@pytest.fixture(autouse=True)
def no_presets(empty_file, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(part("operators.rigs.rig_presets"), "home", lambda: tmp_path / "rigs")


def joints(obj: bpy.types.Object) -> bpy.types.PropertyGroup:
    return obj.motionlcm.joints


def mapping_of(obj: bpy.types.Object) -> dict[str, tuple[str, ...]]:
    return part("operators.rigs.recognised").read_character(obj).body.mapping.joints


def stored():
    return part("operators.armature.take_properties")


def odd_rig(name: str = "m2m_human") -> bpy.types.Object:
    """A rig without names of legs."""
    description = stored_rig(name)
    names = {bone.name: f"zorb {number}" for number, bone in enumerate(description.bones)}
    return build(renamed(description, names))


def test_the_mapping_is_listed_with_its_confidence() -> None:
    obj = build(mixamo_like())
    known = part("operators.rigs.stored_mapping").joints_of(obj)
    assert joints(obj).l_hip == HIP and joints(obj).spine3 == mixamo_name("spine3")
    assert len(known) == 22 and min(sure for sure, _ in known.values()) > 0.5
    assert not settings().show_mapping
    listed = [joint for _, part_joints in part("operators.rigs.joint_mapping").BODY_PARTS for joint in part_joints]
    assert sorted(listed) == sorted(known)


def test_unsure_joints_open_the_mapping() -> None:
    build(stored_rig("quaternius_man"))
    assert settings().show_mapping
    build(mixamo_like())
    assert not settings().show_mapping


def test_a_correction_is_used_and_reset() -> None:
    obj = build(mixamo_like())
    joints(obj).spine3 = f"{mixamo_name('spine2')}, {mixamo_name('spine3')}"
    mapping = mapping_of(obj)
    assert mapping["spine3"] == (mixamo_name("spine2"), mixamo_name("spine3")) and mapping["spine2"] == ()
    assert part("operators.rigs.stored_mapping").joints_of(obj)["spine3"][0] == 1.0
    assert stored().RIG_BONES.read(obj) == 21
    generate("a person walks", seconds=1.0)
    joints(obj).l_foot = ""
    assert mapping_of(obj)["l_foot"] == ()
    assert bpy.ops.motionlcm.reset_mapping() == {"FINISHED"}
    assert mapping_of(obj)["spine2"] == (mixamo_name("spine2"),) and mapping_of(obj)["l_foot"] != ()
    assert stored().RIG_BONES.read(obj) == 22


def test_a_bone_that_is_not_there_is_refused() -> None:
    obj = build(mixamo_like())
    joints(obj).l_hip = "no such bone"
    assert panel_status().message == f'The armature "{obj.name}" has no bone "no such bone".'
    assert joints(obj).l_hip == HIP and not stored().RIG_CHOSEN.is_on(obj)


def test_a_bone_goes_from_one_joint_to_another() -> None:
    """Between the two choices no body is known; the panel shows the choice all the same."""
    obj = build(mixamo_like())
    joints(obj).l_hip = KNEE
    assert joints(obj).l_hip == KNEE and joints(obj).l_knee == ""
    assert "left knee" in stored().RIG_DOUBT.read(obj) and "left knee" in refusal()
    joints(obj).l_knee, joints(obj).l_hip = KNEE, HIP
    assert mapping_of(obj)["l_hip"] == (HIP,) and mapping_of(obj)["l_knee"] == (KNEE,)
    assert stored().RIG_DOUBT.read(obj) == ""


def test_an_armature_that_is_not_recognised_can_be_mapped_by_hand() -> None:
    description = stored_rig("quaternius_platformer")
    names = {bone.name: f"zorb {number}" for number, bone in enumerate(description.bones)}
    plain = build(description)
    right = {joint: tuple(names[bone] for bone in bones) for joint, bones in mapping_of(plain).items() if bones}
    bpy.data.objects.remove(plain)
    obj = build(renamed(description, names))
    assert "cannot be the character" in refusal() and part("operators.rigs.stored_mapping").has_mapping(obj)
    for joint, bones in right.items():
        setattr(joints(obj), joint, ", ".join(bones))
    assert {joint: bones for joint, bones in mapping_of(obj).items() if bones} == right
    generate("a person walks", seconds=1.0)


def test_a_preset_is_recognised_the_next_time() -> None:
    obj = build(mixamo_like())
    joints(obj).l_collar = ""
    assert bpy.ops.motionlcm.save_rig_preset(name="My Hero: 2") == {"FINISHED"}
    assert stored().RIG.read(obj) == "My Hero: 2" and not stored().RIG_CHOSEN.is_on(obj)
    other = build(mixamo_like())
    assert other != obj and mapping_of(other)["l_collar"] == () and stored().RIG.read(other) == "My Hero: 2"
    assert len(list(part("operators.rigs.rig_presets").home().glob("*.toml"))) == 1
    assert bpy.ops.motionlcm.delete_rig_preset() == {"FINISHED"}
    assert mapping_of(other)["l_collar"] != () and stored().RIG.read(other) == "Mixamo"
    assert not bpy.ops.motionlcm.delete_rig_preset.poll()


@pytest.mark.parametrize("name", ["  ", "???"])
def test_a_preset_needs_a_name(name: str) -> None:
    obj = build(mixamo_like())
    obj.name = "..."
    assert "needs a name" in refusal(lambda: bpy.ops.motionlcm.save_rig_preset(name=name))


def test_smpl_bones_have_no_mapping_to_correct() -> None:
    armature = add_character()
    assert not part("operators.rigs.stored_mapping").has_mapping(armature)
    assert not bpy.ops.motionlcm.reset_mapping.poll() and not bpy.ops.motionlcm.pick_bone.poll()


def looking_from_the_front(size: tuple[int, int]) -> np.ndarray:
    """World to clip space: X to the right, Z up, 2.4 m across and as high, 1.2 m above the floor in the middle."""
    matrix = np.zeros((4, 4))
    matrix[0, 0] = matrix[1, 2] = 1.0 / 1.2
    matrix[2, 1], matrix[1, 3], matrix[3, 3] = 0.1, -1.0, 1.0
    return matrix


@pytest.mark.parametrize("kind", ["Mixamo", "Rigify"])
def test_the_bone_under_the_mouse(kind: str) -> None:
    obj = build(test_any_rig.RIGS[kind][0]())
    picking = part("operators.rigs.pick_bone")
    bones = picking.pickable_bones(obj, bpy.context.evaluated_depsgraph_get())
    wanted = mapping_of(obj)["l_knee"][0]
    index, size = bones.names.index(wanted), (600, 600)
    middle = bones.ends[index].mean(axis=0)
    if kind == "Mixamo":  # its tails point aside
        middle = bones.ends[index, 0]
    pixel = (middle[0] / 1.2 * 300 + 300, (middle[2] - 1.2) / 1.2 * 300 + 300)
    found = picking.bones_under(bones, looking_from_the_front(size), size, pixel, 1.0)
    assert wanted in [bones.names[each] for each in found]
    assert picking.bones_under(bones, looking_from_the_front(size), size, (5.0, 595.0), 1.0) == []


def test_the_figure_over_the_bones() -> None:
    obj = build(mixamo_like())
    drawing = part("operators.rigs.mapping_drawing")
    joints(obj).l_collar = ""
    figure = drawing.shown_figure(obj, bpy.context.evaluated_depsgraph_get())
    assert len(figure.joints) == 21 and ("spine3", "l_shoulder") in figure.lines
    assert figure.colours["l_knee"] == drawing.LEFT and figure.colours["r_knee"] == drawing.RIGHT
    np.testing.assert_allclose(figure.joints["l_knee"], obj.matrix_world @ obj.pose.bones[KNEE].head, atol=1e-6)
    places, colours = drawing.triangles_of(figure, looking_from_the_front((600, 600)), 600, 600, 1.0)
    assert len(places) == len(colours) == 6 * len(figure.lines) + 3 * 10 * len(figure.joints)
    assert np.isfinite(places).all()
    unsure = build(stored_rig("quaternius_man"))
    figure = drawing.shown_figure(unsure, bpy.context.evaluated_depsgraph_get())
    assert figure.colours["l_shoulder"] == drawing.UNSURE_COLOUR
