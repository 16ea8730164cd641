"""Joining two motions where they are most alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion.skeleton import HUMANML
from motionlcm_blender.postprocess.stitching import (
    SEAM,
    Seam,
    best_seams,
    body_speed,
    seam_jerk,
    seam_jerk_share,
    stitched,
    usual_jerk,
)
from tests.synthetic_motion import walk


def moved(joints: np.ndarray, angle: float, x: float, z: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    result = joints.copy()
    result[..., 0] = cos * joints[..., 0] + sin * joints[..., 2] + x
    result[..., 2] = cos * joints[..., 2] - sin * joints[..., 0] + z
    return result


@given(st.floats(-3.0, 3.0), st.floats(-5.0, 5.0), st.integers(8, 24))
@settings(max_examples=15, deadline=None)
def test_a_motion_cut_in_two_is_whole_again(angle: float, x: float, gap: int) -> None:
    whole = walk(120, 1.1).astype(np.float64)
    earlier, later = whole[:80], moved(whole[40:], angle, x, 2.0)
    (seam,) = best_seams(earlier, later, (gap + 30, gap + 38), (0, 24))
    assert seam.cost < 1e-6
    joined = stitched(earlier, later, seam)
    shift = seam.before - seam.after - 40  # a walk is periodic: another stride may fit as well
    np.testing.assert_allclose(joined[: seam.before], whole[: seam.before])
    assert len(joined) == 120 + shift
    steps = np.linalg.norm(np.diff(joined, axis=0), axis=-1).max()
    assert steps < 1.05 * np.linalg.norm(np.diff(whole, axis=0), axis=-1).max()


def test_the_seam_is_where_the_legs_agree() -> None:
    first, second = walk(90, 1.1).astype(np.float64), walk(90, 1.1).astype(np.float64)
    (seam,) = best_seams(first, second[5:], (50, 60), (0, 40))
    arbitrary = stitched(first, second[5:], type(seam)(50, 11, 0.0))
    matched = stitched(first, second[5:], seam)
    bones = [np.linalg.norm(x[:, 1:] - x[:, np.array(HUMANML.parents[1:22])], axis=-1) for x in (matched, first)]
    np.testing.assert_allclose(bones[0], np.broadcast_to(bones[1][:1], bones[0].shape), atol=2e-3)
    pose = [np.abs(np.diff(x - x[:, :1], n=2, axis=0)).max() for x in (matched, arbitrary)]
    assert pose[0] <= pose[1]


def test_motions_that_are_too_short_are_refused() -> None:
    motion = walk(40, 1.0).astype(np.float64)
    with pytest.raises(ValueError, match="earlier"):
        best_seams(motion, motion, (30, 40 - SEAM + 1), (0, 4))
    with pytest.raises(ValueError, match="later"):
        best_seams(motion, motion, (0, 4), (10, 40))


def test_body_speed_does_not_see_travel() -> None:
    standing = np.repeat(walk(2, 0.0)[:1], 40, axis=0).astype(np.float64)
    assert body_speed(standing + 0.1 * np.arange(40)[:, None, None]) == pytest.approx(0.0, abs=1e-9)
    assert body_speed(walk(40, 1.2)) > 0.1


def test_several_seams_are_apart_and_the_best_comes_first() -> None:
    joints = walk(120, 1.1).astype(np.float64)
    seams = best_seams(joints, joints[7:], (40, 70), (0, 40), count=3)
    assert len(seams) == 3 and [s.cost for s in seams] == sorted(s.cost for s in seams)
    assert min(abs(a.before - b.before) for a in seams for b in seams if a is not b) > 4


def test_a_bad_seam_has_more_jerk_than_a_good_one() -> None:
    joints = walk(120, 1.1).astype(np.float64)
    (good,) = best_seams(joints, joints[7:], (50, 60), (0, 40))
    lifted = joints[7:] + np.where(np.arange(113) % 2 == 0, 0.02, 0.0)[:, None, None] * [0.0, 1.0, 0.0]
    bad = seam_jerk(joints, lifted, Seam(55, 20, 0.0))
    assert seam_jerk(joints, joints[7:], good) < 1.5 * usual_jerk(joints) < bad


def test_a_jolt_at_a_seam_is_measured() -> None:
    joints = walk(160, 1.0).astype(np.float64)
    assert seam_jerk_share(joints, []) == 0.0
    smooth = seam_jerk_share(joints, [(72, 88)])
    jolted = joints.copy()
    jolted[80:] += [0.0, 0.0, 0.1]
    assert smooth < 1.5 and seam_jerk_share(jolted, [(72, 88)]) > 3.0 * max(smooth, 0.5)
    assert seam_jerk_share(jolted, [(20, 36)]) < 1.5, "a jolt elsewhere is none of the seam's"
