"""Drives Live in a real Blender window through other transforms than a Move: the path is turned and scaled, a point is
moved with proportional editing, and a second window shows the scene.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from live_driver import (
    at_rest,
    begin_live,
    confirm,
    grab,
    in_view,
    live,
    off_path,
    pixel,
    place_of_point,
    select_only,
    select_point,
    wander,
)
from window_driver import (
    JOB_S,
    Steps,
    action,
    check,
    main,
    module,
    screenshot,
    settings,
    undo,
    wait,
    window,
)

DRAG_S = 2.0


def run() -> Steps:
    yield from begin_live()
    yield from transform("turning the path", "R", lambda: settings().path.rotation_euler.z)
    yield from transform("scaling the path", "S", lambda: settings().path.scale.x)
    yield from move_with_proportional_editing()
    yield from move_beside_a_second_window()


def transform(what: str, letter: str, value: Callable[[], float]) -> Steps:
    """A modal transform of the path, or of its selected point, and its undo. value: what the transform changes."""
    yield from wait(at_rest, JOB_S, "Live at rest")
    if bpy.context.mode == "OBJECT":
        select_only(settings().path)  # an undo brings an earlier selection back
    before, name, made = value(), action().name, live().worker.counts.answered
    x, y = pixel((0.9, -1.9, 0.0))
    yield from grab(x, y, letter)
    end = yield from wander(x, y, DRAG_S, reach=60.0)
    preview = module("operators.live.preview")
    yield from wait(lambda: preview.shown_on(settings().character) is not None, JOB_S, "a preview")
    screenshot(what.replace(" ", "_"))
    yield from confirm(*end)
    yield from wait(at_rest, JOB_S, "the finished motion")
    changed = value()
    check(f"{what} changed it", abs(changed - before) > 1e-3, (before, changed))
    check(f"{what}: motions were made", live().worker.counts.answered > made)
    check(f"{what}: the finished motion is on the path", off_path() < 0.15, f"{off_path():.3f} m")
    check(f"{what}: no preview is left", preview.shown_on(settings().character) is None)
    yield from undo()
    yield from wait(lambda: abs(value() - before) < 1e-5, 20.0, "Ctrl-Z")
    yield from wait(at_rest, JOB_S, "undo")
    check(f"{what}: Ctrl-Z takes the motion back too", off_path() < 0.15, f"{off_path():.3f} m")
    check(f"{what}: the Action is the one before", action() is not None and action().name == name, action())


def move_with_proportional_editing() -> Steps:
    """A point of the path in Edit Mode; the points beside it go along."""
    path, tools = settings().path, bpy.context.scene.tool_settings
    select_only(path)
    in_view(bpy.ops.object.mode_set, mode="EDIT")
    select_point(2)
    tools.use_proportional_edit, tools.proportional_size = True, 2.5
    yield from transform("proportional editing", "G", lambda: place_of_point(1)[0])
    tools.use_proportional_edit = False
    in_view(bpy.ops.object.mode_set, mode="OBJECT")
    yield from wait(at_rest, JOB_S, "Live at rest")


def move_beside_a_second_window() -> Steps:
    """The path as a whole, while a second window shows the scene."""
    with bpy.context.temp_override(window=window()):
        bpy.ops.wm.window_new()
    yield from wait(lambda: len(bpy.context.window_manager.windows) == 2, 20.0, "the second window")
    first, second = bpy.context.window_manager.windows
    check("both windows show the scene", first.scene == second.scene)
    yield from transform("moving beside a second window", "G", lambda: float(np.sum(settings().path.location)))
    with bpy.context.temp_override(window=second):
        bpy.ops.wm.window_close()
    yield from wait(lambda: len(bpy.context.window_manager.windows) == 1, 20.0, "one window")
    yield from transform("moving after the second window", "G", lambda: float(np.sum(settings().path.location)))


main(run)
