"""The extension's preferences: the model, its device, and the keys."""

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.scene import addon
from ..operators.scene.user_paths import BLEND_RELATIVE
from ..operators.session import model_session, torch_import
from ..operators.setup import keymap, torch_installation
from ..operators.timeline import strip_view
from . import model_menu, model_panel, widgets


def _changed(_preferences: bpy.types.AddonPreferences, _context: bpy.types.Context) -> None:
    model_session.get().forget()
    model_panel.read_card_soon()


def _strips_changed(_preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    strip_view.redraw(context)


class MOTIONLCM_AP_preferences(bpy.types.AddonPreferences):
    """The model to run, and its device."""

    bl_idname = addon.ROOT_PACKAGE

    device: bpy.props.EnumProperty(
        name="Device",
        description="Device and runtime for the model",
        items=(
            ("AUTO", "Automatic", "Run on the graphics card or the processor with PyTorch. Without PyTorch, use NumPy"),
            ("NUMPY", "NumPy", "Run on the processor with Blender's NumPy, without PyTorch"),
            ("CPU", "PyTorch, processor", "Run on the processor with PyTorch"),
            ("CUDA", "PyTorch, CUDA", "Run on an NVIDIA or AMD graphics card with PyTorch"),
            ("MPS", "PyTorch, Metal", "Run on an Apple graphics card with PyTorch"),
            ("XPU", "PyTorch, XPU", "Run on an Intel graphics card with PyTorch"),
        ),
        update=_changed,
    )
    model_folder: bpy.props.StringProperty(
        name="Model Folder",
        description="Folder of another model. Without a folder, the bundled model is used",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
        update=_changed,
    )
    show_strips: bpy.props.BoolProperty(
        name="Strips of Shots",
        description="Show the shots as strips at the bottom of timeline and dope sheet, where they can be chosen "
        "and dragged",
        default=True,
        update=_strips_changed,
    )

    idle_minutes: bpy.props.IntProperty(
        name="Unload After",
        description="Minutes without a new motion before the model is unloaded. 0 keeps the model loaded",
        default=15,
        min=0,
        soft_max=120,
    )
    wheel_folder: bpy.props.StringProperty(
        name="Wheel Folder",
        description="Folder with wheels of PyTorch and its dependencies, to enable the GPU offline. "
        "Without a folder, download them",
        subtype="DIR_PATH",
        options=BLEND_RELATIVE,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "device")
        layout.prop(self, "model_folder", placeholder="Bundled model")
        layout.prop(self, "idle_minutes", text="Unload After (min)")
        draw_gpu(self, layout)
        model_menu.draw_get(layout)
        layout.prop(self, "show_strips")
        row = layout.row(align=True)
        row.operator("motionlcm.copy_report", icon="COPYDOWN")
        row.operator("motionlcm.open_log_folder", icon="FILE_FOLDER")
        draw_keys(context, layout)


def draw_gpu(preferences: bpy.types.AddonPreferences, layout: bpy.types.UILayout) -> None:
    """Draw the graphics card, its installation, and the buttons for it."""
    box = layout.box().column()
    hardware, condition, status = (
        torch_installation.known_hardware,
        torch_import.known_condition,
        torch_installation.status,
    )
    if hardware is None or condition is None:
        torch_installation.look_soon()
        box.label(text="Looking for a graphics card ...")
        return
    none = iface_("No graphics card that PyTorch can use")
    box.label(text=hardware.name or none, icon="RESTRICT_RENDER_OFF", translate=False)
    if hardware.note:
        widgets.wrapped_label(box, hardware.note, "INFO")
    if status.running:
        row = box.row(align=True)
        row.progress(factor=status.progress, text=status.stage)
        row.operator("motionlcm.cancel_gpu", text="", icon="X")
        return
    if condition.kind == "ready" and condition.state is not None:
        text = iface_("PyTorch {version} runs on: {device}")
        version = condition.state.versions.get("torch", "")
        device = condition.state.device_name
        box.label(text=text.format(version=version, device=device), icon="CHECKMARK", translate=False)
    if condition.sentence:
        widgets.wrapped_label(box, condition.sentence, "ERROR")
    if status.message and status.message != condition.sentence:
        widgets.wrapped_label(box, status.message, "ERROR" if status.error else "INFO", status.error)
    if condition.kind != "ready":
        box.prop(preferences, "wheel_folder")
        if not torch_installation.online() and not preferences.wheel_folder and not status.message:
            box.label(text="Online access is disabled: see System > Network", icon="INFO")
    row = box.row(align=True)
    if condition.kind != "ready":
        row.operator("motionlcm.enable_gpu", text="Enable GPU" if condition.kind == "absent" else "Resume")
    if condition.kind in ("ready", "broken"):
        row.operator("motionlcm.check_gpu")
    if condition.kind != "absent":
        row.operator("motionlcm.disable_gpu", text="Disable GPU" if condition.kind == "ready" else "Remove")


def draw_keys(context: bpy.types.Context, layout: bpy.types.UILayout) -> None:
    """Draw the extension's keys, which the user can change as in Blender's own keymap."""
    from rna_keymap_ui import draw_kmi

    keys = context.window_manager.keyconfigs.user
    if keys is None or context.region is None or not context.region.width:
        return
    layout.use_property_split = False
    layout.separator()
    layout.label(text="Keyboard")
    editor = ""
    for key, map_, item in keymap.as_used(keys):
        if key.keymap != editor:
            editor = key.keymap
            column = layout.box().column()
            column.label(text=editor, text_ctxt=bpy.app.translations.contexts.id_windowmanager)
        if map_ is None:
            continue
        column.context_pointer_set("keymap", map_)
        if item is not None:
            draw_kmi([], keys, map_, item, column, 0)
            continue
        row = column.row()
        row.label(text=key.operator, translate=False)
        row.label(text="Removed; restore the keymap to get it back")


CLASSES = (MOTIONLCM_AP_preferences,)
