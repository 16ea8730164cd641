"""Resampling by time, to any rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Clip
from motionlcm_blender.motion.resampling import resample, resampled_frames
from motionlcm_blender.motion.retarget import forward_kinematics
from motionlcm_blender.motion.skeleton import HUMANML
from tests.synthetic_motion import gestures

RATES = st.sampled_from([12.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 59.94, 60.0, 120.0]) | st.floats(1.0, 150.0)


def clip_of(frames: int, seed: int, fps: float = 20.0) -> Clip:
    joints, local = gestures(frames, seed, fps=fps)
    return Clip(fps, joints[:, 0].astype(np.float64), rot.continuous(local), HUMANML)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 80), RATES, st.booleans())
def test_length_ends_and_unit_quaternions(frames: int, fps: float, smooth: bool) -> None:
    clip = clip_of(frames, 0)
    result = resample(clip, fps, smooth)
    end, last = (frames - 1) / 20.0, (result.frames - 1) / fps
    assert last > end - 1e-6 and (last < end + 1.0 / fps or result.frames == 1)
    assert result.frames == resampled_frames(frames, 20.0, fps) == len(result.rotations)
    assert result.fps == fps and result.skeleton is clip.skeleton
    for at in (0, -1):
        np.testing.assert_allclose(result.translation[at], clip.translation[at], atol=1e-6)
        turn = rot.multiply(rot.inverse(clip.rotations[at]), result.rotations[at])
        assert rot.angle_of(turn).max() < 1e-5
    np.testing.assert_allclose(np.linalg.norm(result.rotations, axis=-1), 1.0, atol=1e-12)
    assert ((result.rotations[1:] * result.rotations[:-1]).sum(-1) >= 0.0).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 60), st.integers(1, 6), st.booleans(), st.integers(0, 100))
def test_the_clips_own_moments_come_back(frames: int, times: int, smooth: bool, seed: int) -> None:
    clip = clip_of(frames, seed)
    result = resample(clip, 20.0 * times, smooth)
    assert result.frames == (frames - 1) * times + 1
    np.testing.assert_allclose(result.translation[::times], clip.translation, atol=1e-9)
    turn = rot.multiply(rot.inverse(clip.rotations), result.rotations[::times])
    assert rot.angle_of(turn).max() < 1e-6


@settings(max_examples=10, deadline=None)
@given(RATES.filter(lambda fps: fps > 15), st.integers(0, 100))
def test_it_is_the_motion_at_those_moments(fps: float, seed: int) -> None:
    """Against the same motion made at a very high rate."""
    clip, fine = clip_of(60, seed), clip_of(59 * 10 + 1, seed, fps=200.0)
    result = resample(clip, fps)
    fine = resample(fine, fps, smooth=False)
    error = np.linalg.norm(forward_kinematics(result) - forward_kinematics(fine), axis=-1)
    assert error.max() < 0.006


def test_smooth_is_nearer_the_motion_than_straight_lines() -> None:
    clip, fine = clip_of(60, 5), forward_kinematics(clip_of(59 * 4 + 1, 5, fps=80.0))
    errors = [
        np.linalg.norm(forward_kinematics(resample(clip, 80.0, smooth)) - fine, axis=-1).mean()
        for smooth in (True, False)
    ]
    assert errors[0] < 0.5 * errors[1]


def test_straight_lines_are_slerp() -> None:
    a, b = rot.IDENTITY, rot.from_axis_angle([0.0, 1.0, 0.0], 1.0)
    clip = Clip(10.0, np.array([[0.0, 0, 0], [1.0, 0, 0]]), np.tile(np.stack([a, b])[:, None], (1, 22, 1)), HUMANML)
    result = resample(clip, 40.0, smooth=False)
    np.testing.assert_allclose(result.translation[:, 0], [0.0, 0.25, 0.5, 0.75, 1.0])
    expected = rot.from_axis_angle([0.0, 1.0, 0.0], np.array([0.0, 0.25, 0.5, 0.75, 1.0]))
    np.testing.assert_allclose(result.rotations[:, 3], expected, atol=1e-12)


def test_sign_flips_in_the_source_do_no_harm() -> None:
    clip = clip_of(30, 2)
    flipped = Clip(
        20.0, clip.translation, clip.rotations * np.where(np.arange(30) % 2, -1.0, 1.0)[:, None, None], HUMANML
    )
    np.testing.assert_allclose(resample(flipped, 24.0).rotations, resample(clip, 24.0).rotations, atol=1e-12)


@pytest.mark.parametrize("fps", [0.0, -24.0, float("nan"), float("inf")])
def test_impossible_rates_are_refused_in_one_sentence(fps: float) -> None:
    with pytest.raises(InvalidRequest, match="frame rate must be a positive number"):
        resample(clip_of(5, 0), fps)
