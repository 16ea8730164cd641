"""A root trajectory from a curve object or an object with animated location.

Input: Blender's world. Output: the engine's axes and metres of the character, the floor's (x, z), one point per model
frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import bpy
import numpy as np

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion.ground_path import (
    GroundPath,
    part_of,
    rounded_corners,
    speed_warning,
    timed,
)
from ...motionlcm_blender.motion.path_timing import Timing
from ...motionlcm_blender.motion.world_transform import initial_heading
from ...motionlcm_blender.postprocess.terrain import Ground, PathHeights
from ..scene.dependencies import dependence
from ..scene.evaluation import evaluated_object
from ..scene.scene_time import at_frame, may_change, moments, places_at, scene_frames_each, stretch
from .known_path import KnownPath


def check_path_object(path: bpy.types.Object, character: bpy.types.Object) -> None:
    """Raises InvalidRequest if the character moves the path, as a parent or in any other way."""
    if path == character or dependence(path, character, shape=path.type == "CURVE"):
        raise InvalidRequest(
            f'Path "{path.name}": it is the character or a child of the character, or follows the character; choose '
            "another object."
        )


def check_independent(
    subject: str, obj: bpy.types.Object, character: bpy.types.Object, travel: str, shape: bool = False
) -> None:
    """Raises InvalidRequest if the motion of the character moves an object that the motion is to follow.

    subject: the start of the sentence. travel: how the motion travels; only "root" moves the armature object. shape:
    whether the vertices of the object are read, and not only its place.
    """
    how = "shape" if obj == character else dependence(obj, character, shape)
    if how == "shape" or (how and travel == "root"):
        raise InvalidRequest(
            f'{subject}: the motion of "{character.name}" moves "{obj.name}", so it cannot follow this object; choose '
            "another one."
        )


UNEVEN = 0.1
"""Metres a path must rise or fall before the character follows its height."""
MOVES = 0.05
"""Metres by which a curve may move during the motion without a warning."""
MARKER = re.compile(r"point\s*(\d+)", re.IGNORECASE)
"""Names of timeline markers for the time at a control point, counted from 1."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The data of a path object.

    xz: (frames, 2) metres, engine axes, in the world.
    floor: height of the floor in metres of the character, or None for the character's own floor.
    path: the same as a line. warnings: sentences for the animator. ground: the path's own heights above the floor, if
        it rises or falls.
    """

    xz: np.ndarray
    floor: float | None
    path: GroundPath
    warnings: tuple[str, ...]
    ground: Ground | None = None

    @cached_property
    def heading(self) -> float:
        """Radians about +Y, the heading at the start."""
        return initial_heading(self.xz)


def sample_path(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    frames: int,
    first_frame: float,
    units_per_metre: float,
    eases: tuple[float, float] = (0.0, 0.0),
    part: tuple[float, float] = (0.0, 1.0),
    known: KnownPath | None = None,
) -> Trajectory:
    """The trajectory of a curve or an animated object, `frames` long at the model's 20 fps.

    first_frame: scene frame at which the motion starts. eases: seconds of easing in and out, curves only. part:
    fractions of the curve's length at which the path starts and ends. known: what was made of the curve before, for
    previews. Raises InvalidRequest with the object's name.
    """
    try:
        if obj.type == "CURVE":
            return _from_curve(context, obj, frames, first_frame, units_per_metre, eases, part, known or KnownPath())
        return _from_animated_object(context, obj, frames, first_frame, units_per_metre)
    except InvalidRequest as error:
        raise InvalidRequest(f'Path "{obj.name}": {error}') from None


def curve_path(context: bpy.types.Context, obj: bpy.types.Object, units_per_metre: float) -> GroundPath | None:
    """The curve as a line on the floor, without timing. The scene is not changed.

    None if the curve is shown with thickness, which only `sample_path` can remove. Raises InvalidRequest.
    """
    if _evaluated_wire(context, obj)[2]:
        return None
    points, cyclic, _ = curve_points(context, obj)
    return GroundPath(on_floor(points, units_per_metre), cyclic, weights_of(obj, len(points)))


def curve_points(context: bpy.types.Context, obj: bpy.types.Object) -> tuple[np.ndarray, bool, int]:
    """The curve's first stroke as Blender shows it, transform and modifiers applied.

    Returns its points (N, 3) in world space, whether it is closed, and the number of strokes. Raises InvalidRequest if
    the curve contains no line.
    """
    vertices, edges, solid = _evaluated_wire(context, obj)
    if solid:
        vertices, edges, solid = _wire_without_bevel(context, obj)
    if solid:
        raise InvalidRequest("its modifiers make it a surface; a path must be a line.")
    if len(vertices) == 0:
        only_points = [
            point.co[:3]
            for spline in obj.data.splines
            for point in (spline.bezier_points if spline.type == "BEZIER" else spline.points)
        ]
        return np.array(only_points[:1], np.float64).reshape(-1, 3), False, len(only_points[:1])
    strokes = _strokes(len(vertices), edges)
    order, cyclic = strokes[0]
    return vertices[order], cyclic, len(strokes)


def _from_curve(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    frames: int,
    first_frame: float,
    units_per_metre: float,
    eases: tuple[float, float],
    part: tuple[float, float],
    known: KnownPath,
) -> Trajectory:
    warnings: tuple[str, ...] = ()
    changes = may_change(obj)
    with at_frame(context.scene, first_frame, changes):
        points, cyclic, strokes = curve_points(context, obj)
    if changes:
        last = float(moments(context.scene, frames, first_frame)[-1])
        with at_frame(context.scene, last):
            later = curve_points(context, obj)[0]
        if later.shape != points.shape or np.abs(later - points).max() > MOVES * units_per_metre:
            warnings = (f'Path "{obj.name}" moves: its place on frame {first_frame:.0f} is used.',)
    if strokes > 1:
        warnings += (f'"{obj.name}" has {strokes} strokes: the first one is used.',)
    weights = weights_of(obj, len(points))
    # Markers refer to points of the whole curve.
    arrivals = arrivals_of(context.scene, obj, len(points), frames, first_frame) if part == (0.0, 1.0) else ()
    timing = Timing(*eases, arrivals)
    read = (points.tobytes(), cyclic, b"" if weights is None else weights.tobytes())
    return known.trajectory(
        (read, timing, frames, units_per_metre, part, warnings),
        lambda: _timed_curve(points, cyclic, weights, timing, frames, units_per_metre, part, warnings),
    )


def _timed_curve(
    points: np.ndarray,
    cyclic: bool,
    weights: np.ndarray | None,
    timing: Timing,
    frames: int,
    units_per_metre: float,
    part: tuple[float, float],
    warnings: tuple[str, ...],
) -> Trajectory:
    """The trajectory along points (N, 3) of a curve in the world. weights: (N,), or None."""
    whole = GroundPath(on_floor(points, units_per_metre), cyclic, weights)
    path = part_of(whole, *part)
    heights = points[:, 2] / units_per_metre
    floor, ground = float(heights.mean()), None
    if np.ptp(heights) > UNEVEN:
        floor = float(heights[0])
        levels = np.append(heights, heights[0]) if cyclic else heights
        ground = PathHeights(whole.vertices, levels - floor)
    warning = speed_warning(path, frames)
    if warning:
        warnings += (warning,)
    return Trajectory(rounded_corners(timed(path, frames, timing)), floor, path, warnings, ground)


def arrivals_of(
    scene: bpy.types.Scene, obj: bpy.types.Object, count: int, frames: int, first_frame: float
) -> tuple[tuple[int, float], ...]:
    """Times at control points of the curve, from timeline markers with names like "point 2".

    count: vertices of the curve as Blender shows it. Returns (vertex, model frame) pairs, in order of time. Raises
    InvalidRequest if a marker names a missing point.
    """
    if not obj.data.splines:
        return ()
    spline = obj.data.splines[0]
    points = len(spline.bezier_points if spline.type == "BEZIER" else spline.points)
    each = scene_frames_each(scene)
    found: dict[int, float] = {}
    for marker in sorted(scene.timeline_markers, key=lambda m: m.frame):
        named = MARKER.fullmatch(marker.name.strip())
        if not named:
            continue
        number, frame = int(named[1]), (marker.frame / stretch(scene) - first_frame) / each
        if not 0.0 < frame < frames - 1:
            continue  # belongs to another shot
        if not 1 <= number <= points:
            raise InvalidRequest(
                f'the marker "{marker.name}" names a missing point: the path has points 1 to {points}.'
            )
        last = points if spline.use_cyclic_u else points - 1
        found[round((number - 1) / max(last, 1) * (count if spline.use_cyclic_u else count - 1))] = frame
    return tuple(found.items())


def _from_animated_object(
    context: bpy.types.Context, obj: bpy.types.Object, frames: int, first_frame: float, units_per_metre: float
) -> Trajectory:
    at = moments(context.scene, frames, first_frame)
    evaluated_object(context, obj, "it")
    xz = on_floor(places_at(context, obj, at), units_per_metre)
    try:
        path = GroundPath(xz)
    except InvalidRequest:
        if not np.isfinite(xz).all():
            raise
        raise InvalidRequest(
            f"it does not move between frames {at[0]:.0f} and {at[-1]:.0f}; animate its location or choose a curve."
        ) from None
    warning = speed_warning(path, frames)
    return Trajectory(xz, None, path, (warning,) if warning else ())


def on_floor(points: np.ndarray, units_per_metre: float) -> np.ndarray:
    """World positions (N, 3) -> engine (x, z) in metres of the character."""
    return points[:, :2] * (1.0, -1.0) / units_per_metre


def _evaluated_wire(context: bpy.types.Context, obj: bpy.types.Object) -> tuple[np.ndarray, np.ndarray, bool]:
    """World vertices (N, 3), edges (E, 2), and whether there are faces. Raises InvalidRequest if Blender does not
    evaluate the object."""
    evaluated = evaluated_object(context, obj, "it")
    mesh = evaluated.to_mesh()
    if mesh is None:
        return np.empty((0, 3)), np.empty((0, 2), np.int32), False
    try:
        local = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", local)
        edges = np.empty(2 * len(mesh.edges), np.int32)
        mesh.edges.foreach_get("vertices", edges)
        matrix = np.array(evaluated.matrix_world, np.float64)
        world = local.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
        return world, edges.reshape(-1, 2), len(mesh.polygons) > 0
    finally:
        evaluated.to_mesh_clear()


def _wire_without_bevel(context: bpy.types.Context, obj: bpy.types.Object) -> tuple[np.ndarray, np.ndarray, bool]:
    """The same from a temporary copy of a curve that is shown with thickness or filled."""
    twin = obj.copy()
    twin.data = obj.data.copy()
    try:
        data = twin.data
        data.bevel_mode, data.bevel_object, data.taper_object = "ROUND", None, None
        data.bevel_depth = data.extrude = data.offset = 0.0
        data.dimensions = "3D"
        context.scene.collection.objects.link(twin)
        context.view_layer.update()
        return _evaluated_wire(context, twin)
    finally:
        data = twin.data
        bpy.data.objects.remove(twin)
        bpy.data.curves.remove(data)


def _strokes(count: int, edges: np.ndarray) -> list[tuple[list[int], bool]]:
    """The connected lines, in order of their first vertex: the vertices along each line, and whether it is closed."""
    ahead = np.arange(count - 1)
    closing = edges[count - 1 :].tolist()
    if np.array_equal(edges[: count - 1], np.stack([ahead, ahead + 1], axis=-1)) and (
        not closing or (count > 2 and closing == [[count - 1, 0]])
    ):  # as Blender makes it of a curve
        return [(list(range(count)), bool(closing))]
    neighbours: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    if any(len(n) > 2 for n in neighbours):
        raise InvalidRequest("it branches; a path must be a single line.")
    seen = [False] * count
    strokes = []
    # Open lines start at an end; the remaining lines are closed.
    ends = [v for v in range(count) if len(neighbours[v]) < 2]
    for start in (*ends, *range(count)):
        if seen[start]:
            continue
        order, at = [start], start
        seen[start] = True
        while True:
            onward = [n for n in neighbours[at] if not seen[n]]
            if not onward:
                break
            at = min(onward)
            seen[at] = True
            order.append(at)
        strokes.append((order, len(neighbours[start]) == 2))
    return sorted(strokes, key=lambda stroke: min(stroke[0]))


def weights_of(obj: bpy.types.Object, count: int) -> np.ndarray | None:
    """(count,) the point radius along the first stroke, a relative speed; None if all radii are equal."""
    if not obj.data.splines:
        return None
    spline = obj.data.splines[0]
    points = spline.bezier_points if spline.type == "BEZIER" else spline.points
    radii = np.array([point.radius for point in points], np.float64)
    if len(radii) < 2 or np.ptp(radii) < 1e-6:
        return None
    if spline.use_cyclic_u:
        radii = np.append(radii, radii[0])
        return np.interp(np.linspace(0.0, len(radii) - 1, count, endpoint=False), np.arange(len(radii)), radii)
    return np.interp(np.linspace(0.0, len(radii) - 1, count), np.arange(len(radii)), radii)
