"""Least-squares Hermite splines for given key times, and their error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion import rotations as rot
from .fit_target import PINNED_WEIGHT, FitTarget, squared_length, transformed

BONE_RADIUS = 0.1
"""Metres: radius of a body part.

The rotation of a bone, relative to its parent, must keep a point at this distance within the tolerance; joint positions
alone would leave the twist of a straight arm free.
"""


@dataclass(frozen=True, eq=False)
class Segments:
    """Key times of all tracks, and the segment of each sample.

    Each of the n keys starts a segment; the segment of a track's last key contains its own sample only.

    Attributes:
        keyed: (B, N) bool, frames with a key.
        knots: (n,) samples with a key.
        of: (B * N,) segment of each sample.
        basis: (B * N, 4) cubic Hermite weights of value and slope at the segment's start and end.
        track: (n,) track of each segment.
        first: (n,) bool, first segment of its track.
        last: (n,) bool, last segment of its track.
    """

    keyed: BoolArray
    knots: IntArray
    of: IntArray
    basis: FloatArray
    track: IntArray
    first: BoolArray
    last: BoolArray

    @classmethod
    def at(cls, keyed: BoolArray) -> Segments:
        """Make the segments of keys on the frames `keyed` (B, N)."""
        frames = keyed.shape[1]
        knots = np.flatnonzero(keyed)
        of = np.cumsum(keyed.ravel()) - 1
        track, frame = np.divmod(knots, frames)
        last = frame == frames - 1
        length = np.ones(len(knots))
        length[:-1] = np.diff(knots)
        length[last] = 1.0
        long = length[of]
        u = (np.arange(keyed.size) - knots[of]) / long
        v = 1.0 - u
        vv, uu = v * v, u * u
        basis = np.stack([(1.0 + 2.0 * u) * vv, u * vv * long, uu * (3.0 - 2.0 * u), -v * uu * long], axis=-1)
        return cls(keyed, knots, of, basis, track, frame == 0, last)

    def normal_equations(self, weights: FloatArray, channels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Per segment (n, 4, 4) and (n, 4, channels): sums over its samples of basis * basis and basis * channels."""
        weighted = self.basis * weights[:, None]
        both = np.concatenate([self.basis, channels], axis=1)
        products = (weighted[:, :, None] * both[:, None, :]).reshape(len(both), -1)
        sums = np.add.reduceat(products, self.knots, axis=0).reshape(len(self.knots), 4, -1)
        return sums[:, :, :4], sums[:, :, 4:]

    def values(self, begins: FloatArray, ends: FloatArray) -> FloatArray:
        """Curves (B * N, channels) from value and slope (n, 2, channels) at each segment's start and end."""
        result: FloatArray = np.einsum("sk,skc->sc", self.basis, np.concatenate([begins, ends], axis=1)[self.of])
        return result


@dataclass(frozen=True, eq=False)
class SplineFit:
    """Fitted curves and their error.

    Attributes:
        segments: The key times.
        weights: (B * N,) weights of the samples.
        normal: Normal equations of the segments.
        nodes: (n, 2, 4) value and slope at each key.
        values: (B, N, 4) the curves at the samples.
        position: (J, N, 3) metres, joint positions.
        error: (J, N, 3) metres, joint positions minus those of the clip.
        rotations: (J, N, 4) unit quaternions.
        rotation_error: (3, J, N) rotation vectors from the clip's rotations, world axes, relative to the clip's
            parent.
        squared: (J, N) squared error of the joints, metres, times the squared joint weight.
        squared_rotation_error: (J, N) the same for a point BONE_RADIUS from the bone.
        within: Whether all errors are within the tolerance.
    """

    segments: Segments
    weights: FloatArray
    normal: tuple[FloatArray, FloatArray]
    nodes: FloatArray
    values: FloatArray
    position: FloatArray
    error: FloatArray
    rotations: FloatArray
    rotation_error: FloatArray
    squared: FloatArray
    squared_rotation_error: FloatArray
    within: bool

    @classmethod
    def of(cls, target: FitTarget, keyed: BoolArray, weights: FloatArray) -> SplineFit:
        """Fit splines with keys on the frames `keyed` (B, N), with sample weights (B * N,)."""
        segments = Segments.at(keyed)
        sample_weights = np.where(target.pinned_samples, PINNED_WEIGHT, weights)
        gram, moment = segments.normal_equations(sample_weights, target.channels)
        diagonal, right = gram[:, :2, :2].copy(), moment[:, :2].copy()
        diagonal[1:] += gram[:-1, 2:, 2:]
        right[1:] += moment[:-1, 2:]
        slope_weight = target.slope_weight(segments.knots)
        diagonal[:, 1, 1] += slope_weight[:, 0]
        right[:, 1] += slope_weight * target.slopes[segments.knots]
        nodes = _solve_chain(diagonal, gram[:, :2, 2:], right)
        pinned = target.pinned_samples[segments.knots]
        nodes[pinned, 0], nodes[pinned, 1] = (v[segments.knots[pinned]] for v in (target.channels, target.slopes))
        values = segments.values(nodes, _shifted(nodes)).reshape(target.tracks, target.frames, 4)
        rotations = target.rotations_of(values[1:])
        position, _ = target.rig.pose(values[0, :, :3], target.local_of(rotations))
        error = position - target.position
        of_bones = np.moveaxis(_small_rotation(rotations, target.inverse_rotations), -1, 0)
        rotation_error = transformed(target.bone_to_world, of_bones)
        squared = squared_length(error) * target.joint_weight**2
        squared_rotation_error = sum_of_squares(rotation_error) * BONE_RADIUS**2
        within = bool(max(squared.max(), squared_rotation_error.max()) <= target.tolerance**2)
        return cls(
            segments,
            weights,
            (gram, moment),
            nodes,
            values,
            position,
            error,
            rotations,
            rotation_error,
            squared,
            squared_rotation_error,
            within,
        )

    @property
    def count(self) -> int:
        """Number of keys."""
        return len(self.segments.knots)


def _shifted(nodes: FloatArray) -> FloatArray:
    return np.concatenate([nodes[1:], nodes[-1:]])


def _small_rotation(to: FloatArray, back: FloatArray) -> FloatArray:
    """(..., 3) rotation vector of the quaternions to * back, to first order: twice the vector part."""
    product = rot.multiply(to, back)
    result: FloatArray = np.where(product[..., :1] < 0.0, -2.0, 2.0) * product[..., 1:]
    return result


def _solve_chain(diagonal: FloatArray, beside: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a symmetric block tridiagonal system by cyclic reduction, all rows at once; (n, 2, c).

    diagonal: (n, 2, 2) blocks; beside: (n, 2, 2) coupling blocks to the next row; right: (n, 2, c). Each pass
    eliminates the coupling to the nearest remaining rows and doubles its distance. In a spline the coupling decreases
    by more than half from key to key, so four passes suffice for a fit whose error is measured afterwards.
    """
    # Rows last, for contiguous memory access. A row holds the right-hand sides, then the block on the diagonal.
    columns = right.shape[2]
    rows = np.ascontiguousarray(np.concatenate([right, diagonal], axis=2).transpose(1, 2, 0))
    after = np.ascontiguousarray(beside.transpose(1, 2, 0))
    after[..., -1] = 0.0
    before = np.zeros_like(after)
    before[..., 1:] = after[..., :-1].transpose(1, 0, 2)
    for step in (1, 2, 4, 8):
        if step >= rows.shape[2]:
            break
        solved = _inverse_2x2(rows[:, columns:])
        up, down = _product(before[..., step:], solved[..., :-step]), _product(after[..., :-step], solved[..., step:])
        new, further = rows.copy(), np.zeros((2, *after.shape))
        new[:, :columns, step:] -= _product(up, rows[:, :columns, :-step])
        new[:, :columns, :-step] -= _product(down, rows[:, :columns, step:])
        new[:, columns:, step:] -= _product(up, after[..., :-step])
        new[:, columns:, :-step] -= _product(down, before[..., step:])
        further[0][..., step:] = -_product(up, before[..., :-step])
        further[1][..., :-step] = -_product(down, after[..., step:])
        rows, (before, after) = new, further
    return np.ascontiguousarray(_product(_inverse_2x2(rows[:, columns:]), rows[:, :columns]).transpose(2, 0, 1))


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    """(2, c, n): n matrix products of a (2, 2, n) and b (2, c, n)."""
    result: FloatArray = a[:, :1] * b[0] + a[:, 1:] * b[1]
    return result


def _inverse_2x2(m: FloatArray) -> FloatArray:
    """(2, 2, n): inverses of n matrices (2, 2, n)."""
    result: FloatArray = np.stack([m[1, 1], -m[0, 1], -m[1, 0], m[0, 0]]).reshape(m.shape) / (
        m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
    )
    return result


def sum_of_squares(v: FloatArray) -> FloatArray:
    """Squared lengths (...) of vectors (3, ...), components first."""
    result: FloatArray = v[0] * v[0] + v[1] * v[1] + v[2] * v[2]
    return result
