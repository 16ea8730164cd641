"""Generate: Actions, placement in the world, frame rates, recipes, undo. With a small random model."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from tests.blender.support import (
    add_character,
    bone_heads,
    generate,
    key_frames,
    part,
    poly_curve,
    refusal,
    settings,
)
from tests.blender.test_paths import animated_empty
from tests.repeated import assert_same_motion

BEND = [(1, 1), (1, -1), (2, -2.5), (4, -3)]


def curves(armature):
    return part("operators.armature.actions").curves_of(armature)


def test_action_is_whole():
    armature = add_character()
    action = generate("a person waves", seconds=2.0, seed=7)
    assert action.name == "MotionLCM a person waves s7"
    assert len(curves(armature)) == 24 * 4 + 3
    frames = key_frames(action, armature)
    np.testing.assert_array_equal(frames, 1 + np.arange(len(frames)))
    for curve in curves(armature):
        assert curve.group.name in curve.data_path and len(curve.keyframe_points) == len(frames)
        assert {point.type for point in curve.keyframe_points} == {"GENERATED"}
    assert bpy.context.scene.frame_end == 250  # already long enough


def test_the_character_moves():
    armature = add_character()
    generate()
    heads = bone_heads(armature, "l_wrist", [1, 10, 20])
    assert np.ptp(heads, axis=0).max() > 1e-4


def test_slot_is_constant_and_assigned():
    armature = add_character()
    first, second = generate(seed=1), generate(seed=2)
    assert first != second
    if hasattr(first, "slots"):
        assert [s.name_display for action in (first, second) for s in action.slots] == ["MotionLCM"] * 2
        data = armature.animation_data
        assert data.action_slot is not None
        data.action = first  # switching takes keeps playing
        assert data.action_slot is not None and data.action_slot.name_display == "MotionLCM"


def test_quaternions_do_not_flip():
    armature = add_character()
    generate(seconds=4.0)
    for bone in ("pelvis", "l_hip", "r_elbow"):
        rotation = [c for c in curves(armature) if c.data_path == f'pose.bones["{bone}"].rotation_quaternion']
        values = np.array([[point.co.y for point in curve.keyframe_points] for curve in rotation]).T
        assert ((values[1:] * values[:-1]).sum(axis=1) > 0).all()


@pytest.mark.parametrize(("fps", "base"), [(20, 1), (24, 1), (24, 1.001), (25, 1), (30, 1), (60, 1), (12, 1)])
def test_any_frame_rate_keeps_time(fps, base):
    """Along an even path the pelvis is, at each time, where the path is then, at every frame rate."""
    armature = add_character()
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    action = generate(seconds=4.0, path=poly_curve([(0, 0), (0, -4)]))
    frames = key_frames(action, armature)
    rate = fps / base
    duration = 79 / 20  # 80 frames of the model
    assert frames[0] == 1 and np.all(np.diff(frames) == 1)
    assert duration * rate - 1 < frames[-1] - 1 < duration * rate + 1.0001
    heads = bone_heads(armature, "pelvis", frames)
    expected = -4 * np.minimum((frames - 1) / rate / duration, 1.0)
    assert np.abs(heads[:, 1] - expected).max() < 0.05
    assert np.abs(heads[:, 1] - expected).mean() < 0.02


PLACES = {
    "at the origin": Matrix.Identity(4),
    "moved and turned": Matrix.LocRotScale(Vector((5, -7, 0)), Euler((0, 0, 2.0)), Vector((1, 1, 1))),
    "leaning": Matrix.LocRotScale(Vector((1, 0, 0)), Euler((0.5, 0.2, 0)), Vector((1, 1, 1))),
    "larger": Matrix.LocRotScale(Vector((0, 2, 0)), Euler((0, 0, 1.0)), Vector((1.5, 1.5, 1.5))),
    "smaller": Matrix.LocRotScale(Vector((0, 2, 0)), Euler((0, 0, -1.0)), Vector((0.2, 0.2, 0.2))),
}


@pytest.mark.parametrize("place", PLACES)
def test_pelvis_is_over_the_path_wherever_the_armature_is(place):
    armature = add_character()
    armature.matrix_world = PLACES[place]
    action = generate(seconds=5.0, path=poly_curve(BEND))
    timed = np.array(action["motionlcm_path_xz"]).reshape(-1, 2) * (1, -1) * action["motionlcm_units_per_metre"]
    frames = 1 + np.arange(len(timed)) * 24 / 20
    heads = bone_heads(armature, "pelvis", frames[::5])
    miss = np.linalg.norm(heads[:, :2] - timed[::5], axis=1)
    scale = PLACES[place].to_scale()[0]
    assert miss.mean() < 0.02 * max(scale, 1) and miss.max() < 0.06 * max(scale, 1)
    np.testing.assert_allclose(heads[0, :2], (1, 1), atol=0.02)
    assert 0.3 * scale < heads[:, 2].mean() < 1.5 * scale  # upright over the floor at z = 0, even if the object leans
    assert action["motionlcm_path_mean_cm"] < 2.0 and action["motionlcm_path_max_cm"] < 5.0


def facing(armature, frame) -> np.ndarray:
    """Where the hips face on the floor."""
    left, right = (bone_heads(armature, bone, [frame])[0] for bone in ("l_hip", "r_hip"))
    front = np.cross(left - right, (0, 0, 1))[:2]
    return front / np.linalg.norm(front)


@pytest.mark.parametrize("heading", [0.0, 1.0, 2.5, -1.7])
def test_on_a_path_it_sets_out_along_the_path(heading):
    """The random model stands and trembles facing its front, which is laid along the path's start."""
    armature = add_character()
    armature.rotation_euler.z = 0.9
    ahead = np.array([np.sin(heading), -np.cos(heading)])
    generate(seconds=2.0, path=poly_curve([(2, 3), tuple(np.array((2, 3)) + 2 * ahead)]))
    assert facing(armature, 1) @ ahead > 0.9


def test_without_a_path_it_starts_where_and_as_the_armature_stands():
    armature = add_character()
    armature.matrix_world = Matrix.LocRotScale(Vector((4, -2, 1.5)), Euler((0, 0, 1.2)), Vector((1, 1, 1)))
    generate(seconds=2.0)
    start = bone_heads(armature, "pelvis", [1])[0]
    np.testing.assert_allclose(start[:2], (4, -2), atol=0.02)
    assert facing(armature, 1) @ (np.sin(1.2), -np.cos(1.2)) > 0.9
    feet = [bone_heads(armature, bone, [1])[0, 2] for bone in ("l_foot", "r_foot")]
    assert 1.4 < min(feet) < 1.7


def test_generating_again_without_a_path_starts_in_the_same_place():
    armature = add_character()
    armature.location = (1, 2, 0)
    generate(seconds=2.0, seed=1)
    bpy.context.scene.frame_set(30)
    generate(seconds=2.0, seed=1)
    np.testing.assert_allclose(bone_heads(armature, "pelvis", [1])[0, :2], (1, 2), atol=0.02)


def test_path_on_a_roof_takes_the_character_there():
    armature = add_character()
    generate(seconds=2.0, path=poly_curve([(0, 0, 6), (0, -2, 6)]))
    assert 5.9 < bone_heads(armature, "l_foot", [10])[0, 2] < 6.5


def test_animated_object_as_path():
    armature = add_character()
    guide = animated_empty([(1, (2, 0, 5)), (49, (2, -3, 5))])
    action = generate(seconds=2.0, path=guide)
    heads = bone_heads(armature, "pelvis", [1, 25, 46])
    assert np.abs(heads[:, 0] - 2).max() < 0.05
    np.testing.assert_allclose(heads[:, 1], [0, -1.5, -3 * 45 / 48], atol=0.05)
    assert heads[:, 2].max() < 2  # the guide's height is not the floor's
    assert action["motionlcm_path"] == "Guide"


def test_start_at_the_current_frame_and_the_range_grows():
    armature = add_character()
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 10, 60
    scene.frame_set(50)
    settings().start = "CURRENT_FRAME"
    frames = key_frames(generate(seconds=3.0), armature)
    assert frames[0] == 50 and scene.frame_end == frames[-1] and scene.frame_start == 10
    settings().start = "SCENE_START"
    assert key_frames(generate(seconds=1.0), armature)[0] == 10


def test_the_users_action_is_kept():
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    own = armature.animation_data.action
    own.use_fake_user = False
    generate()
    assert own.name in bpy.data.actions and own.use_fake_user and armature.animation_data.action != own


def test_an_action_others_use_needs_no_fake_user():
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    own = armature.animation_data.action
    own.use_fake_user = False
    other = bpy.data.objects.new("Other", None)
    other.animation_data_create().action = own
    generate()
    assert own.users == 1 and not own.use_fake_user


def test_bones_in_euler_mode_stay_in_it():
    armature = add_character()
    generate(seed=5)
    expected = bone_heads(armature, "l_wrist", [1, 12, 30])
    for bone in armature.pose.bones:
        bone.rotation_mode = "YXZ"
    generate(seed=5)
    assert {bone.rotation_mode for bone in armature.pose.bones} == {"YXZ"}
    np.testing.assert_allclose(bone_heads(armature, "l_wrist", [1, 12, 30]), expected, atol=1e-3)


def test_recipe_holds_everything():
    add_character()
    settings().steps = "2"
    action = generate("a person jumps", seconds=3.0, path=poly_curve(BEND, name="Bend"), seed=11)
    recipe = {key: action[key] for key in action.keys()}  # noqa: SIM118  not iterable
    assert recipe["motionlcm_prompt"] == "a person jumps" and recipe["motionlcm_seed"] == 11
    assert recipe["motionlcm_steps"] == 2 and recipe["motionlcm_seconds"] == 3.0 and recipe["motionlcm_frames"] == 60
    assert recipe["motionlcm_model"] == "tiny" and len(recipe["motionlcm_model_sha256"]) == 64
    assert recipe["motionlcm_licence"] == "CC0-1.0" and recipe["motionlcm_path"] == "Bend"
    assert len(recipe["motionlcm_path_xz"]) == 120
    for name in ("path_mean_cm", "path_max_cm", "foot_skate_cm_s", "milliseconds"):
        assert recipe[f"motionlcm_{name}"] >= 0


def all_values(armature) -> np.ndarray:
    return np.array([[point.co.y for point in curve.keyframe_points] for curve in curves(armature)])


@pytest.mark.parametrize("with_path", [False, True])
def test_action_can_be_made_again_from_the_saved_file_alone(tmp_path, with_path):
    armature = add_character()
    armature.location = (1, 2, 0)
    generate("a person dances", seconds=3.0, path=poly_curve(BEND) if with_path else None, seed=5)
    expected = all_values(armature)
    settings().prompt, settings().seed, settings().length, settings().path = "something else", 1, 1.0, None
    if with_path:
        bpy.data.objects.remove(bpy.data.objects["Path"])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    armature = settings().character
    before = armature.animation_data.action
    bpy.ops.motionlcm.generate_again()
    assert armature.animation_data.action != before
    np.testing.assert_allclose(all_values(armature), expected, atol=2e-4)


def test_recall_brings_the_settings_back():
    add_character()
    settings().steps, settings().liveliness = "4", 1.2
    path = poly_curve(BEND)
    generate("a person kicks", seconds=3.5, path=path, seed=42)
    chosen = settings()
    chosen.prompt, chosen.seed, chosen.length, chosen.path, chosen.steps = "other", 1, 1.0, None, "1"
    chosen.feet, chosen.travel, chosen.loop, chosen.key_mode = "off", "in_place", True, "FITTED"
    chosen.liveliness = 0.9
    bpy.ops.motionlcm.recall()
    assert chosen.liveliness == pytest.approx(1.2)
    assert (chosen.feet, chosen.travel, chosen.loop, chosen.key_mode) == ("auto", "hips", False, "DENSE")
    assert (chosen.prompt, chosen.seed, chosen.steps, chosen.path) == ("a person kicks", 42, "4", path)
    assert chosen.length == pytest.approx(3.5)


def test_an_action_of_others_has_no_recipe():
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    assert "was not generated by MotionLCM" in refusal(bpy.ops.motionlcm.generate_again)
    assert bpy.ops.motionlcm.recall() == {"CANCELLED"}


def test_same_seed_same_motion_other_seed_other_motion():
    armature = add_character()
    generate(seed=1)
    first = all_values(armature)
    generate(seed=2)
    second = all_values(armature)
    generate(seed=1)
    assert_same_motion(all_values(armature), first)
    assert np.abs(second - first).max() > 1e-3


def test_history_holds_each_prompt_once_newest_first():
    add_character()
    for prompt in ("a", "b", "a", "c"):
        generate(prompt, seconds=0.5)
    assert [item.prompt for item in settings().history] == ["c", "a", "b"]
    bpy.ops.motionlcm.use_prompt(prompt="b")
    assert settings().prompt == "b"


def test_dice_stays_within_what_blender_can_hold():
    for _ in range(50):
        bpy.ops.motionlcm.dice()
        assert 0 <= settings().seed <= 2**31 - 1


def test_one_generate_is_one_undo_step():
    armature = add_character()
    armature.keyframe_insert("location", frame=1)
    own = armature.animation_data.action.name
    bpy.context.scene.frame_end = 20
    bpy.ops.ed.undo_push(message="before")
    generate(seconds=3.0)
    assert bpy.context.scene.frame_end > 20
    bpy.ops.ed.undo()
    armature = bpy.context.scene.objects["MotionLCM Character"]
    assert armature.animation_data.action.name == own
    assert [a.name for a in bpy.data.actions] == [own] and bpy.context.scene.frame_end == 20
    assert len(settings().history) == 0
    bpy.ops.ed.redo()
    armature = bpy.context.scene.objects["MotionLCM Character"]
    assert armature.animation_data.action.name.startswith("MotionLCM a person walks")


def test_adding_a_character_can_be_undone():
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.motionlcm.add_character()
    bpy.ops.ed.undo_push(message="after")  # in a window the operator itself does this
    bpy.ops.ed.undo()
    assert not any(obj.type == "ARMATURE" for obj in bpy.data.objects)


@pytest.mark.parametrize(("fps", "base"), [(24, 1.001), (30, 1.001), (60, 1.001), (24, 1.0), (60, 1.0), (25, 1.0)])
def test_at_any_rate_the_last_key_is_where_the_motion_ends(fps, base):
    add_character()
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    action = generate(seconds=4.0, seed=2)
    ends = 1.0 + (round(4.0 * 20) - 1) / 20 * fps / base
    assert abs(action.frame_range[1] - ends) < 1.0
    rate = fps / base
    frames = 1.0 + np.arange(5, 70) / 20 * rate  # the model's own moments
    seen = bone_heads(settings().character, "head", frames)
    settings().character.animation_data.action = None
    scene.render.fps, scene.render.fps_base = 20, 1.0
    generate(seconds=4.0, seed=2)
    own = bone_heads(settings().character, "head", 1.0 + np.arange(5, 70))
    assert np.abs(seen - own).max() < 0.012


@pytest.mark.parametrize(("old", "new"), [(100, 200), (200, 100), (100, 125)])
def test_time_stretching_shows_the_same_motion_slower_or_faster(old, new):
    armature = add_character()
    scene = bpy.context.scene
    path = poly_curve([(0.0, 0.0), (0.0, -3.0)])
    generate(seconds=3.0, path=path)
    frames = np.arange(1, 60, 7)
    plain = {bone: bone_heads(armature, bone, frames) for bone in ("head", "l_foot")}
    scene.render.frame_map_old, scene.render.frame_map_new = old, new
    action = generate(seconds=3.0, path=path)
    first = math.ceil(1 / (new / old))  # frame 0 would be shown before the scene begins
    assert action.frame_range[0] == first
    for bone, places in plain.items():
        seen = bone_heads(armature, bone, (frames - 1 + first) * new / old)
        np.testing.assert_allclose(seen, places, atol=2e-4)
    assert scene.frame_end >= int(action.frame_range[1] * new / old)


def test_settings_on_a_stretched_timeline_are_met_there():
    armature = add_character()
    scene = bpy.context.scene
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    path = poly_curve([(0.0, 0.0), (0.0, -1.0), (0.0, -3.0)])
    scene.timeline_markers.new("point 2", frame=90)
    generate(seconds=3.0, path=path)
    at_marker = bone_heads(armature, "pelvis", [90.0])[0]
    assert abs(at_marker[1] + 1.0) < 0.08
