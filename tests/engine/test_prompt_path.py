"""Prompts that name the shape of a way go that way; a path of the user, a facing and poses have priority."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.generation.request import Hints
from motionlcm_blender.motion.path_shapes import SHAPES, shaped_path

FRAMES = 100


@pytest.fixture(scope="module")
def model() -> MotionLCM:
    return MotionLCM.from_folder(None, "numpy")


@given(st.sampled_from(SHAPES), st.floats(1.0, 60.0), st.booleans())
@settings(deadline=None)
def test_ways_begin_at_the_origin_ahead_and_have_their_length(shape: str, length: float, to_right: bool) -> None:
    path = shaped_path(shape, length, to_right)
    assert path.length == pytest.approx(length, rel=0.01)
    np.testing.assert_allclose(path.points[0], 0.0, atol=1e-9)
    ahead = path.points[1] - path.points[0]
    if shape != "eight":  # its first step already bends
        assert np.degrees(np.arctan2(abs(ahead[0]), ahead[1])) < 15.0
    np.testing.assert_allclose(shaped_path(shape, length, not to_right).points * [-1.0, 1.0], path.points, atol=1e-9)


def test_a_square_returns_and_a_corner_does_not() -> None:
    square, corner = shaped_path("square", 12.0).points, shaped_path("corner", 12.0).points
    assert np.linalg.norm(square[-1]) < 0.8
    assert corner[-1][0] > 5.0, "the left is +X"
    assert shaped_path("corner", 12.0, True).points[-1][0] < -5.0


@pytest.mark.parametrize(("shape", "length"), [("spiral", 3.0), ("square", 0.0), ("square", float("nan"))])
def test_other_shapes_and_lengths_are_refused(shape: str, length: float) -> None:
    with pytest.raises(InvalidRequest):
        shaped_path(shape, length)


def test_the_figure_paces_back_and_forth(model: MotionLCM) -> None:
    request = Request("a worried father paces back and forth", FRAMES, seed=1)
    motion = model.generate(request)[0]
    ahead = motion.joints[:, 0, 2]
    turn = int(np.argmax(ahead))
    assert 0.3 * FRAMES < turn < 0.7 * FRAMES
    assert ahead[turn] > 2.0
    assert ahead[-1] < 0.4 * ahead[turn]
    assert motion.request == request
    assert not any("path" in name for name in motion.report)


def test_takes_keep_their_seeds(model: MotionLCM) -> None:
    takes = model.generate(Request("a guard patrols", FRAMES, seed=4, takes=2))
    assert len({take.request.seed for take in takes}) == 2
    assert all(take.request.hints is None and take.request.caption is None for take in takes)


def test_gestures_of_the_prompt_are_performed_on_the_way(model: MotionLCM) -> None:
    request = Request("someone talks on the phone while pacing", FRAMES, seed=1)
    with_phone, without = (model.generate(replace(request, gestures=on))[0].joints for on in (True, False))
    wrist, head = 21, 15
    near = np.linalg.norm(with_phone[30:, wrist] - with_phone[30:, head], axis=-1).mean()
    far = np.linalg.norm(without[30:, wrist] - without[30:, head], axis=-1).mean()
    assert near < 0.3 < far


def test_without_a_path_the_network_gets_the_prompt_that_names_the_way(model: MotionLCM) -> None:
    request = Request("a guard patrols", FRAMES, seed=1)
    assert model.rewriter.text(request) == "a guard patrols"
    line = np.stack([np.zeros(FRAMES), np.linspace(0.0, 5.0, FRAMES)], -1)
    assert model.rewriter.text(replace(request, hints=Hints.ground_path(line))) == "a person walks forward"


def test_a_sidestep_along_a_path_keeps_its_prompt(model: MotionLCM) -> None:
    request = Request("a person sidesteps to the left", FRAMES, seed=1)
    assert model.rewriter.text(request) == "a person sidesteps quickly to the left"
    line = np.stack([np.linspace(0.0, 2.0, FRAMES), np.zeros(FRAMES)], -1)
    assert model.rewriter.text(replace(request, hints=Hints.ground_path(line))) == request.prompt


def test_what_is_given_has_priority(model: MotionLCM) -> None:
    request = Request("a guard patrols", FRAMES, seed=1)
    line = np.stack([np.zeros(FRAMES), np.linspace(0.0, 5.0, FRAMES)], -1)
    on_line = model.generate(replace(request, hints=Hints.ground_path(line)))[0]
    np.testing.assert_allclose(on_line.joints[-1, 0, [0, 2]], line[-1], atol=0.1)
    plain = model.generate(replace(request, rewrite=False))[0].joints[:, 0]
    facing = model.generate(replace(request, facing=np.zeros(FRAMES)))[0].joints[:, 0]
    paced = model.generate(request)[0].joints[:, 0]
    assert min(np.abs(plain - paced).max(), np.abs(facing - paced).max()) > 0.5
