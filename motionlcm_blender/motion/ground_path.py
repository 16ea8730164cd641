"""Paths on the floor (drawn, loaded or named) and their timing: the position of the figure on each frame.

All points are (x, z) in engine axes, metres: +Z is ahead of the figure, +X is its left.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from .path_timing import Timing, distance_at, eased_frames, even_times, progress_with_arrivals
from .skeleton import FPS
from .smoothing import frames_to_nearest, smooth

NAMES: tuple[str, ...] = ("line", "quarter", "s", "circle", "eight")
"""The path names that `named_path` accepts."""

SLOWEST, FASTEST = 0.3, 4.0
"""Metres per second: the range of human speeds, outside of which `speed_warning` returns a sentence."""

PACE = 1.2
"""Metres per second of relaxed walking."""

SHORTEST = 0.01
"""Metres: the shortest usable path."""

CORNER, CORNER_SPEED, CORNER_SECONDS = math.radians(20.0), 0.25, 0.22
"""Radians within a frame and m/s above which a path has a corner, and the seconds over which it is rounded."""

_WALK = {"line": 1.25, "quarter": 1.2, "s": 1.15, "circle": 1.1, "eight": 1.1}
"""Metres per second of a comfortable walk on each shape."""
_SHAPE_POINTS = 257


@dataclass(frozen=True, eq=False)
class GroundPath:
    """A polyline on the floor.

    Attributes:
        points: (N, 2) float64, metres, engine axes (x, z); N at least 2.
        cyclic: The last point joins the first; the figure walks the whole loop once.
        weights: (N,) float64, not negative, relative speed at each point (a curve's point radius): 1 is normal, 0.5
            half as fast, 0 a stop with gradual deceleration and acceleration. None: constant speed.

    Raises:
        InvalidRequest: Fewer than two points, numbers that are not finite, a path without length, or invalid weights.
    """

    points: FloatArray
    cyclic: bool = False
    weights: FloatArray | None = None

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

    @cached_property
    def vertices(self) -> FloatArray:
        """(N, 2) points; for a cyclic path (N + 1, 2), with the first point repeated at the end."""
        return np.concatenate([self.points, self.points[:1]]) if self.cyclic else self.points

    @cached_property
    def along(self) -> FloatArray:
        """(N,) distance of each of the `vertices` from the start along the path, metres."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.vertices, axis=0), axis=-1))])

    @property
    def length(self) -> float:
        """Length of the path, metres, including the closing segment of a cyclic path."""
        return float(self.along[-1])


def part_of(path: GroundPath, first: float, last: float) -> GroundPath:
    """Cut a section out of a path.

    Args:
        path: The whole path.
        first: Start of the section as a fraction of the path's length, 0..1.
        last: End of the section as a fraction of the path's length, 0..1.

    Returns:
        The section; the section of a cyclic path is open.

    Raises:
        InvalidRequest: Not 0 <= first < last <= 1, or the section is too short.
    """
    if not 0.0 <= first < last <= 1.0:
        raise InvalidRequest("A part of a path must begin before it ends, between 0 and 100 %.")
    if (first, last) == (0.0, 1.0):
        return path
    line = path.vertices
    along = path.along / path.length
    kept = np.concatenate([[first], along[(along > first) & (along < last)], [last]])
    points = np.stack([np.interp(kept, along, line[:, axis]) for axis in (0, 1)], axis=-1)
    if path.weights is None:
        return GroundPath(points)
    weights = np.append(path.weights, path.weights[0]) if path.cyclic else path.weights
    return GroundPath(points, weights=np.interp(kept, along, weights))


def named_path(name: str, length_m: float) -> GroundPath:
    """Create a predefined path: line, quarter, s, circle or eight.

    The path starts at the origin heading +Z and bends left first; circle and eight are cyclic.

    Args:
        name: One of `NAMES`.
        length_m: Length, metres.

    Returns:
        The path.

    Raises:
        InvalidRequest: There is no such path, or the length is not a positive number.
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
    headings: dict[str, Callable[[FloatArray], FloatArray]] = {
        "quarter": lambda s: 0.5 * np.pi * s,
        "s": lambda s: 0.3 * np.pi * (1.0 - np.cos(2.0 * np.pi * s)),
        "circle": lambda s: 2.0 * np.pi * s,
    }
    middle = headings[name](0.5 * (along[1:] + along[:-1]))
    steps = np.stack([np.sin(middle), np.cos(middle)], axis=-1) * (length_m / (_SHAPE_POINTS - 1))
    points = np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    return GroundPath(points[:-1], cyclic=True) if name == "circle" else GroundPath(points)


def natural_length(name: str, seconds: float) -> float:
    """Length of a named path for relaxed walking, a little less where the path bends.

    Args:
        name: One of `NAMES`.
        seconds: Duration of the walk.

    Returns:
        Metres.

    Raises:
        InvalidRequest: There is no such path, or the duration is not a positive number.
    """
    if name not in NAMES:
        raise InvalidRequest(f'There is no path named "{name}": choose one of {", ".join(NAMES)}.')
    if not math.isfinite(seconds) or seconds <= 0:
        raise InvalidRequest("The length in seconds must be a positive number.")
    return _WALK[name] * seconds


def load_path(file: str | os.PathLike[str]) -> GroundPath:
    """Read a path from a JSON file.

    The file contains {"points": [[x, y], ...], "cyclic": false, "weights": [...]} in metres on the floor, in Blender's
    axes (x, y); "cyclic" and "weights" are optional.

    Args:
        file: The JSON file.

    Returns:
        The path in engine axes: (x, z) = (x, -y).

    Raises:
        InvalidRequest: The file is missing, is not JSON or does not contain a path. The message contains the file's
            name.
    """
    path = Path(file)
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InvalidRequest(f"There is no path file {path}.") from None
    except OSError as error:
        raise InvalidRequest(f"The path file {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"The path file {path} is not text in UTF-8.") from None
    except (ValueError, RecursionError):  # JSON errors; endless brackets
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


def timed(path: GroundPath, frames: int, timing: Timing | None = None, fps: float = FPS) -> FloatArray:
    """Compute the position on the path for each frame.

    The first frame is at the start, the last at the end (for a cyclic path: at the start again). Speed along the arc
    length is constant unless the path has weights. A weight is a relative speed; below 0.25 the speed follows a square
    root of the weight, so that a weight that falls linearly to zero gives a constant deceleration, which takes finite
    time. Between two arrivals the speed changes smoothly and the figure never moves backwards.

    Args:
        path: The path.
        frames: Number of frames, at least 2.
        timing: Easing and arrivals.
        fps: Frames per second.

    Returns:
        (frames, 2) float64, metres, engine axes (x, z).

    Raises:
        InvalidRequest: `frames` is less than 2, or an arrival is outside the path or the time.
    """
    if frames < 2:
        raise InvalidRequest("A path needs at least two frames.")
    timing = timing or Timing()
    vertices, arc = path.vertices, path.along
    weights = path.weights if path.weights is None or not path.cyclic else np.append(path.weights, path.weights[0])
    fine, time, relative = even_times(arc, weights)
    at = eased_frames(np.arange(frames, dtype=np.float64), timing, frames, fps)
    progress = at / (frames - 1) * time[-1]
    if timing.arrivals:
        progress = progress_with_arrivals(at, timing, np.interp(arc, fine, time), frames)
    distance = distance_at(progress, fine, time, relative)
    xz = np.stack([np.interp(distance, arc, vertices[:, axis]) for axis in (0, 1)], axis=-1)
    xz[0], xz[-1] = vertices[0], vertices[-1]
    return xz


def rounded_corners(xz: FloatArray, fps: float = FPS) -> FloatArray:
    """Round the corners of a timed path as people do, who do not change direction within a frame.

    Args:
        xz: (frames, 2) metres, one position per frame.
        fps: Frames per second.

    Returns:
        (frames, 2) metres; positions away from corners that are passed at speed stay, and so do both ends.
    """
    if len(xz) < 8:
        return xz
    steps = np.diff(xz, axis=0)
    before, after = steps[:-1], steps[1:]
    far = np.minimum(np.linalg.norm(before, axis=-1), np.linalg.norm(after, axis=-1)) * fps
    turn = np.abs(np.arctan2(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], (before * after).sum(-1)))
    corner = np.zeros(len(xz))
    corner[1:-1] = (turn > CORNER) & (far > CORNER_SPEED)
    if not corner.any():
        return xz
    sigma = CORNER_SECONDS * fps
    near = np.exp(-0.5 * (frames_to_nearest(np.flatnonzero(corner), len(xz)) / (1.5 * sigma)) ** 2)[:, None]
    rounded: FloatArray = (1.0 - near) * xz + near * smooth(xz, sigma)
    rounded[0], rounded[-1] = xz[0], xz[-1]
    return rounded


def suggested_frames(path: GroundPath, pace: float = PACE, fps: float = FPS) -> int:
    """Number of frames for walking the path, including the stops and slow sections of its weights.

    Args:
        path: The path.
        pace: Walking speed, m/s.
        fps: Frames per second.

    Returns:
        Number of frames.

    Raises:
        InvalidRequest: The pace is not a positive number.
    """
    if not (math.isfinite(pace) and pace > 0):
        raise InvalidRequest("The pace must be a positive number of metres per second.")
    weights = path.weights
    slower = 1.0 if weights is None else float(1.0 / np.clip(weights, 0.25, 4.0).mean())
    return max(2, round(path.length / pace * slower * fps) + 1)


def fastest(xz: FloatArray, fps: float = FPS) -> float:
    """Highest speed of a timed path, averaged over a quarter of a second.

    Args:
        xz: (frames, 2) metres, one position per frame.
        fps: Frames per second.

    Returns:
        Metres per second.
    """
    steps = np.linalg.norm(np.diff(np.asarray(xz, np.float64), axis=0), axis=-1) * fps
    if not len(steps):
        return 0.0
    width = min(5, len(steps))
    return float(np.convolve(steps, np.ones(width) / width, mode="valid").max())


def speed(path: GroundPath, frames: int, fps: float = FPS) -> float:
    """Mean speed along a path.

    Args:
        path: The path.
        frames: Number of frames, at least 2.
        fps: Frames per second.

    Returns:
        Metres per second.

    Raises:
        InvalidRequest: `frames` is less than 2.
    """
    if frames < 2:
        raise InvalidRequest("A path needs at least two frames.")
    return path.length * fps / (frames - 1)


def speed_warning(path: GroundPath, frames: int, fps: float = FPS) -> str | None:
    """Check the mean speed against the range of human speeds (0.3 to 4 m/s).

    Args:
        path: The path.
        frames: Number of frames, at least 2.
        fps: Frames per second.

    Returns:
        One sentence for the user if the speed is outside the range, else None.

    Raises:
        InvalidRequest: `frames` is less than 2.
    """
    value = speed(path, frames, fps)
    seconds = (frames - 1) / fps
    summary = f"The path is {path.length:.1f} m in {seconds:.1f} s, {value:.1f} m/s"
    if value > FASTEST:
        return f"{summary}: faster than people run, so give it more time or a shorter path."
    if value < SLOWEST:
        return f"{summary}: slower than people walk, so give it less time or a longer path."
    return None


def _lemniscate(length_m: float) -> FloatArray:
    """(N, 2) Bernoulli's lemniscate from its crossing, heading +Z, left loop first; closed."""
    t = np.linspace(-0.5 * np.pi, 1.5 * np.pi, 2 * _SHAPE_POINTS - 1)
    shape = np.stack([np.cos(t), np.sin(t) * np.cos(t)], axis=-1) / (1.0 + np.sin(t) ** 2)[:, None]
    shape[0] = shape[-1] = shape[len(t) // 2] = 0.0
    # The curve leaves the crossing along (1, -1) and bends left in (x, y): rotate to (0, 1) and mirror to (x, z).
    cos, sin = math.cos(0.75 * math.pi), math.sin(0.75 * math.pi)
    turned = shape @ np.array([[cos, sin], [-sin, cos]])
    turned[:, 0] = 0.0 - turned[:, 0]
    result: FloatArray = turned * (length_m / np.linalg.norm(np.diff(turned, axis=0), axis=-1).sum())
    return result


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
