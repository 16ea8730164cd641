"""The examples: each is made by a button, saved, and opened again with its motion."""

from __future__ import annotations

import addon_utils
import bpy
import numpy as np
import pytest

from tests.blender.support import bone_heads, panel_status, refusal, settings


def saved_and_opened(example: str, folder) -> None:
    assert bpy.ops.motionlcm.add_example(example=example) == {"FINISHED"}
    assert not panel_status().error, panel_status().message
    file = folder / f"{example}.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file), compress=True)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=str(file))


def test_s_path(tmp_path):
    mine = bpy.context.scene.name
    saved_and_opened("S_PATH", tmp_path)
    assert bpy.context.scene.name == "MotionLCM S Path" and mine in bpy.data.scenes
    character = settings().character
    first, last = (round(frame) for frame in character.animation_data.action.frame_range)
    heads = bone_heads(character, "pelvis", range(first, last + 1, 10))
    assert np.ptp(heads[:, 0]) > 0.6 and heads[0, 1] - heads[-1, 1] == pytest.approx(5.0, abs=0.2)
    assert bpy.context.scene.camera is not None and settings().path is not None


def test_three_shots(tmp_path):
    saved_and_opened("THREE_SHOTS", tmp_path)
    shots = settings().character.motionlcm.shots
    assert [shot.state for shot in shots] == ["DONE"] * 3
    assert "sits down" in shots[1].prompt and shots[2].first == shots[1].last
    assert bpy.context.scene.frame_end == shots[-1].last


def test_rigify(tmp_path):
    if addon_utils.enable("rigify", default_set=True) is None:
        pytest.skip("this Blender has no Rigify")
    try:
        saved_and_opened("RIGIFY", tmp_path)
        rig = settings().character
        assert "torso" in rig.pose.bones
        first, last = (round(frame) for frame in rig.animation_data.action.frame_range)
        heads = bone_heads(rig, "ORG-spine", [first, last])
        assert heads[0, 1] - heads[1, 1] == pytest.approx(5.0, abs=0.3)
        body = next(child for child in rig.children if child.type == "MESH" and child.vertex_groups)
        assert all(rig.data.bones[group.name].use_deform for group in body.vertex_groups)
    finally:
        addon_utils.disable("rigify", default_set=True)


def test_one_undo_removes_an_example():
    bpy.ops.ed.undo_push(message="before")
    scenes = set(bpy.data.scenes.keys())
    bpy.ops.motionlcm.add_example(example="S_PATH")
    assert len(bpy.data.scenes) == len(scenes) + 1
    bpy.ops.ed.undo()
    assert set(bpy.data.scenes.keys()) == scenes and bpy.context.scene.name in scenes
    assert not bpy.data.objects and not bpy.data.actions
    bpy.ops.ed.redo()
    assert len(bpy.data.scenes) == len(scenes) + 1


def test_rigify_that_is_not_enabled_is_refused_and_leaves_the_file_alone():
    before = set(bpy.data.scenes.keys()), bpy.context.scene.name
    assert "Rigify" in refusal(lambda: bpy.ops.motionlcm.add_example(example="RIGIFY"))
    assert (set(bpy.data.scenes.keys()), bpy.context.scene.name) == before and not bpy.data.objects
