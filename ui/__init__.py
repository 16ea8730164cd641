"""What is seen: panels and preferences. Draws state, computes nothing."""

import bpy

from . import (
    action_editor,
    controls_panel,
    model_panel,
    official_model,
    panels,
    preferences,
    shots_panel,
    strips,
    takes_panel,
    translations,
)

CLASSES = (
    *official_model.CLASSES, *preferences.CLASSES, *panels.CLASSES, *takes_panel.CLASSES, *shots_panel.CLASSES,
    *controls_panel.CLASSES, *model_panel.CLASSES, *strips.CLASSES,
)  # fmt: skip


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    action_editor.attach()
    strips.attach()
    translations.attach()


def unregister() -> None:
    translations.detach()
    strips.detach()
    action_editor.detach()
    model_panel.detach()
    panels.detach()
    official_model.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
