"""The banded solver against the dense one."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion.banded import second_differences, solve, times


def dense(diagonal: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    matrix = np.diag(diagonal)
    for offset, values in ((1, first), (2, second)):
        matrix += np.diag(values, offset) + np.diag(values, -offset)
    return matrix


@pytest.mark.parametrize("frames", [3, 4, 5, 50, 196])
def test_solves_as_a_dense_solver_does(frames: int) -> None:
    generator = np.random.default_rng(frames)
    diagonal, first, second = second_differences(frames)
    slope = generator.uniform(-5.0, 5.0, frames)
    diagonals = (
        diagonal * slope**2 + generator.uniform(1e-3, 10.0, frames),
        first * slope[1:] * slope[:-1],
        second * slope[2:] * slope[:-2],
    )
    matrix = dense(*diagonals)
    for right in (generator.standard_normal(frames), generator.standard_normal((frames, 3))):
        kept = right.copy()
        found = solve(diagonals, right)
        np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(right, kept)
    np.testing.assert_allclose(times(diagonals, right[:, 0]), matrix @ right[:, 0], atol=1e-12)


@pytest.mark.parametrize("frames", [3, 4, 30])
def test_second_differences(frames: int) -> None:
    x = np.random.default_rng(1).standard_normal(frames)
    diagonals = second_differences(frames)
    assert x @ times(diagonals, x) == pytest.approx((np.diff(x, 2) ** 2).sum())
    twice = np.diff(np.eye(frames), n=2, axis=0)
    np.testing.assert_array_equal(dense(*diagonals), twice.T @ twice)
