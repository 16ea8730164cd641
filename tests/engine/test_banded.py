"""Solving and smoothing over long clips: the same as with whole matrices, in less time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion import banded_solver, smoothing
from motionlcm_blender.postprocess.correction_splines import HOLD, PULL, smoothing_spline


def dense(bands: np.ndarray) -> np.ndarray:
    count = bands.shape[1]
    result = np.diag(bands[0])
    for k in range(1, min(len(bands), count)):
        result += np.diag(bands[k, : count - k], k) + np.diag(bands[k, : count - k], -k)
    return result


def definite(rng: np.random.Generator, reach: int, count: int) -> np.ndarray:
    """Bands of a positive definite matrix; what is not to be read is no number."""
    bands = rng.normal(size=(reach + 1, count))
    bands[0] = 2.0 * np.abs(dense(bands)).sum(0) + 0.1
    for k in range(1, reach + 1):
        bands[k, max(count - k, 0) :] = np.nan
    return bands


@given(st.integers(1, 200), st.integers(0, 4), st.sampled_from([None, 1, 3]), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_bands_are_solved_as_the_whole_matrix(count: int, reach: int, columns: int | None, seed: int) -> None:
    rng = np.random.default_rng(seed)
    bands, right = definite(rng, reach, count), rng.normal(size=(count, columns) if columns else count)
    before = bands.copy(), right.copy()
    np.testing.assert_allclose(
        banded_solver.solve_banded(bands, right), np.linalg.solve(dense(bands), right), rtol=0, atol=1e-8
    )
    np.testing.assert_array_equal(bands, before[0])
    np.testing.assert_array_equal(right, before[1])


@pytest.mark.parametrize("count", [5, 31, 32, 33, 64, 65, 196, 1200, 5000])
@pytest.mark.parametrize("reach", [0, 1, 2, 3])
def test_bands_are_solved_as_scipy_solves_them(count: int, reach: int) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(count)
    bands, right = np.nan_to_num(definite(rng, reach, count)), rng.normal(size=(count, 4))
    np.testing.assert_allclose(
        banded_solver.solve_banded(bands, right), linalg.solveh_banded(bands, right, lower=True), atol=1e-10
    )


@given(st.integers(3, 150), st.sampled_from([1, 2]), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_what_is_done_to_bands_is_done_to_the_matrix(count: int, order: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=count)
    bands = banded_solver.squared_differences(count, order)
    difference = np.diff(np.eye(count), n=order, axis=0)
    whole = difference.T @ difference
    np.testing.assert_array_equal(dense(bands), whole)
    np.testing.assert_allclose(banded_solver.times(bands, values), whole @ values, atol=1e-12)
    scaled = banded_solver.scaled(bands, values)
    np.testing.assert_allclose(dense(scaled), values[:, None] * whole * values, atol=1e-12)


@pytest.mark.parametrize("frames", [3, 4, 60, 700])
def test_splines_are_those_of_the_whole_matrix(frames: int) -> None:
    rng = np.random.default_rng(frames)
    values, weight = rng.normal(size=(frames, 4)), 40.0 * (rng.random(frames) > 0.6)
    second = np.diff(np.eye(frames), n=2, axis=0)
    known = np.flatnonzero(weight > 0.1 * weight.max())
    step = np.diff(np.eye(frames), axis=0)[[k for k in range(frames - 1) if not known[0] <= k < known[-1]]]
    matrix = second.T @ second + PULL * np.eye(frames) + np.diag(weight) + HOLD * step.T @ step
    np.testing.assert_allclose(
        smoothing_spline(values, weight), np.linalg.solve(matrix, weight[:, None] * values), atol=1e-8
    )


@pytest.mark.parametrize("sigma", [0.2, 0.7, 2.5, 8.0, 20.0])
@pytest.mark.parametrize("frames", [5, 257, 300, 530, 1024, 1201])
def test_long_clips_are_smoothed_as_with_the_whole_matrix(frames: int, sigma: float) -> None:
    values = np.cumsum(np.random.default_rng(frames).normal(size=(frames, 2, 3)), axis=0)
    for smooth, matrix in ((smoothing.smooth, smoothing._local_linear), (smoothing.smooth_curved, smoothing._twiced)):
        whole = np.einsum("ts,sij->tij", matrix.__wrapped__(frames, sigma), values)
        np.testing.assert_allclose(smooth(values, sigma), whole, rtol=0, atol=1e-9)
