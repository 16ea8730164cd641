"""What happens in Blender: characters, paths, jobs, Actions. The only rooms that import bpy are this one and `ui`."""

import bpy

from . import (
    character,
    drawing,
    generate,
    jobs,
    keymap,
    path_speed,
    pins,
    prompts,
    settings,
    shot_making,
    shots,
    smpl_body,
    strip_editing,
    takes,
)

CLASSES = (
    *pins.CLASSES, *settings.CLASSES, *character.CLASSES, *smpl_body.CLASSES, *drawing.CLASSES, *generate.CLASSES,
    *prompts.CLASSES, *takes.CLASSES, *shots.CLASSES, *shot_making.CLASSES,
    *strip_editing.CLASSES,
)  # fmt: skip


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    settings.attach()
    jobs.attach()
    path_speed.attach()
    keymap.attach()


def unregister() -> None:
    keymap.detach()
    strip_editing.detach()
    path_speed.detach()
    jobs.detach()
    settings.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
