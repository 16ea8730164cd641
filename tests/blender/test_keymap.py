"""Keys of the extension: free in Blender's own keymap, shown in the preferences, gone when it is switched off."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import addon_utils
import bpy
import pytest

from tests.blender.support import EXTENSION, add_character, generate, part, settings
from tests.blender.test_panels import Layout, wide_region

EVERYWHERE = ("Window", "Screen", "Screen Editing", "User Interface", "Frames", "Animation", "View2D", "Markers")
NEIGHBOURS = {
    "3D View": ("3D View", "3D View Generic", "Object Mode", "Object Non-modal", "Pose", "Armature", "Curve", "Mesh"),
    "Markers": (),
    "Dopesheet": ("Dopesheet", "Dopesheet Generic", "Animation Channels", "Timeline"),
}
"""Keymaps of Blender that are searched in the same editor."""
MOUSE = ("LEFTMOUSE", "RIGHTMOUSE")
HELD = ("shift", "ctrl", "alt", "oskey")


def table():
    return part("operators.setup.keymap").KEYS


def blenders_own(name: str) -> list[tuple[str, str, dict]]:
    """(keymap, operator, event) of one of Blender's own keymaps, which is there as data only without a window."""
    folder = Path(bpy.utils.preset_paths("keyconfig")[0]) / "keymap_data"
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    maps = module.generate_keymaps(module.Params()) if name == "blender_default" else module.generate_keymaps()
    return [(map_name, item[0], item[1]) for map_name, _, content in maps for item in content["items"]]


@pytest.mark.parametrize("name", ["blender_default", "industry_compatible_data"])
def test_no_key_is_one_of_blenders_own(name):
    own = blenders_own(name)
    assert len(own) > 2000
    for key in table():
        if key.type in MOUSE:
            continue  # it passes on what is not over a strip: see test_strips
        for map_name, operator, event in own:
            if map_name not in EVERYWHERE + NEIGHBOURS[key.keymap] or event["type"] != key.type:
                continue
            if key.type.startswith("PAGE") and map_name == "Animation Channels":
                continue
            same = all(bool(event.get(held)) == (held in key.held) for held in HELD)
            assert not (same or event.get("any")), f"{key} is {operator} in {map_name}"


def test_no_key_is_there_twice_and_all_are_of_known_editors():
    assert len({(key.keymap, key.type, key.value, key.held) for key in table()}) == len(table())
    for key in table():
        assert key.keymap in NEIGHBOURS and key.operator.split(".")[1] in dir(bpy.ops.motionlcm)


def in_addon_keys() -> list[str]:
    keymaps = bpy.context.window_manager.keyconfigs.addon.keymaps
    return [item.idname for map_ in keymaps for item in map_.keymap_items if item.idname.startswith("motionlcm.")]


def test_keys_come_and_go_with_the_extension():
    assert len(in_addon_keys()) == len(table())
    addon_utils.disable(EXTENSION)
    assert in_addon_keys() == []
    addon_utils.enable(EXTENSION, default_set=True)
    assert len(in_addon_keys()) == len(table())


def test_preferences_show_each_key_as_the_user_has_it():
    configurations = bpy.context.window_manager.keyconfigs
    configurations.update()
    found = part("operators.setup.keymap").as_used(configurations.user)
    assert all(item is not None for _, _, item in found)
    steps = [item.properties.step for key, _, item in found if key.operator == "motionlcm.step_take"]
    assert steps == [1, -1]
    for change in ("none", "changed", "taken away"):
        _, map_, item = found[2]
        if change == "changed":
            item.type = "J"
        if change == "taken away":
            map_.keymap_items.remove(item)
        layout = Layout()
        window = bpy.context.window_manager.windows[0]
        area = window.screen.areas[0]
        with bpy.context.temp_override(window=window, area=area, region=wide_region(area)):
            part("ui.preferences").draw_keys(bpy.context, layout)
        shown = [given["data"] for name, given in layout.seen if name == "prop" and given["property"] == "active"]
        assert len(shown) == len(table()) - (change == "taken away")
        assert all(data.idname.startswith("motionlcm.") for data in shown)


def test_the_key_stars_the_present_take():
    add_character()
    action = generate(seconds=0.5)
    bpy.ops.motionlcm.star_take()
    assert action["motionlcm_star"] and settings().character.animation_data.action == action
    bpy.ops.motionlcm.star_take()
    assert not action["motionlcm_star"]
