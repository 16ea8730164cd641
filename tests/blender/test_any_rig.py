"""Generate on armatures of any family: recognised, on the path, on the floor, with few keys, switches put back.

With the bundled model, because a random one does not walk.
"""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest

from motionlcm_blender.rigs.description import RigDescription, read_rig_json
from tests import rig_samples
from tests.blender import test_rigs
from tests.blender.support import (
    EXTENSION,
    REPOSITORY,
    add_character,
    bone_heads,
    generate,
    panel_status,
    part,
    poly_curve,
    refusal,
    settings,
)

pytestmark = pytest.mark.each_blender
SWING = np.linspace(0.0, 2.0 * np.pi, 60)
S_PATH = np.stack([SWING * 4.0 / (2.0 * np.pi), 0.8 * np.sin(SWING)], axis=1)
"""(60, 2) metres of a person."""
MIXAMO = {
    "pelvis": "Hips", "spine1": "Spine", "spine2": "Spine1", "spine3": "Spine2", "neck": "Neck", "head": "Head",
    "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "foot": "ToeBase", "collar": "Shoulder", "shoulder": "Arm",
    "elbow": "ForeArm", "wrist": "Hand",
}  # fmt: skip
RIGIFY_SWITCH = ("thigh_parent.L", "IK_FK")


@pytest.fixture(autouse=True)
def a_model_that_walks(empty_file) -> None:
    prefs = bpy.context.preferences.addons[EXTENSION].preferences
    prefs.model_folder = str(REPOSITORY / "bundled_models" / "default")
    settings().key_mode = "FITTED"


def mixamo_name(joint: str) -> str:
    side = {"l_": "Left", "r_": "Right"}.get(joint[:2], "")
    return f"mixamorig:{side}{MIXAMO[joint.removeprefix('l_').removeprefix('r_')]}"


def mixamo_like() -> RigDescription:
    """Scaled by 0.01, turned by 90 degrees, bones with X along the limbs, arms in an A pose."""
    description, _ = rig_samples.rig(turns=rig_samples.rest_turns(0.7), x_along=True, fbx=True, rest_pose="A")
    bones = tuple(replace(bone, name=mixamo_name(bone.name.removeprefix("bone "))) for bone in description.bones)
    return replace(description, name="Mixamo", bones=bones)


def stored_rig(name: str) -> RigDescription:
    return read_rig_json(REPOSITORY / "tests" / "data" / "rigs" / f"{name}.json")


def build(description: RigDescription) -> bpy.types.Object:
    """An armature with the custom properties of its pose bones, chosen as the character."""
    obj = test_rigs.build(description)
    for bone in description.bones:
        for name, (value, *_) in bone.properties.items():
            obj.pose.bones[bone.name][name] = value
    bpy.context.view_layer.update()
    settings().character = obj
    return obj


RIGS = {
    "Mixamo": (mixamo_like, "Mixamo", 22, [mixamo_name(name) for name in ("l_hip", "r_hip", "l_ankle", "r_ankle")]),
    "BVH": (
        lambda: stored_rig("soma77_kimodo_bvh"), "SOMA-77 (Kimodo)", 22,
        ["LeftLeg", "RightLeg", "LeftFoot", "RightFoot"],
    ),
    "Rigify": (
        lambda: stored_rig("rigify_human_generated"), "Rigify generated", 21,
        ["thigh_fk.L", "thigh_fk.R", "foot_fk.L", "foot_fk.R"],
    ),
}  # fmt: skip


def units_of(obj: bpy.types.Object) -> float:
    rigs = part("operators.rigs.recognised")
    return rigs.units_per_metre(obj, rigs.read_character(obj))


def walk_an_s(obj: bpy.types.Object) -> bpy.types.Action:
    path = poly_curve(S_PATH * units_of(obj))
    return generate("a person walks forward", seconds=4.0, path=path)


def places(obj: bpy.types.Object, bones: list[str], action: bpy.types.Action) -> np.ndarray:
    """(4, T, 3) metres of this person."""
    frames = range(int(action.frame_range[0]), int(action.frame_range[1]) + 1)
    return np.array([bone_heads(obj, bone, frames) for bone in bones]) / units_of(obj)


def off_the_path(hips: np.ndarray) -> float:
    """Metres by which hips (T, 3) leave the path at most."""
    at = np.linspace(0.0, len(S_PATH) - 1.0, 3000)
    line = np.stack([np.interp(at, np.arange(len(S_PATH)), S_PATH[:, axis]) for axis in (0, 1)], axis=1)
    return float(np.linalg.norm(hips[:, None, :2] - line[None], axis=-1).min(axis=1).max())


@pytest.mark.parametrize("kind", RIGS)
def test_it_walks_along_the_path_with_few_keys(kind: str) -> None:
    make, family, count, bones = RIGS[kind]
    obj = build(make())
    stored = part("operators.armature.take_properties")
    assert (stored.RIG.read(obj), stored.RIG_BONES.read(obj), stored.RIG_DOUBT.read(obj)) == (family, count, "")
    action = walk_an_s(obj)
    shown = places(obj, bones, action)
    assert np.ptp(shown[0, :, 0]) > 3.5
    assert off_the_path(shown[:2].mean(axis=0)) < 0.05
    rest = part("operators.rigs.recognised").read_character(obj).body.alignment.heights[:, 0].mean()
    assert np.abs(shown[2:, :, 2].min(axis=1) - rest).max() < 0.05
    curves = part("operators.armature.actions").curves_of(obj)
    frames = shown.shape[1]
    assert 4 < max(len(curve.keyframe_points) for curve in curves) < 0.75 * frames
    assert stored.KEYS_SHARE.read(action) < 0.5 and 0.0 < stored.KEYS_ERROR.read(action) < 15.0
    assert stored.PATH_MAX.read(action) < 4.0


@pytest.mark.parametrize("name", ["not_humanoid_fox", "not_humanoid_wolf_metarig"])
def test_an_animal_is_refused_in_one_sentence(name: str) -> None:
    obj = build(stored_rig(name))
    sentence = refusal()
    assert sentence.startswith(f'"{obj.name}" cannot be the character. This armature looks like an animal')
    assert part("operators.armature.take_properties").RIG_DOUBT.read(obj) == sentence
    assert obj.animation_data is None or obj.animation_data.action is None


def test_unsure_joints_are_named() -> None:
    obj = build(stored_rig("quaternius_man"))
    doubt = part("operators.armature.take_properties").RIG_DOUBT.read(obj)
    assert "left shoulder, right shoulder" in doubt
    generate(seconds=1.0)
    assert doubt in panel_status().warnings


def test_switches_are_named_and_put_back_when_the_motion_is_gone() -> None:
    obj = build(stored_rig("rigify_human_generated"))
    bone, name = RIGIFY_SWITCH
    holder = obj.pose.bones[bone]
    holder[name] = 0.25
    first = walk_an_s(obj)
    assert holder[name] == 1.0 and f"{bone}: {name}" in panel_status().message
    path = f'pose.bones["{bone}"]["{name}"]'
    assert path in {curve.data_path for curve in part("operators.armature.actions").curves_of(obj)}
    second = generate("a person waves", seconds=1.0, path=None)
    obj.animation_data.action = None
    bpy.context.view_layer.update()
    assert holder[name] == 0.25
    obj.animation_data.action = first
    bpy.context.view_layer.update()
    bpy.context.scene.frame_set(5)
    assert holder[name] == 1.0
    bpy.data.actions.remove(first)
    bpy.data.actions.remove(second)
    bpy.context.view_layer.update()
    assert holder[name] == 0.25


def test_a_constraint_that_copies_is_switched_off_and_comes_back() -> None:
    obj = build(mixamo_like())
    leg = obj.pose.bones[mixamo_name("l_hip")]
    one = leg.constraints.new("COPY_TRANSFORMS")
    one.target, one.subtarget, one.influence = obj, mixamo_name("r_hip"), 0.75
    bpy.context.view_layer.update()
    for seconds in (1.0, 1.5):
        generate(seconds=seconds)
        assert one.influence == 0.0
        part("operators.rigs.recognised")._bodies.clear()
        part("operators.rigs.recognised")._mappings.clear()  # as in a file that is opened again
    obj.animation_data.action = None
    bpy.context.view_layer.update()
    assert one.influence == 0.75


def test_a_control_rig_that_a_parent_carries() -> None:
    carrier = bpy.data.objects.new("Carrier", None)
    bpy.context.scene.collection.objects.link(carrier)
    carrier.location = (0.3, 0.0, 0.0)
    carrier.keyframe_insert("location", frame=1)
    obj = build(stored_rig("rigify_human_generated"))
    obj.parent = carrier
    bone, name = RIGIFY_SWITCH
    obj.pose.bones[bone][name] = 0.25
    bpy.context.view_layer.update()
    action = walk_an_s(obj)
    assert off_the_path(places(obj, RIGS["Rigify"][3], action)[:2].mean(axis=0)) < 0.05
    assert obj.pose.bones[bone][name] == 1.0
    bpy.data.actions.remove(action)
    bpy.context.view_layer.update()
    assert obj.pose.bones[bone][name] == 0.25


@pytest.mark.parametrize("travel", ["root", "in_place"])
def test_root_motion_goes_to_the_chosen_carrier(travel: str) -> None:
    obj = build(mixamo_like())
    obj.location = (0.7, -0.4, 0.0)
    obj.rotation_mode = "QUATERNION"
    settings().travel = travel
    action = walk_an_s(obj)
    shown = places(obj, RIGS["Mixamo"][3], action)
    curves = {curve.data_path for curve in part("operators.armature.actions").curves_of(obj)}
    if travel == "root":
        assert "location" in curves and off_the_path(shown[:2].mean(axis=0)) < 0.05
    else:
        assert "location" not in curves and np.ptp(shown[:2].mean(axis=0)[:, :2], axis=0).max() < 0.4
    assert np.abs(shown[2:, :, 2].min(axis=1) - shown[2:, :, 2].min()).max() < 0.05


def test_a_loop_goes_on() -> None:
    obj = build(mixamo_like())
    settings().loop = True
    action = generate("a person walks forward", seconds=4.0)
    first, last = action.frame_range
    span = last - first
    heads = bone_heads(obj, mixamo_name("l_knee"), [first + 3, first + 3 + span, first + 3 + 2 * span]) / units_of(obj)
    np.testing.assert_allclose(heads[1] - heads[0], heads[2] - heads[1], atol=0.02)


def test_takes_are_made_again_and_refitted() -> None:
    obj = build(mixamo_like())
    settings().takes = 2
    action = walk_an_s(obj)
    bones = RIGS["Mixamo"][3]
    before = places(obj, bones, action)
    assert len(part("operators.takes.takes").takes_of(obj)) == 2
    assert bpy.ops.motionlcm.generate_again() == {"FINISHED"}
    again = obj.animation_data.action
    assert again != action
    np.testing.assert_allclose(places(obj, bones, again), before, atol=0.02)  # each within 10 mm of the same motion
    settings().key_mode = "DENSE"
    assert bpy.ops.motionlcm.refit_keys() == {"FINISHED"}
    np.testing.assert_allclose(places(obj, bones, again), before, atol=0.03)


@pytest.mark.parametrize("kind", RIGS)
def test_what_was_written_is_read_back(kind: str) -> None:
    obj = build(RIGS[kind][0]())
    settings().key_mode = "DENSE"
    action = walk_an_s(obj)
    rigs, reading = part("operators.rigs.recognised"), part("operators.rigs.body_reading")
    rig, retargeting = rigs.read_character(obj), part("motionlcm_blender.rigs.rig_retarget")
    at = np.arange(action.frame_range[0], action.frame_range[1] + 1)
    clip = part("operators.generation.write_actions").recent_results.find(action)[1].clip
    again = reading.read_clip(action, at, obj, rig, rig.body.units_per_metre)
    shown, wanted = (
        retargeting.positions(one.translation, retargeting.world_rotations(one), one.skeleton)[:, :22]
        for one in (again, clip)
    )
    np.testing.assert_allclose(shown, wanted, atol=1e-3)


@pytest.mark.parametrize("kind", ["Mixamo", "Rigify"])
def test_shots_continue_each_other(kind: str) -> None:
    make, _, _, bones = RIGS[kind]
    obj = build(make())
    settings().key_mode, settings().length = "DENSE", 2.0
    for prompt in ("a person walks forward", "a person waves"):
        settings().prompt = prompt
        bpy.ops.motionlcm.add_shot()
    assert bpy.ops.motionlcm.generate_shots() == {"FINISHED"}
    first, second = obj.motionlcm.shots
    assert first.action is not None and second.action is not None and not second.stale
    around = [second.first - 1, second.first, second.first + 1]
    shown = np.array([bone_heads(obj, bone, around) for bone in bones]) / units_of(obj)
    change = np.linalg.norm(np.diff(shown, n=2, axis=1), axis=-1)  # of hips and ankles; a swinging foot is put down
    assert change[:2].max() < 0.02 and change.max() < 0.1
    assert np.ptp(bone_heads(obj, bones[0], range(first.first, second.last)) / units_of(obj), axis=0)[1] > 0.5
    stored = part("operators.armature.take_properties")
    assert stored.SWITCHED.is_on(second.action) == (kind == "Rigify")


def test_smpl_bones_are_taken_as_ever() -> None:
    armature = add_character()
    stored = part("operators.armature.take_properties")
    assert (stored.RIG.read(armature), stored.RIG_BONES.read(armature)) == ("SMPL", 22)
    action = generate(seconds=1.0)
    assert not stored.SWITCHED.is_on(action) and not stored.SWITCHES.is_on(armature)


def test_the_active_armature_is_taken_without_a_choice() -> None:
    obj = build(mixamo_like())
    settings().character = None
    bpy.context.view_layer.objects.active = obj
    settings().length = 1.0
    assert bpy.ops.motionlcm.generate() == {"FINISHED"} and settings().character == obj
