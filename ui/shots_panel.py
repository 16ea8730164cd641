"""The panel and the list of shots."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.scene import shot_lookup
from ..operators.shots import nla_track, shot_list
from ..operators.timeline import timeline_height
from .controls_panel import draw_pins
from .sidebar import CharacterSidebar
from .widgets import wrapped_label


class MOTIONLCM_UL_shots(bpy.types.UIList):
    """One shot a row."""

    bl_idname = "MOTIONLCM_UL_shots"

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property, _index=0) -> None:
        row = layout.row(align=True)
        row.label(text="", icon=shot_list.ICONS[item.state])
        part = row.split(factor=0.55, align=True)  # a narrow sidebar shortens the prompt and not the frames
        part.prop(item, "prompt", text="", emboss=False)
        part.label(text=f"{item.first}-{item.last}", translate=False)
        row.prop(item, "locked", text="", icon="LOCKED" if item.locked else "UNLOCKED", emboss=False)


class MOTIONLCM_PT_shots(CharacterSidebar, bpy.types.Panel):
    """The list of the character's shots."""

    bl_idname = "MOTIONLCM_PT_shots"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 2
    bl_label = "Shots"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, character = self.layout, context.scene.motionlcm.character
        if character is None:
            layout.operator("motionlcm.add_shot", icon="ADD")
            return
        listed = character.motionlcm
        if len(listed.shots) and timeline_height.too_low(context):
            wrapped_label(layout, iface_("Drag up the upper edge of the timeline to show the shots as strips."), "TIME")
        row = layout.row()
        row.template_list("MOTIONLCM_UL_shots", "", listed, "shots", listed, "shot_index", rows=5)
        column = row.column(align=True)
        column.operator("motionlcm.add_shot", text="", icon="ADD")
        column.operator("motionlcm.remove_shot", text="", icon="REMOVE")
        column.separator()
        column.operator("motionlcm.move_shot", text="", icon="TRIA_UP").step = -1
        column.operator("motionlcm.move_shot", text="", icon="TRIA_DOWN").step = 1
        column.separator()
        column.operator("motionlcm.duplicate_shot", text="", icon="DUPLICATE")
        shot = shot_lookup.active_shot(character)
        if shot is None:
            return
        if shot_list.of_another_rate(context.scene, character):
            layout.operator("motionlcm.adapt_shots", icon="ERROR")
        column = layout.column(align=True)
        part = column.row(align=True)
        part.prop(shot, "name", text="")
        part.operator("motionlcm.search_prompts", text="", icon="VIEWZOOM").for_shot = True
        part = column.row(align=True)
        part.prop(shot, "first")
        part.prop(shot, "last")
        part = column.row(align=True)
        part.prop(shot, "seed")
        part.prop(shot, "takes")
        column.prop(shot, "liveliness", slider=True)
        column = layout.column(align=True)
        part = column.row(align=True)
        part.prop(shot, "path", text="", icon="CURVE_DATA")
        part.operator("motionlcm.share_path", text="", icon="PARTICLE_PATH")
        if shot.path is not None and shot.path.type == "CURVE":
            part = column.row(align=True)
            part.prop(shot, "path_from")
            part.prop(shot, "path_to")
        column = layout.column(align=True)
        for name, label, end in (("start_pose", "Start Pose", False), ("end_pose", "End Pose", True)):
            part = column.row(align=True)
            part.prop(shot, name, text=label, icon="ARMATURE_DATA")
            part.operator("motionlcm.capture_pose", text="", icon="EYEDROPPER").end = end
        draw_pins(layout, shot.pins, True)
        part = layout.row(align=True)
        part.operator("motionlcm.split_shot", text="Split")
        part.operator("motionlcm.join_shots", text="Join")
        column = layout.column(align=True)
        column.operator("motionlcm.generate_shot", icon="PLAY")
        column.operator("motionlcm.generate_shots", icon="FILE_REFRESH")
        column.operator("motionlcm.generate_all_characters", icon="COMMUNITY")
        part = layout.row(align=True)
        alone = shot.action is not None and nla_track.shown_alone(character) == shot.action
        part.operator("motionlcm.show_shot", text="Show All" if alone else "Show Alone", depress=alone)
        part.operator("motionlcm.bake_shots", text="Bake")


CLASSES = (MOTIONLCM_UL_shots, MOTIONLCM_PT_shots)
