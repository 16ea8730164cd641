"""Smoothing and interpolation over time, exact at both ends of a clip."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..array_types import FloatArray, IntArray

_REACH = 8.5
"""Standard deviations beyond which a Gaussian weight vanishes beside 1 in float64."""
_BLOCK = 256
"""Number of frames of a long clip that are smoothed at once."""


def smooth(values: FloatArray, sigma: float) -> FloatArray:
    """Local linear smoothing along axis 0 with Gaussian weights.

    In the middle this is a Gaussian filter; near the ends a line is fitted instead of a constant, so that steady
    travel is unchanged up to the first and last frame.

    Args:
        values: (T, ...).
        sigma: Standard deviation, frames.

    Returns:
        Smoothed values of the same shape.
    """
    return _apply(_local_linear, values, float(sigma), _REACH * sigma)


def smooth_curved(values: FloatArray, sigma: float) -> FloatArray:
    """Like `smooth`, but twiced (residuals are smoothed and added), so that bends of a path are not cut.

    Used to separate sway from travel.

    Args:
        values: (T, ...).
        sigma: Standard deviation, frames.

    Returns:
        Smoothed values of the same shape.
    """
    return _apply(_twiced, values, float(sigma), 2.0 * _REACH * sigma)


def smoothstep(x: IntArray | FloatArray, low: float, high: float) -> FloatArray:
    """Smooth step: 0 below `low`, 1 above `high`, cubic between."""
    t = np.clip((np.asarray(x, dtype=np.float64) - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def hermite(
    t: FloatArray, length: FloatArray, p: FloatArray, q: FloatArray, m: FloatArray, n: FloatArray
) -> FloatArray:
    """Cubic Hermite curves from p to q with slopes m and n.

    Args:
        t: (T,) curve parameter, clipped to 0..1.
        length: (T,) length of the interval from p to q, in the unit of the slopes.
        p: (T, k) start values.
        q: (T, k) end values.
        m: (T, k) start slopes.
        n: (T, k) end slopes.

    Returns:
        (T, k) values.
    """
    t, length = np.clip(t, 0.0, 1.0)[:, None], length[:, None]
    h = t * t * (3.0 - 2.0 * t)
    result: FloatArray = (1.0 - h) * p + h * q + length * (t * (1.0 - t) ** 2 * m - t * t * (1.0 - t) * n)
    return result


def through(
    at: IntArray | FloatArray, values: FloatArray, where: IntArray | FloatArray, level_ends: bool = False
) -> FloatArray:
    """Interpolate points with smooth curves without overshoot, constant before the first and after the last point.

    Cubic, with slopes that are harmonic means of the neighbouring slopes (Fritsch and Carlson 1980) and zero where the
    direction reverses. With one column, increasing values give an increasing curve; with several, the curve is
    equivariant under rotation of the points.

    Args:
        at: (K,) increasing positions of the points.
        values: (K, k) values of the points.
        where: (T,) positions of the samples.
        level_ends: Use slope zero at both ends instead of the slope of the first and last segment.

    Returns:
        (T, k) values.
    """
    if len(at) == 1:
        return np.repeat(values, len(where), axis=0)
    steps = np.diff(at).astype(np.float64)
    rate = np.diff(values, axis=0) / steps[:, None]
    slope = np.zeros(values.shape)
    if not level_ends:
        slope[[0, -1]] = rate[[0, -1]]
    before, after = (np.linalg.norm(part, axis=-1, keepdims=True) for part in (rate[:-1], rate[1:]))
    same_way = (rate[:-1] * rate[1:]).sum(-1, keepdims=True) / np.maximum(before * after, 1e-12)
    harmonic = (rate[:-1] * after + rate[1:] * before) / np.maximum(before + after, 1e-12)
    slope[1:-1] = np.clip(same_way, 0.0, 1.0) * harmonic
    k = np.clip(np.searchsorted(at, where, side="right") - 1, 0, len(at) - 2)
    return hermite((where - at[k]) / steps[k], steps[k], values[k], values[k + 1], slope[k], slope[k + 1])


def _apply(matrix: Callable[[int, float], FloatArray], values: FloatArray, sigma: float, far: float) -> FloatArray:
    """Multiply matrix(T, sigma) with values (T, ...); `far` is the distance in frames beyond which weights vanish.

    The matrix of a long clip would be large and almost empty, so long clips are smoothed in blocks, each with the
    frames within reach.
    """
    values = np.asarray(values)
    frames, reach = len(values), int(far) + 1
    flat = values.reshape(frames, -1)
    if frames <= _BLOCK + 2 * reach:
        return (matrix(frames, sigma) @ flat).reshape(values.shape)
    result = np.empty(flat.shape)
    for start in range(0, frames, _BLOCK):
        stop = min(start + _BLOCK, frames)
        low, high = max(start - reach, 0), min(stop + reach, frames)
        result[start:stop] = matrix(high - low, sigma)[start - low : stop - low] @ flat[low:high]
    return result.reshape(values.shape)


@lru_cache(maxsize=64)
def _local_linear(frames: int, sigma: float) -> FloatArray:
    index = np.arange(frames)
    offset = (index[None] - index[:, None]).astype(np.float64)
    weight = np.exp(-0.5 * (offset / sigma) ** 2)
    s0, s1, s2 = (weight.sum(1), (weight * offset).sum(1), (weight * offset**2).sum(1))
    determinant = s0 * s2 - s1**2
    if (determinant < 1e-9).any():  # too few frames, or too narrow a filter, for a line
        line: FloatArray = weight / s0[:, None]
    else:
        line = weight * (s2[:, None] - s1[:, None] * offset) / determinant[:, None]
    return line


@lru_cache(maxsize=64)
def _twiced(frames: int, sigma: float) -> FloatArray:
    once = _local_linear(frames, sigma)
    return 2.0 * once - once @ once


def frames_to_nearest(marks: IntArray, frames: int) -> IntArray:
    """Compute the distance of each frame from the nearest of some frames.

    Args:
        marks: (M,) frames in ascending order, M at least 1.
        frames: Number of frames.

    Returns:
        (frames,) distances in frames.
    """
    frame = np.arange(frames)
    after = np.searchsorted(marks, frame)
    behind, ahead = marks[np.maximum(after - 1, 0)], marks[np.minimum(after, len(marks) - 1)]
    nearest: IntArray = np.minimum(np.abs(frame - behind), np.abs(frame - ahead))
    return nearest
