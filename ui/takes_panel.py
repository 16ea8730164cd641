"""The panel of takes."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.armature import take_properties
from ..operators.takes import active_take, contact_sheet, takes
from .sidebar import Sidebar


def short_measures(made: take_properties.TakeProperties) -> list[str]:
    """The measures of a take in the list: distance from the path, facing, drag and energy.

    Takes of an earlier version have the foot skate instead.
    """
    numbers = []
    if made.path_mean_cm is not None:
        numbers.append(f"{made.path_mean_cm:.1f} cm")
    if made.facing_off_deg is not None:
        numbers.append(f"{made.facing_off_deg:.0f}°")
    if made.drag_cm is None and made.foot_skate_cm_s is not None:
        numbers.append(f"{made.foot_skate_cm_s:.0f} cm/s")
    if made.drag_cm is not None:
        numbers.append(f"{made.drag_cm:.0f} cm")
    if made.energy_share is not None:
        numbers.append(f"{100.0 * made.energy_share:.0f} %")
    return numbers


class MOTIONLCM_PT_takes(Sidebar, bpy.types.Panel):
    """Variations to choose from."""

    bl_idname = "MOTIONLCM_PT_takes"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 1
    bl_label = "Takes"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_take.listed_take(context.scene.motionlcm.character) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.motionlcm
        present = active_take.listed_take(chosen.character)
        layout.enabled = present == active_take.present_take(chosen.character)  # greyed out while Live shows a preview
        layout.row(align=True).prop(chosen, "take_sort", expand=True)
        column = layout.column(align=True)
        for action in takes.shown_takes(chosen.character, chosen.take_sort):
            row = column.row(align=True)
            made = take_properties.read(action)
            star = row.operator("motionlcm.star_take", text="", icon="SOLO_ON" if made.starred else "SOLO_OFF")
            star.name = action.name
            text = takes.label(action, present)
            shown = row.operator("motionlcm.show_take", text=text, translate=False, depress=action == present)
            shown.name = action.name
            part = row.row()
            part.ui_units_x = 7.5
            part.label(text=", ".join(short_measures(made)), translate=False)
        row, opened = layout.row(align=True), contact_sheet.arrangement()
        for name, text, _ in contact_sheet.ARRANGEMENTS:
            button = row.operator("motionlcm.contact_sheet", text=iface_(text), translate=False, depress=opened == name)
            button.arrangement = name
        row = layout.row(align=True)
        row.operator("motionlcm.accept_take", text="Accept", icon="CHECKMARK")
        row.operator("motionlcm.reject_take", text="Reject", icon="TRASH")
        row = layout.row(align=True)
        row.operator("motionlcm.vary_take", text="Vary a Little").share = 0.15
        row.operator("motionlcm.vary_take", text="Vary Much").share = 0.45
        row = layout.row(align=True)
        row.operator("motionlcm.mirror_take", text="Mirror", icon="MOD_MIRROR")
        row.operator("motionlcm.blend_takes", text="Blend")
        if present is not None and not take_properties.SHOT.is_on(present):
            row = layout.row(align=True)
            row.operator("motionlcm.retime_take", text="Slower").speed = 0.8
            row.operator("motionlcm.retime_take", text="Faster").speed = 1.25
            layout.operator("motionlcm.push_take", icon="NLA_PUSHDOWN")


CLASSES = (MOTIONLCM_PT_takes,)
