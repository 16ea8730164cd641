"""Shots drawn as strips in the timeline and the dope sheet: when, what, and how they stand."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import blf
import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..operators import shots, strip_editing, strip_layout

log = logging.getLogger(__name__)

Colour = tuple[float, float, float, float]
COLOURS: dict[str, Colour] = {
    "EMPTY": (0.32, 0.32, 0.34, 0.9),
    "STALE": (0.62, 0.43, 0.11, 0.95),
    "GENERATING": (0.16, 0.42, 0.70, 0.95),
    "DONE": (0.17, 0.45, 0.30, 0.95),
}
MARKS = {"EMPTY": "\u25cb", "STALE": "!", "GENERATING": "\u2026", "DONE": "\u2713"}
"""What tells the states apart without colour."""
LOCKED, CHOSEN, EDGE, INK, DIM = (0.85, 0.85, 0.88, 1.0), (1.0, 1.0, 1.0, 1.0), (0.05, 0.05, 0.06, 0.9), 0.95, 0.62
TEXT, PADDING = 11.0, 5.0
"""Pixels at a scale of 1."""
NARROWEST = 22.0
"""Pixels at a scale of 1 that a strip must be wide to have a text."""
LOOK = 1.0
"""Seconds between two looks for other characters with shots, which costs a walk over the scene."""

milliseconds: deque[float] = deque(maxlen=120)
"""What the latest redraws took here, without Blender's own part."""
_handles: list[Any] = []
_others: tuple[float, int, tuple[str, ...]] = (0.0, 0, ())


def _rectangle(points: list[tuple[float, float]], colours: list[Colour], left: float, right: float, bottom: float,
               top: float, colour: Colour) -> None:  # fmt: skip
    corners = (left, bottom), (right, bottom), (right, top), (left, bottom), (right, top), (left, top)
    points.extend(corners)
    colours.extend([colour] * 6)


def _frame(points: list[tuple[float, float]], colours: list[Colour], strip: strip_layout.Strip, width: float,
           colour: Colour) -> None:  # fmt: skip
    left, right, bottom, top = strip.left, strip.right, strip.bottom, strip.top
    _rectangle(points, colours, left, right, bottom, bottom + width, colour)
    _rectangle(points, colours, left, right, top - width, top, colour)
    _rectangle(points, colours, left, left + width, bottom, top, colour)
    _rectangle(points, colours, right - width, right, bottom, top, colour)


def _draw() -> None:
    began = time.perf_counter()
    context = bpy.context
    try:
        if strip_editing.shown() and context.region is not None and context.scene is not None:
            _draw_all(context)
    except Exception:
        log.exception("The strips of the shots could not be drawn")
    milliseconds.append(1000.0 * (time.perf_counter() - began))


def _draw_all(context: bpy.types.Context) -> None:
    scene, scale = context.scene, context.preferences.system.ui_scale
    chosen = scene.motionlcm.character
    place, width = strip_editing.to_pixels(context), context.region.width
    bottom = strip_layout.band(scale, len(scene.timeline_markers) > 0)
    points: list[tuple[float, float]] = []
    colours: list[Colour] = []
    texts: list[tuple[strip_layout.Strip, Any, bool]] = []
    strips = strip_editing.strips_of(context, chosen)
    for strip in strips:
        shot = chosen.motionlcm.shots[strip.index]
        active = strip.index == chosen.motionlcm.shot_index
        _strip(points, colours, strip, shot, active, scale)
        if strip.right - strip.left >= NARROWEST * scale:
            texts.append((strip, shot, active))
    row = bottom + (strip_layout.HEIGHT + strip_layout.GAP) * scale if strips else bottom
    names = []
    for other in _characters(scene):
        if other == chosen:
            continue
        frames = [(shot.first, shot.last) for shot in other.motionlcm.shots]
        for strip in strip_layout.laid_out(frames, place, width, row, strip_layout.THIN * scale):
            _rectangle(points, colours, strip.left, strip.right - 1.0, strip.bottom, strip.top,
                       COLOURS[other.motionlcm.shots[strip.index].state])  # fmt: skip
        names.append((other.name, row))
        row += (strip_layout.THIN + strip_layout.GAP) * scale
    _dragged(points, colours, place, strips, chosen, scale)
    if points:
        shader = gpu.shader.from_builtin("FLAT_COLOR")
        gpu.state.blend_set("ALPHA")
        batch_for_shader(shader, "TRIS", {"pos": points, "color": colours}).draw(shader)
        gpu.state.blend_set("NONE")
    _write(texts, names, scale)


def _strip(
    points: list[tuple[float, float]], colours: list[Colour], strip: strip_layout.Strip, shot: Any, active: bool,
    scale: float,
) -> None:  # fmt: skip
    colour = COLOURS[shot.state]
    if shot.locked:
        red, green, blue, alpha = colour
        colour = (0.55 * red, 0.55 * green, 0.55 * blue, alpha)
    _rectangle(points, colours, strip.left, strip.right, strip.bottom, strip.top, colour)
    wide = strip.right - strip.left
    if shot.locked:  # like the jaws of a vice
        jaw = min(3.0 * scale, wide / 3.0)
        _rectangle(points, colours, strip.left + 1.0, strip.left + 1.0 + jaw, strip.bottom, strip.top, LOCKED)
        _rectangle(points, colours, strip.right - 1.0 - jaw, strip.right - 1.0, strip.bottom, strip.top, LOCKED)
    _frame(points, colours, strip, 1.0, EDGE)
    if active:
        _frame(points, colours, strip, max(1.0, 1.5 * scale), CHOSEN)


def _dragged(
    points: list[tuple[float, float]], colours: list[Colour], place: Any, strips: Sequence[strip_layout.Strip],
    chosen: bpy.types.Object | None, scale: float,
) -> None:  # fmt: skip
    """The strip in the hand, where it would be if it were let go."""
    held = strip_editing.drag
    if held is None or chosen is None or not strips:
        return
    there = strip_layout.Strip(-1, place(held.first), place(held.last), strips[0].bottom, strips[0].top)
    _rectangle(points, colours, there.left, there.right, there.bottom, there.top, (1.0, 1.0, 1.0, 0.25))
    _frame(points, colours, there, max(1.0, 2.0 * scale), CHOSEN)


def _write(texts: Sequence[tuple[strip_layout.Strip, Any, bool]], names: Sequence[tuple[str, float]],
           scale: float) -> None:  # fmt: skip
    font = 0
    blf.size(font, TEXT * scale)
    blf.enable(font, blf.CLIPPING)
    for strip, shot, _ in texts:
        pad = (PADDING + (3.0 if shot.locked else 0.0)) * scale
        x, y = max(strip.left, 0.0) + pad, strip.bottom + 0.5 * (strip.top - strip.bottom) - 0.36 * TEXT * scale
        right = strip.right - pad
        blf.clipping(font, x, strip.bottom, right, strip.top)
        text = f"{MARKS[shot.state]} {shot.prompt or shot.name}"
        blf.color(font, INK, INK, INK, 1.0)
        blf.position(font, x, y, 0.0)
        blf.draw(font, text)
        take = _take_of(shot)
        if not take:
            continue
        taken, wide = blf.dimensions(font, text)[0] + 2.0 * pad, blf.dimensions(font, take)[0]
        if x + taken + wide <= right:
            blf.color(font, INK, INK, INK, DIM)
            blf.position(font, right - wide, y, 0.0)
            blf.draw(font, take)
    blf.disable(font, blf.CLIPPING)
    for name, bottom in names:
        blf.color(font, INK, INK, INK, DIM)
        blf.size(font, 0.8 * TEXT * scale)
        blf.position(font, 4.0 * scale, bottom + scale, 0.0)
        blf.draw(font, name)


def _take_of(shot: Any) -> str:
    """The name of the take that a shot shows, without what the strip says anyway."""
    action = shot.action
    if action is None:
        return ""
    return str(action.name.removeprefix("MotionLCM ").removeprefix(f"{shot.name} "))


def _characters(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Those of the scene that have shots; looked for now and then."""
    global _others
    now = time.monotonic()
    if now - _others[0] > LOOK or _others[1] != scene.session_uid:
        found = [obj.name for obj in scene.objects if obj.type == "ARMATURE" and len(obj.motionlcm.shots)]
        _others = (now, scene.session_uid, tuple(sorted(found)))
    objects = (scene.objects.get(name) for name in _others[2])
    return [obj for obj in objects if obj is not None and obj.type == "ARMATURE" and len(obj.motionlcm.shots)]


def _view_menu(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    preferences = strip_editing.engine.preferences()
    if preferences is not None and shots.active_shot(context.scene.motionlcm.character) is not None:
        self.layout.prop(preferences, "show_strips")


def _menus() -> list[Any]:
    """The View menus of the dope sheet and, in earlier Blenders, of the timeline."""
    return [menu for name in ("DOPESHEET_MT_view", "TIME_MT_view") if (menu := getattr(bpy.types, name, None))]


def attach() -> None:
    if bpy.app.background:
        return
    add = bpy.types.SpaceDopeSheetEditor.draw_handler_add
    _handles.append(add(_draw, (), "WINDOW", "POST_PIXEL"))
    for menu in _menus():
        menu.append(_view_menu)


def detach() -> None:
    for handle in _handles:
        bpy.types.SpaceDopeSheetEditor.draw_handler_remove(handle, "WINDOW")
    if _handles:
        for menu in _menus():
            menu.remove(_view_menu)
    _handles.clear()
