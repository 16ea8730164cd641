"""Make a Character Walk Here: one press, one undo step, and its explanation in the panel."""

from __future__ import annotations

import bpy
import pytest

from tests.blender.support import bone_heads, panel_status, part, refusal, settings
from tests.blender.test_panels import drawn, operators, texts


def test_one_button_before_the_rest():
    shown = operators(drawn("MOTIONLCM_PT_main"))
    assert next(iter(shown)) == "motionlcm.first_motion"
    assert "motionlcm.generate" not in shown
    assert {"motionlcm.add_character", "motionlcm.add_smpl_body"} <= set(shown)
    panels = [cls for cls in part("ui").CLASSES if getattr(cls, "bl_parent_id", "") == "MOTIONLCM_PT_main"]
    drawn_ones = [cls.bl_idname for cls in panels if not hasattr(cls, "poll") or cls.poll(bpy.context)]
    assert drawn_ones == ["MOTIONLCM_PT_model"]


def test_character_path_and_motion_at_the_cursor():
    bpy.context.scene.cursor.location = (2.0, 3.0, 0.0)
    assert bpy.ops.motionlcm.first_motion() == {"FINISHED"}
    chosen = settings()
    character, path = chosen.character, chosen.path
    action = character.animation_data.action
    assert action is not None and chosen.prompt == "a person walks forward"
    assert tuple(path.location) == (2.0, 3.0, 0.0) and not panel_status().error
    first, last = (round(frame) for frame in action.frame_range)
    heads = bone_heads(character, "pelvis", [first, last])
    assert heads[0][:2] == pytest.approx((2.0, 3.0), abs=0.1)
    assert heads[1][:2] == pytest.approx((2.0, -2.0), abs=0.1)
    assert bpy.context.scene.frame_end == last  # so the walk plays again and again


def test_what_it_did_is_explained_until_another_motion():
    bpy.ops.motionlcm.first_motion()
    action = settings().character.animation_data.action
    lines = part("operators.generation.first_motion").EXPLANATION
    assert len(lines) == 4 and all(text in texts(drawn("MOTIONLCM_PT_main")) for text in lines)
    settings().seed = 9
    assert bpy.ops.motionlcm.generate() == {"FINISHED"}
    other = settings().character.animation_data.action
    assert other != action and lines[0] not in texts(drawn("MOTIONLCM_PT_main"))


def test_one_undo_removes_everything():
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.motionlcm.first_motion()
    assert len(bpy.data.objects) == 3 and len(bpy.data.actions) == 1
    bpy.ops.ed.undo()
    assert not bpy.data.objects and not bpy.data.actions
    assert settings().character is None and settings().path is None


def test_default_panel_is_short():
    """What the first minute does not need is in subpanels, and these are folded."""
    bpy.ops.motionlcm.first_motion()
    shown = operators(drawn("MOTIONLCM_PT_main"))
    assert set(shown) == {
        "motionlcm.search_prompts", "motionlcm.draw_path", "motionlcm.dice", "motionlcm.generate",
    } | (set(shown) & {"motionlcm.use_suggested_length", "motionlcm.make_run"})  # fmt: skip
    panels = [cls for cls in part("ui").CLASSES if getattr(cls, "bl_parent_id", "") == "MOTIONLCM_PT_main"]
    assert len(panels) > 5
    assert [cls.__name__ for cls in panels if "DEFAULT_CLOSED" not in getattr(cls, "bl_options", ())] == []


def test_what_cannot_be_built_leaves_the_scene_alone(monkeypatch):
    module = part("operators.generation.first_motion")

    def fails(_context):
        raise part("motionlcm_blender.errors").InvalidRequest("No.")

    monkeypatch.setattr(module, "order_from_scene", fails)
    assert refusal(bpy.ops.motionlcm.first_motion) == "No."
    assert not bpy.data.objects and settings().character is None
