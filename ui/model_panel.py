"""The panel of the model: its name, its licence, and its device."""

from __future__ import annotations

import bpy
from bpy.app.translations import pgettext_iface as iface_

from ..operators.scene import messages
from ..operators.scene.main_thread_timer import MainThreadTimer
from ..operators.session import model_choice, model_info, model_session
from . import model_menu
from .sidebar import Sidebar
from .widgets import value_row, wrapped_label

DEVICES = {
    "numpy": "NumPy", "cpu": "PyTorch, processor", "cuda": "PyTorch, CUDA", "mps": "PyTorch, Metal",
    "xpu": "PyTorch, XPU",
}  # fmt: skip
"""Names of devices, as in the preferences."""


class MOTIONLCM_PT_model(Sidebar, bpy.types.Panel):
    """The model that generates motion, and its licence."""

    bl_idname = "MOTIONLCM_PT_model"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 7
    bl_label = "Model"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        model_menu.draw(self.layout)
        column = self.layout.column(align=True)
        card = model_info.known_card(model_choice.chosen())
        if card is None:
            read_card_soon()
            column.label(text="Reading ...")
            return
        if card.error:
            wrapped_label(column, card.error, "ERROR", True)
            self.layout.operator("motionlcm.copy_report", icon="COPYDOWN")
            return
        value_row(column, "Name", card.name)
        value_row(column, "Licence", card.licence)
        if card.attribution:
            wrapped_label(column, card.attribution, "NONE")
        used = model_session.get().in_use
        if used is not None:
            device = used.device
            value_row(column, "Runs on", iface_(DEVICES.get(device.partition(":")[0], device)))
            value_row(column, "Memory", f"{used.bytes / 2**20:.0f} MiB")
        self.layout.operator("motionlcm.copy_report", icon="COPYDOWN")


def _read_card() -> None:
    model_info.read_card(model_choice.chosen())
    messages.redraw()


_card_timer = MainThreadTimer(_read_card, 0.5, persistent=False)


def read_card_soon() -> None:
    """Read the model's name and licence shortly, outside drawing."""
    _card_timer.start()


CLASSES = (MOTIONLCM_PT_model,)


def unregister_properties() -> None:
    _card_timer.stop()
