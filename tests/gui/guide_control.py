"""Pictures of the guide that show pins, the ground and facing."""

from __future__ import annotations

import bpy
import numpy as np
from window_driver import Steps, look, settings
from window_pictures import begin, hide_sidebar, loop, operate, picture, show_frame, view_middle_box, walk_along


def control() -> Steps:
    """Pins, the ground and facing."""
    yield from pin_and_stairs()
    yield from facing()


def pin_and_stairs() -> Steps:
    """A pin for a hand; stairs as the ground."""
    yield from begin("control")
    operate("add_character")
    yield
    target = bpy.data.objects.new("Shelf", None)
    target.empty_display_type, target.empty_display_size, target.location = "SPHERE", 0.06, (-0.45, -0.35, 1.6)
    bpy.context.scene.collection.objects.link(target)
    pin = settings().pins.add()
    pin.target, pin.joint, pin.first, pin.last = target, "r_wrist", 30, 50
    yield from walk_along("a person stands still", 3.0)
    bpy.context.scene.frame_set(40)
    look((0.0, 0.0, 0.9), 1.35, 0.4, 4.0)
    yield from picture("control_pin")
    yield from begin("control")
    operate("add_character")
    bpy.ops.mesh.primitive_cube_add(size=1.0)
    stairs = bpy.context.object
    stairs.name = "Stairs"
    vertices, faces = [(-1.5, 0.8, 0.0), (1.5, 0.8, 0.0), (1.5, -4.5, 0.0), (-1.5, -4.5, 0.0)], [(0, 3, 2, 1)]
    for step in range(6):
        low, high, near, far = 0.0, 0.16 * (step + 1), -1.0 - 0.35 * step, -4.5
        first = len(vertices)
        vertices += [(x, y, z) for z in (low, high) for x, y in ((-1, near), (1, near), (1, far), (-1, far))]
        faces += [tuple(first + n for n in face) for face in (
            (3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))]  # fmt: skip
    mesh = bpy.data.meshes.new("Stairs")
    mesh.from_pydata(vertices, [], faces)
    stairs.data = mesh
    stairs.location = (0.0, 0.0, 0.0)
    path = bpy.data.curves.new("Up", "CURVE")
    spline = path.splines.new("POLY")
    spline.points.add(1)
    spline.points[1].co = (0.0, -3.6, 0.0, 1.0)
    line = bpy.data.objects.new("Up", path)
    bpy.context.scene.collection.objects.link(line)
    settings().ground = stairs
    yield from walk_along("a person walks forward", 4.5, line)
    yield from show_frame(0.62)
    look((0.0, -1.8, 0.8), 1.3, 1.1, 6.5)
    yield from picture("control_stairs")


def facing() -> Steps:
    """Sidesteps around an object that the character faces."""
    yield from begin("control")
    operate("add_character")
    target = bpy.data.objects.new("Fire", None)
    target.empty_display_type, target.empty_display_size, target.location = "CONE", 0.35, (0.0, -1.5, 0.3)
    bpy.context.scene.collection.objects.link(target)
    curve = bpy.data.curves.new("Around", "CURVE")
    curve.dimensions = "3D"
    spline = curve.splines.new("POLY")
    angles = np.linspace(0.0, 2.3, 24)
    spline.points.add(len(angles) - 1)
    for point, angle in zip(spline.points, angles, strict=True):
        point.co = (1.5 * np.sin(angle), 1.5 * np.cos(angle) - 1.5, 0.0, 1.0)
    line = bpy.data.objects.new("Around", curve)
    bpy.context.scene.collection.objects.link(line)
    settings().facing_object = target
    yield from walk_along("a person steps sideways to the left", 6.0, line, facing="OBJECT")
    yield from hide_sidebar()
    look((0.5, -1.4, 0.5), 1.05, 0.3, 6.4)
    yield from loop("control_facing", 16, view_middle_box(480, 420))
