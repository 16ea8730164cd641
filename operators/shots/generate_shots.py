"""The operators that generate shots, and the jobs that generate one shot after the other."""

# No `from __future__ import annotations` here, as in all files with operators.
from functools import partial
from typing import TYPE_CHECKING

import bpy

from ..armature import character_lookup
from ..scene import handles, messages, playback, shot_lookup
from ..session import job_queue
from ..session.job_operator import JobOperator
from . import nla_track, shot_list
from .shot_order import order_for
from .write_takes import characters_with_shots, stale_follower, write_shot

if TYPE_CHECKING:
    from ..scene.handles import Handle
    from ..session.generation_worker import GenerationJobInput
    from ..session.job_queue import Job


def make_next(
    scene: "Handle", character: "Handle", uids: tuple[str, ...], warnings: tuple[str, ...] = ()
) -> "Job | None":
    """The job of the first of these shots; its follow-up jobs generate the others, each after the shot before it.

    A generated shot whose start moved is generated again after its previous shot: see `order_for`. All shots together
    are one undo step. warnings: those so far. None if no shot is to be generated. Raises InvalidRequest if the request
    is invalid.
    """
    in_scene, found = handles.find_both(scene, character)
    character_lookup.check_writable(found)
    left = [
        uid for uid in uids if (at := shot_lookup.index_of(found, uid)) >= 0 and not _kept(found.motionlcm.shots[at])
    ]
    if not left:
        return None
    shot = found.motionlcm.shots[shot_lookup.index_of(found, left[0])]
    view_layer = bpy.context.view_layer if bpy.context.scene == in_scene else in_scene.view_layers[0]
    with bpy.context.temp_override(scene=in_scene, view_layer=view_layer):
        order = order_for(bpy.context, found, shot)
    return job_of(order, tuple(left[1:]), warnings)


def job_of(order: "GenerationJobInput", left: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> "Job":
    """The job of a shot. Its follow-up jobs are the next shot, if it became stale, and the remaining shots. warnings:
    those so far."""
    from dataclasses import replace

    warnings += tuple(warning for warning in order.warnings if warning not in warnings)
    following = partial(_go_on, order.scene, order.character, order.shot, left, warnings)
    return job_queue.Job(replace(order, warnings=warnings), partial(write_shot, left=left), following, order.shot)


def _go_on(
    scene: "Handle", character: "Handle", uid: str, left: tuple[str, ...], warnings: tuple[str, ...]
) -> "Job | None":
    """The jobs after a shot: its next shot, if that must change, and the remaining shots."""
    found = handles.find_both(scene, character)[1]
    following = stale_follower(found, shot_lookup.index_of(found, uid))
    if following is not None:
        left = (following.uid, *(uid for uid in left if uid != following.uid))
    job = None
    try:
        job = make_next(scene, character, left, warnings) if left else None
    finally:
        if left and job is None:  # only now it is known that no shot remains
            playback.push_undo("MotionLCM: Shots")
    return job


def _kept(shot: "shot_list.MotionLCMShot") -> bool:
    """Whether the shot must not change: it is locked and has a motion."""
    return shot.locked and shot.action is not None


def queued_job(scene: bpy.types.Scene, character: bpy.types.Object, uids: tuple[str, ...]) -> job_queue.QueuedJob:
    """A character's place in the queue, to generate these shots."""
    owner = handles.handle_of(character)
    return job_queue.QueuedJob(owner, partial(make_next, handles.handle_of(scene), owner, uids))


def stale_shots(character: bpy.types.Object) -> tuple[str, ...]:
    """The shots to generate."""
    return tuple(shot.uid for shot in character.motionlcm.shots if shot_list.to_make(shot))


class _GenerateShots(JobOperator):
    """Base of the operators that generate shots."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shot_lookup.active_shot(context.scene.motionlcm.character) is not None

    def queued(self, context: bpy.types.Context) -> "list[job_queue.QueuedJob]":
        """The jobs to enqueue. Raises InvalidRequest if no shot is to be generated."""
        character = character_lookup.find_character(context)
        return [queued_job(context.scene, character, self.wanted(character))]

    def wanted(self, character: bpy.types.Object) -> tuple[str, ...]:
        """The shots to generate. Raises InvalidRequest if there are none."""
        raise NotImplementedError

    def perform(self, context: bpy.types.Context) -> None:
        job_queue.get().enqueue(self.queued(context))


class MOTIONLCM_OT_generate_shot(_GenerateShots, bpy.types.Operator):
    """Generate the chosen shot as a continuation of the previous shot"""

    bl_idname = "motionlcm.generate_shot"
    bl_label = "Generate Shot"
    bl_options = {"REGISTER"}  # writing the result makes the undo step

    def wanted(self, character: bpy.types.Object) -> tuple[str, ...]:
        from ...motionlcm_blender.errors import InvalidRequest

        shot = shot_lookup.active_shot(character)
        if shot is None:
            raise InvalidRequest("There is no shot: add a shot.")
        if _kept(shot):
            raise InvalidRequest(f'"{shot.name}" is locked: unlock it first.')
        return (shot.uid,)


class MOTIONLCM_OT_generate_shots(_GenerateShots, bpy.types.Operator):
    """Generate all shots that are empty or stale and not locked, one after the other"""

    bl_idname = "motionlcm.generate_shots"
    bl_label = "Generate All Stale"
    bl_options = {"REGISTER"}

    def perform(self, context: bpy.types.Context) -> None:
        character = character_lookup.find_character(context)
        restored = nla_track.misplaced(character)
        if restored:
            nla_track.restore(character)
        if restored and not stale_shots(character):
            playback.push_undo("MotionLCM: Strips")
            messages.show_message(f"Strips put back into the NLA: {', '.join(restored)}.")
            return
        super().perform(context)

    def wanted(self, character: bpy.types.Object) -> tuple[str, ...]:
        from ...motionlcm_blender.errors import InvalidRequest

        found = stale_shots(character)
        if not found:
            raise InvalidRequest("All shots are done or locked.")
        return found


class MOTIONLCM_OT_generate_all_characters(_GenerateShots, bpy.types.Operator):
    """Generate the empty and stale shots of all characters in the scene. The characters alternate"""

    bl_idname = "motionlcm.generate_all_characters"
    bl_label = "Generate All Characters"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return len(characters_with_shots(context.scene)) > 0

    def queued(self, context: bpy.types.Context) -> "list[job_queue.QueuedJob]":
        from ...motionlcm_blender.errors import InvalidRequest

        wanted = [(character, stale_shots(character)) for character in characters_with_shots(context.scene)]
        found = [queued_job(context.scene, character, uids) for character, uids in wanted if uids]
        if not found:
            raise InvalidRequest("All shots of all characters are done or locked.")
        return found


CLASSES = (MOTIONLCM_OT_generate_shot, MOTIONLCM_OT_generate_shots, MOTIONLCM_OT_generate_all_characters)
