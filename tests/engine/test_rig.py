"""Motion of other trunks onto one skeleton."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.body_fit import onto_rig
from motionlcm_blender.motion.features import onto_skeleton
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import HUMANML, PARENTS, Skeleton
from tests.synthetic_motion import J, gestures, walk


def other_trunk(seed: int, scale: float = 1.0) -> Skeleton:
    """Limbs like ours, but the points of the trunk lie elsewhere, as in other capture systems."""
    rng = np.random.default_rng(seed)
    offsets = HUMANML.offsets.copy()
    pelvis, collar = rng.uniform(-0.05, 0.05, 3) * [0, 1, 1], rng.uniform(-0.05, 0.05, 3)
    for joint in ("l_hip", "r_hip", "spine1"):
        offsets[J[joint]] -= pelvis
    for side, sign in (("l", 1.0), ("r", -1.0)):
        offsets[J[f"{side}_collar"]] += collar * [sign, 1, 1]
        offsets[J[f"{side}_shoulder"]] -= collar * [sign, 1, 1]
    return replace(HUMANML, offsets=offsets * scale)


def retarget_error_mm(joints: np.ndarray) -> float:
    clip = retarget(Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32)), HUMANML)
    return 1000.0 * float(np.linalg.norm(forward_kinematics(clip) - joints, axis=-1).max())


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(0.7, 1.3))
def test_the_result_is_a_motion_of_the_skeleton(seed: int, scale: float) -> None:
    source, _ = gestures(40, seed, skeleton=other_trunk(seed, scale))
    joints = onto_rig(source)
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(HUMANML.bone_lengths[1:], lengths.shape), atol=1e-6)
    assert retarget_error_mm(joints) < 0.1
    assert abs(joints[..., 1].min() - source[..., 1].min()) < 1e-9


def test_keeping_directions_alone_would_not_do() -> None:
    """The reason for this module: the same motion through `onto_skeleton` cannot be followed by fixed bones."""
    source, _ = gestures(40, 3, skeleton=other_trunk(3))
    assert retarget_error_mm(onto_skeleton(source)) > 20.0


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(0.0, 2.0), st.floats(-1.0, 1.0))
def test_two_trunks_give_one_motion(seed: int, speed: float, turn: float) -> None:
    ours, theirs = walk(50, speed, turn), walk(50, speed, turn, skeleton=other_trunk(seed))
    a, b = onto_rig(ours), onto_rig(theirs)
    limbs = [J[f"{side}_{name}"] for side in "lr" for name in ("knee", "ankle", "foot", "elbow", "wrist")]
    upright = [joint - joint_b for joint, joint_b in ((a, a[:, :1]), (b, b[:, :1]))]
    # The walk of another trunk holds its hips a little differently; what is left is far below that.
    assert np.linalg.norm(upright[0] - upright[1], axis=-1)[:, limbs].mean() < 0.06


def test_its_own_motion_comes_back() -> None:
    joints = walk(60, 1.2, 0.4)
    np.testing.assert_allclose(onto_rig(joints), joints, atol=1e-4)
    joints, _ = gestures(60, 5)
    assert np.linalg.norm(onto_rig(joints) - joints, axis=-1).mean() < 0.02


@settings(max_examples=10)
@given(st.floats(-3.1, 3.1), st.floats(-4, 4), st.floats(-4, 4))
def test_it_does_not_matter_where_the_figure_stands(yaw: float, x: float, z: float) -> None:
    source, _ = gestures(30, 8, skeleton=other_trunk(8, 1.1))
    q, shift = rot.from_axis_angle([0.0, 1.0, 0.0], yaw), np.array([x, 0.0, z])
    moved, here = onto_rig(rot.rotate(q, source) + shift), rot.rotate(q, onto_rig(source))
    np.testing.assert_allclose(moved - moved[:1, :1], here - here[:1, :1], atol=1e-5)


def test_a_standing_foot_goes_on_standing() -> None:
    source = walk(80, 1.2, skeleton=other_trunk(2, 1.1))
    joints = onto_rig(source)
    for foot in (J["l_foot"], J["r_foot"]):
        stands = np.linalg.norm(np.diff(source[:, foot], axis=0), axis=-1) < 1e-4
        assert stands.sum() > 20
        assert np.linalg.norm(np.diff(joints[:, foot], axis=0), axis=-1)[stands].max() < 0.008


@pytest.mark.parametrize("shape", [(0, 22, 3), (5, 21, 3)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        onto_rig(np.zeros(shape))
