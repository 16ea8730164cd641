"""Measures on embeddings: known answers, and what must hold for any numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionlcm_blender.training.evaluation import text_metrics as tm


def rows(seed: int, count: int = 40, width: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, width))


def whitened(seed: int, count: int, width: int) -> np.ndarray:
    """Rows whose mean is 0 and whose covariance is the identity, exactly."""
    x = rows(seed, count, width)
    x -= x.mean(0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


def test_frechet_distance_of_gaussians_in_closed_form() -> None:
    x, y = whitened(1, 50, 4), whitened(2, 60, 4)
    scale, shift = np.array([2.0, 1.0, 3.0, 0.5]), np.array([1.0, -2.0, 0.0, 0.5])
    # Commuting covariances: the squared difference of the standard deviations.
    expected = (shift**2).sum() + ((scale - 1.0) ** 2).sum()
    assert tm.frechet_distance(x, y * scale + shift) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_is_that_of_a_general_matrix_root() -> None:
    from scipy.linalg import sqrtm

    x, y = rows(3, 80) @ rows(4, 6), rows(5, 70) @ rows(6, 6) + 0.3
    c1, c2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert tm.frechet_distance(x, y) == pytest.approx(expected, rel=1e-6)


@given(st.integers(0, 10_000), st.integers(3, 12))
def test_frechet_distance_invariants(seed: int, count: int) -> None:
    """Fewer samples than dimensions included: symmetric, 0 to itself, blind to rotation and order, not to a shift."""
    x, y = rows(seed, count, 8), rows(seed + 1, count + 2, 8)
    distance = tm.frechet_distance(x, y)
    assert distance == pytest.approx(tm.frechet_distance(y, x), rel=1e-5, abs=1e-6)
    assert tm.frechet_distance(x, x[::-1]) == pytest.approx(0.0, abs=1e-5)
    turn = np.linalg.qr(rows(seed + 2, 8, 8))[0]
    assert tm.frechet_distance(x @ turn, y @ turn) == pytest.approx(distance, rel=1e-5, abs=1e-5)
    assert tm.frechet_distance(x, x + 2.0) == pytest.approx(4.0 * 8, rel=1e-5)


def test_floor_shrinks_with_samples_and_a_shifted_set_is_above_it() -> None:
    generator = np.random.default_rng(0)
    small, large = (np.mean([tm.frechet_floor(rows(7, n), generator) for _ in range(5)]) for n in (40, 400))
    assert 0.0 < large < small / 3
    assert tm.frechet_distance(rows(7, 400), rows(8, 400) + 1.0) > 10 * large


def test_r_precision_of_a_perfect_a_random_and_a_collapsed_evaluator() -> None:
    text = rows(9, 320, 8)
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(tm.r_precision(text, text, generator), [1.0, 1.0, 1.0])
    chance = np.mean([tm.r_precision(rows(10 + k, 320, 8), text, generator) for k in range(10)], 0)
    np.testing.assert_allclose(chance, np.arange(1, 4) / 32, atol=0.03)
    np.testing.assert_array_equal(tm.r_precision(np.zeros_like(text), text, generator), [0.0, 0.0, 0.0])


def test_r_precision_by_hand() -> None:
    """Caption 0 finds its own second, caption 1 first, caption 2 third."""
    motion = np.array([[0.0], [1.0], [5.0]])
    text = np.array([[0.6], [1.1], [0.4]])
    found = tm.r_precision(motion, text, np.random.default_rng(0), group=32)
    np.testing.assert_allclose(found, [1 / 3, 2 / 3, 1.0])
    whole = tm.retrieval(motion, text, among=(1, 2, 3))
    assert whole == pytest.approx({"r1": 1 / 3, "r2": 2 / 3, "r3": 1.0, "median_rank": 2.0})


@given(st.integers(0, 10_000), st.integers(1, 70))
def test_r_precision_rises_and_ignores_scale_and_turn(seed: int, count: int) -> None:
    motion, text = rows(seed, count), rows(seed + 1, count)
    found = tm.r_precision(motion, text, np.random.default_rng(seed))
    assert (np.diff(found) >= 0).all() and found[0] >= 0.0 and found[-1] <= 1.0
    turn = 3.0 * np.linalg.qr(rows(seed + 2, 6, 6))[0]
    again = tm.r_precision(motion @ turn, text @ turn, np.random.default_rng(seed))
    np.testing.assert_allclose(again, found, atol=1e-9)


def test_distances_by_hand() -> None:
    corners = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert tm.multimodal_distance(corners, corners[::-1]) == pytest.approx(5.0)
    same = np.ones((20, 3))
    assert tm.diversity(same, np.random.default_rng(0)) == 0.0
    takes = np.repeat(rows(11, 5)[:, None], 12, axis=1)
    assert tm.multimodality(takes, np.random.default_rng(0)) == 0.0
    assert tm.diversity(takes[:, 0], np.random.default_rng(0)) > 0.0
    # Unit Gaussians in many dimensions lie sqrt(2 width) apart.
    wide = rows(12, 600, 500)
    assert tm.diversity(wide, np.random.default_rng(0)) == pytest.approx(np.sqrt(1000), rel=0.01)
    # One pair in thirty is a take with itself.
    made = tm.multimodality(wide.reshape(20, 30, 500), np.random.default_rng(0))
    assert made == pytest.approx(np.sqrt(1000) * 29 / 30, rel=0.03)


@pytest.mark.parametrize(
    "call",
    [
        lambda: tm.frechet_distance(rows(0, 1), rows(0)),
        lambda: tm.frechet_distance(rows(0), rows(0, 40, 5)),
        lambda: tm.frechet_distance(rows(0), np.full((4, 6), np.nan)),
        lambda: tm.r_precision(rows(0), rows(0, 39), np.random.default_rng(0)),
        lambda: tm.multimodality(rows(0), np.random.default_rng(0)),
        lambda: tm.multimodality(rows(0)[:, None], np.random.default_rng(0)),
    ],
)
def test_wrong_shapes_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match=r"embeddings|motion"):
        call()  # type: ignore[operator]
