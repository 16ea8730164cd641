"""Measures of a motion that agree with judgements by eye: energy, facing, floor, standing feet, spread.

All functions take joints (T, 22, 3), metres, Y up, 20 fps, in HumanML3D's order. The floor is the plane y = 0. The
names of the figures carry their unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    below_floor_cm,
    body_speeds,
    drags,
    facing,
    facing_error,
    local_speeds,
    stances,
    travel,
    travel_angle,
)

__all__ = [
    "MOVING", "STANCE_FRAMES", "STANCE_HEIGHT", "STANCE_VERTICAL", "TRAVEL_WINDOW", "Drag", "below_floor_cm",
    "body_speeds", "drags", "facing", "facing_error", "local_speeds", "stances", "travel", "travel_angle",
]  # fmt: skip
_J = {name: index for index, name in enumerate(JOINTS)}
WRISTS, ANKLES = (_J["l_wrist"], _J["r_wrist"]), (L_ANKLE, R_ANKLE)
PEAK = 98.0
"""Percentile of the speed that counts as its peak: a single wrong frame does not decide."""
DEEP_CM, DRAG_CM = 3.0, 12.0
"""Centimetres below the floor, and of slide of a standing toe, that a person notices."""


@dataclass(frozen=True)
class Thirds:
    """Means over the first and the last third, m/s: of the pelvis over the floor, of the body against the pelvis."""

    travel_first: float
    travel_last: float
    body_first: float
    body_last: float


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


def thirds(joints: FloatArray) -> Thirds:
    """Travel and body speed of the first and the last third. Raises ValueError for fewer than 6 frames."""
    if len(joints) < 6:
        raise ValueError("A motion of fewer than 6 frames has no thirds.")
    third = len(joints) // 3
    speed, body = np.linalg.norm(travel(joints), axis=-1), body_speeds(joints)
    return Thirds(*(float(x.mean()) for x in (speed[:third], speed[-third:], body[:third], body[-third:])))


def own_frame(joints: FloatArray) -> FloatArray:
    """(T, 22, 3): each frame with the pelvis above the origin and the figure facing +Z."""
    joints = np.asarray(joints, dtype=np.float64)
    forward = facing(joints)
    local = joints - joints[:, :1] * [1.0, 0.0, 1.0]
    sin, cos = forward[:, :1], forward[:, 1:]
    x, z = local[..., 0] * cos - local[..., 2] * sin, local[..., 0] * sin + local[..., 2] * cos
    return np.stack([x, local[..., 1], z], axis=-1)


def distance_cm(first: FloatArray, second: FloatArray) -> float:
    """Centimetres per joint between two motions in their own frames, over the frames that both have."""
    frames = min(len(first), len(second))
    return 100.0 * float(np.linalg.norm(own_frame(first[:frames]) - own_frame(second[:frames]), axis=-1).mean())


def spread_cm(takes: Sequence[FloatArray]) -> float:
    """Centimetres per joint between takes: mean over all pairs. Raises ValueError for fewer than two."""
    if len(takes) < 2:
        raise ValueError("The spread of fewer than two takes means nothing.")
    return float(np.mean([distance_cm(a, b) for k, a in enumerate(takes) for b in takes[:k]]))


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
