"""Where a path is too demanding: the speed on each frame, turns that are too sharp, and changes of gait."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..motion.skeleton import FPS
from ..motion.smoothing import smooth
from ..text.gait import FASTEST_WALK, is_walk

STANDING = 0.15
"""Metres per second below which a figure stands."""
FASTEST_RUN = 6.0
"""Metres per second above which only trained runners run."""
SHARPEST = 4.5
"""Metres per second squared, the sideways acceleration of a tight turn at a run; walkers stay below 3."""
QUICKEST_TURN = 4.0
"""Radians per second above which a turn on the spot is no walk any more."""
_SMOOTHING = 2.0
"""Standard deviation, frames, that removes the corners of a polyline."""


@dataclass(frozen=True, eq=False)
class PathPace:
    """The demands of a path, by frames.

    Attributes:
        speed: (T,) metres per second.
        load: (T,) speed as a share of the fastest that the prompt allows: 1 is the limit.
        sharp: (T,) bool, whether the turn is too sharp for its speed.
        gait: (T,) 0 standing, 1 walking, 2 running.
    """

    speed: FloatArray
    load: FloatArray
    sharp: BoolArray
    gait: IntArray

    @property
    def gait_changes(self) -> IntArray:
        """Frames at which the gait changes, except for the ease at the start and at the end."""
        changes: IntArray = np.nonzero(np.diff(self.gait))[0] + 1
        return changes

    @property
    def too_fast(self) -> BoolArray:
        """(T,) whether a frame is faster than the prompt allows."""
        over: BoolArray = self.load > 1.0
        return over


def path_pace(path_xz: FloatArray, prompt: str) -> PathPace:
    """Measure a path on the floor.

    Args:
        path_xz: (T, 2) metres, one point a frame at 20 fps, T at least 2.
        prompt: The prompt, which decides the fastest speed.

    Returns:
        The pace on each frame.
    """
    path = np.asarray(path_xz, dtype=np.float64)
    if len(path) < 2:
        raise ValueError("a pace needs two points")
    way = smooth(path, _SMOOTHING) if len(path) > 4 else path
    velocity = np.gradient(way, axis=0) * FPS
    speed = np.linalg.norm(velocity, axis=-1)
    heading = np.unwrap(np.arctan2(velocity[:, 0], velocity[:, 1]))
    turning = np.abs(np.gradient(heading)) * FPS
    moving = speed > STANDING
    sharp = moving & ((speed * turning > SHARPEST) | (turning > QUICKEST_TURN))
    fastest = FASTEST_WALK if is_walk(prompt) else FASTEST_RUN
    gait = moving.astype(np.int64) + (speed > FASTEST_WALK)
    return PathPace(speed, speed / fastest, sharp, gait)


def pace_colours(pace: PathPace, alpha: float = 1.0) -> FloatArray:
    """(T, 4) colours of the frames: blue to green up to a comfortable speed, yellow near the limit, red above it."""
    stops = np.array([0.0, 0.5, 0.85, 1.0, 1.3])
    tones = np.array([[0.25, 0.5, 0.95], [0.2, 0.8, 0.35], [0.95, 0.85, 0.2], [0.98, 0.5, 0.1], [0.95, 0.1, 0.1]])
    load = np.where(pace.sharp, np.maximum(pace.load, 1.3), pace.load)
    colours = np.stack([np.interp(load, stops, tones[:, channel]) for channel in range(3)], axis=-1)
    return np.concatenate([colours, np.full((len(colours), 1), alpha)], axis=-1)
