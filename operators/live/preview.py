"""The Action that shows the motion during a change; its keys are replaced in place.

It is made at the first motion of a change, stands in place of the character's Action, and is removed when the change
ends. It stores what to put back, so that an undo step or a file that holds it can be repaired.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from ..armature.actions import SLOT_NAME, Channel, curves_of, empty_holder, holder_of, slot_of
from ..armature.take_properties import LIVE_PREVIEW, write_facts

if TYPE_CHECKING:
    from ..generation.order_builder import KnownRig
    from ..session.generation_worker import GenerationJobInput, GenerationOutput

NAME = "MotionLCM Live"
MOST_KEYS = 300
"""Largest number of keys of a curve; a longer motion has a key on every frame around the playhead only during a
change."""
NEAR_KEYS, BEFORE = 150, 40
"""Of these, the keys around the playhead, and those of them before it."""
LINEAR = 1
"""Blender's number of linear interpolation."""


def shown_on(obj: bpy.types.Object | None) -> bpy.types.Action | None:
    """The preview that is the object's active Action, or None."""
    data = obj.animation_data if obj is not None else None
    action = data.action if data is not None else None
    return action if LIVE_PREVIEW.is_on(action) else None


def previews() -> Iterator[bpy.types.Object]:
    """The objects whose active Action is a preview."""
    marked = {action for action in bpy.data.actions if LIVE_PREVIEW.is_on(action)}
    if marked:
        yield from [obj for obj in bpy.data.objects if shown_on(obj) in marked]


def show(character: bpy.types.Object, order: GenerationJobInput, result: GenerationOutput, known: KnownRig) -> int:
    """Show a motion on the character: keys in place where the preview is there. Returns the number of keys written."""
    from ..generation.write_actions import written_channels
    from ..scene.scene_time import playhead, without_stepping

    moves_object = order.body is not None and order.travel.value == "root"  # and with it what was read of the rig
    frames = kept_frames(result.clip.frames, playhead(bpy.context.scene) - order.first_frame)
    with without_stepping():
        times, channels = written_channels(character, order, result, None if moves_object else known.rig, frames)
    if shown_on(character) is None:
        _begin(character, order, times, channels)
    elif not _replaced(character, times, channels):
        _fill(holder_of(character.animation_data.action, character), times, channels)
    return sum(channel.values.size for channel in channels)


def restore(obj: bpy.types.Object) -> None:
    """Put back what was there before the preview, and remove the preview."""
    action = shown_on(obj)
    if action is None:
        return
    stored, data = json.loads(LIVE_PREVIEW.read(action)), obj.animation_data
    before = bpy.data.actions.get((stored["action"], stored["library"])) if stored["action"] else None
    data.action = before
    if before is not None:
        if hasattr(data, "action_slot") and len(before.slots):
            named = [slot for slot in before.slots if slot.identifier == stored["slot"]]
            data.action_slot = named[0] if named else slot_of(before, obj)
        if before.library is None:
            before.use_fake_user = stored["fake_user"]
    data.action_extrapolation = stored["extrapolation"]
    bpy.data.actions.remove(action)
    if not stored["had_data"] and not len(data.drivers) and not len(data.nla_tracks):
        obj.animation_data_clear()


def sweep() -> None:
    """Remove previews that no object shows."""
    shown = {shown_on(obj) for obj in previews()}
    for action in [each for each in bpy.data.actions if LIVE_PREVIEW.is_on(each) and each not in shown]:
        bpy.data.actions.remove(action)


def _begin(
    character: bpy.types.Object, order: GenerationJobInput, times: np.ndarray, channels: Sequence[Channel]
) -> None:
    """Make the preview the active Action. Over shots it plays on its own frames only."""
    from ..rigs.job_keys import activate_fk_controls

    data = character.animation_data
    stored: dict[str, Any] = {"had_data": data is not None}
    data = character.animation_data_create()
    before, slot = data.action, getattr(data, "action_slot", None)
    stored |= {
        "action": before.name if before is not None else "",
        "library": before.library.filepath if before is not None and before.library is not None else None,
        "slot": slot.identifier if slot is not None else "",
        "fake_user": before.use_fake_user if before is not None else False,
        "extrapolation": data.action_extrapolation,
    }
    action = bpy.data.actions.new(NAME)
    LIVE_PREVIEW.write(action, json.dumps(stored))
    facts: dict[str, Any] = {} if order.body is None else dict(activate_fk_controls(character, order.body))
    standing = order.rest_placement
    if standing is not None:
        facts |= {"travel": order.travel.value, "standing": [*map(float, standing.origin), float(standing.heading)]}
    write_facts(action, facts)
    _fill(empty_holder(action), times, channels)
    if before is not None and before.library is None:
        before.use_fake_user = True  # it has no other user in the meantime
    data.action = action
    if hasattr(action, "slots"):
        data.action_slot = next(slot for slot in action.slots if slot.name_display == SLOT_NAME)
    if order.shot:
        data.action_extrapolation = "NOTHING"


def _replaced(character: bpy.types.Object, times: np.ndarray, channels: Sequence[Channel]) -> bool:
    """Replace the keys of the preview in place. Returns False, with nothing usable written, if curves or numbers of
    keys differ."""
    curves = {(curve.data_path, curve.array_index): curve for curve in curves_of(character)}
    if len(curves) != sum(channel.values.shape[1] for channel in channels):
        return False
    coordinates = np.empty(2 * len(times), np.float32)
    coordinates[0::2] = times
    for channel in channels:
        count = len(channel.values)
        part = coordinates[: 2 * count]
        for index in range(channel.values.shape[1]):
            curve = curves.get((channel.path, index))
            if curve is None or len(curve.keyframe_points) != count:
                return False
            part[1::2] = channel.values[:, index]
            curve.keyframe_points.foreach_set("co", part)
    for curve in [*curves.values()][:1]:
        # It marks the Action as changed. Between linear keys in the order of time, other curves need no update.
        curve.update()
    return True


def _fill(holder: Any, times: np.ndarray, channels: Sequence[Channel]) -> None:
    """Replace all curves of the preview; its keys are linear, and have no type that a finished motion's keys have."""
    for curve in list(holder.fcurves):
        holder.fcurves.remove(curve)
    linear = np.full(len(times), LINEAR, np.int32)
    coordinates = np.empty(2 * len(times), np.float32)
    coordinates[0::2] = times
    for channel in channels:
        group = holder.groups.get(channel.group) or holder.groups.new(channel.group)
        count = len(channel.values)
        part = coordinates[: 2 * count]
        for index in range(channel.values.shape[1]):
            curve = holder.fcurves.new(channel.path, index=index)
            curve.group = group
            part[1::2] = channel.values[:, index]
            points = curve.keyframe_points
            points.add(count)
            points.foreach_set("co", part)
            points.foreach_set("interpolation", linear[:count])


def kept_frames(count: int, shown: int) -> np.ndarray:
    """The frames of a motion that get a key during a change.

    count: frames of the motion. shown: the frame at the playhead, which may be outside of the motion. Returns (K,)
    ascending indices with the first and the last frame; K depends on `count` alone, so that keys can be replaced in
    place: each frame around the playhead, and frames at even distances before and after.
    """
    if count <= MOST_KEYS:
        return np.arange(count)
    start = min(max(shown - BEFORE, 0), count - NEAR_KEYS)
    outside = np.concatenate([np.arange(start), np.arange(start + NEAR_KEYS, count)])
    even = outside[np.linspace(0, len(outside) - 1, MOST_KEYS - NEAR_KEYS).astype(int)]
    return np.union1d(even, start + np.arange(NEAR_KEYS))
