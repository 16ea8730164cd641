"""The prompt library in the panel: prompts of the model folder, search, use, surprise, and offers for other prompts."""

from __future__ import annotations

import json

import bpy
import pytest

from tests.blender.support import EXTENSION, add_character, generate, part, refusal, settings
from tests.blender.test_panels import drawn, operators, texts
from tests.tiny_model import write_tiny_model

PROMPTS = [
    {"prompt": "a person walks slowly", "category": "walks", "about": "Walk slowly", "seconds": 3.0, "loops": True,
     "travels": True, "seed": 7},
    {"prompt": "a person sits down", "category": "sit and stand", "about": "Sit down", "seconds": 2.0, "seed": 2},
]  # fmt: skip


@pytest.fixture
def library(tmp_path):
    """A model with a library of two prompts and one that it cannot do, chosen and read."""
    folder = tmp_path / "model"
    write_tiny_model(folder)
    content = {"format": 1, "prompts": PROMPTS, "weak": ["a person claps"]}
    (folder / "prompts.json").write_text(json.dumps(content))
    bpy.context.preferences.addons[EXTENSION].preferences.model_folder = str(folder)
    return part("operators.session.model_library").read(part("operators.session.model_choice").chosen())


def shown() -> list[str]:
    calls = drawn("MOTIONLCM_PT_library").seen
    return [given["text"] for name, given in calls if given.get("operator") == "motionlcm.use_library_prompt"]


def test_the_models_own_library_is_shown_and_searched(library):
    add_character()
    assert bpy.types.MOTIONLCM_PT_library.poll(bpy.context)
    view = bpy.context.window_manager.motionlcm_library
    assert shown() == ["a person walks slowly", "a person sits down"]
    view.words = "sit"
    assert shown() == ["a person sits down"]
    view.category = "walks"
    assert shown() == [] and "No prompt" in texts(drawn("MOTIONLCM_PT_library"))
    view.words = ""
    assert shown() == ["a person walks slowly"]
    view.category = "ALL"
    assert "motionlcm.surprise" in operators(drawn("MOTIONLCM_PT_library"))


def test_a_model_without_a_library_has_no_panel():
    add_character()
    part("operators.session.model_library").read(part("operators.session.model_choice").chosen())
    assert not bpy.types.MOTIONLCM_PT_library.poll(bpy.context)
    assert "no prompt library" in refusal(bpy.ops.motionlcm.surprise)


def test_prompt_comes_with_the_judged_length_and_seed(library):
    add_character()
    assert bpy.ops.motionlcm.use_library_prompt(prompt="a person walks slowly") == {"FINISHED"}
    assert (settings().prompt, settings().seed, settings().length) == ("a person walks slowly", 7, 3.0)
    description = part("operators.generation.library_prompts").description_of(library.prompts[0])
    assert description == "Walk slowly: 3.0 seconds, repeats as a loop, moves over the floor"
    assert "stays in place" in part("operators.generation.library_prompts").description_of(library.prompts[1])


def test_surprise_generates_another_prompt_of_the_library(library):
    add_character()
    settings().prompt, settings().steps = "a person walks slowly", "1"
    assert bpy.ops.motionlcm.surprise() == {"FINISHED"}
    assert settings().prompt == "a person sits down"
    assert settings().character.animation_data.action["motionlcm_prompt"] == "a person sits down"


def test_a_prompt_that_the_model_cannot_do_is_answered_with_similar_ones(library, tmp_path):
    waves = {"prompt": "a person waves both hands", "category": "gestures"}
    content = {"format": 1, "prompts": [*PROMPTS, waves], "weak": ["a person scrubs both hands"]}
    (tmp_path / "model" / "prompts.json").write_text(json.dumps(content))
    reading = part("motionlcm_blender.text.prompt_library")
    encode = part("motionlcm_blender.text.encoders").open_minilm().encode
    vectors = reading.read_library(tmp_path / "model").with_vectors(lambda text: encode(text)[1]).vectors
    writing = part("motionlcm_blender.files.safetensors_files")
    writing.write_arrays(tmp_path / "model" / reading.VECTORS, {"embeddings": vectors})
    part("operators.session.model_session").get().forget()
    add_character()
    generate("a person walks slowly")
    assert "motionlcm.use_library_prompt" not in operators(drawn("MOTIONLCM_PT_main"))
    generate("a man scrubs both hands")
    calls = drawn("MOTIONLCM_PT_main").seen
    offered = [given["text"] for _, given in calls if given.get("operator") == "motionlcm.use_library_prompt"]
    assert offered == ["a person waves both hands"]
    assert "seen to fail at a prompt like this" in texts(drawn("MOTIONLCM_PT_main"))
    generate("a bus stops at the station")
    assert "No prompt like this" in texts(drawn("MOTIONLCM_PT_main"))
    assert "What it can do: Prompt Library" in texts(drawn("MOTIONLCM_PT_main"))
    assert "motionlcm.use_library_prompt" not in operators(drawn("MOTIONLCM_PT_main"))
    settings().prompt = "a person waves both hands"
    assert "motionlcm.use_library_prompt" not in operators(drawn("MOTIONLCM_PT_main"))


def test_prompts_offered_at_first_are_in_the_bundled_library():
    bundled = part("motionlcm_blender.networks.model_folder").bundled_models() / "default"
    library = part("motionlcm_blender.text.prompt_library").read_library(bundled)
    assert all(library.find(prompt) for prompt in part("ui.panels").EXAMPLES)


def test_damaged_library_counts_as_none(library, tmp_path):
    (tmp_path / "model" / "prompts.json").write_text("{")
    part("operators.session.model_session").get().forget()
    assert part("operators.session.model_library").read(part("operators.session.model_choice").chosen()) is None
    add_character()
    generate("a person walks")
