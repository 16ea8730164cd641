"""Trajectories from curves and animated objects."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

from tests.blender.support import add_character, add_spline, panel_status, part, poly_curve, refusal, settings

FRAMES = 61


def sampled(obj, frames=FRAMES, first=1, units=1.0):
    bpy.context.view_layer.update()
    return part("operators.controls.trajectory").sample_path(bpy.context, obj, frames, first, units)


def on_blender_floor(trajectory) -> np.ndarray:
    return trajectory.xz * (1.0, -1.0)


def test_poly_line_is_walked_at_even_speed():
    trajectory = sampled(poly_curve([(0, 0), (1, 0), (1, 3)]))
    floor = on_blender_floor(trajectory)
    np.testing.assert_allclose(floor[[0, -1]], [(0, 0), (1, 3)], atol=1e-6)
    np.testing.assert_allclose(floor[15], (1, 0), atol=0.2)  # the corner is rounded
    steps = np.linalg.norm(np.diff(floor, axis=0), axis=1)
    np.testing.assert_allclose(steps[40:], 4 / 60, atol=1e-3)
    assert steps.max() < 1.05 * 4 / 60
    assert trajectory.floor == 0.0 and trajectory.warnings == ()


def bezier(points, handles="AUTO", dimensions="3D"):
    data = bpy.data.curves.new("Bezier", "CURVE")
    data.dimensions = dimensions
    spline = data.splines.new("BEZIER")
    spline.bezier_points.add(len(points) - 1)
    for point, position in zip(spline.bezier_points, points, strict=True):
        point.co = (*position, 0.0)
        point.handle_left_type = point.handle_right_type = handles
    obj = bpy.data.objects.new("Bezier", data)
    bpy.context.scene.collection.objects.link(obj)
    return obj


@pytest.mark.parametrize("dimensions", ["2D", "3D"])
def test_bezier_goes_through_its_points_smoothly(dimensions):
    points = [(0, 0), (1, 1), (2, 0), (3, 1)]
    floor = on_blender_floor(sampled(bezier(points, dimensions=dimensions), 196))
    for point in points:
        assert np.linalg.norm(floor - point, axis=1).min() < 0.02
    steps = np.diff(floor, axis=0)
    turns = np.abs(np.diff(np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))))
    assert turns.max() < 0.35


@pytest.mark.parametrize("kind", ["NURBS", "bpy.ops circle"])
def test_nurbs(kind):
    if kind == "NURBS":
        data = bpy.data.curves.new("Nurbs", "CURVE")
        data.dimensions = "3D"
        spline = data.splines.new("NURBS")
        spline.points.add(4)
        for index, point in enumerate(spline.points):
            point.co = (index, index % 2, 0, 1)
        spline.use_endpoint_u = True
        obj = bpy.data.objects.new("Nurbs", data)
        bpy.context.scene.collection.objects.link(obj)
        floor = on_blender_floor(sampled(obj))
        np.testing.assert_allclose(floor[[0, -1]], [(0, 0), (4, 0)], atol=1e-4)
    else:
        bpy.ops.curve.primitive_nurbs_circle_add(radius=1.5)
        floor = on_blender_floor(sampled(bpy.context.object))
        np.testing.assert_allclose(floor[0], floor[-1], atol=1e-6)
        assert np.ptp(floor, axis=0).min() > 2.0


def test_transform_of_the_object_and_of_its_parent_counts():
    obj = poly_curve([(0, 0), (0, -2)])
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.location = (10, 0, 0)
    obj.parent = parent
    obj.matrix_basis = Matrix.LocRotScale(Vector((0, 5, 0)), Euler((0, 0, np.pi / 2)), Vector((2, 2, 2)))
    floor = on_blender_floor(sampled(obj))
    np.testing.assert_allclose(floor[[0, -1]], [(10, 5), (14, 5)], atol=1e-5)


def test_modifiers_count():
    obj = poly_curve([(0, 0), (0, 2), (0, 4)])
    empty = bpy.data.objects.new("Hook", None)
    bpy.context.scene.collection.objects.link(empty)
    hook = obj.modifiers.new("Hook", "HOOK")
    hook.object = empty
    hook.vertex_indices_set([2])
    hook.matrix_inverse = Matrix.Identity(4)
    empty.location = (3, 0, 0)
    floor = on_blender_floor(sampled(obj))
    np.testing.assert_allclose(floor[-1], (3, 4), atol=1e-4)


def test_cyclic_curve_comes_back_to_its_start():
    floor = on_blender_floor(sampled(poly_curve([(0, 0), (2, 0), (2, 2), (0, 2)], cyclic=True)))
    np.testing.assert_allclose(floor[[0, 60]], [(0, 0), (0, 0)], atol=1e-6)
    np.testing.assert_allclose(floor[[15, 30, 45]], [(2, 0), (2, 2), (0, 2)], atol=0.5)  # rounded, at 2.7 m/s


@pytest.mark.parametrize("shown", ["bevel", "extrude", "bevel object", "filled"])
def test_curves_shown_with_thickness_are_still_lines(shown):
    if shown == "filled":
        bpy.ops.curve.primitive_bezier_circle_add(radius=2.0)
        obj = bpy.context.object
        obj.data.dimensions, obj.data.fill_mode = "2D", "BOTH"
    else:
        obj = poly_curve([(0, 0), (0, -3), (2, -3)])
    if shown == "bevel":
        obj.data.bevel_depth = 0.1
    elif shown == "extrude":
        obj.data.extrude = 0.3
    elif shown == "bevel object":
        bpy.ops.curve.primitive_bezier_circle_add(radius=0.2)
        obj.data.bevel_mode, obj.data.bevel_object = "OBJECT", bpy.context.object
    objects, curves = len(bpy.data.objects), len(bpy.data.curves)
    floor = on_blender_floor(sampled(obj))
    if shown == "filled":
        np.testing.assert_allclose(np.linalg.norm(floor, axis=1), 2.0, atol=0.02)
    else:
        np.testing.assert_allclose(floor[[0, -1]], [(0, 0), (2, -3)], atol=1e-5)
        np.testing.assert_allclose(floor[36], (0, -3), atol=0.2)  # the corner is rounded
    assert (len(bpy.data.objects), len(bpy.data.curves)) == (objects, curves)


def test_several_strokes_use_the_first_with_a_warning():
    obj = poly_curve([(0, 0), (0, 2)], name="Strokes")
    add_spline(obj.data, [(5, 5), (9, 9)])
    trajectory = sampled(obj)
    np.testing.assert_allclose(on_blender_floor(trajectory)[-1], (0, 2), atol=1e-6)
    assert any('"Strokes" has 2 strokes' in warning for warning in trajectory.warnings)


def test_height_is_the_curves_and_uneven_ones_rise():
    level = sampled(poly_curve([(0, 0, 2), (0, 2, 2)]))
    assert level.floor == pytest.approx(2.0) and level.warnings == ()
    hill = sampled(poly_curve([(0, 0, 0), (0, 2, 1)]))
    assert hill.floor == pytest.approx(0.0) and level.ground is None
    np.testing.assert_allclose(hill.ground.heights(np.array([[0.0, 0.0], [0.0, -1.0], [0.0, -2.0]])), [0.0, 0.5, 1.0])


def test_point_radius_is_the_speed():
    obj = poly_curve([(0, 0), (0, 1), (0, 2), (0, 3), (0, 4)])
    for point, radius in zip(obj.data.splines[0].points, (1, 1, 0.3, 1, 1), strict=True):
        point.radius = radius
    floor = on_blender_floor(sampled(obj, 121))
    speeds = np.linalg.norm(np.diff(floor, axis=0), axis=1)
    middle = np.abs(floor[:-1, 1] - 2).argmin()
    assert speeds[middle] < 0.4 * speeds[5]
    np.testing.assert_allclose(floor[-1], (0, 4), atol=1e-6)


def test_a_path_too_fast_or_too_slow_has_a_warning():
    assert "faster than people run" in sampled(poly_curve([(0, 0), (0, 50)])).warnings[0]
    assert "slower than people walk" in sampled(poly_curve([(0, 0), (0, 0.3)])).warnings[0]


def test_metres_are_those_of_the_character():
    np.testing.assert_allclose(sampled(poly_curve([(0, 0), (0, 4)]), units=2.0).xz[-1], (0, -2), atol=1e-6)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [([(1, 2)], "one point"), ([(0, 0), (float("nan"), 1)], "not finite"), ([(1, 1), (1, 1)], "no length")],
)
def test_bad_curves_are_refused_by_name(points, sentence):
    add_character()
    settings().path = poly_curve(points, name="Bad")
    sentence_shown = refusal()
    assert sentence_shown.startswith('Path "Bad"') and sentence in sentence_shown
    assert len(bpy.data.actions) == 0


def test_curve_without_points_is_refused():
    add_character()
    obj = bpy.data.objects.new("Nothing", bpy.data.curves.new("Nothing", "CURVE"))
    bpy.context.scene.collection.objects.link(obj)
    settings().path = obj
    assert "no points" in refusal()


def animated_empty(keys, parent=None) -> bpy.types.Object:
    obj = bpy.data.objects.new("Guide", None)
    bpy.context.scene.collection.objects.link(obj)
    obj.parent = parent
    for frame, location in keys:
        obj.location = location
        obj.keyframe_insert("location", frame=frame)
    for curve in part("operators.armature.actions").curves_of(obj):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    return obj


def test_animated_object_gives_path_and_timing():
    obj = animated_empty([(1, (0, 0, 1)), (25, (0, -1, 1)), (49, (0, -5, 1))])
    trajectory = sampled(obj, 41)  # 2 s at 24 fps: frames 1 to 49
    floor = on_blender_floor(trajectory)
    np.testing.assert_allclose(floor[[0, 10, 20, 30, 40], 1], [0, -0.5, -1, -3, -5], atol=1e-4)
    assert trajectory.floor is None


def test_sampling_an_object_restores_the_frame():
    obj = animated_empty([(1, (0, 0, 0)), (49, (0, -5, 0))])
    bpy.context.scene.frame_set(17, subframe=0.25)
    sampled(obj, 41)
    assert bpy.context.scene.frame_current == 17
    assert bpy.context.scene.frame_subframe == pytest.approx(0.25)


def test_world_positions_count_for_animated_objects():
    parent = bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.rotation_euler.z = np.pi / 2
    obj = animated_empty([(1, (0, 0, 0)), (49, (0, -4, 0))], parent)
    np.testing.assert_allclose(on_blender_floor(sampled(obj, 41))[-1], (4, 0), atol=1e-4)


def test_object_that_stands_still_is_refused():
    add_character()
    settings().path = animated_empty([(1, (2, 2, 0))])
    assert "does not move" in refusal()


def test_the_character_cannot_be_its_own_path():
    armature = add_character()
    child = bpy.data.objects.new("Hat", None)
    bpy.context.scene.collection.objects.link(child)
    child.parent = armature
    settings().path = child
    assert "a child of the character" in refusal()


def test_speed_is_shown_before_generating():
    path_speed = part("operators.controls.path_speed")
    settings().path, settings().length = poly_curve([(0, 0), (0, 6)]), 5.0
    bpy.context.view_layer.update()
    shown = path_speed.work_out(bpy.context)
    assert shown.text == "6.0 m at 1.2 m/s" and shown.warning == ""
    settings().length = 1.0
    assert "faster than people run" in path_speed.work_out(bpy.context).warning
    settings().length = 70.0
    assert "too long" in path_speed.work_out(bpy.context).warning
    settings().path = None
    assert path_speed.work_out(bpy.context).text == ""


def draw_stroke(points) -> None:
    """What the draw tool leaves behind."""
    spline = bpy.context.active_object.data.splines.new("BEZIER")
    spline.bezier_points.add(len(points) - 1)
    for point, position in zip(spline.bezier_points, points, strict=True):
        point.co = point.handle_left = point.handle_right = position


def test_draw_path_and_finish():
    add_character()
    bpy.ops.motionlcm.draw_path()
    obj = bpy.context.active_object
    drawing = part("operators.controls.draw_path")
    assert bpy.context.mode == "EDIT_CURVE" and drawing.is_drawing(bpy.context)
    assert obj.name == "MotionLCM Path" and obj.data.dimensions == "2D" and settings().path == obj
    bpy.ops.object.mode_set(mode="OBJECT")
    draw_stroke([(0, 0, 0), (0, -2, 0), (1, -3, 0)])
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.motionlcm.draw_path()  # the same button finishes
    assert bpy.context.mode == "OBJECT" and settings().path == obj and not drawing.is_drawing(bpy.context)
    np.testing.assert_allclose(on_blender_floor(sampled(obj))[[0, -1]], [(0, 0), (1, -3)], atol=1e-5)


def test_draw_path_with_the_draw_operator():
    """The operator behind the draw tool, given a stroke as the mouse would."""
    bpy.ops.motionlcm.draw_path()
    known = bpy.types.OperatorStrokeElement.bl_rna.properties  # Blender requires all of them, and they differ
    stroke = [
        {
            name: value
            for name, value in {
                "name": "",
                "mouse": (0, 0),
                "mouse_event": (0, 0),
                "pressure": 1.0,
                "size": 1.0,
                "pen_flip": False,
                "is_start": i == 0,
                "time": 0.0,
                "x_tilt": 0.0,
                "y_tilt": 0.0,
                "location": (0.1 * i, -0.2 * i, 0.0),
            }.items()
            if name in known
        }
        for i in range(20)
    ]
    bpy.ops.curve.draw(error_threshold=0.01, fit_method="REFIT", stroke=stroke, use_cyclic=False)
    bpy.ops.motionlcm.finish_path()
    obj = settings().path
    assert obj is not None and len(obj.data.splines) == 1
    floor = on_blender_floor(sampled(obj))
    np.testing.assert_allclose(floor[[0, -1]], [(0, 0), (1.9, -3.8)], atol=0.02)


def test_finishing_an_empty_drawing_leaves_nothing():
    bpy.ops.motionlcm.draw_path()
    bpy.ops.motionlcm.finish_path()
    assert settings().path is None and "MotionLCM Path" not in bpy.data.objects
    assert panel_status().message == "The drawing is empty, so no path was added."


def test_generate_finishes_a_drawing_by_itself():
    add_character()
    bpy.ops.motionlcm.draw_path()
    bpy.ops.object.mode_set(mode="OBJECT")
    draw_stroke([(0, 0, 0), (0, -2, 0)])
    bpy.ops.object.mode_set(mode="EDIT")
    settings().length = 2.0
    bpy.ops.motionlcm.generate()
    assert bpy.context.mode == "OBJECT"
    assert settings().character.animation_data.action["motionlcm_path"] == "MotionLCM Path"
