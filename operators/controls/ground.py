"""Ground to walk on: heights of a mesh, sampled once before a generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector
from mathutils.bvhtree import BVHTree

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion.ground_layers import followed_ground, solid_tops, stands_inside
from ...motionlcm_blender.postprocess.terrain import HeightField
from ..scene.evaluation import evaluated_depsgraph, evaluated_object
from ..scene.scene_time import at_frame

STEP = 0.1
"""Metres between the samples of the height."""
MARGIN, REACH = 1.5, 8.0
"""Metres around a path, and around a character without a path."""
MOST_SURFACES, PAST = 12, 0.002
"""Largest number of surfaces above each other; metres between a surface and the search for the next one."""
MOVES = 0.05
"""Metres by which a ground may move during the motion without a warning."""
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

    Where surfaces lie above each other, the ground is what the character stands on, not a ceiling or a bridge.

    wide: the motion may leave the points by several metres. floor: metres, the height of the motion's own floor, which
    counts as 0 and replaces missing surface. units: scene units per metre. Returns the field and warnings for the
    animator. Raises InvalidRequest with the object's name if no surface is near.
    """
    check_mesh(obj)
    surfaces = Surfaces.read(context, obj, PAST * units_per_metre)
    margin = REACH if wide else MARGIN
    low, high = places.min(0) - margin, places.max(0) + margin
    step = max(STEP, float(np.sqrt(np.prod(high - low) / MOST)))
    xs, zs = (np.arange(low[k], high[k] + step, step) for k in (0, 1))
    surfaces = replace(surfaces, inside_out=surfaces.hold_inside(places[0], floor, units_per_metre))
    layers = [[surfaces.heights(x * units_per_metre, -z * units_per_metre) / units_per_metre for z in zs] for x in xs]
    way = np.clip(np.rint((places - low) / step).astype(int), 0, np.array([len(xs), len(zs)]) - 1)
    return field_of(obj.name, followed_ground(layers, way, floor, step), way, floor, low, step)


def check_mesh(obj: bpy.types.Object) -> None:
    """Raises InvalidRequest if the object has no surface."""
    if obj.type != "MESH":
        raise InvalidRequest(f'Ground "{obj.name}": it has no surface; choose a mesh.')


def field_of(
    name: str, ground: np.ndarray, way: np.ndarray, floor: float, low: np.ndarray, step: float
) -> tuple[HeightField, tuple[str, ...]]:
    """The field of sampled heights, and warnings for the animator.

    name: of the ground. ground: (X, Z) as of `followed_ground`, and way, floor and step as for it; low: (2,) place of
    the first grid point. Raises InvalidRequest with the name if no surface is near.
    """
    grid = ground - floor
    missing = np.isnan(grid)
    if missing.all():
        raise InvalidRequest(f'Ground "{name}": no surface lies under the character or its path.')
    warnings: tuple[str, ...] = ()
    if missing[way[:, 0], way[:, 1]].any():
        warnings = (f'Part of the path is not over "{name}": the character walks on a level floor there.',)
    return HeightField(low, step, np.where(missing, 0.0, grid)), warnings


def moves_between(
    scene: bpy.types.Scene, obj: bpy.types.Object, first: float, last: float, units_per_metre: float
) -> bool:
    """Whether the object moves by more than `MOVES` between two frames of keys."""
    places = []
    for frame in (first, last):
        with at_frame(scene, frame):
            places.append([obj.matrix_world @ Vector(corner) for corner in obj.bound_box])
    return max((a - b).length for a, b in zip(*places, strict=True)) > MOVES * units_per_metre


@dataclass(frozen=True)
class Surfaces:
    """The surfaces of a mesh object and of the instances that its modifiers make, as Blender shows them.

    parts: search trees with their world matrices. top: world height above all of them. past: scene units between a
    surface and the search for the next one. inside_out: whether the faces of floors look down, as in a cube that is
    used as a room.
    """

    parts: tuple[tuple[BVHTree, Matrix], ...]
    top: float
    past: float
    inside_out: bool = False

    @classmethod
    def read(cls, context: bpy.types.Context, obj: bpy.types.Object, past: float) -> Surfaces:
        """Raises InvalidRequest with the object's name if Blender does not evaluate it."""
        evaluated = evaluated_object(context, obj, f'Ground "{obj.name}"')
        depsgraph = evaluated_depsgraph(context)
        found: list[tuple[Any, Matrix, list[Any]]] = [
            (BVHTree.FromObject(obj, depsgraph), evaluated.matrix_world.copy(), [*evaluated.bound_box])
        ]
        trees: dict[int, BVHTree] = {}
        for instance in depsgraph.object_instances:
            shown = instance.object
            if not instance.is_instance or instance.parent != evaluated or shown.type != "MESH":
                continue
            key = shown.data.as_pointer()
            if key not in trees:
                trees[key] = _tree_of(shown.data)
            found.append((trees[key], instance.matrix_world.copy(), [*shown.bound_box]))
        return cls.of(found, past)

    @classmethod
    def of(cls, parts: Sequence[tuple[BVHTree, Matrix, Sequence[Any]]], past: float) -> Surfaces:
        """Surfaces of search trees, with the world matrix and the corners of the bounding box of each."""
        top = max((matrix @ Vector(corner)).z for _, matrix, corners in parts for corner in corners)
        return cls(tuple((tree, matrix) for tree, matrix, _ in parts), top + 1.0, past)

    def heights(self, x: float, y: float) -> np.ndarray:
        """(K,) world heights on which a figure can stand at a place of the world, in descending order."""
        heights, up = self._hits(x, y)
        return heights if len(heights) < 2 else solid_tops(heights, ~up if self.inside_out else up)

    def hold_inside(self, place: np.ndarray, floor: float, units_per_metre: float) -> bool:
        """Whether a figure at a place (2,) of the floor, engine axes in metres, stands inside of a closed mesh whose
        faces look out."""
        heights, up = self._hits(place[0] * units_per_metre, -place[1] * units_per_metre)
        return stands_inside(heights / units_per_metre, up, floor)

    def _hits(self, x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
        """World heights (K,) of all surfaces at a place of the world, in descending order, and whether they look up."""
        found: list[tuple[float, bool]] = []
        above = Vector((x, y, self.top))
        for tree, matrix, into, down, past in self._rays:
            origin = into @ above
            for _ in range(MOST_SURFACES):
                hit, normal, _, _ = tree.ray_cast(origin, down)
                if hit is None:
                    break
                found.append(((matrix @ hit).z, normal.dot(down) < 0.0))
                origin = hit + past
        found.sort(reverse=True)
        return np.array([height for height, _ in found]), np.array([up for _, up in found], bool)

    @cached_property
    def _rays(self) -> list[tuple[BVHTree, Matrix, Matrix, Vector, Vector]]:
        """Of each part: the tree, its world matrix and the inverse, the direction down and the step past a surface, in
        the axes of the tree."""
        rays = []
        for tree, matrix in self.parts:
            into = matrix.inverted_safe()
            turn = into.to_3x3()
            down = (turn @ Vector((0.0, 0.0, -1.0))).normalized()
            rays.append((tree, matrix, into, down, turn @ Vector((0.0, 0.0, -self.past))))
        return rays


def _tree_of(mesh: Any) -> BVHTree:
    vertices = [vertex.co for vertex in mesh.vertices]
    return BVHTree.FromPolygons(vertices, [tuple(polygon.vertices) for polygon in mesh.polygons])
