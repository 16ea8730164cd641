"""Shots: a list on the armature, one after the other in the timeline, each going on from the one before."""

from __future__ import annotations

import itertools

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from tests.blender.support import add_character, bone_heads, panel_status, part, poly_curve, refusal, settings

BONES = ("pelvis", "head", "l_wrist", "r_wrist", "l_foot", "r_foot")


def shots():
    return settings().character.motionlcm.shots


def state() -> list[str]:
    return [shot.state for shot in shots()]


def frames() -> list[tuple[int, int]]:
    return [(shot.first, shot.last) for shot in shots()]


def prompts() -> list[str]:
    return [shot.prompt for shot in shots()]


def choose(index: int):
    settings().character.motionlcm.shot_index = index
    return shots()[index]


def add(*named: str, seconds: float = 2.0) -> None:
    settings().length = seconds
    for prompt in named:
        settings().prompt = prompt
        assert bpy.ops.motionlcm.add_shot() == {"FINISHED"}


def poses(at, bones=BONES) -> np.ndarray:
    """(bones, N, 3) heads in the world on scene frames."""
    return np.array([bone_heads(settings().character, bone, at) for bone in bones])


@pytest.fixture
def three():
    armature = add_character()
    add("a person walks", "a person turns", "a person waves")
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3, panel_status().message
    return armature


def test_shots_follow_one_another():
    add_character()
    add("a person walks", "a person waves")
    assert frames() == [(1, 49), (49, 97)] and state() == ["EMPTY"] * 2
    assert prompts() == ["a person walks", "a person waves"]
    assert [shot.name for shot in shots()] == ["Shot 1", "Shot 2"]
    assert bpy.context.scene.frame_end == 250


def test_without_a_character_a_message_is_shown():
    assert "No character" in refusal(bpy.ops.motionlcm.add_shot)
    assert not bpy.ops.motionlcm.generate_shot.poll()


@pytest.mark.each_blender
def test_each_shot_is_an_action_and_a_strip_of_our_track(three):
    data = three.animation_data
    assert data.action is None and [track.name for track in data.nla_tracks] == ["MotionLCM Shots"]
    strips = data.nla_tracks[0].strips
    assert [(s.frame_start, s.frame_end) for s in strips] == [(1, 49), (49, 97), (97, 145)]
    assert [s.action for s in strips] == [shot.action for shot in shots()]
    assert [s.name for s in strips] == prompts()
    for shot in shots():
        assert tuple(shot.action.frame_range) == (shot.first, shot.last)
        if hasattr(shot.action, "slots"):
            assert [slot.name_display for slot in shot.action.slots] == ["MotionLCM"]
    assert np.ptp(poses([1, 30, 60, 120]), axis=1).max() > 1e-4
    np.testing.assert_allclose(poses([145]), poses([200]), atol=1e-6)  # the last pose stays


PLACES = {
    "at the origin": Matrix.Identity(4),
    "moved and turned": Matrix.LocRotScale(Vector((5, -7, 2)), Euler((0, 0, 2.0)), Vector((1, 1, 1))),
    "leaning": Matrix.LocRotScale(Vector((1, 0, 0)), Euler((0.5, 0.2, 0)), Vector((1, 1, 1))),
    "larger": Matrix.LocRotScale(Vector((0, 2, 0)), Euler((0, 0, 1.0)), Vector((1.5, 1.5, 1.5))),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("fps", "mode"), [(24, "DENSE"), (24, "FITTED"), (30, "DENSE"), (25, "FITTED")])
def test_a_shot_goes_on_from_the_one_before(place, fps, mode):
    armature = add_character()
    armature.matrix_world, size = PLACES[place], PLACES[place].to_scale()[0]
    bpy.context.scene.render.fps = fps
    settings().key_mode, settings().key_tolerance = mode, 5.0
    path = poly_curve([(3, 1), (3, 0.2), (3.5, -0.6)])
    add("a person walks", seconds=2.2)
    shots()[0].path = path
    add("a person waves", "a person turns", seconds=1.7)
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3
    for seam in (shots()[1].first, shots()[2].first):
        around = poses(seam + fps / 20 * np.arange(-2, 3)) / size
        change = np.linalg.norm(np.diff(around, n=2, axis=1), axis=-1).max(axis=1) * 20
        # The random model stands and trembles, so a foot that was swinging is put down at once. A jump of 15 cm is 3.
        assert change[:2].max() < 1.0 and change.max() < 3.0
        np.testing.assert_allclose(poses([seam - 0.01]), poses([seam + 0.01]), atol=0.01 * size)
    ends = []
    for shot in shots():
        part("operators.shots.nla_track").show_alone(armature, shot)
        ends.append(poses([shot.first, shot.last]))
    for one, two in itertools.pairwise(ends):  # both Actions have the same pose on the seam
        assert np.linalg.norm(one[:, 1] - two[:, 0], axis=-1).max() < 0.006 * size


@pytest.mark.each_blender
def test_it_also_goes_on_after_the_file_was_opened_again(three, tmp_path):
    end = poses([97])
    file = str(tmp_path / "shots.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    assert state() == ["DONE"] * 3 and frames() == [(1, 49), (49, 97), (97, 145)]
    part("operators.generation.write_actions").recent_results.clear()
    choose(2).seed = 11
    assert state() == ["DONE", "DONE", "STALE"]
    bpy.ops.motionlcm.generate_shot()
    assert state() == ["DONE"] * 3
    np.testing.assert_allclose(poses([97]), end, atol=1e-3)


@pytest.mark.each_blender
def test_keys_edited_by_hand_are_what_the_next_goes_on_from(three):
    for curve in part("operators.armature.actions").holder_of(shots()[0].action).fcurves:
        if curve.data_path.endswith('["pelvis"].location') and curve.array_index == 0:
            for point in curve.keyframe_points:
                point.co.y += 0.7
            curve.update()
    choose(1)
    bpy.ops.motionlcm.generate_shot()
    np.testing.assert_allclose(poses([48.99]), poses([49.01]), atol=0.01)


def test_path_that_begins_elsewhere_is_reported_and_reached(three):
    choose(1).path = poly_curve([(2, 0), (2, -3)])
    bpy.ops.motionlcm.generate_shot()
    assert any("first walks to the path" in warning for warning in panel_status().warnings)
    np.testing.assert_allclose(bone_heads(settings().character, "pelvis", [97])[0, :2], (2, -3), atol=0.06)
    np.testing.assert_allclose(poses([48.99]), poses([49.01]), atol=0.05)


def jump_at(frame: int) -> float:
    """Metres a second: the largest change of velocity, at 20 frames a second, around a scene frame, of hips and head;
    hands and feet the random model throws about. Nothing may jump from one moment to the next."""
    assert np.linalg.norm(np.diff(poses([frame - 0.01, frame + 0.01]), axis=1), axis=-1).max() < 0.02
    around = poses(frame + 24 / 20 * np.arange(-2, 3), ("pelvis", "head"))
    return float(np.linalg.norm(np.diff(around, n=2, axis=1), axis=-1).max() * 20)


def test_what_changes_is_made_and_the_entry_of_the_next(three):
    second, third, after = shots()[1].action, shots()[2].action, poses([97, 120, 145])
    shots()[0].prompt = "a person jumps"
    assert state() == ["STALE", "DONE", "DONE"]
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3
    assert shots()[1].action != second and shots()[1].seed == 0
    assert shots()[2].action == third  # it ends where it did, so what comes after stays
    np.testing.assert_allclose(poses([97, 120, 145]), after, atol=1e-4)
    assert max(jump_at(49), jump_at(97)) < 3.0
    assert "All shots are done or locked" in refusal(bpy.ops.motionlcm.generate_shots)


def test_a_change_that_leads_far_away_goes_through_to_the_end(three):
    third = shots()[2].action
    shots()[0].path = poly_curve([(0, 0), (4, 0)])
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3 and shots()[2].action != third
    assert poses([145])[0, 0, 0] > 3.0
    assert max(jump_at(49), jump_at(97)) < 3.0


def test_another_length_moves_what_follows(three):
    third = shots()[2].action
    shots()[0].last = 61
    assert frames() == [(1, 61), (61, 109), (109, 157)]
    assert state() == ["STALE", "STALE", "DONE"]
    assert shots()[2].action == third and tuple(third.frame_range) == (109, 157)
    strips = three.animation_data.nla_tracks[0].strips
    assert [(s.frame_start, s.frame_end) for s in strips][1:] == [(61, 109), (109, 157)]
    shots()[1].first = 80
    assert frames() == [(1, 61), (80, 128), (128, 176)]
    shots()[1].first = 3  # not into the one before
    assert frames() == [(1, 61), (61, 109), (109, 157)]
    shots()[0].last = 0
    assert frames()[0] == (1, 2)


def test_locked_shots_stay(three):
    shots()[1].locked = True
    action, before = shots()[1].action, poses([60, 80])
    shots()[0].seed = 9
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3 and shots()[1].action == action
    np.testing.assert_allclose(poses([60, 80]), before, atol=1e-5)
    assert jump_at(49) < 3.0  # the first one ends as the locked one begins
    choose(1).prompt = "a person sits"
    assert "is locked" in refusal(bpy.ops.motionlcm.generate_shot)
    assert "All shots are done or locked" in refusal(bpy.ops.motionlcm.generate_shots)


def test_moving(three):
    shots()[0].last = 25
    actions = [shot.action for shot in shots()]
    choose(0)
    bpy.ops.motionlcm.move_shot(step=1)
    assert prompts() == ["a person turns", "a person walks", "a person waves"]
    assert frames() == [(1, 49), (49, 73), (73, 121)] and set(state()) == {"STALE"}
    assert [shot.action for shot in shots()] == [actions[1], actions[0], actions[2]]
    assert settings().character.motionlcm.shot_index == 1
    choose(0)
    assert bpy.ops.motionlcm.move_shot(step=-1) == {"CANCELLED"}


@pytest.mark.each_blender
def test_removing_and_duplicating(three):
    choose(1)
    gone = shots()[1].action.name
    bpy.ops.motionlcm.remove_shot()
    assert prompts() == ["a person walks", "a person waves"] and frames() == [(1, 49), (49, 97)]
    assert gone not in bpy.data.actions and state() == ["DONE", "STALE"]
    choose(0)
    bpy.ops.motionlcm.duplicate_shot()
    assert frames() == [(1, 49), (49, 97), (97, 145)] and state() == ["DONE", "EMPTY", "STALE"]
    assert prompts() == ["a person walks", "a person walks", "a person waves"]
    assert [s.action for s in three.animation_data.nla_tracks[0].strips] == [shots()[0].action, shots()[2].action]
    for _ in range(3):
        bpy.ops.motionlcm.remove_shot()
    assert len(three.animation_data.nla_tracks) == 0 and not [a for a in bpy.data.actions if a.users]


@pytest.mark.each_blender
@pytest.mark.parametrize("mode", ["DENSE", "FITTED"])
def test_split_and_join_keep_the_motion(mode):
    add_character()
    settings().key_mode = mode
    add("a person walks", "a person waves")
    bpy.ops.motionlcm.generate_shots()
    at = np.arange(1, 98, 1.5)
    before = poses(at)
    bpy.context.scene.frame_set(30)
    bpy.ops.motionlcm.split_shot()
    assert frames() == [(1, 30), (30, 49), (49, 97)] and state() == ["DONE"] * 3
    np.testing.assert_allclose(poses(at), before, atol=1e-3)
    choose(0)
    bpy.ops.motionlcm.join_shots()
    assert frames() == [(1, 49), (49, 97)] and state() == ["DONE"] * 2 and len(bpy.data.actions) == 2
    np.testing.assert_allclose(poses(at), before, atol=1e-3)
    bpy.ops.motionlcm.join_shots()
    assert frames() == [(1, 97)] and state() == ["STALE"]
    assert prompts() == ["a person walks, then a person waves"]
    np.testing.assert_allclose(poses(at), before, atol=0.01)
    bpy.context.scene.frame_set(97)
    assert bpy.ops.motionlcm.split_shot() == {"CANCELLED"}
    assert bpy.ops.motionlcm.join_shots() == {"CANCELLED"}


@pytest.mark.each_blender
@pytest.mark.parametrize("mode", ["DENSE", "FITTED"])
def test_baked_it_moves_as_the_strips_do(mode):
    armature = add_character()
    armature.pose.bones["l_elbow"].rotation_mode = "XYZ"
    settings().key_mode = mode
    add("a person walks", "a person turns", "a person waves")
    bpy.ops.motionlcm.generate_shots()
    shots()[2].first = 110  # with a gap
    at = np.arange(1, 158, 0.5)
    before = poses(at)
    bpy.ops.motionlcm.bake_shots()
    data = armature.animation_data
    assert data.action is not None and data.nla_tracks[0].mute
    assert np.linalg.norm(poses(at) - before, axis=-1).max() < 0.01
    for curve in part("operators.armature.actions").curves_of(armature):
        assert min(np.diff([point.co.x for point in curve.keyframe_points])) > 0.5
    choose(0)
    bpy.ops.motionlcm.generate_shot()
    assert data.action is None and not data.nla_tracks[0].mute


def test_one_shot_alone_and_all_again(three):
    data = three.animation_data
    choose(1)
    bpy.ops.motionlcm.show_shot()
    assert data.action == shots()[1].action and data.nla_tracks[0].mute
    bpy.ops.motionlcm.generate_shot()
    assert data.action == shots()[1].action
    assert bpy.ops.motionlcm.refit_keys() == {"FINISHED"}
    bpy.ops.motionlcm.show_shot()
    assert data.action is None and not data.nla_tracks[0].mute


def names() -> list[str]:
    return [action.name for action in part("operators.takes.takes").takes_of(settings().character)]


def test_takes_of_a_shot(three):
    choose(1).takes = 3
    bpy.ops.motionlcm.generate_shot()
    assert names() == [f"MotionLCM Shot 2 take {n}" for n in (1, 2, 3, 4)]
    assert shots()[1].action.name == "MotionLCM Shot 2 take 2" and state() == ["DONE"] * 3
    if hasattr(shots()[1].action, "slots"):
        assert {a.slots[0].identifier for a in part("operators.takes.takes").takes_of(three)} == {"OBMotionLCM"}
    before = poses([80])
    bpy.ops.motionlcm.step_take(step=1)
    assert shots()[1].action.name == "MotionLCM Shot 2 take 3"
    assert shots()[1].seed == shots()[1].action["motionlcm_seed"] != 0
    assert three.animation_data.nla_tracks[0].strips[1].action == shots()[1].action
    assert state() == ["DONE", "DONE", "STALE"] and np.abs(poses([80]) - before).max() > 1e-4
    bpy.ops.motionlcm.star_take(name="MotionLCM Shot 2 take 4")
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3 and jump_at(97) < 3.0
    bpy.ops.motionlcm.accept_take()
    assert names() == ["MotionLCM Shot 2 take 4", "MotionLCM Shot 2 take 3"]
    bpy.ops.motionlcm.reject_take()
    assert names() == ["MotionLCM Shot 2 take 4"] and shots()[1].action.name == "MotionLCM Shot 2 take 4"
    choose(0)
    assert names() == ["MotionLCM Shot 1 take 1"]


def test_a_take_of_a_shot_brings_its_liveliness(three):
    usual = poses([20])
    choose(0).liveliness = 1.25
    assert shots()[0].stale
    bpy.ops.motionlcm.generate_shot()
    lively = poses([20])
    assert shots()[0].action["motionlcm_liveliness"] == pytest.approx(1.25) and np.abs(lively - usual).max() > 1e-4
    bpy.ops.motionlcm.show_take(name="MotionLCM Shot 1 take 1")
    assert shots()[0].liveliness == 1.0
    bpy.ops.motionlcm.show_take(name="MotionLCM Shot 1 take 2")
    assert shots()[0].liveliness == pytest.approx(1.25)
    bpy.ops.motionlcm.generate_shot()
    np.testing.assert_allclose(poses([20]), lively, atol=2e-3)


def test_a_take_comes_back_with_its_prompt_to_where_the_shot_is_now(three):
    choose(1).prompt, shots()[1].seed = "a person sits", 7
    bpy.ops.motionlcm.generate_shot()
    assert three.animation_data.nla_tracks[0].strips[1].name == "a person sits"
    bpy.ops.motionlcm.show_take(name="MotionLCM Shot 2 take 1")
    assert (shots()[1].prompt, shots()[1].seed) == ("a person turns", 0)
    assert [shot.stale for shot in shots()] == [False, False, True]
    shots()[0].last = 61
    bpy.ops.motionlcm.show_take(name="MotionLCM Shot 2 take 2")
    assert tuple(shots()[1].action.frame_range) == (61, 109)


def test_takes_are_varied_mirrored_and_forgotten(three):
    choose(1)
    bpy.ops.motionlcm.vary_take(share=0.3)
    assert len(shots()[1].action["motionlcm_blends"]) == 2 and names()[-1] == "MotionLCM Shot 2 take 2"
    bpy.ops.motionlcm.mirror_take()
    assert shots()[1].action["motionlcm_mirror"] and len(shots()[1].action["motionlcm_blends"]) == 2
    assert jump_at(49) < 3.0
    assert "sets its speed" in refusal(bpy.ops.motionlcm.retime_take)
    bpy.ops.motionlcm.star_take(name="MotionLCM Shot 2 take 1")
    shots()[1].takes = 9
    bpy.ops.motionlcm.generate_shot()
    bpy.ops.motionlcm.generate_shot()
    assert len(names()) == 16 and names()[0] == "MotionLCM Shot 2 take 1"
    choose(1)
    bpy.ops.motionlcm.remove_shot()
    assert not [a for a in bpy.data.actions if a.get("motionlcm_prompt") == "a person turns"]


def test_a_shot_starts_and_ends_in_chosen_poses(three):
    bone = three.pose.bones["l_elbow"]
    bpy.context.scene.frame_set(20)
    bpy.ops.motionlcm.capture_pose(end=False)
    placed = three.pose.bones["l_wrist"].head.copy()
    assert shots()[2].start_pose is not None  # the last one added is the one chosen
    first = choose(0)
    first.start_pose, shots()[2].start_pose = shots()[2].start_pose, None
    asset = bpy.data.actions.new("Arm up")
    part("operators.armature.actions").assign(three, asset)
    bone.rotation_quaternion = Euler((0.0, 0.0, 1.5)).to_quaternion()
    bone.keyframe_insert("rotation_quaternion", frame=7)
    part("operators.armature.actions").assign(three, None)
    first.end_pose = asset
    assert state()[0] == "STALE"
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3, panel_status().message
    np.testing.assert_allclose(poses([1], ["l_wrist"])[0, 0], three.matrix_world @ placed, atol=2e-3)
    bpy.context.scene.frame_set(49)
    bpy.context.view_layer.update()
    turned = bone.rotation_quaternion.rotation_difference(Euler((0.0, 0.0, 1.5)).to_quaternion()).angle
    assert min(turned, abs(turned - 2 * np.pi)) < 0.02
    assert max(jump_at(49), jump_at(97)) < 3.0
    empty = bpy.data.actions.new("Empty")
    first.end_pose = empty
    choose(0)
    assert "has no pose" in refusal(bpy.ops.motionlcm.generate_shot)


def test_parts_of_one_path(three):
    path = poly_curve([(0, 0), (0, -4)])
    for number, shot in enumerate(list(shots())[:2]):
        shot.path, shot.path_from, shot.path_to = path, 0.5 * number, 0.5 * (number + 1)
    bpy.ops.motionlcm.generate_shots()
    root = poses([1, 49, 97], ["pelvis"])[0]
    np.testing.assert_allclose(root[:, 1], [0.0, -2.0, -4.0], atol=0.1)
    assert not any("begins" in warning for warning in panel_status().warnings)
    choose(0).path_to = 0.0
    assert "begin before it ends" in refusal(bpy.ops.motionlcm.generate_shot)
    shots()[1].path = shots()[2].path = None
    shots()[0].path_to = 1.0
    bpy.ops.motionlcm.share_path()
    assert [(round(s.path_from, 2), round(s.path_to, 2)) for s in shots()] == [(0, 0.33), (0.33, 0.67), (0.67, 1)]
    assert all(shot.path == path for shot in shots())


def test_pins_of_a_shot_go_with_it(three):
    empty = bpy.data.objects.new("Handle", None)
    bpy.context.scene.collection.objects.link(empty)
    bpy.context.view_layer.objects.active = empty
    empty.select_set(True)
    bpy.context.scene.frame_set(70)
    empty.location = poses([70], ["r_wrist"])[0, 0] + [0.1, 0.05, 0.1]
    choose(1)
    bpy.ops.motionlcm.add_pin(joint="r_wrist", to_shot=True)
    assert len(settings().pins) == 0 and state() == ["DONE", "STALE", "DONE"]
    bpy.ops.motionlcm.generate_shots()
    assert np.linalg.norm(poses([70], ["r_wrist"])[0, 0] - empty.location) < 0.03
    shots()[0].last = 61
    assert shots()[1].pins[0].first == 82
    bpy.ops.motionlcm.remove_pin(index=0, from_shot=True)
    assert len(shots()[1].pins) == 0


@pytest.mark.each_blender
def test_what_is_not_ours_stays(three):
    foreign = bpy.data.actions.new("Mine")
    track = three.animation_data.nla_tracks.new()
    track.name = "MotionLCM Shots"
    track.strips.new("mine", 20, foreign)
    own = bpy.data.actions.new("Own")
    three.animation_data.action = own
    choose(1).seed = 4
    bpy.ops.motionlcm.generate_shots()
    tracks = three.animation_data.nla_tracks
    assert [[s.name for s in t.strips] for t in tracks] == [prompts(), ["mine"]]
    assert own.use_fake_user and tracks[1].strips[0].action == foreign
    assert tracks[0].strips[2].extrapolation == "NOTHING"  # so that the other track shows


def test_names_may_change(three):
    three.name, bpy.context.scene.name, shots()[0].action.name = "Hero", "Act", "First"
    shots()[0].seed = 5
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3


@pytest.mark.each_blender
def test_undo_and_redo(three):
    action = shots()[0].action.name
    shots()[0].seed = 5
    bpy.ops.ed.undo_push(message="seed")
    bpy.ops.motionlcm.generate_shots()
    made = shots()[0].action.name
    assert made != action
    bpy.ops.ed.undo()
    assert shots()[0].action.name == action and state() == ["STALE", "DONE", "DONE"]
    assert settings().character.animation_data.nla_tracks[0].strips[0].action == shots()[0].action
    bpy.ops.ed.redo()
    assert shots()[0].action.name == made and state() == ["DONE"] * 3


def in_window(operator) -> None:
    """Start a job as a window would, in a worker, and wait until it has delivered; `poll` is to be called."""
    jobs = part("operators.session.job_queue").get()
    enqueue = jobs.enqueue
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "enqueue", lambda turns: enqueue(turns, wait=False))
        operator()
    for thread in list(jobs.task.threads):
        thread.join(60)


def test_the_state_of_a_shot_while_it_is_generated():
    add_character()
    add("a person walks", "a person waves")
    in_window(bpy.ops.motionlcm.generate_shot)
    assert state() == ["EMPTY", "GENERATING"]
    part("operators.session.job_queue").get().poll()
    assert state() == ["EMPTY", "DONE"]
    assert any("has no motion yet" in warning for warning in panel_status().warnings)


def test_cancelled_shots_stay_as_they_were():
    add_character()
    add("a person walks", "a person waves")
    in_window(bpy.ops.motionlcm.generate_shots)
    assert state() == ["GENERATING", "EMPTY"]
    bpy.ops.motionlcm.cancel()
    part("operators.session.job_queue").get().poll()
    assert state() == ["EMPTY", "EMPTY"] and len(bpy.data.actions) == 0


@pytest.mark.parametrize("gone", ["armature", "shot"])
def test_what_is_deleted_meanwhile_ends_in_a_sentence(gone):
    armature = add_character()
    add("a person walks")
    in_window(bpy.ops.motionlcm.generate_shot)
    if gone == "armature":
        bpy.data.objects.remove(armature)
    else:
        bpy.ops.motionlcm.remove_shot()
    part("operators.session.job_queue").get().poll()
    status = panel_status()
    assert status.error and "was not written" in status.message and len(bpy.data.actions) == 0


def test_a_shot_changed_meanwhile_is_written_and_stale():
    add_character()
    add("a person walks")
    in_window(bpy.ops.motionlcm.generate_shot)
    shots()[0].prompt, shots()[0].first = "a person sits", 11
    part("operators.session.job_queue").get().poll()
    assert state() == ["STALE"] and tuple(shots()[0].action.frame_range) == (11, 59)


@pytest.mark.each_blender
def test_a_copied_armature_has_shots_of_its_own(three):
    copy = three.copy()
    bpy.context.scene.collection.objects.link(copy)
    copy.motionlcm.shots[0].first = 11
    assert [tuple(s.action.frame_range) for s in shots()] == [(1, 49), (49, 97), (97, 145)]
    assert [tuple(s.action.frame_range) for s in copy.motionlcm.shots] == [(11, 59), (59, 107), (107, 155)]


def test_shots_follow_the_frame_rate(three):
    scene = bpy.context.scene
    assert not bpy.ops.motionlcm.adapt_shots.poll()
    scene.render.fps = 48
    assert bpy.ops.motionlcm.adapt_shots() == {"FINISHED"}
    assert frames() == [(1, 97), (97, 193), (193, 289)] and state() == ["STALE"] * 3 and scene.frame_end == 289
    assert not bpy.ops.motionlcm.adapt_shots.poll()
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3
    assert [tuple(s.action.frame_range) for s in shots()] == frames()


def test_with_time_stretching_the_playhead_is_on_other_frames(three):
    scene = bpy.context.scene
    scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
    scene.frame_set(60)
    bpy.ops.motionlcm.split_shot()
    assert frames() == [(1, 30), (30, 49), (49, 97), (97, 145)]
    scene.frame_end = 100
    bpy.ops.motionlcm.add_shot()
    assert scene.frame_end == 2 * shots()[-1].last


def test_the_panels_path_is_given_to_one_shot():
    add_character()
    settings().path = poly_curve([(0, 0), (0, -2)])
    add("a person walks", "a person turns")
    assert [shot.path for shot in shots()] == [settings().path, None]


def test_a_long_shot_goes_on_as_well():
    add_character()
    add("a person walks")
    add("a person turns", seconds=15.0)
    add("a person waves")
    bpy.ops.motionlcm.generate_shots()
    assert state() == ["DONE"] * 3 and frames() == [(1, 49), (49, 409), (409, 457)]
    assert tuple(shots()[1].action.frame_range) == (49, 409)
    assert max(jump_at(49), jump_at(409)) < 3.0
