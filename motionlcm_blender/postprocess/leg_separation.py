"""Legs that corrections have moved through each other are moved apart. Metres, Y up."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion.self_penetration import CAPSULES, segments_apart
from ..motion.skeleton import JOINTS
from ..motion.smoothing import smooth
from .leg_ik import ANKLES, TOES, place_feet

PAIRS = (("l_shin", "r_shin"), ("l_shin", "r_thigh"), ("r_shin", "l_thigh"))
SPARE = 0.005
"""Metres by which legs are kept apart beyond touching."""
FARTHEST, ROUNDS = 0.08, 3
"""Metres by which an ankle is moved at most, and rounds of moving."""
LEAST_LEVER = 0.35
"""Share of the shin from the knee to the point of contact below which the ankle is not moved further for it."""
WINDOW, SIGMA = 5, 1.5
"""Frames around a contact that are moved as well, and the smoothing of that."""
NEAREST_FIRST = np.array([2, 1, 3, 0, 4])
"""Places in the window by their distance from its middle."""
DIGITS = 6
"""Decimal places of a move in metres. Moves at the limit `FARTHEST` are equal but for rounding; the nearest one counts,
whatever the last bits are."""
_J = {name: index for index, name in enumerate(JOINTS)}


def separate_legs(joints: FloatArray, free: BoolArray) -> FloatArray:
    """Move swinging feet aside where the legs go through each other.

    Args:
        joints: (T, 22, 3) metres, Y up.
        free: (T, 2) bool, left and right foot, the frames on which a foot may be moved.

    Returns:
        (T, 22, 3) float64; bones keep their lengths, and only legs move.
    """
    result = np.asarray(joints, np.float64)
    moved = np.zeros((len(result), 2, 3))
    for _ in range(ROUNDS):
        push = _pushes(result, free)
        if not push.any():
            break
        moved = _smoothed(moved + push) * free[..., None]
        size = np.linalg.norm(moved, axis=-1, keepdims=True)
        moved = moved * np.minimum(1.0, FARTHEST / np.maximum(size, 1e-9))
        on = (size[..., 0] > 1e-4).any(1)
        result = np.array(joints, np.float64)
        result[on] = place_feet(result[on], (result[:, ANKLES] + moved)[on], (result[:, TOES] + moved)[on])
    return result


def _pushes(joints: FloatArray, free: BoolArray) -> FloatArray:
    """(T, 2, 3) horizontal moves of left and right ankle that part the legs, shared by the feet that may move."""
    push = np.zeros((len(joints), 2, 3))
    for first, second in PAIRS:
        (a, b, thick), (c, d, other) = CAPSULES[first], CAPSULES[second]
        ends = (joints[:, _J[a]], joints[:, _J[b]], joints[:, _J[c]], joints[:, _J[d]])
        apart, along, beside = segments_apart(*ends)
        depth = thick + other + SPARE - np.linalg.norm(apart, axis=-1)
        across = joints[:, 1] - joints[:, 2] if first.startswith("l") else joints[:, 2] - joints[:, 1]
        aside = np.where(np.linalg.norm(apart, axis=-1, keepdims=True) > 0.01, apart, across) * [1.0, 0.0, 1.0]
        aside = aside / np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), 1e-9)
        for name, lever, sign in ((first, along, 1.0), (second, beside, -1.0)):
            if not name.endswith("shin"):
                continue
            side = 0 if name.startswith("l") else 1
            both = free.all(1) & second.endswith("shin")
            share = np.where(both, 0.5, 1.0) * free[:, side]
            amount = share * np.maximum(depth, 0.0) / np.maximum(lever, LEAST_LEVER)
            new = sign * amount[:, None] * aside
            stronger = np.linalg.norm(new, axis=-1) > np.linalg.norm(push[:, side], axis=-1)
            push[stronger, side] = new[stronger]
    return push


def _smoothed(moved: FloatArray) -> FloatArray:
    """Moves (T, 2, 3) with those of the strongest frame around each, smoothed over time."""
    if len(moved) < 5:
        return moved
    size = np.linalg.norm(moved, axis=-1)
    result = np.zeros_like(moved)
    for side in (0, 1):
        padded = np.pad(np.round(size[:, side], DIGITS), WINDOW // 2, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[:, NEAREST_FIRST]
        strongest = NEAREST_FIRST[around.argmax(-1)] - WINDOW // 2 + np.arange(len(moved))
        result[:, side] = smooth(moved[np.clip(strongest, 0, len(moved) - 1), side], SIGMA)
    return result
