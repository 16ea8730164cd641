"""Goals on drawn paths: facing, lean, corners, and whether the gait fits the speed."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..generation.pipeline import MotionLCM
from ..generation.request import Hints, Request
from ..motion.ground_path import GroundPath, named_path, rounded_corners, timed
from ..motion.skeleton import FPS, JOINTS
from ..motion.step_measures import (
    CAPTURED_RUN_ACCELERATION,
    CAPTURED_RUN_FLIGHT,
    captured_steps_per_minute,
    flight_share,
    pelvis_acceleration,
    steps_per_minute,
)
from ..motion.visible_measures import drags, facing, facing_error, travel
from ..motion.world_transform import canonicalise
from ..text.gait import FASTEST_WALK, walk_warning

SECONDS = 8.0
PACE = 1.1
"""m/s at which the paths are walked forward."""
BACKWARD, SIDEWAYS = 0.6, 0.45
"""Shares of the pace at which people walk backward and sideways."""
WALKS, RUNS = (0.3, 0.5, 0.8, 1.1, 1.4, 1.7, 2.0), (2.4, 2.8, 3.2, 3.6)
"""Speeds on a line, m/s."""
_NECK = JOINTS.index("neck")


def path_kinds(length: float) -> dict[str, GroundPath]:
    """Paths of every kind that people draw, about `length` metres long: some of them turn more tightly than others."""
    bezier = _bezier(((0.0, 0.0), (0.3, 1.5), (2.0, 2.2), (1.6, 0.4), (0.9, -1.1), (-0.4, -1.3)))
    turns = np.linspace(0.0, 2.0 * np.pi, 129)
    clover = np.sin(2.0 * turns)[:, None] * np.stack([np.sin(turns), np.cos(turns)], -1)
    spiral = (0.5 + 0.2 * turns)[:, None] * np.stack([np.sin(2.0 * turns), np.cos(2.0 * turns)], -1)
    crossing = np.stack([np.sin(1.5 * turns), turns / np.pi + 0.9 * np.cos(1.5 * turns)], -1)
    stops = np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
    corners = np.stack([np.tile([0.0, 1.0], 4)[:7], np.arange(7.0)], -1)
    shapes = {"spiral": spiral, "clover": clover, "self-crossing": crossing, "closed Bezier": bezier}
    paths = {name: GroundPath(_scaled(points, length)) for name, points in shapes.items()}
    angle = np.linspace(0.0, length / 0.6, 257)
    arm, half = 0.5 * (length - 0.3 * np.pi), np.linspace(0.0, np.pi, 17)
    bend = np.stack([0.3 * (1.0 - np.cos(half)), arm + 0.3 * np.sin(half)], -1)
    return paths | {
        "line": named_path("line", length),
        "eight": named_path("eight", length),
        "circle of 0.6 m": GroundPath(0.6 * np.stack([1.0 - np.cos(angle), np.sin(angle)], -1)),
        "hairpin": GroundPath(np.concatenate([[[0.0, 0.0]], bend, [[0.6, 0.0]]])),
        "zigzag with stops": GroundPath(_scaled(corners, length), weights=stops),
    }


def facing_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Facing on every kind of path, forward, backward and sideways; lean into curves; jerk at corners."""
    found: dict[str, float] = {}
    worst, leans = [], []
    for name, path in path_kinds(PACE * SECONDS).items():
        takes = _walked(model, "a person walks forward", path, seeds)
        off = np.array([facing_error(joints) for joints in takes])
        found[f"facing_{name}_deg"] = float(off[:, 0].mean())
        worst.append(float(off[:, 1].max()))
        leans += [lean_share(joints) for joints in takes] if name in ("eight", "circle of 0.6 m", "spiral") else []
        if name.startswith("zigzag"):
            found["corner_jerk_m_s3"] = float(np.mean([pelvis_jerk(joints) for joints in takes]))
    found["facing_forward_deg"] = max(found[key] for key in list(found) if key.startswith("facing_"))
    found["facing_forward_max_deg"] = max(worst)
    found["lean_share"] = float(np.nanmean(leans))
    aside = (("left", 90.0), ("right", -90.0))
    back = _offs(model, "a person walks backward", BACKWARD, 180.0, seeds)
    sides = [
        o for side, angle in aside for o in _offs(model, f"a person sidesteps to the {side}", SIDEWAYS, angle, seeds)
    ]
    found |= {"facing_backward_deg": float(np.mean(back)), "facing_sideways_deg": float(np.mean(sides))}
    found["facing_backward_share"] = float((np.array(back) < 15.0).mean())
    found["facing_sideways_share"] = float((np.array(sides) < 20.0).mean())
    return found


def gait_figures(model: MotionLCM, seeds: int) -> dict[str, float]:
    """Cadence of walks, flight, bounce and drags of runs, on a line."""
    found: dict[str, float] = {}
    off = []
    for speed in WALKS:
        takes = _walked(model, "a person walks forward", named_path("line", speed * SECONDS), seeds)
        share = float(np.nanmedian([steps_per_minute(j) for j in takes])) / captured_steps_per_minute(speed)
        found[f"cadence_at_{speed:g}_m_s"] = share
        off.append(abs(share - 1.0))
    found["cadence_off"] = max(off)
    named = [walk_warning("a person walks", FASTEST_WALK + more) is not None for more in (0.1, 1.0, 3.0)]
    found["fast_walk_named"] = float(np.mean(named))
    bounces, flights, slides = [], [], []
    for speed in RUNS:
        takes = _walked(model, "a person runs forward", named_path("line", speed * SECONDS), seeds)
        bounces.append(float(np.mean([pelvis_acceleration(j) for j in takes])) / CAPTURED_RUN_ACCELERATION)
        flights.append(float(np.mean([flight_share(j) for j in takes])) / CAPTURED_RUN_FLIGHT)
        slides += [max(drags(j).inside, drags(j).ends) for j in takes]
        found |= {f"run_acceleration_at_{speed:g}_m_s": bounces[-1], f"run_flight_at_{speed:g}_m_s": flights[-1]}
        found[f"run_steps_at_{speed:g}_m_s"] = float(np.nanmedian([steps_per_minute(j) for j in takes]))
    found |= {"run_acceleration_share": min(bounces), "run_flight_share": min(flights), "run_drag_cm": max(slides)}
    return found


def lean_share(joints: FloatArray) -> float:
    """Share of the angle that would balance the figure in the curve by which the trunk leans; NaN on straight ways."""
    velocity, forward = travel(joints), facing(joints)
    speed = np.linalg.norm(velocity, axis=1)
    turn = np.gradient(np.unwrap(np.arctan2(velocity[:, 0], velocity[:, 1]))) * FPS
    balanced = np.degrees(np.arctan(speed * turn / 9.81))
    trunk = np.asarray(joints, np.float64)[:, _NECK] - joints[:, 0]
    left = np.stack([forward[:, 1], -forward[:, 0]], 1)
    side = np.degrees(np.arctan2((trunk[:, [0, 2]] * left).sum(1), trunk[:, 1]))
    curved = np.abs(balanced) > 1.0
    if curved.sum() <= 10:
        return float("nan")
    return float((side[curved] * np.sign(balanced[curved])).sum() / np.abs(balanced[curved]).sum())


def pelvis_jerk(joints: FloatArray) -> float:
    """m/s3, root mean square: captured straight walks 54, turns 97, runs 171."""
    third = np.diff(np.asarray(joints, np.float64)[:, 0], n=3, axis=0)
    return float(np.sqrt((third**2).sum(1).mean()) * FPS**3)


def _walked(model: MotionLCM, prompt: str, path: GroundPath, seeds: int) -> list[FloatArray]:
    """Takes (T, 22, 3) of a prompt on a path."""
    frames = int(SECONDS * FPS)
    xz, _ = canonicalise(rounded_corners(timed(path, frames)))
    hints = Hints.ground_path(xz)
    return [model.generate(Request(prompt, frames, seed=seed, hints=hints))[0].joints for seed in range(seeds)]


def _offs(model: MotionLCM, prompt: str, pace: float, wanted: float, seeds: int) -> list[float]:
    """Mean degrees beside what is wanted, of every take on every path."""
    paths = path_kinds(pace * PACE * SECONDS).values()
    return [facing_error(joints, wanted)[0] for path in paths for joints in _walked(model, prompt, path, seeds)]


def _scaled(points: FloatArray, length: float) -> FloatArray:
    points = points - points[0]
    scaled: FloatArray = points * (length / np.linalg.norm(np.diff(points, axis=0), axis=-1).sum())
    return scaled


def _bezier(corners: tuple[tuple[float, float], ...]) -> FloatArray:
    """(N, 2) points of a closed curve of quadratic Bezier pieces whose control points are given."""
    control = np.array(corners)
    middle = 0.5 * (control + np.roll(control, 1, axis=0))
    t = np.linspace(0.0, 1.0, 24, endpoint=False)[:, None]
    pieces = [
        (1 - t) ** 2 * middle[k] + 2 * t * (1 - t) * control[k] + t**2 * middle[(k + 1) % len(control)]
        for k in range(len(control))
    ]
    return np.concatenate([*pieces, middle[:1]])
