"""Steps between the tokens of a decoder."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion.features import SLICES
from motionlcm_blender.motion.token_seams import without_token_seams


def smooth_motion(frames: int, width: int = 281) -> np.ndarray:
    time = np.arange(frames)[:, None] / 20.0
    return np.sin(time * np.linspace(0.5, 4.0, width) + np.linspace(0.0, 6.0, width))


def third_differences(features: np.ndarray) -> float:
    return float(np.abs(np.diff(features[:, SLICES["positions"]], n=3, axis=0)).max())


@given(st.integers(5, 60), st.sampled_from([2, 4]), st.floats(0.05, 1.0))
@settings(max_examples=25, deadline=None)
def test_steps_between_tokens_shrink(frames: int, group: int, size: float) -> None:
    rng = np.random.default_rng(frames)
    offsets = size * rng.standard_normal((frames // group + 1, 281))
    stepped = smooth_motion(frames) + np.repeat(offsets, group, axis=0)[:frames]
    made = without_token_seams(stepped, group)
    seams = np.arange(group, frames - 1, group)
    seams = seams[seams >= 2]
    if len(seams):
        before, after = (np.abs(np.diff(x[:, SLICES["positions"]], axis=0))[seams - 1].mean() for x in (stepped, made))
        assert after < before
    np.testing.assert_array_equal(made[:, SLICES["contacts"]], stepped[:, SLICES["contacts"]])


def test_a_smooth_motion_hardly_changes_and_takes_are_independent() -> None:
    motion = smooth_motion(60)
    made = without_token_seams(motion, 4)
    assert np.abs(made - motion).max() < 0.02
    both = without_token_seams(np.stack([motion, 2.0 * motion]), 4)
    np.testing.assert_allclose(both[0], made)
    np.testing.assert_allclose(both[1], 2.0 * made)


def test_one_step_is_spread_over_the_frames_around_it() -> None:
    motion = np.zeros((16, 263))
    motion[8:, SLICES["positions"]] = 1.0
    assert third_differences(without_token_seams(motion, 4)) < 0.7 * third_differences(motion)


def test_models_with_one_frame_a_token_and_short_motions_stay() -> None:
    motion = smooth_motion(20)
    assert without_token_seams(motion, 1) is motion
    np.testing.assert_array_equal(without_token_seams(motion[:3], 4), motion[:3])
