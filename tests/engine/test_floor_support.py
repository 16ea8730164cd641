"""Motions begin and end on the floor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion.floor_support import FLIGHT_SECONDS, OFF_FLOOR, supported_ends
from tests.synthetic_motion import walk


def lowest(joints: np.ndarray) -> np.ndarray:
    return joints[..., 1].min(axis=1)


def standing(frames: int) -> np.ndarray:
    joints = np.repeat(walk(2, 0.0)[:1], frames, axis=0).astype(np.float64)
    joints[..., 1] -= lowest(joints)[0]
    return joints


@given(st.floats(0.2, 1.2), st.integers(int(FLIGHT_SECONDS * 20) + 3, 40), st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_figure_that_hangs_in_the_air_is_put_on_the_floor(height: float, frames: int, at_end: bool) -> None:
    joints = standing(80)
    joints[:frames, :, 1] += height
    joints = joints[::-1] if at_end else joints
    made = supported_ends(joints)
    assert (lowest(made) < lowest(joints) + 1e-9).all() and (lowest(made) > -1e-9).all()
    hanging = slice(80 - frames + 3, None) if at_end else slice(0, frames - 3)
    assert lowest(made)[hanging].max() < OFF_FLOOR
    kept = slice(0, 80 - frames - 6) if at_end else slice(frames + 6, None)
    np.testing.assert_allclose(made[kept], joints[kept])
    np.testing.assert_allclose(np.diff(made, axis=1), np.diff(joints, axis=1), atol=1e-9)  # poses stay


def test_jumps_stay_jumps() -> None:
    joints = standing(60)
    joints[20:34, :, 1] += 0.5 * np.sin(np.linspace(0.0, np.pi, 14))[:, None]
    np.testing.assert_array_equal(supported_ends(joints), joints)
    landing = joints[27:]  # begins at the top of the jump
    np.testing.assert_array_equal(supported_ends(landing), landing)


def test_a_figure_that_never_touches_the_floor_is_left_alone() -> None:
    joints = standing(30) + np.array([0.0, 1.0, 0.0])
    np.testing.assert_array_equal(supported_ends(joints), joints)


@pytest.mark.parametrize("frames", [1, 3, 5])
def test_short_motions(frames: int) -> None:
    np.testing.assert_array_equal(supported_ends(standing(frames)), standing(frames))
