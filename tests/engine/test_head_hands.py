"""Head and hands as features: there and back, in the mirror, and behind the 263 of a whole motion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion import head_hands
from motionlcm_blender.motion import rotations as rot


def turns(seed: int, frames: int = 5) -> np.ndarray:
    """(frames, 3, 4) random rotations."""
    return rot.normalise(np.random.default_rng(seed).normal(size=(frames, 3, 4)))


@given(seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_rotations_come_back_from_their_features(seed: int) -> None:
    known = turns(seed)
    made = head_hands.from_features(head_hands.to_features(known))
    np.testing.assert_allclose(np.abs((made * known).sum(-1)), 1.0, atol=1e-6)


def test_the_rest_pose_has_the_identity() -> None:
    rest = np.broadcast_to(rot.IDENTITY, (1, 3, 4))
    np.testing.assert_allclose(head_hands.to_features(rest)[0], [1, 0, 0, 0, 1, 0] * 3, atol=1e-7)


@given(seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_mirror_turns_a_look_to_the_left_into_one_to_the_right(seed: int) -> None:
    known = turns(seed)
    mirrored = head_hands.from_features(head_hands.mirrored(head_hands.to_features(known)))
    reflection = np.diag([-1.0, 1.0, 1.0])
    expected = reflection @ rot.to_matrix(known[:, [0, 2, 1]]) @ reflection
    np.testing.assert_allclose(rot.to_matrix(mirrored), expected, atol=1e-6)
    twice = head_hands.mirrored(head_hands.mirrored(head_hands.to_features(known)))
    np.testing.assert_allclose(twice, head_hands.to_features(known), atol=1e-6)


def test_what_is_not_known_stays_unknown() -> None:
    known = turns(1)
    known[2, 1] = np.nan
    features = head_hands.to_features(known)
    assert np.isnan(features[2, 6:12]).all() and np.isfinite(features[:, :6]).all()
    assert np.isnan(head_hands.mirrored(features)[2, 12:18]).all()


def test_mirrored_features_are_those_of_the_mirrored_motion() -> None:
    pytest.importorskip("torch")
    from motionlcm_blender.training.clip_pool import mirror_features
    from motionlcm_blender.training.motion_piece import MotionPiece
    from tests.synthetic_motion import gestures

    joints, _ = gestures(40, seed=4)
    piece = MotionPiece.of(joints, head_hands.to_features(turns(2, 40)))
    np.testing.assert_allclose(mirror_features(piece.features()), piece.mirror().features(), atol=2e-5)
