"""Takes worth choosing among: of more samples than takes, those that differ most."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray

EXTRA = 2
"""Samples for each take."""
MOST_SAMPLES = 32
"""Samples of one batch."""
_STEP = 4
"""Frames between the frames that are compared."""
_TRAVEL = 0.5
"""Weight of a metre of travel over the floor beside a metre between joints."""


def sample_count(takes: int) -> int:
    """Number of samples to draw for a number of takes; a single take is the sample of its seed."""
    return takes if takes < 2 else max(takes, min(EXTRA * takes, MOST_SAMPLES))


def most_different(joints: FloatArray, count: int) -> list[int]:
    """Choose takes that differ: the first, then again and again the one that is farthest from those chosen.

    Greedy farthest-point selection (Gonzalez 1985).

    Args:
        joints: (samples, T, 22, 3) metres, Y up, each in its own first frame's frame.
        count: Number of takes, at most the number of samples.

    Returns:
        Indices of the chosen samples, rising; always with 0.
    """
    shown = np.asarray(joints, np.float64)[:, ::_STEP]
    local = shown - shown[:, :, :1] * (1.0, 0.0, 1.0)
    travel = shown[:, :, 0, [0, 2]]
    chosen = [0]
    nearest = np.full(len(shown), np.inf)
    while len(chosen) < count:
        apart = np.linalg.norm(local - local[chosen[-1]], axis=-1).mean((1, 2))
        apart += _TRAVEL * np.linalg.norm(travel - travel[chosen[-1]], axis=-1).mean(1)
        nearest = np.minimum(nearest, apart)
        nearest[chosen] = -1.0
        chosen.append(int(nearest.argmax()))
    return sorted(chosen)
