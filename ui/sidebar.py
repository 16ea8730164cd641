"""The sidebar tab of the panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bpy


class Sidebar:
    """Base of the panels in the tab. bl_order sorts panels below the main one."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLCM"


class CharacterSidebar(Sidebar):
    """Base of the subpanels that need a character; without one the tab shows only how to get one."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.motionlcm.character is not None
