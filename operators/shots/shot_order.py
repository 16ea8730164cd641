"""The job input for one shot, which continues the shot before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..armature import take_properties
from ..generation import action_recipes
from ..scene import shot_lookup
from . import shot_list

if TYPE_CHECKING:
    from ..session.generation_worker import GenerationJobInput


def order_for(
    context: bpy.types.Context, character: bpy.types.Object, shot: shot_list.MotionLCMShot
) -> GenerationJobInput:
    """The job input for one shot. The panel sets feet, ground, pins on its frames, steps and keys; the hips carry the
    root motion. Raises InvalidRequest with one sentence."""
    from ...motionlcm_blender.generation.request import Request
    from .shot_order_builder import ShotOrderBuilder

    Request(shot.prompt.strip(), 8)  # refuses a wrong prompt before the scene is read
    return ShotOrderBuilder(context, character, shot).build()


def order_again(context: bpy.types.Context, character: bpy.types.Object, take: bpy.types.Action) -> GenerationJobInput:
    """The job input for one take of a shot, with the shot's current settings. Raises InvalidRequest if the shot was
    removed."""
    from dataclasses import replace

    from ...motionlcm_blender.errors import InvalidRequest

    index = shot_lookup.index_of(character, take_properties.SHOT.read(take))
    if index < 0:
        raise InvalidRequest("The shot of this take was removed.")
    shot = character.motionlcm.shots[index]
    if shot.locked:
        raise InvalidRequest(f'"{shot.name}" is locked: unlock it first.')
    made = action_recipes.recipe_in(take).request
    order = order_for(context, character, shot)
    request = replace(
        order.request, takes=1, seed=made.seed, liveliness=made.liveliness, blends=made.blends, mirror=made.mirror
    )
    return replace(order, request=request)
