"""The guess of how a straight arm would bend, and the reading of captured rotations it is fitted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.errors import TrainingDataError
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.elbow_prior import COEFFICIENTS, expected_hinges
from motionlcm_blender.motion.skeleton import HUMANML, PARENTS
from motionlcm_blender.training.data.captured_rotations import CapturedClip, captured_clips, held_out_actors
from motionlcm_blender.training.elbow_prior_fit import fit
from tests.synthetic_motion import gestures


def clip(seed: int) -> CapturedClip:
    positions, local = gestures(80, seed=seed)
    world = local.copy()
    for joint, parent in list(enumerate(PARENTS))[1:]:
        world[:, joint] = rot.multiply(world[:, parent], local[:, joint])
    return CapturedClip(f"{seed:02d}_01", positions.astype(np.float64), world, np.asarray(HUMANML.rest[:22]))


def test_both_arms_are_mirror_images() -> None:
    generator = np.random.default_rng(0)
    upper, lower = (rot.unit(generator.normal(size=(5, 2, 3)), 0.0) for _ in range(2))
    flip = np.array([-1.0, 1.0, 1.0])
    here, there = expected_hinges(upper, lower), expected_hinges((upper * flip)[:, ::-1], (lower * flip)[:, ::-1])
    np.testing.assert_allclose(there[:, ::-1] * [1.0, -1.0, -1.0], here, atol=1e-12)


def test_the_fit_is_of_the_right_shape_and_sees_the_motion() -> None:
    first, again, other = fit([clip(1), clip(2)]), fit([clip(1), clip(2)]), fit([clip(3)])
    assert first.shape == COEFFICIENTS.shape
    np.testing.assert_allclose(first, again, rtol=1e-6, atol=1e-9)
    assert np.abs(first - other).max() > 1e-3


def test_captured_clips_are_read_by_name_and_mistakes_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="is missing"):
        captured_clips(tmp_path)
    made = clip(1)
    arrays = {"01_01/positions": made.positions, "01_01/rotations": made.rotations, "01_01/rest": made.rest}
    np.savez(tmp_path / "rotations.npz", **arrays)
    (read,) = captured_clips(tmp_path)
    assert read.name == "01_01" and read.actor == "01"
    np.testing.assert_array_equal(read.rotations, made.rotations)
    np.savez(tmp_path / "rotations.npz", **{**arrays, "01_01/rest": made.rest[:5]})
    with pytest.raises(TrainingDataError, match="other shapes"):
        captured_clips(tmp_path)
    assert held_out_actors([clip(k) for k in range(8)]) == {"02", "06"}
