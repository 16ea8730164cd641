"""Write a result as takes of a shot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..armature import character_lookup, take_properties
from ..generation import action_recipes, prompt_history, write_actions
from ..scene import handles, playback, shot_lookup
from . import nla_track, shot_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..session.generation_worker import GenerationJobInput, GenerationOutput
MOST_TAKES = 16
"""Number of takes that a shot keeps until one is accepted; the oldest are removed first, starred ones stay."""


def write_shot(
    order: GenerationJobInput,
    result: GenerationOutput,
    left: tuple[str, ...] = (),
    written: Callable[[bpy.types.Action | None, bpy.types.Action], None] | None = None,
) -> str:
    """Write a result as takes of a shot, and show the first one; returns the sentence to show.

    left: the remaining shots; all together are one undo step. written: called before the undo step with the Action
    that the shot had and the new one. Raises InvalidRequest if something was removed; nothing is changed then.
    """
    from ...motionlcm_blender.errors import InvalidRequest
    from ..armature.actions import loose_action
    from ..scene.scene_time import make_room, show_within

    scene, character = handles.find_both(order.scene, order.character)
    character_lookup.check_writable(character)
    index = shot_lookup.index_of(character, order.shot)
    if index < 0:
        raise InvalidRequest("The shot was removed while its motion was generated, so the motion was not written.")
    shot = character.motionlcm.shots[index]
    changed = not _as_ordered(shot, order)
    for view_layer in scene.view_layers:
        view_layer.update()
    batch = _facts_of_batch(character, order)
    made: list[bpy.types.Action] = []
    for take in (result, *result.others):
        times, channels = write_actions.written_channels(character, order, take)
        shot.takes_made += 1
        properties = action_recipes.recipe(order, take) | batch | {"take": shot.takes_made}
        action = loose_action(f"MotionLCM {shot.name} take {shot.takes_made}", times, channels, properties)
        action.use_fake_user = True
        nla_track.shift(action, shot.first - order.first_frame)  # the shot may have been moved in the meantime
        write_actions.recent_results.remember(action, order, take)
        made.append(action)
    old = shot.action
    alone, entry = nla_track.shown_alone(character), shot.entry
    shot.action, shot.stale, shot.entry = made[0], changed, False
    _forget_takes(character, shot)
    nla_track.lay(character)
    if alone is not None and alone == old:
        nla_track.show_alone(character, shot)
    elif alone is None or not entry:
        nla_track.show_all(character)
    following = shot_list.after(character, index)
    if following is not None and following.action is not None and not _joins(order, following):
        shot_list.mark_stale(following)
    character.data.pose_position = "POSE"
    make_room(scene, shot.first, shot.last)
    prompt_history.remember_prompt(scene.motionlcm, order.request.prompt)
    show_within(scene, shot.first, shot.last)
    if written is not None:
        written(old, made[0])
    if not left and stale_follower(character, index) is None:
        playback.push_undo("MotionLCM: Shots")
        playback.play(scene)
    milliseconds = 1000.0 * max(take.report.get("seconds", 0.0) for take in (result, *result.others))
    takes = f"{len(made)} takes of " if made[1:] else ""
    who = f"{character.name}, " if len(characters_with_shots(scene)) > 1 else ""
    return f'{who}{takes}"{shot.name}": frames {shot.first} to {shot.last}, generated in {milliseconds:.0f} ms.'


def _facts_of_batch(character: bpy.types.Object, order: GenerationJobInput) -> dict[str, object]:
    """What is stored on each take of one result; on a control rig, the FK switches are set."""
    import uuid

    from ..rigs.job_keys import activate_fk_controls

    facts: dict[str, object] = {
        "character_id": character_lookup.identity(character),
        "shot": order.shot,
        "batch": uuid.uuid4().hex[:12],
    }
    if order.body is not None:
        facts |= activate_fk_controls(character, order.body)
    return facts


def _joins(order: GenerationJobInput, following: shot_list.MotionLCMShot) -> bool:
    """Whether the generated motion ends in the start pose of the next shot."""
    return order.landing is not None and order.landing.of == following.uid


def _forget_takes(character: bpy.types.Object, shot: shot_list.MotionLCMShot) -> None:
    """Remove the oldest takes of a shot above the limit."""
    found = sorted(character_lookup.takes_of_shot(character, shot.uid), key=take_properties.TAKE.read)
    spare = max(0, len(found) - MOST_TAKES)
    for action in take_properties.removable(found, shot.action)[:spare]:
        bpy.data.actions.remove(action)


def _as_ordered(shot: shot_list.MotionLCMShot, order: GenerationJobInput) -> bool:
    """Whether the shot's settings still equal those of the job."""
    expected = (shot.prompt.strip(), shot.seed, shot.liveliness, shot.path.name if shot.path is not None else "")
    made = (order.request.prompt, order.request.seed, order.request.liveliness, order.path_name)
    return expected == made and shot.last - shot.first + 1 == order.scene_frames


def stale_follower(character: bpy.types.Object, index: int) -> shot_list.MotionLCMShot | None:
    """The shot after this one, if it has a motion that must be generated again."""
    following = shot_list.after(character, index) if index >= 0 else None
    if following is None or following.action is None or following.locked or not following.stale:
        return None
    return following


def characters_with_shots(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The armatures of a scene that have shots, by name."""
    found = [obj for obj in scene.objects if obj.type == "ARMATURE" and len(obj.motionlcm.shots)]
    return sorted(found, key=lambda obj: obj.name)
