"""Shots edited where they are seen, as strips in the timeline and the dope sheet: dragged, chosen, renamed."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_

from . import engine, jobs, shots, strip_layout

if TYPE_CHECKING:
    from collections.abc import Callable

THRESHOLD = 4
"""Pixels the mouse may move on a strip that is only clicked."""


@dataclass
class Drag:
    """A strip in the hand. uid: of the shot; first, last: frames it would have if it were let go."""

    character: int
    uid: str
    part: str
    first: int
    last: int


drag: Drag | None = None
"""What is dragged now; `ui.strips` shows it."""


def shown() -> bool:
    """Whether strips are drawn, and so can be taken hold of."""
    preferences = engine.preferences()
    return preferences is None or bool(preferences.show_strips)


def to_pixels(context: bpy.types.Context) -> "Callable[[float], float]":
    """From frames of keys to pixels of the region, of which the view is a straight line."""
    from .scene_time import stretch

    view, ratio = context.region.view2d, stretch(context.scene)
    left = float(view.view_to_region(0.0, 0.0, clip=False)[0])
    each = (float(view.view_to_region(10000.0, 0.0, clip=False)[0]) - left) / 10000.0
    return lambda frame: left + frame * ratio * each


def strips_of(context: bpy.types.Context, character: bpy.types.Object | None) -> list[strip_layout.Strip]:
    """The strips of the chosen character that are in sight."""
    if character is None or not len(character.motionlcm.shots):
        return []
    scale = context.preferences.system.ui_scale
    frames = [(shot.first, shot.last) for shot in character.motionlcm.shots]
    bottom = strip_layout.band(scale, len(context.scene.timeline_markers) > 0)
    return strip_layout.laid_out(
        frames, to_pixels(context), context.region.width, bottom, strip_layout.HEIGHT * scale
    )


def found_under(context: bpy.types.Context, event: bpy.types.Event) -> tuple[int, str] | None:
    """The shot of the chosen character under the mouse, and the part of its strip."""
    area, region = context.area, context.region
    if not shown() or area is None or area.type != "DOPESHEET_EDITOR" or region is None or region.type != "WINDOW":
        return None
    strips = strips_of(context, context.scene.motionlcm.character)
    x, y = event.mouse_region_x, event.mouse_region_y
    return strip_layout.under(strips, x, y, context.preferences.system.ui_scale)


def targets(scene: bpy.types.Scene, character: bpy.types.Object, uid: str) -> list[int]:
    """Frames of keys to which a strip that is dragged jumps: markers, the playhead, and other shots' ends."""
    from .scene_time import playhead, stretch

    found = [round(marker.frame / stretch(scene)) for marker in scene.timeline_markers]
    found.append(playhead(scene))
    for shot in character.motionlcm.shots:
        if shot.uid != uid:
            found += [shot.first, shot.last]
    return found


def apply(character: bpy.types.Object, index: int, part: str, first: int, last: int) -> None:
    """Give a shot the frames it was dragged to; what follows is moved along."""
    shot = character.motionlcm.shots[index]
    if part == strip_layout.BODY:
        shot.first = first  # it is moved as a whole
    else:
        shots.arrange(character, index, first, last)


class MOTIONLCM_OT_drag_strip(bpy.types.Operator):
    """Drag a shot to move it, or one of its ends to make it longer or shorter; it jumps to markers, Ctrl stops that"""

    bl_idname = "motionlcm.drag_strip"
    bl_label = "Drag Shot"
    bl_options = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shots.active_shot(context.scene.motionlcm.character) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        global drag
        found = found_under(context, event)
        if found is None:
            return {"PASS_THROUGH"}
        character = context.scene.motionlcm.character
        index, part = found
        shot = character.motionlcm.shots[index]
        drag = Drag(character.session_uid, shot.uid, part, shot.first, shot.last)
        self.begin, self.x, self.moved = (shot.first, shot.last), event.mouse_region_x, False
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        character = context.scene.motionlcm.character
        index = -1
        if character is not None and drag is not None and character.session_uid == drag.character:
            index = shots.index_of(character, drag.uid)
        if drag is None or index < 0:  # undone, deleted, or another file
            return self._end(context, {"CANCELLED"})
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            return self._end(context, {"CANCELLED"})
        if event.type == "MOUSEMOVE":
            self._move(context, event, character)
            return {"RUNNING_MODAL"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            first, last, part = drag.first, drag.last, drag.part
            changed = (first, last) != self.begin
            chosen = character.motionlcm.shot_index != index
            character.motionlcm.shot_index = index
            if changed:
                apply(character, index, part, first, last)
            return self._end(context, {"FINISHED"} if changed or chosen else {"CANCELLED"})
        return {"RUNNING_MODAL"}

    def _move(self, context: bpy.types.Context, event: bpy.types.Event, character: bpy.types.Object) -> None:
        assert drag is not None
        away = event.mouse_region_x - self.x
        self.moved = self.moved or abs(away) > THRESHOLD
        if not self.moved:
            return
        place, scale = to_pixels(context), context.preferences.system.ui_scale
        each = place(1.0) - place(0.0)
        by = round(away / max(each, 1e-6))
        if not event.ctrl:
            near = targets(context.scene, character, drag.uid)
            by = strip_layout.snap_drag(drag.part, *self.begin, by, near, each, scale)
        drag.first, drag.last = strip_layout.dragged(drag.part, *self.begin, by)
        rate = shots.rate_of(context.scene)
        told = iface_("Frames {first} to {last}, {seconds:.1f} s. Ctrl: do not snap, Esc: leave it")
        seconds = (drag.last - drag.first) / rate
        context.area.header_text_set(told.format(first=drag.first, last=drag.last, seconds=seconds))
        context.area.tag_redraw()

    def _end(self, context: bpy.types.Context, how: set[str]) -> set[str]:
        global drag
        drag = None
        if context.area is not None:
            context.area.header_text_set(None)
        jobs.redraw()
        return how


class MOTIONLCM_OT_edit_strip(bpy.types.Operator):
    """Change the prompt of the shot that was double-clicked; Enter takes it"""

    bl_idname = "motionlcm.edit_strip"
    bl_label = "Prompt of Shot"
    bl_options = {"UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty(name="Prompt", description="What the character does in this shot, in English")
    at_once: bpy.props.BoolProperty(
        name="Generate", description="Make the shot as soon as the prompt is changed", default=True
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shots.active_shot(context.scene.motionlcm.character) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found = found_under(context, event)
        if found is None:
            return {"PASS_THROUGH"}
        listed = context.scene.motionlcm.character.motionlcm
        listed.shot_index = found[0]
        self.prompt = listed.shots[found[0]].prompt
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column()
        column.activate_init = True
        column.prop(self, "prompt", text="")
        column.prop(self, "at_once")

    def execute(self, context: bpy.types.Context) -> set[str]:
        shot = shots.active_shot(context.scene.motionlcm.character)
        if shot is None:
            return {"CANCELLED"}
        if shot.prompt != self.prompt:
            shot.prompt = self.prompt
        if self.at_once and shots.to_make(shot):
            bpy.ops.motionlcm.generate_shot()
        return {"FINISHED"}


class MOTIONLCM_MT_strip(bpy.types.Menu):
    """What can be done with the shot under the mouse."""

    bl_idname = "MOTIONLCM_MT_strip"
    bl_label = "Shot"

    def draw(self, context: bpy.types.Context) -> None:
        layout, shot = self.layout, shots.active_shot(context.scene.motionlcm.character)
        if shot is None:
            return
        layout.label(text=shot.name, translate=False)
        layout.operator("motionlcm.generate_shot", icon="PLAY")
        layout.operator("motionlcm.generate_shots", icon="FILE_REFRESH")
        layout.separator()
        layout.prop(shot, "locked")
        layout.operator("motionlcm.show_shot")
        layout.separator()
        layout.operator("motionlcm.split_shot")
        layout.operator("motionlcm.join_shots")
        layout.operator("motionlcm.duplicate_shot", icon="DUPLICATE")
        layout.operator("motionlcm.remove_shot", icon="X")


class MOTIONLCM_OT_strip_menu(bpy.types.Operator):
    """Choose the shot under the mouse and offer what can be done with it"""

    bl_idname = "motionlcm.strip_menu"
    bl_label = "Shot Menu"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shots.active_shot(context.scene.motionlcm.character) is not None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found = found_under(context, event)
        if found is None:
            return {"PASS_THROUGH"}
        context.scene.motionlcm.character.motionlcm.shot_index = found[0]
        bpy.ops.wm.call_menu(name=MOTIONLCM_MT_strip.bl_idname)
        return {"FINISHED"}


CLASSES = (MOTIONLCM_OT_drag_strip, MOTIONLCM_OT_edit_strip, MOTIONLCM_MT_strip, MOTIONLCM_OT_strip_menu)
