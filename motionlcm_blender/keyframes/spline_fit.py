"""Least-squares Hermite splines for given key times, and their error. Components come first (`components`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from .components import inverse_2x2, multiply, product, sum_of_squares, transformed
from .fit_target import PINNED_WEIGHT, FitTarget

BONE_RADIUS = 0.1
"""Metres: radius of a body part.

The rotation of a bone, relative to its parent, must keep a point at this distance within the tolerance; joint positions
alone would leave the twist of a straight arm free.
"""
_UPPER = ((0, 1, 2, 3), (1, 4, 5, 6), (2, 5, 7, 8), (3, 6, 8, 9))
"""Place of each element of a symmetric 4 x 4 matrix in the rows of its upper triangle."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Key times of all tracks, and the segment of each sample.

    Each of the n keys starts a segment; the segment of a track's last key contains its own sample only.

    Attributes:
        keyed: (B, N) bool, frames with a key.
        knots: (n,) samples with a key.
        sizes: (n,) number of samples of each segment.
        track: (n,) track of each segment.
        first: (n,) bool, first segment of its track.
        last: (n,) bool, last segment of its track.
    """

    keyed: BoolArray
    knots: IntArray
    sizes: IntArray
    track: IntArray
    first: BoolArray
    last: BoolArray

    @classmethod
    def at(cls, keyed: BoolArray) -> Segments:
        """Make the segments of keys on the frames `keyed` (B, N)."""
        frames = keyed.shape[1]
        knots = np.flatnonzero(keyed)
        sizes = np.diff(knots, append=keyed.size)
        track, frame = np.divmod(knots, frames)
        return cls(keyed, knots, sizes, track, frame == 0, frame == frames - 1)

    @cached_property
    def basis(self) -> FloatArray:
        """(4, B * N) cubic Hermite weights of value and slope at the segment's start and end."""
        long = np.repeat(np.where(self.last, 1.0, self.sizes), self.sizes)
        return hermite_basis((np.arange(self.keyed.size) - np.repeat(self.knots, self.sizes)) / long, long)

    @cached_property
    def of(self) -> IntArray:
        """(B * N,) segment of each sample."""
        return np.repeat(np.arange(len(self.knots)), self.sizes)

    def normal_equations(self, weights: FloatArray, channels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Sums over the samples of each segment.

        Args:
            weights: (B * N,) weights of the samples.
            channels: (4, B * N) samples.

        Returns:
            (4, 4, n) of basis * basis, and (4, 4, n) of basis * channels.
        """
        weighted = self.basis * weights
        rows = np.empty((26, len(weights)))
        begin = 0
        for k in range(4):
            np.multiply(weighted[k], self.basis[k:], out=rows[begin : begin + 4 - k])
            begin += 4 - k
        np.multiply(weighted[:, None], channels, out=rows[begin:].reshape(4, 4, -1))
        sums = np.add.reduceat(rows, self.knots, axis=1)
        return sums[np.array(_UPPER)], sums[begin:].reshape(4, 4, -1)

    @cached_property
    def _basis32(self) -> FloatArray:
        """`basis` in float32."""
        return self.basis.astype(np.float32)

    def changes(self, begins: FloatArray | None, ends: FloatArray | None) -> FloatArray:
        """(4, B * N) float32 curves from value and slope (2, 4, n) at each segment's start and end, as `values`.

        None: zero at all starts, or at all ends.
        """
        result: FloatArray = np.zeros((4, self.keyed.size), np.float32)
        for nodes, basis in ((begins, self._basis32[:2]), (ends, self._basis32[2:])):
            if nodes is not None:
                parts = np.repeat(nodes.reshape(8, -1).astype(np.float32), self.sizes, axis=1).reshape(2, 4, -1)
                parts *= basis[:, None]
                result += parts[0]
                result += parts[1]
        return result

    def values(self, begins: FloatArray, ends: FloatArray) -> FloatArray:
        """Curves (4, B * N) from value and slope (2, 4, n) at each segment's start and end."""
        parts = np.repeat(np.concatenate([begins, ends]).reshape(16, -1), self.sizes, axis=1).reshape(4, 4, -1)
        parts *= self.basis[:, None]
        parts[:2] += parts[2:]
        result: FloatArray = parts[0] + parts[1]
        return result


def hermite_basis(u: FloatArray, length: FloatArray) -> FloatArray:
    """(4, ...) weights of value and slope at start and end of a cubic, at u in 0..1 of its length in frames."""
    v = 1.0 - u
    vv, uu = v * v, u * u
    return np.stack([(1.0 + 2.0 * u) * vv, u * vv * length, uu * (3.0 - 2.0 * u), -v * uu * length])


@dataclass(frozen=True, eq=False)
class SplineFit:
    """Fitted curves and their error.

    Attributes:
        segments: The key times.
        weights: (B * N,) weights of the samples.
        normal: Normal equations of the segments, if the curves were fitted.
        nodes: (2, 4, n) value and slope at each key.
        values: (4, B, N) the curves at the samples.
        position: (3, J, N) metres, joint positions.
        error: (3, J, N) metres, joint positions minus those of the clip.
        rotations: (4, J, N) unit quaternions.
        turned: (3, J, N) rotation vectors from the clip's rotations, in the axes of the channels, relative to the
            clip's parent.
        squared: (J, N) squared error of the joints, metres, times the squared joint weight.
        squared_rotation_error: (J, N) the same for a point BONE_RADIUS from the bone.
        within: Whether all errors are within the tolerance.
    """

    segments: Segments
    weights: FloatArray
    normal: tuple[FloatArray, FloatArray] | None
    nodes: FloatArray
    values: FloatArray
    position: FloatArray
    error: FloatArray
    rotations: FloatArray
    turned: FloatArray
    squared: FloatArray
    squared_rotation_error: FloatArray
    within: bool

    @classmethod
    def of(cls, target: FitTarget, keyed: BoolArray, weights: FloatArray) -> SplineFit:
        """Fit splines with keys on the frames `keyed` (B, N), with sample weights (B * N,)."""
        segments = Segments.at(keyed)
        sample_weights = np.where(target.pinned_samples, PINNED_WEIGHT, weights)
        gram, moment = segments.normal_equations(sample_weights, target.channels)
        diagonal, right = gram[:2, :2].copy(), moment[:2].copy()
        diagonal[..., 1:] += gram[2:, 2:, :-1]
        right[..., 1:] += moment[2:, :, :-1]
        slope_weight = target.slope_weight(segments.knots)
        diagonal[1, 1] += slope_weight
        right[1] += slope_weight * target.slopes[:, segments.knots]
        nodes = _solve_chain(diagonal, gram[:2, 2:], right)
        if target.loops:
            pinned = target.pinned_samples[segments.knots]
            at = segments.knots[pinned]
            nodes[0][:, pinned], nodes[1][:, pinned] = target.channels[:, at], target.slopes[:, at]
        return cls.measured(target, segments, nodes, weights, (gram, moment))

    @classmethod
    def measured(
        cls,
        target: FitTarget,
        segments: Segments,
        nodes: FloatArray,
        weights: FloatArray,
        normal: tuple[FloatArray, FloatArray] | None = None,
    ) -> SplineFit:
        """Evaluate the curves of given keys on all frames.

        Args:
            target: The clip to reproduce.
            segments: The key times.
            nodes: (2, 4, n) value and slope at each key.
            weights: (B * N,) weights of the samples.
            normal: Normal equations of the segments; without them no key can be removed.

        Returns:
            The curves and their error.
        """
        values = segments.values(nodes, shifted(nodes, 1)).reshape(4, target.tracks, target.frames)
        return cls.with_values(target, segments, nodes, weights, values, normal)

    @classmethod
    def with_values(
        cls,
        target: FitTarget,
        segments: Segments,
        nodes: FloatArray,
        weights: FloatArray,
        values: FloatArray,
        normal: tuple[FloatArray, FloatArray] | None = None,
    ) -> SplineFit:
        """The same for curves that are evaluated already: values (4, B, N) on the frames of the target."""
        rotations = target.rotations_of(values[:, 1:])
        position, _ = target.rig.pose(values[:3, 0], target.local_of(rotations))
        error = position - target.position
        turned = _small_rotation(rotations, target.inverse_rotations)
        squared = sum_of_squares(error) * target.joint_weight**2
        squared_rotation_error = sum_of_squares(turned) * BONE_RADIUS**2
        within = bool(max(squared.max(), squared_rotation_error.max()) <= target.tolerance**2)
        return cls(
            segments,
            weights,
            normal,
            nodes,
            values,
            position,
            error,
            rotations,
            turned,
            squared,
            squared_rotation_error,
            within,
        )

    @property
    def count(self) -> int:
        """Number of keys."""
        return len(self.segments.knots)

    def rotation_error(self, target: FitTarget) -> FloatArray:
        """(3, J, N) `turned` in world axes."""
        return transformed(target.bone_to_world, self.turned)


def shifted(rows: FloatArray, by: int) -> FloatArray:
    """Row s of the last axis of the result is row s + by of `rows`, or 0."""
    result = np.zeros_like(rows)
    if by > 0:
        result[..., :-by] = rows[..., by:]
    else:
        result[..., -by:] = rows[..., :by]
    return result


def _small_rotation(to: FloatArray, back: FloatArray) -> FloatArray:
    """(3, ...) rotation vector of the quaternions to * back, to first order: twice the vector part."""
    both = multiply(to, back)
    result: FloatArray = np.where(both[0] < 0.0, -2.0, 2.0) * both[1:]
    return result


def _solve_chain(diagonal: FloatArray, beside: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a symmetric block tridiagonal system by cyclic reduction, all rows at once; (2, c, n).

    diagonal: (2, 2, n) blocks; beside: (2, 2, n) coupling blocks to the next row; right: (2, c, n). Each pass
    eliminates the coupling to the nearest remaining rows and doubles its distance. In a spline the coupling decreases
    by more than half from key to key, so four passes suffice for a fit whose error is measured afterwards.
    """
    # A row holds the right-hand sides, then its coupling blocks to the next row and to the row before.
    columns, count = right.shape[1], right.shape[2]
    to_next, to_last = slice(columns, columns + 2), slice(columns + 2, columns + 4)
    rows = np.zeros((2, columns + 4, count))
    rows[:, :columns] = right
    rows[:, to_next, :-1] = beside[..., :-1]
    rows[:, to_last, 1:] = beside[..., :-1].transpose(1, 0, 2)
    diagonal = diagonal.copy()
    for step in (1, 2, 4, 8):
        if step >= count:
            break
        solved = inverse_2x2(diagonal)
        up = product(product(rows[:, to_last, step:], solved[..., :-step]), rows[..., :-step])
        down = product(product(rows[:, to_next, :-step], solved[..., step:]), rows[..., step:])
        rows[:, :columns, step:] -= up[:, :columns]
        rows[:, :columns, :-step] -= down[:, :columns]
        diagonal[..., step:] -= up[:, to_next]
        diagonal[..., :-step] -= down[:, to_last]
        rows[:, columns:] = 0.0
        np.negative(up[:, to_last], out=rows[:, to_last, step:])
        np.negative(down[:, to_next], out=rows[:, to_next, :-step])
    return product(inverse_2x2(diagonal), rows[:, :columns])
