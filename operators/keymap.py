"""Keys of this extension; they can be changed in the preferences, like Blender's own."""

from __future__ import annotations

import bpy

STEPS = (("PAGE_DOWN", 1), ("PAGE_UP", -1))
STRIPS = (
    ("motionlcm.drag_strip", "LEFTMOUSE", "PRESS"),
    ("motionlcm.edit_shot_prompt", "LEFTMOUSE", "DOUBLE_CLICK"),
    ("motionlcm.shot_menu", "RIGHTMOUSE", "PRESS"),
    ("motionlcm.watch_strips", "MOUSEMOVE", "ANY"),
)
"""What the mouse does to strips of shots; beside them each of these passes the event on."""
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
    # At the bottom of the region Blender asks the keys of markers first, whether there are markers or not.
    for name, space in (("Dopesheet", "DOPESHEET_EDITOR"), ("Markers", "EMPTY")):
        map_ = keys.keymaps.new(name=name, space_type=space)
        for operator, kind, value in STRIPS:
            _items.append((map_, map_.keymap_items.new(operator, kind, value)))


def detach() -> None:
    for map_, item in _items:
        map_.keymap_items.remove(item)
    _items.clear()
