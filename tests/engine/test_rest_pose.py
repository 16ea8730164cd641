"""Rest poses with lowered arms and spread legs, seen as T-poses."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.rest_pose import straightened
from motionlcm_blender.motion.skeleton import JOINTS, SMPL, Skeleton

ARMS = {"l": ("l_elbow", "l_wrist", "l_hand"), "r": ("r_elbow", "r_wrist", "r_hand")}
LEGS = {"l": ("l_knee", "l_ankle"), "r": ("r_knee", "r_ankle")}


def posed(arms: float, legs: float = 0.0) -> Skeleton:
    """Our skeleton with arms lowered and legs spread by these angles in the plane of the body."""
    offsets = np.array(SMPL.offsets)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        for names, angle in ((ARMS[side], -sign * arms), (LEGS[side], sign * legs)):
            for name in names:
                joint = SMPL.names.index(name)
                offsets[joint] = rot.rotate(rot.from_axis_angle((0.0, 0.0, 1.0), angle), offsets[joint])
    return Skeleton(SMPL.names, SMPL.parents, offsets)


def test_a_t_pose_is_left_alone() -> None:
    skeleton, turns = straightened(SMPL)
    assert skeleton is SMPL
    np.testing.assert_array_equal(turns, np.broadcast_to(rot.IDENTITY, (24, 4)))


@pytest.mark.parametrize("arms", [0.2, 0.34])
def test_arms_that_hang_a_little_are_left_alone(arms: float) -> None:
    given = posed(arms)
    assert straightened(given)[0] is given


@pytest.mark.parametrize("arms", [0.4, 0.8, 1.2, np.pi / 2, 1.7])
def test_lowered_arms_come_up_as_they_went_down(arms: float) -> None:
    skeleton, turns = straightened(posed(arms))
    np.testing.assert_allclose(skeleton.offsets, SMPL.offsets, atol=1e-12)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        for name in ("shoulder", "elbow", "wrist", "hand"):
            expected = rot.from_axis_angle((0.0, 0.0, 1.0), sign * arms)
            np.testing.assert_allclose(turns[SMPL.names.index(f"{side}_{name}")], expected, atol=1e-12)
    np.testing.assert_array_equal(turns[SMPL.names.index("l_knee")], rot.IDENTITY)


def test_spread_legs_close_and_feet_stay_as_they_stand() -> None:
    skeleton, turns = straightened(posed(0.0, 0.45))
    knee, ankle, foot = (SMPL.names.index(f"l_{name}") for name in ("knee", "ankle", "foot"))
    np.testing.assert_allclose(rot.unit(skeleton.offsets[knee], 0.0), [0.0, -1.0, 0.0], atol=1e-12)
    np.testing.assert_array_equal(turns[ankle], rot.IDENTITY)
    np.testing.assert_allclose(skeleton.offsets[foot], SMPL.offsets[foot], atol=1e-12)


def test_a_bent_limb_is_stretched_and_keeps_its_lengths() -> None:
    given = posed(0.3)
    offsets = np.array(given.offsets)
    offsets[JOINTS.index("l_wrist")] = [0.0, -0.1, 0.2]
    skeleton, turns = straightened(Skeleton(SMPL.names, SMPL.parents, offsets))
    np.testing.assert_allclose(np.linalg.norm(skeleton.offsets, axis=1), np.linalg.norm(offsets, axis=1), atol=1e-12)
    np.testing.assert_allclose(rot.unit(skeleton.offsets[JOINTS.index("l_wrist")], 0.0), [1.0, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(turns[JOINTS.index("r_wrist")], rot.IDENTITY, atol=1e-12)


def test_another_skeleton_is_refused() -> None:
    with pytest.raises(ValueError, match="first 22 joints"):
        straightened(Skeleton(("a", "b"), (-1, 0), np.zeros((2, 3))))
