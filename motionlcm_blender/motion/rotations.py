"""Unit quaternions as plain arrays.

Every quaternion is an array whose last axis holds (w, x, y, z); leading axes broadcast. All of it is float64.
A quaternion turns a column vector v into q v inv(q); `multiply(a, b)` turns by b first, then by a.
Nothing here raises for a zero quaternion or vector: it stands for no rotation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

IDENTITY = np.array([1.0, 0.0, 0.0, 0.0])
"""No rotation."""

_TINY = 1e-12


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The cross product along the last axis; several times faster than np.cross on many short vectors."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The inner product along the last axis, which is kept with length 1."""
    return np.einsum("...i,...i->...", a, b)[..., None]


def unit(v: ArrayLike, fallback: ArrayLike) -> np.ndarray:
    """v (..., n) with length 1; `fallback` (..., n) where v is (almost) zero."""
    v = np.asarray(v, dtype=np.float64)
    length = np.sqrt(_dot(v, v))
    return np.where(length > _TINY, v / np.maximum(length, _TINY), np.asarray(fallback, dtype=np.float64))


def normalise(q: ArrayLike) -> np.ndarray:
    """(..., 4) quaternions of length 1; a zero quaternion becomes the identity."""
    return unit(q, IDENTITY)


def multiply(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """(..., 4): the rotation b followed by the rotation a."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    aw, ax, ay, az = a[..., 0], a[..., 1], a[..., 2], a[..., 3]
    bw, bx, by, bz = b[..., 0], b[..., 1], b[..., 2], b[..., 3]
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def inverse(q: ArrayLike) -> np.ndarray:
    """(..., 4): the opposite rotation of unit quaternions."""
    return np.asarray(q, dtype=np.float64) * np.array([1.0, -1.0, -1.0, -1.0])


def rotate(q: ArrayLike, v: ArrayLike) -> np.ndarray:
    """(..., 3): vectors v (..., 3) turned by unit quaternions q (..., 4)."""
    q, v = np.asarray(q, dtype=np.float64), np.asarray(v, dtype=np.float64)
    axis = q[..., 1:]
    twice = 2.0 * _cross(axis, v)
    return v + q[..., :1] * twice + _cross(axis, twice)


def between(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """(..., 4): the shortest rotation that turns the direction of a (..., 3) into that of b (..., 3).

    Opposite directions turn half way round about some axis at right angles to a.
    """
    a, b = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    a, b = unit(a, 0.0), unit(b, 0.0)
    q = np.concatenate([1.0 + _dot(a, b), _cross(a, b)], axis=-1)
    length = np.sqrt(_dot(q, q))
    opposite = length[..., 0] < 1e-8
    if opposite.any():
        least = np.eye(3)[np.abs(a).argmin(axis=-1)]
        around = np.concatenate([np.zeros_like(length), unit(_cross(a, least), (1.0, 0.0, 0.0))], axis=-1)
        q = np.where(opposite[..., None], around, q)
    return normalise(q)


def from_axis_angle(axis: ArrayLike, angle: ArrayLike) -> np.ndarray:
    """(..., 4): a turn by `angle` (...) radians about `axis` (..., 3) of any length above zero."""
    axis, half = unit(axis, 0.0), 0.5 * np.asarray(angle, dtype=np.float64)[..., None]
    w, xyz = np.broadcast_arrays(np.cos(half), np.sin(half) * axis)
    return np.concatenate([w[..., :1], xyz], axis=-1)


def to_matrix(q: ArrayLike) -> np.ndarray:
    """(..., 3, 3) rotation matrices, for column vectors, of unit quaternions (..., 4)."""
    q = np.asarray(q, dtype=np.float64)
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    rows = [
        [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
        [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
        [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def from_matrix(m: ArrayLike) -> np.ndarray:
    """(..., 4) unit quaternions of rotation matrices (..., 3, 3), the largest part found first for accuracy."""
    m = np.asarray(m, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    # Row k is the quaternion times four of its own k-th part: any of the four will do, the longest is the most exact.
    candidates = np.stack(
        [
            np.stack([1.0 + xx + yy + zz, x, y, z], axis=-1),
            np.stack([x, 1.0 + xx - yy - zz, xy, xz], axis=-1),
            np.stack([y, xy, 1.0 - xx + yy - zz, yz], axis=-1),
            np.stack([z, xz, yz, 1.0 - xx - yy + zz], axis=-1),
        ],
        axis=-2,
    )
    best = np.diagonal(candidates, axis1=-2, axis2=-1).argmax(axis=-1)
    return normalise(np.take_along_axis(candidates, best[..., None, None], axis=-2)[..., 0, :])


def from_axes(x: ArrayLike, y: ArrayLike, z: ArrayLike) -> np.ndarray:
    """(..., 4): the rotation that turns +X, +Y, +Z into the orthonormal, right-handed axes given, each (..., 3)."""
    return from_matrix(np.stack([np.asarray(axis, dtype=np.float64) for axis in (x, y, z)], axis=-1))


def to_six_d(q: ArrayLike) -> np.ndarray:
    """(..., 6): the first two columns of the rotation matrix, one after the other (Zhou et al., CVPR 2019)."""
    m = to_matrix(q)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def from_six_d(six: ArrayLike) -> np.ndarray:
    """(..., 4): from two columns (..., 6) that need not be orthonormal; the first keeps its direction."""
    six = np.asarray(six, dtype=np.float64)
    x = unit(six[..., :3], (1.0, 0.0, 0.0))
    y = six[..., 3:] - _dot(x, six[..., 3:]) * x
    y = unit(y, rotate(between((1.0, 0.0, 0.0), x), (0.0, 1.0, 0.0)))
    return from_axes(x, y, _cross(x, y))


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> np.ndarray:
    """(..., 4): from a (t = 0) to b (t = 1) at even speed along the shorter way. t: (...) any numbers."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    t = np.asarray(t, dtype=np.float64)[..., None]
    b = np.where(_dot(a, b) < 0.0, -b, b)
    # The angle from the chord, exact where it is tiny and the cosine says nothing.
    half = np.arctan2(np.linalg.norm(b - a, axis=-1), np.linalg.norm(a + b, axis=-1))[..., None]
    angle = 2.0 * half
    sine = np.sin(angle)
    small = sine < 1e-9
    safe = np.where(small, 1.0, sine)
    first = np.where(small, 1.0 - t, np.sin((1.0 - t) * angle) / safe)
    second = np.where(small, t, np.sin(t * angle) / safe)
    return normalise(first * a + second * b)


def best_fit(before: ArrayLike, after: ArrayLike, weights: ArrayLike = 1.0) -> np.ndarray:
    """(..., 4): the rotation that brings points before (n, 3) nearest to after (..., n, 3) in weighted least squares.

    weights: (n,) or one number. Source: Horn, "Closed-form solution of absolute orientation using unit quaternions",
    JOSA A 1987.
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


def continuous(q: ArrayLike) -> np.ndarray:
    """(T, ..., 4): the same rotations, signs chosen so that each is on the side of the one before it (axis 0)."""
    q = np.array(q, dtype=np.float64)
    if len(q) > 1:
        steps = np.where(_dot(q[1:], q[:-1]) < 0.0, -1.0, 1.0)
        q[1:] *= np.cumprod(steps, axis=0)
    return q


def twist_about(q: ArrayLike, axis: ArrayLike) -> np.ndarray:
    """(..., 4): the part t of q = s t that turns about `axis` (..., 3); s turns about an axis at right angles to it.

    Where q turns the axis over completely (swing of 180 degrees) the twist is undefined and the identity is returned.
    """
    q, axis = np.asarray(q, dtype=np.float64), unit(axis, 0.0)
    along = _dot(q[..., 1:], axis)
    w, xyz = np.broadcast_arrays(q[..., :1], along * axis)
    return normalise(np.concatenate([w[..., :1], xyz], axis=-1))


def angle_of(q: ArrayLike) -> np.ndarray:
    """(...) radians in 0..pi: how far unit quaternions (..., 4) turn."""
    q = np.asarray(q, dtype=np.float64)
    return 2.0 * np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), np.abs(q[..., 0]))
