"""Smoothing over time, exact at both ends of a clip."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Local linear smoothing along axis 0 with Gaussian weights.

    values: (T, ...). sigma: standard deviation in frames. In the middle it is a Gaussian filter; near the ends a
    line is fitted instead of a constant, so that steady travel stays what it is up to the first and last frame.
    """
    return _apply(_local_linear(len(values), float(sigma)), values)


def smooth_curved(values: np.ndarray, sigma: float) -> np.ndarray:
    """Like `smooth`, but smoothed twice over, so that a bend of the path is not cut: for telling sway from travel."""
    return _apply(_twiced(len(values), float(sigma)), values)


def smoothstep(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below low, 1 above high, and a smooth rise between."""
    t = np.clip((np.asarray(x, dtype=np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def through_points(at: np.ndarray, values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Rising numbers through rising points, smooth and never falling, read at `where` (T,).

    at, values: (K,) rising, K at least 2. Cubic with harmonic slopes (Fritsch and Carlson 1980): no overshoot, and
    steady where the points are; straight on at the ends.
    """
    steps, rises = np.diff(at), np.diff(values)
    rate = rises / steps
    slope = np.empty(len(at))
    slope[[0, -1]] = rate[[0, -1]]
    product = rate[1:] * rate[:-1]
    slope[1:-1] = np.where(product > 0, 2.0 * product / np.where(product > 0, rate[1:] + rate[:-1], 1.0), 0.0)
    # One neighbour's rate bounds the slope (three times it, at most) so that the curve never turns back.
    slope[:-1] = np.minimum(slope[:-1], 3.0 * rate)
    slope[1:] = np.minimum(slope[1:], 3.0 * rate)
    k = np.clip(np.searchsorted(at, where, side="right") - 1, 0, len(at) - 2)
    t = np.clip((where - at[k]) / steps[k], 0.0, 1.0)
    h = t * t * (3.0 - 2.0 * t)
    curved = steps[k] * (t * (1.0 - t) ** 2 * slope[k] - t * t * (1.0 - t) * slope[k + 1])
    result: np.ndarray = (1.0 - h) * values[k] + h * values[k + 1] + curved
    return result


def _apply(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
    values = np.asarray(values)
    return (matrix @ values.reshape(len(values), -1)).reshape(values.shape)


@lru_cache(maxsize=64)
def _gaussian(frames: int, sigma: float) -> np.ndarray:
    index = np.arange(frames)
    return np.exp(-0.5 * ((index[:, None] - index[None]) / sigma) ** 2)


@lru_cache(maxsize=64)
def _local_linear(frames: int, sigma: float) -> np.ndarray:
    index = np.arange(frames)
    away = (index[None] - index[:, None]).astype(np.float64)
    weight = _gaussian(frames, sigma)
    s0, s1, s2 = (weight.sum(1), (weight * away).sum(1), (weight * away**2).sum(1))
    determinant = s0 * s2 - s1**2
    if (determinant < 1e-9).any():  # too few frames, or too narrow a filter, for a line
        return weight / s0[:, None]
    return weight * (s2[:, None] - s1[:, None] * away) / determinant[:, None]


@lru_cache(maxsize=64)
def _twiced(frames: int, sigma: float) -> np.ndarray:
    once = _local_linear(frames, sigma)
    return 2.0 * once - once @ once
