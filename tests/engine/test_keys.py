"""Keys ready for bulk writing."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.keyframes.keys import dense_keys
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.resampling import resample
from motionlcm_blender.motion.retarget import retarget
from tests.synthetic_motion import walk


def walking() -> Clip:
    return retarget(Motion(walk(50), np.zeros((50, 4), np.float32)))


def test_one_key_a_frame_at_the_clips_own_rate() -> None:
    clip = walking()
    keys = dense_keys(clip)
    np.testing.assert_array_equal(keys.times, np.arange(1.0, 51.0))
    np.testing.assert_array_equal(keys.location, clip.translation)
    assert keys.rotations.shape == (24, 50, 4) and keys.names == clip.skeleton.names and keys.count == 50
    assert keys.rotations.flags.c_contiguous
    for bone in range(24):
        np.testing.assert_array_equal(keys.rotations[bone], clip.rotations[:, bone])


@pytest.mark.parametrize("fps", [23.976, 24.0, 30.0])
def test_at_the_scenes_rate_from_any_first_frame(fps: float) -> None:
    clip = walking()
    keys = dense_keys(clip, first_frame=101.5, scene_fps=fps)
    expected = resample(clip, fps)
    np.testing.assert_allclose(keys.times, 101.5 + np.arange(expected.frames))
    np.testing.assert_allclose(keys.location, expected.translation)
    np.testing.assert_allclose(keys.rotations, expected.rotations.swapaxes(0, 1))
    assert (keys.times[-1] - keys.times[0]) / fps >= 49 / 20 - 1e-6


def test_signs_never_flip() -> None:
    clip = walking()
    signs = np.where(np.arange(50) % 3, 1.0, -1.0)[:, None, None]
    keys = dense_keys(Clip(clip.fps, clip.translation, clip.rotations * signs, clip.skeleton))
    assert ((keys.rotations[:, 1:] * keys.rotations[:, :-1]).sum(-1) > 0.0).all()


def test_keys_do_not_share_memory_with_the_clip() -> None:
    clip = walking()
    keys = dense_keys(clip)
    assert not np.shares_memory(keys.location, clip.translation)
    assert not np.shares_memory(keys.rotations, clip.rotations)


def test_an_impossible_rate_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        dense_keys(walking(), scene_fps=0.0)
