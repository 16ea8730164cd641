"""The menu of models, the chosen model, and the button for MotionLCM's published weights."""

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.scene import messages
from ..operators.scene.main_thread_timer import MainThreadTimer
from ..operators.session import model_choice, model_info
from ..operators.setup import models
from ..operators.setup import official_model as getting
from .widgets import wrapped_label


class MOTIONLCM_MT_models(bpy.types.Menu):
    """The available models."""

    bl_idname = "MOTIONLCM_MT_models"
    bl_label = "Models"

    def draw(self, _context: bpy.types.Context) -> None:
        layout, found, chosen = self.layout, models.get().known, model_choice.chosen().folder
        if found is None:
            read_soon()
            layout.label(text="Reading ...")
            return
        for model in found:
            ours = chosen is None if not model.folder else chosen is not None and models.same(model.folder, chosen)
            icon = "ERROR" if model.error else "RADIOBUT_ON" if ours else "RADIOBUT_OFF"
            layout.operator(
                "motionlcm.choose_model", text=model.label, translate=False, icon=icon
            ).folder = model.folder
        layout.separator()
        layout.operator("motionlcm.get_official_model", icon="IMPORT")


def draw(layout: bpy.types.UILayout) -> None:
    """For the Model panel: the menu, the button that removes an imported model, and the status of an import."""
    chosen = model_choice.chosen().folder
    if models.get().known is None:
        read_soon()
    card = model_info.known_card(model_choice.chosen())
    row = layout.row(align=True)
    name = card.name if card is not None and card.name else "?"
    row.menu("MOTIONLCM_MT_models", text=name, translate=False)
    if models.get().is_imported(chosen):
        row.operator("motionlcm.remove_model", text="", icon="TRASH").folder = chosen
    draw_get(layout)


def draw_get(layout: bpy.types.UILayout) -> None:
    """For the preferences and the panel: the button that imports official models, or the progress of an import."""
    status = getting.status
    column = layout.column(align=True)
    if status.running:
        row = column.row(align=True)
        what, _, which = status.stage.partition(": ")
        text = iface_(what) + (f": {which}" if which else "")
        row.progress(factor=status.progress, text=text)
        row.operator("motionlcm.cancel_official_model", text="", icon="CANCEL")
        return
    column.operator("motionlcm.get_official_model", icon="IMPORT")
    if status.message:
        wrapped_label(column, status.message, "ERROR" if status.error else "CHECKMARK", status.error)
    made, chosen = status.made, model_choice.chosen().folder
    if made and (chosen is None or not models.same(made, chosen)) and models.get().is_imported(made):
        column.operator("motionlcm.choose_model", text="Use This Model", icon="CHECKMARK").folder = made


def _read() -> None:
    models.get().read()
    messages.redraw()


_models_timer = MainThreadTimer(_read, 0.3, persistent=False)


def read_soon() -> None:
    """Search for models shortly, outside drawing."""
    _models_timer.start()


def unregister_properties() -> None:
    _models_timer.stop()


CLASSES = (MOTIONLCM_MT_models,)
