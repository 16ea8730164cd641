"""The tab of the sidebar that the panels belong to."""

from __future__ import annotations


class Sidebar:
    """Base of the panels in the tab. Panels below the main one are sorted by bl_order."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLCM"
