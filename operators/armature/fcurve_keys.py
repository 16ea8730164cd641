"""Keys of F-curves as plain arrays with their handles: shift, cut at a frame, join at seams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

ENUMS = ("interpolation", "handle_left_type", "handle_right_type", "type")
POINTS = ("co", "handle_left", "handle_right")


def _number(name: str, item: str) -> int:
    value: int = bpy.types.Keyframe.bl_rna.properties[name].enum_items[item].value
    return value


@dataclass(frozen=True, eq=False)
class CurveKeys:
    """The keys of one F-curve. points: (K, 3, 2), each key with its left and right handle, as (frame, value).

    enums: (K, 4) Blender's numbers of interpolation, both handle types, and the key type. group: name, or empty.
    """

    path: str
    index: int
    group: str
    points: np.ndarray
    enums: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """(K,) frames of the keys."""
        return self.points[:, 0, 0]


def read(holder: Any) -> list[CurveKeys]:
    """All curves with keys of an Action or a channelbag."""
    found = []
    for curve in holder.fcurves:
        count = len(curve.keyframe_points)
        if not count:
            continue
        points, enums = np.empty((count, 3, 2)), np.empty((count, len(ENUMS)), np.int32)
        for column, name in enumerate(POINTS):
            flat = np.empty(2 * count, np.float32)
            curve.keyframe_points.foreach_get(name, flat)
            points[:, column] = flat.reshape(-1, 2)
        for column, name in enumerate(ENUMS):
            numbers = np.empty(count, np.int32)
            curve.keyframe_points.foreach_get(name, numbers)
            enums[:, column] = numbers
        group = curve.group.name if curve.group is not None else ""
        found.append(CurveKeys(curve.data_path, curve.array_index, group, points, enums))
    return found


def write(holder: Any, curves: Sequence[CurveKeys]) -> None:
    """Write curves to an Action or channelbag that has no curves for these properties."""
    for keys in curves:
        curve = holder.fcurves.new(keys.path, index=keys.index)
        if keys.group:
            curve.group = holder.groups.get(keys.group) or holder.groups.new(keys.group)
        curve.keyframe_points.add(len(keys.points))
        _fill(curve, keys)


def shift(holder: Any, frames: float) -> None:
    """Shift all keys in time."""
    for curve in holder.fcurves:
        count = len(curve.keyframe_points)
        for name in POINTS:
            flat = np.empty(2 * count, np.float32)
            curve.keyframe_points.foreach_get(name, flat)
            flat[0::2] += frames
            curve.keyframe_points.foreach_set(name, flat)
        curve.update()


def cut(keys: CurveKeys, first: float, last: float) -> CurveKeys:
    """The part between two frames, with keys on both frames; the curves keep their shape."""
    part = _from(_until(keys, last), first)
    enums = part.enums.copy()
    enums[0, 2] = enums[-1, 1] = _number(
        "handle_left_type", "FREE"
    )  # else Blender computes the handles as those of end keys
    return replace(part, enums=enums)


def joined(parts: Sequence[CurveKeys]) -> CurveKeys:
    """Join parts that follow one another in time to one curve.

    Two parts that meet on a frame share one key, with the left handle of the first and the right handle of the second.
    A gap holds the last value.
    """
    points, enums = parts[0].points.copy(), parts[0].enums.copy()
    for part in parts[1:]:
        here, kinds = part.points.copy(), part.enums
        if here[0, 0, 0] - points[-1, 0, 0] < 0.5:
            here[0, 1] = here[0, 0] + points[-1, 1] - points[-1, 0]
            kinds = kinds.copy()
            kinds[0, 1] = enums[-1, 1]
            points, enums = points[:-1], enums[:-1]
        else:
            enums[-1, 0] = _number("interpolation", "CONSTANT")
        points, enums = np.concatenate([points, here]), np.concatenate([enums, kinds])
    return replace(parts[0], points=points, enums=enums)


def signs_aligned(before: Sequence[CurveKeys], after: Sequence[CurveKeys]) -> list[CurveKeys]:
    """The rotation curves `after`, rewritten so that they continue `before` without a jump: a quaternion may be
    negated, an angle may differ by full rotations."""
    ends = {(keys.path, keys.index): keys.points[-1, 0, 1] for keys in before}
    dots: dict[str, float] = {}
    for keys in after:
        if keys.path.endswith("rotation_quaternion"):
            dots[keys.path] = dots.get(keys.path, 0.0) + keys.points[0, 0, 1] * ends.get((keys.path, keys.index), 0.0)
    result = []
    for keys in after:
        points = keys.points.copy()
        if dots.get(keys.path, 0.0) < 0.0:
            points[..., 1] *= -1.0
        elif keys.path.endswith("rotation_euler") and (keys.path, keys.index) in ends:
            away = points[0, 0, 1] - ends[keys.path, keys.index]
            points[..., 1] -= 2.0 * np.pi * np.round(away / (2.0 * np.pi))
        result.append(replace(keys, points=points))
    return result


def _until(keys: CurveKeys, last: float) -> CurveKeys:
    keys = _with_key(keys, last)
    count = int(np.searchsorted(keys.times, last + 1e-3))
    return replace(keys, points=keys.points[: max(count, 1)], enums=keys.enums[: max(count, 1)])


def _from(keys: CurveKeys, first: float) -> CurveKeys:
    keys = _with_key(keys, first)
    begin = min(int(np.searchsorted(keys.times, first - 1e-3)), len(keys.times) - 1)
    return replace(keys, points=keys.points[begin:], enums=keys.enums[begin:])


def _with_key(keys: CurveKeys, frame: float) -> CurveKeys:
    """Insert a key on a frame within the curve; the curve keeps its shape."""
    after = int(np.searchsorted(keys.times, frame))
    near = np.abs(keys.times - frame).min() < 1e-3
    if near or after in (0, len(keys.times)):
        return keys
    points, enums = keys.points.copy(), keys.enums.copy()
    one, two = points[after - 1], points[after]
    middle = np.array([[frame, 0.0]] * 3)
    kind = enums[after - 1, 0]
    if kind == _number("interpolation", "BEZIER"):
        corners = np.array([one[0], one[2], two[1], two[0]])
        share = _share(corners[:, 0], frame)
        first = corners[:-1] + share * np.diff(corners, axis=0)
        second = first[:-1] + share * np.diff(first, axis=0)
        top = second[0] + share * (second[1] - second[0])
        one[2], two[1] = first[0], first[2]
        middle = np.array([top, second[0], second[1]])
        middle[0, 0] = frame
    else:
        away = (frame - one[0, 0]) / (two[0, 0] - one[0, 0])
        held = kind == _number("interpolation", "CONSTANT")
        middle[:, 1] = one[0, 1] if held else one[0, 1] + away * (two[0, 1] - one[0, 1])
    free = _number("handle_left_type", "FREE")
    enums[after - 1, 2] = enums[after, 1] = free  # else Blender recomputes the handles
    kinds = np.array([enums[after - 1, 0], free, free, enums[after - 1, 3]], np.int32)
    return replace(keys, points=np.insert(points, after, middle, axis=0), enums=np.insert(enums, after, kinds, axis=0))


def _share(times: np.ndarray, frame: float) -> float:
    """The Bezier parameter, 0..1, at which a segment passes a frame. times: (4,) of its control points."""
    low, high = 0.0, 1.0
    for _ in range(50):
        t = 0.5 * (low + high)
        s = 1.0 - t
        now = s**3 * times[0] + 3 * s * s * t * times[1] + 3 * s * t * t * times[2] + t**3 * times[3]
        low, high = (t, high) if now < frame else (low, t)
    return 0.5 * (low + high)


def _fill(curve: bpy.types.FCurve, keys: CurveKeys) -> None:
    points = curve.keyframe_points
    points.foreach_set("co", keys.points[:, 0].astype(np.float32).ravel())
    for column, name in enumerate(ENUMS):
        points.foreach_set(name, np.ascontiguousarray(keys.enums[:, column]))
    points.foreach_set("handle_left", keys.points[:, 1].astype(np.float32).ravel())
    points.foreach_set("handle_right", keys.points[:, 2].astype(np.float32).ravel())
    curve.update()
