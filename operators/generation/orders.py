"""Orders for generations: from the settings of the scene, or from a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..armature.character_lookup import find_character, is_carried
from ..scene.handles import find_both, handle_of
from ..scene.scene_time import frames_of
from ..session import job_queue, model_choice
from ..session.job_operator import JobOperator
from .action_recipes import recipe_in, recipe_is_old
from .write_actions import write_result

if TYPE_CHECKING:
    from ...motionlcm_blender.recipes import Recipe
    from ..session.generation_worker import GenerationJobInput


def order_from_scene(context: bpy.types.Context) -> GenerationJobInput:
    """Check the scene's settings and read character and path. Raises InvalidRequest with one sentence."""
    import numpy as np

    from ...motionlcm_blender.motion.foot_lock import FootLock
    from ...motionlcm_blender.motion.placement import Placement, canonicalise
    from ...motionlcm_blender.motion.skeleton import FPS
    from ...motionlcm_blender.recipes import hints_of
    from ...motionlcm_blender.request import Request
    from ..armature.root_motion import standing_before, travel_of
    from ..armature.smpl_rig import euler_bones, read_rig, units_per_metre
    from ..controls.facing import facing_of
    from ..controls.pins import pins_for, sample_pins
    from ..controls.trajectory import check_path_object, sample_path
    from ..scene.scene_time import stretch
    from ..session.generation_worker import GenerationJobInput

    scene, chosen = context.scene, context.scene.motionlcm
    frames = frames_of(chosen.length)
    Request(chosen.prompt.strip(), frames)  # says what is wrong before anything is read
    character = find_character(context)
    context.view_layer.update()
    rig = read_rig(character)
    units = units_per_metre(character, rig)
    starts = scene.frame_current if chosen.start == "CURRENT_FRAME" else scene.frame_start
    first_frame = round(starts / stretch(scene))
    standing = standing_before(character, rig, units)
    placement, path_xz, path_name, ground = standing, None, "", None
    warnings: tuple[str, ...] = ()
    if chosen.path is not None:
        check_path_object(chosen.path, character)
        eases = (chosen.ease_in, chosen.ease_out)
        trajectory = sample_path(context, chosen.path, frames, first_frame, units, eases)
        placement = canonicalise(trajectory.xz)[1]
        floor = standing.origin[1] if trajectory.floor is None else trajectory.floor
        origin = np.array([placement.origin[0], floor, placement.origin[2]])
        placement = Placement(origin, placement.heading)
        path_xz, path_name, warnings = trajectory.xz, chosen.path.name, trajectory.warnings
        ground = trajectory.ground
    if chosen.ground is not None:
        from ..controls.ground import height_field

        places = placement.origin[[0, 2]][None] if path_xz is None else path_xz
        floor = float(placement.origin[1])
        ground, told = height_field(context, chosen.ground, places, path_xz is None, floor, units)
        warnings += told
    pinned = sample_pins(context, pins_for(chosen.pins, character), frames, first_frame, units)
    if pinned is not None:
        warnings += pinned[2]
    request = Request(
        chosen.prompt.strip(),
        frames,
        seed=chosen.seed,
        takes=chosen.takes,
        steps=int(chosen.steps),
        hints=hints_of(path_xz, None if pinned is None else pinned[:2], placement),
        feet=FootLock(chosen.feet),
        facing=facing_of(context, path_xz, frames, first_frame, placement, units),
        refine=chosen.refine,
    )
    if is_carried(character):
        warnings += (f'"{character.name}" hangs from something that may move: it is placed as it stands now.',)
    return GenerationJobInput(
        request=request,
        skeleton=rig.skeleton,
        placement=placement,
        fps=scene.render.fps / scene.render.fps_base,
        first_frame=first_frame,
        character=handle_of(character),
        scene=handle_of(scene),
        choice=model_choice.chosen(),
        units_per_metre=units,
        path_name=path_name,
        path_xz=path_xz,
        warnings=warnings,
        seconds=frames / FPS,
        ground=ground,
        ground_name=chosen.ground.name if chosen.ground is not None else "",
        standing=standing,
        travel=travel_of(chosen.travel, character),
        loop=chosen.loop,
        key_tolerance=chosen.key_tolerance if chosen.key_mode == "FITTED" else None,
        euler=euler_bones(character, rig, units, chosen.travel == "hips"),
    )


def order_from_recipe(
    context: bpy.types.Context, character: bpy.types.Object, action: bpy.types.Action | None = None
) -> GenerationJobInput:
    """The order that makes an Action again for a character, from the Action's custom properties alone.

    action: None: the character's present one. Raises InvalidRequest if it is not one of ours.
    """
    from dataclasses import replace

    from ..armature.actions import facts_of

    if action is None:
        action = character.animation_data.action if character.animation_data is not None else None
    made, told = recipe_in(action), facts_of(action)
    own = "motionlcm_id" in character and told.get("character_id") == character["motionlcm_id"]
    order = order_of(context, character, made, own)
    if "cut" in told:
        warning = "This Action was cut or joined since: the motion is made as it was before that."
        order = replace(order, warnings=(*order.warnings, warning))
    if action is None or not recipe_is_old(action) or not made.ground_name:
        return order
    from ..controls.ground import height_field

    mesh = context.scene.objects.get(made.ground_name)
    if mesh is None:
        warning = f'The ground "{made.ground_name}" is no longer here: the floor is level.'
        return replace(order, warnings=(*order.warnings, warning))
    places = order.placement.origin[[0, 2]][None] if order.path_xz is None else order.path_xz
    floor = float(order.placement.origin[1])
    ground, warnings = height_field(context, mesh, places, order.path_xz is None, floor, order.units_per_metre)
    return replace(order, ground=ground, warnings=order.warnings + warnings)


def order_of(context: bpy.types.Context, character: bpy.types.Object, recipe: Recipe, own: bool) -> GenerationJobInput:
    """The order that makes a recipe for a character, in the same place of the world and on the same frames.

    own: it was made for this character, and knows where it stood. Raises InvalidRequest if the character
    cannot take it.
    """
    from ...motionlcm_blender.recipes import frames_at
    from ..armature.root_motion import standing_before, travel_of
    from ..armature.smpl_rig import euler_bones, read_rig, units_per_metre
    from ..session.generation_worker import GenerationJobInput

    context.view_layer.update()
    rig, scene = read_rig(character), context.scene
    recipe = recipe.for_size(units_per_metre(character, rig))
    units = recipe.units_per_metre
    fps = scene.render.fps / scene.render.fps_base
    return GenerationJobInput(
        request=recipe.request,
        skeleton=rig.skeleton,
        placement=recipe.placement,
        fps=fps,
        first_frame=recipe.first_frame,
        character=handle_of(character),
        scene=handle_of(scene),
        choice=model_choice.chosen(),
        units_per_metre=units,
        path_name=recipe.path,
        path_xz=recipe.path_xz,
        seconds=recipe.seconds,
        ground=recipe.ground,
        ground_name=recipe.ground_name,
        standing=recipe.standing if own and recipe.standing is not None else standing_before(character, rig, units),
        travel=travel_of(recipe.travel.value, character),
        loop=recipe.loop,
        key_tolerance=recipe.key_tolerance,
        euler=euler_bones(character, rig, units, recipe.travel.value == "hips"),
        seam=recipe.seam,
        landing=recipe.landing,
        scene_frames=frames_at(recipe, fps),
        expected_model=recipe.origin.model_sha256,
    )


def queued_job(order: GenerationJobInput) -> job_queue.QueuedJob:
    """A place in the line for this order."""

    def start() -> job_queue.Job:
        find_both(order.scene, order.character)  # while it waited either may have gone
        return job_queue.Job(order, write_result)

    return job_queue.QueuedJob(order.character, start)


class OrderOperator(JobOperator):
    """Base of operators that enqueue one job for the scene's character."""

    def order(self, context: bpy.types.Context) -> GenerationJobInput:
        """What is to be made. Any exception is a refusal."""
        raise NotImplementedError

    def submit(self, order: GenerationJobInput) -> None:
        job_queue.get().enqueue([queued_job(order)])

    def perform(self, context: bpy.types.Context) -> None:
        try:
            order = self.order(context)
        except Exception:
            character = context.scene.motionlcm.character
            if character is not None:  # it would be asked for again, so what it asked for before is not wanted
                job_queue.get().cancel_owner(handle_of(character))
            raise
        self.submit(order)
