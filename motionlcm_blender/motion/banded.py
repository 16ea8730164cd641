"""Least squares whose matrix is symmetric, positive definite and nothing beyond two places off its diagonal.

Second differences in time make such matrices. A dense solver takes time by the cube of the frames; this one by the
frames, and needs no LAPACK, which Blender's own NumPy may have only in a slow form.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Diagonals = tuple[np.ndarray, np.ndarray, np.ndarray]
"""The diagonal of such a matrix, (T,), and the ones beside it, (T - 1,) and (T - 2,)."""


def solve(diagonals: Diagonals, right: np.ndarray) -> np.ndarray:
    """x with M x = right; right and x: (T,) or (T, n), T 2 or more.

    By L D L^T. In plain floats, since each row needs the one before it.
    """
    pivots, below, further = _factored(diagonals)
    columns = [right] if right.ndim == 1 else list(right.T)
    solved = np.stack([_substituted(pivots, below, further, column.tolist()) for column in columns], axis=-1)
    return solved[:, 0] if right.ndim == 1 else solved


def _factored(diagonals: Diagonals) -> tuple[list[float], list[float], list[float]]:
    """D, and of L what is left of its diagonal by one and by two, with zeros for rows after the last."""
    pivots, below, further = (each.tolist() for each in diagonals)
    below, further = [0.0, *below], [0.0, 0.0, *further]
    d1 = d2 = 1.0
    l1 = 0.0
    for i, (pivot, c, e) in enumerate(zip(pivots, below, further, strict=True)):
        two = e / d2
        one = (c - two * d2 * l1) / d1
        pivot -= one * one * d1 + two * two * d2
        pivots[i], below[i], further[i] = pivot, one, two
        d2, d1, l1 = d1, pivot, one
    return pivots, [*below, 0.0], [*further, 0.0, 0.0]


def _substituted(pivots: list[float], below: list[float], further: list[float], x: list[float]) -> list[float]:
    """x comes as the right-hand side, and is overwritten."""
    x1 = x2 = 0.0
    for i in range(len(x)):
        x1, x2 = x[i] - below[i] * x1 - further[i] * x2, x1
        x[i] = x1
    x1 = x2 = 0.0
    for i in range(len(x) - 1, -1, -1):
        x1, x2 = x[i] / pivots[i] - below[i + 1] * x1 - further[i + 2] * x2, x1
        x[i] = x1
    return x


@lru_cache(maxsize=16)
def second_differences(frames: int) -> Diagonals:
    """The three diagonals of the matrix M for which x^T M x is the sum of squared second differences of x (frames,)."""
    taken = np.ones(frames - 2)
    diagonal, first = np.zeros(frames), np.zeros(frames - 1)
    for at, weight in enumerate((1.0, -2.0, 1.0)):
        diagonal[at : at + frames - 2] += weight**2 * taken
    for at in (0, 1):
        first[at : at + frames - 2] -= 2.0 * taken
    return diagonal, first, taken


def times(diagonals: Diagonals, x: np.ndarray) -> np.ndarray:
    """M x."""
    diagonal, first, second = diagonals
    out: np.ndarray = diagonal * x
    out[1:] += first * x[:-1]
    out[:-1] += first * x[1:]
    out[2:] += second * x[:-2]
    out[:-2] += second * x[2:]
    return out
