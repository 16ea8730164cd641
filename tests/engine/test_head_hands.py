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
    from motionlcm_blender.training.data.clip_pool import mirror_features
    from motionlcm_blender.training.data.motion_piece import MotionPiece
    from tests.synthetic_motion import gestures

    joints, _ = gestures(40, seed=4)
    piece = MotionPiece.of(joints, head_hands.to_features(turns(2, 40)))
    np.testing.assert_allclose(mirror_features(piece.features()), piece.mirror().features(), atol=2e-5)


def test_head_and_hands_of_a_motion_reach_the_bones() -> None:
    from motionlcm_blender.motion.motion import Motion
    from motionlcm_blender.motion.retarget import forward_kinematics, retarget
    from motionlcm_blender.motion.skeleton import JOINTS, SMPL
    from tests.synthetic_motion import walk

    joints = walk(40)
    known = np.broadcast_to(rot.IDENTITY, (40, 3, 4)).copy()
    known[:, 0] = rot.from_axis_angle((0.0, 1.0, 0.0), np.linspace(-0.8, 0.8, 40))
    known[:, 1] = rot.from_axis_angle((1.0, 0.0, 0.0), 0.5)
    motion = Motion(joints, np.zeros((40, 4)), head_hands=known.astype(np.float32))
    clip, plain = retarget(motion), retarget(Motion(joints, np.zeros((40, 4))))
    names = {name: index for index, name in enumerate(SMPL.names)}
    world = clip.rotations.copy()
    for joint, parent in enumerate(SMPL.parents):
        if parent >= 0:
            world[:, joint] = rot.multiply(world[:, parent], clip.rotations[:, joint])
    relative = rot.multiply(rot.inverse(world[:, names["spine3"]]), world[:, names["head"]])
    np.testing.assert_allclose(np.abs((relative * known[:, 0]).sum(-1)), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.abs((clip.rotations[:, names["l_wrist"]] * known[:, 1]).sum(-1)), 1.0, atol=1e-5)
    np.testing.assert_allclose(rot.angle_of(clip.rotations[:, names["r_wrist"]]), 0.0, atol=1e-5)
    # The head turns, the points of the 22 joints stay where they are, and the neck takes its part.
    made, expected = forward_kinematics(clip), forward_kinematics(plain)
    np.testing.assert_allclose(made[:, : len(JOINTS)], expected[:, : len(JOINTS)], atol=1e-6)
    assert np.abs(rot.angle_of(rot.twist_about(clip.rotations[:, names["neck"]], (0, 1, 0)))[0]) > 0.2


def test_without_the_models_word_the_head_leads_a_turn() -> None:
    from motionlcm_blender.motion.motion import Motion
    from motionlcm_blender.motion.retarget import retarget
    from motionlcm_blender.motion.skeleton import SMPL
    from tests.synthetic_actions import standing, turning

    head = SMPL.names.index("head")
    still = retarget(Motion(standing(), np.zeros((len(standing()), 4)))).rotations[:, head]
    assert np.degrees(rot.angle_of(still)).max() < 3.0
    joints = turning(180.0)  # to the left
    turn = retarget(Motion(joints, np.zeros((len(joints), 4)))).rotations[:, head]
    yaw = np.degrees(2 * np.arctan2(turn[:, 2], turn[:, 0]))
    assert yaw.max() > 4.0 and yaw.min() > -2.0
