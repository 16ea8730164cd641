"""Vectors, quaternions and matrices with their components on the first axes.

Sums over a few components are then operations on long rows of contiguous numbers, several times as fast as on the
last axis. Quaternions are (w, x, y, z).
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product of vectors (3, ...)."""
    result: FloatArray = np.empty(np.broadcast_shapes(a.shape, b.shape), np.result_type(a, b))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        np.multiply(a[j], b[k], out=result[i])
        result[i] -= a[k] * b[j]
    return result


def sum_of_squares(v: FloatArray) -> FloatArray:
    """Squared lengths (...) of vectors (n, ...)."""
    result: FloatArray = v[0] * v[0]
    for component in v[1:]:
        result += component * component
    return result


def transformed(matrix: FloatArray, v: FloatArray) -> FloatArray:
    """Multiply matrices (a, b, ...) and vectors (b, ...); the result is (a, ...)."""
    result: FloatArray = matrix[:, 0] * v[0]
    for k in range(1, len(v)):
        result += matrix[:, k] * v[k]
    return result


def product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Multiply matrices (a, b, ...) and (b, c, ...); the result is (a, c, ...)."""
    result: FloatArray = a[:, :1] * b[0]
    for k in range(1, len(b)):
        result += a[:, k : k + 1] * b[k]
    return result


def inverse_2x2(m: FloatArray) -> FloatArray:
    """Inverses of matrices (2, 2, ...)."""
    determinant = m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
    result: FloatArray = np.stack([m[1, 1], -m[0, 1], -m[1, 0], m[0, 0]]).reshape(m.shape) / determinant
    return result


def multiply(a: FloatArray, b: FloatArray) -> FloatArray:
    """Product of quaternions (4, ...): the rotation b followed by the rotation a."""
    (aw, ax, ay, az), (bw, bx, by, bz) = a, b
    result: FloatArray = np.empty(np.broadcast_shapes(a.shape, b.shape))
    result[0] = aw * bw - ax * bx - ay * by - az * bz
    result[1] = aw * bx + ax * bw + ay * bz - az * by
    result[2] = aw * by - ax * bz + ay * bw + az * bx
    result[3] = aw * bz + ax * by - ay * bx + az * bw
    return result


def inverse(q: FloatArray) -> FloatArray:
    """Inverses of unit quaternions (4, ...)."""
    return np.concatenate([q[:1], -q[1:]])


def unit(q: FloatArray) -> FloatArray:
    """Quaternions (4, ...) of length 1; a zero quaternion becomes the identity."""
    length = np.sqrt(sum_of_squares(q))
    zero = length <= 1e-12
    if zero.any():
        q = np.where(zero, np.array([1.0, 0.0, 0.0, 0.0]).reshape(4, *[1] * (q.ndim - 1)), q)
        length = np.where(zero, 1.0, length)
    result: FloatArray = q / length
    return result


def rotation_matrices(q: FloatArray) -> FloatArray:
    """Rotation matrices (3, 3, ...) of unit quaternions (4, ...)."""
    w, x, y, z = q
    _, y2, z2 = twice = 2.0 * q[1:]
    wx, wy, wz = w * twice
    xx, xy, xz = x * twice
    yy, yz, zz = y * y2, y * z2, z * z2
    result: FloatArray = np.empty((3, 3, *q.shape[1:]))
    result[0, 0], result[0, 1], result[0, 2] = 1.0 - yy - zz, xy - wz, xz + wy
    result[1, 0], result[1, 1], result[1, 2] = xy + wz, 1.0 - xx - zz, yz - wx
    result[2, 0], result[2, 1], result[2, 2] = xz - wy, yz + wx, 1.0 - xx - yy
    return result
