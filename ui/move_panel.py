"""The panel that moves a motion to another character."""

from __future__ import annotations

import bpy

from .sidebar import CharacterSidebar


class MOTIONLCM_PT_move(CharacterSidebar, bpy.types.Panel):
    """The motion of the character on another armature."""

    bl_idname = "MOTIONLCM_PT_move"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 7
    bl_label = "Another Character"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.prop(context.scene.motionlcm, "move_to", text="", icon="ARMATURE_DATA")
        column.operator("motionlcm.move_motion", icon="ARMATURE_DATA")


CLASSES = (MOTIONLCM_PT_move,)
