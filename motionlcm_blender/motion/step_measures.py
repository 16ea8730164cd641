"""Measures of steps: how many a minute, how long, how much of the time in the air, how hard the pelvis bounces.

All functions take joints (T, 22, 3), metres, Y up, 20 fps, in HumanML3D's order.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from .skeleton import FPS, L_ANKLE, L_FOOT, R_ANKLE, R_FOOT
from .visible_measures import MOVING, travel

SWING = 0.25
"""Share of the usual spread of the feet by which one foot has to pass the other before that counts as a step."""
SLIDES = 0.35
"""Share of the pelvis's speed up to which a toe counts as standing."""
CAPTURED_CADENCE, CAPTURED_POWER = 100.7, 0.364
"""Captured walks take CAPTURED_CADENCE * speed ** CAPTURED_POWER steps a minute, speed in m/s.

Least squares over 182 captioned segments of steady walking ahead, 0.4 to 1.8 m/s; single segments are 9 % beside it.
"""
RUN_CADENCE, RUN_POWER = 160.4, 0.047
"""The same of captured runs: 79 segments, 1.6 to 4.5 m/s."""
CAPTURED_RUN_ACCELERATION, CAPTURED_RUN_FLIGHT = 7.5, 0.36
"""Captured runs: medians of `pelvis_acceleration`, m/s2, and of `flight_share`."""


def step_frames(joints: FloatArray) -> FloatArray:
    """(N,) frames, with fractions, on which one ankle passes the other in the direction of travel.

    A pass counts if the foot then goes on ahead: the shuffling of feet side by side makes no steps.
    """
    joints = np.asarray(joints, np.float64)
    velocity = travel(joints)
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    ahead = ((joints[:, L_ANKLE] - joints[:, R_ANKLE])[:, [0, 2]] * velocity / np.maximum(speed, 1e-9)).sum(-1)
    ahead = np.where(speed[:, 0] > 0.5 * MOVING, ahead, 0.0)
    threshold = max(SWING * float(np.percentile(np.abs(ahead), 90)), 0.01)
    found, side, since = [], 0, 0
    for frame, value in enumerate(ahead):
        now = int(np.sign(value)) if abs(value) > threshold else 0
        if now == 0 or now == side:
            since = frame if now == side else since
            continue
        if side != 0:
            between = ahead[since : frame + 1] * now
            last = since + int(np.flatnonzero(between <= 0.0)[-1])
            found.append(last + ahead[last] / (ahead[last] - ahead[last + 1]))
        side, since = now, frame
    return np.array(found, np.float64)


def steps_per_minute(joints: FloatArray) -> float:
    """Steps of both feet per minute, over the time from the first to the last; NaN for fewer than three steps."""
    found = step_frames(joints)
    return float(60.0 * FPS * (len(found) - 1) / (found[-1] - found[0])) if len(found) > 2 else float("nan")


def captured_steps_per_minute(speed: float, runs: bool = False) -> float:
    """Steps a minute of a captured walk or run at this speed, m/s."""
    return float(RUN_CADENCE * speed**RUN_POWER if runs else CAPTURED_CADENCE * speed**CAPTURED_POWER)


def flight_share(joints: FloatArray) -> float:
    """Share of travelling frames on which no toe is slower than 35 % of the pelvis: walks 0, captured runs 0.4."""
    joints = np.asarray(joints, np.float64)
    speed = np.linalg.norm(travel(joints), axis=-1)
    toes = np.gradient(joints[:, [L_FOOT, R_FOOT]][..., [0, 2]], axis=0) * FPS
    moving = speed > 0.3
    carried = (np.linalg.norm(toes, axis=-1).min(-1) > SLIDES * speed) & moving
    return float(carried.sum() / max(int(moving.sum()), 1))


def pelvis_acceleration(joints: FloatArray) -> float:
    """m/s2: root mean square of the pelvis's vertical acceleration."""
    height = np.asarray(joints, np.float64)[:, 0, 1]
    return float(np.sqrt((np.diff(height, 2) ** 2).mean()) * FPS**2)
