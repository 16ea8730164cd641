"""Choice of keys that can be removed together while every joint stays within the tolerance."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from .fit_target import FitTarget, transformed
from .spline_fit import BONE_RADIUS, SplineFit, sum_of_squares

TOLERANCE_SAFETY = 0.995
"""Fraction of the tolerance that removals may use; the rest covers the error of the linearisation."""
_PRIORITY_COST = 0.15
"""Added cost, in fractions of the tolerance, of removing a key on a contact or an extreme of the motion."""


def removable_keys(target: FitTarget, fit: SplineFit) -> BoolArray:
    """Choose keys that can be removed together.

    Args:
        target: The clip to reproduce.
        fit: The current fit, whose keys are candidates.

    Returns:
        (B, N) bool, True for removable keys: without all of them the joints stay, to first order, within the
        tolerance.
    """
    # 1. For each key alone: the curve without the key, with value and slope of its two neighbours refitted. That
    # changes four segments, two on either side.
    segments = fit.segments
    inner = np.flatnonzero(~segments.first & ~segments.last)
    gone = np.zeros(segments.keyed.size, bool)
    if not len(inner):
        return gone.reshape(segments.keyed.shape)
    budget = ErrorBudget(target, fit, refit_without_key(target, fit, inner))
    worst = np.zeros(fit.count)
    for role in (1, 2):
        of_key = np.maximum.reduceat(budget.cost(role).ravel(), segments.knots)
        worst[inner] = np.maximum(worst[inner], of_key[inner - 2 + role])

    # 2. Candidates are the keys whose removal alone keeps the tolerance, the cheapest first.
    frame = (segments.knots % target.frames).tolist()
    track, first, last = segments.track.tolist(), segments.first.tolist(), segments.last.tolist()
    key_priority = target.key_priority.ravel()[segments.knots]
    possible = inner[worst[inner] <= TOLERANCE_SAFETY**2]
    ranked = possible[np.argsort(np.sqrt(worst[possible]) + _PRIORITY_COST * key_priority[possible], kind="stable")]
    # 3. Greedy: remove one key after the other while the remaining budget is sufficient.
    blocked = [False] * (fit.count + 4)
    for key in ranked.tolist():
        if blocked[key]:
            continue
        low = key - 1 if first[key - 1] else key - 2
        high = key + 1 if last[key + 1] else key + 2
        segment_frames = (frame[low], frame[key - 1], frame[key], frame[key + 1], frame[high] + last[high])
        if budget.try_remove(track[key], segment_frames):
            gone[segments.knots[key]] = True
            # Both neighbours are changed: a key that would change one of them again waits for the next round.
            blocked[max(key - 2, 0) : key + 3] = [True] * (key + 3 - max(key - 2, 0))
    return gone.reshape(segments.keyed.shape)


def refit_without_key(target: FitTarget, fit: SplineFit, inner: IntArray) -> FloatArray:
    """Refit the two neighbours of a removed key, for each key by itself.

    Between the neighbours there is now one cubic, which also gives value and slope at the removed key's frame.
    Substituting these in the normal equations of the two old segments gives the normal equations of the gap.

    Args:
        target: The clip to reproduce.
        fit: The current fit.
        inner: Indices of the keys to remove, none of them the first or last of its track.

    Returns:
        (3, n, 2, 4) change of value and slope at the key before, at the frame of the removed key, and at the key
        after; 0 for all keys except `inner`.
    """
    segments, nodes, (gram, moment) = fit.segments, fit.nodes, fit.normal
    left, right = inner - 1, inner + 1
    before, after = np.maximum(left - 1, 0), np.minimum(right + 1, fit.count - 1)
    gap = (segments.knots[right] - segments.knots[left]).astype(np.float64)
    u = (segments.knots[inner] - segments.knots[left]) / gap
    v = 1.0 - u
    across = np.empty((len(inner), 2, 4))
    across[:, 0] = np.stack([(1.0 + 2.0 * u) * v * v, u * v * v * gap, u * u * (3.0 - 2.0 * u), -v * u * u * gap], -1)
    across[:, 1] = np.stack([-6.0 * u * v / gap, v * (v - 2.0 * u), 6.0 * u * v / gap, u * (u - 2.0 * v)], -1)
    same = np.broadcast_to(np.eye(4), (len(inner), 4, 4))
    first, second = np.concatenate([same[:, :2], across], axis=1), np.concatenate([across, same[:, 2:]], axis=1)
    system = np.zeros((len(inner), 4, 4))
    wanted = np.zeros((len(inner), 4, nodes.shape[2]))
    for part, segment in ((first, left), (second, inner)):
        transposed = part.transpose(0, 2, 1)
        system += transposed @ gram[segment] @ part
        wanted += transposed @ moment[segment]
    inside = (~segments.first[left])[:, None, None]
    system[:, :2, :2] += gram[before][:, 2:, 2:] * inside
    wanted[:, :2] += (moment[before][:, 2:] - gram[before][:, 2:, :2] @ nodes[before]) * inside
    inside = (~segments.last[right])[:, None, None]
    system[:, 2:, 2:] += gram[right][:, :2, :2]
    wanted[:, 2:] += moment[right][:, :2] - (gram[right][:, :2, 2:] @ nodes[after]) * inside
    for unknown, key in ((1, left), (3, right)):
        slope_weight = target.slope_weight(segments.knots[key])
        system[:, unknown, unknown] += slope_weight[:, 0]
        wanted[:, unknown] += slope_weight * target.slopes[segments.knots[key]]
    ends = np.linalg.solve(system, wanted)
    change = np.zeros((3, *nodes.shape))
    change[0, inner] = ends[:, :2] - nodes[left]
    change[1, inner] = across @ ends - nodes[inner]
    change[2, inner] = ends[:, 2:] - nodes[right]
    return change


class ErrorBudget:
    """Remaining error budget per joint and frame (first-order estimate), updated as keys are removed greedily.

    Every segment has four roles: two segments before a removed key, just before it, just after it, and two after it.
    Components come first: error (3, J, N).
    """

    def __init__(self, target: FitTarget, fit: SplineFit, change: FloatArray) -> None:
        """Prepare the changes of all removals.

        Args:
            target: The clip to reproduce.
            fit: The current fit.
            change: (3, n, 2, 4), the result of `refit_without_key`.
        """
        self.target = target
        self.fit = fit
        self.limit = (TOLERANCE_SAFETY * target.tolerance) ** 2
        self.joint_weight = target.joint_weight.astype(np.float32)
        self.error = np.ascontiguousarray(np.moveaxis(fit.error, -1, 0) * self.joint_weight, np.float32)
        bones, joints = target.rig.pairs
        position = np.moveaxis(fit.position, -1, 0)
        levers = (position[:, joints] - position[:, bones]).astype(np.float32)
        rates = target.rotation_rates(fit.values[1:], fit.rotations)
        before, own, after = change
        nothing = np.zeros_like(own)
        # The change at the ends of segment s in each role, from the removal of key s + 2, s + 1, s, s - 1.
        roles = ((nothing, _shifted_rows(before, 2)), (_shifted_rows(before, 1), _shifted_rows(own, 1)), (own, after),
                 (_shifted_rows(after, -1), nothing))  # fmt: skip
        self.moved, self.rotation_error, self.swung = [], [], []
        for begins, ends in roles:
            values = np.ascontiguousarray(fit.segments.values(begins, ends).T)
            values = values.reshape(4, target.tracks, target.frames)
            rotation_error = transformed(rates, values[:, 1:]).astype(np.float32)
            self.moved.append(values[:3, 0].astype(np.float32))
            self.rotation_error.append(rotation_error)
            self.swung.append(cross(rotation_error[:, bones], levers) * self.joint_weight[joints])

    def cost(self, role: int) -> FloatArray:
        """(B, N) largest squared error, in squared tolerances, if one track alone changes in this role."""
        target = self.target
        cost = np.empty((target.tracks, target.frames), np.float32)
        cost[0] = sum_of_squares(self.error + self.moved[role][:, None] * self.joint_weight).max(axis=0)
        cost[1:] = target.rig.most_of_pairs(sum_of_squares(self.error[:, target.rig.pairs[1]] + self.swung[role]))
        rotation_error = sum_of_squares(self.fit.rotation_error + self.rotation_error[role]) * BONE_RADIUS**2
        np.maximum(cost[1:], rotation_error, out=cost[1:])
        return cost / target.tolerance**2

    def try_remove(self, track: int, segment_frames: tuple[int, int, int, int, int]) -> bool:
        """Remove one key of one track if every joint stays within the tolerance.

        Args:
            track: 0 for the location of the root, 1 + b for bone b.
            segment_frames: First frames of the four changed segments, and the last frame of the last one.

        Returns:
            Whether the key was removed.
        """
        if track == 0:
            carried, pairs = slice(0, self.error.shape[1]), slice(0, 1)
            changes = [m[:, None] for m in self.moved]
        else:
            carried, pairs, changes = self.target.rig.below[track - 1], self.target.rig.pairs_of[track - 1], self.swung
            if carried.start == carried.stop:
                return True
        window = slice(segment_frames[0], segment_frames[4])
        parts = zip(changes, segment_frames, segment_frames[1:], strict=False)
        now = np.concatenate([change[:, pairs, first:end] for change, first, end in parts], axis=2)
        if track == 0:
            now = now * self.joint_weight[:, window]
        now = now + self.error[:, carried, window]
        if sum_of_squares(now).max() > self.limit:
            return False
        self.error[:, carried, window] = now
        return True


def _shifted_rows(values: FloatArray, by: int) -> FloatArray:
    """Row s of the result is row s + by of `values`, or 0."""
    result = np.zeros_like(values)
    if by > 0:
        result[:-by] = values[by:]
    else:
        result[-by:] = values[:by]
    return result


def cross(a: FloatArray, b: FloatArray) -> FloatArray:
    """Cross product of vectors (3, ...), components first."""
    return np.stack([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])
