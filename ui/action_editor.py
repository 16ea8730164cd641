"""The extension's buttons in Blender's Action editor."""

import bpy

from ..operators.armature.take_properties import has_recipe


def _draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
    space = context.space_data
    # Not every Blender version has `action` on the editor.
    action = getattr(context, "active_action", None) if space is not None and space.mode == "ACTION" else None
    if has_recipe(action):
        made = header.layout.operator("motionlcm.regenerate", text="", icon="FILE_REFRESH")
        made.action = action.name_full


def register_properties() -> None:
    bpy.types.DOPESHEET_HT_header.append(_draw)


def unregister_properties() -> None:
    bpy.types.DOPESHEET_HT_header.remove(_draw)
