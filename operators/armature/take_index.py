"""The Actions of each character, from one scan of the file that redraws reuse."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from . import character_lookup, take_properties

ActionKey = tuple[str, str | None]
"""Name and library path, None for a local Action: Blender finds an Action by this pair."""


class TakeIndex:
    """The names of the generated Actions by the identity of their character.

    Panels and polls run on each redraw and must not scan all Actions of the file. The index is built on the first
    access and again after Blender reports a change of Actions, after undo, redo and loading, and when the number of
    Actions changed. Every access resolves the names, so it never returns a removed Action.
    """

    def __init__(self) -> None:
        self._names: dict[str, tuple[ActionKey, ...]] | None = None
        self._count = -1
        self.objects = -1
        """Number of objects at the last search for copies of characters."""

    def invalidate(self) -> None:
        """Scan the file again on the next access."""
        self._names = None

    def actions_of(self, character_id: str) -> list[bpy.types.Action]:
        """The generated Actions of a character, in no order."""
        return self._resolved(character_id) if character_id else []

    def any_generated(self) -> bool:
        """Whether this file has a generated Action."""
        return bool(self._current())

    def _current(self) -> dict[str, tuple[ActionKey, ...]]:
        if self._names is None or self._count != len(bpy.data.actions):
            self._names, self._count = self._scan(), len(bpy.data.actions)
        return self._names

    def _scan(self) -> dict[str, tuple[ActionKey, ...]]:
        found: dict[str, list[ActionKey]] = {}
        for action in bpy.data.actions:
            if take_properties.PROMPT.is_on(action):
                key = action.name, None if action.library is None else action.library.filepath
                found.setdefault(take_properties.CHARACTER.read(action), []).append(key)
        return {character_id: tuple(keys) for character_id, keys in found.items()}

    def _resolved(self, character_id: str) -> list[bpy.types.Action]:
        for _ in range(2):
            found = [bpy.data.actions.get(key) for key in self._current().get(character_id, ())]
            known = [a for a in found if a is not None and take_properties.CHARACTER.read(a) == character_id]
            if len(known) == len(found):
                break
            self.invalidate()  # renamed, or removed and replaced
        return known


_index: TakeIndex | None = None


def get() -> TakeIndex:
    """The index of this Blender, available after registration."""
    assert _index is not None, "the extension is not registered"
    return _index


@persistent
def _on_depsgraph_update(_scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if depsgraph.id_type_updated("ACTION"):
        get().invalidate()
    if get().objects != len(bpy.data.objects):  # a copy of a character has the identity of the original
        get().objects = len(bpy.data.objects)
        character_lookup.separate_copies()


@persistent
def _on_file_change(*_: object) -> None:
    get().invalidate()
    get().objects = -1


def _listeners() -> tuple[tuple[list[object], object], ...]:
    handlers = bpy.app.handlers
    return (
        (handlers.depsgraph_update_post, _on_depsgraph_update),
        (handlers.undo_post, _on_file_change),
        (handlers.redo_post, _on_file_change),
        (handlers.load_post, _on_file_change),
    )


def register_properties() -> None:
    global _index
    _index = TakeIndex()
    for handlers, function in _listeners():
        handlers.append(function)


def unregister_properties() -> None:
    global _index
    for handlers, function in _listeners():
        if function in handlers:
            handlers.remove(function)
    _index = None
