"""Measures of a motion that agree with judgements by eye: energy, facing, floor, standing feet, spread.

All functions take joints (T, 22, 3), metres, Y up, 20 fps, in HumanML3D's order. The floor is the plane y = 0. The
names of the figures carry their unit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...array_types import FloatArray
from ...motion.features import FEATURES, joints_from_features
from ...motion.skeleton import JOINTS, L_ANKLE, R_ANKLE
from ...motion.visible_measures import (
    MOVING,
    STANCE_FRAMES,
    STANCE_HEIGHT,
    STANCE_VERTICAL,
    TRAVEL_WINDOW,
    Drag,
    Thirds,
    below_floor_cm,
    body_speeds,
    distance_cm,
    drags,
    facing,
    facing_error,
    local_speeds,
    own_frame,
    spread_cm,
    stances,
    thirds,
    travel,
    travel_angle,
)

__all__ = [
    "MOVING", "STANCE_FRAMES", "STANCE_HEIGHT", "STANCE_VERTICAL", "TRAVEL_WINDOW", "Drag", "Thirds", "below_floor_cm",
    "body_speeds", "distance_cm", "drags", "facing", "facing_error", "local_speeds", "own_frame", "spread_cm",
    "stances", "thirds", "travel", "travel_angle",
]  # fmt: skip
_J = {name: index for index, name in enumerate(JOINTS)}
WRISTS, ANKLES = (_J["l_wrist"], _J["r_wrist"]), (L_ANKLE, R_ANKLE)
PEAK = 98.0
"""Percentile of the speed that counts as its peak: a single wrong frame does not decide."""
DEEP_CM, DRAG_CM = 3.0, 12.0
"""Centimetres below the floor, and of slide of a standing toe, that a person notices."""


def joints_of(features: FloatArray) -> FloatArray:
    """(T, 22, 3) of (T, 263 or more) features: a model's features of heads and hands are not read here."""
    return joints_from_features(np.asarray(features)[..., :FEATURES])


def peak_speed(joints: FloatArray, which: Sequence[int]) -> float:
    """m/s: 98th percentile of the speed of the faster one of some joints against the pelvis."""
    return float(np.percentile(local_speeds(joints)[:, list(which)].max(axis=-1), PEAK))


def energy(joints: FloatArray) -> dict[str, float]:
    """The quantities of the section "energy" in m/s: body (mean speed against the pelvis), wrist and ankle peaks."""
    return {
        "body": float(body_speeds(joints).mean()),
        "wrist_peak": peak_speed(joints, WRISTS),
        "ankle_peak": peak_speed(joints, ANKLES),
    }


def rank_correlation(first: FloatArray, second: FloatArray) -> float:
    """Spearman's correlation of two rows (N,), ties at their mean rank; NaN where one does not vary."""
    a, b = _ranks(np.asarray(first, float)), _ranks(np.asarray(second, float))
    if len(a) < 2 or a.std() == 0.0 or b.std() == 0.0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: FloatArray) -> FloatArray:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: FloatArray = (last - (counts - 1) / 2.0)[inverse]
    return mean
