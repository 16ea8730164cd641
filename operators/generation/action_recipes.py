"""Recipes to and from the custom properties of an Action."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..armature.take_properties import IMPORTED, RECIPE, facts_of

if TYPE_CHECKING:
    from ...motionlcm_blender.keyframes.keys import SparseKeys
    from ...motionlcm_blender.recipes.recipe import Recipe
    from ...motionlcm_blender.rigs.bone_keys import BoneKeys
    from ..session.generation_worker import GenerationJobInput, GenerationOutput


MEASURES = (
    "path_mean_cm", "path_max_cm", "pin_mean_cm", "pin_max_cm", "foot_skate_cm_s", "facing_off_deg", "below_floor_cm",
    "drag_cm", "energy_share", "faults",
)  # fmt: skip
"""Measures of a take that its Action keeps, by their names in `GeneratedMotion.report`."""


def key_numbers(keys: SparseKeys | BoneKeys | None) -> dict[str, object]:
    """The numbers of a recipe about fitted keys; zeros for a key on every frame."""
    if keys is None:
        return {"keys_per_second": 0.0, "keys_error_mm": 0.0, "keys_share": 1.0}
    return {
        "keys_per_second": keys.keys_per_second,
        "keys_error_mm": keys.max_error_mm,
        "keys_share": keys.count / keys.dense_count,
    }


def recipe(order: GenerationJobInput, result: GenerationOutput) -> dict[str, object]:
    """The data to generate the same motion again, and its origin, as plain values for custom properties."""
    from datetime import UTC, datetime

    from ...motionlcm_blender.recipes.serialization import VERSION, flat_values

    values: dict[str, object] = {
        RECIPE.name: VERSION,
        **flat_values(recipe_made(order, result)),
        **key_numbers(result.keys),
    }
    for name in MEASURES:
        if name in result.report:
            values[name] = float(result.report[name])
    values["milliseconds"] = 1000.0 * float(result.report.get("seconds", 0.0))
    values["made"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    return values


def recipe_made(order: GenerationJobInput, result: GenerationOutput) -> Recipe:
    """The recipe of one result of a job."""
    from dataclasses import replace

    from ...motionlcm_blender import __version__
    from ...motionlcm_blender.recipes.recipe import Origin, Recipe

    return Recipe(
        replace(result.request, takes=1),
        order.placement,
        order.seconds,
        order.first_frame,
        scene_fps=order.fps,
        units_per_metre=order.units_per_metre,
        path=order.path_name,
        path_xz=order.path_xz,
        ground=order.ground,
        ground_name=order.ground_name,
        standing=order.rest_placement,
        travel=order.travel,
        loop=order.loop,
        key_tolerance=order.key_tolerance,
        seam=order.seam,
        landing=order.landing,
        scene_frames=order.scene_frames,
        origin=Origin(result.model_name, result.model_hash, result.licence, result.attribution, __version__),
    )


def recipe_in(action: bpy.types.Action | None) -> Recipe:
    """The recipe of an Action. Raises InvalidRequest if the recipe is missing or incomplete."""
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.recipes.serialization import from_flat

    told = facts_of(action)
    if IMPORTED.is_on(action):
        raise InvalidRequest(f'"{action.name}" was imported from {IMPORTED.read(action)}, so it has no recipe.')
    if RECIPE.name not in told and "shot" in told:
        raise InvalidRequest(
            "This Action is a shot's of an earlier version, which lacks its start pose: generate its shot again."
        )
    try:
        return from_flat(told)
    except InvalidRequest as error:
        raise InvalidRequest(
            f"The recipe of the Action is incomplete, so the motion cannot be generated again. {error}"
        ) from error


def recipe_is_old(action: bpy.types.Action) -> bool:
    """Whether an Action's recipe is of an older version that takes some data from the scene."""
    return not RECIPE.is_on(action)
