"""Figures that hang in the air where nobody can: at the beginning or the end of a motion, for longer than a jump lasts.

A network learns falls, floor work and jumps from few captures, and places some of them above the floor. The lowest
joint of the body decides where the figure is supported, since a lying figure does not stand on its feet.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from .skeleton import FPS
from .smoothing import smooth

FLIGHT_SECONDS = 0.4
"""Longest flight that a motion may begin or end within: the half of a high jump."""
OFF_FLOOR = 0.12
"""Metres of the lowest joint above the floor from which a figure is in the air; ankles of raised heels are lower."""
_SIGMA = 1.5
"""Frames, standard deviation, over which the figure is lowered."""


def supported_ends(joints: FloatArray) -> FloatArray:
    """Lower the first and last frames to the floor if the figure is in the air there for longer than a flight lasts.

    Args:
        joints: (T, 22, 3) metres, Y up, the floor at y = 0.

    Returns:
        (T, 22, 3) metres; frames between the first and the last contact with the floor stay.
    """
    above = np.asarray(joints, np.float64)[..., 1].min(axis=1)
    touching = np.flatnonzero(above < OFF_FLOOR)
    if not len(touching):
        return joints
    most = int(FLIGHT_SECONDS * FPS)
    first, last = int(touching[0]), int(touching[-1])
    drop = np.zeros(len(above))
    if first > most:
        drop[:first] = above[:first]
    if len(above) - 1 - last > most:
        drop[last + 1 :] = above[last + 1 :]
    if not drop.any():
        return joints
    lowered = np.array(joints)
    smoothed = np.minimum(smooth(drop, _SIGMA), np.maximum(above, 0.0)) if len(drop) > 4 else drop
    lowered[..., 1] -= np.maximum(smoothed, 0.0)[:, None]
    return lowered
