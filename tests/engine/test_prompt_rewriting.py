"""Prompts in words that a model does not follow are replaced by captions; others stay as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import ModelFolderError
from motionlcm_blender.networks.model_folder import ModelFolder
from motionlcm_blender.text.prompt_rewriting import FILE, plain_words, read_rewrites, read_rewriting, rewritten
from tests.repeated import NETWORK

BUNDLED = ModelFolder.open(None).path
REWRITING = read_rewriting(BUNDLED)


@pytest.mark.parametrize(
    ("prompt", "caption"),
    [
        ("A woman faints.", "a person collapses backward."),
        ("a man passes out in the heat", "a person collapses backward."),
        ("a fighter is knocked over backward", "someone falls flat on their back."),
        ("a soldier crawls under barbed wire", "a person crawls forward on the belly."),
        ("an old man walks with a cane", "a person walks like an old man with a cane"),
        ("a knocked out boxer gets back on the feet", "a person gets up from the floor"),
        ("he limps", "someone limps forward with a hurt leg."),
        ("a man limps along, dragging his left leg", "someone limps forward with a hurt left leg."),
        ("a girl with a sprained right ankle", "someone limps forward with a hurt right leg."),
        ("strafe left a few steps", "a person sidesteps quickly to the left"),
        ("a kid throws a stone far away", "a person throws a ball overhand."),
        ("run to stop", "a runner sprints and stops"),
        ("strafe left a few steps then stop", "a person sidesteps quickly to the left"),
        ("she does a U-turn", "a person walks forward"),
    ],
)
def test_prompts_are_rewritten(prompt: str, caption: str) -> None:
    assert REWRITING.caption(prompt) == caption


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "a man does not faint",
        "she almost faints",
        "a boy falls asleep",
        "a woman falls in love and dances a waltz",
        "she slips on a coat",
        "a thief slips away",
        "a man walks up and then faints",
        "a person throws a ball with the left hand",
        "a pitcher catches the ball",
        "the noise dies down",
        "a person carries a limp body",
        "an old man beats the floor with his cane",
        "a duck",
        "",
    ],
)
def test_other_prompts_stay(prompt: str) -> None:
    assert REWRITING.caption(prompt) is None


@pytest.mark.parametrize(
    ("prompt", "path", "to_right"),
    [
        ("a worried father paces back and forth", "back and forth", False),
        ("running in a zigzag", "zigzag", False),
        ("a man walks in a clockwise square", "square", True),
        ("a man walks in a counter-clockwise square", "square", False),
        ("a runner swerves to the right around a corner", "corner", True),
        ("jogging while weaving left and right", "weave", False),
        ("a woman faints", None, False),
    ],
)
def test_ways_are_named(prompt: str, path: str | None, to_right: bool) -> None:
    found = REWRITING.find(prompt)
    assert found is not None
    assert (found.path, found.to_right) == (path, to_right)


def test_no_prompt_of_the_library_is_rewritten() -> None:
    from motionlcm_blender.text.prompt_library import read_library

    library = read_library(BUNDLED)
    assert library is not None
    assert any(rewritten(each.prompt, REWRITING.rewrites) is not None for each in library.prompts), (
        "else the test shows nothing"
    )
    assert [each.prompt for each in library.prompts if REWRITING.caption(each.prompt)] == []


def test_captions_are_not_rewritten_again() -> None:
    """A caption that another row replaced would never be seen by the network as it was watched."""
    for rewrite in REWRITING.rewrites:
        for caption in (rewrite.prompt, *(rewrite.sided.format(side=s) for s in ("left", "right") if rewrite.sided)):
            assert REWRITING.caption(caption) in (None, caption), caption


@given(st.text(max_size=200))
def test_any_text_is_read(prompt: str) -> None:
    caption = REWRITING.caption(prompt)
    assert caption is None or plain_words(caption) != plain_words(prompt)


@given(st.sampled_from(["he faints", "a girl limps on her left leg", "someone strafes right"]), st.data())
def test_case_spaces_and_marks_do_not_matter(prompt: str, data: st.DataObject) -> None:
    mark = data.draw(st.sampled_from(["", ".", "!", "..."]))
    spaced = data.draw(st.sampled_from([" ", "  ", "\n"])).join(prompt.split())
    changed = data.draw(st.sampled_from([str.upper, str.title, str.lower]))(spaced) + mark
    assert REWRITING.caption(changed) == REWRITING.caption(prompt) is not None


def test_the_network_gets_the_caption() -> None:
    model = MotionLCM.from_folder(None, "numpy")
    faints = model.features(Request("a woman faints", 60, seed=3))
    collapses = model.features(Request("a person collapses backward.", 60, seed=3))
    plain = model.features(Request("a woman faints", 60, seed=3, rewrite=False))
    np.testing.assert_allclose(faints, collapses, atol=NETWORK * np.abs(collapses).max())
    assert np.abs(faints - plain).max() > 0.1


def test_a_model_without_rewrites_keeps_prompts(tmp_path: Path) -> None:
    assert read_rewriting(tmp_path).caption("a woman faints") is None


@pytest.mark.parametrize(
    "text",
    [
        "rewrite = 3",
        "[[rewrite]]\nprompt = 'a'",
        "[[rewrite]]\nwords = ['a']",
        "[[rewrite]]\nprompt = 'a'\nwords = []",
        "[[rewrite]]\nprompt = 'a'\nwords = ['(a+)+']",
        "[[rewrite]]\nprompt = 'a'\nwords = ['... a']",
        "[[rewrite]]\nprompt = 'a'\nwords = [3]",
        "[[rewrite]]\nprompt = ''\nwords = ['a']",
        "[[rewrite]]\nprompt = 'a'\nsided = 'a {hand}'\nwords = ['b']",
        "[[rewrite]]\nprompt = 'a'\nwords = ['b']\nother = 1",
        "[[rewrite]]\nprompt = 'a'\nwords = ['b']\npath = 'spiral'",
        "[[rewrite",
        "other = 1",
    ],
)
def test_damaged_files_are_refused_with_a_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(ModelFolderError, match=r"rewrites\.toml in .* is damaged"):
        read_rewrites(tmp_path)


def test_a_pattern_of_words() -> None:
    from motionlcm_blender.text.prompt_rewriting import _pattern

    pattern = _pattern(["throw* ... stone|rock", "u turn"], "")
    assert pattern.search("a kid throws a big flat stone")
    assert pattern.search("throwing rock")
    assert pattern.search("a u turn")
    assert not pattern.search("throws one two three four five stone")
    assert not pattern.search("throws a stones")
    assert not pattern.search("a rock throws")
