"""The extension's keys, which the user can change in the preferences like Blender's own."""

from __future__ import annotations

from dataclasses import dataclass, field

import bpy


@dataclass(frozen=True)
class Key:
    """One key: its keymap in Blender, its operator, and the operator's properties."""

    keymap: str
    space: str
    operator: str
    type: str
    value: str = "PRESS"
    held: tuple[str, ...] = ()
    settings: dict[str, object] = field(default_factory=dict)


VIEW, SHEET = ("3D View", "VIEW_3D"), ("Dopesheet", "DOPESHEET_EDITOR")
"""Keymap names and space types; Blender's timeline has the space type of the dope sheet."""
MARKERS = ("Markers", "EMPTY")
"""The keymap that receives events at the bottom of the timeline first, with or without markers."""
CTRL_ALT, SHIFT_CTRL_ALT = ("ctrl", "alt"), ("shift", "ctrl", "alt")
KEYS: tuple[Key, ...] = (
    Key(*VIEW, "motionlcm.step_take", "PAGE_DOWN", settings={"step": 1}),
    Key(*VIEW, "motionlcm.step_take", "PAGE_UP", settings={"step": -1}),
    Key(*VIEW, "motionlcm.generate", "M", held=CTRL_ALT),
    Key(*VIEW, "motionlcm.generate_shot", "M", held=SHIFT_CTRL_ALT),
    Key(*VIEW, "motionlcm.star_take", "K", held=CTRL_ALT),
    Key(*VIEW, "motionlcm.accept_take", "Y", held=CTRL_ALT),
    Key(*SHEET, "motionlcm.generate", "M", held=CTRL_ALT),
    Key(*SHEET, "motionlcm.generate_shot", "M", held=SHIFT_CTRL_ALT),
    Key(*SHEET, "motionlcm.star_take", "K", held=CTRL_ALT),
    Key(*SHEET, "motionlcm.accept_take", "Y", held=CTRL_ALT),
    Key(*SHEET, "motionlcm.edit_shot_prompt", "LEFTMOUSE", "DOUBLE_CLICK"),
    Key(*SHEET, "motionlcm.drag_strip", "LEFTMOUSE"),
    Key(*SHEET, "motionlcm.shot_menu", "RIGHTMOUSE"),
    Key(*SHEET, "motionlcm.watch_strips", "MOUSEMOVE", "ANY"),
    Key(*MARKERS, "motionlcm.edit_shot_prompt", "LEFTMOUSE", "DOUBLE_CLICK"),
    Key(*MARKERS, "motionlcm.drag_strip", "LEFTMOUSE"),
    Key(*MARKERS, "motionlcm.shot_menu", "RIGHTMOUSE"),
    Key(*MARKERS, "motionlcm.watch_strips", "MOUSEMOVE", "ANY"),
)
"""All keys. Blender uses none of them in these editors or in all editors, except the mouse buttons, which are passed on
outside the strips."""
_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def register_properties() -> None:
    keys = bpy.context.window_manager.keyconfigs.addon if bpy.context.window_manager is not None else None
    if keys is None:  # Blender without a window has no keymaps
        return
    for key in KEYS:
        map_ = keys.keymaps.new(name=key.keymap, space_type=key.space)
        item = map_.keymap_items.new(key.operator, key.type, key.value, **dict.fromkeys(key.held, True))
        for name, value in key.settings.items():
            setattr(item.properties, name, value)
        _items.append((map_, item))


def unregister_properties() -> None:
    for map_, item in _items:
        map_.keymap_items.remove(item)
    _items.clear()


def as_used(
    keys: bpy.types.KeyConfig,
) -> list[tuple[Key, bpy.types.KeyMap | None, bpy.types.KeyMapItem | None]]:
    """The keys in the user's configuration: each with the user's keymap and its item there, None if the user removed
    it."""
    found: list[tuple[Key, bpy.types.KeyMap | None, bpy.types.KeyMapItem | None]] = []
    for key in KEYS:
        map_ = keys.keymaps.find(key.keymap, space_type=key.space)
        items = map_.keymap_items if map_ is not None else ()
        found.append((key, map_, next((item for item in items if _is(item, key)), None)))
    return found


def _is(item: bpy.types.KeyMapItem, key: Key) -> bool:
    if item.idname != key.operator:
        return False
    return all(getattr(item.properties, name, None) == value for name, value in key.settings.items())
