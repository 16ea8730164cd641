"""Paths on the floor: drawn, loaded or named, and where along them the figure is on each frame.

All points are (x, z) in engine axes, metres: +Z is ahead of the figure, +X is its left.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidRequest
from .skeleton import FPS
from .smoothing import through

NAMES: tuple[str, ...] = ("line", "quarter", "s", "circle", "eight")
"""The paths `named_path` knows."""

SLOWEST, FASTEST = 0.3, 4.0
"""Metres per second, the range of speeds people move at; outside it `speed_warning` speaks."""

PACE = 1.2
"""Metres per second of someone walking at ease."""

SHORTEST = 0.01
"""Metres: a path shorter than this leads nowhere."""

_WALK = {"line": 1.25, "quarter": 1.2, "s": 1.15, "circle": 1.1, "eight": 1.1}
_SHAPE_POINTS = 257
_TIMING_STEPS = 2048
_LINEAR_WEIGHT = 0.25
_CREEP = 0.05


@dataclass(frozen=True, eq=False)
class GroundPath:
    """A polyline on the floor.

    points: (N, 2) float64, metres, engine axes (x, z); N at least 2.
    cyclic: the last point joins the first; the figure walks the whole loop once.
    weights: (N,) float64 not negative, relative speed at each point (a curve's point radius): 1 normal,
        0.5 half as fast, 0 a stop, which is eased into and out of; None: even speed.
    Raises InvalidRequest on fewer than two points, numbers that are not finite, a path without length, or
    weights that do not fit.
    """

    points: np.ndarray
    cyclic: bool = False
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        try:
            points = np.array(self.points, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidRequest("The path must be a list of points of two numbers each.") from None
        if points.size == 0:
            raise InvalidRequest("The path has no points.")
        if points.ndim != 2 or points.shape[1] != 2:
            raise InvalidRequest("The path must be a list of points of two numbers each.")
        if len(points) < 2:
            raise InvalidRequest("The path has one point only: draw at least two.")
        if not np.isfinite(points).all():
            raise InvalidRequest("The path holds a number that is not finite.")
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "cyclic", bool(self.cyclic))
        if self.length < SHORTEST:
            raise InvalidRequest("The path has no length: its points all lie in one place.")
        if self.weights is None:
            return
        try:
            weights = np.array(self.weights, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidRequest("The path's weights must be one number for each point.") from None
        if weights.shape != (len(points),):
            raise InvalidRequest("The path's weights must be one number for each point.")
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise InvalidRequest("The path's weights must be finite and not negative.")
        if not weights.any():
            raise InvalidRequest("The path's weights are all zero, so the figure would never move.")
        object.__setattr__(self, "weights", weights)

    @property
    def vertices(self) -> np.ndarray:
        """(N, 2) the points, and the first once more at the end if the path is cyclic (N + 1, 2)."""
        return np.concatenate([self.points, self.points[:1]]) if self.cyclic else self.points

    @property
    def length(self) -> float:
        """Metres along the path, the closing stretch of a cyclic path included."""
        return float(np.linalg.norm(np.diff(self.vertices, axis=0), axis=-1).sum())


def part_of(path: GroundPath, first: float, last: float) -> GroundPath:
    """The stretch of a path between two shares, 0..1, of its length; a loop cut so is open.

    Raises InvalidRequest unless 0 <= first < last <= 1, or if the stretch is too short.
    """
    if not 0.0 <= first < last <= 1.0:
        raise InvalidRequest("A part of a path must begin before it ends, between 0 and 100 %.")
    if (first, last) == (0.0, 1.0):
        return path
    line = path.vertices
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=-1))]) / path.length
    kept = np.concatenate([[first], along[(along > first) & (along < last)], [last]])
    points = np.stack([np.interp(kept, along, line[:, axis]) for axis in (0, 1)], axis=-1)
    if path.weights is None:
        return GroundPath(points)
    weights = np.append(path.weights, path.weights[0]) if path.cyclic else path.weights
    return GroundPath(points, weights=np.interp(kept, along, weights))


def named_path(name: str, length_m: float) -> GroundPath:
    """A ready-made path: line, quarter, s, circle or eight.

    It starts at the origin heading +Z, is length_m metres long and turns left first; circle and eight are cyclic.
    Raises InvalidRequest if there is no such path or the length is not a positive number.
    """
    if name not in NAMES:
        raise InvalidRequest(f'There is no path named "{name}": choose one of {", ".join(NAMES)}.')
    if not math.isfinite(length_m) or length_m < SHORTEST:
        raise InvalidRequest(f"A path must be longer than {SHORTEST * 100:.0f} cm.")
    if name == "line":
        return GroundPath(np.array([[0.0, 0.0], [0.0, length_m]]))
    if name == "eight":
        points = _lemniscate(length_m)
        return GroundPath(points[:-1], cyclic=True)
    along = np.linspace(0.0, 1.0, _SHAPE_POINTS)
    headings: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "quarter": lambda s: 0.5 * np.pi * s,
        "s": lambda s: 0.3 * np.pi * (1.0 - np.cos(2.0 * np.pi * s)),
        "circle": lambda s: 2.0 * np.pi * s,
    }
    middle = headings[name](0.5 * (along[1:] + along[:-1]))
    steps = np.stack([np.sin(middle), np.cos(middle)], axis=-1) * (length_m / (_SHAPE_POINTS - 1))
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    return GroundPath(points[:-1], cyclic=True) if name == "circle" else GroundPath(points)


def natural_length(name: str, seconds: float) -> float:
    """Metres that someone walking at ease covers of the named path in this time, a little less where it bends."""
    if name not in NAMES:
        raise InvalidRequest(f'There is no path named "{name}": choose one of {", ".join(NAMES)}.')
    if not math.isfinite(seconds) or seconds <= 0:
        raise InvalidRequest("The length in seconds must be a positive number.")
    return _WALK[name] * seconds


def load_path(file: str | os.PathLike[str]) -> GroundPath:
    """Read a path from a JSON file.

    The file holds {"points": [[x, y], ...], "cyclic": false, "weights": [...]} in metres on the floor, Blender's
    axes (x, y); "cyclic" and "weights" may be left out. The result is in engine axes (x, z) = (x, -y).
    Raises InvalidRequest, naming the file, if it is missing, is no JSON or does not hold a path.
    """
    path = Path(file)
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidRequest(f"There is no path file {path}.") from None
    except OSError as error:
        raise InvalidRequest(f"The path file {path} cannot be read: {error.strerror}.") from None
    except ValueError:  # both JSON and UTF-8 errors
        raise InvalidRequest(f"The path file {path} is not valid JSON.") from None
    if not isinstance(content, dict) or not isinstance(content.get("points"), list):
        raise InvalidRequest(f'The path file {path} must hold {{"points": [[x, y], ...]}}.')
    unknown = sorted(set(content) - {"points", "cyclic", "weights"})
    if unknown:
        raise InvalidRequest(f"The path file {path} holds something unknown: {', '.join(unknown)}.")
    points = content["points"]
    if not all(isinstance(p, list) and len(p) == 2 and all(_is_number(v) for v in p) for p in points):
        raise InvalidRequest(f"Each point in the path file {path} must be two numbers.")
    given = content.get("weights")
    if given is not None and not (isinstance(given, list) and all(_is_number(w) for w in given)):
        raise InvalidRequest(f"The weights in the path file {path} must be a list of numbers.")
    if not isinstance(content.get("cyclic", False), bool):
        raise InvalidRequest(f'"cyclic" in the path file {path} must be true or false.')
    floor = np.array(points, dtype=np.float64).reshape(-1, 2) * (1.0, -1.0)
    weights = None if given is None else np.array(given, dtype=np.float64)
    try:
        return GroundPath(floor, content.get("cyclic", False), weights)
    except InvalidRequest as error:
        raise InvalidRequest(f"{str(error)[:-1]} (in {path}).") from None


@dataclass(frozen=True)
class Timing:
    """When the figure is where, beside the path's own weights.

    ease_in, ease_out: seconds in which it gets to its speed at the start and comes to rest at the end.
    arrivals: (point, frame) pairs: when it is at the points of the path with these numbers, both rising.
    Raises InvalidRequest if a number is negative or not finite, or arrivals do not rise.
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
            if any(b <= a for a, b in zip(row, row[1:], strict=False)):
                raise InvalidRequest(f"Arrivals must go along the path: their {what} must rise.")


def timed(path: GroundPath, frames: int, timing: Timing | None = None, fps: float = FPS) -> np.ndarray:
    """Where on the path the figure is on each frame: (frames, 2) float64, metres, engine axes (x, z).

    The first frame is at the start, the last at the end (for a cyclic path: the start again), with even speed
    along the arc length unless the path has weights. A weight is a relative speed; below a quarter it follows a
    square root instead, so that a weight falling evenly to zero is an even slowing down, which takes finite time.
    timing: eases and arrivals; between two arrivals the speed changes smoothly and the figure never goes back.
    Raises InvalidRequest if frames is less than 2, or an arrival is outside the path or the time.
    """
    if frames < 2:
        raise InvalidRequest("A path needs at least two frames.")
    timing = timing or Timing()
    vertices = path.vertices
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(vertices, axis=0), axis=-1))])
    weights = None
    if path.weights is not None:
        weights = np.append(path.weights, path.weights[0]) if path.cyclic else path.weights
    fine, time, relative = _even_times(arc, weights)
    at = _eased(np.arange(frames, dtype=np.float64), timing, frames, fps)
    progress = at / (frames - 1) * time[-1]
    if timing.arrivals:
        progress = _arriving(at, timing, np.interp(arc, fine, time), frames)
    distance = _distance_at(progress, fine, time, relative)
    xz = np.stack([np.interp(distance, arc, vertices[:, axis]) for axis in (0, 1)], axis=-1)
    xz[0], xz[-1] = vertices[0], vertices[-1]
    return xz


def suggested_frames(path: GroundPath, pace: float = PACE, fps: float = FPS) -> int:
    """Frames in which the path is walked at this pace in m/s, stops and slow stretches of its weights included.

    Raises InvalidRequest if the pace is not a positive number.
    """
    if not (math.isfinite(pace) and pace > 0):
        raise InvalidRequest("The pace must be a positive number of metres per second.")
    weights = path.weights
    slower = 1.0 if weights is None else float(1.0 / np.clip(weights, 0.25, 4.0).mean())
    return max(2, round(path.length / pace * slower * fps) + 1)


def fastest(xz: np.ndarray, fps: float = FPS) -> float:
    """The highest speed on the way xz (frames, 2), m/s, single frames averaged over a quarter of a second."""
    steps = np.linalg.norm(np.diff(np.asarray(xz, np.float64), axis=0), axis=-1) * fps
    if not len(steps):
        return 0.0
    width = min(5, len(steps))
    return float(np.convolve(steps, np.ones(width) / width, mode="valid").max())


def _eased(at: np.ndarray, timing: Timing, frames: int, fps: float) -> np.ndarray:
    """Frames (T,) warped so that progress along them starts and ends gently: speed rises and falls evenly in time."""
    last = frames - 1.0
    up, down = timing.ease_in * fps, timing.ease_out * fps
    if up + down <= 0:
        return at
    shrink = min(1.0, last / (up + down))
    up, down = up * shrink, down * shrink
    speed = last / (last - 0.5 * (up + down))  # so that it still arrives on the last frame
    rising = 0.5 * speed * at**2 / max(up, 1e-9)
    falling = last - 0.5 * speed * (last - at) ** 2 / max(down, 1e-9)
    even = speed * (at - 0.5 * up)
    return np.where(at < up, rising, np.where(at > last - down, falling, even))


def _arriving(at: np.ndarray, timing: Timing, times: np.ndarray, frames: int) -> np.ndarray:
    """Progress, in the path's own time, on frames `at` (T,): at each arrival that of its point, times (N,)."""
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
    # Eases bend the frames near both ends; arrivals are meant in real frames.
    real = np.arange(frames, dtype=np.float64)
    frame_of = np.interp(frame_of, real, at)
    return through(frame_of, time_of[:, None], at)[:, 0]


def speed(path: GroundPath, frames: int, fps: float = FPS) -> float:
    """Mean speed in metres per second if the path is walked in this many frames."""
    if frames < 2:
        raise InvalidRequest("A path needs at least two frames.")
    return path.length * fps / (frames - 1)


def speed_warning(path: GroundPath, frames: int, fps: float = FPS) -> str | None:
    """One sentence if the speed is outside what people do (0.3 to 4 m/s), else None."""
    value = speed(path, frames, fps)
    seconds = (frames - 1) / fps
    told = f"The path is {path.length:.1f} m in {seconds:.1f} s, {value:.1f} m/s"
    if value > FASTEST:
        return f"{told}: faster than people run, so give it more time or a shorter path."
    if value < SLOWEST:
        return f"{told}: slower than people walk, so give it less time or a longer path."
    return None


def _lemniscate(length_m: float) -> np.ndarray:
    """Bernoulli's lemniscate from its crossing, heading +Z, left loop first; closed, (N, 2)."""
    t = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 2 * _SHAPE_POINTS - 1)
    shape = np.stack([np.cos(t), np.sin(t) * np.cos(t)], axis=-1) / (1.0 + np.sin(t) ** 2)[:, None]
    shape[0] = shape[-1] = shape[len(t) // 2] = 0.0
    # It leaves the crossing along (1, -1) and bends left of that in (x, y); turn this to (0, 1) and mirror to (x, z).
    cos, sin = math.cos(0.75 * math.pi), math.sin(0.75 * math.pi)
    turned = shape @ np.array([[cos, sin], [-sin, cos]])
    turned[:, 0] = 0.0 - turned[:, 0]
    return turned * (length_m / np.linalg.norm(np.diff(turned, axis=0), axis=-1).sum())


def _even_times(arc: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places along the path (M,), when they are reached in the path's own time, and the relative speed there."""
    if weights is None:
        return arc, arc, np.ones(len(arc))
    fine = np.union1d(arc, np.linspace(0.0, arc[-1], _TIMING_STEPS))
    weight = np.interp(fine, arc, weights)
    relative = np.where(weight >= _LINEAR_WEIGHT, weight, np.sqrt(weight * _LINEAR_WEIGHT))
    # Speed changes evenly in time over a short stretch: time = 2 distance / (speed before + speed after).
    time = np.concatenate([[0.0], np.cumsum(2.0 * np.diff(fine) / np.maximum(relative[1:] + relative[:-1], _CREEP))])
    return fine, time, relative


def _distance_at(wanted: np.ndarray, fine: np.ndarray, time: np.ndarray, relative: np.ndarray) -> np.ndarray:
    """(T,) distance along the path at moments of its own time (T,)."""
    at = np.clip(np.searchsorted(time, wanted, side="right") - 1, 0, len(fine) - 2)
    share = (wanted - time[at]) / np.maximum(time[at + 1] - time[at], 1e-12)
    before, after = relative[at], relative[at + 1]
    total = np.maximum(before + after, 1e-12)
    moved = np.where(before + after < _CREEP, share, share * (2.0 * before + (after - before) * share) / total)
    return fine[at] + np.clip(moved, 0.0, 1.0) * (fine[at + 1] - fine[at])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
