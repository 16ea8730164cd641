"""Handlers of Blender that note what changed, and the modal operators that run. The handlers note and return."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.app.handlers import persistent

from ..scene.handles import Handle, handle_of

DRAGS = ("TRANSFORM_OT_", "CURVE_OT_", "SCULPT_OT_", "SCULPT_CURVES_OT_", "OBJECT_OT_", "ANIM_OT_", "GRAPH_OT_",
         "ACTION_OT_", "MARKER_OT_", "VIEW3D_OT_cursor3d", "MESH_OT_")  # fmt: skip
"""Beginnings of the names of modal operators that change the scene until they end."""


class Watch:
    """What changed since the last look.

    Attributes:
        on: Whether changes are noted.
        ids: Session ids of the data-blocks that count.
        character: Session ids of the character and its armature data.
        changed: Whether something that counts changed.
        character_changed: Whether the character was moved, or its armature changed.
        reshaped: Session ids of the data-blocks whose shape changed.
        scene: The scene of the last change.
        history: "UNDO" or "REDO" after one of these, else empty.
        loaded: Whether another file was opened.
    """

    def __init__(self) -> None:
        self.on = False
        self.ids: frozenset[int] = frozenset()
        self.character: tuple[int, int] = (0, 0)
        self.changed = self.character_changed = self.loaded = False
        self.reshaped: set[int] = set()
        self.scene: Handle | None = None
        self.history = ""
        self.before_history: Callable[[], None] = _nothing
        """Called before undo and redo, to put back what no undo step holds."""
        self.before_load: Callable[[], None] = _nothing
        self.before_save: Callable[[], None] = _nothing

    def note(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        """Note the changes of one update."""
        character, armature = self.character
        for update in depsgraph.updates:
            uid = update.id.original.session_uid
            if uid in self.ids:
                self._mark(scene, update)
            elif uid == armature or (uid == character and update.is_updated_transform):
                self._mark(scene, update)
                self.character_changed = True

    def note_frame(self, scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
        """Note the changes of a new frame: while the timeline plays, Blender evaluates a drag together with the frame
        and reports no other update."""
        for update in depsgraph.updates:
            if update.id.original.session_uid in self.ids:
                self._mark(scene, update)

    def _mark(self, scene: bpy.types.Scene, update: bpy.types.DepsgraphUpdate) -> None:
        if update.is_updated_geometry:
            self.reshaped.add(update.id.original.session_uid)
        if not self.changed:
            self.changed, self.scene = True, handle_of(scene)


def _nothing() -> None:
    pass


watch = Watch()


def is_playing() -> bool:
    """Whether the timeline plays in any window."""
    manager = bpy.context.window_manager
    return any(window.screen.is_animation_playing for window in (manager.windows if manager is not None else ()))


def dragging() -> bool:
    """Whether a modal operator that changes the scene runs in any window."""
    manager = bpy.context.window_manager
    return any(
        operator.bl_idname.startswith(DRAGS)
        for window in (manager.windows if manager is not None else ())
        for operator in window.modal_operators
    )


@persistent
def _depsgraph_changed(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if watch.on:
        watch.note(scene, depsgraph)


@persistent
def _frame_changed(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if watch.on:
        watch.note_frame(scene, depsgraph)


@persistent
def _before_history(*_args: object) -> None:
    watch.before_history()


@persistent
def _undone(*_args: object) -> None:
    watch.history = "UNDO"


@persistent
def _redone(*_args: object) -> None:
    watch.history = "REDO"


@persistent
def _before_load(*_args: object) -> None:
    watch.before_load()


@persistent
def _loaded(*_args: object) -> None:
    watch.loaded, watch.history, watch.changed = True, "", False


@persistent
def _before_save(*_args: object) -> None:
    watch.before_save()


def listeners() -> tuple[tuple[list[object], object], ...]:
    """Blender's lists of handlers, and the handler in each."""
    handlers = bpy.app.handlers
    return (
        (handlers.depsgraph_update_post, _depsgraph_changed),
        (handlers.frame_change_post, _frame_changed),
        (handlers.undo_pre, _before_history),
        (handlers.redo_pre, _before_history),
        (handlers.undo_post, _undone),
        (handlers.redo_post, _redone),
        (handlers.load_pre, _before_load),
        (handlers.load_post, _loaded),
        (handlers.save_pre, _before_save),
    )


def start() -> None:
    """Add the handlers."""
    for handlers, function in listeners():
        if function not in handlers:
            handlers.append(function)


def stop() -> None:
    """Remove the handlers."""
    for handlers, function in listeners():
        if function in handlers:
            handlers.remove(function)
