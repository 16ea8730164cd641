"""Which take of a character is active."""

from __future__ import annotations

import bpy

from ..armature.take_properties import BATCH, LIVE_PREVIEW, behind_preview
from ..scene import shot_lookup


def present_take(character: bpy.types.Object | None) -> bpy.types.Action | None:
    """The character's active Action, if it is ours; if shots are shown, the chosen shot's Action.

    None while Live shows a preview, since a preview is no take to work on.
    """
    data = character.animation_data if character is not None else None
    return None if data is None or LIVE_PREVIEW.is_on(data.action) else listed_take(character)


def listed_take(character: bpy.types.Object | None) -> bpy.types.Action | None:
    """The same for the list of takes, which stays as it is while Live shows a preview: the take behind the preview."""
    data = character.animation_data if character is not None else None
    action = behind_preview(data.action) if data is not None else None
    if action is None and data is not None:
        shot = shot_lookup.active_shot(character)
        action = shot.action if shot is not None else None
    return action if BATCH.is_on(action) else None
