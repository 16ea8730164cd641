"""Detectors separate styles and actions made by formula, and obedience measures the words."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.generation.request import Request
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.training.evaluation import obedience
from motionlcm_blender.training.evaluation import obedience_words as words
from motionlcm_blender.training.evaluation import style_detectors as style
from motionlcm_blender.training.evaluation.held_out_motions import TestMotion
from motionlcm_blender.training.evaluation.segment_flags import Flags
from tests.synthetic_actions import _X, _Y, J, about, bump, jumping, raising_arm, standing, still
from tests.synthetic_motion import pose, walk


def lying_down() -> np.ndarray:
    """Falls forward: upright for a second, then flat."""
    root, local = still(60)
    share = np.clip((np.arange(60) - 20) / 12, 0.0, 1.0)
    root[:, 1] = root[:, 1] * (1.0 - share) + 0.12 * share
    local[:, 0] = about(_X, 0.5 * np.pi * share)
    return pose(root, local)


def bowing(degrees: float = 60.0) -> np.ndarray:
    root, local = still(60)
    local[:, J["spine1"]] = about(_X, np.radians(degrees) * bump(60, 30, 20))
    return pose(root, local)


def hands(apart: np.ndarray) -> np.ndarray:
    """A figure whose wrists are before the chest, so far apart in metres on each frame."""
    joints = np.repeat(standing()[:1], len(apart), axis=0)
    for name, side in (("l_wrist", 0.5), ("r_wrist", -0.5)):
        joints[:, J[name]] = joints[:, 0] + np.array([0.0, 0.35, 0.3])
        joints[:, J[name], 0] += side * apart
    return joints


def marching() -> np.ndarray:
    root, local = still(80)
    for name, sign in (("l", 1.0), ("r", -1.0)):
        lift = np.clip(sign * np.sin(2.0 * np.pi * np.arange(80) / 20.0), 0.0, 1.0)
        local[:, J[f"{name}_hip"]], local[:, J[f"{name}_knee"]] = about(_X, -1.3 * lift), about(_X, 1.3 * lift)
    return pose(root, local)


def limping() -> np.ndarray:
    """A walk whose pelvis dips and slows down once in a stride."""
    joints = walk(100, 1.0)
    ahead = joints[:, 7, 2] - joints[:, 8, 2]
    swing = ahead / np.abs(ahead).max()
    return joints + np.stack([0.0 * swing, 0.04 * swing, 0.06 * swing], axis=-1)[:, None]


def test_falling_and_getting_up():
    fallen = lying_down()
    assert style.fall_depth(fallen) > 0.6 and style.rise(fallen) == 0.0
    assert style.rise(fallen[::-1]) > 0.6 and style.fall_depth(fallen[::-1]) == 0.0
    for joints in (standing(), walk(80, 1.2), jumping(2), bowing()):
        assert style.fall_depth(joints) < 0.1 and style.rise(joints) < 0.1


def test_crawling_is_low_with_hands_down_and_gets_somewhere():
    flat = lying_down()[-1:].repeat(60, axis=0)
    flat[:, [J["l_wrist"], J["r_wrist"]], 1] = 0.05
    assert style.crawl_share(flat) == 0.0
    assert style.crawl_share(flat + np.linspace(0.0, 1.0, 60)[:, None, None] * [0.0, 0.0, 1.0]) == 1.0
    assert style.crawl_share(walk(80, 1.2)) == 0.0


def test_claps_are_counted():
    time = np.arange(80)
    assert style.claps(hands(0.35 + 0.25 * np.cos(2.0 * np.pi * time / 20.0))) == 4
    assert style.claps(hands(np.full(80, 0.1))) == 0, "hands held together do not clap"
    assert style.claps(hands(0.5 + 0.2 * np.cos(2.0 * np.pi * time / 20.0))) == 0, "hands that do not meet"


def test_a_bow_bends_the_trunk_over_standing_legs():
    assert style.bow(bowing(60.0)) > 40.0
    assert style.bow(bowing(15.0)) < 20.0 and style.bow(lying_down()) < 40.0
    assert style.bow(standing()) == pytest.approx(0.0, abs=1.0)


def test_a_march_lifts_both_thighs_in_turn():
    assert style.thigh_lift(marching()) > 60.0
    one = marching()
    assert style.thigh_lift(np.concatenate([one[:10]] * 8)) < 30.0, "one leg is no march"
    assert style.thigh_lift(walk(80, 1.0)) < 40.0


def test_a_limp_has_the_rhythm_of_the_stride():
    assert style.stride_asymmetry(limping()) > 1.2
    assert style.stride_asymmetry(walk(100, 1.0)) < 0.8
    assert style.stride_asymmetry(standing()) == 0.0


def test_heels_knees_trunk_and_bounce():
    tiptoe = walk(80, 0.8)
    tiptoe[:, [7, 8], 1] += 0.05
    assert style.heel_height(tiptoe) - style.heel_height(walk(80, 0.8)) == pytest.approx(0.05, abs=0.01)
    assert style.stoop(bowing()) > 10.0 > style.stoop(standing())
    assert style.crouch(marching()) > style.crouch(standing())
    assert style.bounce(jumping(3)) > 0.05 > style.bounce(walk(80, 1.0))
    assert style.flights(jumping(3)) == pytest.approx(0.6, abs=0.01) and style.flights(standing()) == 0.0


def test_waiting_pointing_and_throwing():
    fidgeting = standing() + 0.001 * np.random.default_rng(0).normal(size=(60, 22, 3))
    assert style.stillness(fidgeting) == 1.0
    assert style.stillness(standing()) == style.stillness(walk(80, 1.0)) == 0.0
    pointing = np.repeat(standing()[:1], 40, axis=0)
    shoulder = pointing[0, J["r_shoulder"]]
    pointing[:, J["r_elbow"]], pointing[:, J["r_wrist"]] = shoulder + [0.0, 0.0, 0.285], shoulder + [0.0, 0.0, 0.53]
    assert style.pointing(pointing) == pytest.approx(2.0)
    assert style.pointing(standing()) == 0.0
    thrown = np.repeat(standing()[:1], 60, axis=0)
    thrown[:, J["r_wrist"], 2] += 0.8 * np.clip((np.arange(60) - 30) / 3.0, 0.0, 1.0)
    assert style.throwing(thrown) > 4.0
    both = thrown.copy()
    both[:, J["l_wrist"], 2] += thrown[:, J["r_wrist"], 2] - thrown[0, J["r_wrist"], 2]
    assert style.throwing(both) == 0.0 and style.throwing(raising_arm()) < 2.7


def test_the_heads_own_turn_is_read_where_there_is_one():
    assert style.head_yaw_span(None) == (0.0, 0.0)
    turns = np.zeros((100, 3, 4))
    turns[..., 0] = 1.0
    turns[:, 0] = rot.from_axis_angle(np.tile(_Y, (100, 1)), np.radians(50.0) * np.sin(np.linspace(0.0, 12.0, 100)))
    left, right = style.head_yaw_span(turns)
    assert left == pytest.approx(50.0, abs=1.5) and right == pytest.approx(50.0, abs=1.5)


class Marcher:
    """Marches for every prompt; a plain walk goes at 1.2 m/s, an old one at half of that, stooped."""

    def generate(self, request: Request) -> list[Motion]:
        joints = marching()
        if "old" in request.prompt:
            joints = walk(request.frames, 0.6)
            joints[:, 12:18, 2] += 0.3
        elif "walks" in request.prompt:
            joints = walk(request.frames, 1.2)
        return [Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32))] * request.takes


def test_obedience_measures_words():
    found = obedience.measure(Marcher(), 0, seeds=2)
    assert found["obedience/style/march"] == 1.0
    assert found["obedience/style/old"] == 1.0
    for word in ("fall", "get_up", "crawl", "clap", "sneak", "look_around"):
        assert found[f"obedience/style/{word}"] == 0.0
    shares = [v for k, v in found.items() if k.startswith("obedience/style/")]
    assert len(shares) == len(words.WORDS) + 1 and found["obedience/style"] == pytest.approx(np.mean(shares))
    assert found["obedience/look_around/left_deg"] == 0.0


def test_agreement_with_captions():
    motions = [
        TestMotion(marching().astype(np.float32), ("a person marches.",), "a", False),
        TestMotion(standing().astype(np.float32), ("a person marches on.",), "b", False),
        TestMotion(marching().astype(np.float32), ("a person stands.",), "c", False),
        TestMotion(standing().astype(np.float32), ("a person waits.",), "d", False),
        TestMotion(marching().astype(np.float32), ("a person is there.",), "e", False, Flags(prop=True)),
    ]
    march = words.word_agreement(motions)["march"]
    assert (march.with_word, march.seen, march.others, march.alarms) == (2, 1, 2, 1)
    assert march.detection == march.false_alarm == 0.5
    assert len({word.word for word in words.WORDS}) == len(words.WORDS)
    for word in words.WORDS:
        assert len(word.prompts) == 2 and any(word.applies([p + "."]) for p in word.prompts), word.word
