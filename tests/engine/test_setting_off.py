"""A free motion that goes on from given frames."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.postprocess.setting_off import FASTEST, SLOWEST, Entry, best_entry, entered, entry_times
from tests.synthetic_motion import walk


def turned(joints: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    result = joints.copy()
    result[..., 0] = cos * joints[..., 0] + sin * joints[..., 2] + 2.0
    result[..., 2] = cos * joints[..., 2] - sin * joints[..., 0] - 1.0
    return result


def test_a_walk_is_entered_in_the_same_phase_and_goes_on_in_its_direction() -> None:
    whole = walk(120, 1.1).astype(np.float64)
    given, free = whole[:40], turned(whole[20:], 1.0)
    entry = best_entry(given, free, 30)
    assert entry.cost < 0.02 and entry.rate == pytest.approx(1.0, abs=0.05)
    times = entry_times(entry, len(given), len(free))
    joined = entered(given, free, times)
    np.testing.assert_allclose(joined[38:80], whole[38:80], atol=0.12)


def test_a_figure_that_stands_begins_slowly_and_reaches_full_speed() -> None:
    free = walk(100, 1.2).astype(np.float64)
    given = np.repeat(walk(1, 0.0).astype(np.float64), 20, axis=0)
    entry = best_entry(given, free, 30)
    assert entry.rate == SLOWEST
    steps = np.diff(entry_times(entry, 20, 100)[19:])
    assert (np.diff(steps) >= -1e-9).all() and steps[0] < 0.5 and steps[-1] == pytest.approx(1.0)


def test_a_faster_motion_does_not_make_the_entry_faster_than_the_limit() -> None:
    given = np.concatenate([walk(100, 1.2)[:30:3]]).astype(np.float64)
    assert best_entry(given, walk(100, 0.4).astype(np.float64), 30).rate <= FASTEST


def test_a_pose_farther_away_takes_longer() -> None:
    assert Entry(3, 1.0, 0.4, 0.05).fade < Entry(3, 1.0, 0.4, 0.2).fade < Entry(3, 1.0, 0.4, 0.5).fade


def test_times_end_with_the_motion() -> None:
    times = entry_times(Entry(5, 0.4, 0.1, 0.1), 20, 60)
    assert times[-1] <= 59.0 and times[0] == 0.0 and times[19] == 5.0
