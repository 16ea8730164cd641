"""From a shot to an order, which goes on from the shot before it, and from the result to the shot's Action."""

# No `from __future__ import annotations` here, as in all files with operators.
from functools import partial
from typing import TYPE_CHECKING

import bpy

from . import engine, generate, jobs, settings, shot_strips, shots

if TYPE_CHECKING:
    import numpy as np

    from ..motionlcm_blender.motion.clips import Clip, Motion
    from ..motionlcm_blender.motion.placement import Placement
    from .jobs import Job
    from .rig import Rig
    from .worker import Handle, Order, Result

FAR_FROM_PATH = 0.5
"""Metres from the last pose to the beginning of the path, above which the animator is told."""
ONTO_PATH = 1.0
"""Metres a second at which, and seconds in which at least, the character gets onto a path that begins elsewhere."""
UNEVEN = 0.1
"""Metres by which a shot must end above or below its floor to count as having climbed, where it may have."""


def order_for(context: bpy.types.Context, character: bpy.types.Object, shot: "shots.MotionLCMShot") -> "Order":
    """The order for one shot. Feet, ground, pins on its frames, steps and keys are the panel's; the hips carry the
    travel. Raises InvalidRequest with one sentence."""
    import math

    import numpy as np

    from ..motionlcm_blender.motion.foot_lock import FootLock
    from ..motionlcm_blender.motion.placement import Placement, canonicalise
    from ..motionlcm_blender.request import Request
    from .carrier import standing_now
    from .control import hints_of
    from .pins import pins_for, sample_pins
    from .rig import euler_bones, read_rig, units_per_metre
    from .scene_time import scene_frames_each
    from .trajectory import sample_path
    from .worker import Order, Seam

    scene, chosen = context.scene, context.scene.motionlcm
    prompt = shot.prompt.strip()
    Request(prompt, 8)  # says what is wrong with the prompt before anything is read
    context.view_layer.update()
    rig = read_rig(character)
    units = units_per_metre(character, rig)
    each = scene_frames_each(scene)
    frames = math.ceil((shot.last - shot.first) / each - 1e-6) + 1  # of the model, on the shot's own scene frames
    standing = standing_now(character, rig, units)
    placement, lead, start, seam = standing, 0, None, None
    warnings: tuple[str, ...] = ()
    earlier = shots.before(character, shots.index_of(character, shot.uid))
    if earlier is not None and earlier.action is None:
        warnings += (f'"{earlier.name}" before it has no motion yet: "{shot.name}" starts where the character stands.',)
    elif earlier is not None:
        clip = _end_of(earlier, character, rig, units, each)
        start, placement = _start_from(clip, earlier, chosen.ground is not None)
        lead = start.frames - 1
        seam = Seam(lead, clip.translation[-1], clip.rotations[-1])
    path_xz, path_name, ground = None, "", None
    if shot.path is not None:
        generate.check_path_object(shot.path, character)
        eases = (chosen.ease_in, chosen.ease_out)
        trajectory = sample_path(context, shot.path, frames, shot.first, units, eases)
        path_xz, path_name, ground = trajectory.xz, shot.path.name, trajectory.ground
        warnings += trajectory.warnings
        if start is None:
            floor = standing.origin[1] if trajectory.floor is None else trajectory.floor
            placement = canonicalise(path_xz)[1]
            placement = Placement(np.array([placement.origin[0], floor, placement.origin[2]]), placement.heading)
        else:
            path_xz, away = _joined_path(clip.translation[:, [0, 2]], path_xz)
            if away > FAR_FROM_PATH:
                warnings += (
                    f'Path "{path_name}" begins {away:.1f} m from where "{shot.name}" does: the character first walks '
                    "over to it.",
                )
    if chosen.ground is not None:
        from .terrain import height_field

        places = placement.origin[[0, 2]][None] if path_xz is None else path_xz
        floor = float(placement.origin[1])
        ground, told = height_field(context, chosen.ground, places, path_xz is None, floor, units)
        warnings += told
        if start is not None:  # the model knows level ground only: the heights are added to what it makes
            start = _lowered(start, ground.heights(clip.translation[:, [0, 2]]))
    pins = [
        pin for pin in pins_for(chosen.pins, character)
        if min(pin.first, pin.last) <= shot.last and max(pin.first, pin.last) >= shot.first
    ]  # fmt: skip
    pinned = sample_pins(context, pins, frames + lead, shot.first - lead * each, units)
    if pinned is not None:
        warnings += pinned[2]
    if generate.is_carried(character):
        warnings += (f'"{character.name}" hangs from something that may move: it is placed as it stands now.',)
    request = Request(
        prompt,
        frames + lead,
        seed=shot.seed,
        steps=int(chosen.steps),
        hints=hints_of(path_xz, None if pinned is None else pinned[:2], placement),
        start=start,
        feet=FootLock(chosen.feet),
    )
    rate = scene.render.fps / scene.render.fps_base
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
        seam=seam,
        scene_frames=shot.last - shot.first + 1,
    )


def _end_of(
    shot: "shots.MotionLCMShot", character: bpy.types.Object, rig: "Rig", units: float, each: float
) -> "Clip":
    """The last second of a shot as it is in the timeline, at most; its last frame is the shot's last."""
    import numpy as np

    from ..motionlcm_blender.chaining import OVERLAP
    from .pose_reading import read_clip

    count = min(OVERLAP, int((shot.last - shot.first) / each + 1e-6) + 1)
    at = shot.last - each * np.arange(max(count, 2))[::-1]
    return read_clip(shot.action, np.maximum(at, shot.first), character, rig, units)


def _start_from(clip: "Clip", earlier: "shots.MotionLCMShot", on_ground: bool) -> "tuple[Motion, Placement]":
    """The end of an earlier shot over the model's level floor, and where in the world its frame lies.

    on_ground: a mesh to walk on is chosen, and its heights are yet to be taken off.
    """
    import numpy as np

    from ..motionlcm_blender.motion.clips import Motion
    from ..motionlcm_blender.motion.continuation import placement_of
    from ..motionlcm_blender.motion.placement import Placement
    from ..motionlcm_blender.motion.quality import foot_contacts
    from ..motionlcm_blender.motion.skeleton import FOOT_JOINTS
    from .pose_reading import joints_of

    joints = joints_of(clip)
    lowest = float(joints[:, FOOT_JOINTS, 1].min())
    told = earlier.action.get("motionlcm_origin")
    floor = lowest if told is None else float(told[1])
    may_climb = bool(earlier.action.get("motionlcm_ground") or earlier.action.get("motionlcm_path"))
    if may_climb and not on_ground and abs(lowest - floor) > UNEVEN:
        floor = lowest
    where = placement_of(joints)
    joints = joints - [0.0, floor, 0.0]
    motion = Motion(joints.astype(np.float32), foot_contacts(joints).astype(np.float32))
    return motion, Placement(np.array([where.origin[0], floor, where.origin[2]]), where.heading)


def _lowered(motion: "Motion", by: "np.ndarray") -> "Motion":
    from dataclasses import replace

    import numpy as np

    joints = motion.joints.copy()
    joints[..., 1] -= by[:, None].astype(np.float32)
    return replace(motion, joints=joints)


def _joined_path(way: "np.ndarray", path: "np.ndarray") -> "tuple[np.ndarray, float]":
    """The way (n, 2) an earlier shot ended on and, from its last frame on, the path (T, 2), which the character gets
    onto by and by; and how many metres the path begins from there."""
    import numpy as np

    from ..motionlcm_blender.motion.skeleton import FPS
    from ..motionlcm_blender.motion.smoothing import smoothstep

    gap = way[-1] - path[0]
    away = float(np.linalg.norm(gap))
    duration = max(1.0, 1.5 * away / ONTO_PATH) * FPS
    left = 1.0 - smoothstep(np.arange(len(path)), 0.0, min(duration, len(path) - 1.0))
    return np.concatenate([way[:-1], path + left[:, None] * gap]), away


def write_shot(order: "Order", result: "Result", uid: str) -> str:
    """Write a result as the Action of a shot, as one undo step; returns the sentence to show.

    Raises InvalidRequest if character, scene or shot have gone in the meantime; then nothing was changed.
    """
    from ..motionlcm_blender.errors import InvalidRequest
    from .actions import loose_action
    from .rig import read_rig

    scene, character = generate.find_both(order.scene, order.character)
    generate.check_writable(character)
    index = shots.index_of(character, uid)
    if index < 0:
        raise InvalidRequest("The shot was removed while its motion was made, so it was not written.")
    shot = character.motionlcm.shots[index]
    changed = not _as_ordered(shot, order)
    rig = read_rig(character)
    for view_layer in scene.view_layers:
        view_layer.update()
    times, channels = generate.written_channels(character, rig, order, result)
    told = generate.recipe(order, result) | {"character_id": generate.identity(character), "shot": uid}
    name = f"MotionLCM {shot.name} {order.request.prompt[:30].strip()} s{order.request.seed}"
    action = loose_action(name, times, channels, told)
    shot_strips.shift(action, shot.first - order.first_frame)  # it may have been moved since
    generate.keep(action, order, result)
    old = shot.action
    alone = old is not None and shot_strips.shown_alone(character) == old
    shot.action, shot.stale = action, changed
    shot_strips.lay(character)
    if alone:
        shot_strips.show_alone(character, shot)
        old.use_fake_user = False
    else:
        shot_strips.show_all(character)
    shot_strips.discard(old)
    following, jump = shots.after(character, index), ""
    if following is not None and following.action is not None:
        shots.touch(following)
        if following.locked:
            jump = f' "{following.name}" after it is locked, so the motion may jump where it begins.'
    character.data.pose_position = "POSE"
    scene.frame_end = max(scene.frame_end, shot.last)
    scene.frame_start = min(scene.frame_start, shot.first)
    settings.remember_prompt(scene.motionlcm, order.request.prompt)
    scene.frame_set(scene.frame_current if shot.first <= scene.frame_current <= shot.last else shot.first)
    generate.push_undo(f"MotionLCM: {shot.name}")
    generate.play(scene)
    milliseconds = 1000.0 * result.report.get("seconds", 0.0)
    who = f"{character.name}, " if len(characters_with_shots(scene)) > 1 else ""
    return f'{who}"{shot.name}": frames {shot.first} to {shot.last}, made in {milliseconds:.0f} ms.{jump}'


def _as_ordered(shot: "shots.MotionLCMShot", order: "Order") -> bool:
    """Whether the shot still asks for what was made."""
    asked = (shot.prompt.strip(), shot.seed, shot.path.name if shot.path is not None else "")
    made = (order.request.prompt, order.request.seed, order.path_name)
    return asked == made and shot.last - shot.first + 1 == order.scene_frames


def make_next(scene: "Handle", character: "Handle", uids: tuple[str, ...], told: tuple[str, ...] = ()) -> "Job | None":
    """The job that makes the first of these shots, and when it is written the others, each after the one before.

    told: warnings so far. None if there is nothing to make. Raises InvalidRequest if it cannot be asked for.
    """
    from dataclasses import replace

    in_scene, found = generate.find_both(scene, character)
    generate.check_writable(found)
    left = [uid for uid in uids if (at := shots.index_of(found, uid)) >= 0 and not _kept(found.motionlcm.shots[at])]
    if not left:
        return None
    shot = found.motionlcm.shots[shots.index_of(found, left[0])]
    view_layer = bpy.context.view_layer if bpy.context.scene == in_scene else in_scene.view_layers[0]
    with bpy.context.temp_override(scene=in_scene, view_layer=view_layer):
        order = order_for(bpy.context, found, shot)
    told += tuple(warning for warning in order.warnings if warning not in told)
    following = partial(make_next, scene, character, tuple(left[1:]), told) if left[1:] else None
    return jobs.Job(replace(order, warnings=told), partial(write_shot, uid=left[0]), following, left[0])


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
