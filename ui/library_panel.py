"""The panel of the model's prompt library."""

from __future__ import annotations

import bpy

from ..operators.generation import library_prompts
from ..operators.scene import messages
from ..operators.scene.main_thread_timer import MainThreadTimer
from ..operators.session import model_choice, model_library
from .sidebar import Sidebar

MOST_ROWS = 14
"""Number of prompts to draw; the search field finds the others."""


class MOTIONLCM_PT_library(Sidebar, bpy.types.Panel):
    """Prompts that were watched and judged right with the chosen model."""

    bl_idname = "MOTIONLCM_PT_library"
    bl_parent_id = "MOTIONLCM_PT_main"
    bl_order = 0
    bl_label = "Prompt Library"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        choice = model_choice.chosen()
        if not model_library.is_known(choice):
            read_library_soon()
            return False
        return context.scene.motionlcm.character is not None and model_library.known(choice) is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, view = self.layout, context.window_manager.motionlcm_library
        now = context.scene.motionlcm.prompt
        column = layout.column(align=True)
        column.prop(view, "words", text="", icon="VIEWZOOM")
        column.prop(view, "category", text="")
        found = library_prompts.shown_prompts(context)
        column = layout.column(align=True)
        for prompt in found[:MOST_ROWS]:
            row = column.row(align=True)
            button = row.operator(
                "motionlcm.use_library_prompt", text=prompt.prompt, translate=False, depress=prompt.prompt == now
            )
            button.prompt = prompt.prompt
            row.label(text="", icon="FILE_REFRESH" if prompt.loops else "BLANK1")
        if not found:
            column.label(text="No prompt has these words")
        elif len(found) > MOST_ROWS:
            column.label(text="More: choose a category or search", icon="DOT")
        layout.operator("motionlcm.surprise", icon="SHADERFX")


def _read() -> None:
    model_library.read(model_choice.chosen())
    messages.redraw()


_library_timer = MainThreadTimer(_read, 0.3, persistent=False)


def read_library_soon() -> None:
    """Read the library of the chosen model shortly, outside drawing."""
    _library_timer.start()


CLASSES = (MOTIONLCM_PT_library,)


def unregister_properties() -> None:
    _library_timer.stop()
