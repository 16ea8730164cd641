"""Move to Another Character: what one armature shows, performed by another of any family."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
from typing import TYPE_CHECKING

import bpy

from ..scene import messages
from ..scene.operator_base import MotionLCMOperator

if TYPE_CHECKING:
    import numpy as np

    from ...motionlcm_blender.motion.motion import Clip
    from .recognised import BodyRig

MOST_FRAMES = 20000
"""Largest number of frames that are moved at once."""
LEVEL = 0.15
"""Metres by which the lowest feet may be off the floor under the rest pose and count as standing on it."""


def motion_range(obj: bpy.types.Object) -> tuple[int, int]:
    """First and last frame of keys of what moves an armature: its active Action, or else its NLA strips.

    Raises InvalidRequest if nothing moves it, or for too long.
    """
    from ...motionlcm_blender.errors import InvalidRequest
    from ..scene.dependencies import playing_strips

    data = obj.animation_data
    ranges = []
    if data is not None and data.action is not None:
        ranges = [tuple(data.action.frame_range)]
    elif data is not None:
        ranges = [(strip.frame_start, strip.frame_end) for _, strip in playing_strips(data)]
    if not ranges:
        raise InvalidRequest(f'"{obj.name}" has no motion: give it an Action first.')
    first, last = round(min(start for start, _ in ranges)), round(max(end for _, end in ranges))
    if last - first >= MOST_FRAMES:
        raise InvalidRequest(f'The motion of "{obj.name}" has {last - first + 1} frames; {MOST_FRAMES} can be moved.')
    return first, max(last, first + 1)


def moved_clip(clip: "Clip", source: "BodyRig", target: "BodyRig", lock: bool) -> "Clip":
    """A clip of one body, placed in the world, as one of the other, as far from its rest place as it was."""
    import numpy as np

    from ...motionlcm_blender.motion.world_transform import Placement, place_clip
    from ...motionlcm_blender.rigs.clip_retarget import retarget_clip_to_body

    here, there = source.body.standing_place(), target.body.standing_place()
    heights = source.body.alignment.heights
    back = place_clip(clip, Placement(-here.origin, 0.0))
    back = place_clip(back, Placement(np.zeros(3), -here.heading))
    floor = _floor_of(back, heights, source.body.mapping.rest_pose == "zero")
    back = place_clip(back, Placement(np.array([0.0, -floor, 0.0]), 0.0))
    return place_clip(retarget_clip_to_body(back, target.body, source_heights=heights, lock=lock), there)


def _floor_of(clip: "Clip", heights: "np.ndarray", unknown: bool) -> float:
    """Height of the floor under a clip: that of the rest pose, 0, or where its lowest feet are."""
    import numpy as np

    from ...motionlcm_blender.rigs.mapped_joints import TOES
    from ...motionlcm_blender.rigs.rig_retarget import positions, world_rotations

    toes = positions(clip.translation, world_rotations(clip), clip.skeleton)[:, list(TOES), 1] - heights[:, 1]
    lowest = float(np.percentile(toes.min(axis=1), 5.0))
    return lowest if unknown or abs(lowest) < LEVEL else 0.0


def move_motion(context: bpy.types.Context, source: bpy.types.Object, target: bpy.types.Object) -> str:
    """Write what `source` shows as a new Action of `target`; returns the sentence to show.

    Raises InvalidRequest or NotHumanoid if one of them is no humanoid, or the source has no motion.
    """
    import numpy as np

    from ...motionlcm_blender.postprocess.foot_lock import FootLock
    from ..armature.actions import new_action
    from ..scene.scene_time import show_within
    from .job_keys import activate_fk_controls, channels_of_body, fitted, switches_message
    from .recognised import as_body
    from .visible_pose import visible_clip

    first, last = motion_range(source)
    chosen = context.scene.motionlcm
    performer, rig = as_body(source), as_body(target)
    shown = visible_clip(context, source, performer, range(first, last + 1))
    clip = moved_clip(shown, performer, rig, FootLock(chosen.feet) is not FootLock.OFF)
    belongs = activate_fk_controls(target, rig)
    units = rig.body.units_per_metre
    keys = fitted(clip, rig, chosen.key_tolerance, first, units, False) if chosen.key_mode == "FITTED" else None
    times = first + np.arange(clip.frames, dtype=np.float64)
    data = source.animation_data
    name = f"{data.action.name if data.action is not None else source.name} on {target.name}"
    new_action(target, name, times, channels_of_body(target, rig, clip, units, keys, None, times), belongs)
    target.data.pose_position = "POSE"
    show_within(context.scene, times[0], times[-1])
    message = f'{clip.frames} frames of "{source.name}" are on "{target.name}".'
    return message + switches_message(target)


class MOTIONLCM_OT_move_motion(MotionLCMOperator, bpy.types.Operator):
    """Write the motion that the character shows to another armature of a person, as a new Action. The character may be any recognised armature, such as an imported BVH file"""  # noqa: E501  a tooltip

    bl_idname = "motionlcm.move_motion"
    bl_label = "Move to Another Character"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        chosen = context.scene.motionlcm
        return chosen.character is not None and chosen.move_to is not None

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.errors import InvalidRequest
        from ..armature.character_lookup import character_armature, check_writable, find_character

        source = find_character(context)
        target = character_armature(context.scene.motionlcm.move_to)
        if target is None or target.name not in context.scene.objects:
            raise InvalidRequest("Choose an armature of this scene to move the motion to.")
        if target == source:
            raise InvalidRequest("Choose another armature than the character.")
        check_writable(target)
        context.view_layer.update()
        message = move_motion(context, source, target)
        context.scene.frame_set(context.scene.frame_current)
        messages.show_message(message)


CLASSES = (MOTIONLCM_OT_move_motion,)
