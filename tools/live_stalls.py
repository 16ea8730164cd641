"""How long Live keeps Blender's main thread while the path of a motion is dragged, in a Blender without a window.

    .venv-blender-4.5/bin/python tools/live_stalls.py [--lengths 5 20 60] [--drag 5] [--ground POINTS] [--still]
        [--change path|seed|pin] [--rig tests/data/control_rigs/rigify_human_generated.json]

For each length: a point of a curve moves sixty times a second while the timeline plays, as under a mouse, or the seed
or an empty at which a hand is pinned changes as often. Handlers and timer of Live run as Blender runs them; nothing is
drawn. Prints motions per second, the parts of Live on the main
thread, and the longest time for which the main thread was kept by one of them. Evaluation of the scene is Blender's
own and printed apart. The machine's time is what is measured: leave it alone meanwhile.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_user_")  # before bpy: keeps the user's own out
os.environ.setdefault("OMP_NUM_THREADS", "1")

import bpy
import checkout_extension
import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent))

from tests.blender.stored_armature import build_rig

EXTENSION = "bl_ext.user_default.motionlcm_blender"
TURNS = 60.0
"""Turns of the main loop a second."""
METRES_PER_SECOND = 1.2
PATIENCE = 120.0
"""Seconds to wait for the first motion, and for the finished one."""


def part(name: str) -> ModuleType:
    """A module of the extension, such as "operators.live"."""
    return import_module(f"{EXTENSION}.{name}")


class MainThread:
    """The turns of a main loop: changes, evaluation, handlers and the timer of Live.

    Attributes:
        kept: Milliseconds and processor milliseconds of each handler and each tick of Live, by kind.
        evaluated: Milliseconds of each evaluation of the scene, handlers included.
    """

    def __init__(self) -> None:
        self.live = part("operators.live.live_mode").get()
        self.kept: dict[str, list[tuple[float, float]]] = {"tick": [], "handler": []}
        self.evaluated: list[float] = []
        self._due = 0.0
        watch = part("operators.live.watching").watch
        self._note, self._note_frame = watch.note, watch.note_frame
        watch.note = lambda *arguments: self._timed("handler", self._note, *arguments)
        watch.note_frame = lambda *arguments: self._timed("handler", self._note_frame, *arguments)

    def turn(self, playing: bool) -> None:
        """One turn: evaluate the scene, and call the timer of Live if it is due."""
        began = time.perf_counter()
        if playing:
            scene = bpy.context.scene
            frame = scene.frame_current + 1
            scene.frame_set(scene.frame_start if frame > scene.frame_end else frame)
        else:
            bpy.context.view_layer.update()
        self.evaluated.append(1000.0 * (time.perf_counter() - began))
        if time.perf_counter() >= self._due:
            pause = self._timed("tick", self.live.tick)
            self._due = time.perf_counter() + (1.0 if pause is None else pause)

    def _timed(self, what: str, function: Any, *arguments: Any) -> Any:
        wall, processor = time.perf_counter(), time.thread_time()
        result = function(*arguments)
        passed = time.perf_counter() - wall, time.thread_time() - processor
        self.kept[what].append((1000.0 * passed[0], 1000.0 * passed[1]))
        return result


def make_scene(seconds: float, ground: int, rig: str = "") -> bpy.types.BezierSplinePoint:
    """A character, a winding curve for so many seconds, a ground of so many points; returns the point to drag.

    rig: file of an armature; empty: that of Add Character.
    """
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    settings = bpy.context.scene.motionlcm
    if rig:
        settings.character = build_rig(rig)
    else:
        bpy.ops.motionlcm.add_character()
    data = bpy.data.curves.new("Path", "CURVE")
    data.dimensions = "3D"
    spline = data.splines.new("BEZIER")
    count = max(4, round(METRES_PER_SECOND * seconds / 1.5))
    spline.bezier_points.add(count - 1)
    for number, point in enumerate(spline.bezier_points):
        point.co = (0.7 * np.sin(1.3 * number), -1.4 * number, 0.0)
        point.handle_left_type = point.handle_right_type = "AUTO"
    settings.path = bpy.data.objects.new("Path", data)
    bpy.context.scene.collection.objects.link(settings.path)
    if ground:
        across = max(2, round(ground**0.5) - 1)
        bpy.ops.mesh.primitive_grid_add(x_subdivisions=across, y_subdivisions=across, size=2.0 * 1.5 * count + 10.0)
        settings.ground = bpy.context.object
        for vertex in settings.ground.data.vertices:
            vertex.co.z = 0.1 * np.sin(1.5 * vertex.co.x) * np.cos(1.5 * vertex.co.y)
    settings.length = seconds
    bpy.context.scene.frame_end = 1 + round(24.0 * seconds)
    bpy.context.view_layer.update()
    return spline.bezier_points[count // 2]


def changed(kind: str, point: bpy.types.BezierSplinePoint, seconds: float) -> Callable[[float], None]:
    """A function that changes the scene: the path at its point, the seed, or a pin in the middle of the motion.

    The function takes the seconds since the change began.
    """
    settings, place = bpy.context.scene.motionlcm, np.array(point.co)
    if kind == "path":
        return lambda passed: setattr(
            point, "co", place + (0.4 * np.sin(2.0 * passed), 0.2 * np.sin(3.1 * passed), 0.0)
        )
    if kind == "seed":
        return lambda passed: setattr(settings, "seed", 1 + int(TURNS * passed))
    pin, empty = settings.pins.add(), bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(empty)
    pin.target, pin.joint, pin.first = empty, "r_wrist", 1 + round(12.0 * seconds)
    pin.last = pin.first + 12
    bpy.context.view_layer.update()
    return lambda passed: setattr(
        empty, "location", place + (0.4 + 0.1 * np.sin(2.0 * passed), 0.0, 1.2 + 0.1 * np.sin(3.1 * passed))
    )


def until(main: MainThread, ready: Any, what: str) -> None:
    """Turn until something is so. Raises TimeoutError."""
    began = time.perf_counter()
    while not ready():
        if time.perf_counter() - began > PATIENCE:
            raise TimeoutError(f"{what}: not within {PATIENCE:.0f} s; {part('operators.scene.messages').status}")
        main.turn(False)
        time.sleep(0.005)


def measure(seconds: float, arguments: argparse.Namespace) -> None:
    """Drag a path for a while, and print what it took."""
    drag, ground, playing = arguments.drag, arguments.ground, not arguments.still
    point, watching = make_scene(seconds, ground, arguments.rig), part("operators.live.watching")
    change = changed(arguments.change, point, seconds)
    main, still = MainThread(), part("motionlcm_blender.live.gesture").Phase.STILL
    live, settings = main.live, bpy.context.scene.motionlcm
    is_dragging, is_playing = watching.dragging, watching.is_playing
    settings.live = True
    until(main, lambda: live.gesture.base is not None and not live._must_read, "Live at rest")
    watching.dragging, watching.is_playing = lambda: True, lambda: playing
    change(0.05)
    live.spent.clear()
    until(main, lambda: any(each.what == "show" for each in live.spent), "the first motion")
    first = [each for each in live.spent if each.what == "show"]
    live.spent.clear()
    for kind in main.kept.values():
        kind.clear()
    main.evaluated.clear()
    answered, began = live.worker.counts.answered, time.perf_counter()
    while (passed := time.perf_counter() - began) < drag:
        change(passed)
        main.turn(playing)
        time.sleep(max(0.0, 1.0 / TURNS - (time.perf_counter() - began - passed)))
    lasted = time.perf_counter() - began
    on = f", ground of {ground} points" if ground else ""
    print(
        f"\n{seconds:.0f} s of motion{on}, {arguments.change} changed for {lasted:.1f} s: "
        f"{(live.worker.counts.answered - answered) / lasted:.1f} motions made a second, "
        f"{sum(each.what == 'show' for each in live.spent) / lasted:.1f} shown; load {os.getloadavg()[0]:.1f}"
    )
    pieces = {
        kind: [(each.milliseconds, each.processor) for each in live.spent if each.what == kind]
        for kind in ("read", "show", "make")
    }
    print_row("first show", [(each.milliseconds, each.processor) for each in first])
    for kind, times in (pieces | main.kept).items():
        print_row(kind, times)
    print_row("evaluation", [(each, each) for each in main.evaluated])
    watching.dragging, watching.is_playing = lambda: False, lambda: False
    live.spent.clear()
    until(main, lambda: live.gesture.phase is still and not live.worker.busy, "the finished motion")
    print_row("finish", [(each.milliseconds, each.processor) for each in live.spent if each.what == "finish"])
    watching.dragging, watching.is_playing = is_dragging, is_playing
    settings.live = False
    main.turn(False)
    live.tick()
    watching.watch.note, watching.watch.note_frame = main._note, main._note_frame


def print_row(what: str, times: list[tuple[float, float]]) -> None:
    """Median, 90th percentile and longest of milliseconds; the median and the longest of the processor."""
    if not times:
        print(f"  {what:<12} never")
        return
    wall, processor = np.array(times).T
    print(
        f"  {what:<12}{len(times):5} times: median {np.median(wall):6.2f}, 90th {np.percentile(wall, 90):6.2f}, "
        f"longest {wall.max():6.2f} ms; of the processor {np.median(processor):6.2f}, {processor.max():6.2f} ms"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", type=float, nargs="+", default=[5.0, 20.0, 60.0], help="seconds of motion")
    parser.add_argument("--drag", type=float, default=5.0, help="seconds for which the path is dragged")
    parser.add_argument("--ground", type=int, default=0, help="points of a mesh as ground; 0: none")
    parser.add_argument("--still", action="store_true", help="the timeline does not play")
    parser.add_argument("--change", choices=("path", "seed", "pin"), default="path", help="what is changed")
    parser.add_argument("--rig", default="", help="file of an armature; default: the character of Add Character")
    arguments = parser.parse_args()
    checkout_extension.enable(EXTENSION)
    bpy.context.preferences.addons[EXTENSION].preferences.device = "NUMPY"
    for seconds in arguments.lengths:
        measure(seconds, arguments)
    return 0


if __name__ == "__main__":
    code = main()
    shutil.rmtree(os.environ["BLENDER_USER_RESOURCES"], ignore_errors=True)
    sys.stdout.flush()
    os._exit(code)  # Python's own ending crashes Blender 4.2 and hangs 4.5 while classes are registered
