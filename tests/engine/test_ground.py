"""Feet stand on the ground, wherever it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.metrics import foot_skate
from motionlcm_blender.motion.skeleton import FOOT_JOINTS, PARENTS
from motionlcm_blender.postprocess.terrain import HeightField, PathHeights, stand_on
from tests.synthetic_motion import walk

WALK = walk(120, 1.2).astype(np.float64)
CONTACTS = foot_contacts(WALK)


def lengths(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


def slope(rate: float) -> HeightField:
    z = np.arange(-20, 121) * 0.1
    return HeightField(np.array([-3.0, -2.0]), 0.1, np.repeat((rate * z)[None], 61, axis=0))


@given(st.floats(-0.3, 0.3))
@settings(max_examples=15, deadline=None)
def test_on_a_slope_feet_stand_as_high_above_it_as_above_the_floor(rate: float) -> None:
    ground = slope(rate)
    made = stand_on(WALK, CONTACTS, ground)
    np.testing.assert_allclose(lengths(made), lengths(WALK), atol=1e-6)
    np.testing.assert_allclose(made[:, 0][:, [0, 2]], WALK[:, 0][:, [0, 2]], atol=1e-9)
    feet = made[:, FOOT_JOINTS]
    level = feet[..., 1] - ground.heights(feet[..., [0, 2]])
    away = level - WALK[:, FOOT_JOINTS, 1]
    assert np.abs(away[CONTACTS]).mean() < 0.012  # heel and toe alike: the foot is tilted to the slope
    assert level.min() > WALK[:, FOOT_JOINTS, 1].min() - 0.06
    assert foot_skate(made, CONTACTS) < foot_skate(WALK, CONTACTS) + 3.0


def test_a_level_floor_at_another_height_only_lifts() -> None:
    made = stand_on(WALK, CONTACTS, HeightField(np.zeros(2), 1.0, np.full((3, 3), 0.7)))
    np.testing.assert_allclose(made, WALK + [0.0, 0.7, 0.0], atol=2e-3)


def test_a_step_is_climbed() -> None:
    ground = PathHeights(np.array([[0.0, -1.0], [0.0, 2.9], [0.0, 3.0], [0.0, 9.0]]), np.array([0.0, 0.0, 0.2, 0.2]))
    made = stand_on(WALK, CONTACTS, ground)
    assert made[-20:, 0, 1].mean() - WALK[-20:, 0, 1].mean() == pytest.approx(0.2, abs=0.02)
    assert made[:20, 0, 1].mean() - WALK[:20, 0, 1].mean() == pytest.approx(0.0, abs=0.02)
    for ankle, toe in ((7, 10), (8, 11)):  # on a step no foot is tilted
        pitch = made[-20:, toe, 1] - made[-20:, ankle, 1] - WALK[-20:, toe, 1] + WALK[-20:, ankle, 1]
        assert np.abs(pitch).max() < 0.02
    steps = np.abs(np.diff(made[:, 0, 1] - WALK[:, 0, 1]))
    assert steps.max() < 0.03  # the body rises gently


def test_heights_between_the_points_of_a_grid() -> None:
    field = HeightField(np.array([1.0, 2.0]), 0.5, np.array([[0.0, 1.0], [2.0, 3.0]]))
    np.testing.assert_allclose(field.heights(np.array([[1.25, 2.25], [1.0, 2.0], [9.0, 9.0]])), [1.5, 0.0, 3.0])
    with pytest.raises(InvalidRequest, match="finite"):
        HeightField(np.zeros(2), 0.5, np.array([[0.0, np.nan], [0.0, 0.0]]))
