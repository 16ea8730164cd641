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
        with pytest.raises(ValueError) as caught:
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
