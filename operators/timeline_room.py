"""Whether a timeline has room for strips; Blender's default layout has none, and scripts cannot move its edges."""

from __future__ import annotations

import bpy

from . import strip_editing, strip_layout


def too_low(window: bpy.types.Window | None) -> bool:
    """Whether there are timelines or dope sheets in the window, and none is high enough; for drawing."""
    if window is None:
        return False
    editors = (area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
    heights = [_height(area) for area in editors if area.spaces.active.mode in strip_editing.MODES]
    least = strip_layout.RULER + 4.0 * strip_layout.GAP + 2.0 * strip_layout.FULL
    return bool(heights) and max(heights) < least * (bpy.context.preferences.system.ui_scale or 1.0)


def _height(area: bpy.types.Area) -> int:
    return next((region.height for region in area.regions if region.type == "WINDOW"), 0)
