"""Ground to walk on: heights of a mesh, sampled once before a generation."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.postprocess.terrain import HeightField

STEP = 0.1
"""Metres between the samples of the height."""
MARGIN, REACH = 1.5, 8.0
"""Metres around a path, and around a character without a path."""
MOST = 160_000
"""Largest number of samples; a larger field gets a coarser grid."""


def height_field(
    context: bpy.types.Context,
    obj: bpy.types.Object,
    places: np.ndarray,
    wide: bool,
    floor: float,
    units_per_metre: float,
) -> tuple[HeightField, tuple[str, ...]]:
    """The mesh's heights around points (N, 2), engine axes in the world, metres of the character.

    wide: the motion may leave the points by several metres. floor: metres, the height of the motion's own floor, which
    counts as 0 and replaces missing surface. units: scene units per metre. Returns the field and warnings for the
    animator. Raises InvalidRequest with the object's name if no surface is near.
    """
    if obj.type != "MESH":
        raise InvalidRequest(f'Ground "{obj.name}": it has no surface; choose a mesh.')
    depsgraph = context.evaluated_depsgraph_get()
    evaluated = obj.evaluated_get(depsgraph)
    matrix = evaluated.matrix_world
    tree = BVHTree.FromObject(obj, depsgraph)
    into = matrix.inverted_safe()
    top = max((matrix @ Vector(corner)).z for corner in evaluated.bound_box) + 1.0
    down = (into.to_3x3() @ Vector((0.0, 0.0, -1.0))).normalized()

    margin = REACH if wide else MARGIN
    low, high = places.min(0) - margin, places.max(0) + margin
    step = max(STEP, float(np.sqrt(np.prod(high - low) / MOST)))
    xs, zs = (np.arange(low[k], high[k] + step, step) for k in (0, 1))
    grid = np.full((len(xs), len(zs)), np.nan)
    for i, x in enumerate(xs):
        for j, z in enumerate(zs):
            hit = tree.ray_cast(into @ Vector((x * units_per_metre, -z * units_per_metre, top)), down)[0]
            if hit is not None:
                grid[i, j] = (matrix @ hit).z / units_per_metre - floor
    missing = np.isnan(grid)
    if missing.all():
        raise InvalidRequest(f'Ground "{obj.name}": no surface lies under the character or its path.')
    i, j = np.clip(np.rint((places - low) / step).astype(int), 0, np.array(grid.shape) - 1).T
    warnings: tuple[str, ...] = ()
    if missing[i, j].any():
        warnings = (f'Part of the path is not over "{obj.name}": the character walks on a level floor there.',)
    return HeightField(low, step, np.where(missing, 0.0, grid)), warnings
