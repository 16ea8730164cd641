"""Examples composed of other motion show what their captions describe, and keep the rest of the motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion.skeleton import FPS, JOINTS, PARENTS
from motionlcm_blender.training.data import action_detectors as see
from motionlcm_blender.training.data import composition
from motionlcm_blender.training.data.action_detectors import Side
from motionlcm_blender.training.data.augmentation import turned
from motionlcm_blender.training.data.captured_actions import CapturedData
from motionlcm_blender.training.data.motion_data import Segment
from motionlcm_blender.training.data.motion_piece import MotionPiece
from motionlcm_blender.training.data.piece_joining import joined, with_arm
from tests.repeated import assert_same_motion
from tests.synthetic_actions import (
    J,
    jumping,
    kicking,
    raising_arm,
    raising_knee,
    standing,
    turning,
)
from tests.synthetic_motion import walk

LEFT_ARM = [J["l_elbow"], J["l_wrist"]]
COUNTS = {"arm": 6, "kick": 6, "leg": 6, "jump": 12, "sidestep": 4, "around": 4}


def lengths(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


@given(st.integers(0, 20), st.floats(-3.0, 3.0))
@settings(max_examples=25, deadline=None)
def test_an_arm_put_on_another_body_keeps_body_and_bones(at: int, angle: float) -> None:
    body, gesture = walk(90).astype(np.float64), turned(raising_arm(), angle)
    made = with_arm(MotionPiece.of(body), MotionPiece.of(gesture), Side.LEFT, at).joints
    rest = [k for k in range(len(JOINTS)) if k not in LEFT_ARM]
    np.testing.assert_array_equal(made[:, rest], body.astype(np.float32)[:, rest])
    np.testing.assert_allclose(lengths(made), lengths(body), atol=1e-5)
    assert see.raised_arm(made) is Side.LEFT
    assert see.raised_arm(body) is None


def test_an_arm_on_its_own_body_changes_nothing() -> None:
    own = MotionPiece.of(raising_arm())
    np.testing.assert_allclose(with_arm(own, own, Side.LEFT, 0).joints, own.joints, atol=1e-5)


@given(st.floats(-3.0, 3.0), st.floats(-5.0, 5.0))
@settings(max_examples=25, deadline=None)
def test_joined_pieces_go_on_where_the_last_one_ended(angle: float, away: float) -> None:
    piece = walk(60).astype(np.float64)
    moved = turned(piece, angle) + np.array([away, 0.0, -away])
    whole = joined([MotionPiece.of(piece), MotionPiece.of(moved)]).joints
    assert len(whole) == 119
    np.testing.assert_allclose(whole, joined([MotionPiece.of(piece), MotionPiece.of(piece)]).joints, atol=1e-4)
    steps = np.linalg.norm(np.diff(whole, axis=0), axis=-1) * FPS
    assert steps.max() < 1.5 * (np.linalg.norm(np.diff(piece, axis=0), axis=-1) * FPS).max()


def data(**clips: tuple[np.ndarray, str]) -> CapturedData:
    pieces = {name: MotionPiece.of(joints) for name, (joints, _) in clips.items()}
    segments = tuple(Segment(n, 0.0, (len(j) - 1) / FPS, (caption,)) for n, (j, caption) in clips.items())
    return CapturedData(pieces, segments)


@pytest.fixture(scope="module")
def captured() -> CapturedData:
    aside = walk(80)
    aside = turned(aside - aside[:, :1] * [1, 0, 1], np.pi / 2) + turned(aside[:, :1] * [1, 0, 1], 0.0)
    return data(
        calm=(standing(), "a person stands."),
        arm=(raising_arm(), "a person raises the left arm."),
        kick=(kicking(), "a person kicks with the left leg."),
        leg=(raising_knee(), "a person raises the left knee."),
        jump=(jumping(1), "a person jumps up."),
        aside=(aside, "a person dances."),
        around=(turning(180.0), "a person turns around."),
    )


def test_composed_examples_do_what_their_captions_describe(captured: CapturedData) -> None:
    made = list(composition.compose(captured, [MotionPiece.of(walk(120))], COUNTS, np.random.default_rng(3)))
    by_kind = {kind: [m for m in made if m.kind == kind] for kind in COUNTS}
    assert {kind: len(found) for kind, found in by_kind.items()} == COUNTS
    detectors = {
        "arm": see.raised_arm, "kick": see.kicking_leg, "leg": see.raised_leg, "sidestep": see.sidestepped_to,
    }  # fmt: skip
    for kind, detector in detectors.items():
        sides = {detector(m.piece.joints) for m in by_kind[kind]}
        assert sides == {Side.LEFT, Side.RIGHT}, kind  # half of them mirrored
        for m in by_kind[kind]:
            assert detector(m.piece.joints).value in m.captions[0]
    times = {"once": 1, "twice": 2, "three times": 3, "four times": 4}
    for m in by_kind["jump"]:
        assert see.count_jumps(m.piece.joints) == next(n for word, n in times.items() if word in m.captions[0])
    assert len({m.captions[0] for m in by_kind["jump"]}) > 1
    assert all(see.turned_around(m.piece.joints) for m in by_kind["around"])


def test_the_same_seed_composes_the_same(captured: CapturedData) -> None:
    first, again = (
        list(composition.compose(captured, [], {"arm": 3, "jump": 3}, np.random.default_rng(5))) for _ in range(2)
    )
    assert [m.captions for m in first] == [m.captions for m in again]
    for mine, other in zip(first, again, strict=True):
        assert_same_motion(mine.piece.joints, other.piece.joints, 1e-6)


def test_captures_that_hold_nothing_of_a_kind_yield_nothing() -> None:
    walks_only = data(walk=(walk(80), "a person walks."))
    assert not list(composition.compose(walks_only, [MotionPiece.of(walk(80))], COUNTS, np.random.default_rng(0)))
