"""What the scripts share that drive Live in a real window: a character on a path, drags, and when Live is at rest."""

from __future__ import annotations

import time

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector
from window_driver import (
    JOB_S,
    Steps,
    action,
    check,
    click,
    find_button,
    key,
    look,
    module,
    move,
    on_curve,
    open_sidebar,
    region,
    screenshot,
    settings,
    status,
    viewport,
    wait,
    window,
)

POINTS = ((0.0, 0.0), (0.7, -1.2), (-0.7, -2.6), (0.0, -3.8))


def live():
    return module("operators.live.live_mode").get()


def at_rest() -> bool:
    return live().gesture.phase.value == "still" and not live().worker.busy and not live()._must_read


def pixel(point) -> tuple[int, int]:
    main_region, view = region("WINDOW"), viewport().spaces.active.region_3d
    place = location_3d_to_region_2d(main_region, view, Vector(point))
    return int(place.x + main_region.x), int(place.y + main_region.y)


def in_view(operator, *args, **options):
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        return operator(*args, **options)


def bezier_path() -> bpy.types.Object:
    data = bpy.data.curves.new("Path", "CURVE")
    data.dimensions = "2D"
    spline = data.splines.new("BEZIER")
    spline.bezier_points.add(len(POINTS) - 1)
    for point, (x, y) in zip(spline.bezier_points, POINTS, strict=True):
        point.co = (x, y, 0.0)
        point.handle_left_type = point.handle_right_type = "AUTO"
    path = bpy.data.objects.new("Path", data)
    bpy.context.scene.collection.objects.link(path)
    return path


def select_only(obj: bpy.types.Object) -> None:
    for each in bpy.data.objects:
        each.select_set(each == obj)
    bpy.context.view_layer.objects.active = obj


def select_point(number: int) -> None:
    for index, point in enumerate(settings().path.data.splines[0].bezier_points):
        point.select_control_point = point.select_left_handle = point.select_right_handle = index == number


def place_of_point(number: int = 2) -> tuple[float, ...]:
    return tuple(settings().path.data.splines[0].bezier_points[number].co)


def play() -> None:
    if not window().screen.is_animation_playing:
        with bpy.context.temp_override(window=window(), screen=window().screen):
            bpy.ops.screen.animation_play()


def _transforms() -> bool:
    return any("TRANSFORM" in each.bl_idname for each in window().modal_operators)


def grab(x: int, y: int, letter: str = "G") -> Steps:
    """Press G, R or S with the mouse at a place."""
    yield from move(x, y)
    yield from key(letter, x, y, letter.lower())
    yield from wait(
        lambda: any("TRANSFORM" in each.bl_idname for each in window().modal_operators), 20.0, "the transform"
    )


def confirm(x: int, y: int) -> Steps:
    """Press the left button, which ends a Move that a key began."""
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type="LEFTMOUSE", value=value, x=x, y=y)
        yield


def wander(x: int, y: int, seconds: float, name: str = "", reach: float = 90.0) -> Steps:
    """Move the mouse about for a while; returns the last place."""
    began, shots = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        a = x + int(reach * np.sin(2.0 * passed)), y + int(0.3 * reach * np.sin(3.1 * passed))
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=a[0], y=a[1])
        yield
        if name and passed > seconds * (shots + 0.5) / 5.0:
            screenshot(f"{name}_{shots + 1}")
            shots += 1
    return a


def off_path() -> float:
    """Metres from the hips to the path on the present frame."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    shown = settings().character.evaluated_get(depsgraph)
    hips = np.array(shown.matrix_world @ shown.pose.bones["pelvis"].head)
    curve = on_curve(settings().path)
    return float(np.linalg.norm(curve[:, :2] - hips[:2], axis=1).min())


def press_live() -> Steps:
    """The switch stands at the right end of the row of Generate."""
    _, y = yield from find_button("motionlcm.generate(")
    sidebar = region("UI")
    yield from click(sidebar.x + sidebar.width - 60, y)


def begin_live() -> Steps:
    """Add a character on a path of four points, and switch Live on."""
    yield from open_sidebar()
    bpy.ops.motionlcm.add_character()
    yield from wait(lambda: settings().character is not None, 20.0, "the character")
    settings().path = bezier_path()
    settings().length = 5.0
    look((0.3, -1.9, 0.4), 0.85, 0.0, 7.5)
    yield
    in_view(bpy.ops.ed.undo_push, message="set up")
    yield from press_live()
    yield from wait(lambda: settings().live, 20.0, "the switch of Live")
    yield from wait(lambda: at_rest(), JOB_S, "Live at rest")
    check("Live is switched on beside Generate", True)
    settings().seed = 1  # the first motion waits for the model
    yield from wait(lambda: action() is not None and not at_rest(), JOB_S, "the first motion")
    yield from wait(at_rest, JOB_S, "its end")
    check("a change of the seed made a motion", action() is not None and not status().error, status().message)
