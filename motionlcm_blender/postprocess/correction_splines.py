"""Smooth interpolation over time of corrections that are known on some frames only."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray, IntArray
from ..motion import banded_solver
from ..motion.smoothing import hermite

RELAX = 10
"""Frames over which a correction fades to zero where no other one is near."""
FASTEST = 0.008
"""Units per frame: the largest slope with which a correction leaves the frames where it is known."""

PULL = 2e-4
"""Weight of the pull towards zero beside the acceleration: a spline fades over about (1 / PULL) ** 0.25 frames."""
HOLD = 0.1
"""Weight of the speed before the first and after the last known frame beside the acceleration.

A spline without it goes on with its slope there, and carries a foot away from the floor on the first frame.
"""


def blend_between_runs(values: FloatArray, label: IntArray, relax: int = RELAX) -> FloatArray:
    """Fill the frames between runs of known frames with cubic curves; far from any run the correction fades to zero.

    Two runs at most 2.5 times `relax` apart are joined by one curve.

    Args:
        values: (T, n) corrections, read where `label` is not negative.
        label: (T,) number of the run of each frame, -1 where the correction is unknown.
        relax: Frames of fading.

    Returns:
        (T, n) corrections for all frames.
    """
    frames = len(values)
    on = label >= 0
    index = np.arange(frames)
    last = np.maximum.accumulate(np.where(on, index, -1))
    following = np.minimum.accumulate(np.where(on, index, 10 * frames)[::-1])[::-1]
    no_last, no_next = last < 0, following >= frames
    a, b = np.where(no_last, 0, last), np.where(no_next, 0, following)
    slope = np.zeros_like(values)
    inside = on[1:] & on[:-1] & (label[1:] == label[:-1])
    slope[1:][inside] = np.diff(values, axis=0)[inside]
    backward = np.zeros_like(values)
    backward[:-1][inside] = np.diff(values, axis=0)[inside]
    gap = np.where(no_last | no_next | on, 2 * relax, following - last).astype(np.float64)
    near = (gap <= 2.5 * relax) & ~no_last & ~no_next
    va, vb = np.where(no_last[:, None], 0.0, values[a]), np.where(no_next[:, None], 0.0, values[b])
    # Half the slope at the end of a stance keeps the swing from overshooting.
    sa = np.clip(0.5 * slope[a], -FASTEST, FASTEST) * ~no_last[:, None]
    sb = np.clip(0.5 * backward[b], -FASTEST, FASTEST) * ~no_next[:, None]

    since, until = (index - a).astype(np.float64), (b - index).astype(np.float64)
    across = hermite(since / gap, gap, va, vb, sa, sb)
    fade = np.full(frames, float(relax))
    zero = np.zeros_like(values)
    out = np.where(no_last[:, None], 0.0, hermite(since / fade, fade, va, zero, sa, zero))
    back = np.where(no_next[:, None], 0.0, hermite(1.0 - until / fade, fade, zero, vb, zero, sb))
    return np.where(on[:, None], values, np.where(near[:, None], across, out + back))


def smoothing_spline(values: FloatArray, weight: FloatArray, pull: float = PULL) -> FloatArray:
    """Smoothing spline through weighted values that fades to zero far from them.

    Least squares over the whole clip (Reinsch 1967): minimises sum_t weight[t] (x[t] - values[t])^2 + sum (second
    differences of x)^2 + pull sum x^2, so that a foot neither starts nor stops with a jerk where its correction
    starts. Before the first and after the last known frame the values stay nearly constant.

    Args:
        values: (T, n) values.
        weight: (T,) weights, relative to weight 1 of the acceleration per frame squared.
        pull: Weight of the pull towards zero; the spline fades over about (1 / pull) ** 0.25 frames.

    Returns:
        (T, n) values of the spline.
    """
    frames = len(values)
    if frames < 3:
        return values * (weight > 0)[:, None]
    stiffness = banded_solver.squared_differences(frames, 2).copy()
    stiffness[0] += weight + pull
    known = np.flatnonzero(weight > 0.1 * weight.max())
    if len(known):
        held = np.zeros(frames - 1)
        held[: known[0]] = HOLD
        held[known[-1] :] = HOLD
        stiffness[0, :-1] += held
        stiffness[0, 1:] += held
        stiffness[1, :-1] -= held
    return banded_solver.solve_banded(stiffness, weight[:, None] * values)
