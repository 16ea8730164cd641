"""Keys that are added where the tolerance is exceeded: which ones, and their insertion without a new fit.

An inserted key has the clip's own value and the curve's slope, which changes the curve up to the next keys only. A key
that is already there gets the clip's own value: inserted keys may have removed the error of another bone that made up
for its error.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from .components import cross, sum_of_squares
from .fit_target import FitTarget
from .spline_fit import Segments, SplineFit, hermite_basis, shifted

INSERTIONS = 16
"""Rounds of inserting keys; what is not within the tolerance then is fitted anew."""
BLAME_THRESHOLD = 0.7
"""A bone gets a key where its part in a joint's error is at least this fraction of the largest part."""


def keys_to_add(target: FitTarget, fit: SplineFit, blame: BoolArray | None = None) -> BoolArray:
    """Choose frames to key, at most one in each segment, where the tolerance is exceeded.

    Of the bones above a joint with too large an error, those whose own error moves the joint most get a key. If all of
    them have a key there already, the neighbouring frames are keyed as well, which makes the curve exact.

    Args:
        target: The clip to reproduce.
        fit: The current fit.
        blame: (B, N) bool, the result of `blamed_tracks`, if it is known.

    Returns:
        (B, N) bool.
    """
    rig, limit = target.rig, target.tolerance**2
    far, blame = fit.squared > limit, blamed_tracks(target, fit) if blame is None else blame
    size = np.concatenate([np.sqrt(fit.squared[:1]), np.sqrt(fit.squared_rotation_error)]) + 1e-30
    score = np.where(fit.segments.keyed, 0.0, blame * size * np.where(target.key_priority, 1.5, 1.0)).ravel()
    highest = np.flatnonzero((score > 0.0) & (score == np.maximum.reduceat(score, fit.segments.knots)[fit.segments.of]))
    highest = highest[np.unique(fit.segments.of[highest], return_index=True)[1]]
    missing = np.zeros(blame.size, bool)
    missing[highest] = True
    missing = missing.reshape(blame.shape)
    if not len(highest):
        missing[0] = far.any(axis=0)
        missing[1:] = rig.most_of_pairs(far[rig.pairs[1]].astype(float)) > 0.0
        missing[1:] |= fit.squared_rotation_error > limit
        missing[:, 1:] |= missing[:, :-1].copy()
        missing[:, :-1] |= missing[:, 1:].copy()
    return missing


def blamed_tracks(target: FitTarget, fit: SplineFit) -> BoolArray:
    """Find the tracks whose own error moves a joint most, on the frames where that joint exceeds the tolerance.

    Args:
        target: The clip to reproduce.
        fit: The current fit.

    Returns:
        (B, N) bool.
    """
    rig, limit = target.rig, target.tolerance**2
    bones, joints = rig.pairs
    far = fit.squared > limit
    blame = np.zeros((target.tracks, target.frames), bool)
    at = np.flatnonzero(far.any(axis=0))
    if len(at):
        error, here, position = fit.error[..., at], far[:, at], target.position[..., at]
        direction = error / np.sqrt(np.maximum(sum_of_squares(error), 1e-30))
        turned = fit.rotation_error(target)[..., at]
        swing = cross(turned[:, bones], position[:, joints] - position[:, bones])
        error_part = (swing * direction[:, joints]).sum(axis=0)
        moved = (error[:, :1] * direction).sum(axis=0)
        most = moved.copy()
        order, starts, below = rig.by_joint
        if len(below):
            most[below] = np.maximum(most[below], np.maximum.reduceat(error_part[order], starts, axis=0))
        blame[0, at] = (here & (moved >= BLAME_THRESHOLD * most)).any(axis=0)
        large = (here[joints] & (error_part >= BLAME_THRESHOLD * most[joints])).astype(float)
        blame[1:, at] = rig.most_of_pairs(large) > 0.0
    blame[1:] |= fit.squared_rotation_error > limit
    return blame


def with_inserted_keys(target: FitTarget, fit: SplineFit, most: int | None = None) -> SplineFit:
    """Insert keys until the fit is within the tolerance.

    Args:
        target: The clip to reproduce.
        fit: The current fit. Its arrays are used for the result.
        most: Number of keys at which a fit is of no use; None: no limit.

    Returns:
        The fit; not within the tolerance if it has `most` keys, or if insertions do not suffice.
    """
    on_clip = np.zeros_like(fit.segments.keyed)
    for _ in range(INSERTIONS):
        if fit.within or (most is not None and fit.count >= most):
            break
        blame = blamed_tracks(target, fit)
        exact = keys_to_add(target, fit, blame) | (blame & fit.segments.keyed)
        if not (exact & ~on_clip).any():
            break
        on_clip |= exact
        fit = _with_exact_keys(target, fit, exact)
    return fit


def _with_exact_keys(target: FitTarget, fit: SplineFit, exact: BoolArray) -> SplineFit:
    """Put keys (B, N) onto the clip: new keys get the clip's value and the curve's slope, present keys its value.

    All other keys stay as they are. Only the frames of changed segments are measured again, in the arrays of `fit`.
    """
    segments = Segments.at(fit.segments.keyed | exact)
    new = (exact & ~fit.segments.keyed).ravel()[segments.knots]
    places = np.flatnonzero(exact.ravel()[segments.knots])
    nodes = np.empty((2, 4, len(segments.knots)))
    nodes[..., ~new] = fit.nodes
    curve, at = fit.values.reshape(4, -1), segments.knots[new]  # the ends of tracks have keys, so none of them is new
    nodes[1][:, new] = 0.5 * (curve[:, at + 1] - curve[:, at - 1])
    at, track = segments.knots[places], segments.track[places]
    value, near = target.channels[:, at], curve[:, at]
    # The curve may hold the quaternion of the other sign, or angles that are full turns away.
    euler = np.append(False, target.euler)[track]
    flipped = ((value * near).sum(axis=0) < 0.0) & ~euler & (track > 0)
    turns = np.where(euler, 2.0 * np.pi * np.rint((near - value) / (2.0 * np.pi)), 0.0)
    nodes[0][:, places] = np.where(flipped, -value, value) + turns

    frame = segments.knots % target.frames
    begins = np.where(frame[places] > 0, frame[places - 1], 0)
    ends = np.where(segments.last[places], target.frames, frame[np.minimum(places + 1, len(frame) - 1)])
    changes = np.zeros(target.frames + 1, int)
    np.add.at(changes, begins, 1)
    np.add.at(changes, ends, -1)
    frames = np.flatnonzero(np.cumsum(changes[:-1]))
    part = target.on(frames)
    again = SplineFit.with_values(part, segments, nodes, fit.weights, _curves_on(segments, nodes, frames))
    for whole, some in (
        (fit.values, again.values), (fit.position, again.position), (fit.error, again.error),
        (fit.rotations, again.rotations), (fit.turned, again.turned), (fit.squared, again.squared),
        (fit.squared_rotation_error, again.squared_rotation_error),
    ):  # fmt: skip
        whole[..., frames] = some
    within = bool(max(fit.squared.max(), fit.squared_rotation_error.max()) <= target.tolerance**2)
    return replace(fit, segments=segments, nodes=nodes, within=within)


def _curves_on(segments: Segments, nodes: FloatArray, frames: IntArray) -> FloatArray:
    """(4, B, n) curves on some frames (n,)."""
    tracks, count = segments.keyed.shape
    samples = (np.arange(tracks)[:, None] * count + frames).ravel()
    of = np.searchsorted(segments.knots, samples, side="right") - 1
    length = np.where(segments.last, 1.0, segments.sizes)[of]
    basis = hermite_basis((samples - segments.knots[of]) / length, length)
    both = np.concatenate([nodes, shifted(nodes, 1)]).reshape(16, -1)
    parts = np.take(both, of, axis=1).reshape(4, 4, -1)
    parts *= basis[:, None]
    result: FloatArray = parts.sum(axis=0).reshape(4, tracks, -1)
    return result
