"""Measures of what a person sees of a motion: facing against travel, feet under the floor, drags, energy, spread.

All functions take joints (T, 22, 3), metres, Y up, 20 fps, in HumanML3D's order. The floor is the plane y = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import BoolArray, FloatArray
from .skeleton import FOOT_JOINTS, FPS, JOINTS, L_ANKLE, L_FOOT, R_ANKLE, R_FOOT

_J = {name: index for index, name in enumerate(JOINTS)}
MOVING = 0.2
"""m/s of the pelvis below which the direction of travel means nothing."""
TRAVEL_WINDOW = 13
"""Frames over which travel is averaged: about one step, so that the sway of the hips is left out."""
STANCE_HEIGHT, STANCE_VERTICAL, STANCE_FRAMES = 0.025, 0.2, 3
"""A toe stands while it is within this height (m) of its own lowest places and moves up or down by less than this
speed (m/s), for at least so many frames."""
PLANTED, LANDS = 0.15, 0.05
"""m/s of toe or ankle up to which a foot is planted, and metres above the floor from which a toe never lands."""
SWINGS, OVERTAKES = 1.0, 1.2
"""m/s, and share of the speed of the pelvis, above which a toe swings: it overtakes the figure, and carries nothing."""
FLOOR_SPARE_CM = 1.0
"""Centimetres under the floor that nobody sees."""
FAULT_DEGREES, FAULT_FLOOR_CM, FAULT_DRAG_CM, FAULT_ENERGY = 15.0, 3.0, 12.0, 1.0
"""Degrees beside the direction of travel, centimetres under the floor, centimetres of a drag, and octaves of energy
beside captured motion that count as one fault each."""

LIVELY_OCTAVES = 1.0
"""Octaves above captured motion up to which more energy is no fault: of two takes the tamer one mostly looks worse."""


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


def facing(joints: FloatArray) -> FloatArray:
    """(T, 2) unit vectors (x, z): the direction in which hips and shoulders face."""
    joints = np.asarray(joints, dtype=np.float64)
    across = joints[:, _J["l_hip"]] - joints[:, _J["r_hip"]] + joints[:, _J["l_shoulder"]] - joints[:, _J["r_shoulder"]]
    forward = np.stack([-across[:, 2], across[:, 0]], axis=-1)
    unit: FloatArray = forward / np.maximum(np.linalg.norm(forward, axis=-1, keepdims=True), 1e-9)
    return unit


def travel(joints: FloatArray) -> FloatArray:
    """(T, 2) m/s: velocity of the pelvis over the floor (x, z), the sway of single steps averaged out."""
    root = np.asarray(joints, dtype=np.float64)[:, 0][:, [0, 2]]
    if len(root) < 2:
        return np.zeros_like(root)
    half = TRAVEL_WINDOW // 2
    padded = np.pad(root, ((half, half), (0, 0)), mode="edge")
    kernel = np.full(TRAVEL_WINDOW, 1.0 / TRAVEL_WINDOW)
    smooth = np.stack([np.convolve(column, kernel, mode="valid") for column in padded.T], axis=-1)
    velocity: FloatArray = np.gradient(smooth, axis=0) * FPS
    return velocity


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
    mean: FloatArray = local_speeds(joints).mean(axis=-1)
    return mean


def below_floor_cm(joints: FloatArray) -> float:
    """Centimetres that the lowest ankle or toe is below y = 0, at worst; 0 if it never is."""
    return float(max(0.0, -100.0 * np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS, 1].min()))


def stances(joints: FloatArray) -> list[tuple[int, int, int]]:
    """(toe joint, first frame, end frame) of each stretch in which a toe stands and carries the figure.

    A toe that is faster than the figure swings, however low. A low foot that moves beside a planted one takes a step,
    or shuffles, and is no stance: with it, one of six captured motions would drag a foot. A motion of fewer than two
    frames has none.
    """
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 2:
        return []
    feet = joints[:, [L_FOOT, R_FOOT, L_ANKLE, R_ANKLE]]
    height = feet[:, :2, 1]
    rest = np.percentile(height, 5, axis=0)
    low = (height - rest < STANCE_HEIGHT) & (rest < LANDS)
    low &= np.abs(np.gradient(height, axis=0)) * FPS < STANCE_VERTICAL
    speeds = np.linalg.norm(np.gradient(feet[..., [0, 2]], axis=0), axis=-1) * FPS
    speed = np.minimum(speeds[:, :2], speeds[:, 2:])
    pace = np.linalg.norm(travel(joints), axis=-1)[:, None]
    low &= speed < np.maximum(SWINGS, OVERTAKES * pace)
    planted = low & (speed < PLANTED)
    carries = low & ~(planted & (speed < 0.5 * speeds[:, 1::-1]))[:, ::-1]
    return [
        (toe, first, end)
        for side, toe in enumerate((L_FOOT, R_FOOT))
        for first, end in _runs(carries[:, side])
        if end - first >= STANCE_FRAMES
    ]


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


def local_speeds(joints: FloatArray) -> FloatArray:
    """(T - 1, 22) m/s against the pelvis."""
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 2:
        return np.zeros((1, joints.shape[1]))
    speeds: FloatArray = np.linalg.norm(np.diff(joints - joints[:, :1], axis=0), axis=-1) * FPS
    return speeds


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


def _runs(flags: BoolArray) -> list[tuple[int, int]]:
    """First frame and end (exclusive) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def visible_measures(
    joints: FloatArray, facing_off_deg: float | None = None, captured: float | None = None
) -> dict[str, float]:
    """Measure what a person sees of a motion.

    Args:
        joints: (T, 22, 3) metres, Y up, 20 fps.
        facing_off_deg: Mean degrees by which the facing differs from what is meant; None: any facing is right.
        captured: Mean speed of the body in captured motion of the same kind, m/s; None: not known.

    Returns:
        `facing_off_deg`, `below_floor_cm`, `drag_cm`, `energy_share` (1: as captured), as far as they are known, and
        `faults`, how much of all that is wrong: 0 for a motion without fault, 1 for one plain fault.
    """
    drag = drags(joints)
    figures = {"below_floor_cm": below_floor_cm(joints), "drag_cm": max(drag.inside, drag.ends)}
    faults = max(figures["below_floor_cm"] - FLOOR_SPARE_CM, 0.0) / FAULT_FLOOR_CM + figures["drag_cm"] / FAULT_DRAG_CM
    if facing_off_deg is not None and np.isfinite(facing_off_deg):
        figures["facing_off_deg"] = facing_off_deg
        faults += facing_off_deg / FAULT_DEGREES
    if captured is not None and captured > 0.0:
        share = float(body_speeds(joints).mean()) / captured
        figures["energy_share"] = share
        octaves = float(np.log2(max(share, 0.05)))
        faults += (max(-octaves, 0.0) + max(octaves - LIVELY_OCTAVES, 0.0)) / FAULT_ENERGY
    return figures | {"faults": faults}
