"""The ground of previews: sampled near the way only, and kept while neither its surface nor its place changes.

Generate samples a whole rectangle around the path. While a path is dragged that would take most of the time of the main
thread, and only the places near the moved part of the path are new.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import bpy
import numpy as np
from mathutils.bvhtree import BVHTree

from ...motionlcm_blender.motion.ground_layers import SampledHeights, near_way
from ...motionlcm_blender.postprocess.terrain import HeightField
from ..scene.evaluation import evaluated_depsgraph, evaluated_object
from .ground import PAST, REACH, STEP, Surfaces, check_mesh, field_of

NEAR = 0.7
"""Metres beside a path that are sampled: feet are nearer to it, also on stairs."""
STEPS = (STEP, 2.0 * STEP, 4.0 * STEP)
"""Metres between samples; the first that needs no more than `MOST` samples, or the last."""
MOST = 2000
"""Samples of a preview, each a few microseconds of the main thread where no earlier preview has it."""
MOST_KEPT = 250_000
"""Points of the rectangle around all samples that are kept, 9 bytes each."""


class KnownGround:
    """The surfaces of one ground object and its sampled heights."""

    def __init__(self) -> None:
        self._tree: tuple[int, BVHTree] | None = None
        self._samples: tuple[Any, SampledHeights] = None, SampledHeights()
        """The place of a surface and its samples; grid points are multiples of the step in the world."""
        self._field: tuple[Any, tuple[HeightField, tuple[str, ...]]] | None = None

    def forget(self) -> None:
        """Read the surface again the next time."""
        self._tree, self._field, self._samples = None, None, (None, SampledHeights())

    def reshaped(self, ids: Collection[int]) -> None:
        """Read the surface anew if it is among the data-blocks, by session id, whose shape changed."""
        if self._tree is not None and self._tree[0] in ids:
            self.forget()

    def height_field(
        self,
        context: bpy.types.Context,
        obj: bpy.types.Object,
        places: np.ndarray,
        wide: bool,
        floor: float,
        units_per_metre: float,
    ) -> tuple[HeightField, tuple[str, ...]]:
        """As `ground.height_field`, near the places only."""
        check_mesh(obj)
        surfaces = self._surfaces(context, obj, PAST * units_per_metre)
        surfaces = replace(surfaces, inside_out=surfaces.hold_inside(places[0], floor, units_per_metre))
        margin = REACH if wide else NEAR
        for step in STEPS:
            first = np.floor((places.min(0) - margin) / step).astype(int)
            shape = tuple((np.ceil((places.max(0) + margin) / step).astype(int) - first + 1).tolist())
            way = np.rint(places / step).astype(int) - first
            rows = max(len(np.unique(way[:, axis])) for axis in (0, 1))
            if step < STEPS[-1] and rows * (2 * int(margin / step) + 1) > MOST:
                continue  # the points beside each row's first place alone are too many
            near = near_way(way, shape, margin / step)
            if np.count_nonzero(near) <= MOST:
                break
        matrix = np.array([matrix for _, matrix in surfaces.parts]).tobytes()
        same = (obj.session_uid, matrix, surfaces.inside_out, units_per_metre, step, surfaces.top)
        key = (same, first.tobytes(), shape, way.tobytes(), floor)
        if self._field is not None and self._field[0] == key and self._tree is not None:
            return self._field[1]
        scale = step * units_per_metre
        ground = self._kept_samples(same).ground(
            first,
            near,
            way,
            floor,
            step,
            lambda i, j: surfaces.heights(i * scale, -j * scale) / units_per_metre,
        )
        found = field_of(obj.name, ground, way, floor, first * step, step)
        self._field = key, found
        return found

    def _surfaces(self, context: bpy.types.Context, obj: bpy.types.Object, past: float) -> Surfaces:
        """The surfaces as they are now. Only the search tree of a mesh without instances is kept: Blender reports no
        change of the ground when an instance changes."""
        if has_instances(obj):
            self.forget()
            return Surfaces.read(context, obj, past)
        evaluated = evaluated_object(context, obj, f'Ground "{obj.name}"')
        if self._tree is None or self._tree[0] != obj.session_uid:
            self.forget()
            self._tree = obj.session_uid, BVHTree.FromObject(obj, evaluated_depsgraph(context))
        return Surfaces.of([(self._tree[1], evaluated.matrix_world.copy(), [*evaluated.bound_box])], past)

    def _kept_samples(self, same: Any) -> SampledHeights:
        """The samples of the same surface in the same place."""
        if self._samples[0] != same or self._samples[1].size > MOST_KEPT:
            self._samples = same, SampledHeights()
        return self._samples[1]


def has_instances(obj: bpy.types.Object) -> bool:
    """Whether an object may show other objects as parts of itself."""
    return (
        obj.instance_type != "NONE"
        or len(obj.particle_systems) > 0
        or any(each.type == "NODES" for each in obj.modifiers)
    )
