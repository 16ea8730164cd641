"""Strips of shots, drawn at the bottom of the timeline and the dope sheet; their menu, and the field for a prompt.

Colour and mark show the state of a shot: empty shots are hollow, stale ones hatched, a shot in generation fills up,
done ones are plain; a locked shot has a bar below and a padlock. `strip_layout` computes the places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import bpy

from ..operators.scene import addon, messages, shot_lookup
from ..operators.shots import nla_track, shot_frames
from ..operators.timeline import strip_layout, strip_view

if TYPE_CHECKING:
    from ..operators.timeline.strip_layout import Hit, Row, Strip, View

Colour = tuple[float, float, float, float]

BAND: Colour = (0.08, 0.08, 0.08, 0.75)
FILLS: dict[str, Colour] = {
    "EMPTY": (0.20, 0.20, 0.21, 0.90),
    "STALE": (0.45, 0.32, 0.10, 0.95),
    "GENERATING": (0.13, 0.22, 0.36, 0.95),
    "DONE": (0.16, 0.38, 0.27, 0.95),
}
MARKS: dict[str, Colour] = {
    "EMPTY": (0.62, 0.62, 0.64, 1.0),
    "STALE": (0.95, 0.72, 0.28, 1.0),
    "GENERATING": (0.45, 0.70, 1.0, 1.0),
    "DONE": (0.52, 0.86, 0.62, 1.0),
}
HATCH: Colour = (0.0, 0.0, 0.0, 0.28)
MADE: Colour = (0.22, 0.42, 0.70, 1.0)
TEXT: Colour = (0.93, 0.93, 0.93, 1.0)
SMALL_TEXT: Colour = (0.75, 0.75, 0.75, 1.0)
CHOSEN: Colour = (1.0, 1.0, 1.0, 1.0)
LIGHT: Colour = (1.0, 1.0, 1.0, 0.13)
END: Colour = (1.0, 1.0, 1.0, 0.55)
LOCK: Colour = (0.85, 0.85, 0.85, 1.0)
FONT, SMALL_FONT = 11.0, 9.0
LETTER, SHORT = 0.58, 0.75
"""Mean width of a character as a fraction of the font size, large enough for short texts."""
MARKED, WRITTEN, SHORTEST = 20.0, 40.0, 16.0
"""Pixels at scale 1: smallest width of a strip with a mark, of a strip with a mark and a text, and of the text."""
KEPT = 8
"""Number of regions whose pictures are cached."""


class Look(NamedTuple):
    """The visible state of a shot."""

    state: str
    locked: bool
    prompt: str
    take: str


class Text(NamedTuple):
    """A line of text, clipped at left and right."""

    text: str
    x: float
    y: float
    size: float
    colour: Colour
    left: float
    right: float


class Picture:
    """Quads and lines of text; computed in plain Python, so that tests can check it without a window."""

    def __init__(self) -> None:
        self.quads: list[tuple[float, ...]] = []
        self.colours: list[Colour] = []
        self.texts: list[Text] = []

    def box(self, left: float, low: float, right: float, high: float, colour: Colour) -> None:
        self.quads.append((left, low, right, low, right, high, left, high))
        self.colours.append(colour)

    def frame(self, left: float, low: float, right: float, high: float, wide: float, colour: Colour) -> None:
        """The outline, inside the rectangle."""
        self.box(left, low, right, low + wide, colour)
        self.box(left, high - wide, right, high, colour)
        self.box(left, low + wide, left + wide, high - wide, colour)
        self.box(right - wide, low + wide, right, high - wide, colour)

    def line(self, x: float, y: float, to_x: float, to_y: float, wide: float, colour: Colour) -> None:
        """A sloped line of the given width along x."""
        half = 0.5 * wide
        self.quads.append((x - half, y, x + half, y, to_x + half, to_y, to_x - half, to_y))
        self.colours.append(colour)


def picture(
    view: View,
    rows: Sequence[Row],
    strips: Sequence[Strip],
    looks: Sequence[Look],
    chosen: int,
    over: Hit | None = None,
    progress: float = 0.0,
    full: bool = True,
) -> Picture:
    """The picture to draw. chosen: the active shot of the first row; full: whether the first row is the scene's
    character."""
    made = Picture()
    if not rows:
        return made
    unit = view.unit
    made.box(0.0, view.bottom, view.width, rows[-1].high + strip_layout.GAP * unit, BAND)
    for strip, look in zip(strips, looks, strict=True):
        left, right = max(strip.left, -8.0 * unit), min(strip.right, view.width + 8.0 * unit)
        if right - left > 4.0 * unit:
            right -= unit  # a gap to the next strip
        _shot(made, view, strip, left, right, look, progress)
        if over is not None and (over.row, over.shot) == (strip.row, strip.shot):
            _lit(made, strip, left, right, unit, over.part)
    for strip in strips:  # drawn over its neighbours
        if full and strip.row == 0 and strip.shot == chosen:
            made.frame(strip.left - unit, strip.low - unit, strip.right, strip.high + unit, 2.0 * unit, CHOSEN)
    for row in rows[1:] if full else rows:
        _name(made, view, row)
    return made


def _shot(made: Picture, view: View, strip: Strip, left: float, right: float, look: Look, progress: float) -> None:
    unit, low, high = view.unit, strip.low, strip.high
    mark = MARKS[look.state]
    made.box(left, low, right, high, FILLS[look.state])
    if look.state == "GENERATING":
        made.box(left, low, left + max(0.0, strip.left + progress * (strip.right - strip.left) - left), high, MADE)
    if look.state == "STALE" and right - left > 4.0 * unit:
        _hatch(made, strip, left, right, 7.0 * unit)
    if look.state == "EMPTY" and right - left > 4.0 * unit:
        made.frame(left, low, right, high, unit, mark)
    if look.locked:
        made.box(left, low, right, low + 2.0 * unit, LOCK)
    if strip.row > 0 or right - left < MARKED * unit:
        return
    left, right = max(left, 0.0), min(right, view.width)  # keeps the text visible
    middle, at = 0.5 * (low + high), left + 5.0 * unit
    _mark(made, look.state, at, middle, unit, mark)
    if right - left < WRITTEN * unit:
        return
    if look.locked:
        _padlock(made, right - 13.0 * unit, middle, unit)
        right -= 15.0 * unit
    at, right = at + 13.0 * unit, right - 3.0 * unit
    if right - at < SHORTEST * unit:
        return
    base = middle - 0.34 * FONT * unit
    made.texts.append(Text(look.prompt, at, base, FONT, TEXT, at, right))
    width, small = LETTER * FONT * unit * len(look.prompt), SHORT * SMALL_FONT * unit * len(look.take)
    if look.take and at + width + 10.0 * unit + small < right:
        made.texts.append(Text(look.take, right - small, base, SMALL_FONT, SMALL_TEXT, right - small, right))


def _hatch(made: Picture, strip: Strip, left: float, right: float, step: float) -> None:
    low, high = strip.low, strip.high
    # Hatching starts at the strip's own start, so that it moves with the view.
    at = strip.left + step * ((left - (high - low) - strip.left) // step)
    while at < right:
        begin, end = max(at, left), min(at + high - low, right - 0.5 * step)
        if begin < end:
            made.line(begin, low + begin - at, end, low + end - at, 0.4 * step, HATCH)
        at += step


def _lit(made: Picture, strip: Strip, left: float, right: float, unit: float, part: str) -> None:
    made.box(left, strip.low, right, strip.high, LIGHT)
    if part == shot_frames.LEFT:
        made.box(left, strip.low, left + 3.0 * unit, strip.high, END)
    elif part == shot_frames.RIGHT:
        made.box(right - 3.0 * unit, strip.low, right, strip.high, END)


def _mark(made: Picture, state: str, x: float, y: float, unit: float, colour: Colour) -> None:
    """A mark, about 8 pixels wide: a hollow square, an exclamation mark, three dots, a tick."""
    if state == "EMPTY":
        made.frame(x, y - 4.0 * unit, x + 8.0 * unit, y + 4.0 * unit, 1.5 * unit, colour)
    elif state == "STALE":
        made.box(x + 3.0 * unit, y - 1.5 * unit, x + 5.5 * unit, y + 5.5 * unit, colour)
        made.box(x + 3.0 * unit, y - 5.0 * unit, x + 5.5 * unit, y - 2.8 * unit, colour)
    elif state == "GENERATING":
        for dot in range(3):
            made.box(x + 3.5 * dot * unit, y - unit, x + (3.5 * dot + 2.2) * unit, y + 1.2 * unit, colour)
    else:
        made.line(x + 3.0 * unit, y - 4.0 * unit, x + 0.5 * unit, y - 0.5 * unit, 2.6 * unit, colour)
        made.line(x + 3.0 * unit, y - 4.0 * unit, x + 8.0 * unit, y + 4.5 * unit, 2.6 * unit, colour)


def _padlock(made: Picture, x: float, y: float, unit: float) -> None:
    made.box(x, y - 4.0 * unit, x + 8.0 * unit, y + 1.0 * unit, LOCK)
    made.box(x + 1.5 * unit, y + unit, x + 2.8 * unit, y + 4.0 * unit, LOCK)
    made.box(x + 5.2 * unit, y + unit, x + 6.5 * unit, y + 4.0 * unit, LOCK)
    made.box(x + 1.5 * unit, y + 4.0 * unit, x + 6.5 * unit, y + 5.3 * unit, LOCK)


def _name(made: Picture, view: View, row: Row) -> None:
    """Draw the character's name at the left of the row."""
    unit = view.unit
    width = (LETTER * SMALL_FONT * len(row.character) + 10.0) * unit
    made.box(0.0, row.low, width, row.low + strip_layout.THIN * unit, BAND)
    base = row.low + 2.2 * unit
    made.texts.append(Text(row.character, 4.0 * unit, base, SMALL_FONT, TEXT, 0.0, width))


def looks_of(rows: Sequence[Row], strips: Sequence[Strip], scene: bpy.types.Scene) -> tuple[Look, ...]:
    """The current state of these strips' shots."""
    owners = [strip_view.character_of(scene, row.owner) for row in rows]
    listed = [() if owner is None else owner.motionlcm.shots for owner in owners]
    found = []
    for strip in strips:
        shot = listed[strip.row][strip.shot]
        if strip.row > 0:
            found.append(Look(shot.state, shot.locked, "", ""))
            continue
        action = shot.action
        take = "" if action is None else action.name.removeprefix("MotionLCM ").removeprefix(f"{shot.name} ")
        found.append(Look(shot.state, shot.locked, shot.prompt or shot.name, take))
    return tuple(found)


class StripDrawing:
    """The draw handler, its shader, and by region the data of the last picture, its batch and its texts."""

    def __init__(self) -> None:
        self._pictures: dict[int, tuple[Any, Any, list[Text]]] = {}
        self._shader: Any = None
        self._handler = bpy.types.SpaceDopeSheetEditor.draw_handler_add(self.draw, (), "WINDOW", "POST_PIXEL")

    def close(self) -> None:
        """Remove the draw handler."""
        bpy.types.SpaceDopeSheetEditor.draw_handler_remove(self._handler, "WINDOW")

    def draw(self) -> None:
        """Draw the strips of this region. An unchanged picture is not computed again."""
        context = bpy.context
        if not strip_view.is_shown(context):
            return
        view = strip_view.view_of(context)
        rows = strip_view.rows_of(context, view)
        if not rows:
            return
        strips = strip_layout.strips_of(view, rows)
        looks = looks_of(rows, strips, context.scene)
        character, state = context.scene.motionlcm.character, strip_view.get()
        full = character is not None and rows[0].owner == character.session_uid
        chosen = character.motionlcm.shot_index if full else -1
        if full and state.dragged:
            chosen = state.dragged_shot
        over = strip_view.hovered(context.region)
        under = over is not None and over[1].row < len(rows) and rows[over[1].row].owner == over[0]
        lit = over[1] if over is not None and under else None
        progress = round(messages.status.progress, 2)
        key, made_from = context.region.as_pointer(), (view, rows, looks, chosen, lit, progress, full)
        kept = self._pictures.get(key)
        if kept is None or kept[0] != made_from:
            made = picture(view, rows, strips, looks, chosen, lit, progress, full)
            kept = made_from, self._batch(made), sorted(made.texts, key=lambda text: text.size)
            if len(self._pictures) >= KEPT:
                self._pictures.clear()
            self._pictures[key] = kept
        self._show(kept[1], kept[2], view)

    def _batch(self, made: Picture) -> Any:
        import gpu
        import numpy as np
        from gpu_extras.batch import batch_for_shader

        if self._shader is None:  # not at register(): Blender has no GPU context yet, or never
            self._shader = gpu.shader.from_builtin("SMOOTH_COLOR")
        count = len(made.quads)
        places = np.array(made.quads, np.float32).reshape(-1, 2)
        colours = np.repeat(np.array(made.colours, np.float32), 4, axis=0)
        corners = 4 * np.arange(count, dtype=np.int32)[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]], np.int32)
        vertices = {"pos": places, "color": colours}
        return batch_for_shader(self._shader, "TRIS", vertices, indices=corners.reshape(-1, 3))

    def _show(self, batch: Any, texts: Sequence[Text], view: View) -> None:
        import blf
        import gpu

        gpu.state.blend_set("ALPHA")
        batch.draw(self._shader)
        size = 0.0
        blf.enable(0, blf.CLIPPING)
        for text in texts:
            if text.size != size:
                size = text.size
                blf.size(0, size * view.unit)
            blf.clipping(0, text.left, 0.0, text.right, view.height)
            blf.position(0, text.x, text.y, 0.0)
            blf.color(0, *text.colour)
            blf.draw(0, text.text)
        blf.disable(0, blf.CLIPPING)
        gpu.state.blend_set("NONE")


class MOTIONLCM_MT_shot(bpy.types.Menu):
    """Commands for the chosen shot."""

    bl_idname = "MOTIONLCM_MT_shot"
    bl_label = "Shot"

    def draw(self, context: bpy.types.Context) -> None:
        layout, character = self.layout, context.scene.motionlcm.character
        shot = shot_lookup.active_shot(character)
        if shot is None:
            return
        layout.operator_context = "EXEC_DEFAULT"
        layout.operator("motionlcm.generate_shot", text="Generate", icon="PLAY")
        layout.prop(context.scene.motionlcm, "generate_at_once", text="Generate When Prompt Is Typed")
        layout.prop(shot, "locked", text="Locked")
        layout.separator()
        layout.operator("motionlcm.split_shot", text="Split at Playhead")
        layout.operator("motionlcm.join_shots", text="Join with Next")
        layout.operator("motionlcm.duplicate_shot", text="Duplicate", icon="DUPLICATE")
        alone = shot.action is not None and nla_track.shown_alone(character) == shot.action
        layout.operator("motionlcm.show_shot", text="Show All" if alone else "Show Alone")
        layout.separator()
        layout.operator("motionlcm.remove_shot", text="Remove", icon="X")


class MOTIONLCM_PT_shot_prompt(bpy.types.Panel):
    """A field for the prompt at the mouse."""

    bl_idname = "MOTIONLCM_PT_shot_prompt"
    bl_label = "Prompt of Shot"
    bl_space_type = "TOPBAR"  # the region type of Blender's own popup panels
    bl_region_type = "HEADER"
    bl_ui_units_x = 20

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.motionlcm
        shot = shot_lookup.active_shot(chosen.character)
        if shot is None:
            return
        layout.label(text=f"{shot.name}: Prompt", translate=False)
        row = layout.row()
        row.activate_init = True
        row.prop(chosen, "edited_prompt", text="", placeholder="Description of the motion")
        # No checkbox here: Blender accepts no other click while the field is active. The strip's menu has it.
        layout.label(text="Enter: accept and generate" if chosen.generate_at_once else "Enter: accept")


def _draw_toggle(self: bpy.types.Menu, _context: bpy.types.Context) -> None:
    prefs = addon.preferences()
    if prefs is not None:
        self.layout.separator()
        self.layout.prop(prefs, "show_strips")


CLASSES = (MOTIONLCM_MT_shot, MOTIONLCM_PT_shot_prompt)
VIEW_MENUS = ("DOPESHEET_MT_view", "TIME_MT_view")
_drawing: StripDrawing | None = None


def register_properties() -> None:
    global _drawing
    _drawing = StripDrawing()
    for name in VIEW_MENUS:
        if hasattr(bpy.types, name):
            getattr(bpy.types, name).append(_draw_toggle)


def unregister_properties() -> None:
    global _drawing
    for name in VIEW_MENUS:
        if hasattr(bpy.types, name):
            getattr(bpy.types, name).remove(_draw_toggle)
    if _drawing is not None:
        _drawing.close()
    _drawing = None
