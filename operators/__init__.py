"""What happens in Blender: characters, paths, jobs, Actions. The only rooms that import bpy are this one and `ui`."""

import bpy

from . import (
    character,
    contact_sheet,
    diagnostics,
    drawing,
    generate,
    idle,
    jobs,
    keymap,
    log_file,
    models,
    official_model,
    path_speed,
    pins,
    prompts,
    recipes,
    runtime,
    settings,
    shot_editing,
    shot_making,
    smpl_body,
    storyboards,
    strip_editing,
    takes,
)

CLASSES = (
    *pins.CLASSES, *settings.CLASSES, *character.CLASSES, *smpl_body.CLASSES, *drawing.CLASSES, *generate.CLASSES,
    *prompts.CLASSES, *takes.CLASSES, *contact_sheet.CLASSES, *recipes.CLASSES, *shot_editing.CLASSES,
    *shot_making.CLASSES, *strip_editing.CLASSES, *storyboards.CLASSES, *models.CLASSES, *official_model.CLASSES,
    *runtime.CLASSES, *diagnostics.CLASSES,
)  # fmt: skip


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    log_file.attach()
    settings.attach()
    jobs.attach()
    path_speed.attach()
    contact_sheet.attach()
    keymap.attach()
    storyboards.attach()
    runtime.attach()


def unregister() -> None:
    idle.detach()
    runtime.detach()
    official_model.detach()
    storyboards.detach()
    keymap.detach()
    contact_sheet.detach()
    strip_editing.detach()
    path_speed.detach()
    jobs.detach()
    settings.detach()
    log_file.detach()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
