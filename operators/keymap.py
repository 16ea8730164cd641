"""Keys of this extension; they can be changed in the preferences, like Blender's own."""

from __future__ import annotations

import bpy

STEPS = (("PAGE_DOWN", 1), ("PAGE_UP", -1))
_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def attach() -> None:
    keys = bpy.context.window_manager.keyconfigs.addon if bpy.context.window_manager is not None else None
    if keys is None:  # without a window there are no keys
        return
    map_ = keys.keymaps.new(name="3D View", space_type="VIEW_3D")
    for key, step in STEPS:
        item = map_.keymap_items.new("motionlcm.step_take", key, "PRESS")
        item.properties.step = step
        _items.append((map_, item))


def detach() -> None:
    for map_, item in _items:
        map_.keymap_items.remove(item)
    _items.clear()
