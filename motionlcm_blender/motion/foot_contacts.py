"""Detection of foot contacts: the model's contact channels, checked against height and speed, with hysteresis.

A channel alone flickers at the edges of a step and can be high while a foot still slides; height and speed alone
confuse a slow swing with a stance. A stance therefore starts where all three criteria hold strictly and lasts while
all three hold loosely. Metres, Y up, 20 fps; foot joints in the order l_ankle, l_foot, r_ankle, r_foot.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..array_types import BoolArray, FloatArray
from .skeleton import FOOT_JOINTS, FPS
from .smoothing import smooth

BEGINS, LASTS = 0.5, 0.25
"""Contact channel above which a stance may start, and above which it may continue."""
SLOW, NOT_SLOW = 0.35, 0.5
"""Speed of the joint over the floor, m/s, below which a stance may start, and may continue."""
SHARE, NOT_SHARE = 0.25, 0.30
LOW, NOT_LOW = (0.04, 0.05), (0.055, 0.09)
"""Height of ankle and toe joint above their standing height, metres, below which a stance may start, and may continue.

A heel lifted by a few centimetres is rolling and must not be locked.
"""

RUNS = 1.7
"""m/s from which a figure may run."""
RUN_SHARE, RUN_NOT_SHARE, RUN_LANDS, RUN_LOW = 0.45, 0.6, 0.9, 0.08
"""Shares of the pelvis's speed below which a toe of a run may start to stand, may continue, and lands where it is
slowest; and its height above its standing height, metres: networks blur the short stances of a run."""
RUN_WINDOW = 4
"""Frames before and after a landing on which the toe is faster."""

SLIDE_FRAMES, SLIDE, SURE = 5, 0.18, 0.75
"""Most frames and metres of a slide within one stance, and contact channel above which the model is sure of it."""

CONTACT_SQUARED_STEP = 0.002
"""HumanML3D's contact threshold: metres squared per frame at 20 fps (a step of 4.5 cm)."""
CONTACT_HEIGHTS = (0.13, 0.08, 0.13, 0.08)
"""Height above the floor, metres, below which l_ankle, l_foot, r_ankle, r_foot may be in contact."""


def floor_height(joints: FloatArray) -> float:
    """Estimate the height of the floor.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.

    Returns:
        Metres: the 5th percentile over time of the lowest foot joint's height.
    """
    return float(np.percentile(np.asarray(joints)[:, FOOT_JOINTS, 1].min(axis=1), 5))


def foot_contacts(joints: FloatArray, fps: float = FPS) -> BoolArray:
    """Detect foot contacts from joint positions alone.

    A joint is in contact if its squared step to the next frame is below 0.002 m2 at 20 fps, as in HumanML3D (Guo et
    al. 2022), and its height above the floor is below 13 cm (ankle) or 8 cm (foot). The last frame repeats the one
    before.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        fps: Frames per second.

    Returns:
        (T, 4) bool: l_ankle, l_foot, r_ankle, r_foot.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS]
    if len(feet) < 2:
        return np.ones((len(feet), 4), bool)
    step = (np.diff(feet, axis=0) ** 2).sum(-1) * (fps / FPS) ** 2
    low = feet[..., 1] - floor_height(joints) < CONTACT_HEIGHTS
    still = step < CONTACT_SQUARED_STEP
    result: BoolArray = np.concatenate([still, still[-1:]]) & low
    return result


def stance_mask(joints: FloatArray, channels: FloatArray, fps: float = FPS) -> BoolArray:
    """Find which foot joints stand on the floor.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        channels: (T, 4) contacts in 0..1 or bool, of the model or of `foot_contacts`.
        fps: Frames per second.

    Returns:
        (T, 4) bool: l_ankle, l_foot, r_ankle, r_foot.
    """
    contact_probability = np.asarray(channels, dtype=np.float64)
    if len(joints) < 3:
        return contact_probability > BEGINS
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS]
    ground = feet[..., [0, 2]]
    step = np.linalg.norm(np.diff(ground, axis=0), axis=-1) * fps
    # Use the slower of the steps before and after: the first and last frame of a stance have one fast neighbour.
    speed = np.concatenate([step[:1], np.minimum(step[1:], step[:-1]), step[-1:]])
    going = smooth(joints[:, 0][:, [0, 2]], 4.0 * fps / FPS) if len(joints) > 8 else joints[:, 0][:, [0, 2]]
    pace = np.linalg.norm(np.gradient(going, axis=0), axis=-1)[:, None] * fps
    height = feet[..., 1] - rest_heights(feet)
    begins = (contact_probability > BEGINS) & (speed < np.maximum(SLOW, SHARE * pace)) & (height < LOW * 2)
    lasts = (contact_probability > LASTS) & (speed < np.maximum(NOT_SLOW, NOT_SHARE * pace)) & (height < NOT_LOW * 2)
    return _grown(begins, lasts | begins)


def joined_stances(stands: BoolArray, joints: FloatArray, channels: FloatArray) -> BoolArray:
    """Join two stances of a foot between which the foot slides for some frames, by the model's own contact channels.

    A network lets a foot slide in the middle of a stance. Two stances at two places would keep the slide.

    Args:
        stands: (T, 4) bool, from `stance_mask`.
        joints: (T, 22, 3) joint positions, metres, Y up.
        channels: (T, 4) contact channels of the model in 0..1.

    Returns:
        (T, 4) bool: l_ankle, l_foot, r_ankle, r_foot.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS]
    low = feet[..., 1] - rest_heights(feet) < np.array(NOT_LOW * 2)
    joined = stands.copy()
    for column in range(stands.shape[1]):
        edges = np.flatnonzero(np.diff(stands[:, column].astype(int))) + 1
        for first, end in pairwise(edges):
            if stands[first, column] or end - first > SLIDE_FRAMES:
                continue
            sure = (channels[first:end, column] > SURE) & low[first:end, column]
            far = np.linalg.norm((feet[end, column] - feet[first - 1, column])[[0, 2]])
            joined[first:end, column] = bool(sure.all()) and far < SLIDE
    return joined


def run_stances(joints: FloatArray, fps: float = FPS) -> BoolArray:
    """Find the stances of a run, which a model's contact channels miss: they last a few frames only.

    Args:
        joints: (T, 22, 3) joint positions, metres, Y up.
        fps: Frames per second.

    Returns:
        (T, 4) bool: l_ankle, l_foot, r_ankle, r_foot; a figure that runs lands on its toes, so ankles are never set.
    """
    joints = np.asarray(joints, dtype=np.float64)
    found = np.zeros((len(joints), 4), bool)
    if len(joints) < 9:
        return found
    going = smooth(joints[:, 0][:, [0, 2]], 4.0 * fps / FPS)
    pace = np.linalg.norm(np.gradient(going, axis=0), axis=-1)[:, None] * fps
    if pace.max() < RUNS:
        return found
    feet = joints[:, FOOT_JOINTS]
    toes = feet[:, 1::2]
    speed = np.linalg.norm(np.gradient(toes[..., [0, 2]], axis=0), axis=-1) * fps
    low = (pace > RUNS) & (toes[..., 1] - rest_heights(feet)[1::2] < RUN_LOW)
    # A toe that never comes to rest lands where it is slowest.
    padded = np.pad(speed, ((RUN_WINDOW, RUN_WINDOW), (0, 0)), constant_values=np.inf)
    slowest = speed <= np.lib.stride_tricks.sliding_window_view(padded, 2 * RUN_WINDOW + 1, axis=0).min(-1)
    lands = low & slowest & (speed < RUN_LANDS * pace)
    near = lands.copy()
    near[1:] |= lands[:-1]
    near[:-1] |= lands[1:]
    found[:, 1::2] = _grown(low & (speed < RUN_SHARE * pace) | lands, low & (speed < RUN_NOT_SHARE * pace) | near)
    return found


def rest_heights(feet: FloatArray) -> FloatArray:
    """Standing height of each foot joint: the 5th percentile of its height.

    A foot that never comes down gets the height of the other foot.

    Args:
        feet: (T, 4, 3) positions of l_ankle, l_foot, r_ankle, r_foot, metres, Y up.

    Returns:
        (4,) metres.
    """
    low = np.percentile(feet[..., 1], 5, axis=0)
    other = low[[2, 3, 0, 1]]
    return np.where(low > other + 0.08, other, low)


def _grown(seeds: BoolArray, allowed: BoolArray) -> BoolArray:
    """Runs of `allowed` (T, n) that contain at least one of `seeds` (T, n)."""
    grown = np.zeros_like(allowed)
    for column in range(allowed.shape[1]):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], allowed[:, column], [False]])))
        for start, end in zip(edges[0::2], edges[1::2], strict=True):
            if seeds[start:end, column].any():
                grown[start:end, column] = True
    return grown
