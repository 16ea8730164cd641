"""What is added to Blender's Action editor."""

import bpy

from ..operators import recipes


def _draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
    space = context.space_data
    # The editor's own `action` is not there in every Blender.
    action = getattr(context, "active_action", None) if space is not None and space.mode == "ACTION" else None
    if action is not None and recipes.PROMPT in action:
        made = header.layout.operator("motionlcm.regenerate", text="", icon="FILE_REFRESH")
        made.action = action.name_full


def attach() -> None:
    bpy.types.DOPESHEET_HT_header.append(_draw)


def detach() -> None:
    bpy.types.DOPESHEET_HT_header.remove(_draw)
