"""Prompts that were used in this file, found again."""

from __future__ import annotations

import bpy

from tests.blender.support import add_character, generate, panel_status, part, settings


def found() -> list[str]:
    return part("operators.generation.prompts").prompts_of_file()


def test_all_prompts_of_the_file_once_each_the_latest_first(tmp_path):
    assert found() == [] and not bpy.ops.motionlcm.search_prompts.poll()
    add_character()
    for prompt in ("a person walks", "a person jumps", "a person walks"):
        generate(prompt, seconds=0.5)
    assert found() == ["a person walks", "a person jumps"]
    other = bpy.data.scenes.new("Other")
    part("operators.generation.prompt_history").remember_prompt(other.motionlcm, "a person swims ü")
    assert found() == ["a person swims ü", "a person walks", "a person jumps"]
    settings().prompt = "a person bows"
    bpy.ops.motionlcm.add_shot()
    assert found()[0] == "a person bows"
    other.motionlcm.history.clear()
    settings().history.clear()
    bpy.data.actions["MotionLCM a person walks s3"]["motionlcm_made"] = "2026-01-03"
    bpy.data.actions["MotionLCM a person walks s3.001"]["motionlcm_made"] = "2026-01-01"
    bpy.data.actions["MotionLCM a person jumps s3"]["motionlcm_made"] = "2026-01-02"
    bpy.data.actions.new("Mine")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "prompts.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "prompts.blend"))
    assert found() == ["a person bows", "a person walks", "a person jumps"]


def test_one_becomes_the_prompt_of_the_scene_or_of_the_shot():
    add_character()
    generate("a person waves ä", seconds=0.5)
    settings().prompt = "a person sits"
    bpy.ops.motionlcm.add_shot()
    shot = settings().character.motionlcm.shots[0]
    assert bpy.ops.motionlcm.search_prompts(prompt="a person waves ä") == {"FINISHED"}
    assert settings().prompt == "a person waves ä" and shot.prompt == "a person sits"
    settings().prompt = ""
    bpy.ops.motionlcm.search_prompts(prompt="a person waves ä", for_shot=True)
    assert settings().prompt == "" and shot.prompt == "a person waves ä" and shot.stale
    bpy.ops.motionlcm.remove_shot()
    assert bpy.ops.motionlcm.search_prompts(prompt="a person waves ä", for_shot=True) == {"CANCELLED"}
    assert "no shot" in panel_status().message


def test_whether_a_prompt_was_rewritten_is_stored_with_the_take_and_recalled():
    character = add_character()
    fallen = generate("a woman faints", seconds=3.0)
    settings().rewrite = False
    plain = generate("a woman faints", seconds=3.0)
    assert fallen["motionlcm_rewrite"] and not plain["motionlcm_rewrite"]
    character.animation_data.action = fallen
    bpy.ops.motionlcm.recall()
    assert settings().rewrite
    del fallen["motionlcm_rewrite"]
    bpy.ops.motionlcm.recall()
    assert not settings().rewrite, "the prompt of a take of an older version was not rewritten"


def test_gestures_are_stored_with_the_take_and_recalled():
    character = add_character()
    clapped = generate("a person claps", seconds=1.5)
    settings().gestures = False
    plain = generate("a person claps", seconds=1.5)
    assert clapped["motionlcm_gestures"] and not plain["motionlcm_gestures"]
    character.animation_data.action = clapped
    bpy.ops.motionlcm.recall()
    assert settings().gestures
    del clapped["motionlcm_gestures"]
    bpy.ops.motionlcm.recall()
    assert not settings().gestures, "a take of an older version has no gestures"
