"""Steps are counted and measured as they were made."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion.step_measures import (
    captured_steps_per_minute,
    flight_share,
    pelvis_acceleration,
    step_frames,
    steps_per_minute,
)
from tests.synthetic_motion import walk


def test_steps_of_a_walk_come_at_even_times() -> None:
    joints = walk(160, 1.0)
    steps = np.diff(step_frames(joints))
    assert len(steps) > 6 and steps.std() < 0.15 * steps.mean()
    assert steps_per_minute(joints) == pytest.approx(1200.0 / steps.mean(), rel=0.01)


def test_the_same_walk_played_faster_steps_faster() -> None:
    joints = walk(160, 1.0)
    assert steps_per_minute(joints[::2]) == pytest.approx(2.0 * steps_per_minute(joints), rel=0.05)


def test_a_figure_that_stands_takes_no_steps() -> None:
    joints = np.repeat(walk(1, 0.0), 80, axis=0)
    assert len(step_frames(joints)) == 0 and np.isnan(steps_per_minute(joints))
    assert flight_share(joints) == 0.0 and pelvis_acceleration(joints) == 0.0


def test_captured_cadence_rises_with_speed() -> None:
    speeds = np.linspace(0.3, 2.0, 9)
    cadence = np.array([captured_steps_per_minute(speed) for speed in speeds])
    assert (np.diff(cadence) > 0.0).all() and 90.0 < captured_steps_per_minute(1.0) < 115.0
    assert captured_steps_per_minute(2.6, runs=True) > 150.0


def test_bounce_of_the_pelvis() -> None:
    joints = walk(120, 1.0).astype(np.float64)
    height = 0.05 * np.sin(2.0 * np.pi * 2.0 * np.arange(120) / 20.0)
    bounced = joints * [1.0, 0.0, 1.0] + height[:, None, None] * [0.0, 1.0, 0.0]
    expected = 0.05 * (2.0 * 20.0 * np.sin(np.pi / 10.0)) ** 2 / np.sqrt(2.0)  # of the sampled sine
    assert pelvis_acceleration(bounced) == pytest.approx(expected, rel=0.05)
