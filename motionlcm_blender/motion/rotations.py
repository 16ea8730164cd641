"""Unit quaternions as plain arrays.

Every quaternion is an array whose last axis holds (w, x, y, z); leading axes broadcast; results are float64. A
quaternion q rotates a column vector v to q v inv(q); `multiply(a, b)` rotates by b first, then by a. No function
raises for a zero quaternion or vector: it means no rotation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import FloatArray

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
"""No rotation."""

_TINY = 1e-12


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product of vectors (..., 3); several times faster than np.cross on many short vectors."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    result: FloatArray = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    result[..., 0] = ay * bz - az * by
    result[..., 1] = az * bx - ax * bz
    result[..., 2] = ax * by - ay * bx
    return result


def _dot(a: FloatArray, b: FloatArray) -> FloatArray:
    """Inner product along the last axis, which is kept with length 1."""
    result: FloatArray = np.einsum("...i,...i->...", a, b)[..., None]
    return result


def unit(v: ArrayLike, fallback: ArrayLike) -> FloatArray:
    """Normalise vectors.

    Args:
        v: (..., n) vectors.
        fallback: (..., n) result where v is (almost) zero.

    Returns:
        (..., n) vectors of length 1.
    """
    v, fallback = np.asarray(v, dtype=np.float64), np.asarray(fallback, dtype=np.float64)
    length = np.sqrt(_dot(v, v))
    if (fallback.ndim < 2 or fallback.shape == v.shape) and (length > _TINY).all():
        result: FloatArray = v / length  # the usual case, in a fraction of the time
        return result
    return np.where(length > _TINY, v / np.maximum(length, _TINY), fallback)


def normalise(q: ArrayLike) -> FloatArray:
    """Normalise quaternions (..., 4); a zero quaternion becomes the identity."""
    return unit(q, IDENTITY)


def multiply(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Product of quaternions a and b, (..., 4) each: the rotation b followed by the rotation a."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    result: FloatArray = np.empty(np.broadcast_shapes(a.shape, b.shape))
    result[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    result[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    result[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    result[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return result


def product_matrices(left: ArrayLike, right: ArrayLike) -> FloatArray:
    """Matrices of the map q -> left q right, for many q: two products of quaternions in one product of matrices.

    Args:
        left: (..., 4) quaternions.
        right: (..., 4) quaternions.

    Returns:
        (..., 4, 4) matrices m, such that m @ q equals multiply(multiply(left, q), right).
    """
    units = np.eye(4)
    a, b = np.asarray(left, dtype=np.float64)[..., None, :], np.asarray(right, dtype=np.float64)[..., None, :]
    return np.swapaxes(multiply(multiply(a, units), b), -1, -2)


def apply_matrices(matrices: FloatArray, q: FloatArray) -> FloatArray:
    """Apply linear maps to quaternions over time: matrices (B, 4, 4), q (T, B, 4) -> (T, B, 4)."""
    mapped: FloatArray = np.swapaxes(np.swapaxes(q, 0, 1) @ np.swapaxes(matrices, -1, -2), 0, 1)
    return mapped


def inverse(q: ArrayLike) -> FloatArray:
    """Inverse of unit quaternions (..., 4)."""
    result: FloatArray = np.asarray(q, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0])
    return result


def rotate(q: ArrayLike, v: ArrayLike) -> FloatArray:
    """Rotate vectors by unit quaternions.

    Args:
        q: (..., 4) unit quaternions.
        v: (..., 3) vectors.

    Returns:
        (..., 3) rotated vectors.
    """
    q, v = np.asarray(q, dtype=np.float64), np.asarray(v, dtype=np.float64)
    axis = q[..., 1:]
    twice = 2.0 * cross(axis, v)
    result: FloatArray = v + q[..., :1] * twice + cross(axis, twice)
    return result


def between(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Shortest rotation from one direction to another.

    Opposite directions give half a turn about some axis perpendicular to a.

    Args:
        a: (..., 3) directions of any length.
        b: (..., 3) directions of any length.

    Returns:
        (..., 4) unit quaternions that rotate the direction of a to that of b.
    """
    a, b = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    a, b = unit(a, 0.0), unit(b, 0.0)
    q = np.concatenate([1.0 + _dot(a, b), cross(a, b)], axis=-1)
    length = np.sqrt(_dot(q, q))
    opposite = length[..., 0] < 1e-8
    if opposite.any():
        least = np.eye(3)[np.abs(a).argmin(axis=-1)]
        around = np.concatenate([np.zeros_like(length), unit(cross(a, least), (1.0, 0.0, 0.0))], axis=-1)
        q = np.where(opposite[..., None], around, q)
    return normalise(q)


def from_axis_angle(axis: ArrayLike, angle: ArrayLike) -> FloatArray:
    """Rotation by an angle about an axis.

    Args:
        axis: (..., 3), of any length above zero.
        angle: (...) radians.

    Returns:
        (..., 4) unit quaternions.
    """
    axis, half = unit(axis, 0.0), 0.5 * np.asarray(angle, dtype=np.float64)[..., None]
    w, xyz = np.broadcast_arrays(np.cos(half), np.sin(half) * axis)
    return np.concatenate([w[..., :1], xyz], axis=-1)


def from_rotation_vector(vector: ArrayLike) -> FloatArray:
    """Convert rotation vectors (..., 3), axis times angle in radians, to unit quaternions (..., 4)."""
    vector = np.asarray(vector, dtype=np.float64)
    half = 0.5 * np.sqrt(_dot(vector, vector))
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi) * vector], axis=-1)


def to_rotation_vector(q: ArrayLike) -> FloatArray:
    """Convert unit quaternions (..., 4) to rotation vectors (..., 3), axis times angle of 0..pi radians."""
    given = np.asarray(q, dtype=np.float64)
    shorter: FloatArray = given * np.where(given[..., :1] < 0.0, -1.0, 1.0)
    length = np.sqrt(_dot(shorter[..., 1:], shorter[..., 1:]))
    angle = 2.0 * np.arctan2(length, shorter[..., :1])
    # For tiny angles the sine of the half angle is half the angle.
    result: FloatArray = shorter[..., 1:] * np.where(length > _TINY, angle / np.maximum(length, _TINY), 2.0)
    return result


def to_matrix(q: ArrayLike) -> FloatArray:
    """Convert unit quaternions (..., 4) to rotation matrices (..., 3, 3) for column vectors."""
    q = np.asarray(q, dtype=np.float64)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(m: ArrayLike) -> FloatArray:
    """Convert rotation matrices (..., 3, 3) to unit quaternions (..., 4), from the largest component for accuracy."""
    m = np.asarray(m, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    # Row k is the quaternion times four times its own k-th component: all are valid, the longest is the most accurate.
    rows = (
        (1.0 + xx + yy + zz, x, y, z),
        (x, 1.0 + xx - yy - zz, xy, xz),
        (y, xy, 1.0 - xx + yy - zz, yz),
        (z, xz, yz, 1.0 - xx - yy + zz),
    )
    candidates: FloatArray = np.empty((*xx.shape, 4, 4))
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            candidates[..., number, place] = value
    best = np.diagonal(candidates, axis1=-2, axis2=-1).argmax(axis=-1)
    return normalise(np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :])


def from_axes(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> FloatArray:
    """Rotation that maps +X, +Y, +Z to given axes.

    Args:
        x: (..., 3) unit vector.
        y: (..., 3) unit vector, perpendicular to x.
        z: (..., 3) cross product of x and y.

    Returns:
        (..., 4) unit quaternions.
    """
    return from_matrix(np.stack([np.asarray(axis, dtype=np.float64) for axis in (x, y, z)], axis=-1))


def to_six_d(q: ArrayLike) -> FloatArray:
    """Convert unit quaternions to the 6D representation of Zhou et al. (CVPR 2019).

    Args:
        q: (..., 4) unit quaternions.

    Returns:
        (..., 6): the first column of the rotation matrix, then the second.
    """
    m = to_matrix(q)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def from_six_d(six: ArrayLike) -> FloatArray:
    """Convert the 6D representation to quaternions by Gram-Schmidt.

    Args:
        six: (..., 6), two columns that need not be orthonormal; the first keeps its direction.

    Returns:
        (..., 4) unit quaternions.
    """
    six = np.asarray(six, dtype=np.float64)
    x = unit(six[..., :3], (1.0, 0.0, 0.0))
    y = six[..., 3:] - _dot(x, six[..., 3:]) * x
    y = unit(y, rotate(between((1.0, 0.0, 0.0), x), (0.0, 1.0, 0.0)))
    return from_axes(x, y, cross(x, y))


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> FloatArray:
    """Spherical linear interpolation along the shorter way.

    Args:
        a: (..., 4) unit quaternions, the result at t = 0.
        b: (..., 4) unit quaternions, the result at t = 1.
        t: (...) any numbers.

    Returns:
        (..., 4) unit quaternions.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    t = np.asarray(t, dtype=np.float64)[..., None]
    b = np.where(_dot(a, b) < 0.0, -b, b)
    # The angle from the chord is accurate for small angles, where the cosine is not.
    half = np.arctan2(np.linalg.norm(b - a, axis=-1), np.linalg.norm(a + b, axis=-1))[..., None]
    angle = 2.0 * half
    sine = np.sin(angle)
    small = sine < 1e-9
    safe = np.where(small, 1.0, sine)
    first = np.where(small, 1.0 - t, np.sin((1.0 - t) * angle) / safe)
    second = np.where(small, t, np.sin(t * angle) / safe)
    return normalise(first * a + second * b)


def best_fit(before: ArrayLike, after: ArrayLike, weights: ArrayLike = 1.0) -> FloatArray:
    """Rotation that fits one set of points to another in weighted least squares, about the origin.

    Source: Horn, "Closed-form solution of absolute orientation using unit quaternions", JOSA A 1987.

    Args:
        before: (n, 3) points.
        after: (..., n, 3) rotated points.
        weights: (n,) or one number.

    Returns:
        (..., 4) unit quaternions that rotate `before` to `after`.
    """
    before, after = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    weighted = before * np.broadcast_to(np.asarray(weights, dtype=np.float64), before.shape[:1])[:, None]
    m = np.einsum("ni,...nj->...ij", weighted, after)
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (np.moveaxis(row, -1, 0) for row in np.moveaxis(m, -2, 0))
    a, b, c = yz - zy, zx - xz, xy - yx
    d, e, f = xy + yx, zx + xz, yz + zy
    rows = [
        [xx + yy + zz, a, b, c],
        [a, xx - yy - zz, d, e],
        [b, d, yy - xx - zz, f],
        [c, e, f, zz - xx - yy],
    ]
    _, vectors = np.linalg.eigh(np.stack([np.stack(row, axis=-1) for row in rows], axis=-2))
    return np.asarray(vectors[..., -1])


def continuous(q: ArrayLike) -> FloatArray:
    """Choose the signs of quaternions (T, ..., 4) so that each is nearest to the one before it (axis 0)."""
    q = np.array(q, dtype=np.float64)
    if len(q) > 1:
        turns_back = _dot(q[1:], q[:-1]) < 0.0
        if turns_back.any():
            q[1:] *= np.cumprod(np.where(turns_back, -1.0, 1.0), axis=0)
    return q


def twist_about(q: ArrayLike, axis: ArrayLike) -> FloatArray:
    """Twist of a rotation about an axis: t of q = s t, where the swing s rotates about a perpendicular axis.

    For a swing of 180 degrees the twist is undefined and the identity is returned.

    Args:
        q: (..., 4) unit quaternions.
        axis: (..., 3), of any length above zero.

    Returns:
        (..., 4) unit quaternions.
    """
    q, axis = np.asarray(q, dtype=np.float64), unit(axis, 0.0)
    along = _dot(q[..., 1:], axis)
    w, xyz = np.broadcast_arrays(q[..., :1], along * axis)
    return normalise(np.concatenate([w[..., :1], xyz], axis=-1))


def angle_of(q: ArrayLike) -> FloatArray:
    """Rotation angle of unit quaternions (..., 4), radians in 0..pi."""
    q = np.asarray(q, dtype=np.float64)
    result: FloatArray = 2.0 * np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), np.abs(q[..., 0]))
    return result
