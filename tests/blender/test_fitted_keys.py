"""Few keys in Blender: the motion they play, and fitting them again."""

from __future__ import annotations

import bpy
import mathutils
import numpy as np
import pytest

from tests.blender.support import add_character, bone_heads, generate, part, poly_curve, refusal, settings


@pytest.fixture(autouse=True)
def few_keys(empty_file):
    settings().key_mode = "FITTED"


BONES = ("pelvis", "head", "l_wrist", "r_wrist", "l_foot", "r_foot")
PATH = [(0.0, 0.0), (0.5, -2.0), (0.0, -4.0)]


def places(armature, frames=range(1, 61, 3)) -> np.ndarray:
    return np.stack([bone_heads(armature, bone, frames) for bone in BONES])


def keys_of(armature) -> int:
    return sum(len(curve.keyframe_points) for curve in part("operators.armature.actions").curves_of(armature))


@pytest.mark.parametrize("travel", ["hips", "root"])
def test_blender_plays_few_keys_within_the_tolerance(travel):
    armature = add_character()
    armature.rotation_euler = (0.3, 0.0, 1.0)
    armature.location = (2.0, -1.0, 0.5)
    settings().travel = travel
    settings().key_mode = "DENSE"
    generate(seconds=3.0, path=poly_curve(PATH))
    dense, many = places(armature), keys_of(armature)
    settings().key_mode, settings().key_tolerance = "FITTED", 15.0
    action = generate(seconds=3.0, path=settings().path)
    few = places(armature)
    assert np.linalg.norm(few - dense, axis=-1).max() <= 0.0152
    assert 0.0 < action["motionlcm_keys_error_mm"] <= 15.0
    assert action["motionlcm_keys_per_second"] > 0.0
    if travel == "hips":
        assert keys_of(armature) < many


@pytest.mark.parametrize("travel", ["hips", "root", "in_place"])
def test_a_loop_of_few_keys_does_not_drift(travel):
    armature = add_character()
    settings().loop, settings().travel = True, travel
    action = generate(seconds=4.0)
    first, last = (round(v) for v in action.frame_range)
    rounds, at = 20, np.arange(first, last, 4)
    now, later = places(armature, at), places(armature, at + rounds * (last - first))
    ends = bone_heads(armature, "pelvis", [first, last])
    step = (ends[1] - ends[0]) * (travel != "in_place")
    np.testing.assert_allclose(later - now, np.broadcast_to(rounds * step, now.shape), atol=2e-4)
    curves = part("operators.armature.actions").curves_of(armature)
    hips = [c for c in curves if c.data_path.endswith('"pelvis"].location')]
    if travel != "hips":
        assert [c.keyframe_points[0].co[1] for c in hips] == [c.keyframe_points[-1].co[1] for c in hips]


def test_few_keys_are_what_a_new_file_has():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert settings().key_mode == "FITTED" and settings().key_tolerance == pytest.approx(10.0)


def test_handles_are_free_and_keys_generated():
    armature = add_character()
    generate(seconds=2.0)
    for curve in part("operators.armature.actions").curves_of(armature):
        for point in curve.keyframe_points:
            assert point.type == "GENERATED" and point.interpolation == "BEZIER"
            assert point.handle_left_type == point.handle_right_type == "FREE"


def test_refit_gives_the_same_action_other_keys_and_can_be_undone():
    armature = add_character()
    action = generate(seconds=3.0)
    before, at_ten = keys_of(armature), places(armature)
    settings().key_tolerance = 40.0
    assert bpy.ops.motionlcm.refit_keys() == {"FINISHED"}
    assert armature.animation_data.action == action
    assert keys_of(armature) <= before and action["motionlcm_key_tolerance"] == pytest.approx(40.0)
    assert np.linalg.norm(places(armature) - at_ten, axis=-1).max() < 0.051
    settings().key_mode = "DENSE"
    assert bpy.ops.motionlcm.refit_keys() == {"FINISHED"}
    assert action["motionlcm_keys_per_second"] == 0.0
    assert np.linalg.norm(places(armature) - at_ten, axis=-1).max() < 0.0101
    settings().key_mode, settings().key_tolerance = "FITTED", 10.0
    bpy.ops.motionlcm.refit_keys()
    np.testing.assert_allclose(places(armature), at_ten, atol=1e-5)


def test_an_action_that_is_not_in_memory_is_not_refitted():
    armature = add_character()
    armature.animation_data_create().action = bpy.data.actions.new("Mine")
    assert "not in memory" in refusal(bpy.ops.motionlcm.refit_keys)


@pytest.mark.parametrize(("mode", "channel"), [("XYZ", "rotation_euler"), ("AXIS_ANGLE", "rotation_axis_angle")])
def test_axis_angles_alone_get_a_key_on_every_frame(mode, channel):
    armature = add_character()
    armature.pose.bones["l_knee"].rotation_mode = mode
    generate(seconds=2.0)
    curves = {c.data_path: c for c in part("operators.armature.actions").curves_of(armature)}
    knee = next(c for path, c in curves.items() if "l_knee" in path)
    assert channel in knee.data_path and (len(knee.keyframe_points) == 48) == (mode == "AXIS_ANGLE")


def in_modes(armature, modes) -> None:
    for number, bone in enumerate(armature.pose.bones):
        bone.rotation_mode = modes[number % len(modes)]


@pytest.mark.parametrize(
    "modes", [("XYZ",), ("ZXY", "XZY", "YZX"), ("QUATERNION", "XYZ", "YXZ", "ZYX", "AXIS_ANGLE")], ids=len
)
@pytest.mark.parametrize("travel", ["hips", "root"])
def test_bones_in_euler_modes_get_few_keys_too(modes, travel):
    armature = add_character()
    armature.rotation_euler, armature.location = (0.2, 0.1, 1.0), (2.0, -1.0, 0.5)
    in_modes(armature, modes)
    settings().travel, settings().key_mode = travel, "DENSE"
    generate(seconds=3.0, path=poly_curve(PATH))
    dense, many = places(armature), keys_of(armature)
    settings().key_mode, settings().key_tolerance = "FITTED", 15.0
    generate(seconds=3.0, path=settings().path)
    assert np.linalg.norm(places(armature) - dense, axis=-1).max() <= 0.0152
    assert keys_of(armature) < (0.8 if travel == "root" or "AXIS_ANGLE" in modes else 0.5) * many
    for curve in part("operators.armature.actions").curves_of(armature):
        if curve.data_path.endswith("rotation_euler"):
            values = [point.co.y for point in curve.keyframe_points]
            assert np.abs(np.diff(values)).max(initial=0.0) < np.pi
    bpy.ops.motionlcm.refit_keys()
    assert np.linalg.norm(places(armature) - dense, axis=-1).max() <= 0.0152


def test_a_bone_whose_mode_has_changed_since_is_keyed_on_every_frame():
    armature = add_character()
    in_modes(armature, ("XYZ",))
    settings().key_mode = "DENSE"
    generate(seconds=2.0)
    dense = places(armature, range(1, 41, 3))
    settings().key_mode, settings().key_tolerance = "FITTED", 15.0
    context = bpy.context
    order = part("operators.generation.orders").order_from_scene(context)
    result = part("operators.session.generation_worker").make(order, lambda *_: None, lambda: False)
    in_modes(armature, ("XYZ", "ZYX", "QUATERNION"))
    part("operators.generation.write_actions").write_result(order, result)
    assert np.linalg.norm(places(armature, range(1, 41, 3)) - dense, axis=-1).max() <= 0.0152


@pytest.mark.parametrize("order", ["XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX"])
def test_any_euler_order_is_xyz_under_other_names(order):
    rig, euler = part("operators.armature.pose_keys"), part("motionlcm_blender.motion.euler_angles")
    rotations = part("motionlcm_blender.motion.rotations")
    generator = np.random.default_rng(3)
    for q in rotations.normalise(generator.normal(size=(20, 4))):
        relabel, about, sign = rig.euler_axes(order)
        seen = rotations.multiply(rotations.multiply(relabel, q), rotations.inverse(relabel))
        angles = sign * euler.euler_angles(seen[None, None])[0, 0][np.argsort(about)]
        again = mathutils.Euler(angles, order).to_quaternion()
        assert abs(np.dot(np.array(again), q)) > 1.0 - 1e-6
