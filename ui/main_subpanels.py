"""What the main panel leaves to subpanels: further settings of a generation, and the result of the last one."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.armature import take_properties
from .sidebar import CharacterSidebar
from .widgets import value_row


class MOTIONLCM_PT_options(CharacterSidebar, bpy.types.Panel):
    """Start, takes, steps, and the timing of a path."""

    bl_idname = "MOTIONLCM_PT_options"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 0
    bl_label = "Timing and Takes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.motionlcm
        column = layout.column(align=True)
        column.prop(chosen, "start", text="")
        column.prop(chosen, "takes")
        column.prop(chosen, "liveliness", slider=True)
        column.prop(chosen, "caption_liveliness")
        split = layout.split(factor=0.3)
        split.label(text="Steps")
        split.row(align=True).prop(chosen, "steps", expand=True)
        if chosen.path is not None and chosen.path.type == "CURVE":
            column = layout.column(align=True)
            row = column.row(align=True)
            row.prop(chosen, "ease_in")
            row.prop(chosen, "ease_out")
            column.operator("motionlcm.fit_length", icon="DRIVER_DISTANCE")


class MOTIONLCM_PT_result(CharacterSidebar, bpy.types.Panel):
    """Measures of the character's active Action, and its recipe."""

    bl_idname = "MOTIONLCM_PT_result"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 1
    bl_label = "Result"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return own_action(context.scene.motionlcm.character) is not None

    def draw(self, context: bpy.types.Context) -> None:
        action = own_action(context.scene.motionlcm.character)
        if action is None:
            return
        box = self.layout.column(align=True)
        box.label(text=action.name, icon="ACTION", translate=False)
        made = take_properties.read(action)
        if made.path_mean_cm is not None:
            mean, most = made.path_mean_cm, made.path_max_cm
            value_row(box, "Path error", iface_("{mean:.1f} cm, at most {most:.1f}").format(mean=mean, most=most))
        if made.pin_max_cm is not None:
            value_row(box, "Pin error", iface_("at most {most:.1f} cm").format(most=made.pin_max_cm))
        draw_visible_measures(box, made)
        if made.milliseconds is not None:
            value_row(box, "Generation time", f"{made.milliseconds:.0f} ms")
        if made.model is not None:
            value_row(box, "Model", made.model)
        if not take_properties.has_recipe(action):
            value_row(box, "Imported from", take_properties.IMPORTED.read(action))
            return
        row = self.layout.row(align=True)
        row.operator("motionlcm.recall", text="Recall")
        row.operator("motionlcm.generate_again", text="Again")


def draw_visible_measures(layout: bpy.types.UILayout, made: take_properties.TakeProperties) -> None:
    """Draw what a person sees of a take. Takes of an earlier version have the foot skate alone."""
    if made.facing_off_deg is not None:
        value_row(layout, "Facing error", f"{made.facing_off_deg:.0f}°")
    if made.drag_cm is not None:
        value_row(layout, "Worst foot drag", f"{made.drag_cm:.0f} cm")
    elif made.foot_skate_cm_s is not None:
        value_row(layout, "Foot skate", f"{made.foot_skate_cm_s:.1f} cm/s")
    if made.below_floor_cm is not None:
        value_row(layout, "Feet below floor", f"{made.below_floor_cm:.1f} cm")
    if made.energy_share is not None:
        value_row(layout, "Energy", iface_("{share:.0f} % of captured").format(share=100.0 * made.energy_share))


def own_action(character: bpy.types.Object | None) -> bpy.types.Action | None:
    """The character's active Action, if it is ours; while Live shows a preview, the Action behind it."""
    data = character.animation_data if character is not None else None
    action = take_properties.behind_preview(data.action) if data is not None else None
    return action if take_properties.PROMPT.is_on(action) else None


CLASSES = (MOTIONLCM_PT_options, MOTIONLCM_PT_result)
