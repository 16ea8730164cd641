"""From a shot to an order, which goes on from the shot before it, and from the result to the shot's Action."""

# No `from __future__ import annotations` here, as in all files with operators.
from functools import partial
from typing import TYPE_CHECKING

import bpy

from . import engine, generate, jobs, settings, shot_strips, shots

if TYPE_CHECKING:
    from .jobs import Job
    from .worker import Handle, Order, Result

FAR_FROM_PATH = 0.5
"""Metres from the last pose to the beginning of the path, above which the animator is told."""
MOST_TAKES = 16
"""Takes of a shot that are kept until one is accepted; the oldest go first, starred ones stay."""


def order_for(
    context: bpy.types.Context, character: bpy.types.Object, shot: "shots.MotionLCMShot"
) -> "Order":
    """The order for one shot. Feet, ground, pins on its frames, steps and keys are the panel's; the hips carry the
    travel.

    Of a shot that is stale only because it begins elsewhere, not far from where it did, the end stays where it is, so
    that what comes after can stay. Raises InvalidRequest with one sentence.
    """
    import math

    import numpy as np

    from ..motionlcm_blender.generation.request import Request
    from ..motionlcm_blender.motion.world_transform import Placement, canonicalise
    from ..motionlcm_blender.postprocess.foot_lock import FootLock
    from ..motionlcm_blender.recipes.recipe import hints_of
    from . import shot_ends
    from .carrier import standing_now
    from .pins import pins_for, sample_pins
    from .rig import euler_bones, read_rig, units_per_metre
    from .scene_time import scene_frames_each
    from .trajectory import sample_path
    from .worker import Order

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
        generate.check_path_object(shot.path, character)
        eases = (chosen.ease_in, chosen.ease_out)
        part = (shot.path_from, shot.path_to)
        trajectory = sample_path(context, shot.path, frames, shot.first, units, eases, part)
        path_xz, path_name, ground = trajectory.xz, shot.path.name, trajectory.ground
        warnings += trajectory.warnings
        floor = floor if trajectory.floor is None else trajectory.floor

    index = shots.index_of(character, shot.uid)
    earlier, beginning = shots.before(character, index), None
    if shot.start_pose is not None:
        beginning = shot_ends.in_pose(shot.start_pose, character, rig, units, standing, path_xz)
    elif earlier is not None and earlier.action is None:
        warnings += (f'"{earlier.name}" before it has no motion yet: "{shot.name}" starts where the character stands.',)
    elif earlier is not None:
        beginning = shot_ends.after_shot(earlier, character, rig, units, each, chosen.ground is not None)
    placement, start, lead = standing, None, 0
    if beginning is not None:
        placement, start, lead = beginning.placement, beginning.start, beginning.seam.frame
    if path_xz is not None:
        if beginning is None:
            placement = canonicalise(path_xz)[1]
            placement = Placement(np.array([placement.origin[0], floor, placement.origin[2]]), placement.heading)
        else:
            path_xz, away = shot_ends.joined_path(beginning.way, path_xz)
            if away > FAR_FROM_PATH:
                warnings += (
                    f'Path "{path_name}" begins {away:.1f} m from where "{shot.name}" does: the character first walks '
                    "over to it.",
                )

    following, ending = shots.after(character, index), None
    if following is not None and following.action is not None and following.locked:
        ending = shot_ends.before_shot(following, character, rig, units, each)
    elif shot.end_pose is not None:
        ending = shot_ends.to_pose(shot.end_pose, character, rig, units)
    elif (
        shot.entry and beginning is not None and shot.action is not None and following is not None
        and following.action is not None and not following.stale
        and shot_ends.hardly_moved(beginning, shot, character, rig, units, each)
    ):  # fmt: skip
        ending = shot_ends.before_shot(following, character, rig, units, each)
    tail = 0 if ending is None else ending.tail
    if path_xz is not None and ending is not None:
        path_xz = np.concatenate([path_xz, ending.joints[1:, 0][:, [0, 2]]])

    if chosen.ground is not None:
        from .terrain import height_field

        places = placement.origin[[0, 2]][None] if path_xz is None else path_xz
        ground, told = height_field(
            context, chosen.ground, places, path_xz is None, float(placement.origin[1]), units
        )
        warnings += told
        if beginning is not None:
            start = shot_ends.lowered(beginning.start, ground.heights(beginning.way))
    pins = [
        pin for pin in pins_for((*chosen.pins, *shot.pins), character)
        if min(pin.first, pin.last) <= shot.last and max(pin.first, pin.last) >= shot.first
    ]  # fmt: skip
    pinned = sample_pins(context, pins, frames + lead + tail, shot.first - lead * each, units)
    if pinned is not None:
        warnings += pinned[2]
    if generate.is_carried(character):
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
    rate = shots.rate_of(scene)
    return Order(
        request=request,
        skeleton=rig.skeleton,
        placement=placement,
        fps=rate,
        first_frame=shot.first,
        character=generate.handle_of(character),
        scene=generate.handle_of(scene),
        choice=engine.chosen(),
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


def write_shot(order: "Order", result: "Result", left: tuple[str, ...] = ()) -> str:
    """Write a result as takes of a shot, the first of which is shown; returns the sentence to show.

    left: shots that are made after it; all together are one undo step.
    Raises InvalidRequest if character, scene or shot have gone in the meantime; then nothing was changed.
    """
    import uuid

    from ..motionlcm_blender.errors import InvalidRequest
    from .actions import loose_action
    from .rig import read_rig
    from .scene_time import make_room, show_within

    scene, character = generate.find_both(order.scene, order.character)
    generate.check_writable(character)
    index = shots.index_of(character, order.shot)
    if index < 0:
        raise InvalidRequest("The shot was removed while its motion was made, so it was not written.")
    shot = character.motionlcm.shots[index]
    changed = not _as_ordered(shot, order)
    rig = read_rig(character)
    for view_layer in scene.view_layers:
        view_layer.update()
    batch = {"character_id": generate.identity(character), "shot": order.shot, "batch": uuid.uuid4().hex[:12]}
    made: list[bpy.types.Action] = []
    for take in (result, *result.others):
        times, channels = generate.written_channels(character, rig, order, take)
        shot.takes_made += 1
        told = generate.recipe(order, take) | batch | {"take": shot.takes_made}
        action = loose_action(f"MotionLCM {shot.name} take {shot.takes_made}", times, channels, told)
        action.use_fake_user = True
        shot_strips.shift(action, shot.first - order.first_frame)  # it may have been moved since
        generate.keep(action, order, take)
        made.append(action)
    old = shot.action
    alone, entry = shot_strips.shown_alone(character), shot.entry
    shot.action, shot.stale, shot.entry = made[0], changed, False
    _forget_takes(character, shot)
    shot_strips.lay(character)
    if alone is not None and alone == old:
        shot_strips.show_alone(character, shot)
    elif alone is None or not entry:
        shot_strips.show_all(character)
    following = shots.after(character, index)
    if following is not None and following.action is not None and not _joins(order, following):
        shots.touch(following)
    character.data.pose_position = "POSE"
    make_room(scene, shot.first, shot.last)
    settings.remember_prompt(scene.motionlcm, order.request.prompt)
    show_within(scene, shot.first, shot.last)
    if not left and _led_to(character, index) is None:
        generate.push_undo("MotionLCM: Shots")
        generate.play(scene)
    milliseconds = 1000.0 * max(take.report.get("seconds", 0.0) for take in (result, *result.others))
    takes = f"{len(made)} takes of " if made[1:] else ""
    who = f"{character.name}, " if len(characters_with_shots(scene)) > 1 else ""
    return f'{who}{takes}"{shot.name}": frames {shot.first} to {shot.last}, made in {milliseconds:.0f} ms.'


def _joins(order: "Order", following: "shots.MotionLCMShot") -> bool:
    """Whether what was made ends as the next shot begins."""
    return order.landing is not None and order.landing.of == following.uid


def _forget_takes(character: bpy.types.Object, shot: "shots.MotionLCMShot") -> None:
    """Remove the oldest takes of a shot where there are too many of them."""
    from . import takes

    found = sorted(takes.takes_of_shot(character, shot.uid), key=lambda action: int(action.get(takes.NUMBER, 0)))
    spare = max(0, len(found) - MOST_TAKES)
    for action in takes.removable(found, shot.action)[:spare]:
        bpy.data.actions.remove(action)


def _as_ordered(shot: "shots.MotionLCMShot", order: "Order") -> bool:
    """Whether the shot still asks for what was made."""
    asked = (shot.prompt.strip(), shot.seed, shot.path.name if shot.path is not None else "")
    made = (order.request.prompt, order.request.seed, order.path_name)
    return asked == made and shot.last - shot.first + 1 == order.scene_frames


def make_next(scene: "Handle", character: "Handle", uids: tuple[str, ...], told: tuple[str, ...] = ()) -> "Job | None":
    """The job that makes the first of these shots, and when it is written the others, each after the one before.

    A shot that was made already and now begins elsewhere is made anew after the one before it: see `order_for`. All
    together are one undo step. told: warnings so far. None if there is nothing to make. Raises InvalidRequest if it
    cannot be asked for.
    """
    in_scene, found = generate.find_both(scene, character)
    generate.check_writable(found)
    left = [uid for uid in uids if (at := shots.index_of(found, uid)) >= 0 and not _kept(found.motionlcm.shots[at])]
    if not left:
        return None
    shot = found.motionlcm.shots[shots.index_of(found, left[0])]
    view_layer = bpy.context.view_layer if bpy.context.scene == in_scene else in_scene.view_layers[0]
    with bpy.context.temp_override(scene=in_scene, view_layer=view_layer):
        order = order_for(bpy.context, found, shot)
    return job_of(order, tuple(left[1:]), told)


def job_of(order: "Order", left: tuple[str, ...] = (), told: tuple[str, ...] = ()) -> "Job":
    """The job of a shot; when it is written, what follows upon it is made, and the shots that are left. told: warnings
    so far."""
    from dataclasses import replace

    told += tuple(warning for warning in order.warnings if warning not in told)
    following = partial(_go_on, order.scene, order.character, order.shot, left, told)
    return jobs.Job(replace(order, warnings=told), partial(write_shot, left=left), following, order.shot)


def _go_on(
    scene: "Handle", character: "Handle", uid: str, left: tuple[str, ...], told: tuple[str, ...]
) -> "Job | None":
    """After a shot: the one that it leads to, if that has to change, and those that are left."""
    found = generate.find_both(scene, character)[1]
    following = _led_to(found, shots.index_of(found, uid))
    if following is not None:
        left = (following.uid, *(uid for uid in left if uid != following.uid))
    job = None
    try:
        job = make_next(scene, character, left, told) if left else None
    finally:
        if left and job is None:  # it was not known before that this is all
            generate.push_undo("MotionLCM: Shots")
    return job


def _led_to(character: bpy.types.Object, index: int) -> "shots.MotionLCMShot | None":
    """The shot after this one, if it was made already and has to be made again."""
    following = shots.after(character, index) if index >= 0 else None
    if following is None or following.action is None or following.locked or not following.stale:
        return None
    return following


def order_again(context: bpy.types.Context, character: bpy.types.Object, take: bpy.types.Action) -> "Order":
    """The order for one take of a shot, as the shot stands now. Raises InvalidRequest if there is no such shot."""
    from dataclasses import replace

    from ..motionlcm_blender.errors import InvalidRequest

    index = shots.index_of(character, take.get(shot_strips.SHOT, ""))
    if index < 0:
        raise InvalidRequest("The shot of this take is no longer there.")
    shot = character.motionlcm.shots[index]
    if shot.locked:
        raise InvalidRequest(f'"{shot.name}" is locked: unlock it first.')
    made = generate.recipe_in(take).request
    order = order_for(context, character, shot)
    request = replace(order.request, takes=1, seed=made.seed, blends=made.blends, mirror=made.mirror)
    return replace(order, request=request)


def _kept(shot: "shots.MotionLCMShot") -> bool:
    """Whether it must stay as it is: locked, with a motion."""
    return shot.locked and shot.action is not None


def turn_of(scene: bpy.types.Scene, character: bpy.types.Object, uids: tuple[str, ...]) -> jobs.Turn:
    """A character's place in the line, to make these shots."""
    owner = generate.handle_of(character)
    return jobs.Turn(owner, partial(make_next, generate.handle_of(scene), owner, uids))


def stale_shots(character: bpy.types.Object) -> tuple[str, ...]:
    """The shots that are to be made."""
    return tuple(shot.uid for shot in character.motionlcm.shots if shots.to_make(shot))


def characters_with_shots(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The armatures of a scene that have shots, by name."""
    found = [obj for obj in scene.objects if obj.type == "ARMATURE" and len(obj.motionlcm.shots)]
    return sorted(found, key=lambda obj: obj.name)


class _Making:
    """What the operators that make shots share."""

    if TYPE_CHECKING:

        def report(self, kind: set[str], message: str) -> None: ...

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shots.active_shot(context.scene.motionlcm.character) is not None

    def turns(self, context: bpy.types.Context) -> "list[jobs.Turn]":
        """What is put into the line. Raises InvalidRequest if there is nothing to make."""
        character = generate.find_character(context)
        return [turn_of(context.scene, character, self.wanted(character))]

    def wanted(self, character: bpy.types.Object) -> tuple[str, ...]:
        """The shots to make. Raises InvalidRequest if there are none."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            jobs.ask(self.turns(context))
        except Exception as error:
            jobs.tell(jobs.sentence_for(error), error=True)
        if jobs.status.error:
            self.report({"ERROR" if bpy.app.background else "WARNING"}, jobs.status.message)
            return {"CANCELLED"}
        return {"FINISHED"}


class MOTIONLCM_OT_generate_shot(_Making, bpy.types.Operator):
    """Make the chosen shot, going on from the one before it"""

    bl_idname = "motionlcm.generate_shot"
    bl_label = "Generate Shot"
    bl_options = {"REGISTER"}  # the undo step is made when the result is written

    def wanted(self, character: bpy.types.Object) -> tuple[str, ...]:
        from ..motionlcm_blender.errors import InvalidRequest

        shot = shots.active_shot(character)
        if shot is None:
            raise InvalidRequest("There is no shot yet: add one.")
        if _kept(shot):
            raise InvalidRequest(f'"{shot.name}" is locked: unlock it first.')
        return (shot.uid,)


class MOTIONLCM_OT_generate_shots(_Making, bpy.types.Operator):
    """Make all shots that are empty or stale and not locked, one after the other"""

    bl_idname = "motionlcm.generate_shots"
    bl_label = "Generate All Stale"
    bl_options = {"REGISTER"}

    def wanted(self, character: bpy.types.Object) -> tuple[str, ...]:
        from ..motionlcm_blender.errors import InvalidRequest

        found = stale_shots(character)
        if not found:
            raise InvalidRequest("No shot is empty or stale, but for locked ones.")
        return found


class MOTIONLCM_OT_generate_all_characters(_Making, bpy.types.Operator):
    """Make all shots that are empty or stale, of every character of the scene; the characters take turns"""

    bl_idname = "motionlcm.generate_all_characters"
    bl_label = "Generate All Characters"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(characters_with_shots(context.scene)) > 0

    def turns(self, context: bpy.types.Context) -> "list[jobs.Turn]":
        from ..motionlcm_blender.errors import InvalidRequest

        wanted = [(character, stale_shots(character)) for character in characters_with_shots(context.scene)]
        found = [turn_of(context.scene, character, uids) for character, uids in wanted if uids]
        if not found:
            raise InvalidRequest("No shot of any character is empty or stale, but for locked ones.")
        return found


CLASSES = (MOTIONLCM_OT_generate_shot, MOTIONLCM_OT_generate_shots, MOTIONLCM_OT_generate_all_characters)
