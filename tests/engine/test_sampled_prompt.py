"""The network gets a plain prompt for the body beneath gestures, kicks and hops, and otherwise that of the request."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.generation.sampled_prompt import sampled_prompt

LINE = Hints.ground_path(np.stack([np.zeros(60), np.linspace(0, 3, 60)], 1))


@pytest.mark.parametrize(
    ("prompt", "plain"),
    [
        ("  a person walks forward ", "a person walks forward"),
        ("a kid throws a stone", "a person stands still"),
        ("a ninja does a side kick", "a person does a side kick with the right leg"),
        ("a child hops on one foot", "a person hops on the right leg"),
        ("a child hops on the left foot", "a child hops on the left foot"),
    ],
)
def test_plain_prompts(prompt: str, plain: str) -> None:
    assert sampled_prompt(Request(prompt, 60)) == plain
    assert sampled_prompt(Request(prompt, 60, gestures=False)) == prompt.strip()


def test_along_a_path_the_body_walks() -> None:
    pushes, throws = "a woman pushes a shopping cart", "a kid throws a stone"
    assert sampled_prompt(Request(pushes, 60, hints=LINE)) == "a person walks forward"
    assert sampled_prompt(Request(throws, 60, hints=LINE)) == throws
