"""The order for one shot, which goes on from the shot before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..armature import character_lookup, take_properties
from ..generation import action_recipes
from ..scene import handles, scene_time, shot_lookup
from ..session import model_choice
from . import shot_list

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput

FAR_FROM_PATH = 0.5
"""Metres from the last pose to the beginning of the path, above which the animator is told."""


def order_for(
    context: bpy.types.Context, character: bpy.types.Object, shot: shot_list.MotionLCMShot
) -> GenerationJobInput:
    """The order for one shot. Feet, ground, pins on its frames, steps and keys are the panel's; the hips carry the
    travel.

    Of a shot that is stale only because it begins elsewhere, not far from where it did, the end stays where it is, so
    that what comes after can stay. Raises InvalidRequest with one sentence.
    """
    import math

    import numpy as np

    from ...motionlcm_blender.motion.foot_lock import FootLock
    from ...motionlcm_blender.motion.placement import Placement, canonicalise
    from ...motionlcm_blender.recipes import hints_of
    from ...motionlcm_blender.request import Request
    from ..armature.root_motion import standing_now
    from ..armature.smpl_rig import euler_bones, read_rig, units_per_metre
    from ..controls import trajectory
    from ..controls.pins import pins_for, sample_pins
    from ..controls.trajectory import sample_path
    from ..scene.scene_time import scene_frames_each
    from ..session.generation_worker import GenerationJobInput
    from . import shot_transitions

    scene, chosen = context.scene, context.scene.motionlcm
    prompt = shot.prompt.strip()
    Request(prompt, 8)  # says what is wrong with the prompt before anything is read
    context.view_layer.update()
    rig = read_rig(character)
    units = units_per_metre(character, rig)
    each = scene_frames_each(scene)
    frames = math.ceil((shot.last - shot.first) / each - 1e-6) + 1  # of the model, on the shot's own scene frames
    standing = standing_now(character, rig, units)
    path_xz, path_name, ground, floor = None, "", None, float(standing.origin[1])
    warnings: tuple[str, ...] = ()
    if shot.path is not None:
        trajectory.check_path_object(shot.path, character)
        eases = (chosen.ease_in, chosen.ease_out)
        part = (shot.path_from, shot.path_to)
        walked = sample_path(context, shot.path, frames, shot.first, units, eases, part)
        path_xz, path_name, ground = walked.xz, shot.path.name, walked.ground
        warnings += walked.warnings
        floor = floor if walked.floor is None else walked.floor

    index = shot_lookup.index_of(character, shot.uid)
    earlier, beginning = shot_list.before(character, index), None
    if shot.start_pose is not None:
        beginning = shot_transitions.in_pose(shot.start_pose, character, rig, units, standing, path_xz)
    elif earlier is not None and earlier.action is None:
        warnings += (f'"{earlier.name}" before it has no motion yet: "{shot.name}" starts where the character stands.',)
    elif earlier is not None:
        beginning = shot_transitions.after_shot(earlier, character, rig, units, each, chosen.ground is not None)
    placement, start, lead = standing, None, 0
    if beginning is not None:
        placement, start, lead = beginning.placement, beginning.start, beginning.seam.frame
    if path_xz is not None:
        if beginning is None:
            placement = canonicalise(path_xz)[1]
            placement = Placement(np.array([placement.origin[0], floor, placement.origin[2]]), placement.heading)
        else:
            path_xz, away = shot_transitions.joined_path(beginning.way, path_xz)
            if away > FAR_FROM_PATH:
                warnings += (
                    f'Path "{path_name}" begins {away:.1f} m from where "{shot.name}" does: the character first walks '
                    "over to it.",
                )

    following, ending = shot_list.after(character, index), None
    if following is not None and following.action is not None and following.locked:
        ending = shot_transitions.before_shot(following, character, rig, units, each)
    elif shot.end_pose is not None:
        ending = shot_transitions.to_pose(shot.end_pose, character, rig, units)
    elif (
        shot.entry and beginning is not None and shot.action is not None and following is not None
        and following.action is not None and not following.stale
        and shot_transitions.hardly_moved(beginning, shot, character, rig, units, each)
    ):  # fmt: skip
        ending = shot_transitions.before_shot(following, character, rig, units, each)
    tail = 0 if ending is None else ending.tail
    if path_xz is not None and ending is not None:
        path_xz = np.concatenate([path_xz, ending.joints[1:, 0][:, [0, 2]]])

    if chosen.ground is not None:
        from ..controls.ground import height_field

        places = placement.origin[[0, 2]][None] if path_xz is None else path_xz
        ground, told = height_field(context, chosen.ground, places, path_xz is None, float(placement.origin[1]), units)
        warnings += told
        if beginning is not None:
            start = shot_transitions.lowered(beginning.start, ground.heights(beginning.way))
    pins = [
        pin for pin in pins_for((*chosen.pins, *shot.pins), character)
        if min(pin.first, pin.last) <= shot.last and max(pin.first, pin.last) >= shot.first
    ]  # fmt: skip
    pinned = sample_pins(context, pins, frames + lead + tail, shot.first - lead * each, units)
    if pinned is not None:
        warnings += pinned[2]
    if character_lookup.is_carried(character):
        warnings += (f'"{character.name}" hangs from something that may move: it is placed as it stands now.',)
    request = Request(
        prompt,
        frames + lead + tail,
        seed=shot.seed,
        takes=shot.takes,
        steps=int(chosen.steps),
        hints=hints_of(path_xz, None if pinned is None else pinned[:2], placement),
        start=start,
        end=None if ending is None else ending.seen_from(placement, ground),
        end_anywhere=ending is not None and ending.anywhere,
        feet=FootLock(chosen.feet),
    )
    rate = scene_time.rate_of(scene)
    return GenerationJobInput(
        request=request,
        skeleton=rig.skeleton,
        placement=placement,
        fps=rate,
        first_frame=shot.first,
        character=handles.handle_of(character),
        scene=handles.handle_of(scene),
        choice=model_choice.chosen(),
        units_per_metre=units,
        path_name=path_name,
        path_xz=path_xz,
        warnings=warnings,
        seconds=(shot.last - shot.first) / rate,
        ground=ground,
        ground_name=chosen.ground.name if chosen.ground is not None else "",
        standing=standing,
        key_tolerance=chosen.key_tolerance if chosen.key_mode == "FITTED" else None,
        euler=euler_bones(character, rig, units, True),
        seam=None if beginning is None else beginning.seam,
        landing=None if ending is None else ending.landing,
        scene_frames=shot.last - shot.first + 1,
        shot=shot.uid,
    )


def order_again(context: bpy.types.Context, character: bpy.types.Object, take: bpy.types.Action) -> GenerationJobInput:
    """The order for one take of a shot, as the shot stands now. Raises InvalidRequest if there is no such shot."""
    from dataclasses import replace

    from ...motionlcm_blender.errors import InvalidRequest

    index = shot_lookup.index_of(character, take.get(take_properties.SHOT, ""))
    if index < 0:
        raise InvalidRequest("The shot of this take is no longer there.")
    shot = character.motionlcm.shots[index]
    if shot.locked:
        raise InvalidRequest(f'"{shot.name}" is locked: unlock it first.')
    made = action_recipes.recipe_in(take).request
    order = order_for(context, character, shot)
    request = replace(order.request, takes=1, seed=made.seed, blends=made.blends, mirror=made.mirror)
    return replace(order, request=request)
