"""The panel of pins, facing, feet and ground."""

from __future__ import annotations

import bpy

from .sidebar import CharacterSidebar


class MOTIONLCM_PT_control(CharacterSidebar, bpy.types.Panel):
    """Pins, facing, feet and ground."""

    bl_idname = "MOTIONLCM_PT_control"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 4
    bl_label = "Pins, Facing, Feet"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.motionlcm
        draw_pins(layout, chosen.pins, False)
        column = split_column(layout)
        column.prop(chosen, "facing")
        if chosen.facing == "FIXED":
            column.prop(chosen, "facing_angle")
        elif chosen.facing == "OBJECT":
            column.prop(chosen, "facing_object", text="")
        column = split_column(layout)
        column.prop(chosen, "feet")
        column.prop(chosen, "ground", icon="MESH_GRID")
        column.prop(chosen, "gestures")
        column.prop(chosen, "rewrite")
        column = split_column(layout)
        column.prop(chosen, "travel")
        column.prop(chosen, "loop")
        column.prop(chosen, "refine")


def split_column(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """A column with as much room for labels as Blender's own panels give them; a narrow sidebar cuts them otherwise."""
    column = layout.column(align=True)
    column.use_property_split, column.use_property_decorate = True, False
    return column


def draw_pins(layout: bpy.types.UILayout, pins: bpy.types.bpy_prop_collection, of_shot: bool) -> None:
    """Draw the pins of the scene or of a shot, and a button to add a pin."""
    added = layout.operator_menu_enum("motionlcm.add_pin", "joint", text="Add Pin", icon="PINNED")
    added.to_shot = of_shot
    for index, pin in enumerate(pins):
        box = layout.box().column(align=True)
        row = box.row(align=True)
        row.prop(pin, "active", text="")
        row.prop(pin, "joint", text="")
        removed = row.operator("motionlcm.remove_pin", text="", icon="X")
        removed.index, removed.from_shot = index, of_shot
        part = box.column(align=True)
        part.active = pin.active
        part.prop(pin, "target", text="", icon="EMPTY_DATA")
        if not of_shot:
            part.prop(pin, "character", text="", icon="ARMATURE_DATA")
        row = part.row(align=True)
        row.prop(pin, "first")
        row.prop(pin, "last")


CLASSES = (MOTIONLCM_PT_control,)
