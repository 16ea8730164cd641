"""A contact sheet: all takes at once in the viewport, as ghosts that move with the timeline. A click chooses a take."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import logging
import time
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..armature import take_properties
from ..scene import handles, messages, playback, viewports
from ..scene.evaluation import is_in_scene
from . import active_take, takes
from .contact_sheet_state import ContactSheetState, Sheet, Shown

log = logging.getLogger(__name__)

ARRANGEMENTS = (
    ("SIDE", "Side by Side", "Show the takes in a row beside the character"),
    ("PLACE", "In Place", "Show each take at its own location and in its own colour"),
)
PATIENCE = 0.1
"""Shortest time in seconds between two checks for changes."""


# The interface to takes: the takes to show, and the effect of a click.


def listed(context: bpy.types.Context) -> list[bpy.types.Action]:
    """The takes to show, in the order of the panel; none while Live shows a preview, in which no take can be chosen."""
    chosen = context.scene.motionlcm
    return takes.shown_takes(chosen.character, chosen.take_sort) if chosen_one(context) is not None else []


def chosen_one(context: bpy.types.Context) -> bpy.types.Action | None:
    """The character's active take."""
    return active_take.present_take(context.scene.motionlcm.character)


def choose(context: bpy.types.Context, action: bpy.types.Action) -> None:
    """Make a take active, as one undo step."""
    if action == chosen_one(context):
        return
    try:
        takes.show(context.scene.motionlcm.character, action)
    except Exception as error:  # noqa: BLE001  each exception becomes a sentence; the sheet stays open
        messages.show_message(messages.sentence_for(error), error=True)
        return
    messages.show_message(f"{action.name}.")
    playback.push_undo("Show Take")


_state: ContactSheetState | None = None


def get() -> ContactSheetState:
    """The contact sheet of this Blender, available after registration."""
    assert _state is not None, "the extension is not registered"
    return _state


def arrangement() -> str:
    """The arrangement of the open sheet; empty if no sheet is open."""
    sheet = get().open
    return sheet.arrangement if sheet is not None else ""


def open_sheet(context: bpy.types.Context, arranged: str) -> Sheet | None:
    """Open the sheet; an open sheet gets the new arrangement. None if there are no takes.

    Raises InvalidRequest if the object is no character.
    """
    from . import contact_sheet_drawing

    state = get()
    character = context.scene.motionlcm.character
    if chosen_one(context) is None:
        close()
        return None
    axis = contact_sheet_drawing.row_axis(context)
    sheet = state.open
    if sheet is not None:
        sheet.arrangement, sheet.axis, sheet.stale, sheet.edited = arranged, axis, True, None
        sheet.shown = []
    else:
        sheet = Sheet(arranged, handles.handle_of(context.scene), handles.handle_of(character), axis)
        state.open = sheet
    try:
        if not refresh(context, sheet):
            close()
            return None
    except Exception:
        close()
        raise
    if not sheet.handles and not bpy.app.background:
        sheet.handles = contact_sheet_drawing.add_handlers(sheet)
    if _on_change not in bpy.app.handlers.depsgraph_update_post:
        bpy.app.handlers.depsgraph_update_post.append(_on_change)
    messages.redraw()
    return sheet


def close() -> None:
    """Close the sheet, if one is open."""
    state = get()
    sheet, state.open = state.open, None
    if sheet is None:
        return
    for handle in sheet.handles:
        bpy.types.SpaceView3D.draw_handler_remove(handle, "WINDOW")
    sheet.handles.clear()
    if _on_change in bpy.app.handlers.depsgraph_update_post:
        bpy.app.handlers.depsgraph_update_post.remove(_on_change)
    messages.redraw()


def refresh(context: bpy.types.Context, sheet: Sheet) -> bool:
    """Update the sheet to the current takes; returns whether there is still a take."""
    from . import ghosts

    scene = context.scene
    character = scene.motionlcm.character
    if sheet.broken or scene.session_uid != sheet.scene.session_uid or character is None:
        return False
    if character.session_uid != sheet.character.session_uid or not is_in_scene(scene, character):
        return False
    actions, present = listed(context), chosen_one(context)
    if not actions:
        return False
    # An open sheet keeps its order; pressing the button again applies the order of the panel.
    places = {each.uid: place for place, each in enumerate(sheet.shown)}
    actions.sort(key=lambda action: places.get(action.session_uid, len(places)))
    uids = tuple(action.session_uid for action in actions)
    if sheet.stale or uids != tuple(each.uid for each in sheet.shown):
        sheet.ghosts = ghosts.ghosts_of(actions, character, scene, get().ghosts, sheet.edited)
        _arrange(sheet)
        sheet.version += 1
        sheet.hovered = None if uids != tuple(each.uid for each in sheet.shown) else sheet.hovered
    sheet.stale, sheet.edited = False, set()
    get().assign_colours(uids)
    shown = [_shown(action, present) for action in actions]
    if shown != sheet.shown:
        sheet.shown = shown
        messages.redraw()
    return True


def _arrange(sheet: Sheet) -> None:
    import numpy as np

    from . import ghost_shapes

    sheet.size = float(np.median([ghost_shapes.size_of(ghost.joints[0]) for ghost in sheet.ghosts]))
    if sheet.arrangement == "PLACE":
        sheet.offsets = np.zeros((len(sheet.ghosts), 3))
        return
    first = min(ghost.first for ghost in sheet.ghosts)
    last = max(ghost.first + ghost.step * (len(ghost.joints) - 1) for ghost in sheet.ghosts)
    moments = np.linspace(first, last, min(int(last - first) + 2, 200))
    tracks = [np.array([ghost.at(moment) for moment in moments]) for ghost in sheet.ghosts]
    sheet.offsets = ghost_shapes.row_offsets(tracks, sheet.axis, (ghost_shapes.GAP + 0.1) * sheet.size)


def _shown(action: bpy.types.Action, present: bpy.types.Action | None) -> Shown:
    made = take_properties.read(action)
    measures = (
        (made.path_mean_cm, "Path error {:.1f} cm"),
        (made.pin_max_cm, "Pin error {:.1f} cm at most"),
        (made.facing_off_deg, "Facing error {:.0f}°"),
        (made.drag_cm, "Worst foot drag {:.0f} cm"),
        (made.below_floor_cm, "Feet below floor {:.1f} cm"),
        (None if made.energy_share is None else 100.0 * made.energy_share, "Energy {:.0f} % of captured"),
        (made.foot_skate_cm_s if made.drag_cm is None else None, "Foot skate {:.1f} cm/s"),
    )
    starred = made.starred
    facts = [action.name, f"Seed {made.seed}" + (", starred" if starred else "")]
    facts += [text.format(value) for value, text in measures if value is not None]
    label = takes.label(action, present)
    return Shown(action.session_uid, get().colours[action.session_uid], label, tuple(facts), starred, action == present)


@persistent
def _on_change(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Mark the sheet as stale after a change of keys or of the character's place. Changes during playback are
    ignored."""
    sheet = get().open
    if sheet is None:
        return
    for update in depsgraph.updates:
        if isinstance(update.id, bpy.types.Action):
            sheet.stale = True
            if sheet.edited is not None:
                sheet.edited.add(update.id.original.session_uid)
        elif isinstance(update.id, bpy.types.Object):
            sheet.stale |= update.id.original.session_uid == sheet.character.session_uid


@persistent
def _on_undo(*_: object) -> None:
    sheet = get().open
    if sheet is not None:
        sheet.stale, sheet.edited = True, None


@persistent
def _on_load(*_: object) -> None:
    global _state
    close()
    _state = ContactSheetState()


def register_properties() -> None:
    global _state
    _state = ContactSheetState()
    handlers = bpy.app.handlers
    handlers.undo_post.append(_on_undo)
    handlers.redo_post.append(_on_undo)
    handlers.load_pre.append(_on_load)


def unregister_properties() -> None:
    global _state
    if _state is not None:
        close()
    _state = None
    handlers = bpy.app.handlers
    for listening, function in (
        (handlers.undo_post, _on_undo),
        (handlers.redo_post, _on_undo),
        (handlers.load_pre, _on_load),
    ):
        if function in listening:
            listening.remove(function)


class MOTIONLCM_OT_contact_sheet(bpy.types.Operator):
    """Show all takes at once in the viewport. Click a take to choose it"""

    bl_idname = "motionlcm.contact_sheet"
    bl_label = "Contact Sheet"
    bl_options = {"REGISTER"}  # no undo step here: choosing a take makes its own

    arrangement: bpy.props.EnumProperty(
        name="Arrangement", description="Arrangement of the takes in the viewport", items=ARRANGEMENTS, default="SIDE"
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        arrangement = next(text for name, _, text in ARRANGEMENTS if name == properties.arrangement)
        return f"{arrangement}. Press the button again, Esc or Enter to close"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return arrangement() != "" or chosen_one(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        before = get().open
        if before is not None and before.arrangement == self.arrangement:
            close()
            return {"FINISHED"}
        try:
            sheet = open_sheet(context, self.arrangement)
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence
            messages.show_message(messages.sentence_for(error), error=True)
            self.report({"WARNING"}, messages.status.message)
            return {"CANCELLED"}
        if sheet is None:
            return {"CANCELLED"}
        if before is not None or bpy.app.background or context.window is None:
            return {"FINISHED"}  # the operator that opened the sheet continues
        self._sheet, self._clicked = sheet, False
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        sheet = self._sheet
        if get().open is not sheet:
            return {"FINISHED", "PASS_THROUGH"}
        try:
            return self._heard(context, event, sheet)
        except Exception:
            log.exception("The contact sheet was closed")
            close()
            return {"CANCELLED", "PASS_THROUGH"}

    def _heard(self, context: bpy.types.Context, event: bpy.types.Event, sheet: Sheet) -> set[str]:
        from . import contact_sheet_drawing

        now = time.monotonic()
        if sheet.broken or now > sheet.looked + PATIENCE or (event.type == "LEFTMOUSE" and event.value == "PRESS"):
            sheet.looked = now
            if not refresh(context, sheet):
                close()
                return {"FINISHED", "PASS_THROUGH"}
        if self._clicked and event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self._clicked = False
            return {"RUNNING_MODAL"}
        keys = event.type in ("ESC", "RET", "NUMPAD_ENTER") and event.value == "PRESS"
        clicks = event.type == "LEFTMOUSE" and event.value == "PRESS"
        if not keys and not clicks and event.type != "MOUSEMOVE":
            return {"PASS_THROUGH"}
        found = viewports.viewport_under(context.window, event.mouse_x, event.mouse_y)
        if keys and found is not None:
            close()
            return {"FINISHED"}
        under = None
        if found is not None:
            under = contact_sheet_drawing.ghost_under(sheet, context.scene, *found, event.mouse_x, event.mouse_y)
        if under != sheet.hovered:
            sheet.hovered = under
            messages.redraw()
        if not clicks or under is None or event.alt or event.ctrl or event.shift:
            return {"PASS_THROUGH"}
        uid = sheet.shown[under].uid
        choose(context, next(action for action in listed(context) if action.session_uid == uid))
        refresh(context, sheet)
        self._clicked = True
        return {"RUNNING_MODAL"}

    def cancel(self, _context: bpy.types.Context) -> None:
        """Blender stops the operator: another file was opened, or the window was closed."""
        if get().open is self._sheet:
            close()


CLASSES = (MOTIONLCM_OT_contact_sheet,)
