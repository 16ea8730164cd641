"""The network gets a plain prompt for the body beneath gestures, kicks and hops, and otherwise that of the request."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.plain_body import plain_body
from motionlcm_blender.generation.prompt_rewriter import PromptRewriter
from motionlcm_blender.generation.request import Hints, Request

LINE = Hints.ground_path(np.stack([np.zeros(60), np.linspace(0, 3, 60)], 1))


@pytest.mark.parametrize(
    ("prompt", "plain"),
    [
        ("  a person walks forward ", None),
        ("a kid throws a stone", "a person stands still"),
        ("a ninja does a side kick", "a person does a side kick with the right leg"),
        ("a child hops on one foot", "a person hops on the right leg"),
        ("a child hops on the left foot", None),
    ],
)
def test_plain_prompts(prompt: str, plain: str | None) -> None:
    request = Request(prompt, 60)
    assert plain_body(request) == plain
    assert PromptRewriter(None).text(request) == (prompt.strip() if plain is None else plain)
    assert plain_body(Request(prompt, 60, gestures=False)) is None


def test_along_a_path_the_body_walks() -> None:
    assert plain_body(Request("a woman pushes a shopping cart", 60, hints=LINE)) == "a person walks forward"
    assert plain_body(Request("a kid throws a stone", 60, hints=LINE)) is None


def test_a_caption_of_the_request_has_priority() -> None:
    assert PromptRewriter(None).text(Request("a kid throws a stone", 60, caption="a person runs")) == "a person runs"
