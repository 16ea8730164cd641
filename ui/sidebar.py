"""The sidebar tab of the panels."""

from __future__ import annotations


class Sidebar:
    """Base of the panels in the tab. bl_order sorts panels below the main one."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLCM"
