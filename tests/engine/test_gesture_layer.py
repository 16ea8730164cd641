"""Gestures on a motion: arms and head do what the prompt names; legs, bones and given frames stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import Request
from motionlcm_blender.gestures.definitions import gestures
from motionlcm_blender.gestures.gesture_layer import add_gestures
from motionlcm_blender.gestures.performance import chest_axes
from motionlcm_blender.gestures.prompt_gestures import PlannedGesture, prompt_gestures
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.skeleton import PARENTS
from tests.synthetic_actions import J, standing

LEGS = [J[f"{side}_{part}"] for side in "lr" for part in ("hip", "knee", "ankle", "foot")] + [0]
FEET = [J[f"{side}_{part}"] for side in "lr" for part in ("ankle", "foot")]
STRAIGHT = np.tile([1.0, 0.0, 0.0, 0.0], (3, 1)).astype(np.float32)


def still(frames: int = 100) -> tuple[np.ndarray, np.ndarray]:
    joints = np.repeat(standing()[:1], frames, axis=0).astype(np.float32)
    return joints, np.repeat(STRAIGHT[None], frames, axis=0)


def performed(prompt: str, frames: int = 100, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    joints, turns = still(frames)
    made, head_hands = add_gestures(joints, turns, prompt_gestures(prompt), seed)
    assert head_hands is not None
    return made, head_hands


def wrists(joints: np.ndarray) -> np.ndarray:
    """(T, 2, 3) left and right wrist from the middle of the shoulders: left, up, ahead."""
    middle = (joints[:, J["l_shoulder"]] + joints[:, J["r_shoulder"]]) / 2
    places = joints[:, [J["l_wrist"], J["r_wrist"]]] - middle[:, None]
    return np.einsum("tji,tnj->tni", chest_axes(joints.astype(np.float64)), places)


def yaw(head_hands: np.ndarray) -> np.ndarray:
    """Degrees of the head to the left."""
    w, _, y, _ = np.moveaxis(head_hands[:, 0], -1, 0)
    return np.degrees(2 * np.arctan2(y, w))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(gestures()), st.booleans(), st.integers(16, 196), st.integers(-5, 10**6), st.data())
def test_legs_and_bones_stay(gesture: object, mirrored: bool, frames: int, seed: int, data: st.DataObject) -> None:
    joints, turns = still(frames)
    first = data.draw(st.integers(0, frames - 1))
    last = data.draw(st.integers(first + 1, frames))
    planned = [PlannedGesture(gesture, mirrored)]  # type: ignore[arg-type]
    made, head_hands = add_gestures(joints, turns, planned, seed, (first, last))
    assert head_hands is not None
    assert np.isfinite(made).all() and np.isfinite(head_hands).all()
    np.testing.assert_allclose(np.linalg.norm(head_hands, axis=-1), 1.0, atol=1e-4)
    moves_pelvis = any(pose.pelvis != (0.0, 0.0) for pose in gesture.poses)  # type: ignore[attr-defined]
    stays = FEET if moves_pelvis else LEGS
    np.testing.assert_allclose(made[:, stays], joints[:, stays], atol=0.02 if moves_pelvis else 1e-6)
    for motion in (made, joints):
        lengths = np.linalg.norm(motion[:, 1:] - motion[:, list(PARENTS[1:])], axis=-1)
        np.testing.assert_allclose(lengths, np.broadcast_to(lengths[:1], lengths.shape), atol=2e-3)
    np.testing.assert_allclose(made[:first], joints[:first], atol=1e-5)
    if last < frames:
        np.testing.assert_allclose(made[last:], joints[last:], atol=1e-5)


def test_the_seed_decides() -> None:
    first, again, other = (performed("a person claps", seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_allclose(first, again, atol=1e-5)
    assert np.abs(first - other).max() > 0.02


def test_without_gestures_nothing_changes() -> None:
    joints, turns = still()
    made, head_hands = add_gestures(joints, turns, prompt_gestures("a person stands"), 0)
    assert made is joints and head_hands is turns


def test_hands_meet_in_claps_until_the_end() -> None:
    apart = np.linalg.norm(np.diff(wrists(performed("a person claps")[0]), axis=1)[:, 0], axis=-1)
    assert (apart[70:] < 0.16).any() and (apart[70:] > 0.22).any()
    meetings = np.flatnonzero((apart[1:-1] < apart[:-2]) & (apart[1:-1] <= apart[2:]) & (apart[1:-1] < 0.2))
    assert len(meetings) >= 8


def test_the_head_turns_to_both_sides() -> None:
    for seed in range(4):
        turned = yaw(performed("a person looks around", seed=seed)[1])
        assert turned.max() > 40 and turned.min() < -40


def test_a_look_aside_is_to_the_named_side() -> None:
    assert yaw(performed("a person looks to the left")[1]).max() > 40
    assert yaw(performed("a person looks to the right")[1]).min() < -40


def test_the_named_hand_is_raised() -> None:
    for side, number in (("left", 0), ("right", 1)):
        high = wrists(performed(f"a person salutes with the {side} hand")[0])[..., 1].max(axis=0)
        assert high[number] > 0.1 > high[1 - number]


def test_crossed_arms_stay_crossed() -> None:
    outward = wrists(performed("a person stands with crossed arms")[0])[40:, :, 0] * [1.0, -1.0]
    assert (outward < 0.02).all()


def test_the_arm_that_attempts_the_gesture_too_is_lowered() -> None:
    joints, turns = still()
    raised, _ = add_gestures(joints, turns, prompt_gestures("a person salutes with the left hand"), 0)
    raised[:] = raised[50]
    assert wrists(raised)[50, 0, 1] > 0.1
    made, _ = add_gestures(raised, turns, prompt_gestures("a person salutes with the right hand"), 0)
    busy = wrists(made)[:, 1, 1] > 0.1
    assert busy.any() and (wrists(made)[busy, 0, 1] < -0.3).mean() > 0.8


def test_an_action_before_another_ends_before_it() -> None:
    made, _ = performed("a person waves and then stands still", 120)
    base, _ = still(120)
    assert np.abs(made[:60] - base[:60]).max() > 0.3
    np.testing.assert_allclose(made[60:], base[60:], atol=1e-5)


@pytest.mark.parametrize("on", [True, False])
def test_the_request_switches_gestures(on: bool) -> None:
    joints, turns = still()
    request = Request("a person claps", len(joints), gestures=on)
    motion = postprocess_motion(request, joints, np.ones((len(joints), 4)), {}, 0.0, head_hands=turns)
    apart = np.linalg.norm(np.diff(wrists(motion.joints), axis=1)[:, 0], axis=-1)
    assert (apart.min() < 0.16) == on


def test_the_frames_of_a_start_stay() -> None:
    joints, turns = still()
    start = Motion(joints[:20], np.ones((20, 4), np.float32))
    request = Request("a person claps", len(joints), start=start)
    contacts = np.ones((len(joints), 4))
    plain, gestured = (
        postprocess_motion(replace(request, gestures=on), joints, contacts, {}, 0.0, head_hands=turns)
        for on in (False, True)
    )
    np.testing.assert_allclose(gestured.joints[:20], plain.joints[:20], atol=1e-5)
    assert np.abs(gestured.joints - plain.joints).max() > 0.1


def speeds(joints: np.ndarray) -> np.ndarray:
    """(T - 1, 2) m/s of left and right wrist."""
    return 20 * np.linalg.norm(np.diff(joints[:, [J["l_wrist"], J["r_wrist"]]], axis=0), axis=-1)


@pytest.mark.parametrize(("side", "number"), [("left", 0), ("right", 1)])
def test_a_throw_has_a_wind_up_a_fast_release_and_ends(side: str, number: int) -> None:
    for seed in range(4):
        made, _ = performed(f"a person throws a ball with the {side} hand", 80, seed)
        fast = speeds(made)
        assert fast[:, number].argmax() > 10 and fast[:, number].max() > 3.5
        assert fast[:, number].max() > 1.3 * fast[:, 1 - number].max()
        release = int(fast[:, number].argmax())
        place = wrists(made)[:, number]
        assert place[max(0, release - 8) : release, 2].min() < -0.1, "the hand is behind the shoulders before"
        assert place[release : release + 8, 2].max() > 0.2, "and ahead after it"
        np.testing.assert_allclose(made[-1], still(80)[0][-1], atol=0.02)


def test_an_action_is_performed_as_often_as_named() -> None:
    for words, number in (("", 1), (" twice", 2), (" three times", 3)):
        made, _ = performed(f"a person throws a ball{words}", 160)
        behind = wrists(made)[:, 1, 2] < -0.1
        assert (np.diff(behind.astype(int)) == 1).sum() == number


def test_a_spike_is_at_the_top_of_the_jump() -> None:
    joints, turns = still(70)
    height = 0.5 * np.exp(-0.5 * ((np.arange(70) - 40) / 5.0) ** 2)
    joints[..., 1] += height[:, None]
    for seed in range(4):
        made, _ = add_gestures(joints, turns, prompt_gestures("a player jumps and spikes the ball"), seed)
        top = int(wrists(made)[:, 1, 1].argmax())
        assert abs(top - 40) <= 4


def test_a_pose_may_lower_the_pelvis_over_standing_feet() -> None:
    made, _ = performed("a person opens a treasure chest")
    joints, _ = still()
    assert (joints[:, 0, 1] - made[:, 0, 1]).max() > 0.2
    np.testing.assert_allclose(made[:, FEET], joints[:, FEET], atol=0.02)
