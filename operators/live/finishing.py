"""Write the finished motion of a change: one Action, one undo step, the same keys as Generate writes."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..armature.actions import LONGEST_NAME, holder_of, new_action, repeat_forever, rewrite
from ..armature.character_lookup import check_writable, identity
from ..armature.take_properties import LIVE, STAR, removable, replace_facts
from ..generation import prompt_history
from ..generation.action_recipes import recipe
from ..generation.orders import order_from_scene
from ..generation.write_actions import action_name, recent_results, summary, written_channels
from ..scene import shot_lookup
from ..scene.handles import find_both
from ..scene.playback import push_undo
from ..session import job_queue
from . import preview

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput, GenerationOutput

MODES_WITH_ALL_DATA = ("OBJECT", "POSE")
"""Modes whose undo steps hold the whole file. In Edit Mode a step holds the edited shape alone, so that an undo step of
ours would be one that changes nothing."""


def finished_order(
    context: bpy.types.Context, character: bpy.types.Object, shot: str, begin: int | None
) -> GenerationJobInput:
    """The job input that Generate would build, for one take. begin: first frame; None: by the settings.

    Raises InvalidRequest with one sentence.
    """
    from dataclasses import replace

    from ..shots.shot_order import order_for

    index = shot_lookup.index_of(character, shot) if shot else -1
    if index < 0:
        order = order_from_scene(context, begin)
    else:
        order = order_for(context, character, character.motionlcm.shots[index])
    return replace(order, request=replace(order.request, takes=1))


def write(order: GenerationJobInput, result: GenerationOutput, session: str) -> str:
    """Write a finished motion and push one undo step; returns the sentence to show.

    session: name of this use of Live. The Action that the same session wrote before is written anew, unless a person
    changed it. Raises InvalidRequest if character, scene or shot was removed.
    """
    scene, character = find_both(order.scene, order.character)
    check_writable(character)
    preview.restore(character)
    for view_layer in scene.view_layers:
        view_layer.update()
    if order.shot:
        return _write_shot(order, result, session, scene, character)
    sentence = _write_action(order, result, session, scene, character)
    if bpy.context.mode in MODES_WITH_ALL_DATA:
        push_undo(f"MotionLCM Live: {order.request.prompt[:40]}")
    return sentence


def _write_action(
    order: GenerationJobInput,
    result: GenerationOutput,
    session: str,
    scene: bpy.types.Scene,
    character: bpy.types.Object,
) -> str:
    from ..rigs.job_keys import activate_fk_controls
    from ..scene.scene_time import make_room, show_within

    facts = recipe(order, result) | {"character_id": identity(character), "batch": uuid.uuid4().hex[:12]}
    if order.body is not None:
        facts |= activate_fk_controls(character, order.body)
    times, channels = written_channels(character, order, result)
    data = character.animation_data
    action = data.action if data is not None else None
    if is_own(action, session):
        assert action is not None
        rewrite(character, times, channels, {})
        replace_facts(action, facts)
        action.name = action_name(result.request)[:LONGEST_NAME]
    else:
        action = new_action(character, action_name(result.request), times, channels, facts)
    recent_results.remember(action, order, result)
    if order.loop:
        repeat_forever(character)
    mark_own(action, session)
    character.data.pose_position = "POSE"
    make_room(scene, times[0], times[-1])
    prompt_history.remember_prompt(scene.motionlcm, order.request.prompt)
    show_within(scene, times[0], times[-1])
    milliseconds = 1000.0 * result.report.get("seconds", 0.0)
    return summary(len(times), order.first_frame, milliseconds)


def _write_shot(
    order: GenerationJobInput,
    result: GenerationOutput,
    session: str,
    scene: bpy.types.Scene,
    character: bpy.types.Object,
) -> str:
    """Write a take of a shot in place of the take that Live wrote before; the shots after it follow as jobs."""
    from ..shots.generate_shots import queued_job
    from ..shots.write_takes import stale_follower, write_shot

    def written(old: bpy.types.Action | None, new: bpy.types.Action) -> None:
        mark_own(new, session)
        if old is not None and is_own(old, session) and removable([old], new):
            bpy.data.actions.remove(old)

    sentence = write_shot(order, result, written=written)
    following = stale_follower(character, shot_lookup.index_of(character, order.shot))
    if following is not None:
        queue = job_queue.get()
        queued = queued_job(scene, character, (following.uid,))
        queue.enqueue([queued])
    return sentence


def is_own(action: bpy.types.Action | None, session: str) -> bool:
    """Whether this session of Live wrote the Action, and nobody changed its keys or starred it since."""
    if action is None or action.library is not None or STAR.read(action):
        return False
    return LIVE.read(action) == f"{session} {_hash_of_keys(action)}"


def mark_own(action: bpy.types.Action, session: str) -> None:
    """Note on an Action that this session of Live wrote it, with a hash of its keys."""
    LIVE.write(action, f"{session} {_hash_of_keys(action)}")


def _hash_of_keys(action: bpy.types.Action) -> str:
    found, holder = hashlib.sha1(usedforsecurity=False), holder_of(action)
    for curve in () if holder is None else holder.fcurves:
        points = curve.keyframe_points
        found.update(f"{curve.data_path} {curve.array_index} {len(curve.modifiers)}".encode())
        for name in ("co", "handle_left", "handle_right"):
            values = np.empty(2 * len(points), np.float32)
            points.foreach_get(name, values)
            found.update(values.tobytes())
    return found.hexdigest()[:16]
