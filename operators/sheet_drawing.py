"""What the contact sheet looks like in the viewport, and what of it is under the mouse."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import blf
import bpy
import gpu
import numpy as np
from mathutils import Vector

from . import ghost_figures as figures
from .scene_time import stretch

if TYPE_CHECKING:
    from .contact_sheet import Sheet

log = logging.getLogger(__name__)

OPAQUE, GHOSTLY, ASIDE = 1.0, 0.62, 0.28
"""How much is seen of the ghost under the mouse, of ghosts, and of the others while one is pointed at."""
TRACE_WIDTH, TRACE = 0.035, 0.35
TEXT, PADDING = 11.0, 5.0
"""Pixels at a scale of 1."""
STAR = "\u2605"

milliseconds: deque[float] = deque(maxlen=120)
"""What the latest redraws took here, without Blender's own part."""

_batches: dict[str, tuple[object, Any]] = {}
"""Parts of the picture that stay from one redraw to the next, with what they depend on."""


def attach(sheet: Sheet) -> list[Any]:
    """Have the sheet drawn; returns what `draw_handler_remove` wants."""
    add = bpy.types.SpaceView3D.draw_handler_add
    _batches.clear()
    milliseconds.clear()
    steps = ((_draw_ghosts, "POST_VIEW"), (_draw_labels, "POST_PIXEL"))
    return [add(_guarded, (draw, sheet), "WINDOW", when) for draw, when in steps]


def row_axis(context: bpy.types.Context) -> np.ndarray:
    """(3,) along the floor, to the right as one looks at it now."""
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.region_3d is not None:
        right = space.region_3d.view_rotation @ Vector((1.0, 0.0, 0.0))
        right.z = 0.0
        if right.length > 1e-3:
            return np.array(right.normalized(), np.float64)
    return np.array([1.0, 0.0, 0.0])


def viewport_under(
    window: bpy.types.Window, x: int, y: int
) -> tuple[bpy.types.Region, bpy.types.RegionView3D] | None:
    """The part of the window with the scene in it that the mouse is over, if nothing lies on top of it."""
    for area in window.screen.areas:
        if area.type != "VIEW_3D" or not _inside(area, x, y):
            continue
        over = [region for region in area.regions if _inside(region, x, y)]
        if any(region.type != "WINDOW" for region in over):
            return None
        for region in over:
            view = getattr(region, "data", None) or area.spaces.active.region_3d
            return region, view
    return None


def ghost_under(
    sheet: Sheet, scene: bpy.types.Scene, region: bpy.types.Region, view: bpy.types.RegionView3D, x: int, y: int
) -> int | None:
    """Which ghost, or its label, is under the mouse; x, y: pixels of the window."""
    mouse = float(x - region.x), float(y - region.y)
    matrix = np.array(view.perspective_matrix, np.float64)
    joints = sheet.joints(_frame(scene))
    label = figures.box_at(_label_boxes(sheet, joints, matrix, region), mouse)
    if label is not None:
        return label
    ends = figures.limbs_of(joints, sheet.size)
    pixels, depth = figures.projected(ends, matrix, region.width, region.height)
    # How long a piece that lies across the view is on the screen, there.
    right = np.array(view.view_matrix, np.float64)[0, :3]
    aside, _ = figures.projected(ends + 0.1 * right, matrix, region.width, region.height)
    each = np.linalg.norm(aside - pixels, axis=-1).max(axis=-1) / 0.1
    radii = each * figures.limb_radii(sheet.size)
    return figures.under_mouse(pixels, radii, depth.mean(axis=-1), mouse, 6.0 * _scale())


def _inside(part: Any, x: int, y: int) -> bool:
    inside = part.x <= x < part.x + part.width and part.y <= y < part.y + part.height
    return bool(inside and part.width > 1 and part.height > 1)


def _scale() -> float:
    return float(bpy.context.preferences.system.ui_scale)


def _frame(scene: bpy.types.Scene) -> float:
    """Of keys, with its part between two."""
    return float(scene.frame_current_final) / stretch(scene)


def _guarded(draw: Callable[[Sheet, bpy.types.Context], None], sheet: Sheet) -> None:
    """Draw, unless it went wrong before: one entry in the log, not one for each redraw."""
    context = bpy.context
    if sheet.broken or context.scene.session_uid != sheet.scene.session_uid or not sheet.shown:
        return
    started = time.perf_counter()
    try:
        draw(sheet, context)
    except Exception:
        log.exception("The contact sheet could not be drawn")
        sheet.broken = True
    took = 1000.0 * (time.perf_counter() - started)
    if draw is _draw_ghosts:
        milliseconds.append(took)
    elif milliseconds:
        milliseconds[-1] += took


def _draw_ghosts(sheet: Sheet, context: bpy.types.Context) -> None:
    view = context.region_data
    joints = sheet.joints(_frame(context.scene))
    eye = np.array(view.view_matrix.inverted().translation, np.float64)
    if not view.is_perspective:
        eye = eye + 1000.0 * np.array(view.view_rotation @ Vector((0.0, 0.0, 1.0)))
    swell = 1.0
    places, light = figures.bodies(joints, sheet.size, eye, swell)
    colours = np.empty((len(places), 4), np.float32)
    base = np.array([figures.colour(index) for index in range(len(joints))], np.float32)
    seen = np.array([_opacity(sheet, index) for index in range(len(joints))], np.float32)
    colours[:, :3] = (light.reshape(len(joints), -1, 1) * base[:, None]).reshape(-1, 3)
    colours[:, 3] = np.repeat(seen, figures.VERTICES)

    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    batch = _batch(shader, places, colours, _kept("corners", len(joints), lambda: _corners(len(joints))))
    state = gpu.state
    state.blend_set("ALPHA")
    state.depth_test_set("LESS_EQUAL")
    _kept("trace", sheet.version, lambda: _trace(shader, sheet)).draw(shader)

    # From back to front, but the one pointed at first, for it is solid. Each is drawn into the depth alone, then in
    # colour where it is nearest: so one sees through a ghost, but not its own other side.
    distance = np.linalg.norm(joints[:, 0] - eye, axis=-1)
    order = sorted(range(len(joints)), key=lambda index: (index != sheet.hovered, -float(distance[index])))
    state.face_culling_set("BACK")
    state.depth_mask_set(True)
    for index in order:
        part = {"elem_start": index * figures.CORNERS, "elem_count": figures.CORNERS}
        if seen[index] < OPAQUE:
            state.color_mask_set(False, False, False, False)
            batch.draw_range(shader, **part)
            state.color_mask_set(True, True, True, True)
        batch.draw_range(shader, **part)
    state.depth_mask_set(False)
    state.face_culling_set("NONE")
    state.depth_test_set("NONE")
    state.blend_set("NONE")


def _opacity(sheet: Sheet, index: int) -> float:
    if sheet.hovered is None:
        return GHOSTLY
    return OPAQUE if index == sheet.hovered else ASIDE


def _kept(name: str, depends: object, make: Callable[[], Any]) -> Any:
    known = _batches.get(name)
    if known is None or known[0] != depends:
        known = _batches[name] = (depends, make())
    return known[1]


def _corners(count: int) -> gpu.types.GPUIndexBuf:
    return gpu.types.GPUIndexBuf(type="TRIS", seq=figures.triangles(count))


def _trace(shader: gpu.types.GPUShader, sheet: Sheet) -> gpu.types.GPUBatch:
    """The way of each take's hips over the floor."""
    assert sheet.offsets is not None
    ways = []
    for ghost, offset in zip(sheet.ghosts, sheet.offsets, strict=True):
        way = ghost.joints[:, 0] + offset
        way[:, 2] = ghost.floor + offset[2] + 0.004 * sheet.size
        ways.append(way)
    places, owners = figures.ribbons(ways, TRACE_WIDTH * sheet.size)
    base = np.array([(*figures.colour(index), TRACE) for index in range(len(ways))], np.float32)
    return _batch(shader, places, base[owners], None)


def _batch(
    shader: gpu.types.GPUShader, places: np.ndarray, colours: np.ndarray, corners: gpu.types.GPUIndexBuf | None
) -> gpu.types.GPUBatch:
    buffer = gpu.types.GPUVertBuf(shader.format_calc(), len(places))
    buffer.attr_fill("pos", np.ascontiguousarray(places, np.float32))
    buffer.attr_fill("color", np.ascontiguousarray(colours, np.float32))
    if corners is None:
        return gpu.types.GPUBatch(type="TRIS", buf=buffer)
    return gpu.types.GPUBatch(type="TRIS", buf=buffer, elem=corners)


def _text(sheet: Sheet, index: int) -> str:
    each = sheet.shown[index]
    return f"{STAR} {each.label}" if each.starred else each.label


def _label_boxes(sheet: Sheet, joints: np.ndarray, matrix: np.ndarray, region: bpy.types.Region) -> np.ndarray:
    """(N, 4) x, y, width, height of the labels over the heads, in pixels of the region."""
    scale = _scale()
    blf.size(0, TEXT * scale)
    over = joints[:, 15] + np.array([0.0, 0.0, 0.28 * sheet.size])
    places, _ = figures.projected(over, matrix, region.width, region.height)
    boxes = np.empty((len(joints), 4))
    for index in range(len(joints)):
        width = blf.dimensions(0, _text(sheet, index))[0] + (2.0 * PADDING + 5.0) * scale
        boxes[index] = places[index, 0] - 0.5 * width, places[index, 1], width, (TEXT + 2.0 * PADDING) * scale
    return figures.apart(boxes, 2.0 * scale)


def _draw_labels(sheet: Sheet, context: bpy.types.Context) -> None:
    region, view, scale = context.region, context.region_data, _scale()
    matrix = np.array(view.perspective_matrix, np.float64)
    joints = sheet.joints(_frame(context.scene))
    boxes = _label_boxes(sheet, joints, matrix, region)
    rectangles: list[tuple[float, float, float, float, tuple[float, ...]]] = []
    texts: list[tuple[float, float, str, tuple[float, ...]]] = []
    pad = PADDING * scale
    for index, (x, y, width, height) in enumerate(boxes):
        if np.isnan(x):
            continue
        each, pointed = sheet.shown[index], index == sheet.hovered
        if each.present:
            edge = 1.5 * scale
            rectangles.append((x - edge, y - edge, width + 2 * edge, height + 2 * edge, (1.0, 1.0, 1.0, 0.9)))
        shade = 0.25 if pointed else 0.08
        rectangles.append((x, y, width, height, (shade, shade, shade, 0.85)))
        rectangles.append((x, y, 5.0 * scale, height, (*figures.colour(index), 1.0)))
        texts.append((x + pad + 5.0 * scale, y + 1.3 * pad, _text(sheet, index), (1.0, 1.0, 1.0, 1.0)))
    if sheet.hovered is not None and sheet.hovered < len(boxes) and not np.isnan(boxes[sheet.hovered]).any():
        _add_card(sheet, sheet.hovered, boxes[sheet.hovered], region, rectangles, texts)
    _fill(rectangles)
    blf.size(0, TEXT * scale)
    for x, y, text, colour in texts:
        blf.color(0, *colour)
        blf.position(0, x, y, 0.0)
        blf.draw(0, text)


def _add_card(
    sheet: Sheet, index: int, box: np.ndarray, region: bpy.types.Region, rectangles: list, texts: list
) -> None:
    """Beside the label, all that is known of the take; kept within the region."""
    scale = _scale()
    pad, line = PADDING * scale, 1.5 * TEXT * scale
    facts = sheet.shown[index].facts
    width = max(blf.dimensions(0, fact)[0] for fact in facts) + 3.0 * pad
    height = len(facts) * line + 1.5 * pad
    x = box[0] + box[2] + pad
    if x + width > region.width:
        x = box[0] - width - pad
    y = min(max(box[1] + box[3] - height, pad), region.height - height - pad)
    rectangles.append((x, y, width, height, (0.05, 0.05, 0.05, 0.9)))
    rectangles.append((x, y, 3.0 * scale, height, (*figures.colour(index), 1.0)))
    for number, fact in enumerate(facts):
        shade = 1.0 if number == 0 else 0.8
        texts.append((x + 2.0 * pad, y + height - (number + 1) * line, fact, (shade, shade, shade, 1.0)))


def _fill(rectangles: list[tuple[float, float, float, float, tuple[float, ...]]]) -> None:
    if not rectangles:
        return
    x, y, width, height = np.array([each[:4] for each in rectangles], np.float32).T
    colours = np.array([each[4] for each in rectangles], np.float32)
    places = np.zeros((len(rectangles), 6, 3), np.float32)
    places[..., 0] = x[:, None] + width[:, None] * np.array([0, 1, 1, 0, 1, 0], np.float32)
    places[..., 1] = y[:, None] + height[:, None] * np.array([0, 0, 1, 0, 1, 1], np.float32)
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    gpu.state.blend_set("ALPHA")
    _batch(shader, places.reshape(-1, 3), np.repeat(colours, 6, axis=0), None).draw(shader)
    gpu.state.blend_set("NONE")
