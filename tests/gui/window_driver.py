"""What the scripts share that drive a real Blender window as an animator would: tools/test_gui.py starts each with

    blender --enable-event-simulate --python SCRIPT.py -- OUTPUT_FOLDER

Mouse and keys are events inside Blender. The panel's buttons are found by what they are, not where: the mouse goes
down the sidebar and Ctrl-C over a button copies its operator or its value. Every check is named; the first that fails
ends the run with status 3. Screenshots and results.json go to the output folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Euler, Vector

EXTENSION = "bl_ext.user_default.motionlcm_blender"
OUTPUT = Path(sys.argv[sys.argv.index("--") + 1])
TICK_S = 0.02
"""Seconds between two actions of a script; Blender draws in between."""
JOB_S = 240.0
"""Longest wait for a generation."""

Steps = Iterator[None]
passed: list[str] = []
started = time.monotonic()


def log(*words: object) -> None:
    print(f"[{time.monotonic() - started:6.2f}]", *words, flush=True)


def check(name: str, condition: bool, detail: object = "") -> None:
    if not condition:
        raise AssertionError(f"{name} ({detail})" if detail != "" else name)
    passed.append(name)
    log("passed:", name, detail)


def module(name: str) -> Any:
    """A module of the extension as it runs."""
    return sys.modules[f"{EXTENSION}.{name}"]


def screenshot(name: str) -> None:
    """By ImageMagick: Blender's own screenshot is black under software OpenGL."""
    file = OUTPUT / f"{len(list(OUTPUT.glob('*.png'))) + 1:02d}_{name}.png"
    subprocess.run(["import", "-window", "root", str(file)], check=True, timeout=60)


# What is on the screen; looked up anew each time, since undo replaces Blender's data.


def window() -> bpy.types.Window:
    return bpy.context.window_manager.windows[0]


def viewport() -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == "VIEW_3D")


def region(kind: str) -> bpy.types.Region:
    return next(each for each in viewport().regions if each.type == kind)


def view_middle() -> tuple[int, int]:
    main = region("WINDOW")
    return main.x + main.width // 3, main.y + main.height // 2


def settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.motionlcm


def status():
    return sys.modules[f"{EXTENSION}.operators.scene.messages"].status


def action() -> bpy.types.Action | None:
    character = settings().character
    return character.animation_data.action if character is not None and character.animation_data else None


# Mouse and keys. Blender must handle an event before the next one comes, so each gets a turn of its own.


def move(x: int, y: int) -> Steps:
    for nudge in (1, 0):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=int(x) + nudge, y=int(y))
        yield


def click(x: int, y: int) -> Steps:
    yield from move(x, y)
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type="LEFTMOUSE", value=value, x=int(x), y=int(y))
        yield


def key(kind: str, x: int, y: int, letter: str | None = None, **modifiers: bool) -> Steps:
    for value, text in (("PRESS", letter), ("RELEASE", None)):
        window().event_simulate(type=kind, value=value, x=int(x), y=int(y), unicode=text, **modifiers)
        yield


def type_text(text: str, x: int, y: int) -> Steps:
    for letter in text:
        yield from key("SPACE" if letter == " " else letter.upper(), x, y, letter)


def wait(condition, seconds: float, what: str) -> Steps:
    """Until the condition holds; fails after so many seconds."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")
        yield


# Buttons


def drag(start: tuple[int, int], end: tuple[int, int], end_drag: bool = True, parts: int = 6) -> Steps:
    """Hold the left button down from one place to another."""
    yield from move(*start)
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=int(start[0]), y=int(start[1]))
    yield
    for share in np.linspace(0.0, 1.0, parts + 1)[1:]:
        x, y = (round(a + share * (b - a)) for a, b in zip(start, end, strict=True))
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield
    if end_drag:
        yield from release(*end)


def release(x: int, y: int) -> Steps:
    window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(x), y=int(y))
    yield


def under_mouse(x: int, y: int) -> Steps:
    """What Ctrl-C over this place copies; the generator returns it."""
    manager = bpy.context.window_manager
    manager.clipboard = ""
    yield from move(x, y)
    yield from key("C", x, y, ctrl=True)
    return manager.clipboard


def find_button(holds: str, at_right_end: bool = False) -> Steps:
    """The place (x, y) of a sidebar button whose operator or value contains a text; the generator returns it."""
    sidebar = region("UI")
    # To the right of the buttons are the sidebar's margin and its tabs.
    right = [sidebar.x + sidebar.width - inset for inset in (44, 37, 51)]
    seen: list[str] = []
    for x in right if at_right_end else [sidebar.x + sidebar.width // 2 - 20]:
        rows: list[int] = []
        for y in range(sidebar.y + sidebar.height - 30, sidebar.y + 10, -10):
            text = yield from under_mouse(x, y)
            if holds in text:
                rows.append(y)
            elif rows:
                return x, sum(rows) // len(rows)
            elif text and text not in seen:
                seen.append(text)
    raise AssertionError(f"no button {holds!r} in the sidebar; found {seen}")


def press(holds: str, at_right_end: bool = False) -> Steps:
    x, y = yield from find_button(holds, at_right_end)
    yield from click(x, y)
    return x, y


def generate(name: str) -> Steps:
    """Press Generate, wait for the keys, and stop the playback as soon as it was seen."""
    before = action().name if action() else ""
    yield from press("motionlcm.generate(")
    yield from wait(lambda: status().running or status().message or action(), 20.0, "the job to start")
    screenshot(f"{name}_running")
    yield from wait(lambda: not status().running, JOB_S, "the job to end")
    check(f"{name}: no error", not status().error, status().message)
    yield from wait(lambda: action() is not None and action().name != before, 20.0, "an Action")
    yield from wait(lambda: window().screen.is_animation_playing, 20.0, "playback")
    stop_playback()
    check(f"{name}: keys are there and were playing", True, action().name)
    yield
    screenshot(f"{name}_done")


def stop_playback() -> None:
    """Playing takes all of a small machine's time with software OpenGL."""
    if window().screen.is_animation_playing:
        with bpy.context.temp_override(window=window(), screen=window().screen):
            bpy.ops.screen.animation_cancel(restore_frame=False)


def undo(redo: bool = False) -> Steps:
    x, y = view_middle()
    yield from move(x, y)
    yield from key("Z", x, y, ctrl=True, shift=redo)
    yield


# What was made


def s_shape(count: int = 48) -> np.ndarray:
    """(count, 3) an S on the floor towards the viewer, in the world."""
    t = np.linspace(0.0, 1.0, count)
    return np.stack([0.8 * np.sin(2.0 * np.pi * t), -3.6 * t, np.zeros(count)], axis=-1)


def on_curve(curve: bpy.types.Object) -> np.ndarray:
    """(N, 3) points of the evaluated curve, in the world, closely spaced."""
    evaluated = curve.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    points = np.array([evaluated.matrix_world @ vertex.co for vertex in mesh.vertices])
    evaluated.to_mesh_clear()
    fine = np.linspace(0.0, len(points) - 1.0, 20 * len(points))
    return np.stack([np.interp(fine, np.arange(len(points)), points[:, axis]) for axis in range(3)], axis=-1)


def nearest(points: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """(N,) distances on the floor."""
    return np.linalg.norm(points[:, None, :2] - curve[None, :, :2], axis=2).min(axis=1)


def pelvis_positions() -> np.ndarray:
    scene, character = bpy.context.scene, settings().character
    first, last = (round(frame) for frame in action().frame_range)
    positions, before = [], scene.frame_current
    for frame in range(first, last + 1, 4):
        scene.frame_set(frame)
        evaluated = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
        positions.append(evaluated.matrix_world @ evaluated.pose.bones["pelvis"].head)
    scene.frame_set(before)
    return np.array(positions)


# The run


def prepare() -> None:
    """An empty scene seen from above the front, and nothing else going on."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    view = viewport().spaces.active.region_3d
    view.view_perspective = "PERSP"
    view.view_location = Vector((0.6, -1.7, 0.4))
    view.view_rotation = Euler((0.75, 0.0, 0.0)).to_quaternion()
    view.view_distance = 8.5


def open_sidebar() -> Steps:
    """An empty scene, with the sidebar open at our tab."""
    prepare()
    yield
    x, y = view_middle()
    yield from move(x, y)
    yield from key("N", x, y, "n")
    space = viewport().spaces.active
    yield from wait(lambda: space.show_region_ui and region("UI").width > 50, 20.0, "the sidebar")
    yield from wait(lambda: show_tab(), 20.0, "the tab MotionLCM")


PANELS = ("library", "options", "result", "takes", "shots", "control", "keys", "recipes", "smpl", "model")
"""Subpanels of our tab, all of them folded at first."""


def unfold(*names: str) -> None:
    """Let these subpanels be open, and the others folded, in sidebars that are not drawn yet."""
    for name in PANELS:
        panel = getattr(bpy.types, f"MOTIONLCM_PT_{name}")
        bpy.utils.unregister_class(panel)
        panel.bl_options = set() if name in names else {"DEFAULT_CLOSED"}
        bpy.utils.register_class(panel)


def show_tab() -> bool:
    """Choose our tab; before the sidebar was first drawn Blender has no tabs for it."""
    try:
        region("UI").active_panel_category = "MotionLCM"
    except (AttributeError, TypeError):
        viewport().tag_redraw()
        return False
    viewport().tag_redraw()
    return True


def draw_with_mouse(points: np.ndarray) -> Steps:
    """Press, drag along the world points (N, 3), release."""
    main, view = region("WINDOW"), viewport().spaces.active.region_3d
    on_screen = [location_3d_to_region_2d(main, view, Vector(point)) for point in points]
    places = [(int(p.x + main.x), int(p.y + main.y)) for p in on_screen]
    inside = all(main.x < x < region("UI").x and main.y < y < main.y + main.height for x, y in places)
    check("the stroke fits into the view", inside, f"{places[0]} to {places[-1]}")
    yield from move(*places[0])
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=places[0][0], y=places[0][1])
    yield
    for x, y in places:
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=y)
        yield
    window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=places[-1][0], y=places[-1][1])
    yield


def scroll_to(holds: str, at_right_end: bool = False) -> Steps:
    """Turn the wheel over the sidebar until a button is there, as it stands and then from the top down; the generator
    returns its place."""
    sidebar = region("UI")
    x, y = sidebar.x + sidebar.width // 2 - 20, sidebar.y + sidebar.height // 2
    for number in range(7):
        try:
            return (yield from find_button(holds, at_right_end))
        except AssertionError:
            yield from move(x, y)
            if number == 0:
                yield from key("HOME", x, y)
                yield
                continue
            for _ in range(8):
                window().event_simulate(type="WHEELDOWNMOUSE", value="PRESS", x=x, y=y)
                yield
    raise AssertionError(f"no button {holds!r} however far one scrolls")


def look(place: tuple[float, float, float], pitch: float, turn: float, distance: float) -> None:
    view = viewport().spaces.active.region_3d
    view.view_location = Vector(place)
    view.view_rotation = Euler((pitch, 0.0, turn)).to_quaternion()
    view.view_distance = distance


def redraw_ms(count: int = 10) -> float:
    """What a whole redraw of the window takes."""
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        began = time.perf_counter()
        bpy.ops.wm.redraw_timer(type="DRAW_WIN", iterations=count)
    return 1000.0 * (time.perf_counter() - began) / count


def write_results(problem: str) -> None:
    seconds = time.monotonic() - started
    results = {"passed": passed, "failed": problem, "seconds": seconds}
    (OUTPUT / "results.json").write_text(json.dumps(results, indent=1))


def main(run: Callable[[], Steps]) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    bpy.context.preferences.view.show_splash = False
    unfold("takes", "shots")
    steps = run()

    def tick() -> float | None:
        try:
            next(steps)
        except StopIteration:
            write_results("")
            bpy.ops.wm.quit_blender()
            return None
        except BaseException as error:  # noqa: BLE001  each exception ends Blender and is written to the results
            traceback.print_exc()
            try:
                screenshot("failure")
            finally:
                write_results(str(error) or type(error).__name__)
                sys.stdout.flush()
                os._exit(3)
        return TICK_S

    bpy.app.timers.register(tick, first_interval=1.0, persistent=True)  # goes on in another file
