"""Job inputs for generations: from the settings of the scene, or from a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..armature.character_lookup import find_character
from ..armature.take_properties import CHARACTER, CUT, ID
from ..scene.handles import find_both, handle_of
from ..scene.scene_time import frames_of
from ..session import job_queue
from ..session.job_operator import JobOperator
from .action_recipes import recipe_in, recipe_is_old
from .write_actions import write_result

if TYPE_CHECKING:
    from ...motionlcm_blender.recipes.recipe import Recipe
    from ..session.generation_worker import GenerationJobInput


def order_from_scene(context: bpy.types.Context, begin: int | None = None) -> GenerationJobInput:
    """Check the scene's settings and read character and path. begin: first frame; None: by the settings.

    Raises InvalidRequest with one sentence.
    """
    from ...motionlcm_blender.generation.request import Request
    from .order_builder import SceneOrderBuilder

    chosen = context.scene.motionlcm
    frames = frames_of(chosen.length)
    Request(chosen.prompt.strip(), frames)  # refuses a wrong prompt before the scene is read
    return SceneOrderBuilder(context, find_character(context), frames, begin=begin).build()


def order_from_recipe(
    context: bpy.types.Context, character: bpy.types.Object, action: bpy.types.Action | None = None
) -> GenerationJobInput:
    """The job input that generates an Action again for a character, from the Action's custom properties alone.

    action: None: the character's active Action. Raises InvalidRequest if it is not one of our Actions.
    """
    from .order_builder import RecipeOrderBuilder

    if action is None:
        action = character.animation_data.action if character.animation_data is not None else None
    made = recipe_in(action)
    assert action is not None  # without this check it would have no recipe
    own = ID.is_on(character) and CHARACTER.read(action) == ID.read(character)
    builder = RecipeOrderBuilder(context, character, made, own, ground_by_name=recipe_is_old(action))
    if CUT.is_on(action):
        builder.warnings.append("This Action was cut or joined later: the original motion is generated.")
    return builder.build()


def order_of(context: bpy.types.Context, character: bpy.types.Object, recipe: Recipe, own: bool) -> GenerationJobInput:
    """The job input of a recipe for a character, in the same place of the world and on the same frames.

    own: whether the recipe was made for this character and contains its placement. Raises InvalidRequest if the
    character does not fit.
    """
    from .order_builder import RecipeOrderBuilder

    return RecipeOrderBuilder(context, character, recipe, own).build()


def queued_job(order: GenerationJobInput) -> job_queue.QueuedJob:
    """A place in the queue for this job input."""

    def start() -> job_queue.Job:
        find_both(order.scene, order.character)  # either may be removed while the job waits
        return job_queue.Job(order, write_result)

    return job_queue.QueuedJob(order.character, start)


class OrderOperator(JobOperator):
    """Base of operators that enqueue one job for the scene's character."""

    def order(self, context: bpy.types.Context) -> GenerationJobInput:
        """Build the job input. Any exception refuses the operator."""
        raise NotImplementedError

    def submit(self, order: GenerationJobInput) -> None:
        job_queue.get().enqueue([queued_job(order)])

    def perform(self, context: bpy.types.Context) -> None:
        try:
            order = self.order(context)
        except Exception:
            character = context.scene.motionlcm.character
            if character is not None:  # a new request replaces the previous one
                job_queue.get().cancel_owner(handle_of(character))
            raise
        self.submit(order)
