"""What is seen: panels and preferences. Draws state, computes nothing."""

import bpy

from . import action_editor, official_model, panels, preferences, strips, translations

CLASSES = (*official_model.CLASSES, *preferences.CLASSES, *panels.CLASSES, *strips.CLASSES)


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
    panels.detach()
    official_model.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
