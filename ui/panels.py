"""The sidebar tab "MotionLCM"."""

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.armature import take_properties
from ..operators.characters import add_smpl_body
from ..operators.controls import draw_path, path_speed
from ..operators.generation import first_motion
from ..operators.scene import messages
from ..operators.scene.main_thread_timer import MainThreadTimer
from ..operators.session import model_choice, model_info, model_library
from ..operators.shots import character_check
from . import rig_panel
from .main_subpanels import own_action
from .sidebar import CharacterSidebar, Sidebar
from .widgets import value_row, wrapped_label

EXAMPLES = (
    "a person walks forward",
    "a person jogs forward",
    "a person runs in a circle",
    "a person sits down",
    "a person jumps",
    "a person dances",
)
"""Prompts of the bundled model's library to offer while the history is empty."""
EXPLANATION_ICONS = ("ARMATURE_DATA", "CURVE_DATA", "ACTION", "LOOP_BACK")

if TYPE_CHECKING:
    from ..motionlcm_blender.text.prompt_rewriting import Rewritten


class MOTIONLCM_MT_prompts(bpy.types.Menu):
    """The prompt history."""

    bl_idname = "MOTIONLCM_MT_prompts"
    bl_label = "Earlier Prompts"

    def draw(self, context: bpy.types.Context) -> None:
        earlier = [item.prompt for item in context.scene.motionlcm.history]
        for prompt in earlier or EXAMPLES:
            self.layout.operator("motionlcm.use_prompt", text=prompt, translate=False).prompt = prompt


class MOTIONLCM_MT_add(bpy.types.Menu):
    """Ways to get another character."""

    bl_idname = "MOTIONLCM_MT_add"
    bl_label = "Add"

    def draw(self, _context: bpy.types.Context) -> None:
        layout = self.layout
        layout.operator("motionlcm.add_character", icon="ADD")
        layout.operator("motionlcm.add_smpl_body", icon="OUTLINER_OB_ARMATURE")
        layout.separator()
        layout.menu("MOTIONLCM_MT_examples", icon="SCENE_DATA")


class MOTIONLCM_MT_examples(bpy.types.Menu):
    """Small scenes to look at and to change."""

    bl_idname = "MOTIONLCM_MT_examples"
    bl_label = "Examples"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator_enum("motionlcm.add_example", "example")
        self.layout.separator()
        self.layout.operator("motionlcm.open_guide", icon="HELP")


class MOTIONLCM_PT_main(Sidebar, bpy.types.Panel):
    """Prompt, path, Generate."""

    bl_idname = "MOTIONLCM_PT_main"
    bl_label = "MotionLCM"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        chosen = context.scene.motionlcm
        if chosen.character is None:
            self._draw_beginning(layout, chosen)
            return
        row = layout.row(align=True)
        row.prop(chosen, "character", text="", icon="ARMATURE_DATA")
        row.menu("MOTIONLCM_MT_add", text="", icon="ADD")
        rig_panel.draw_rig(layout, context)
        self._draw_causes(layout)

        row = layout.row(align=True)
        row.prop(chosen, "prompt", text="", placeholder="Description of the motion")
        row.menu("MOTIONLCM_MT_prompts", text="", icon="DOWNARROW_HLT")
        row.operator("motionlcm.search_prompts", text="", icon="VIEWZOOM")
        self._draw_hint(layout, chosen.prompt)

        column = layout.column(align=True)
        column.prop(chosen, "length")
        self._draw_suggestion(column, chosen)
        self._draw_path(layout.column(align=True), context)

        row = layout.row(align=True)
        row.prop(chosen, "seed")
        row.operator("motionlcm.dice", text="", icon="FILE_REFRESH")

        self._draw_generate(layout, chosen)
        self._draw_status(layout)
        self._draw_explanation(layout, chosen.character)

    def _draw_beginning(self, layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
        """What there is to do without a character: one button for all of it, or one's own armature."""
        row = layout.row()
        row.scale_y = 1.8
        row.operator("motionlcm.first_motion", icon="ARMATURE_DATA")
        column = layout.column(align=True)
        column.label(text="Or start with an armature:")
        column.prop(chosen, "character", text="", icon="ARMATURE_DATA")
        column.operator("motionlcm.add_character", icon="ADD")
        column.operator("motionlcm.add_smpl_body", icon="OUTLINER_OB_ARMATURE")
        column.menu("MOTIONLCM_MT_examples", icon="SCENE_DATA")
        self._draw_status(layout)

    def _draw_path(self, column: bpy.types.UILayout, context: bpy.types.Context) -> None:
        chosen = context.scene.motionlcm
        column.prop(chosen, "path", text="", icon="CURVE_DATA")
        drawing_now = draw_path.is_drawing(context)
        column.operator(
            "motionlcm.draw_path",
            text="Finish Path" if drawing_now else "Draw Path",
            icon="CHECKMARK" if drawing_now else "GREASEPENCIL",
            depress=drawing_now,
        )
        if chosen.path is None:
            return
        if path_speed.shown.text:
            column.label(text=path_speed.shown.text, icon="TIME")
        if path_speed.shown.warning:
            wrapped_label(column, path_speed.shown.warning, "ERROR")
        if path_speed.shown.too_fast:
            column.operator("motionlcm.make_run", icon="MOD_TIME")

    def _draw_explanation(self, layout: bpy.types.UILayout, character: bpy.types.Object) -> None:
        """What Make a Character Walk Here did, in one line each."""
        if first_motion.is_explained(own_action(character)):
            box = layout.box().column(align=True)
            for icon, text in zip(EXPLANATION_ICONS, first_motion.EXPLANATION, strict=True):
                box.label(text=text, icon=icon)

    def _draw_generate(self, layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
        """Generate and Live: always drawn and never greyed out, since pressing Generate during a job restarts it."""
        row = layout.row(align=True)
        row.scale_y = 1.5
        row.operator("motionlcm.generate", icon="PLAY")
        switch = row.row(align=True)
        switch.ui_units_x = 4.0
        switch.prop(chosen, "live", toggle=True, icon="REC")

    def _draw_suggestion(self, layout: bpy.types.UILayout, chosen: bpy.types.PropertyGroup) -> None:
        """A button with the usual length of the action, unless that is the length or a path decides it."""
        seconds = model_info.suggested_length(model_choice.chosen(), chosen.prompt, chosen.sequence)
        if seconds is None or chosen.path is not None or abs(seconds - chosen.length) < 0.05:
            return
        text = iface_("Suggested: {seconds:.1f} s").format(seconds=seconds)
        layout.operator("motionlcm.use_suggested_length", text=text, icon="TIME")

    def _draw_causes(self, layout: bpy.types.UILayout) -> None:
        """What keeps the character from showing its motion."""
        for cause in character_check.get().causes:
            box = layout.box().column(align=True)
            wrapped_label(box, cause.sentence, "ERROR")
            if cause.repair:
                label = character_check.repair_label(cause.repair)
                button = box.operator("motionlcm.repair_character", text=label, icon="TOOL_SETTINGS", translate=False)
                button.repair = cause.repair

    def _draw_hint(self, layout: bpy.types.UILayout, prompt: str) -> None:
        choice, chosen = model_choice.chosen(), bpy.context.scene.motionlcm
        hint = model_info.known_hint(choice, prompt)
        if hint is None:  # after opening a file, changing the model, or an undo
            read_hint_soon()
        found = _rewritten(chosen, prompt)
        gestures = model_info.known_gestures(prompt) if chosen.gestures else ()
        body = model_info.known_body(prompt) if chosen.gestures else None
        if hint and found is None and (body is None or not gestures):
            wrapped_label(layout, hint, "INFO")
        shape = found.path if found is not None and chosen.path is None else None
        actions = () if shape is not None else _actions_in_turn(chosen, prompt)
        caption = body if body is not None or found is None else found.caption
        if actions:  # each with a caption of its own
            wrapped_label(layout, iface_("Actions: {names}").format(names=" | ".join(actions)), "SEQUENCE")
        elif caption is not None:  # in words that the model follows
            wrapped_label(layout, iface_("Rewritten: {caption}").format(caption=caption), "GREASEPENCIL")
        if shape is not None:
            wrapped_label(layout, iface_("Path: {shape}").format(shape=shape), "CURVE_PATH")
        if gestures:  # performed on the motion, whatever the model does
            wrapped_label(layout, iface_("Gesture: {names}").format(names=", ".join(gestures)), "HAND")
        if caption is not None or gestures:
            return
        answer = model_library.answer(model_choice.chosen(), prompt)
        if answer is None:
            return
        if answer.weak:
            wrapped_label(layout, iface_("The model was seen to fail at a prompt like this"), "INFO")
        elif answer.untried and not hint:
            wrapped_label(layout, iface_("No prompt like this is known to work: the model will guess"), "INFO")
        if answer.offers:
            column = layout.column(align=True)
            column.label(text="The model can do:")
            for each in answer.offers:
                button = column.operator(
                    "motionlcm.use_library_prompt", text=each.prompt, icon="FORWARD", translate=False
                )
                button.prompt = each.prompt
        elif answer.weak or answer.untried:
            layout.label(text="What it can do: Prompt Library", icon="BLANK1")

    def _draw_status(self, layout: bpy.types.UILayout) -> None:
        status = messages.status
        if status.running:
            row = layout.row(align=True)
            stage = f"{status.who}: {status.stage}" if status.waiting else status.stage
            row.progress(factor=status.progress, text=stage)
            row.operator("motionlcm.cancel", text="", icon="X")
        if status.running and status.waiting:
            row = layout.row(align=True)
            waiting = iface_("1 job is waiting") if status.waiting == 1 else iface_("{count} jobs are waiting")
            row.label(text=waiting.format(count=status.waiting), icon="SORTTIME", translate=False)
            row.operator("motionlcm.cancel", text="Cancel All").everything = True
        if status.message:
            wrapped_label(layout, status.message, "ERROR" if status.error else "INFO", status.error)
        for warning in status.warnings:
            wrapped_label(layout, warning, "ERROR")


class MOTIONLCM_PT_body(Sidebar, bpy.types.Panel):
    """Shape of a character from a body model file."""

    bl_idname = "MOTIONLCM_PT_body"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 3
    bl_label = "Body Shape"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(add_smpl_body.shape_keys_of(context.scene.motionlcm.character)) > 0

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        for key in add_smpl_body.shape_keys_of(context.scene.motionlcm.character):
            column.prop(key, "value", text=key.name, translate=False)
        column.operator("motionlcm.fit_joints", icon="BONE_DATA")
        column.operator("motionlcm.bake_pose_corrections", icon="SHAPEKEY_DATA")
        wrapped_label(self.layout, " ".join(iface_(sentence) for sentence in add_smpl_body.LICENCE), "INFO")


class MOTIONLCM_PT_keys(CharacterSidebar, bpy.types.Panel):
    """The number of keys and their tolerance."""

    bl_idname = "MOTIONLCM_PT_keys"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 5
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
        action = own_action(chosen.character)
        if action is not None and take_properties.KEYS_PER_SECOND.read(action) > 0.0:
            rate = iface_("{count:.0f} per second").format(count=take_properties.KEYS_PER_SECOND.read(action))
            value_row(column, "Keys", rate)
            value_row(column, "Largest error", f"{take_properties.KEYS_ERROR.read(action):.1f} mm")
            value_row(column, "Of dense keys", f"{100.0 * take_properties.KEYS_SHARE.read(action):.0f} %")
        if chosen.character is not None and take_properties.RIG_IK.read(chosen.character):
            column.operator("motionlcm.key_ik_controls", icon="CON_KINEMATIC")


class MOTIONLCM_PT_recipes(CharacterSidebar, bpy.types.Panel):
    """Motion from recipes."""

    bl_idname = "MOTIONLCM_PT_recipes"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 6
    bl_label = "Recipes"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        column = self.layout.column(align=True)
        column.operator("motionlcm.regenerate", icon="ACTION")
        row = column.row(align=True)
        row.operator("motionlcm.export_recipe", text="Export", icon="EXPORT")
        row.operator("motionlcm.import_recipe", text="Import", icon="IMPORT")


class MOTIONLCM_PT_smpl(CharacterSidebar, bpy.types.Panel):
    """Motion as SMPL parameters."""

    bl_idname = "MOTIONLCM_PT_smpl"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 7
    bl_label = "SMPL Parameters"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, _context: bpy.types.Context) -> None:
        row = self.layout.row(align=True)
        row.operator("motionlcm.export_smpl", text="Export", icon="EXPORT")
        row.operator("motionlcm.import_smpl", text="Import", icon="IMPORT")


def _actions_in_turn(chosen: bpy.types.PropertyGroup, prompt: str) -> tuple[str, ...]:
    """Words of the actions of a prompt that are made one after the other with these settings; empty: it is one."""
    return () if _is_directed(chosen) or not chosen.sequence else model_info.known_actions(prompt)


def _is_directed(chosen: bpy.types.PropertyGroup) -> bool:
    """Whether a path, pins or a facing direct the motion, so that the prompt alone does not."""
    return chosen.path is not None or len(chosen.pins) > 0 or chosen.facing != "WAY"


def _rewritten(chosen: bpy.types.PropertyGroup, prompt: str) -> "Rewritten | None":
    """What replaces the prompt with these settings: see `PromptRewriter.text`."""
    found = model_info.known_rewritten(model_choice.chosen(), prompt) if chosen.rewrite else None
    if found is None or (found.free and chosen.path is not None):
        return None
    return None if found.path is not None and chosen.path is None and _is_directed(chosen) else found


def _read_hint() -> None:
    model_info.read_hint(model_choice.chosen(), bpy.context.scene.motionlcm.prompt)
    messages.redraw()


_hint_timer = MainThreadTimer(_read_hint, 0.2, persistent=False)


def read_hint_soon() -> None:
    """Compute the hint for the prompt shortly, outside drawing."""
    _hint_timer.start()


CLASSES = (
    MOTIONLCM_MT_prompts, MOTIONLCM_MT_examples, MOTIONLCM_MT_add, MOTIONLCM_PT_main, MOTIONLCM_PT_body,
    MOTIONLCM_PT_keys, MOTIONLCM_PT_recipes, MOTIONLCM_PT_smpl,
)  # fmt: skip


def unregister_properties() -> None:
    _hint_timer.stop()
