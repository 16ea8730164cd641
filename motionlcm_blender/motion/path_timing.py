"""Timing along a path: easing, arrivals and weights as functions of time."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from .smoothing import through

_TIMING_STEPS = 2048
_LINEAR_WEIGHT = 0.25
"""Relative speed below which the speed follows a square root of the weight."""
_CREEP = 0.05
"""Lower limit of the sum of relative speeds at both ends of a segment; below it the speed is constant."""


@dataclass(frozen=True)
class Timing:
    """Timing along a path, beside the path's own weights.

    Attributes:
        ease_in: Seconds of acceleration at the start.
        ease_out: Seconds of deceleration at the end.
        arrivals: (point, frame) pairs: the frame on which the figure reaches the point of that index. Both increase.

    Raises:
        InvalidRequest: A number is negative or not finite, or the arrivals do not increase.
    """

    ease_in: float = 0.0
    ease_out: float = 0.0
    arrivals: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if not all(math.isfinite(e) and e >= 0 for e in (self.ease_in, self.ease_out)):
            raise InvalidRequest("The times to ease in and out must be finite and not negative.")
        points, frames = [p for p, _ in self.arrivals], [f for _, f in self.arrivals]
        if not all(math.isfinite(f) for f in frames):
            raise InvalidRequest("The frame of an arrival must be a finite number.")
        for row, what in ((points, "points"), (frames, "frames")):
            if any(b <= a for a, b in itertools.pairwise(row)):
                raise InvalidRequest(f"Arrivals must go along the path: their {what} must rise.")


def eased_frames(at: FloatArray, timing: Timing, frames: int, fps: float) -> FloatArray:
    """Warp frames (T,) so that progress starts and ends gently: speed rises and falls linearly in time."""
    last = frames - 1.0
    up, down = timing.ease_in * fps, timing.ease_out * fps
    if up + down <= 0:
        return at
    shrink = min(1.0, last / (up + down))
    up, down = up * shrink, down * shrink
    speed = last / (last - 0.5 * (up + down))  # compensates the slow ends, so that the end is reached on the last frame
    rising = 0.5 * speed * at**2 / max(up, 1e-9)
    falling = last - 0.5 * speed * (last - at) ** 2 / max(down, 1e-9)
    even = speed * (at - 0.5 * up)
    return np.where(at < up, rising, np.where(at > last - down, falling, even))


def progress_with_arrivals(at: FloatArray, timing: Timing, times: FloatArray, frames: int) -> FloatArray:
    """Progress (T,), in the path's own time, on frames `at` (T,); at each arrival it equals the time of its point."""
    last = frames - 1.0
    known = [(0.0, 0.0)]
    for point, frame in timing.arrivals:
        if not 0 <= point < len(times):
            raise InvalidRequest(f"The path has no point {point}: its points are 0 to {len(times) - 1}.")
        if not 0 <= frame <= last:
            raise InvalidRequest(f"The arrival at point {point} is on frame {frame:g}, outside 0 to {last:g}.")
        if 0 < frame < last and known[-1][0] < frame and known[-1][1] < times[point] < times[-1]:
            known.append((float(frame), float(times[point])))
    known.append((last, float(times[-1])))
    frame_of, time_of = (np.array(row) for row in zip(*known, strict=True))
    # Easing warps the frames near both ends, but arrivals are given in real frames.
    real = np.arange(frames, dtype=np.float64)
    frame_of = np.interp(frame_of, real, at)
    return through(frame_of, time_of[:, None], at)[:, 0]


def even_times(arc: FloatArray, weights: FloatArray | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distances (M,) along the path, the path's own time (M,) at each, and the relative speed (M,) there."""
    if weights is None:
        return arc, arc, np.ones(len(arc))
    fine = np.union1d(arc, np.linspace(0.0, arc[-1], _TIMING_STEPS))
    weight = np.interp(fine, arc, weights)
    relative = np.where(weight >= _LINEAR_WEIGHT, weight, np.sqrt(weight * _LINEAR_WEIGHT))
    # Speed changes linearly in time over a short segment: time = 2 distance / (speed before + speed after).
    time = np.concatenate([[0.0], np.cumsum(2.0 * np.diff(fine) / np.maximum(relative[1:] + relative[:-1], _CREEP))])
    return fine, time, relative


def distance_at(wanted: FloatArray, fine: FloatArray, time: FloatArray, relative: FloatArray) -> FloatArray:
    """(T,) distance along the path at the path's own times (T,)."""
    at = np.clip(np.searchsorted(time, wanted, side="right") - 1, 0, len(fine) - 2)
    fraction = (wanted - time[at]) / np.maximum(time[at + 1] - time[at], 1e-12)
    before, after = relative[at], relative[at + 1]
    total = np.maximum(before + after, 1e-12)
    moved = np.where(before + after < _CREEP, fraction, fraction * (2.0 * before + (after - before) * fraction) / total)
    result: FloatArray = fine[at] + np.clip(moved, 0.0, 1.0) * (fine[at + 1] - fine[at])
    return result
