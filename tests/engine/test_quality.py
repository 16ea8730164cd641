from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.metrics import (
    distance_to_curve,
    floor_penetration,
    foot_skate,
    held_skate,
    jerk,
    path_error,
    quality,
    skating_ratio,
    twitch,
)
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.self_penetration import overlap, segment_distance


def test_path_error_is_the_distance_on_the_floor():
    joints = walk(60, 1.0)
    path = joints[:, 0][:, [0, 2]].astype(np.float64)
    assert path_error(joints, path).max < 1e-6
    shifted = path + (0.03, 0.04)
    assert path_error(joints, shifted).mean == pytest.approx(0.05, abs=1e-6)
    path[30, 0] += 0.5
    assert path_error(joints, path).max == pytest.approx(0.5, abs=1e-6)
    assert path_error(joints, path).mean == pytest.approx(0.5 / 60, abs=1e-6)


def test_distance_to_curve_leaves_timing_out():
    joints = walk(60, 1.0)
    path = joints[:, 0][:, [0, 2]].astype(np.float64)
    late = path[np.maximum(np.arange(60) - 10, 0)]
    late[-1] = path[-1]
    assert path_error(joints, late).max > 0.3
    assert distance_to_curve(joints, late).max < 0.01
    sparse = path[[0, -1]]
    assert distance_to_curve(joints, sparse + (0.2, 0.0)).mean == pytest.approx(0.2, abs=0.01)
    assert distance_to_curve(joints, path[:1]).max == pytest.approx(np.linalg.norm(path[-1] - path[0]), abs=0.01)


def test_a_clean_walk_hardly_skates_and_a_slid_one_does():
    joints = walk(80, 1.2)
    clean = foot_skate(joints)
    slid = joints.copy()
    slid[..., 0] += 0.3 * np.arange(80, dtype=np.float32)[:, None] / 20  # 30 cm/s sideways
    contacts = foot_contacts(joints).astype(np.float32)
    assert clean < 6
    assert foot_skate(slid, contacts) == pytest.approx(30, abs=6)
    assert skating_ratio(walk(80, 0.0)) == 0.0
    hands = walk(80, 0.0)
    hands[..., 0] += 0.6 * np.arange(80, dtype=np.float32)[:, None] / 20
    assert skating_ratio(hands) > 0.9


def test_contacts_follow_from_height_and_step():
    joints = walk(80, 1.2)
    touching = foot_contacts(joints)
    assert touching.shape == (80, 4)
    assert 0.4 < touching.mean() < 0.75
    assert touching[:, [1, 3]].any(axis=1).all()  # walking: one foot is always down
    flying = joints.copy()
    flying[40:, :, 1] += 1.0
    assert not foot_contacts(flying)[40:].any()
    # The same motion at 40 fps has steps half as long, and the same contacts.
    fast = walk(160, 1.2, fps=40.0)
    assert abs(foot_contacts(fast, fps=40.0).mean() - touching.mean()) < 0.05


def test_no_contact_is_no_skate_and_short_clips_do_not_fail():
    joints = walk(20, 1.0)
    assert foot_skate(joints, np.zeros((20, 4))) == 0.0
    one = joints[:1]
    assert foot_skate(one) == 0.0 and skating_ratio(one) == 0.0 and jerk(one) == 0.0
    assert foot_contacts(one).shape == (1, 4)


def test_floor_penetration_and_jerk():
    joints = walk(40, 1.0)
    assert floor_penetration(joints) < 1e-3
    assert floor_penetration(joints - np.array([0, 0.1, 0], np.float32)) == pytest.approx(0.1, abs=0.02)
    time = np.arange(40) / 20.0
    cubic = np.zeros((40, 22, 3))
    cubic[..., 0] = (time**3)[:, None]
    assert jerk(cubic) == pytest.approx(6.0, rel=1e-6)


def test_quality_gathers_all_figures():
    joints = walk(60, 1.0)
    motion = Motion(joints, np.ones((60, 4), np.float32))
    path = joints[:, 0][:, [0, 2]]
    alone, followed = quality(motion), quality(motion, path)
    assert set(alone) < set(followed)
    assert all(isinstance(v, float) and np.isfinite(v) for v in followed.values())
    assert followed["path_mean_cm"] == pytest.approx(0.0, abs=1e-4)


def test_what_does_not_fit_is_refused():
    joints = walk(20, 1.0)
    with pytest.raises(InvalidRequest, match="20"):
        path_error(joints, np.zeros((19, 2)))
    with pytest.raises(InvalidRequest):
        distance_to_curve(joints, np.zeros((0, 2)))
    with pytest.raises(InvalidRequest):
        foot_skate(joints, np.zeros((19, 4)))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_distance_of_segments_is_the_least_over_both(seed: int) -> None:
    a, b, c, d = np.random.default_rng(seed).normal(size=(4, 3))
    share = np.linspace(0.0, 1.0, 201)
    one, two = a + share[:, None] * (b - a), c + share[:, None] * (d - c)
    least = np.linalg.norm(one[:, None] - two[None], axis=-1).min()
    found = float(segment_distance(a[None], b[None], c[None], d[None])[0])
    assert found <= least + 1e-9
    assert found > least - 0.02
    assert float(segment_distance(c[None], d[None], a[None], b[None])[0]) == pytest.approx(found, abs=1e-9)
    point = float(segment_distance(a[None], a[None], c[None], d[None])[0])
    assert point == pytest.approx(np.linalg.norm(a - two, axis=-1).min(), abs=0.02)


def test_limbs_that_run_through_the_body_are_seen() -> None:
    joints = walk(40).astype(np.float64)
    assert overlap(joints).max() == 0.0
    through = joints.copy()
    through[20, 20] = through[20, 6]  # the left wrist in the spine
    through[20, 18] = 0.5 * (through[20, 16] + through[20, 6])
    assert overlap(through)[20] > 0.05
    assert np.delete(overlap(through), 20).max() == 0.0


def test_quality_measures_pins_twitches_and_held_feet() -> None:
    joints = walk(60)
    positions, mask = joints.astype(np.float64).copy(), np.zeros(joints.shape, bool)
    positions[30, 21] += [0.03, 0.0, 0.04]
    mask[30, 21] = True
    motion = Motion(joints, foot_contacts(joints).astype(np.float32))
    figures = quality(motion, pins=(positions, mask))
    assert figures["pin_max_cm"] == pytest.approx(5.0, abs=1e-3)
    popped = joints.copy()
    popped[20:40:3, 7, 1] += 0.08
    assert twitch(popped) > twitch(joints)
    still = Motion(walk(60, 0.0), np.ones((60, 4), np.float32))
    assert held_skate(still.joints, still.contacts) == pytest.approx(0.0, abs=1e-3)
    moved = walk(60, 0.0) + np.array([0.002, 0, 0], np.float32) * np.arange(60, dtype=np.float32)[:, None, None]
    assert held_skate(moved, still.contacts) == pytest.approx(2.0, abs=0.01)
