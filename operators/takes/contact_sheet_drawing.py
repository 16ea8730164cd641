"""Drawing of the contact sheet in the viewport, and the ghost under the mouse."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import blf
import bpy
import gpu
import numpy as np
from mathutils import Vector

from ..scene.scene_time import stretch
from ..scene.viewports import projected
from . import ghost_shapes as figures

if TYPE_CHECKING:
    from .contact_sheet_state import Sheet

log = logging.getLogger(__name__)

OPAQUE, GHOSTLY, ASIDE = 1.0, 0.78, 0.35
"""Opacity of the ghost under the mouse, of all ghosts without one under the mouse, and of the other ghosts."""
TRACE_WIDTH, TRACE, MOST_PIECES = 0.05, 0.3, 60
TEXT, PADDING, GAP = 11.0, 5.0, 2.0
"""Pixels at scale 1."""
STAR = "\u2605"


def add_handlers(sheet: Sheet) -> list[Any]:
    """Add the draw handlers of the sheet; returns the arguments of `draw_handler_remove`."""
    add = bpy.types.SpaceView3D.draw_handler_add
    sheet.batches.clear()
    sheet.redraw_ms.clear()
    steps = ((_draw_ghosts, "POST_VIEW"), (_draw_labels, "POST_PIXEL"))
    return [add(_guarded, (draw, sheet), "WINDOW", when) for draw, when in steps]


def row_axis(context: bpy.types.Context) -> np.ndarray:
    """(3,) the view's current direction to the right, along the floor."""
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.region_3d is not None:
        right = space.region_3d.view_rotation @ Vector((1.0, 0.0, 0.0))
        right.z = 0.0
        if right.length > 1e-3:
            return np.array(right.normalized(), np.float64)
    return np.array([1.0, 0.0, 0.0])


def ghost_under(
    sheet: Sheet, scene: bpy.types.Scene, region: bpy.types.Region, view: bpy.types.RegionView3D, x: int, y: int
) -> int | None:
    """The ghost, or the ghost's label, under the mouse; x, y: pixels of the window."""
    mouse = float(x - region.x), float(y - region.y)
    matrix = np.array(view.perspective_matrix, np.float64)
    joints = sheet.joints(_frame(scene))
    label = figures.box_at(figures.apart(_label_boxes(sheet, joints, matrix, region), GAP * _scale()), mouse)
    if label is not None:
        return label
    ends = figures.limbs_of(joints, sheet.size)
    pixels, depth = projected(ends, matrix, region.width, region.height)
    # Screen length of a segment parallel to the view plane, at this depth.
    right = np.array(view.view_matrix, np.float64)[0, :3]
    aside, _ = projected(ends + 0.1 * right, matrix, region.width, region.height)
    each = np.linalg.norm(aside - pixels, axis=-1).max(axis=-1) / 0.1
    radii = each * figures.limb_radii(sheet.size)
    return figures.under_mouse(pixels, radii, depth.mean(axis=-1), mouse, 6.0 * _scale())


def _scale() -> float:
    return float(bpy.context.preferences.system.ui_scale)


def _frame(scene: bpy.types.Scene) -> float:
    """The fractional frame of keys."""
    return float(scene.frame_current_final) / stretch(scene)


def _guarded(draw: Callable[[Sheet, bpy.types.Context], None], sheet: Sheet) -> None:
    """Draw, unless an earlier redraw failed: one log entry in total, not one per redraw."""
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
        sheet.redraw_ms.append(took)
    elif sheet.redraw_ms:
        sheet.redraw_ms[-1] += took


def _draw_ghosts(sheet: Sheet, context: bpy.types.Context) -> None:
    view = context.region_data
    joints = sheet.joints(_frame(context.scene))
    eye = np.array(view.view_matrix.inverted().translation, np.float64)
    if not view.is_perspective:
        eye = eye + 1000.0 * np.array(view.view_rotation @ Vector((0.0, 0.0, 1.0)))
    places, light, distances = figures.bodies(joints, sheet.size, eye)
    count, hovered = len(joints), sheet.hovered
    colours = np.empty((count, figures.VERTICES, 4), np.float32)
    base = np.array([figures.colour(each.colour) for each in sheet.shown], np.float32)
    np.multiply(light.reshape(count, -1, 1), base[:, None], out=colours[..., :3])
    colours[..., 3] = np.array([_opacity(sheet, index) for index in range(count)], np.float32)[:, None]
    corners = gpu.types.GPUIndexBuf(type="TRIS", seq=figures.triangles(distances, hovered))

    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    state = gpu.state
    state.blend_set("ALPHA")
    state.depth_test_set("LESS_EQUAL")
    trace = sheet.batches.get("trace")
    depends = sheet.version, [each.colour for each in sheet.shown]
    if trace is None or trace[0] != depends:
        trace = sheet.batches["trace"] = (depends, _trace(sheet))
    trace[1].draw(shader)
    state.face_culling_set("BACK")
    state.depth_mask_set(True)
    _batch(places, colours.reshape(-1, 4), corners).draw(shader)
    state.depth_mask_set(False)
    state.face_culling_set("NONE")
    state.depth_test_set("NONE")
    state.blend_set("NONE")


def _opacity(sheet: Sheet, index: int) -> float:
    if sheet.hovered is None:
        return GHOSTLY
    return OPAQUE if index == sheet.hovered else ASIDE


def _trace(sheet: Sheet) -> gpu.types.GPUBatch:
    """The path of each take's hips over the floor."""
    assert sheet.offsets is not None
    ways = []
    for ghost, offset in zip(sheet.ghosts, sheet.offsets, strict=True):
        way = ghost.joints[:, 0] + offset
        way[:, 2] = ghost.floor + offset[2] + 0.004 * sheet.size
        ways.append(way[:: max(1, len(way) // MOST_PIECES)])
    places, owners = figures.ribbons(ways, TRACE_WIDTH * sheet.size)
    base = np.array([(*figures.colour(each.colour), TRACE) for each in sheet.shown], np.float32)
    return _batch(places, base[owners], None)


def _batch(places: np.ndarray, colours: np.ndarray, corners: gpu.types.GPUIndexBuf | None) -> gpu.types.GPUBatch:
    buffer = gpu.types.GPUVertBuf(_format(), len(places))
    buffer.attr_fill("pos", np.ascontiguousarray(places, np.float32))
    buffer.attr_fill("color", np.ascontiguousarray(colours, np.float32))
    if corners is None:
        return gpu.types.GPUBatch(type="TRIS", buf=buffer)
    return gpu.types.GPUBatch(type="TRIS", buf=buffer, elem=corners)


def _format() -> gpu.types.GPUVertFormat:
    """The vertex format of the shader; the format of its `format_calc` has no "pos" in Blender 5.2."""
    result = gpu.types.GPUVertFormat()
    result.attr_add(id="pos", comp_type="F32", len=3, fetch_mode="FLOAT")
    result.attr_add(id="color", comp_type="F32", len=4, fetch_mode="FLOAT")
    return result


def _text(sheet: Sheet, index: int) -> str:
    each = sheet.shown[index]
    return f"{STAR} {each.label}" if each.starred else each.label


def _label_boxes(sheet: Sheet, joints: np.ndarray, matrix: np.ndarray, region: bpy.types.Region) -> np.ndarray:
    """(N, 4) x, y, width, height of the labels above the heads, in pixels of the region; they may overlap."""
    scale = _scale()
    blf.size(0, TEXT * scale)
    over = joints[:, 15] + np.array([0.0, 0.0, 0.28 * sheet.size])
    places, _ = projected(over, matrix, region.width, region.height)
    boxes = np.empty((len(joints), 4))
    for index in range(len(joints)):
        width = blf.dimensions(0, _text(sheet, index))[0] + (2.0 * PADDING + 5.0) * scale
        boxes[index] = places[index, 0] - 0.5 * width, places[index, 1], width, (TEXT + 2.0 * PADDING) * scale
    return boxes


def _draw_labels(sheet: Sheet, context: bpy.types.Context) -> None:
    region, scale = context.region, _scale()
    matrix = np.array(context.region_data.perspective_matrix, np.float64)
    joints = sheet.joints(_frame(context.scene))
    over_heads = _label_boxes(sheet, joints, matrix, region)
    boxes = figures.apart(over_heads, GAP * scale)
    labels, pad = _Picture(), PADDING * scale
    for each, (x, y, _, height), start in zip(sheet.shown, boxes, over_heads[:, 1], strict=True):
        if y > start + 0.5 * height:  # a line to a label that was moved up
            labels.fill(x, start - 0.5 * height, scale, y - start + 0.5 * height, (*figures.colour(each.colour), 0.8))
    for index, (x, y, width, height) in enumerate(boxes):
        if np.isnan(x):
            continue
        if sheet.shown[index].present:
            edge = 1.5 * scale
            labels.fill(x - edge, y - edge, width + 2 * edge, height + 2 * edge, (1.0, 1.0, 1.0, 1.0))
        shade = 0.3 if index == sheet.hovered else 0.08
        labels.fill(x, y, width, height, (shade, shade, shade, 1.0 if sheet.shown[index].present else 0.85))
        labels.fill(x, y, 5.0 * scale, height, (*figures.colour(sheet.shown[index].colour), 1.0))
        labels.write(x + pad + 5.0 * scale, y + 1.3 * pad, _text(sheet, index))
    labels.draw()
    if sheet.hovered is not None and sheet.hovered < len(boxes) and not np.isnan(boxes[sheet.hovered]).any():
        _draw_card(sheet, sheet.hovered, boxes[sheet.hovered], context)


def _draw_card(sheet: Sheet, index: int, box: np.ndarray, context: bpy.types.Context) -> None:
    """Draw a card with all facts of the take beside its label, within the visible part of the region.

    The card is above the label or, with stacked labels, beside it.
    """
    scale, facts = _scale(), sheet.shown[index].facts
    pad, line = PADDING * scale, 1.5 * TEXT * scale
    width = max(blf.dimensions(0, fact)[0] for fact in facts) + 3.0 * pad
    height = len(facts) * line + 1.5 * pad
    box_now = (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    x, y = figures.card_place(box_now, (width, height), _free(context), pad, sheet.arrangement == "PLACE")
    card = _Picture()
    card.fill(x, y, width, height, (0.05, 0.05, 0.05, 1.0))
    card.fill(x, y, 3.0 * scale, height, (*figures.colour(sheet.shown[index].colour), 1.0))
    for number, fact in enumerate(facts):
        card.write(x + 2.0 * pad, y + height - (number + 1) * line, fact, 1.0 if number == 0 else 0.8)
    card.draw()


def _free(context: bpy.types.Context) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of the part of the region without sidebar and header, in its pixels."""
    region = context.region
    left, bottom, right, top = 0.0, 0.0, float(region.width), float(region.height)
    for other in context.area.regions:
        if other.type == "WINDOW" or other.width <= 1 or other.height <= 1:
            continue
        x, y = other.x - region.x, other.y - region.y
        if other.alignment == "LEFT":
            left = max(left, min(float(x + other.width), right))
        elif other.alignment == "RIGHT":
            right = min(right, max(float(x), left))
        elif other.alignment == "TOP":
            top = min(top, max(float(y), bottom))
        elif other.alignment == "BOTTOM":
            bottom = max(bottom, min(float(y + other.height), top))
    return left, bottom, right, top


class _Picture:
    """Rectangles and text on them, drawn in one call."""

    def __init__(self) -> None:
        self._rectangles: list[tuple[float, float, float, float]] = []
        self._colours: list[tuple[float, float, float, float]] = []
        self._texts: list[tuple[float, float, str, float]] = []

    def fill(self, x: float, y: float, width: float, height: float, colour: tuple[float, float, float, float]) -> None:
        self._rectangles.append((x, y, width, height))
        self._colours.append(colour)

    def write(self, x: float, y: float, text: str, shade: float = 1.0) -> None:
        self._texts.append((x, y, text, shade))

    def draw(self) -> None:
        if not self._rectangles:
            return
        x, y, width, height = np.array(self._rectangles, np.float32).T
        places = np.zeros((len(x), 6, 3), np.float32)
        places[..., 0] = x[:, None] + width[:, None] * np.array([0, 1, 1, 0, 1, 0], np.float32)
        places[..., 1] = y[:, None] + height[:, None] * np.array([0, 0, 1, 0, 1, 1], np.float32)
        colours = np.repeat(np.array(self._colours, np.float32), 6, axis=0)
        shader = gpu.shader.from_builtin("SMOOTH_COLOR")
        gpu.state.blend_set("ALPHA")
        _batch(places.reshape(-1, 3), colours, None).draw(shader)
        gpu.state.blend_set("NONE")
        blf.size(0, TEXT * _scale())
        for left, bottom, text, shade in self._texts:
            blf.color(0, shade, shade, shade, 1.0)
            blf.position(0, left, bottom, 0.0)
            blf.draw(0, text)
