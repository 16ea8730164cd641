"""Search for the key times: which errors get more weight, and the order of the rounds."""

from __future__ import annotations

from itertools import count

import numpy as np

from ..array_types import BoolArray, FloatArray
from .fit_target import FitTarget
from .key_insertion import keys_to_add, with_inserted_keys
from .key_removal import removable_keys
from .spline_fit import SplineFit

_FIRST_SPACING = 0.35
"""Seconds between keys at the start of the search."""
_ROUNDS = 4
"""Rounds of the search. Seven leave an eighth fewer keys than four and take twice as long."""
_REFITS = 2
"""Fits with added keys after the search, before keys are inserted. With none, 5 % more keys are needed; with more, no
fewer."""


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
    # 3. Only add keys until the fit is within the tolerance, or has no fewer keys than the best: first in new fits,
    # then by insertion, which takes a fraction of the time.
    most = None if best is None else best.count
    fit = refitted(target, fit, most, _REFITS)
    fit = with_inserted_keys(target, fit, most)
    if best is None and not fit.within:
        return refitted(target, fit)
    return fit if best is None or (fit.within and fit.count < best.count) else best


def refitted(target: FitTarget, fit: SplineFit, most: int | None = None, rounds: int | None = None) -> SplineFit:
    """Add keys and fit again until the fit is within the tolerance; with a key on every frame it equals the clip.

    most: number of keys at which a fit is of no use. rounds: largest number of fits; None: no limit.
    """
    for _ in count() if rounds is None else range(rounds):
        if fit.within or (most is not None and fit.count >= most):
            break
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
