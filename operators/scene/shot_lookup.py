"""The active shot of a character, and a shot by its identity."""

from __future__ import annotations

from typing import Any

import bpy


def index_of(character: bpy.types.Object, uid: str) -> int:
    """The index of the shot with this identity in the list; -1 if it was removed."""
    return next((number for number, shot in enumerate(character.motionlcm.shots) if shot.uid == uid), -1)


def active_shot(character: bpy.types.Object | None) -> Any | None:
    """The chosen shot of the list, a MotionLCMShot."""
    if character is None:
        return None
    listed = character.motionlcm
    return listed.shots[listed.shot_index] if 0 <= listed.shot_index < len(listed.shots) else None
