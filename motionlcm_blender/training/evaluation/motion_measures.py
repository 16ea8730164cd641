"""Measures of a motion that agree with what a person sees: energy, facing, floor, standing feet, spread.

All functions take joints (T, 22, 3), metres, Y up, 20 fps, in HumanML3D's order. The floor is the plane y = 0. The
names of the figures carry their unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...motion.features import FEATURES, joints_from_features
from ...motion.skeleton import FOOT_JOINTS, FPS, JOINTS, L_ANKLE, L_FOOT, R_ANKLE, R_FOOT
from ..data.action_detectors import runs

_J = {name: index for index, name in enumerate(JOINTS)}
WRISTS, ANKLES = (_J["l_wrist"], _J["r_wrist"]), (L_ANKLE, R_ANKLE)
PEAK = 98.0
"""Percentile of the speed that counts as its peak: a single wrong frame does not decide."""
MOVING = 0.2
"""m/s of the pelvis below which the direction of travel means nothing."""
TRAVEL_WINDOW = 13
"""Frames over which travel is averaged: about one step, so that the sway of the hips is left out."""
STANCE_HEIGHT, STANCE_VERTICAL, STANCE_FRAMES = 0.025, 0.2, 3
"""A toe stands while it is within this height (m) of its own lowest places and moves up or down by less than this
speed (m/s), for at least so many frames."""
DEEP_CM, DRAG_CM = 3.0, 12.0
"""Centimetres below the floor, and of slide of a standing toe, that a person notices."""


@dataclass(frozen=True)
class Drag:
    """Centimetres that a standing toe slides from where its stance began, at worst.

    inside: in stances that touch neither the first nor the last second. ends: in the others.
    """

    inside: float
    ends: float


@dataclass(frozen=True)
class Thirds:
    """Means over the first and the last third, m/s: of the pelvis over the floor, of the body against the pelvis."""

    travel_first: float
    travel_last: float
    body_first: float
    body_last: float


def joints_of(features: FloatArray) -> FloatArray:
    """(T, 22, 3) of (T, 263 or more) features: what a model says of heads and hands is not read here."""
    return joints_from_features(np.asarray(features)[..., :FEATURES])


def facing(joints: FloatArray) -> FloatArray:
    """(T, 2) unit vectors (x, z): the direction in which hips and shoulders face."""
    joints = np.asarray(joints, dtype=np.float64)
    across = joints[:, _J["l_hip"]] - joints[:, _J["r_hip"]] + joints[:, _J["l_shoulder"]] - joints[:, _J["r_shoulder"]]
    forward = np.stack([-across[:, 2], across[:, 0]], axis=-1)
    result: FloatArray = forward / np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    return result


def travel(joints: FloatArray) -> FloatArray:
    """(T, 2) m/s: velocity of the pelvis over the floor (x, z), the sway of single steps averaged out."""
    root = np.asarray(joints, dtype=np.float64)[:, 0][:, [0, 2]]
    if len(root) < 2:
        return np.zeros_like(root)
    half = TRAVEL_WINDOW // 2
    padded = np.pad(root, ((half, half), (0, 0)), mode="edge")
    kernel = np.full(TRAVEL_WINDOW, 1.0 / TRAVEL_WINDOW)
    smooth = np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)
    result: FloatArray = np.gradient(smooth, axis=0) * FPS
    return result


def travel_angle(joints: FloatArray) -> FloatArray:
    """(T,) degrees from facing to travel, positive to the figure's left, in -180..180; NaN where it hardly moves."""
    velocity, forward = travel(joints), facing(joints)
    left = np.stack([forward[:, 1], -forward[:, 0]], axis=-1)
    angle = np.degrees(np.arctan2((velocity * left).sum(-1), (velocity * forward).sum(-1)))
    return np.where(np.linalg.norm(velocity, axis=-1) > MOVING, angle, np.nan)


def facing_error(joints: FloatArray, wanted: float = 0.0) -> tuple[float, float]:
    """Degrees between facing and travel beside what is wanted, over the frames that travel: mean and largest.

    wanted: the direction of travel seen from the figure, degrees: 0 forward, 180 backward, 90 to its left, -90 to its
    right. Both NaN if the figure never travels.
    """
    angle = travel_angle(joints)
    angle = angle[np.isfinite(angle)]
    if not len(angle):
        return float("nan"), float("nan")
    off = np.abs((angle - wanted + 180.0) % 360.0 - 180.0)
    return float(off.mean()), float(off.max())


def body_speeds(joints: FloatArray) -> FloatArray:
    """(T - 1,) m/s: mean speed of the joints against the pelvis, the pelvis itself counted with 0."""
    result: FloatArray = _local_speeds(joints).mean(axis=-1)
    return result


def peak_speed(joints: FloatArray, which: Sequence[int]) -> float:
    """m/s: 98th percentile of the speed of the faster one of some joints against the pelvis."""
    return float(np.percentile(_local_speeds(joints)[:, list(which)].max(axis=-1), PEAK))


def energy(joints: FloatArray) -> dict[str, float]:
    """The quantities of the section "energy" in m/s: body (mean speed against the pelvis), wrist and ankle peaks."""
    return {
        "body": float(body_speeds(joints).mean()),
        "wrist_peak": peak_speed(joints, WRISTS),
        "ankle_peak": peak_speed(joints, ANKLES),
    }


def below_floor_cm(joints: FloatArray) -> float:
    """Centimetres that the lowest ankle or toe is below y = 0, at worst; 0 if it never is."""
    return float(max(0.0, -100.0 * np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS, 1].min()))


def stances(joints: FloatArray) -> list[tuple[int, int, int]]:
    """(toe joint, first frame, end frame) of each stretch in which a toe stands."""
    found = []
    for toe in (L_FOOT, R_FOOT):
        height = np.asarray(joints, dtype=np.float64)[:, toe, 1]
        low = height - np.percentile(height, 5) < STANCE_HEIGHT
        slow = np.abs(np.gradient(height)) * FPS < STANCE_VERTICAL
        found += [(toe, first, end) for first, end in runs(low & slow) if end - first >= STANCE_FRAMES]
    return found


def drags(joints: FloatArray) -> Drag:
    """How far standing toes slide, inside the motion and in its first and last second."""
    inside = ends = 0.0
    for toe, first, end in stances(joints):
        places = np.asarray(joints, dtype=np.float64)[first:end, toe][:, [0, 2]]
        far = 100.0 * float(np.linalg.norm(places - places[0], axis=-1).max())
        if first < FPS or end > len(joints) - FPS:
            ends = max(ends, far)
        else:
            inside = max(inside, far)
    return Drag(inside, ends)


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


def _local_speeds(joints: FloatArray) -> FloatArray:
    """(T - 1, 22) m/s against the pelvis."""
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 2:
        return np.zeros((1, joints.shape[1]))
    speeds: FloatArray = np.linalg.norm(np.diff(joints - joints[:, :1], axis=0), axis=-1) * FPS
    return speeds
