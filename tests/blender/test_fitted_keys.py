"""Few keys in Blender: the motion they play, and fitting them again."""

from __future__ import annotations

import bpy
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
    return sum(len(curve.keyframe_points) for curve in part("operators.actions").curves_of(armature))


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


def test_few_keys_are_what_a_new_file_has():
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    assert settings().key_mode == "FITTED" and settings().key_tolerance == pytest.approx(10.0)


def test_handles_are_free_and_keys_generated():
    armature = add_character()
    generate(seconds=2.0)
    for curve in part("operators.actions").curves_of(armature):
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


def test_bones_in_euler_mode_get_dense_keys():
    armature = add_character()
    armature.pose.bones["l_knee"].rotation_mode = "XYZ"
    generate(seconds=2.0)
    curves = {c.data_path: c for c in part("operators.actions").curves_of(armature)}
    euler = next(c for path, c in curves.items() if "l_knee" in path)
    assert "rotation_euler" in euler.data_path and len(euler.keyframe_points) == 48
