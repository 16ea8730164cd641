"""Turns that prompts name, and motion that turns as far."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.skeleton import PARENTS
from motionlcm_blender.postprocess.headings import facing_angles
from motionlcm_blender.postprocess.turn_fitting import turn_difference, turned
from motionlcm_blender.text.named_turn import named_turn
from tests.synthetic_actions import standing


@pytest.mark.parametrize(
    ("prompt", "degrees", "side"),
    [
        ("a person turns left", 90, 1),
        ("a walker takes a sharp right turn", 90, -1),
        ("someone pivots to the right and stays there", 90, -1),
        ("a person walks forward, then turns left", 90, 1),
        ("a person turns around", 180, 0),
        ("a man walks forward, then makes a U-turn", 180, 0),
        ("a woman turns on her heel and strides back", 180, 0),
        ("turn in place 45 degrees to the left", 45, 1),
        ("a person rotates 270° clockwise", 270, -1),
        ("a person slowly turns all the way around to the left", 360, 1),
        ("a person makes a full turn", 360, 0),
    ],
)
def test_turns_are_found(prompt: str, degrees: float, side: int) -> None:
    turn = named_turn(prompt)
    assert turn is not None
    assert turn.angle == pytest.approx(math.radians(degrees))
    assert turn.side == side


@pytest.mark.parametrize(
    "prompt",
    [
        "a person walks forward",
        "a person turns the head to the left",
        "a person turns left and then turns right",
        "a person twists the upper body, turning left and right",
        "a dancer spins",
        "a ballerina dances and turns left",
        "a person walks in a circle to the left",
        "a driver turns the wheel to the right",
        "a person turns 5 degrees to the left",
        "a person kicks with the left leg",
    ],
)
def test_other_prompts_name_no_turn(prompt: str) -> None:
    assert named_turn(prompt) is None


def turning(degrees: float, frames: int = 80) -> np.ndarray:
    """A standing figure that turns, and drifts 30 cm ahead."""
    joints = np.repeat(standing()[:1].astype(np.float64), frames, axis=0)
    joints[..., 2] += np.linspace(0.0, 0.3, frames)[:, None]
    part = np.clip((np.arange(frames) - 15) / (frames - 30), 0.0, 1.0)
    return turned(joints, np.radians(degrees) * part)


def turn_of(joints: np.ndarray) -> float:
    """Degrees from the first to the last frames."""
    facing = facing_angles(joints)
    return float(np.degrees(facing[-5:].mean() - facing[:3].mean()))


@given(st.floats(40, 300), st.sampled_from((1.0, -1.0)), st.floats(45, 360), st.booleans())
def test_the_turn_becomes_as_wide_as_named(own: float, sign: float, wanted: float, open_side: bool) -> None:
    joints = turning(sign * own)
    difference = turn_difference(joints, math.radians(wanted), 0 if open_side else int(sign))
    if difference is None:
        factor = wanted / own
        assert abs(factor - 1.0) < 0.1 or factor < 0.26 or factor > 1.9
        return
    fitted = turned(joints, difference)
    assert turn_of(fitted) == pytest.approx(sign * wanted, abs=6)
    np.testing.assert_allclose(fitted[0], joints[0], atol=1e-9)
    bones = [np.linalg.norm(m[:, 1:] - m[:, list(PARENTS[1:])], axis=-1) for m in (fitted, joints)]
    np.testing.assert_allclose(*bones, atol=1e-9)
    steps = [np.linalg.norm(np.diff(m[:, 0], axis=0), axis=-1) for m in (fitted, joints)]
    np.testing.assert_allclose(*steps, atol=1e-9)


def test_a_turn_to_the_other_side_stays() -> None:
    assert turn_difference(turning(-120), math.radians(90), 1) is None


def test_the_post_processing_fits_the_turn_unless_a_path_directs_the_motion() -> None:
    joints = turning(200).astype(np.float32)
    contacts = np.zeros((len(joints), 4))
    request = Request("a person turns left", len(joints))
    assert turn_of(postprocess_motion(request, joints, contacts, {}, 0.0).joints) == pytest.approx(90, abs=6)
    path = Hints.ground_path(joints[:, 0][:, [0, 2]])
    on_path = postprocess_motion(Request("a person turns left", len(joints), hints=path), joints, contacts, {}, 0.0)
    assert abs(turn_of(on_path.joints) - 90) > 30
