"""Whether a timeline is high enough for strips. Blender's default layout is not, and scripts cannot move area
borders."""

from __future__ import annotations

import bpy

from ..scene import addon
from . import strip_layout, strip_view


def too_low(context: bpy.types.Context) -> bool:
    """Whether the window has timelines or dope sheets, and none is high enough to show strips; for drawing."""
    prefs = addon.preferences()
    if context.window is None or (prefs is not None and not prefs.show_strips):
        return False
    editors = (area for area in context.window.screen.areas if area.type == "DOPESHEET_EDITOR")
    sheets = [area for area in editors if area.spaces.active.mode in strip_view.MODES]
    return bool(sheets) and not any(_has_room(area, context.scene) for area in sheets)


def _has_room(area: bpy.types.Area, scene: bpy.types.Scene) -> bool:
    unit = bpy.context.preferences.system.ui_scale or 1.0
    height = next((region.height for region in area.regions if region.type == "WINDOW"), 0)
    return height >= strip_layout.least_height(strip_view.bottom_of(area.spaces.active, scene) * unit, unit)
