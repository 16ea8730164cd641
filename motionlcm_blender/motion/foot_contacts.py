"""When feet stand: the model's contact channels, checked against height and speed, with hysteresis.

A channel alone flickers at the edges of a step and says contact while a foot still slides; height and speed alone take
a slow swing for a stance. So a stance begins where all three are sure and lasts while none of them denies it.
Metres, Y up, 20 fps; foot joints in the order l_ankle, l_foot, r_ankle, r_foot.
"""

from __future__ import annotations

import numpy as np

from .skeleton import FOOT_JOINTS, FPS
from .smoothing import smooth

BEGINS, LASTS = 0.5, 0.25
"""The channel above which a stance may begin, and above which it may go on."""
SLOW, NOT_SLOW = 0.35, 0.5
"""m/s of the joint over the floor below which a stance may begin, and go on; for fast gaits parts of the pelvis's."""
SHARE, NOT_SHARE = 0.25, 0.30
LOW, NOT_LOW = (0.04, 0.05), (0.055, 0.09)
"""Metres of ankle and toe joint above where they stand: below the first a stance may begin, below the second go on.
A heel that has lifted by a few centimetres is rolling, and must not be held."""

CONTACT_SQUARED_STEP = 0.002
"""HumanML3D's contact threshold: metres squared per frame at 20 fps (a step of 4.5 cm)."""
CONTACT_HEIGHTS = (0.13, 0.08, 0.13, 0.08)
"""Metres above the floor below which l_ankle, l_foot, r_ankle, r_foot may be in contact."""


def floor_height(joints: np.ndarray) -> float:
    """Metres: where the floor seems to be, the 5th percentile of the lower foot's height."""
    return float(np.percentile(np.asarray(joints)[:, FOOT_JOINTS, 1].min(axis=1), 5))


def foot_contacts(joints: np.ndarray, fps: float = FPS) -> np.ndarray:
    """(T, 4) bool: l_ankle, l_foot, r_ankle, r_foot stand on the floor, told from the positions alone.

    Contact is a squared step to the next frame below 0.002 m2 at 20 fps, as in HumanML3D (Guo et al. 2022), and a
    height above the floor below 13 cm (ankle) or 8 cm (foot). The last frame repeats the one before.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS]
    if len(feet) < 2:
        return np.ones((len(feet), 4), bool)
    step = (np.diff(feet, axis=0) ** 2).sum(-1) * (fps / FPS) ** 2
    low = feet[..., 1] - floor_height(joints) < CONTACT_HEIGHTS
    still = step < CONTACT_SQUARED_STEP
    return np.concatenate([still, still[-1:]]) & low


def stance_mask(joints: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """(T, 4) bool: which foot joints stand.

    joints: (T, 22, 3) metres. channels: (T, 4), 0..1 or bool: what the model or `foot_contacts` says.
    """
    said = np.asarray(channels, dtype=np.float64)
    if len(joints) < 3:
        return said > BEGINS
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS]
    ground = feet[..., [0, 2]]
    step = np.linalg.norm(np.diff(ground, axis=0), axis=-1) * FPS
    # The slower of the steps before and after: the first and last frame of a stance have one fast neighbour.
    speed = np.concatenate([step[:1], np.minimum(step[1:], step[:-1]), step[-1:]])
    going = smooth(joints[:, 0][:, [0, 2]], 4.0) if len(joints) > 8 else joints[:, 0][:, [0, 2]]
    pace = np.linalg.norm(np.gradient(going, axis=0), axis=-1)[:, None] * FPS
    height = feet[..., 1] - rest_heights(feet)
    begins = (said > BEGINS) & (speed < np.maximum(SLOW, SHARE * pace)) & (height < LOW * 2)
    lasts = (said > LASTS) & (speed < np.maximum(NOT_SLOW, NOT_SHARE * pace)) & (height < NOT_LOW * 2)
    return _grown(begins, lasts | begins)


def rest_heights(feet: np.ndarray) -> np.ndarray:
    """(4,) metres: the height of each foot joint (T, 4, 3) while its foot stands: its lowest, bad frames left out.

    A foot that never comes down has the other one's.
    """
    low = np.percentile(feet[..., 1], 5, axis=0)
    other = low[[2, 3, 0, 1]]
    return np.where(low > other + 0.08, other, low)


def _grown(seeds: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Runs of `allowed` (T, n) that hold at least one of `seeds`."""
    grown = np.zeros_like(allowed)
    for column in range(allowed.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], allowed[:, column], [False]])))
        for start, end in zip(edges[0::2], edges[1::2], strict=True):
            if seeds[start:end, column].any():
                grown[start:end, column] = True
    return grown
