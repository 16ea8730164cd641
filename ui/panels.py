"""The sidebar tab "MotionLCM"."""

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators import (
    contact_sheet,
    drawing,
    engine,
    jobs,
    path_speed,
    shot_strips,
    shots,
    smpl_body,
    takes,
    timeline_room,
)
from . import official_model

EXAMPLES = (
    "a person walks forward",
    "a person walks and waves with the right hand",
    "a person runs in a circle",
    "a person turns around",
    "a person jumps",
    "a person dances",
)
"""Offered while there is no history."""
DEVICES = {
    "numpy": "NumPy", "cpu": "PyTorch, processor", "cuda": "PyTorch, CUDA", "mps": "PyTorch, Metal",
    "xpu": "PyTorch, XPU",
}  # fmt: skip
"""What a model runs on, as in the preferences."""
LETTER, MARGIN = 6.0, 75.0
"""Mean width of a letter, and of what surrounds a line of text, in pixels at scale 1."""


class _Sidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "MotionLCM"


class MOTIONLCM_MT_prompts(bpy.types.Menu):
    """Earlier prompts."""

    bl_idname = "MOTIONLCM_MT_prompts"
    bl_label = "Earlier Prompts"

    def draw(self, context: bpy.types.Context) -> None:
        earlier = [item.prompt for item in context.scene.motionlcm.history]
        for prompt in earlier or EXAMPLES:
            self.layout.operator("motionlcm.use_prompt", text=prompt, translate=False).prompt = prompt


class MOTIONLCM_PT_main(_Sidebar, bpy.types.Panel):
    """Prompt, path, Generate."""

    bl_idname = "MOTIONLCM_PT_main"
    bl_label = "MotionLCM"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen = context.scene.motionlcm

        column = layout.column(align=True)
        column.prop(chosen, "character", text="", icon="ARMATURE_DATA")
        column.operator("motionlcm.add_character", icon="ADD")
        column.operator("motionlcm.add_smpl_body", icon="OUTLINER_OB_ARMATURE")

        row = layout.row(align=True)
        row.prop(chosen, "prompt", text="", placeholder="What the character does")
        row.menu("MOTIONLCM_MT_prompts", text="", icon="DOWNARROW_HLT")
        row.operator("motionlcm.search_prompts", text="", icon="VIEWZOOM")

        self._draw_hint(layout, chosen.prompt)

        column = layout.column(align=True)
        column.prop(chosen, "length")
        column.prop(chosen, "start", text="")

        column = layout.column(align=True)
        column.prop(chosen, "path", text="", icon="CURVE_DATA")
        drawing_now = drawing.is_drawing(context)
        column.operator(
            "motionlcm.draw_path",
            text="Finish Path" if drawing_now else "Draw Path",
            icon="CHECKMARK" if drawing_now else "GREASEPENCIL",
            depress=drawing_now,
        )
        if chosen.path is not None and path_speed.shown.text:
            column.label(text=path_speed.shown.text, icon="TIME")
        if chosen.path is not None and path_speed.shown.warning:
            _lines(column, path_speed.shown.warning, "ERROR")

        if chosen.path is not None and chosen.path.type == "CURVE":
            row = column.row(align=True)
            row.prop(chosen, "ease_in")
            row.prop(chosen, "ease_out")
            column.operator("motionlcm.fit_length", icon="DRIVER_DISTANCE")

        row = layout.row(align=True)
        row.prop(chosen, "seed")
        row.operator("motionlcm.dice", text="", icon="FILE_REFRESH")
        layout.prop(chosen, "takes")
        split = layout.split(factor=0.3)
        split.label(text="Steps")
        split.row(align=True).prop(chosen, "steps", expand=True)

        # Always drawn and never greyed out: pressing it during a job starts over.
        row = layout.row()
        row.scale_y = 1.5
        row.operator("motionlcm.generate", icon="PLAY")
        self._draw_status(layout)
        self._draw_numbers(layout, chosen.character)

    def _draw_hint(self, layout: bpy.types.UILayout, prompt: str) -> None:
        hint = engine.known_hint(engine.chosen(), prompt)
        if hint is None:  # a file was opened, the model was changed, or a change was undone
            read_hint_soon()
        elif hint:
            _lines(layout, hint, "INFO")

    def _draw_status(self, layout: bpy.types.UILayout) -> None:
        status = jobs.status
        if status.running:
            row = layout.row(align=True)
            stage = f"{status.who}: {status.stage}" if status.waiting else status.stage
            row.progress(factor=status.progress, text=stage)
            row.operator("motionlcm.cancel", text="", icon="X")
        if status.running and status.waiting:
            row = layout.row(align=True)
            told = iface_("1 more waits") if status.waiting == 1 else iface_("{count} more wait")
            row.label(text=told.format(count=status.waiting), icon="SORTTIME", translate=False)
            row.operator("motionlcm.cancel", text="Cancel All").everything = True
        if status.message:
            _lines(layout, status.message, "ERROR" if status.error else "INFO", status.error)
        for warning in status.warnings:
            _lines(layout, warning, "ERROR")

    def _draw_numbers(self, layout: bpy.types.UILayout, character: bpy.types.Object | None) -> None:
        action = _our_action(character)
        if action is None:
            return
        box = layout.box().column(align=True)
        box.label(text=action.name, icon="ACTION", translate=False)
        if "motionlcm_path_mean_cm" in action:
            mean, most = action["motionlcm_path_mean_cm"], action["motionlcm_path_max_cm"]
            _number(box, "Off the path", iface_("{mean:.1f} cm, at most {most:.1f}").format(mean=mean, most=most))
        if "motionlcm_pin_max_cm" in action:
            _number(box, "Off the pins", iface_("at most {most:.1f} cm").format(most=action["motionlcm_pin_max_cm"]))
        if "motionlcm_foot_skate_cm_s" in action:
            _number(box, "Foot skate", f"{action['motionlcm_foot_skate_cm_s']:.1f} cm/s")
        if "motionlcm_milliseconds" in action:
            _number(box, "Made in", f"{action['motionlcm_milliseconds']:.0f} ms")
        if "motionlcm_model" in action:
            _number(box, "Model", action["motionlcm_model"])
        row = box.row(align=True)
        row.operator("motionlcm.recall", text="Recall")
        row.operator("motionlcm.generate_again", text="Again")


class MOTIONLCM_PT_takes(_Sidebar, bpy.types.Panel):
    """Variations to choose from."""

    bl_idname = "MOTIONLCM_PT_takes"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Takes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return takes.present_take(context.scene.motionlcm.character) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.motionlcm
        present = takes.present_take(chosen.character)
        layout.row(align=True).prop(chosen, "take_sort", expand=True)
        column = layout.column(align=True)
        for action in takes.takes_of(chosen.character, chosen.take_sort):
            row = column.row(align=True)
            starred = bool(action.get(takes.STAR))
            star = row.operator("motionlcm.star_take", text="", icon="SOLO_ON" if starred else "SOLO_OFF")
            star.name = action.name
            text = takes.label(action, present)
            shown = row.operator("motionlcm.show_take", text=text, translate=False, depress=action == present)
            shown.name = action.name
            numbers = []
            if "motionlcm_path_mean_cm" in action:
                numbers.append(f"{action['motionlcm_path_mean_cm']:.1f} cm")
            if "motionlcm_foot_skate_cm_s" in action:
                numbers.append(f"{action['motionlcm_foot_skate_cm_s']:.0f} cm/s")
            part = row.row()
            part.ui_units_x = 5.0
            part.label(text=", ".join(numbers), translate=False)
        row, opened = layout.row(align=True), contact_sheet.arrangement()
        for name, text, _ in contact_sheet.ARRANGEMENTS:
            row.operator("motionlcm.contact_sheet", text=text, depress=opened == name).arrangement = name
        row = layout.row(align=True)
        row.operator("motionlcm.accept_take", text="Accept", icon="CHECKMARK")
        row.operator("motionlcm.reject_take", text="Reject", icon="TRASH")
        row = layout.row(align=True)
        row.operator("motionlcm.vary_take", text="Vary a Little").share = 0.15
        row.operator("motionlcm.vary_take", text="Vary Much").share = 0.45
        row = layout.row(align=True)
        row.operator("motionlcm.mirror_take", text="Mirror", icon="MOD_MIRROR")
        row.operator("motionlcm.blend_takes", text="Blend")
        if present is not None and shot_strips.SHOT not in present:
            row = layout.row(align=True)
            row.operator("motionlcm.retime_take", text="Slower").speed = 0.8
            row.operator("motionlcm.retime_take", text="Faster").speed = 1.25
            layout.operator("motionlcm.push_take", icon="NLA_PUSHDOWN")


class MOTIONLCM_UL_shots(bpy.types.UIList):
    """One shot a row."""

    bl_idname = "MOTIONLCM_UL_shots"

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property, _index=0) -> None:
        row = layout.row(align=True)
        row.label(text="", icon=shots.ICONS[item.state])
        row.prop(item, "prompt", text="", emboss=False)
        frames = row.row()
        frames.ui_units_x = 4.2
        frames.label(text=f"{item.first}-{item.last}", translate=False)
        row.prop(item, "locked", text="", icon="LOCKED" if item.locked else "UNLOCKED", emboss=False)


class MOTIONLCM_PT_shots(_Sidebar, bpy.types.Panel):
    """What the character does, one thing after the other."""

    bl_idname = "MOTIONLCM_PT_shots"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Shots"

    def draw(self, context: bpy.types.Context) -> None:
        layout, character = self.layout, context.scene.motionlcm.character
        if character is None:
            layout.operator("motionlcm.add_shot", icon="ADD")
            return
        listed = character.motionlcm
        if len(listed.shots) and timeline_room.too_low(context):
            _lines(layout, iface_("Drag the timeline's upper edge up to see the shots in it as strips."), "TIME")
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
        shot = shots.active_shot(character)
        if shot is None:
            return
        if shots.of_another_rate(context.scene, character):
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
        column = layout.column(align=True)
        part = column.row(align=True)
        part.prop(shot, "path", text="", icon="CURVE_DATA")
        part.operator("motionlcm.share_path", text="", icon="PARTICLE_PATH")
        if shot.path is not None and shot.path.type == "CURVE":
            part = column.row(align=True)
            part.prop(shot, "path_from")
            part.prop(shot, "path_to")
        column = layout.column(align=True)
        for name, label, end in (("start_pose", "Start In", False), ("end_pose", "End In", True)):
            part = column.row(align=True)
            part.prop(shot, name, text=label, icon="ARMATURE_DATA")
            part.operator("motionlcm.capture_pose", text="", icon="EYEDROPPER").end = end
        _pins(layout, shot.pins, True)
        part = layout.row(align=True)
        part.operator("motionlcm.split_shot", text="Split")
        part.operator("motionlcm.join_shots", text="Join")
        column = layout.column(align=True)
        column.operator("motionlcm.generate_shot", icon="PLAY")
        column.operator("motionlcm.generate_shots", icon="FILE_REFRESH")
        column.operator("motionlcm.generate_all_characters", icon="COMMUNITY")
        part = layout.row(align=True)
        alone = shot.action is not None and shot_strips.shown_alone(character) == shot.action
        part.operator("motionlcm.show_shot", text="Show All" if alone else "Show Alone", depress=alone)
        part.operator("motionlcm.bake_shots", text="Bake")


class MOTIONLCM_PT_body(_Sidebar, bpy.types.Panel):
    """Shape of a character that was added from a body model file."""

    bl_idname = "MOTIONLCM_PT_body"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Body Shape"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(smpl_body.shape_keys_of(context.scene.motionlcm.character)) > 0

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for key in smpl_body.shape_keys_of(context.scene.motionlcm.character):
            column.prop(key, "value", text=key.name, translate=False)
        column.operator("motionlcm.fit_joints", icon="BONE_DATA")
        _lines(self.layout, " ".join(iface_(sentence) for sentence in smpl_body.LICENCE), "INFO")


class MOTIONLCM_PT_control(_Sidebar, bpy.types.Panel):
    """Pins, facing, feet and ground."""

    bl_idname = "MOTIONLCM_PT_control"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Pins, Facing, Feet"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, chosen = self.layout, context.scene.motionlcm
        _pins(layout, chosen.pins, False)
        column = layout.column(align=True)
        column.prop(chosen, "facing")
        if chosen.facing == "FIXED":
            column.prop(chosen, "facing_angle")
        elif chosen.facing == "OBJECT":
            column.prop(chosen, "facing_object", text="")
        column = layout.column(align=True)
        column.prop(chosen, "feet")
        column.prop(chosen, "ground", icon="MESH_GRID")
        column = layout.column(align=True)
        column.prop(chosen, "travel")
        column.prop(chosen, "loop")
        column.prop(chosen, "refine")


class MOTIONLCM_PT_keys(_Sidebar, bpy.types.Panel):
    """How many keys, how near to the motion."""

    bl_idname = "MOTIONLCM_PT_keys"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Keys"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        chosen = context.scene.motionlcm
        column = self.layout.column(align=True)
        column.row(align=True).prop(chosen, "key_mode", expand=True)
        row = column.row(align=True)
        row.active = chosen.key_mode == "FITTED"
        row.prop(chosen, "key_tolerance", text="Tolerance (mm)")
        column.operator("motionlcm.refit_keys", icon="NORMALIZE_FCURVES")
        action = _our_action(chosen.character)
        if action is not None and action.get("motionlcm_keys_per_second", 0.0) > 0.0:
            rate = iface_("{count:.0f} a second").format(count=action["motionlcm_keys_per_second"])
            _number(column, "Keys", rate)
            _number(column, "Farthest off", f"{action['motionlcm_keys_error_mm']:.1f} mm")
            _number(column, "Of a dense", f"{100.0 * action['motionlcm_keys_share']:.0f} %")


class MOTIONLCM_PT_recipes(_Sidebar, bpy.types.Panel):
    """Motion made again."""

    bl_idname = "MOTIONLCM_PT_recipes"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Recipes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.operator("motionlcm.regenerate", icon="ACTION")
        row = column.row(align=True)
        row.operator("motionlcm.export_recipe", text="Export", icon="EXPORT")
        row.operator("motionlcm.import_recipe", text="Import", icon="IMPORT")


class MOTIONLCM_PT_model(_Sidebar, bpy.types.Panel):
    """Which model makes the motion, and under what licence."""

    bl_idname = "MOTIONLCM_PT_model"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_label = "Model"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        official_model.draw(self.layout)
        column = self.layout.column(align=True)
        card = engine.known_card(engine.chosen())
        if card is None:
            read_card_soon()
            column.label(text="Reading ...")
            return
        if card.error:
            _lines(column, card.error, "ERROR", True)
            self.layout.operator("motionlcm.copy_report", icon="COPYDOWN")
            return
        _number(column, "Name", card.name)
        _number(column, "Licence", card.licence)
        if card.attribution:
            _lines(column, card.attribution, "NONE")
        if engine.in_use is not None:
            device = engine.in_use.device
            _number(column, "Runs on", iface_(DEVICES.get(device.partition(":")[0], device)))
            _number(column, "Memory", f"{engine.in_use.bytes / 2**20:.0f} MiB")
        self.layout.operator("motionlcm.copy_report", icon="COPYDOWN")


def _our_action(character: bpy.types.Object | None) -> bpy.types.Action | None:
    """The Action that animates the character now, if it was made here."""
    data = character.animation_data if character is not None else None
    action = data.action if data is not None else None
    return action if action is not None and "motionlcm_prompt" in action else None


def _pins(layout: bpy.types.UILayout, pins: bpy.types.bpy_prop_collection, of_shot: bool) -> None:
    """Pins of the scene or of a shot, and a button for another one."""
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


def _number(layout: bpy.types.UILayout, name: str, value: str) -> None:
    row = layout.split(factor=0.4)
    row.label(text=name)
    row.label(text=value, translate=False)


def _lines(layout: bpy.types.UILayout, text: str, icon: str, alert: bool = False) -> None:
    """A sentence over as many lines as it needs; labels do not wrap by themselves."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    width = region.width / scale if region is not None and scale else 280.0  # no scale without a window
    letters = max(20, int((width - MARGIN) / LETTER))
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    line = ""
    for word in text.split():
        if line and len(line) + len(word) >= letters:
            column.label(text=line, icon=icon, translate=False)
            line, icon = "", "BLANK1" if icon != "NONE" else "NONE"
        line = f"{line} {word}" if line else word
    column.label(text=line, icon=icon, translate=False)


def _read_card() -> None:
    engine.read_card(engine.chosen())
    jobs.redraw()


def read_card_soon() -> None:
    """Have the model's name and licence read a moment from now, outside drawing."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_read_card):
        bpy.app.timers.register(_read_card, first_interval=0.5)


def _read_hint() -> None:
    engine.read_hint(engine.chosen(), bpy.context.scene.motionlcm.prompt)
    jobs.redraw()


def read_hint_soon() -> None:
    """Have it worked out a moment from now what the model knows of the prompt, outside drawing."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_read_hint):
        bpy.app.timers.register(_read_hint, first_interval=0.2)


CLASSES = (
    MOTIONLCM_MT_prompts, MOTIONLCM_UL_shots, MOTIONLCM_PT_main, MOTIONLCM_PT_takes, MOTIONLCM_PT_shots,
    MOTIONLCM_PT_body, MOTIONLCM_PT_control, MOTIONLCM_PT_keys, MOTIONLCM_PT_recipes, MOTIONLCM_PT_model,
)  # fmt: skip


def detach() -> None:
    for timer in (_read_card, _read_hint):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
