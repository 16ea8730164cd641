"""The direction of travel that a prompt names."""

from __future__ import annotations

import math

import pytest

from motionlcm_blender.text.travel_direction import BACKWARD, FORWARD, LEFT, RIGHT, travel_direction


@pytest.mark.parametrize(
    ("prompt", "direction"),
    [
        ("a person walks forward", FORWARD),
        ("someone is walking", FORWARD),
        ("a person runs", FORWARD),
        ("a person turns left", FORWARD),
        ("a person kicks with the right leg", FORWARD),
        ("a person walks backward", BACKWARD),
        ("someone walks backwards slowly", BACKWARD),
        ("she backs away from something", BACKWARD),
        ("a man moonwalks", BACKWARD),
        ("a person sidesteps to the left", LEFT),
        ("someone steps sideways to the left", LEFT),
        ("a person side-steps right", RIGHT),
        ("a person walks sideways", LEFT),
        ("strafing right", RIGHT),
        ("a person shuffles to the right", RIGHT),
        ("a person steps to the right", RIGHT),
        ("a person walks to the right", FORWARD),
        ("a person walks forward, then backward", FORWARD),
        ("a person steps side to side, left and right", FORWARD),
        ("a person walks back and forth", FORWARD),
        ("a person steps and turns to the left", FORWARD),
        ("a person sidesteps while waving the right hand", LEFT),
    ],
)
def test_directions(prompt: str, direction: float) -> None:
    assert math.isclose(travel_direction(prompt), direction), prompt
    assert travel_direction(prompt.upper()) == travel_direction(prompt)
