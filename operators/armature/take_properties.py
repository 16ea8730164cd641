"""What is stored on Actions and objects as custom properties."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

SHOT = "motionlcm_shot"
"""Custom property of an Action that is a shot's: which one."""
CUT = "motionlcm_cut"
"""Custom property of an Action that was cut out of another one or joined, so that its recipe makes more, or less."""


def copy_facts(source: bpy.types.Action, target: bpy.types.Action) -> None:
    """What an Action tells of how it was made, and that the other one is no longer just that."""
    for key in source.keys():
        if key.startswith("motionlcm_"):
            target[key] = source[key]
    target[CUT] = True


def discard(action: bpy.types.Action | None) -> None:
    """Remove an Action that nobody uses any more."""
    if action is not None and action.users - int(action.use_fake_user) <= 0:
        bpy.data.actions.remove(action)


DIRECTIONS = "motionlcm_joint_directions"
"""Custom property of the armature: where a shape moves its joints. It tells a body with a shape."""
SHAPE_KEY = "Shape "
"""Shape keys are called "Shape 0", "Shape 1", ..."""

SORTS = {"NAME": "", "PATH": "motionlcm_path_mean_cm", "SKATE": "motionlcm_foot_skate_cm_s"}
STAR = "motionlcm_star"
NUMBER = "motionlcm_take"
"""Custom property of an Action that is a shot's: which take of it."""


def takes_of_shot(character: bpy.types.Object, uid: str) -> list[bpy.types.Action]:
    """All takes that were made of a shot, in no order."""
    own = character.get("motionlcm_id")
    return [
        action for action in bpy.data.actions
        if action.get(SHOT) == uid and action.get("motionlcm_character_id") == own
    ]  # fmt: skip


def removable(actions: Sequence[bpy.types.Action], present: bpy.types.Action | None) -> list[bpy.types.Action]:
    """Those that nobody would miss: not the present one, not starred, used by nothing."""
    return [
        action for action in actions
        if action != present and not action.get(STAR, False) and action.users - int(action.use_fake_user) <= 0
    ]  # fmt: skip
