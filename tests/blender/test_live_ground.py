"""Live on uneven ground: previews sample it near the way, once; the finished motion is that of Generate."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.support import add_character, part, poly_curve, settings
from tests.blender.test_live import drag, end_drag, finished_is_that_of_generate, live, rest

LINE = ((0.0, 0.0), (0.0, -1.0), (0.0, -2.0))


def waves(divisions: int = 40, size: float = 12.0) -> bpy.types.Object:
    """A grid with hills of 10 cm."""
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=divisions, y_subdivisions=divisions, size=size)
    obj = bpy.context.object
    places = np.empty(3 * len(obj.data.vertices), np.float32)
    obj.data.vertices.foreach_get("co", places)
    places = places.reshape(-1, 3)
    places[:, 2] = 0.1 * np.sin(1.5 * places[:, 0] + 1.0) * np.cos(1.5 * places[:, 1])
    obj.data.vertices.foreach_set("co", places.ravel())
    obj.data.update()
    return obj


@pytest.fixture
def ground() -> bpy.types.Object:
    """A ground under a character with a path, and Live switched on, at rest."""
    add_character()
    settings().path, settings().length = poly_curve(LINE), 2.0
    settings().ground = waves()
    bpy.context.view_layer.update()
    settings().live = True
    rest()
    yield settings().ground
    settings().live = False
    live().tick()


@pytest.fixture
def casts(monkeypatch) -> list[tuple[float, float]]:
    """The places at which the ground is sampled."""
    surfaces = part("operators.controls.ground").Surfaces
    found, heights = [], surfaces.heights
    monkeypatch.setattr(surfaces, "heights", lambda self, x, y: found.append((x, y)) or heights(self, x, y))
    return found


def preview_heights() -> np.ndarray:
    """Heights of the newest preview's ground along its path."""
    order = live()._reading.order
    return order.ground.heights(order.path_xz)


def exact_heights() -> np.ndarray:
    order = part("operators.generation.orders").order_from_scene(bpy.context)
    return order.ground.heights(order.path_xz)


def test_a_dragged_path_samples_new_places_only(ground, casts, monkeypatch):
    drag(monkeypatch, 0.1)
    first = len(casts)
    drag(monkeypatch, 0.2)
    assert len(casts) - first < 0.2 * 140 * 2.0, "most places are those of the preview before"
    assert all(abs(x) < 1.0 and -3.0 < y < 1.0 for x, y in casts), "places near the path only"
    shown, before = preview_heights(), len(casts)
    np.testing.assert_allclose(shown, exact_heights(), atol=2e-3)
    assert np.ptp(shown) > 0.05
    assert len(casts) - before > 1000, "Generate samples the whole rectangle"


def test_the_surface_is_read_once_and_again_when_it_changes(ground, monkeypatch):
    known = part("operators.controls.known_ground")
    read, tree = [], known.BVHTree

    class Counted:
        @staticmethod
        def FromObject(*args):  # noqa: N802  Blender's name
            read.append(1)
            return tree.FromObject(*args)

    monkeypatch.setattr(known, "BVHTree", Counted)
    drag(monkeypatch, 0.1, 0.2, 0.3)
    end_drag(monkeypatch)
    assert read == []
    before = preview_heights()
    for vertex in ground.data.vertices:
        vertex.co.z += 0.2
    ground.data.update()
    bpy.context.view_layer.update()
    live().tick()
    assert len(read) == 1
    np.testing.assert_allclose(preview_heights(), before + 0.2, atol=1e-3)


def test_a_moved_ground_is_followed(ground, monkeypatch):
    drag(monkeypatch, 0.1)
    before = preview_heights()
    ground.location.z = 0.15
    bpy.context.view_layer.update()
    live().tick()
    np.testing.assert_allclose(preview_heights(), before + 0.15, atol=1e-3)
    np.testing.assert_allclose(preview_heights(), exact_heights(), atol=2e-3)


def test_a_modifier_of_the_ground_counts(ground, monkeypatch):
    drag(monkeypatch, 0.1)
    before = preview_heights()
    modifier = ground.modifiers.new("Up", "DISPLACE")
    modifier.mid_level, modifier.strength, modifier.direction = 0.0, 0.1, "Z"
    bpy.context.view_layer.update()
    live().tick()
    np.testing.assert_allclose(preview_heights(), before + 0.1, atol=1e-3)


def test_instances_are_read_each_time(ground, monkeypatch):
    crate = waves(3, 12.0)
    crate.location.z, crate.parent, ground.instance_type = 0.3, ground, "VERTS"
    assert part("operators.controls.known_ground").has_instances(ground)
    bpy.context.view_layer.update()
    live().tick()
    drag(monkeypatch, 0.1)
    np.testing.assert_allclose(preview_heights(), exact_heights(), atol=5e-3)


def test_the_finished_motion_is_that_of_generate(ground, monkeypatch):
    drag(monkeypatch, 0.1, 0.3)
    assert finished_is_that_of_generate(monkeypatch)


def test_a_slow_reading_leaves_time_and_the_last_state_is_read(ground, monkeypatch):
    drag(monkeypatch, 0.1)
    live()._read_next = float("inf")
    offered = live().worker.counts.offered
    settings().path.data.splines[0].points[1].co.x = 0.4
    bpy.context.view_layer.update()
    live().tick()
    assert live().worker.counts.offered == offered, "the next reading is not due"
    end_drag(monkeypatch)
    path = np.array(part("operators.armature.actions").recipe_of(settings().character)["path_xz"]).reshape(-1, 2)
    assert 0.25 < path[:, 0].max() <= 0.4


def test_undo_reads_the_ground_anew(ground, monkeypatch):
    bpy.ops.ed.undo_push(message="before")
    for vertex in ground.data.vertices:
        vertex.co.z += 0.2
    ground.data.update()
    bpy.ops.ed.undo_push(message="Raise")
    drag(monkeypatch, 0.1)
    end_drag(monkeypatch)
    bpy.ops.ed.undo()
    bpy.ops.ed.undo()
    rest()
    drag(monkeypatch, 0.2)
    np.testing.assert_allclose(preview_heights(), exact_heights(), atol=2e-3)
