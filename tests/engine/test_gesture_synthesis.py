"""Synthesized gestures do what their captions name, and keep body, bones and feet of what they are laid over."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.gestures.definitions import gestures
from motionlcm_blender.gestures.performance import chest_axes
from motionlcm_blender.motion.head_hands import from_features
from motionlcm_blender.motion.skeleton import MAX_FRAMES, PARENTS
from motionlcm_blender.training.data.composition import Composed
from motionlcm_blender.training.data.gesture_synthesis import synthesize_gestures
from motionlcm_blender.training.data.motion_piece import MotionPiece
from tests.synthetic_actions import J, standing
from tests.synthetic_motion import walk

STRAIGHT_HEAD = np.tile([1.0, 0, 0, 0, 1, 0], 3).astype(np.float32)


def still() -> MotionPiece:
    joints = standing()
    return MotionPiece.of(joints, np.tile(STRAIGHT_HEAD, (len(joints), 1)))


def walking() -> MotionPiece:
    joints = walk(150)
    return MotionPiece.of(joints, np.tile(STRAIGHT_HEAD, (len(joints), 1)))


def examples() -> list[Composed]:
    return list(synthesize_gestures([still()], [walking()], len(gestures()), np.random.default_rng(0)))


def of(name: str, count: int = 6) -> list[Composed]:
    """Examples of one gesture while standing."""
    chosen = [gesture for gesture in gestures() if gesture.name == name]
    return list(synthesize_gestures([still()], [], count, np.random.default_rng(3), among=chosen))


def wrists(example: Composed) -> np.ndarray:
    """(T, 2, 3) left and right wrist from the middle of the shoulders: left, up, ahead."""
    joints = example.piece.joints.astype(np.float64)
    middle = (joints[:, J["l_shoulder"]] + joints[:, J["r_shoulder"]]) / 2
    places = joints[:, [J["l_wrist"], J["r_wrist"]]] - middle[:, None]
    return np.einsum("tji,tnj->tni", chest_axes(joints), places)


def head_yaw(example: Composed) -> np.ndarray:
    """Degrees to the left."""
    w, _, y, _ = np.moveaxis(from_features(example.piece.head_hands)[:, 0], -1, 0)
    return np.degrees(2 * np.arctan2(y, w))


def test_bones_feet_and_pelvis_stay() -> None:
    for example in examples():
        joints = example.piece.joints.astype(np.float64)
        length = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
        assert np.ptp(length, axis=0).max() < 2e-3, example.captions
        assert 10 < len(joints) <= MAX_FRAMES + 1
        assert np.isfinite(joints).all()
        assert np.isfinite(example.piece.head_hands).all()
    feet = [J["l_ankle"], J["r_ankle"], J["pelvis"]]
    for example in synthesize_gestures([still()], [], len(gestures()), np.random.default_rng(1)):
        assert np.ptp(example.piece.joints[:, feet], axis=0).max() < 0.05


def test_hands_meet_in_a_clap_and_part_again() -> None:
    for example in of("clap"):
        apart = np.linalg.norm(np.diff(wrists(example), axis=1)[:, 0], axis=-1)
        assert apart.min() < 0.16
        meets = (apart[1:-1] < apart[:-2]) & (apart[1:-1] <= apart[2:]) & (apart[1:-1] < 0.22)
        assert meets.sum() >= 2, "it claps more than once"


def test_the_hand_points_to_the_side_that_the_caption_names() -> None:
    for example in of("point aside"):
        left = "left" in example.captions[0]
        places = wrists(example)
        farthest = places[:, 0, 0].max() if left else -places[:, 1, 0].min()
        assert farthest > 0.55
        assert (head_yaw(example).max() > 30) if left else (head_yaw(example).min() < -30)


def test_the_head_turns_to_both_sides_when_it_looks_around() -> None:
    for example in of("look around"):
        yaw = head_yaw(example)
        assert yaw.max() > 30
        assert yaw.min() < -30


def test_shoulders_rise_in_a_shrug() -> None:
    for example in of("shrug"):
        joints = example.piece.joints
        rise = joints[:, J["l_shoulder"], 1] - joints[:, J["spine3"], 1]
        assert np.ptp(rise) > 0.035


def test_captions_name_the_gesture_and_are_none_of_those_held_back() -> None:
    known = [gesture for gesture in gestures() if gesture.captions]
    held = {f"a person {gesture.captions[0].format(side='left', other='right')}" for gesture in known}
    made = synthesize_gestures([still()], [], len(gestures()), np.random.default_rng(0), held)
    for example in made:
        assert example.captions
        assert not {caption.rstrip(".") for caption in example.captions} & held
        assert not any("{" in caption for caption in example.captions)


@given(st.integers(0, 10_000))
@settings(max_examples=3, deadline=None)
def test_hands_accelerate_as_people_do(seed: int) -> None:
    stand = synthesize_gestures([still()], [], len(gestures()), np.random.default_rng(seed))
    for example in stand:
        acceleration = np.linalg.norm(np.diff(wrists(example), 2, axis=0), axis=-1) * 400
        assert acceleration.max(initial=0.0) < 260, example.captions


def test_without_standing_figures_there_are_none() -> None:
    assert list(synthesize_gestures([], [walking()], 5, np.random.default_rng(0))) == []


def test_a_figure_whose_head_was_not_captured_is_not_used() -> None:
    assert list(synthesize_gestures([MotionPiece.of(standing())], [], 5, np.random.default_rng(0))) == []


def test_an_action_without_captions_is_no_example() -> None:
    assert of("throw") == []
