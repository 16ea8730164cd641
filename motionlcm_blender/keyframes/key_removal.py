"""Choice of keys that can be removed together while every joint stays within the tolerance."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray
from .components import cross, inverse_2x2, product, sum_of_squares, transformed
from .fit_target import FitTarget
from .spline_fit import BONE_RADIUS, SplineFit, shifted

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
    budget = ErrorBudget(target, fit, refit_without_key(target, fit))
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


def refit_without_key(target: FitTarget, fit: SplineFit) -> FloatArray:
    """Refit the two neighbours of a removed key, for each key by itself.

    Between the neighbours there is now one cubic, which also gives value and slope at the removed key's frame.
    Substituting these in the normal equations of the two old segments gives the normal equations of the gap. Their
    2 x 2 blocks are eliminated for all keys at once.

    Args:
        target: The clip to reproduce.
        fit: The current fit.

    Returns:
        (3, 2, 4, n) change of value and slope at the key before, at the frame of the removed key, and at the key
        after; 0 for the first and the last key of each track.
    """
    segments, nodes, knots = fit.segments, fit.nodes, fit.segments.knots
    change = np.zeros((3, *nodes.shape))
    if fit.count < 3:
        return change
    gap = (knots[2:] - knots[:-2]).astype(np.float64)
    u = (knots[1:-1] - knots[:-2]) / gap
    v = 1.0 - u
    # Value and slope at the removed key's frame are to_left * left key + to_right * right key.
    to_left = np.array([[(1.0 + 2.0 * u) * v * v, u * v * v * gap], [-6.0 * u * v / gap, v * (v - 2.0 * u)]])
    to_right = np.array([[u * u * (3.0 - 2.0 * u), -v * u * u * gap], [6.0 * u * v / gap, u * (u - 2.0 * v)]])
    with np.errstate(all="ignore"):  # the ends of tracks give numbers without meaning
        first, across, last, wanted_first, wanted_last = _gap_equations(target, fit, to_left, to_right)
        solved = inverse_2x2(first)
        eliminated = product(_turned(across), solved)
        rest = inverse_2x2(last - product(eliminated, across))
        ends = product(rest, wanted_last - product(eliminated, wanted_first))
        begins = product(solved, wanted_first - product(across, ends))
        change[0][..., 1:-1] = begins - nodes[..., :-2]
        change[1][..., 1:-1] = product(to_left, begins) + product(to_right, ends) - nodes[..., 1:-1]
        change[2][..., 1:-1] = ends - nodes[..., 2:]
    change[..., segments.first | segments.last] = 0.0
    return change


def _gap_equations(
    target: FitTarget, fit: SplineFit, to_left: FloatArray, to_right: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Normal equations of value and slope at both neighbours of each removed key.

    Args:
        target: The clip to reproduce.
        fit: The current fit, with n keys.
        to_left: (2, 2, n - 2) effect of the key before on value and slope at the removed key's frame.
        to_right: (2, 2, n - 2) effect of the key after.

    Returns:
        The blocks of the system (2, 2, n - 2): of the key before, between both, of the key after; and their right-hand
        sides (2, 4, n - 2).
    """
    assert fit.normal is not None
    segments, nodes, (gram, moment) = fit.segments, fit.nodes, fit.normal
    # Of each key, in one array: the segment before it, and its own.
    before, own = gram[..., :-2], gram[..., 1:-1]
    back_left, back_right = _turned(to_left), _turned(to_right)
    middle = before[2:, 2:] + own[:2, :2]
    by_left, by_right = product(middle, to_left), product(middle, to_right)
    part = product(before[:2, 2:], to_left)
    first = before[:2, :2] + product(back_left, by_left) + part + _turned(part)
    part = product(own[2:, :2], to_right)
    last = own[2:, 2:] + product(back_right, by_right) + part + _turned(part)
    across = product(back_left, by_right + own[:2, 2:]) + product(before[:2, 2:], to_right)
    between = moment[2:, :, :-2] + moment[:2, :, 1:-1]
    wanted_first = moment[:2, :, :-2] + product(back_left, between)
    wanted_last = moment[2:, :, 1:-1] + product(back_right, between)
    # The segments beyond the neighbours, whose other ends stay.
    inside = ~segments.first[1:-2]
    first[..., 1:] += gram[2:, 2:, :-3] * inside
    wanted_first[..., 1:] += (moment[2:, :, :-3] - product(gram[2:, :2, :-3], nodes[..., :-3])) * inside
    last += gram[:2, :2, 2:]
    wanted_last += moment[:2, :, 2:]
    wanted_last[..., :-1] -= product(gram[:2, 2:, 2:-1], nodes[..., 3:]) * ~segments.last[2:-1]
    slope_weight = target.slope_weight(segments.knots)
    pull = slope_weight * target.slopes[:, segments.knots]
    for block, wanted, keys in ((first, wanted_first, slice(0, -2)), (last, wanted_last, slice(2, None))):
        block[1, 1] += slope_weight[keys]
        wanted[1] += pull[:, keys]
    return first, across, last, wanted_first, wanted_last


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
            change: (3, 2, 4, n), the result of `refit_without_key`.
        """
        self.target = target
        self.fit = fit
        self.limit = (TOLERANCE_SAFETY * target.tolerance) ** 2
        self.joint_weight = target.joint_weight.astype(np.float32)
        self.error = (fit.error * target.joint_weight).astype(np.float32)
        self.rotation_error = fit.rotation_error(target).astype(np.float32)
        bones, joints = target.rig.pairs
        position = fit.position.astype(np.float32)
        levers = (position[:, joints] - position[:, bones]) * self.joint_weight[joints]
        rates = target.rotation_rates(fit.values[:, 1:], fit.rotations)
        before, own, after = change
        # The change at the ends of segment s in each role, from the removal of key s + 2, s + 1, s, s - 1.
        roles = ((None, shifted(before, 2)), (shifted(before, 1), shifted(own, 1)), (own, after),
                 (shifted(after, -1), None))  # fmt: skip
        self.moved, self.turned, self.swung = [], [], []
        for begins, ends in roles:
            values = fit.segments.changes(begins, ends).reshape(4, target.tracks, target.frames)
            turned = transformed(rates, values[:, 1:])
            self.moved.append(values[:3, 0])
            self.turned.append(turned)
            self.swung.append(cross(turned[:, bones], levers))

    def cost(self, role: int) -> FloatArray:
        """(B, N) largest squared error, in squared tolerances, if one track alone changes in this role."""
        target = self.target
        cost = np.empty((target.tracks, target.frames), np.float32)
        cost[0] = sum_of_squares(self.error + self.moved[role][:, None] * self.joint_weight).max(axis=0)
        cost[1:] = target.rig.most_of_pairs(sum_of_squares(self.error[:, target.rig.pairs[1]] + self.swung[role]))
        turned = sum_of_squares(self.rotation_error + self.turned[role]) * np.float32(BONE_RADIUS**2)
        np.maximum(cost[1:], turned, out=cost[1:])
        return cost / np.float32(target.tolerance**2)

    def try_remove(self, track: int, segment_frames: tuple[int, int, int, int, int]) -> bool:
        """Remove one key of one track if every joint stays within the tolerance.

        Args:
            track: 0 for the location of the root, 1 + b for bone b.
            segment_frames: First frames of the four changed segments, and the last frame of the last one.

        Returns:
            Whether the key was removed.
        """
        begin, second, third, fourth, end = segment_frames
        if track == 0:
            carried, pairs = slice(0, self.error.shape[1]), slice(0, 1)
            a, b, c, d = (m[:, None] for m in self.moved)
        else:
            carried, pairs = self.target.rig.below[track - 1], self.target.rig.pairs_of[track - 1]
            a, b, c, d = self.swung
            if carried.start == carried.stop:
                return True
        now = np.concatenate(
            [a[:, pairs, begin:second], b[:, pairs, second:third], c[:, pairs, third:fourth], d[:, pairs, fourth:end]],
            axis=2,
        )
        if track == 0:
            now = now * self.joint_weight[:, begin:end]
        now += self.error[:, carried, begin:end]
        if np.einsum("cjt,cjt->jt", now, now).max() > self.limit:
            return False
        self.error[:, carried, begin:end] = now
        return True


def _turned(m: FloatArray) -> FloatArray:
    """Transposes of matrices (a, b, n)."""
    return m.transpose(1, 0, 2)
