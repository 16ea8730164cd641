"""What the panels draw in each state, with a layout that checks every call against Blender's own UILayout."""

from __future__ import annotations

import types

import bpy
import pytest

from tests.blender.support import EXTENSION, add_character, generate, panel_status, part, poly_curve, refusal, settings
from tests.tiny_model import write_tiny_model


class Layout:
    """Takes the calls a UILayout takes, no others, and remembers the texts and operators it was given."""

    def __init__(self, seen: list | None = None) -> None:
        object.__setattr__(self, "seen", [] if seen is None else seen)

    def __setattr__(self, name, value):
        assert name in bpy.types.UILayout.bl_rna.properties, name
        object.__setattr__(self, name, value)

    def __getattr__(self, name):
        function = bpy.types.UILayout.bl_rna.functions[name]

        def call(*args, **kwargs):
            given = dict(zip([p.identifier for p in function.parameters if not p.is_output], args, strict=False))
            for key, value in {**given, **kwargs}.items():
                parameter = function.parameters[key]
                if parameter.type == "ENUM" and not parameter.is_enum_flag:
                    assert value in parameter.enum_items, f"{name}: no {key} {value}"
                if name == "prop" and key == "property":
                    assert value in given["data"].bl_rna.properties, value
                if name == "operator" and key == "operator":
                    family, operator = value.split(".")
                    assert operator in dir(getattr(bpy.ops, family)), value
            self.seen.append((name, {**given, **kwargs}))
            return types.SimpleNamespace() if name == "operator" else Layout(self.seen)

        return call


def drawn(panel: str) -> Layout:
    """Draw a panel or menu by its class name."""
    cls = getattr(bpy.types, panel)
    layout = Layout()
    instance = type("Drawn", (), {**{n: f for n, f in vars(cls).items() if callable(f)}, "layout": layout})()
    cls.draw(instance, bpy.context)
    return layout


def operators(layout: Layout) -> dict[str, str]:
    return {given["operator"]: given.get("text", "") for name, given in layout.seen if name == "operator"}


def texts(layout: Layout) -> str:
    return " ".join(given["text"] for name, given in layout.seen if name == "label")


def test_scene_with_a_character_offers_everything():
    add_character()
    layout = drawn("MOTIONLCM_PT_main")
    assert {"motionlcm.draw_path", "motionlcm.generate", "motionlcm.dice"} <= set(operators(layout))
    properties = [given["property"] for name, given in layout.seen if name == "prop"]
    assert properties == ["character", "prompt", "length", "path", "seed", "live"]
    assert not any(name == "progress" for name, _ in layout.seen)
    more = [given["property"] for name, given in drawn("MOTIONLCM_PT_options").seen if name == "prop"]
    assert more == ["start", "takes", "liveliness", "caption_liveliness", "steps"]
    settings().path = poly_curve([(0, 0), (0, -4)])
    more = [given["property"] for name, given in drawn("MOTIONLCM_PT_options").seen if name == "prop"]
    assert more[-2:] == ["ease_in", "ease_out"]
    assert {"motionlcm.add_character", "motionlcm.add_smpl_body"} == set(operators(drawn("MOTIONLCM_MT_add")))


def test_examples_are_offered():
    assert ("operator_enum", {"operator": "motionlcm.add_example", "property": "example"}) in drawn(
        "MOTIONLCM_MT_examples"
    ).seen


def test_generate_stays_while_a_job_runs_with_progress_and_cancel():
    add_character()
    status = panel_status()
    status.running, status.progress, status.stage = True, 0.4, "Sampling"
    try:
        layout = drawn("MOTIONLCM_PT_main")
    finally:
        status.running = False
    assert {"motionlcm.generate", "motionlcm.cancel"} <= set(operators(layout))
    assert ("progress", {"factor": 0.4, "text": "Sampling"}) in layout.seen


def test_errors_are_shown_whole():
    add_character()
    settings().length = 70.0
    sentence = refusal()
    assert sentence in texts(drawn("MOTIONLCM_PT_main"))


def test_button_reads_finish_while_drawing():
    add_character()
    assert operators(drawn("MOTIONLCM_PT_main"))["motionlcm.draw_path"] == "Draw Path"
    bpy.ops.motionlcm.draw_path()
    assert operators(drawn("MOTIONLCM_PT_main"))["motionlcm.draw_path"] == "Finish Path"
    bpy.ops.motionlcm.finish_path()


def test_speed_and_its_warning():
    add_character()
    settings().path, settings().length = poly_curve([(0, 0), (0, 40)]), 2.0
    bpy.context.view_layer.update()
    part("operators.controls.path_speed").refresh(bpy.context)
    lines = texts(drawn("MOTIONLCM_PT_main"))
    assert "40.0 m at" in lines and "faster than people run" in lines


def test_numbers_of_the_present_action():
    add_character()
    generate(seconds=2.0, path=poly_curve([(0, 0), (0, -2)]))
    layout = drawn("MOTIONLCM_PT_result")
    lines = texts(layout)
    assert "Path error" in lines and "Worst foot drag" in lines and "Facing error" in lines and " ms" in lines
    assert "% of captured" in lines
    assert {"motionlcm.recall", "motionlcm.generate_again"} <= set(operators(layout))


def test_model_panel_shows_name_licence_and_errors(tmp_path):
    engine = part("operators.session.model_info")
    engine.read_card(part("operators.session.model_choice").chosen())
    assert "tiny" in texts(drawn("MOTIONLCM_PT_model")) and "CC0-1.0" in texts(drawn("MOTIONLCM_PT_model"))
    bpy.context.preferences.addons[EXTENSION].preferences.model_folder = str(tmp_path / "gone")
    assert "Reading" in texts(drawn("MOTIONLCM_PT_model"))
    engine.read_card(part("operators.session.model_choice").chosen())
    assert "is not there" in texts(drawn("MOTIONLCM_PT_model"))


def hint(prompt):
    return part("operators.session.model_info").known_hint(part("operators.session.model_choice").chosen(), prompt)


def test_a_prompt_beyond_the_training_captions_has_a_warning(tmp_path):
    add_character()
    engine = part("operators.session.model_session").get()
    write_tiny_model(tmp_path / "model")
    (tmp_path / "model" / "vocabulary.json").write_text('{"verbs": {"walk": 400, "kick": 11}, "words": {}}')
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.model_folder = str(tmp_path / "model")
    assert hint(settings().prompt) is None  # drawing works nothing out
    assert "The model has" not in texts(drawn("MOTIONLCM_PT_main"))
    assert hint(settings().prompt) is None
    settings().prompt = "a person swims"
    assert "The model has never seen “swim”; it will guess." in texts(drawn("MOTIONLCM_PT_main"))
    bpy.ops.motionlcm.use_prompt(prompt="a person kicks")
    assert "The model has seen “kick” only 11 times." in texts(drawn("MOTIONLCM_PT_main"))
    settings().prompt = "a person walks"
    assert "The model has" not in texts(drawn("MOTIONLCM_PT_main"))
    (tmp_path / "model" / "vocabulary.json").write_text("broken")
    engine.forget()
    settings().prompt = "a person swims"
    assert "The model has" not in texts(drawn("MOTIONLCM_PT_main"))


def test_the_panel_shows_the_gestures_of_the_prompt():
    add_character()
    settings().prompt = "a person claps and nods"
    assert "Gesture: clap, nod" in texts(drawn("MOTIONLCM_PT_main"))
    settings().gestures = False
    assert "Gesture:" not in texts(drawn("MOTIONLCM_PT_main"))
    settings().gestures = True
    settings().prompt = "a person walks"
    assert "Gesture:" not in texts(drawn("MOTIONLCM_PT_main"))


def test_the_panel_shows_the_body_beneath_an_action():
    add_character()
    settings().prompt = "a kid throws a stone"
    assert "Gesture: throw" in texts(drawn("MOTIONLCM_PT_main"))
    assert "Rewritten: a person stands still" in texts(drawn("MOTIONLCM_PT_main"))
    settings().gestures = False
    assert "a person stands still" not in texts(drawn("MOTIONLCM_PT_main"))
    settings().gestures = True


def test_the_panel_shows_the_actions_of_the_prompt():
    add_character()
    settings().prompt = "a man picks something up and throws it"
    assert "Actions: picks something up | throws it" in texts(drawn("MOTIONLCM_PT_main"))
    settings().facing = "FIXED"
    assert "Actions:" not in texts(drawn("MOTIONLCM_PT_main")), "a motion with a facing is made as a whole"
    settings().facing = "WAY"
    settings().sequence = False
    assert "Actions:" not in texts(drawn("MOTIONLCM_PT_main"))
    settings().sequence = True
    settings().prompt = "a person walks and waves"
    assert "Actions:" not in texts(drawn("MOTIONLCM_PT_main"))


def test_the_panel_shows_the_caption_that_replaces_the_prompt():
    add_character()
    bpy.context.preferences.addons[EXTENSION].preferences.model_folder = ""  # the bundled one has rewrites
    settings().prompt = "a woman faints"
    assert "Rewritten: a person collapses backward." in texts(drawn("MOTIONLCM_PT_main"))
    assert "Path:" not in texts(drawn("MOTIONLCM_PT_main"))
    settings().prompt = "a guard patrols"
    assert "Path: back and forth" in texts(drawn("MOTIONLCM_PT_main"))
    settings().rewrite = False
    assert "Path:" not in texts(drawn("MOTIONLCM_PT_main"))
    assert "Rewritten:" not in texts(drawn("MOTIONLCM_PT_main"))
    settings().rewrite = True
    settings().prompt = "a person walks"
    assert "Rewritten:" not in texts(drawn("MOTIONLCM_PT_main"))


def test_without_a_vocabulary_the_prompt_has_no_warning():
    settings().prompt = "a person swims"
    assert "The model has" not in texts(drawn("MOTIONLCM_PT_main"))


@pytest.mark.parametrize("history", [[], ["a person sings", "a person kneels"]])
def test_prompt_menu(history):
    for prompt in reversed(history):
        part("operators.generation.prompt_history").remember_prompt(settings(), prompt)
    offered = [given["text"] for name, given in drawn("MOTIONLCM_MT_prompts").seen if name == "operator"]
    assert offered == history if history else len(offered) >= 3


def wide_region(area):
    """One with a width, by which Blender divides; without a window some have none."""
    return max(area.regions, key=lambda region: region.width)


def test_preferences_are_drawn():
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    bpy.context.window_manager.keyconfigs.update()  # as each event does in a window
    layout = Layout()
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    with bpy.context.temp_override(window=window, area=area, region=wide_region(area)):
        type(preferences).draw(types.SimpleNamespace(layout=layout, bl_rna=preferences.bl_rna), bpy.context)
    assert [given["property"] for name, given in layout.seen if name == "prop"][:3] == [
        "device",
        "model_folder",
        "idle_minutes",
    ]
