"""The shots that a dope sheet shows, and the strip under the mouse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import bpy
from bpy.app.handlers import persistent

from ..scene import addon
from ..scene.handles import Handle, find, handle_of
from ..shots.shot_frames import BODY, LEFT, RIGHT, Frames
from . import strip_layout
from .strip_layout import Hit, Row, View

MODES = {"TIMELINE", "DOPESHEET", "ACTION"}
SCROLL_BAR, MARKERS = 12.0, 42.0
"""Height of Blender's own parts at the bottom of the region, in pixels at scale 1: the scroll bar, or also the
markers."""
OTHERS_S = 1.0
"""Seconds between two searches for other characters with shots."""


@dataclass
class StripState:
    """The state of strips that is not stored in the file.

    Characters are given by their session ids, because a linked object may have the name of a local one.

    over: character and strip under the mouse, in the region over_region, until the time over_until. dragged: the
    character whose shot dragged_shot is dragged, or 0; preview: the frames of its shots after the drag. others: the
    other characters with shots, found in the scene others_of and valid until the time others_until.
    """

    over: tuple[int, Hit] | None = None
    over_region: int = 0
    over_until: float = 0.0
    dragged: int = 0
    dragged_shot: int = -1
    preview: Frames = field(default_factory=list)
    others: tuple[Handle, ...] = ()
    others_of: tuple[int, int] = (0, 0)
    others_until: float = 0.0


_state: StripState | None = None


def get() -> StripState:
    """The state of this Blender, available after registration."""
    assert _state is not None, "the extension is not registered"
    return _state


def reset() -> None:
    """Forget the mouse and the other characters."""
    global _state
    _state = StripState()


@persistent
def _on_load(*_: object) -> None:
    reset()


def register_properties() -> None:
    reset()
    bpy.app.handlers.load_pre.append(_on_load)


def unregister_properties() -> None:
    global _state
    if _on_load in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_on_load)
    _state = None


def frames_of(character: bpy.types.Object) -> Frames:
    """First and last frame of each shot; during a drag, the frames after it."""
    state = get()
    if state.dragged == character.session_uid:
        return state.preview
    listed = character.motionlcm.shots
    firsts, lasts = [0] * len(listed), [0] * len(listed)
    listed.foreach_get("first", firsts)
    listed.foreach_get("last", lasts)
    return list(zip(firsts, lasts, strict=True))


def view_of(context: bpy.types.Context) -> View:
    """The visible part of the dope sheet's region."""
    from ..scene.scene_time import stretch  # imports the engine, which register() must not do

    region, scene = context.region, context.scene
    unit = context.preferences.system.ui_scale
    start = region.view2d.region_to_view(0.0, 0.0)[0]
    end = region.view2d.region_to_view(float(region.width), 0.0)[0]
    return View(
        start=start,
        scale=region.width / max(end - start, 1e-6),
        width=float(region.width),
        height=float(region.height),
        bottom=bottom_of(context.space_data, scene) * unit,
        unit=unit,
        stretch=stretch(scene),
    )


def bottom_of(space: bpy.types.Space, scene: bpy.types.Scene) -> float:
    """Height at scale 1 of the area below the strips in a dope sheet: markers, or the scroll bar."""
    return MARKERS if len(scene.timeline_markers) > 0 and space.show_markers else SCROLL_BAR


def is_shown(context: bpy.types.Context) -> bool:
    """Whether the region shows strips."""
    space, region = context.space_data, context.region
    if space is None or space.type != "DOPESHEET_EDITOR" or space.mode not in MODES:
        return False
    if region is None or region.type != "WINDOW":
        return False
    prefs = addon.preferences()
    if prefs is not None and not prefs.show_strips:
        return False
    return context.scene is not None


def rows_of(context: bpy.types.Context, view: View) -> list[Row]:
    """The scene's character, if it has shots, and the others with shots."""
    scene, chosen = context.scene, context.scene.motionlcm.character
    first = [chosen] if chosen is not None and len(chosen.motionlcm.shots) else []
    listed = [*first, *(other for other in _others(scene) if other != chosen)]
    return strip_layout.rows_of(view, ((obj.name, obj.session_uid, frames_of(obj)) for obj in listed))


def _others(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    """The characters with shots in the scene, searched at intervals, because a scene may contain very many objects."""
    state = get()
    of, now = (scene.session_uid, len(scene.objects)), time.monotonic()
    if of != state.others_of or now > state.others_until:
        state.others = tuple(handle_of(o) for o in scene.objects if o.type == "ARMATURE" and len(o.motionlcm.shots))
        state.others_of, state.others_until = of, now + OTHERS_S
    found = (find(scene.objects, handle) for handle in state.others)
    return (obj for obj in found if obj is not None)


def character_of(scene: bpy.types.Scene, owner: int) -> bpy.types.Object | None:
    """The character of a row or a strip, by its session id; None if the scene no longer has it."""
    chosen = scene.motionlcm.character
    known = [*get().others, *([handle_of(chosen)] if chosen is not None else [])]
    return find(scene.objects, next((each for each in known if each.session_uid == owner), Handle("", owner)))


def under_mouse(context: bpy.types.Context, x: float, y: float) -> tuple[int, Hit] | None:
    """The character and the strip at a pixel of the region."""
    view = view_of(context)
    rows = rows_of(context, view)
    hit = strip_layout.hit(view, rows, x, y)
    if hit is None:
        return None
    if hit.row == 0 and rows[0].owner != owner_of(context.scene.motionlcm.character):
        # The chosen character has no shots, so the first row belongs to another character.
        hit = hit._replace(part=BODY)
    return rows[hit.row].owner, hit


def owner_of(obj: bpy.types.Object | None) -> int:
    """The session id of a character; 0 for none."""
    return 0 if obj is None else obj.session_uid


def snap_targets(scene: bpy.types.Scene, character: bpy.types.Object, index: int) -> Iterator[float]:
    """Frames of keys to snap to: playhead, markers, and ends of shots that the drag does not move."""
    from ..scene.scene_time import stretch

    each = stretch(scene)
    yield scene.frame_current / each
    yield from (marker.frame / each for marker in scene.timeline_markers)
    for obj in _others(scene):
        if obj != character:
            for shot in obj.motionlcm.shots:
                yield from (shot.first, shot.last)
    for shot in character.motionlcm.shots[:index]:
        yield from (shot.first, shot.last)


def edges_of(frames: Frames, index: int, part: str) -> tuple[int, ...]:
    """The dragged frames."""
    first, last = frames[index]
    return {BODY: (first, last), LEFT: (first,), RIGHT: (last,)}[part]


def redraw(context: bpy.types.Context) -> None:
    """Redraw all dope sheets."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "DOPESHEET_EDITOR":
                area.tag_redraw()


def hovered(region: bpy.types.Region) -> tuple[int, Hit] | None:
    """The strip of this region under the mouse."""
    state = get()
    return state.over if state.over is not None and state.over_region == region.as_pointer() else None
