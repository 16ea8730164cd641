"""Write a result to Actions of the character, and fit their keys again."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..armature.character_lookup import check_writable, identity
from ..armature.take_properties import FIRST_FRAME
from ..scene.dependencies import is_carried
from ..scene.handles import find_both
from ..scene.playback import play, push_undo
from . import prompt_history
from .action_recipes import key_numbers, recipe

if TYPE_CHECKING:
    import numpy as np

    from ...motionlcm_blender.generation.request import Request
    from ..armature.actions import Channel
    from ..armature.smpl_rig import Rig
    from ..rigs.recognised import BodyRig
    from ..session.generation_worker import GenerationJobInput, GenerationOutput


def write_result(order: GenerationJobInput, result: GenerationOutput, batch: str | None = None) -> str:
    """Write a result as a new Action of the character, as one undo step; returns the sentence to show.

    batch: identity that takes of one request share; None: a new one for this result. Raises InvalidRequest if the
    character or the scene was removed in the meantime; nothing is changed then.
    """
    from ..armature.actions import new_action, repeat_forever
    from ..rigs.job_keys import activate_fk_controls, switches_message
    from ..scene.scene_time import make_room, show_within

    scene, character = find_both(order.scene, order.character)
    check_writable(character)
    for view_layer in scene.view_layers:
        view_layer.update()
    request = order.request
    belongs = {"character_id": identity(character), "batch": batch or uuid.uuid4().hex[:12]}
    if order.body is not None:
        belongs |= activate_fk_controls(character, order.body)
    for take in reversed((result, *result.others)):  # the first take is written last and stays active
        times, channels = written_channels(character, order, take)
        stored = recipe(order, take) | belongs
        action = new_action(character, action_name(take.request), times, channels, stored)
        recent_results.remember(action, order, take)
        if order.loop:
            repeat_forever(character)
    character.data.pose_position = "POSE"
    make_room(scene, times[0], times[-1])
    prompt_history.remember_prompt(scene.motionlcm, request.prompt)
    show_within(scene, times[0], times[-1])
    push_undo(f"MotionLCM: {request.prompt[:40]}")
    play(scene)
    milliseconds = 1000.0 * max(take.report.get("seconds", 0.0) for take in (result, *result.others))
    made = summary(len(times), order.first_frame, milliseconds) + switches_message(character)
    return (
        made if not result.others else rpt_("{count} takes of {made}").format(count=len(result.others) + 1, made=made)
    )


def summary(frames: int, first: int, milliseconds: float) -> str:
    """The panel's sentence about a written motion, in the language of the interface."""
    sentence = rpt_("{frames} frames from frame {first}, generated in {milliseconds:.0f} ms.")
    return sentence.format(frames=frames, first=first, milliseconds=milliseconds)


def action_name(request: Request) -> str:
    """The name of a take's Action."""
    name = f"MotionLCM {request.prompt[:40].strip()} s{request.seed}"
    if request.blends:
        name += f" v{request.blends[-1].towards % 10000}"
    return name + (" mirrored" if request.mirror else "")


def written_channels(
    character: bpy.types.Object,
    order: GenerationJobInput,
    result: GenerationOutput,
    known: Rig | BodyRig | None = None,
    frames: np.ndarray | None = None,
) -> tuple[np.ndarray, list[Channel]]:
    """Scene frames (K,) and a result as channels of the character at its place on the first frame.

    known: the character as it was read before. frames: (K,) indices of the frames to write, for a result without
    fitted keys; None: all.
    """
    import numpy as np

    from ..armature.smpl_rig import Rig
    from ..rigs.recognised import read_character
    from ..scene.scene_time import at_frame

    scene = find_both(order.scene, order.character)[0]
    if frames is None:
        frames = np.arange(result.clip.frames)
    else:
        result = _of_frames(result, frames)
    times = order.first_frame + frames.astype(np.float64)
    with at_frame(scene, order.first_frame, is_carried(character)):
        rig = read_character(character) if known is None else known
        if isinstance(rig, Rig):
            return times, _channels_here(character, rig, order, result)
        return times, _channels_of_body(character, rig, order, result, times)


def _of_frames(result: GenerationOutput, frames: np.ndarray) -> GenerationOutput:
    """Some frames (K,) of a result."""
    from dataclasses import replace

    clip, moved = result.clip, result.root_motion
    clip = replace(clip, translation=clip.translation[frames], rotations=clip.rotations[frames])
    if moved is not None:
        moved = replace(moved, ground=moved.ground[frames], heading=moved.heading[frames])
    return replace(result, clip=clip, root_motion=moved)


def _channels_of_body(
    character: bpy.types.Object, rig: BodyRig, order: GenerationJobInput, result: GenerationOutput, times: np.ndarray
) -> list[Channel]:
    """The same for an armature without SMPL's bone names, in the current scene state."""
    from dataclasses import replace

    from ...motionlcm_blender.motion.loops import Travel
    from ...motionlcm_blender.rigs.bone_keys import BoneKeys
    from ..rigs.job_keys import channels_of_body, placed, stands_as
    from ..rigs.recognised import root_bone, with_root_at_rest
    from ..session.generation_worker import fitted_keys

    root = root_bone(character, rig) if order.travel is Travel.BONE else ""
    if root:
        rig = with_root_at_rest(character, rig)
    clip, keys = placed(result.clip, rig, order.travel is not Travel.HIPS), result.keys
    moved = order.body is None or not stands_as(rig, order.body)
    if moved and keys is not None and order.key_tolerance is not None:  # moved since the keys were fitted
        keys = fitted_keys(result.clip, order.key_tolerance, replace(order, body=rig))
    few = keys if isinstance(keys, BoneKeys) else None
    return channels_of_body(character, rig, clip, order.units_per_metre, few, result.root_motion, times, root)


def _channels_here(
    character: bpy.types.Object, rig: Rig, order: GenerationJobInput, result: GenerationOutput
) -> list[Channel]:
    """The same in the current scene state."""
    from dataclasses import replace

    from ...motionlcm_blender.keyframes.keys import SparseKeys, place_keys
    from ...motionlcm_blender.motion.loops import Travel
    from ...motionlcm_blender.motion.world_transform import Placement, place_clip
    from ..armature.actions import channels_of
    from ..armature.pose_keys import pose_keys
    from ..armature.root_motion import bone_channels, current_placement, object_channels, root_bone
    from ..armature.smpl_rig import pose_channels

    units, clip = order.units_per_metre, result.clip
    keys = result.keys if isinstance(result.keys, SparseKeys) else None
    carried: list[Channel] = []
    if order.travel is not Travel.HIPS:  # the current place of the object, which an Action may have moved
        now = current_placement(character, rig, units)
        here = Placement(now.origin * [1.0, 0.0, 1.0], now.heading)
        clip, keys = place_clip(clip, here), None if keys is None else place_keys(keys, here)
        if result.root_motion is not None:
            if order.travel is Travel.BONE:
                carried = bone_channels(character, result.root_motion, now, units, root_bone(character))
            else:
                carried = object_channels(character, result.root_motion, now, units)
    in_bone = order.travel is Travel.BONE
    pose, fitted = pose_channels(clip, character, rig, units, in_bone), None
    if keys is not None:
        location, turned, played = pose_keys(keys, character, rig, units, order.euler, in_bone)
        pose, fitted = replace(pose, rotations=pose.rotations | played), (location, turned)
    return channels_of(character, pose, fitted) + carried


class RecentResults:
    """The latest results by their Action's session id, so that keys can be fitted again without a new generation.

    The number of results is limited; the oldest is dropped.
    """

    MOST = 32

    def __init__(self) -> None:
        self._kept: dict[int, tuple[GenerationJobInput, GenerationOutput]] = {}

    def remember(self, action: bpy.types.Action, order: GenerationJobInput, result: GenerationOutput) -> None:
        """Store the result that an Action was written from."""
        self._kept[action.session_uid] = (order, result)
        while len(self._kept) > self.MOST:
            del self._kept[next(iter(self._kept))]

    def find(self, action: bpy.types.Action | None) -> tuple[GenerationJobInput, GenerationOutput] | None:
        """The result that an Action was written from; None if it is no longer stored."""
        return None if action is None else self._kept.get(action.session_uid)

    def clear(self) -> None:
        self._kept.clear()


recent_results = RecentResults()


def refit(context: bpy.types.Context, character: bpy.types.Object) -> str:
    """Fit the keys of the character's active Action again with the panel's settings; returns the sentence to show.

    Raises InvalidRequest if the result of the Action is no longer stored.
    """
    from dataclasses import replace

    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.motion.loops import Travel
    from ..armature.actions import repeat_forever, rewrite
    from ..armature.pose_keys import euler_bones
    from ..armature.smpl_rig import Rig
    from ..rigs.recognised import read_character, with_root_at_rest
    from ..session.generation_worker import fitted_keys

    data = character.animation_data
    action = data.action if data is not None else None
    recent = recent_results.find(action)
    if action is None or recent is None:
        raise InvalidRequest("The motion of this Action is not in memory: press Again, then fit its keys.")
    chosen = context.scene.motionlcm
    order, result = recent
    order = replace(order, first_frame=FIRST_FRAME.read(action))  # a shot may have been moved after the generation
    tolerance = chosen.key_tolerance if chosen.key_mode == "FITTED" else None
    rig, euler = read_character(character), None
    if isinstance(rig, Rig):
        euler = euler_bones(character, rig, order.units_per_metre, order.travel is Travel.HIPS)
    body = None if isinstance(rig, Rig) else rig
    if body is not None and order.travel is Travel.BONE:
        body = with_root_at_rest(character, body)
    order = replace(order, key_tolerance=tolerance, euler=euler, body=body)
    keys = None if tolerance is None else fitted_keys(result.clip, tolerance, order)
    result = replace(result, keys=keys)
    times, channels = written_channels(character, order, result)
    rewrite(character, times, channels, {"key_tolerance": tolerance or 0.0, **key_numbers(keys)})
    recent_results.remember(action, order, result)
    if order.loop:
        repeat_forever(character)
    if keys is None:
        return "One key on every frame."
    return f"{keys.keys_per_second:.0f} keys per second, error at most {keys.max_error_mm:.1f} mm."
