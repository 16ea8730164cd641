"""The free foot kept up during hops on one foot.

The network hops, but puts the other foot down at each landing. From the first hop to the last landing the free ankle is
raised, and the shin drawn back, as a child's in hopscotch. The foot that hops, pelvis and trunk stay.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..motion.smoothing import smooth
from .leg_ik import ANKLES, HIPS, TOES, lengths, place_feet

IN_THE_AIR = 0.05
"""Metres of an ankle above its lowest place from which its foot is off the floor."""
FREE = 0.28
"""Metres of the free ankle above that of the foot that hops, at least."""
BEHIND = 0.14
"""Metres of the free ankle behind its hip."""
FADE = 6
"""Frames before the first hop and after the last landing in which the foot is raised and put down."""
_TOES_DOWN = np.radians(50.0)


def keep_foot_up(joints: FloatArray, side: int | None = None) -> FloatArray:
    """Keep the free foot up while a figure hops on the other one.

    Args:
        joints: (T, 22, 3) metres, Y up.
        side: 0 for hops on the left foot, 1 on the right one; None: on the foot that is lower on average.

    Returns:
        (T, 22, 3) float64 metres; bones keep their lengths. The input where nothing hops.
    """
    joints = np.asarray(joints, np.float64)
    ankles = joints[:, ANKLES]
    hopping = int(ankles[..., 1].mean(axis=0).argmin()) if side is None else side
    free = 1 - hopping
    height = ankles[:, hopping, 1]
    air = np.flatnonzero(height > height.min() + IN_THE_AIR)
    if not len(air):
        return joints
    weight = np.zeros(len(joints))
    weight[max(0, air[0] - FADE // 2) : air[-1] + FADE // 2 + 1] = 1.0
    weight = smooth(weight, FADE / 3.0).clip(0.0, 1.0)[:, None]
    front = _front(joints)
    wanted = joints[:, HIPS[free]] - BEHIND * front
    wanted[:, 1] = np.maximum(ankles[:, free, 1], height + FREE)
    placed = (1.0 - weight) * ankles[:, free] + weight * wanted
    foot = joints[:, TOES[free]] - ankles[:, free]
    hanging = np.cos(_TOES_DOWN) * front - np.sin(_TOES_DOWN) * np.array([0.0, 1.0, 0.0])
    foot = (1.0 - weight) * foot + weight * hanging * lengths(foot)[:, None]
    goals, toes = ankles.copy(), joints[:, TOES].copy()
    goals[:, free] = placed
    toes[:, free] = placed + foot
    moved, result = place_feet(joints, goals, toes), joints.copy()
    frames = np.flatnonzero(weight[:, 0] > 1e-6)
    for joint in (HIPS[free] + 3, ANKLES[free], TOES[free]):
        result[frames, joint] = moved[frames, joint]
    return result


def _front(joints: FloatArray) -> FloatArray:
    """(T, 3) unit vectors ahead of the pelvis, level."""
    across = joints[:, HIPS[0]] - joints[:, HIPS[1]]
    front = np.stack([-across[:, 2], np.zeros(len(joints)), across[:, 0]], axis=-1)
    result: FloatArray = front / np.maximum(lengths(front)[:, None], 1e-6)
    return result
