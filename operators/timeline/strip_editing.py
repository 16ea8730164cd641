"""Strips of shots under the mouse, in the timeline and the dope sheet: choose, drag, edit the prompt, open the menu.

`strip_layout` computes their places, `ui.shot_strips` draws them. Events outside the strips are passed on to Blender.
"""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import logging
import time

import bpy

from ..scene import scene_time, shot_lookup
from ..shots import nla_track, shot_frames, shot_list
from ..shots.shot_frames import BODY, LEFT, RIGHT
from . import strip_layout, strip_view
from .strip_layout import Hit
from .strip_view import (
    character_of,
    edges_of,
    frames_of,
    is_shown,
    owner_of,
    redraw,
    snap_targets,
    under_mouse,
    view_of,
)

log = logging.getLogger(__name__)

THRESHOLD = 3.0
"""Pixels at scale 1 by which the mouse must move to drag."""
REST_S = 1.5
"""Seconds that a strip stays highlighted under a resting mouse; Blender sends no event when the mouse leaves the
region."""


def retime(character: bpy.types.Object, index: int, part: str, by: int) -> None:
    """Apply a drag of a part of a shot by this number of frames."""
    listed = character.motionlcm.shots
    old = [(shot.first, shot.last) for shot in listed]
    locked = [shot.locked for shot in listed]
    new = shot_frames.dragged(old, index, part, by, locked)
    if not shot_frames.is_seam(old, index, part, locked):
        shot_list.arrange(character, index, *new[index])
        return
    for number in (index - 1, index):
        shot_list.set_frames(listed[number], *new[number])
        listed[number].stale, listed[number].entry = True, False
    shot_list.mark_stale(shot_list.after(character, index))
    nla_track.lay(character)


class _OnStrips:
    """Base of operators that need a region with strips."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return is_shown(context)


class MOTIONLCM_OT_choose_shot(bpy.types.Operator):
    """Choose a shot and its character"""

    bl_idname = "motionlcm.choose_shot"
    bl_label = "Choose Shot"
    bl_options = {"UNDO", "INTERNAL"}

    character: bpy.props.StringProperty(name="Character", description="Armature that the shot belongs to")
    index: bpy.props.IntProperty(name="Shot", description="Index of the shot in the list", default=0, min=0)
    owner: bpy.props.IntProperty(options={"HIDDEN", "SKIP_SAVE"}, default=0)  # the session id, instead of the name

    def execute(self, context: bpy.types.Context) -> set[str]:
        objects = context.scene.objects
        obj = character_of(context.scene, self.owner) if self.owner else objects.get(self.character)
        if obj is None or not self.index < len(obj.motionlcm.shots):
            return {"CANCELLED"}
        if context.scene.motionlcm.character != obj:
            context.scene.motionlcm.character = obj
        obj.motionlcm.shot_index = self.index
        redraw(context)
        return {"FINISHED"}


class MOTIONLCM_OT_retime_shot(shot_list.OnShots, bpy.types.Operator):
    """Move the chosen shot or one of its ends in time. Later shots move along; shots never overlap"""

    bl_idname = "motionlcm.retime_shot"
    bl_label = "Retime Shot"
    bl_options = {"UNDO"}  # not REGISTER: the panel "Adjust Last Operation" would cover the strips

    part: bpy.props.EnumProperty(
        name="Part",
        description="Part of the shot to move",
        items=(
            (BODY, "Shot", "Move the whole shot"),
            (LEFT, "Start", "Start of the shot, together with the end of an adjoining previous shot"),
            (RIGHT, "End", "End of the shot"),
        ),
    )
    by: bpy.props.IntProperty(
        name="Frames", description="Number of frames to move by. A negative number moves to earlier frames", default=0
    )

    def perform(self, context: bpy.types.Context) -> None:
        character, _, index = self.chosen(context)
        retime(character, index, self.part, self.by)
        redraw(context)


class MOTIONLCM_OT_drag_strip(_OnStrips, bpy.types.Operator):
    """Click a strip to choose its shot. Drag a strip or its end to move it. Ctrl disables snapping"""

    bl_idname = "motionlcm.drag_strip"
    bl_label = "Choose or Drag Shot"
    bl_options = {"INTERNAL"}  # other operators do the edit, with their own undo step

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found = under_mouse(context, event.mouse_region_x, event.mouse_region_y)
        if found is None:
            return {"PASS_THROUGH"}
        self._owner, hit = found
        self._index, self._part = hit.shot, hit.part
        self._at = (event.mouse_region_x, event.mouse_region_y)
        self._frame = view_of(context).frame(event.mouse_region_x)
        character = character_of(context.scene, self._owner)
        if character is None:
            return {"PASS_THROUGH"}
        self._frames = frames_of(character)
        self._mine = self._owner == owner_of(context.scene.motionlcm.character)
        self._moving, self._by = False, 0
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        character = character_of(context.scene, self._owner)
        if character is None or not self._index < len(character.motionlcm.shots):
            return self._end(context, {"CANCELLED"})
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            return self._end(context, {"CANCELLED"})
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._end(context, set())
            self._apply(context, character)
            return {"FINISHED"}
        if event.type == "MOUSEMOVE" or "CTRL" in event.type:
            self._drag(context, event, character)
        elif event.type in {"MIDDLEMOUSE", "WHEELUPMOUSE", "WHEELDOWNMOUSE", "TRACKPADPAN", "TRACKPADZOOM"}:
            return {"PASS_THROUGH"}  # the view may move in the meantime
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        self._end(context, set())

    def _drag(self, context: bpy.types.Context, event: bpy.types.Event, character: bpy.types.Object) -> None:
        view = view_of(context)
        if abs(event.mouse_region_x - self._at[0]) > THRESHOLD * view.unit:
            self._moving = self._mine
        if not self._moving:
            return
        by = view.frame(event.mouse_region_x) - self._frame
        self._by = round(by)
        if not event.ctrl:
            targets = snap_targets(context.scene, character, self._index)
            reach = strip_layout.REACH * view.unit / (view.scale * view.stretch)
            self._by = shot_frames.snapped(by, edges_of(self._frames, self._index, self._part), targets, reach)
        locked = [shot.locked for shot in character.motionlcm.shots]
        state = strip_view.get()
        state.preview = shot_frames.dragged(self._frames, self._index, self._part, self._by, locked)
        state.dragged, state.dragged_shot = character.session_uid, self._index
        context.area.header_text_set(self._drag_text(context, character))
        redraw(context)

    def _drag_text(self, context: bpy.types.Context, character: bpy.types.Object) -> str:
        first, last = strip_view.get().preview[self._index]
        seconds = (last - first) / scene_time.rate_of(context.scene)
        shot = character.motionlcm.shots[self._index]
        kept = "locked: length fixed  |  " if shot.locked and self._part != BODY else ""
        return (
            f"{shot.name}: frames {first} to {last}, {seconds:.2f} s  |  {kept}"
            "Ctrl: do not snap to playhead, markers and other shots  |  Esc, right mouse button: cancel"
        )

    def _apply(self, context: bpy.types.Context, character: bpy.types.Object) -> None:
        """Make one undo step: for the drag, or for the choice if no drag happened."""
        chosen = self._mine and character.motionlcm.shot_index == self._index
        if self._moving and self._by:
            character.motionlcm.shot_index = self._index
            bpy.ops.motionlcm.retime_shot("EXEC_DEFAULT", True, part=self._part, by=self._by)
        elif not chosen:
            bpy.ops.motionlcm.choose_shot(
                "EXEC_DEFAULT", True, character=character.name, owner=self._owner, index=self._index
            )

    def _end(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        state = strip_view.get()
        state.dragged, state.dragged_shot, state.preview = 0, -1, []
        if context.area is not None:
            context.area.header_text_set(None)
        redraw(context)
        return result


class MOTIONLCM_OT_watch_strips(_OnStrips, bpy.types.Operator):
    """Highlight the strip, or the end of a strip, under the mouse"""

    bl_idname = "motionlcm.watch_strips"
    bl_label = "Highlight Shot"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found = under_mouse(context, event.mouse_region_x, event.mouse_region_y)
        state = strip_view.get()
        if found != state.over:
            state.over, state.over_region = found, context.region.as_pointer()
            redraw(context)
        state.over_until = time.monotonic() + REST_S
        if found is not None and not bpy.app.timers.is_registered(_at_rest):
            bpy.app.timers.register(_at_rest, first_interval=REST_S)
        return {"PASS_THROUGH"}


def _at_rest() -> float | None:
    state = strip_view.get()
    left = state.over_until - time.monotonic()
    if state.over is None or left > 0.0:
        return None if state.over is None else left + 0.01
    state.over = None
    redraw(bpy.context)
    return None


class MOTIONLCM_OT_edit_shot_prompt(_OnStrips, bpy.types.Operator):
    """Edit the prompt of the shot under the mouse"""

    bl_idname = "motionlcm.edit_shot_prompt"
    bl_label = "Edit Prompt of Shot"
    bl_options = {"INTERNAL"}  # the text field makes the undo step

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found = under_mouse(context, event.mouse_region_x, event.mouse_region_y)
        if found is None:
            return {"PASS_THROUGH"}
        choose(context, *found)
        bpy.ops.wm.call_panel(name="MOTIONLCM_PT_shot_prompt", keep_open=False)
        return {"FINISHED"}


class MOTIONLCM_OT_shot_menu(_OnStrips, bpy.types.Operator):
    """Open the menu of the shot under the mouse"""

    bl_idname = "motionlcm.shot_menu"
    bl_label = "Shot Menu"
    bl_options = {"INTERNAL"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        found = under_mouse(context, event.mouse_region_x, event.mouse_region_y)
        if found is None:
            return {"PASS_THROUGH"}
        choose(context, *found)
        bpy.ops.wm.call_menu(name="MOTIONLCM_MT_shot")
        return {"FINISHED"}


def choose(context: bpy.types.Context, owner: int, hit: Hit) -> None:
    """Choose the shot of a strip, without an undo step."""
    obj = character_of(context.scene, owner)
    if obj is None:
        return
    if context.scene.motionlcm.character != obj:
        context.scene.motionlcm.character = obj
    obj.motionlcm.shot_index = hit.shot


def edited_prompt(settings: bpy.types.PropertyGroup) -> str:
    """The chosen shot's prompt, as shown in the field over its strip."""
    shot = shot_lookup.active_shot(settings.character)
    return shot.prompt if shot is not None else ""


def set_edited_prompt(settings: bpy.types.PropertyGroup, prompt: str) -> None:
    """Set the prompt that was typed over a strip, and generate the shot if that option is on."""
    shot = shot_lookup.active_shot(settings.character)
    if shot is None:
        return
    if prompt != shot.prompt:
        shot.prompt = prompt
    if settings.generate_at_once:
        if bpy.app.background:
            _generate()
        elif not bpy.app.timers.is_registered(_generate):
            bpy.app.timers.register(_generate, first_interval=0.05)  # after Blender has made its undo step


def _generate() -> None:
    try:
        if bpy.ops.motionlcm.generate_shot.poll():
            bpy.ops.motionlcm.generate_shot()
    except RuntimeError as error:  # the panel shows the error already
        log.info("%s", error)


def unregister_properties() -> None:
    for timer in (_generate, _at_rest):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)


CLASSES = (
    MOTIONLCM_OT_choose_shot, MOTIONLCM_OT_retime_shot, MOTIONLCM_OT_drag_strip, MOTIONLCM_OT_watch_strips,
    MOTIONLCM_OT_edit_shot_prompt, MOTIONLCM_OT_shot_menu,
)  # fmt: skip
