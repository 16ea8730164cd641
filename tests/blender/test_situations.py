"""Situations of time and files: Blender's last frame, time stretching, paths beside a file that was never saved."""

from __future__ import annotations

from pathlib import Path

import bpy
import pytest

from tests.blender.support import add_character, generate, part, refusal, settings

LAST = 1_048_574


def api():
    return part("operators.api")


def storyboard(folder: Path, first: int) -> Path:
    """A storyboard with one shot of two seconds at 24 frames per second."""
    file = folder / "board.json"
    shot = f'{{"prompt": "a person waves", "first": {first}, "last": {first + 48}}}'
    file.write_text(f'{{"motionlcm_storyboard": 1, "fps": 24, "characters": [{{"name": "A", "shots": [{shot}]}}]}}')
    return file


@pytest.mark.parametrize("door", ["generate", "add_shot", "api", "storyboard", "generate_shots", "stretched"])
def test_no_motion_is_put_beyond_the_last_frame_of_blender(door: str, tmp_path: Path) -> None:
    character, scene = add_character(), bpy.context.scene
    settings().start, settings().length = "CURRENT_FRAME", 2.0
    scene.frame_end = LAST
    scene.frame_set(LAST - 20)
    if door == "generate":
        sentence = refusal(bpy.ops.motionlcm.generate)
    elif door == "add_shot":
        sentence = refusal(bpy.ops.motionlcm.add_shot)
    elif door == "api":
        with pytest.raises(ValueError, match=str(LAST)) as caught:
            api().add_shot(character, "a person waves", 2.0, first=LAST - 20)
        sentence = str(caught.value)
    elif door == "storyboard":
        objects, scene.render.frame_map_new = len(bpy.data.objects), 200
        sentence = refusal(bpy.ops.motionlcm.import_storyboard, filepath=str(storyboard(tmp_path, 999_000)))
        assert len(bpy.data.objects) == objects
    elif door == "generate_shots":
        part("operators.shots.shot_list").new_shot(character, 0, "a person waves", LAST - 20, LAST + 28)
        sentence = refusal(bpy.ops.motionlcm.generate_shots)
    else:
        scene.render.frame_map_old, scene.render.frame_map_new = 100, 200
        scene.frame_set(LAST - 60)
        sentence = refusal(bpy.ops.motionlcm.generate)
    assert str(LAST) in sentence and character.animation_data is None
    assert door == "generate_shots" or not len(character.motionlcm.shots)


def test_a_motion_may_end_on_the_last_frame_of_blender() -> None:
    character = add_character()
    settings().start, settings().length = "CURRENT_FRAME", 2.0
    bpy.context.scene.frame_set(LAST - 48)
    generate()
    assert character.animation_data.action.frame_range[1] >= LAST - 2


@pytest.mark.parametrize("shots", [False, True])
@pytest.mark.parametrize("new", [200, 300])
def test_with_time_stretching_no_motion_starts_before_the_scene(new: int, shots: bool) -> None:
    character, scene = add_character(), bpy.context.scene
    scene.render.frame_map_old, scene.render.frame_map_new = 100, new
    settings().length = 2.0
    if shots:
        bpy.ops.motionlcm.add_shot()
        first = character.motionlcm.shots[0].first
        api().add_shot(character, "a person waves", 1.0)
        character.motionlcm.shots.clear()
        api().add_shot(character, "a person waves", 1.0)
        assert character.motionlcm.shots[0].first == first
    else:
        generate()
        first = character.animation_data.action.frame_range[0]
    assert first == 1 and scene.frame_start == 1


DOORS = {
    "export_recipe": {"what": "TAKE"},
    "import_recipe": {},
    "export_storyboard": {},
    "import_storyboard": {},
    "add_smpl_body": {},
}


@pytest.mark.parametrize("operator", DOORS)
def test_paths_beside_a_file_that_was_never_saved_are_refused(operator: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    add_character()
    generate()
    api().add_shot(settings().character, "a person waves", 2.0)
    sentence = refusal(getattr(bpy.ops.motionlcm, operator), filepath="//walk.json", **DOORS[operator])
    assert '"//walk.json"' in sentence and "save the file" in sentence and not list(tmp_path.iterdir())


def test_paths_beside_a_saved_file_are_found(tmp_path: Path) -> None:
    add_character()
    generate()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.motionlcm.export_recipe(filepath="//walk.json", what="TAKE")
    assert (tmp_path / "walk.json").is_file()
    assert bpy.ops.motionlcm.import_recipe(filepath="//walk.json") == {"FINISHED"}
    api().add_shot(settings().character, "a person waves", 2.0)
    api().export_storyboard("//board.json")
    assert len(api().import_storyboard("//board.json")) == 1


def test_a_model_folder_beside_a_file_that_was_never_saved_is_not_searched_elsewhere() -> None:
    choice = part("operators.session.model_choice")
    bpy.context.preferences.addons[part("operators.scene.addon").ROOT_PACKAGE].preferences.model_folder = "//model"
    assert choice.chosen().folder == "//model"
    add_character()
    assert "//model" in refusal(bpy.ops.motionlcm.generate)


# Poses, strips and limits


def pose(channel: str, values: tuple[float, ...], bone: str = "l_shoulder") -> bpy.types.Action:
    """An Action with keys of one channel of a bone on frame 1."""
    action = bpy.data.actions.new("Pose")
    holder = part("operators.armature.actions").empty_holder(action)
    for index, value in enumerate(values):
        holder.fcurves.new(f'pose.bones["{bone}"].{channel}', index=index).keyframe_points.insert(1, value)
    return action


@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize(
    ("channel", "values", "sentence"),
    [
        ("rotation_euler", (0.0, 1.2, 0.0), "another rotation mode than that of these bones"),
        ("rotation_quaternion", (float("nan"), 0.0, 0.0, 0.0), "not finite"),
        ("scale", (2.0, 2.0, 2.0), "has no pose of"),
    ],
)
def test_pose_actions_that_do_not_move_the_bones_are_refused(channel, values, sentence: str, end: bool) -> None:
    character = add_character()
    where = {"end_pose" if end else "start_pose": pose(channel, values)}
    api().add_shot(character, "a person stands still", 2.0, **where)
    with pytest.raises(ValueError, match=sentence):
        api().generate(character)


def test_a_pose_in_the_rotation_mode_of_the_bones_is_read() -> None:
    character = add_character()
    character.pose.bones["l_shoulder"].rotation_mode = "XYZ"
    api().add_shot(character, "a person stands still", 2.0, start_pose=pose("rotation_euler", (0.0, 1.2, 0.0)))
    api().generate(character)
    bpy.context.scene.frame_set(1)
    turned = character.pose.bones["l_shoulder"].matrix_basis.to_euler("XYZ")
    assert turned.y == pytest.approx(1.2, abs=0.01)


def test_a_frame_range_of_an_action_does_not_cut_its_shot() -> None:
    character = add_character()
    api().add_shot(character, "a person walks", 2.0)
    api().generate(character)
    action = character.motionlcm.shots[0].action
    action.use_frame_range, action.frame_start, action.frame_end, action.use_cyclic = True, 10, 20, True
    api().add_shot(character, "a person waves", 2.0)
    api().generate(character)
    strip = character.animation_data.nla_tracks[0].strips[0]
    assert (strip.frame_start, strip.frame_end, strip.action_frame_start, strip.action_frame_end) == (1, 49, 1, 49)
    part("operators.shots.character_check").get().refresh(bpy.context)
    assert not part("operators.shots.nla_track").misplaced(character)


@pytest.mark.parametrize(
    "wrong",
    [{"takes": 33}, {"takes": 0}, {"seed": -1}, {"seed": 2**31}, {"seconds": 0.05}, {"seconds": 61.0},
     {"seconds": float("nan")}, {"seconds": float("inf")}, {"prompt": " "}, {"prompt": "walk " * 1000}],
)  # fmt: skip
def test_scripts_have_the_limits_of_the_panel(wrong: dict) -> None:
    character = add_character()
    values = {"prompt": "a person walks", "seconds": 2.0} | wrong
    with pytest.raises(part("motionlcm_blender.errors").InvalidRequest):
        api().add_shot(character, **values)
    with pytest.raises(part("motionlcm_blender.errors").InvalidRequest):
        api().generate_take(character, **values)
    assert not len(character.motionlcm.shots) and character.animation_data is None


def test_without_an_action_there_is_nothing_to_generate_again() -> None:
    add_character()
    assert "No Action is active" in refusal(bpy.ops.motionlcm.generate_again)
