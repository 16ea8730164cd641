"""Motion of several actions: the frames of each, and how they are made and joined."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk
from tiny_model import TINY, write_tiny_model

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import Cancelled
from motionlcm_blender.generation.action_parts import SHORTEST, ActionPart, is_divisible, planned_parts
from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import START_FRAMES, Hints
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.postprocess.headings import facing_angles
from motionlcm_blender.postprocess.leg_ik import rotated_about_y
from motionlcm_blender.text.prompt_vocabulary import Vocabulary
from tests.repeated import JOINTS_M, assert_same_motion

VOCABULARY = Vocabulary({}, {}, {"walk": 6.0, "wave": 3.0, "throw": 2.0, "kick": 1.0})
SEQUENCE = "a person waves and then throws a ball"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MotionLCM:
    folder: Path = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder, TINY)
    return MotionLCM.from_folder(folder, "numpy")


@given(
    frames=st.integers(8, 600),
    prompt=st.sampled_from(
        ["a man waves, then kicks, then throws a ball", "a man jumps up and down", "a man waves, then jumps four times",
         "a man paces back and forth", "a man waves, then jumps from stone to stone, then kicks", SEQUENCE]
    ),
    vocabulary=st.sampled_from([None, VOCABULARY]),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_parts_cover_the_motion_in_order(frames: int, prompt: str, vocabulary: Vocabulary | None) -> None:
    parts = planned_parts(Request(prompt, frames), vocabulary)
    if not parts:
        assert frames < 6 * SHORTEST
        return
    assert parts[0].begin == 0 and parts[-1].end == frames
    assert all(a.end == b.begin for a, b in itertools.pairwise(parts))
    assert min(part.end - part.begin for part in parts) >= SHORTEST


def test_lengths_are_in_proportion_to_those_of_captured_actions() -> None:
    waved, thrown = planned_parts(Request(SEQUENCE, 200), VOCABULARY)
    assert (waved.end, thrown.end) == (120, 200)
    kicked, thrown = planned_parts(Request("a man kicks, then throws a ball", 42), VOCABULARY)
    assert kicked.end - kicked.begin == SHORTEST and thrown.end == 42


def test_what_has_no_number_is_done_as_often_as_there_is_time_for() -> None:
    counts = [
        len(planned_parts(Request("a man jumps up and down", frames), VOCABULARY)) for frames in (30, 52, 104, 208)
    ]
    assert counts == [1, 2, 4, 8]
    assert len(planned_parts(Request("a man jumps 3 times", 208), VOCABULARY)) == 3


def test_a_start_comes_before_the_first_part() -> None:
    start = Motion(walk(START_FRAMES), np.zeros((START_FRAMES, 4), np.float32))
    parts = planned_parts(Request(SEQUENCE, 120, start=start), VOCABULARY)
    assert parts[0].begin == START_FRAMES and parts[-1].end == 120


def test_a_directed_motion_and_a_single_action_are_not_divided() -> None:
    line = np.stack([np.zeros(100), np.linspace(0.0, 2.0, 100)], -1)
    end = Motion(walk(10), np.zeros((10, 4), np.float32))
    assert is_divisible(Request(SEQUENCE, 100))
    assert not is_divisible(Request("a person waves", 100))
    for changed in ({"hints": Hints.ground_path(line)}, {"facing": np.zeros(100)}, {"end": end}, {"sequence": False}):
        assert not is_divisible(replace(Request(SEQUENCE, 100), **changed))


def test_a_sequence_is_made_of_its_parts(model: MotionLCM) -> None:
    request = Request(SEQUENCE, 100, seed=3, takes=2)
    shares: list[float] = []
    first, second = model.generate(request, lambda share, what: shares.append(share))
    assert shares == sorted(shares) and first.report["pieces"] == 2
    assert first.joints.shape == (100, 22, 3) and first.contacts.shape == (100, 4)
    assert first.request.prompt == SEQUENCE and [first.seed, second.seed] == [3, 4]
    assert np.linalg.norm(np.diff(first.joints, axis=0), axis=-1).max() < 0.6
    again = model.generate(replace(request, seed=4, takes=1))[0]
    assert_same_motion(again.joints, second.joints, 1e-3)
    whole = model.generate(replace(request, takes=1, sequence=False))[0]
    assert np.abs(whole.joints - first.joints).max() > 1e-2


def test_the_first_part_is_what_its_prompt_gives(model: MotionLCM) -> None:
    request = Request(SEQUENCE, 100, seed=3)
    end = planned_parts(request, model.vocabulary)[0].end
    alone = model.features(Request("a person waves", end, seed=3))
    made = model.generate(replace(request, gestures=False))[0]
    usual = model.generate(Request("a person waves", end, seed=3, gestures=False))[0]
    assert alone.shape[1] == end
    np.testing.assert_allclose(made.joints[: end // 2], usual.joints[: end // 2], atol=0.05)


def test_a_prompt_of_one_action_is_the_same_with_and_without(model: MotionLCM) -> None:
    request = Request("a person walks and waves", 60, seed=2)
    on, off = (model.generate(replace(request, sequence=each))[0] for each in (True, False))
    np.testing.assert_allclose(on.joints, off.joints, atol=JOINTS_M)


def test_too_little_time_is_named_and_the_motion_is_made_as_a_whole(model: MotionLCM) -> None:
    request = Request(SEQUENCE, 2 * SHORTEST - 2, seed=1)
    made = model.generate(request)[0]
    assert made.warnings == ("The prompt names 2 actions, which need 2.0 seconds; in less they are mixed.",)
    whole = model.generate(replace(request, sequence=False))[0]
    np.testing.assert_allclose(made.joints, whole.joints, atol=JOINTS_M)
    assert made.request.sequence


def test_a_sequence_goes_on_from_a_start_and_can_be_played_faster_mirrored_and_stopped(model: MotionLCM) -> None:
    start = Motion(walk(START_FRAMES), np.zeros((START_FRAMES, 4), np.float32))
    made = model.generate(Request(SEQUENCE, 120, start=start))[0]
    np.testing.assert_allclose(made.joints[START_FRAMES - 2], walk(START_FRAMES)[-2], atol=1e-3)
    assert model.generate(Request(SEQUENCE, 60, speed=2.0))[0].joints.shape == (60, 22, 3)
    assert model.generate(Request(SEQUENCE, 100, mirror=True))[0].joints.shape == (100, 22, 3)
    with pytest.raises(Cancelled):
        model.generate(Request(SEQUENCE, 100), cancel=lambda: True)


def _turning(frames: int, degrees: float) -> np.ndarray:
    joints = walk(frames, speed=0.0).astype(np.float64)
    return rotated_about_y(joints, np.radians(degrees) * np.linspace(0.0, 1.0, frames)[:, None])


def test_turns_are_fitted_within_their_part() -> None:
    joints = _turning(120, 0.0)
    joints[60:] = _turning(60, 130.0)
    parts = (ActionPart("a person stands", 0, 60), ActionPart("a person turns left", 60, 120))
    request = Request("a person stands, then turns left", 120)
    made = postprocess_motion(request, joints, np.zeros((120, 4)), {}, 0.0, parts=parts)
    facing = np.degrees(facing_angles(made.joints.astype(np.float64)))
    assert abs(facing[55] - facing[0]) < 2.0
    assert abs(abs(facing[-3:].mean() - facing[0]) - 90.0) < 12.0


def test_gestures_are_performed_within_their_part() -> None:
    joints = walk(120, speed=0.0)
    parts = (ActionPart("a person stands", 0, 80), ActionPart("a person claps", 80, 120))
    request = Request("a person stands, then claps", 120)
    made = postprocess_motion(request, joints, np.zeros((120, 4)), {}, 0.0, parts=parts)
    plain = postprocess_motion(replace(request, gestures=False), joints, np.zeros((120, 4)), {}, 0.0, parts=parts)
    moved = np.linalg.norm(made.joints - plain.joints, axis=-1).max(-1)
    assert moved[:80].max() < 1e-6 and moved[80:].max() > 0.1
