"""The detectors see what made-up motions do, and obedience counts it."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.request import Request
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.skeleton import FPS, MIRROR
from motionlcm_blender.training.data import action_detectors as see
from motionlcm_blender.training.data.action_detectors import Gait, Side
from motionlcm_blender.training.evaluation import obedience
from motionlcm_blender.training.evaluation.detector_agreement import RULES, agreement
from motionlcm_blender.training.evaluation.held_out_motions import TestMotion
from tests.synthetic_actions import (
    _Y,
    _Z,
    J,
    about,
    bump,
    jumping,
    kicking,
    raising_arm,
    raising_knee,
    standing,
    still,
    turning,
)
from tests.synthetic_motion import pose, walk


def mirrored(joints: np.ndarray) -> np.ndarray:
    return joints[:, MIRROR] * np.array([-1.0, 1.0, 1.0])


def turned_body(joints: np.ndarray, degrees: float) -> np.ndarray:
    """The same travel with the figure turned about its pelvis: a walk becomes a walk sideways or backward."""
    local = joints - joints[:, :1]
    q = about(_Y, np.full(len(joints), np.radians(degrees)))
    return joints[:, :1] + rot.rotate(q[:, None], local)


@pytest.mark.parametrize(
    ("detector", "joints"),
    [
        (see.turned_to, turning(90.0)),
        (see.turned_to, turning(400.0)),
        (see.kicking_leg, kicking()),
        (see.raised_arm, raising_arm()),
        (see.raised_leg, raising_knee()),
        (see.went_to, walk(80, 1.2, turn_rate=0.4)),
        (see.went_to, turned_body(walk(60, 0.6), -90.0)),
        (see.sidestepped_to, turned_body(walk(60, 0.6), -90.0)),
    ],
)
def test_left_and_its_mirror_image(detector, joints):
    assert detector(joints) is Side.LEFT
    assert detector(mirrored(joints)) is Side.RIGHT
    assert detector(standing()) is None


def test_what_is_not_quite_it_does_not_count():
    assert see.turned_to(turning(20.0)) is None
    assert see.turned_to(walk(80, 1.2)) is None
    assert see.kicking_leg(walk(80, 1.2)) is None
    assert see.kicking_leg(kicking(half=28)) is None, "a slow lift is no kick"
    assert see.raised_leg(walk(80, 1.2)) is None
    assert see.raised_leg(kicking(half=3)) is None, "a leg that is not held is not raised"
    assert see.went_to(walk(80, 1.2)) is None
    assert see.sidestepped_to(walk(80, 1.2, turn_rate=0.4)) is None


def test_both_arms_up_is_not_one_arm():
    root, local = still()
    local[:, J["l_shoulder"]] = about(_Z, -1.3 + 2.3 * bump(60, 30, 15))
    local[:, J["r_shoulder"]] = about(_Z, 1.3 - 2.3 * bump(60, 30, 15))
    assert see.raised_arm(pose(root, local)) is None


def test_turn_is_the_angle_and_full_turns_count():
    assert np.degrees(see.turn(turning(90.0))) == pytest.approx(90.0, abs=2.0)
    assert np.degrees(see.turn(turning(-400.0))) == pytest.approx(-400.0, abs=4.0)


def test_turning_around_and_back_is_turning_around():
    there = turning(170.0)
    assert see.turned_around(there) and see.turned_around(np.concatenate([there, there[::-1]]))
    assert not see.turned_around(turning(90.0))


@pytest.mark.parametrize("times", [0, 1, 2, 3])
def test_jumps_are_counted(times):
    assert see.count_jumps(jumping(times)) == times


def test_tiptoes_and_walking_are_no_jumps():
    assert see.count_jumps(jumping(3, height=0.03)) == 0
    assert see.count_jumps(walk(100, 1.4)) == 0


def test_one_raised_foot_is_no_jump():
    assert see.count_jumps(raising_knee()) == 0


@pytest.mark.parametrize(
    ("joints", "gait"),
    [
        (standing(), Gait.STAND),
        (walk(80, 1.2), Gait.WALK),
        (walk(80, 1.2, turn_rate=0.6), Gait.WALK),
        (walk(80, 2.8), Gait.RUN),
        (turned_body(walk(80, 0.8), 180.0), Gait.BACKWARD),
        (turned_body(walk(80, 0.6), 90.0), Gait.SIDESTEP),
    ],
)
def test_gaits(joints, gait):
    assert see.gait(joints) is gait


def test_speed_and_own_travel_are_those_of_the_walk():
    joints = walk(81, 1.2, turn_rate=0.5)
    forward, left = see.own_travel(joints)
    assert see.speed(joints) == pytest.approx(1.2, rel=0.05)
    assert forward == pytest.approx(1.2 * 80 / FPS, rel=0.05)
    assert abs(left) < 0.15
    assert see.goes_slowly(walk(80, 0.7)) and not see.goes_slowly(walk(80, 1.3)) and not see.goes_slowly(standing())
    assert see.goes_fast(walk(80, 1.8)) and not see.goes_fast(walk(80, 1.3))


class Actor:
    """A model that follows the prompt, or always makes the same motion."""

    def __init__(self, deaf: bool = False) -> None:
        self.deaf = deaf
        self.requests: list[Request] = []

    def generate(self, request: Request) -> list[Motion]:
        self.requests.append(request)
        joints = self._act("turns left" if self.deaf else request.prompt)
        return [Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32))] * request.takes

    def _act(self, prompt: str) -> np.ndarray:
        def has(*words: str) -> bool:
            return any(word in prompt for word in words)

        if has("around"):
            return turning(180.0)
        if has("jump"):
            return jumping(3 if has("three") else 1)
        if has("sideways", "sidesteps"):
            joints = turned_body(walk(60, 0.6), -90.0)
        elif has("turns"):
            joints = turning(90.0)
        elif has("kick"):
            joints = kicking()
        elif has("arm", "hand"):
            joints = raising_arm()
        elif has("leg", "knee"):
            joints = raising_knee()
        elif has("backward"):
            joints = turned_body(walk(80, 0.8), 180.0)
        elif has("run"):
            joints = walk(80, 2.8)
        else:
            speed = 0.7 if has("slowly") else 1.8 if has("fast") else 1.2
            joints = walk(80, speed, turn_rate=0.4 if has("left", "right") else 0.0)
        return mirrored(joints) if has("right") else joints


def test_an_obedient_model_gets_full_marks():
    figures = obedience.measure(Actor(), repeat=0, seeds=4)
    shares = {n: v for n, v in figures.items() if not n.endswith("_m_s") and "style" not in n and "look" not in n}
    assert set(shares.values()) == {1.0}, {n: v for n, v in shares.items() if v < 1.0}
    for group in ("left_right", "forward_backward", "speed", "count", "gait", "turn_around"):
        assert f"obedience/{group}" in figures
    assert figures["obedience/walk_speed/fast_m_s"] == pytest.approx(1.8, rel=0.05)


def test_a_deaf_model_does_not():
    figures = obedience.measure(Actor(deaf=True), repeat=0, seeds=4)
    assert figures["obedience/turn/left"] == 1.0
    assert figures["obedience/turn/right"] == figures["obedience/turn"] == 0.0
    assert figures["obedience/left_right"] == pytest.approx(1 / 12)
    assert figures["obedience/speed"] == figures["obedience/count"] == figures["obedience/gait"] == 0.0


def test_seeds_are_shared_out_over_phrasings_and_differ_by_repeat():
    first, second = Actor(), Actor()
    obedience.measure(first, repeat=0, seeds=5)
    obedience.measure(second, repeat=1, seeds=5)
    left = [r for r in first.requests if r.prompt in obedience.PAIRS[0].words[0].prompts]
    assert [(r.seed, r.takes) for r in left] == [(0, 3), (3, 2)]
    used = [{r.seed + k for r in a.requests for k in range(r.takes)} for a in (first, second)]
    assert not used[0] & used[1]


def test_phrasings_of_a_pair_differ_in_the_word_only():
    for pair in obedience.PAIRS:
        assert len({len(word.prompts) for word in pair.words}) == 1
        for word in pair.words:
            assert len(word.prompts) >= 2
        if pair.group == "left_right":
            left, right = (word.prompts for word in pair.words)
            assert [p.replace("left", "right") for p in left] == list(right)


def test_agreement_counts_only_clear_captions():
    left = turning(90.0).astype(np.float32)
    motions = [
        TestMotion(left, ("a person turns left.", "someone moves."), "a", False),
        TestMotion(left, ("a person turns right.",), "b", False),
        TestMotion(left, ("a person turns left, then right.",), "c", False),
    ]
    found = agreement(motions)
    assert (found["turn/left"].motions, found["turn/left"].agreed) == (1, 1)
    assert (found["turn/right"].motions, found["turn/right"].missed) == (1, (1,))
    assert np.isnan(found["kick/left"].share)
    assert len(found) == len(RULES)
