"""Pins, facing, timing by markers, ground: from the scene's settings to the keys."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.published_rigs import smpl_armature, smplx_armature
from tests.blender.support import add_character, bone_heads, generate, panel_status, part, poly_curve, refusal, settings

LINE = [(0.0, 0.0), (0.0, -2.0), (0.0, -4.0)]


def empty(place, name: str = "Target") -> bpy.types.Object:
    obj = bpy.data.objects.new(name, None)
    obj.location = place
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.update()
    return obj


def pin(place, joint: str, first: int, last: int) -> bpy.types.Object:
    settings().pins.add()
    added = settings().pins[-1]
    added.target, added.joint, added.first, added.last = empty(place), joint, first, last
    return added.target


def test_a_hand_is_where_it_is_pinned():
    armature = add_character()
    generate(seconds=3.0)
    place = bone_heads(armature, "r_wrist", [30])[0] + (0.1, -0.25, 0.3)
    pin(place, "r_wrist", 30, 34)
    action = generate(seconds=3.0)
    heads = bone_heads(armature, "r_wrist", range(30, 35))
    assert np.linalg.norm(heads - place, axis=1).max() < 0.02
    assert action["motionlcm_pin_max_cm"] < 2.0
    assert not panel_status().warnings


def test_an_animated_pin_is_followed_and_the_frame_shown_stays():
    armature = add_character()
    generate(seconds=3.0)
    place = bone_heads(armature, "l_wrist", [20])[0]
    target = pin(place, "l_wrist", 20, 40)
    target.keyframe_insert("location", frame=20)
    target.location = place + (0.0, -0.1, 0.3)
    target.keyframe_insert("location", frame=40)
    bpy.context.scene.frame_set(7)
    generate(seconds=3.0)
    assert bpy.context.scene.frame_current == 7
    heads = bone_heads(armature, "l_wrist", (20, 30, 40))
    wanted = np.stack([place, place + (0.0, -0.05, 0.15), place + (0.0, -0.1, 0.3)])
    assert np.linalg.norm(heads - wanted, axis=1).max() < 0.03


def test_an_action_with_pins_and_facing_is_made_again_from_its_recipe():
    armature = add_character()
    generate(seconds=2.0)
    place = bone_heads(armature, "r_wrist", [20])[0] + (0.0, -0.2, 0.2)
    target = pin(place, "r_wrist", 20, 22)
    settings().facing, settings().facing_angle = "FIXED", 0.7
    generate(seconds=2.0, path=poly_curve(LINE))
    first = bone_heads(armature, "head", range(1, 40, 6))
    bpy.data.objects.remove(target)
    settings().pins.clear()
    settings().facing = "WAY"
    assert bpy.ops.motionlcm.generate_again() == {"FINISHED"}
    np.testing.assert_allclose(bone_heads(armature, "head", range(1, 40, 6)), first, atol=1e-4)


def test_a_pin_out_of_reach_is_named_and_the_rest_still_made():
    armature = add_character()
    pin((0.0, 0.0, 6.0), "head", 20, 20)
    generate(seconds=2.0)
    warnings = panel_status().warnings
    assert any("head" in warning and "m up" in warning for warning in warnings)
    assert armature.animation_data.action is not None


def test_pins_that_cannot_be_are_refused():
    add_character()
    target = pin((0.0, 0.0, 1.0), "head", 300, 310)
    assert "outside the motion" in refusal()
    bpy.data.objects.remove(target)
    assert "no object" in refusal()
    settings().pins[0].active = False
    generate(seconds=2.0)
    assert bpy.ops.motionlcm.remove_pin(index=0) == {"FINISHED"}
    assert len(settings().pins) == 0


def test_add_pin_puts_an_empty_at_the_cursor():
    add_character()
    scene = bpy.context.scene
    scene.cursor.location = (1.0, 2.0, 1.5)
    scene.frame_set(12)
    assert bpy.ops.motionlcm.add_pin(joint="l_foot") == {"FINISHED"}
    added = settings().pins[0]
    assert (added.joint, added.first, added.last) == ("l_foot", 12, 12)
    np.testing.assert_allclose(added.target.location, (1.0, 2.0, 1.5))


def facing(armature, frame) -> np.ndarray:
    left, right = (bone_heads(armature, bone, [frame])[0] for bone in ("l_hip", "r_hip"))
    front = np.cross(left - right, (0, 0, 1))[:2]
    return front / np.linalg.norm(front)


def test_the_character_faces_its_target():
    armature = add_character()
    settings().facing, settings().facing_angle = "FIXED", np.pi / 2
    generate(seconds=3.0, path=poly_curve(LINE))
    for frame in (10, 40, 60):
        assert facing(armature, frame) @ (1.0, 0.0) > 0.9  # a quarter turn counter-clockwise from -Y is +X
    settings().facing = "OBJECT"
    assert "Facing needs an object of this scene" in refusal()
    settings().facing_object = empty((5.0, -2.0, 0.0))
    generate(seconds=3.0, path=settings().path)
    for frame in (10, 36, 60):
        pelvis = bone_heads(armature, "pelvis", [frame])[0][:2]
        towards = (np.array((5.0, -2.0)) - pelvis) / np.linalg.norm(np.array((5.0, -2.0)) - pelvis)
        assert facing(armature, frame) @ towards > 0.9


def test_a_marker_sets_when_the_character_is_at_a_point():
    armature = add_character()
    path = poly_curve(LINE)
    bpy.context.scene.timeline_markers.new("Point 2", frame=73)  # 60 model frames after frame 1 at 24 fps
    generate(seconds=5.0, path=path)
    np.testing.assert_allclose(bone_heads(armature, "pelvis", [73])[0][:2], (0.0, -2.0), atol=0.06)
    bpy.context.scene.timeline_markers[0].name = "point 9"
    assert "names a missing point" in refusal()


def test_easing_in_starts_slowly_and_length_fits_the_path():
    armature = add_character()
    settings().ease_in = 1.5
    generate(seconds=4.0, path=poly_curve(LINE))
    y = -bone_heads(armature, "pelvis", (1, 13, 49, 61))[:, 1]
    assert y[1] - y[0] < 0.5 * (y[3] - y[2])
    assert bpy.ops.motionlcm.fit_length() == {"FINISHED"}
    assert settings().length == pytest.approx(68 / 20, abs=0.06)  # 4 m at 1.2 m/s
    settings().path = None
    assert bpy.ops.motionlcm.fit_length() == {"CANCELLED"}


def slope_mesh(rate: float) -> bpy.types.Object:
    mesh = bpy.data.meshes.new("Slope")
    mesh.from_pydata([(-5, 5, 5 * rate), (5, 5, 5 * rate), (5, -9, -9 * rate), (-5, -9, -9 * rate)], [], [(0, 1, 2, 3)])
    obj = bpy.data.objects.new("Slope", mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def test_the_character_walks_on_a_chosen_mesh():
    armature = add_character()
    path = poly_curve(LINE)
    generate(seconds=3.0, path=path)
    level = bone_heads(armature, "pelvis", (5, 60))
    settings().ground = slope_mesh(-0.2)
    generate(seconds=3.0, path=path)
    made = bone_heads(armature, "pelvis", (5, 60))
    np.testing.assert_allclose(made[:, 2] - level[:, 2], -0.2 * made[:, 1], atol=0.06)
    settings().ground.location.x = 100.0
    assert "no surface lies under" in refusal()


def test_a_curve_that_rises_takes_the_character_up():
    armature = add_character()
    generate(seconds=3.0, path=poly_curve([(0, 0, 0), (0, -2, 0), (0, -4, 1.0)]))
    heads = bone_heads(armature, "pelvis", (5, 72))
    assert heads[1, 2] - heads[0, 2] == pytest.approx(1.0, abs=0.15)


def test_feet_always_on_the_ground_or_left_alone():
    armature = add_character()
    made = {}
    for mode in ("ground", "off", "auto"):
        settings().feet = mode
        assert generate(seconds=2.0)["motionlcm_feet"] == mode
        made[mode] = np.stack([bone_heads(armature, bone, range(1, 48, 2)) for bone in ("l_foot", "r_foot")])
    # What each does to feet is tested in the engine; here, that each reaches it.
    for one, other in (("ground", "off"), ("ground", "auto"), ("auto", "off")):
        assert np.abs(made[one] - made[other]).max() > 1e-4, (one, other)


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION"])
def test_the_armature_object_carries_the_travel(mode):
    armature = add_character()
    armature.location, armature.rotation_euler.z = (1.0, 2.0, 0.0), 0.8
    path = poly_curve(LINE)
    generate(seconds=3.0, path=path)
    frames = (1, 20, 40, 60)
    in_hips = {bone: bone_heads(armature, bone, frames) for bone in ("pelvis", "head", "l_foot")}
    bpy.ops.motionlcm.add_character()
    carried = settings().character
    carried.rotation_mode = mode
    if mode == "XYZ":
        carried.rotation_euler.z = -0.4
    settings().travel = "root"
    generate(seconds=3.0, path=path)
    for bone, wanted in in_hips.items():
        np.testing.assert_allclose(bone_heads(carried, bone, frames), wanted, atol=2e-3)
    bpy.context.scene.frame_set(60)
    assert np.linalg.norm(np.array(carried.matrix_world.translation)[:2] - in_hips["pelvis"][3, :2]) < 0.1
    for frame in (60, 30):  # again, from wherever the object has been carried to
        bpy.context.scene.frame_set(frame)
        generate(seconds=3.0, path=path)
        np.testing.assert_allclose(bone_heads(carried, "head", frames), in_hips["head"], atol=2e-3)
    holder = empty((0, 0, 0), "Holder")
    carried.parent = holder
    assert "has a parent or constraints" in refusal()


def test_in_place_stays_where_the_armature_stands():
    armature = add_character()
    armature.location = (2.0, 1.0, 0.0)
    bpy.context.view_layer.update()
    settings().travel = "in_place"
    generate(seconds=3.0, path=poly_curve(LINE))
    heads = bone_heads(armature, "pelvis", (1, 20, 40, 60))
    assert np.abs(heads[:, :2] - (2.0, 1.0)).max() < 0.12


def test_a_loop_repeats_where_it_ended():
    armature = add_character()
    settings().loop = True
    generate(seconds=5.0)
    action = armature.animation_data.action
    first, last = (round(v) for v in action.frame_range)
    heads = {frame: bone_heads(armature, "head", [frame])[0] for frame in (first, last, 2 * last - first)}
    step = heads[last] - heads[first]
    np.testing.assert_allclose(heads[2 * last - first] - heads[last], step, atol=2e-3)
    inner = bone_heads(armature, "l_wrist", [first + 5, last + 5])
    np.testing.assert_allclose(inner[1] - inner[0], step, atol=2e-3)
    bpy.ops.motionlcm.generate_again()
    assert armature.animation_data.action["motionlcm_loop"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("keys", ["DENSE", "FITTED"])
def test_a_bone_above_the_hips_carries_the_travel(seed, keys):
    rng = np.random.default_rng(seed)
    armature = (smpl_armature if seed % 2 else smplx_armature)(rng)
    settings().character = armature
    for bone in armature.pose.bones:
        bone.rotation_mode = ("QUATERNION", "XYZ")[seed // 2]
    path, frames = poly_curve(LINE), (1, 17, 40, 60)
    generate(seconds=3.0, path=path)
    hips, head, foot = (part("operators.armature.smpl_rig").read_rig(armature).bones[joint] for joint in (0, 15, 10))
    wanted = {bone: bone_heads(armature, bone, frames) for bone in (hips, head, foot)}
    settings().travel, settings().key_mode, settings().key_tolerance = "bone", keys, 5.0
    action = generate(seconds=3.0, path=path)
    root = armature.pose.bones[hips].parent_recursive[-1].name
    moved = bone_heads(armature, root, frames)
    tolerance = (1e-3 if keys == "DENSE" else 7e-3) * part("operators.armature.smpl_rig").units_per_metre(
        armature, part("operators.armature.smpl_rig").read_rig(armature)
    )
    for bone, places in wanted.items():
        assert np.abs(bone_heads(armature, bone, frames) - places).max() < tolerance, bone
    assert np.linalg.norm(moved[-1] - moved[0]) > 0.5 * np.linalg.norm(wanted[hips][-1] - wanted[hips][0])
    bpy.context.scene.frame_set(40)  # again, from wherever the bone has been carried to
    assert action["motionlcm_travel"] == "bone"
    bpy.ops.motionlcm.generate_again()
    assert np.abs(bone_heads(armature, head, frames) - wanted[head]).max() < tolerance


def test_without_a_bone_above_the_hips_a_message_is_shown():
    add_character()
    settings().travel = "bone"
    assert "no bone above its hips" in refusal()
