"""Shrunken arms do not pop when they get their length again, and legs do not go through each other."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion.features import onto_skeleton
from motionlcm_blender.motion.self_penetration import overlap, segment_distance, segments_apart
from motionlcm_blender.motion.shrunken_bones import SHORT, steady_short_bones
from motionlcm_blender.motion.skeleton import HUMANML, JOINTS, PARENTS
from motionlcm_blender.postprocess.leg_separation import FARTHEST, separate_legs
from tests.synthetic_motion import walk

J = {name: index for index, name in enumerate(JOINTS)}
LEGS = [J[f"{side}_{part}"] for side in "lr" for part in ("knee", "ankle", "foot")]


def lengths(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


def acceleration(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1) * 400.0


@given(share=st.floats(0.03, 0.3), noise=st.floats(0.2, 1.0), seed=st.integers(0, 50), first=st.integers(5, 50))
@example(share=0.03125, noise=0.25, seed=1, first=39)
@settings(max_examples=30, deadline=None)
def test_a_shrunken_forearm_does_not_pop(share: float, noise: float, seed: int, first: int) -> None:
    joints = walk(80).astype(np.float64)
    generator = np.random.default_rng(seed)
    forearm = joints[:, J["l_wrist"]] - joints[:, J["l_elbow"]]
    bump = np.exp(-0.5 * ((np.arange(80) - first - 5) / 3.0) ** 2)[:, None]
    small = share * HUMANML.bone_lengths[J["l_wrist"]] * noise * generator.standard_normal((80, 3))
    joints[:, J["l_wrist"]] = joints[:, J["l_elbow"]] + (1.0 - bump) * forearm + bump * (share * forearm + small)
    before, after = onto_skeleton(joints), onto_skeleton(steady_short_bones(joints))
    wrist = J["l_wrist"]
    # Of 1,500 random examples three rise by more than 5 m/s2, at most 1.35 times.
    assert acceleration(after)[:, wrist].max() <= 1.5 * acceleration(before)[:, wrist].max() + 5.0
    np.testing.assert_allclose(lengths(after), lengths(before), atol=1e-9)
    others = [joint for joint in range(22) if joint != wrist]
    np.testing.assert_allclose(after[:, others], before[:, others], atol=1e-6)


def test_a_bone_that_turns_over_within_a_frame_takes_its_time() -> None:
    joints = np.repeat(walk(1).astype(np.float64), 60, axis=0)
    elbow, wrist = J["r_elbow"], J["r_wrist"]
    forearm = joints[0, wrist] - joints[0, elbow]
    aside = 0.03 * np.cross(forearm, [0.3, 0.2, 1.0])
    joints[:, wrist] = joints[:, elbow] + np.linspace(1.0, -1.0, 60)[:, None] * forearm + aside
    before, after = (acceleration(onto_skeleton(x))[:, wrist].max() for x in (joints, steady_short_bones(joints)))
    assert after < 0.5 * before


def test_bones_of_full_length_stay_as_they_are() -> None:
    joints = walk(60).astype(np.float64)
    np.testing.assert_array_equal(steady_short_bones(joints), joints)
    assert steady_short_bones(joints[:2]) is not None
    slightly = joints.copy()
    slightly[:, J["l_wrist"]] = joints[:, J["l_elbow"]] + (SHORT[0] + 0.01) * (
        joints[:, J["l_wrist"]] - joints[:, J["l_elbow"]]
    )
    np.testing.assert_allclose(steady_short_bones(slightly), slightly, atol=1e-12)


@given(closer=st.floats(0.0, 0.22), speed=st.floats(0.3, 1.5), first=st.integers(0, 40))
@settings(max_examples=25, deadline=None)
def test_legs_that_go_through_each_other_are_parted(closer: float, speed: float, first: int) -> None:
    joints = walk(80, speed).astype(np.float64)
    joints[first : first + 25, [J["l_ankle"], J["l_foot"]], 0] -= closer
    knee = 0.5 * (joints[:, J["l_hip"]] + joints[:, J["l_ankle"]])
    joints[first : first + 25, J["l_knee"], 0] = knee[first : first + 25, 0]
    free = np.zeros((80, 2), bool)
    free[:, 0] = True
    made = separate_legs(joints, free)
    assert overlap(made).mean() <= overlap(joints).mean() + 1e-6
    if 0.02 < overlap(joints).max() < 0.06:
        assert overlap(made).max() < 0.75 * overlap(joints).max()
    np.testing.assert_allclose(lengths(made), lengths(joints), atol=1e-9)
    still = [joint for joint in range(22) if joint not in LEGS[:3]]
    np.testing.assert_allclose(made[:, still], joints[:, still], atol=1e-9)
    ankle = np.linalg.norm(made[:, J["l_ankle"]] - joints[:, J["l_ankle"]], axis=-1)
    assert ankle.max() < FARTHEST + 0.03
    np.testing.assert_array_equal(separate_legs(joints, np.zeros((80, 2), bool)), joints)


@given(st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12))
@settings(max_examples=60, deadline=None)
def test_nearest_points_of_segments(numbers: list[float]) -> None:
    a, b, c, d = np.array(numbers).reshape(4, 3)
    assume(np.linalg.norm(b - a) > 0.1 and np.linalg.norm(d - c) > 0.1)
    apart, s, t = segments_apart(a, b, c, d)
    assert 0.0 <= s <= 1.0 and 0.0 <= t <= 1.0
    np.testing.assert_allclose(apart, a + s * (b - a) - c - t * (d - c), atol=1e-9)
    assert abs(np.linalg.norm(apart) - segment_distance(a, b, c, d)) < 1e-9
    for u in np.linspace(0, 1, 5):
        for v in np.linspace(0, 1, 5):
            assert np.linalg.norm(a + u * (b - a) - c - v * (d - c)) >= np.linalg.norm(apart) - 1e-6
