"""Gait fitting: play a walk so that its steps come as often as people take them at the speed of its path.

A network walks at a cadence of its own, and it hesitates in single steps. On a path the speed is given, so a wrong
cadence makes steps that nobody takes: long glides, or a shuffle. A motion is played so that each step takes the time
that a captured step takes at the speed of its place. The path then stretches or shortens the steps to the captured
length by itself. Metres, Y up, 20 fps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..array_types import FloatArray
from ..motion.skeleton import FPS
from ..motion.smoothing import smooth
from ..motion.step_measures import step_frames
from ..motion.visible_measures import travel
from .headings import TRAVEL_SIGMA

SLOWEST, FASTEST = 0.6, 1.8
"""Limits of the playback speed of a step."""
RATE_SIGMA = 2.0
"""Frames over which the playback speed changes from step to step."""
LONGEST_STEP, FIRST_STEP = 40, 30
"""Frames: a motion with a longer step, or whose first or last step is further from its end, does not only walk."""
STEADY = 0.4
"""Share of its mean speed below which a path counts as stopping."""
SLOWEST_SPEED = 0.3
"""m/s: a slower path is walked at the cadence of this speed."""
SETS_OFF = 0.6
"""Share of its usual speed from which a motion counts as walking."""


def gait_times(
    joints: FloatArray, path: FloatArray, cadence: Callable[[float], float], begin: int = 0
) -> FloatArray | None:
    """Compute the frames of a walk that are played on a path.

    Args:
        joints: (S, 22, 3) metres, a walk; longer than the path if steps are to be played faster.
        path: (T, 2) metres, position of the pelvis on each frame.
        cadence: Steps a minute of captured motion at a speed, m/s.
        begin: Last one of the first frames that are played as they are.

    Returns:
        (T,) rising fractional frames of `joints`; None: the motion does more than walk, or the path stops.
    """
    if begin > 0:
        times = gait_times(joints[begin:], path[begin:], cadence)
        return None if times is None else np.concatenate([np.arange(begin), begin + times - times[0]])
    speed = path_speed(path)
    steps = step_frames(joints)
    if not is_steady(speed) or not _only_walks(steps, len(joints)):
        return None
    edges, intervals = np.concatenate([[-1.0], steps, [float(len(joints))]]), np.diff(steps)
    durations = np.concatenate([[intervals.mean()], intervals, [intervals.mean()]])
    at = _first_frame(joints, speed)
    rates = np.ones(len(path) - 1)
    first = at
    for frame in range(len(rates)):
        step = min(int(np.searchsorted(edges, at, side="right")) - 1, len(durations) - 1)
        captured = 60.0 * FPS / cadence(max(float(speed[frame]), SLOWEST_SPEED))
        rates[frame] = np.clip(durations[step] / captured, SLOWEST, FASTEST)
        at += rates[frame]
    rates = smooth(rates, RATE_SIGMA) if len(rates) > 4 else rates
    room = len(joints) - 1.0 - first
    rates *= min(1.0, room / max(float(rates.sum()), 1e-9))
    times = first + np.concatenate([[0.0], np.cumsum(rates)])
    return np.minimum(times, len(joints) - 1.0)


def frames_to_play(joints: FloatArray, path: FloatArray, cadence: Callable[[float], float]) -> int:
    """Number of frames of a walk that `gait_times` plays on a path, estimated from its mean cadence.

    Args:
        joints: (S, 22, 3) metres, a walk.
        path: (T, 2) metres.
        cadence: As in `gait_times`.

    Returns:
        Frames; those of the path for a motion that takes no steps.
    """
    steps = step_frames(joints)
    if len(steps) < 3:
        return len(path)
    captured = 60.0 * FPS / cadence(max(float(path_speed(path).mean()), SLOWEST_SPEED))
    rate = np.clip(float(np.diff(steps).mean()) / captured, SLOWEST, FASTEST)
    return int(np.ceil(rate * len(path))) + FIRST_STEP


def path_speed(path: FloatArray) -> FloatArray:
    """(T,) m/s along a path (T, 2)."""
    path = np.asarray(path, np.float64)
    going: FloatArray = np.linalg.norm(np.gradient(smooth(path, TRAVEL_SIGMA), axis=0), axis=-1) * FPS
    return going


def is_steady(speed: FloatArray) -> bool:
    """Whether a path is walked without a stop, apart from its first and last second. speed: (T,) m/s."""
    ends = int(FPS)
    inside = speed[ends:-ends] if len(speed) > 3 * ends else speed
    return bool(speed.mean() > 0.1 and inside.min() > STEADY * speed.mean())


def _only_walks(steps: FloatArray, frames: int) -> bool:
    if len(steps) < 3 or steps[0] > FIRST_STEP or steps[-1] < frames - 1 - FIRST_STEP:
        return False
    return bool(np.diff(steps).max() < LONGEST_STEP)


def _first_frame(joints: FloatArray, speed: FloatArray) -> float:
    """Frame from which a motion is played: one that begins in a stance has to be on its way where the path is."""
    own = np.linalg.norm(travel(joints), axis=-1)
    if speed[: int(FPS) // 2].mean() < SETS_OFF * speed.mean():
        return 0.0
    going = np.flatnonzero(own > SETS_OFF * np.median(own))
    return float(min(going[0] if len(going) else 0, FPS))
