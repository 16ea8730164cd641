"""What is seen: panels and preferences. Draws state, computes nothing."""

import bpy

from . import panels, preferences, strips

CLASSES = (*preferences.CLASSES, *panels.CLASSES, *strips.CLASSES)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    strips.attach()


def unregister() -> None:
    strips.detach()
    panels.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
