"""Conversion between quaternions and XYZ Euler angles."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray


def euler_angles(q: FloatArray) -> FloatArray:
    """Convert quaternions to Euler angles about X, then Y, then Z (Blender's "XYZ"), unwrapped over time.

    Each frame gets the triple nearest to that of the frame before, so angles continue beyond half a turn. The middle
    angle of the first frame lies within a quarter turn.

    Args:
        q: (T, ..., 4) unit quaternions (w, x, y, z).

    Returns:
        (T, ..., 3) radians.
    """
    w, x, y, z = np.moveaxis(np.asarray(q, dtype=np.float64), -1, 0)
    about_x = np.arctan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
    about_y = np.arcsin(np.clip(2.0 * (w * y - x * z), -1.0, 1.0))
    about_z = np.arctan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
    one = np.stack([about_x, about_y, about_z], axis=-1)
    other = np.stack([about_x + np.pi, np.pi - about_y, about_z + np.pi], axis=-1)
    turn = 2.0 * np.pi
    # With whole turns added, `one` alone is the answer where `other` is never nearer, which is the usual case.
    angles = one.copy()
    angles[1:] += turn * np.cumsum(np.round((one[:-1] - one[1:]) / turn), axis=0)
    crossed = _is_farther(angles, other).any(axis=0)
    if crossed.any():
        angles[:, crossed] = _nearest(one[:, crossed], other[:, crossed])
    result: FloatArray = angles
    return result


def _is_farther(angles: FloatArray, other: FloatArray) -> BoolArray:
    """(T - 1, ...) whether the step to a frame is longer than the step to the other triple of this frame."""
    before = angles[:-1]
    second = other[1:] + 2.0 * np.pi * np.round((before - other[1:]) / (2.0 * np.pi))
    farther: BoolArray = np.abs(angles[1:] - before).sum(-1) > np.abs(second - before).sum(-1)
    return farther


def _nearest(one: FloatArray, other: FloatArray) -> FloatArray:
    """(T, N, 3) of two triples on each frame the one nearest to the frame before, with whole turns added."""
    angles, turn = one.copy(), 2.0 * np.pi
    for t in range(1, len(angles)):
        before = angles[t - 1]
        first, second = (way[t] + turn * np.round((before - way[t]) / turn) for way in (one, other))
        nearer = np.abs(first - before).sum(-1) <= np.abs(second - before).sum(-1)
        angles[t] = np.where(nearer[..., None], first, second)
    return angles


def euler_quaternions(angles: FloatArray) -> FloatArray:
    """Convert XYZ Euler angles to quaternions: rotation about X first, then Y, then Z.

    Args:
        angles: (..., 3) radians.

    Returns:
        (..., 4) unit quaternions (w, x, y, z).
    """
    half = 0.5 * np.asarray(angles, dtype=np.float64)
    (cx, cy, cz), (sx, sy, sz) = (np.moveaxis(part, -1, 0) for part in (np.cos(half), np.sin(half)))
    return np.stack(
        [
            cx * cy * cz + sx * sy * sz,
            sx * cy * cz - cx * sy * sz,
            cx * sy * cz + sx * cy * sz,
            cx * cy * sz - sx * sy * cz,
        ],
        axis=-1,
    )
