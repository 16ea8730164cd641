"""Search for the key times: where keys are added, which errors get more weight, and the order of the rounds."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray
from .components import cross, sum_of_squares
from .fit_target import FitTarget
from .key_removal import removable_keys
from .spline_fit import SplineFit

_FIRST_SPACING = 0.35
"""Seconds between keys at the start of the search."""
_ROUNDS = 4
"""Rounds of the search. Seven leave an eighth fewer keys than four and take twice as long."""
BLAME_THRESHOLD = 0.7
"""A bone gets a key where its part in a joint's error is at least this fraction of the largest part."""


def fewest_keys(target: FitTarget) -> SplineFit:
    """The fit within the tolerance with the fewest keys that the search finds."""
    # 1. Start from evenly spaced keys.
    fit = SplineFit.of(target, _first_keys(target), np.ones(target.channels.shape[1]))
    best: SplineFit | None = None
    # 2. Rounds: remove keys, add keys where the tolerance is exceeded, increase the weights of large errors (Lawson).
    for _ in range(_ROUNDS):
        if fit.within and (best is None or fit.count < best.count):
            best = fit
        keyed = fit.segments.keyed & ~removable_keys(target, fit)
        if not fit.within:
            keyed |= keys_to_add(target, fit)
        fit = SplineFit.of(target, keyed, reweight(target, fit))
    # 3. Only add keys until the fit is within the tolerance, or has no fewer keys than the best.
    fit = repaired(target, fit, None if best is None else best.count)
    return fit if best is None or (fit.within and fit.count < best.count) else best


def repaired(target: FitTarget, fit: SplineFit, most: int | None = None) -> SplineFit:
    """Add keys until the fit is within the tolerance; with a key on every frame it equals the clip.

    most: number of keys at which a fit is of no use.
    """
    while not fit.within and (most is None or fit.count < most):
        missing = keys_to_add(target, fit)
        if not (missing & ~fit.segments.keyed).any():
            break  # keys on every frame with an error: the rest is rounding
        fit = SplineFit.of(target, fit.segments.keyed | missing, reweight(target, fit))
    return fit


def _first_keys(target: FitTarget) -> BoolArray:
    """(B, N) bool: evenly spaced keys, each moved to a priority frame near it; two keys for tracks without motion."""
    frames = target.frames
    keyed = np.zeros((target.tracks, frames), bool)
    spacing = max(2, round(_FIRST_SPACING * target.fps))
    moves = np.ptp(target.channels.reshape(4, target.tracks, frames), axis=2).max(axis=0) > 1e-3 * target.tolerance
    keyed[moves, ::spacing] = True
    shift = max(1, spacing // 3)
    for by in [s for distance in range(1, shift + 1) for s in (-distance, distance)]:
        here = keyed & ~target.key_priority
        there = np.roll(target.key_priority, -by, axis=1)
        go = here & there & ~np.roll(keyed, -by, axis=1)
        keyed ^= go
        keyed |= np.roll(go, by, axis=1)
    keyed[:, [0, -1]] = True
    return keyed


def keys_to_add(target: FitTarget, fit: SplineFit) -> BoolArray:
    """Choose frames to key, at most one in each segment, where the tolerance is exceeded.

    Of the bones above a joint with too large an error, those whose own error moves the joint most get a key. If all of
    them have a key there already, the neighbouring frames are keyed as well, which makes the curve exact.

    Args:
        target: The clip to reproduce.
        fit: The current fit.

    Returns:
        (B, N) bool.
    """
    rig, limit = target.rig, target.tolerance**2
    far, blame = fit.squared > limit, blamed_tracks(target, fit)
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


def reweight(target: FitTarget, fit: SplineFit) -> FloatArray:
    """Compute the sample weights of the next fit: larger where a joint that the track moves has a larger error.

    Args:
        target: The clip to reproduce.
        fit: The current fit.

    Returns:
        (B * N,) weights.
    """
    most = np.empty((target.tracks, target.frames))
    most[0] = fit.squared.max(axis=0)
    most[1:] = np.maximum(target.rig.most_of_pairs(fit.squared[target.rig.pairs[1]]), fit.squared_rotation_error)
    most = np.sqrt(most) / target.tolerance
    most[:, 1:-1] = np.maximum(most[:, 1:-1], 0.7 * np.maximum(most[:, :-2], most[:, 2:]))
    weights = fit.weights.reshape(most.shape) * (0.1 + most)
    weights /= weights.mean(axis=1, keepdims=True)
    return np.clip(weights, 0.02, 50.0).ravel()
