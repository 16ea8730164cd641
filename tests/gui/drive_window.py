"""Drives a real Blender window as an animator would: tools/test_gui.py starts it with

    blender --enable-event-simulate --python drive_window.py -- OUTPUT_FOLDER

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
from collections.abc import Iterator
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Euler, Vector

EXTENSION = "bl_ext.user_default.motionlcm_blender"
OUTPUT = Path(sys.argv[sys.argv.index("--") + 1])
PROMPT = "a person walks forward and waves"
TICK_S = 0.05
JOB_S = 240.0

Steps = Iterator[None]
passed: list[str] = []
started = time.monotonic()


def say(*words: object) -> None:
    print(f"[{time.monotonic() - started:6.2f}]", *words, flush=True)


def check(name: str, condition: bool, detail: object = "") -> None:
    if not condition:
        raise AssertionError(f"{name} ({detail})" if detail != "" else name)
    passed.append(name)
    say("passed:", name, detail)


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
    return sys.modules[f"{EXTENSION}.operators.jobs"].status


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
        for y in range(sidebar.y + sidebar.height - 30, sidebar.y + 10, -7):
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


def run() -> Steps:
    prepare()
    yield
    x, y = view_middle()
    yield from move(x, y)
    yield from key("N", x, y, "n")
    space = viewport().spaces.active
    yield from wait(lambda: space.show_region_ui and region("UI").width > 50, 20.0, "the sidebar")
    yield from wait(lambda: show_tab(), 20.0, "the tab MotionLCM")
    for _ in range(10):
        yield
    screenshot("panel")
    check("the sidebar has the tab MotionLCM", region("UI").active_panel_category == "MotionLCM")

    yield from press("motionlcm.add_character(")
    yield from wait(lambda: settings().character is not None, 20.0, "the character")
    check("Add Character makes an armature", len(settings().character.data.bones) == 24)
    screenshot("character")

    field = yield from press(settings().prompt)
    yield from key("A", *field, ctrl=True)
    yield from type_text(PROMPT, *field)
    screenshot("typing")
    yield from key("RET", *field)
    yield from wait(lambda: settings().prompt == PROMPT, 10.0, f"the prompt, which is {settings().prompt!r}")
    check("the typed prompt is kept", settings().prompt == PROMPT)

    yield from press("motionlcm.draw_path(")
    yield from wait(lambda: bpy.context.mode == "EDIT_CURVE", 20.0, "curve drawing")
    tool = bpy.context.workspace.tools.from_space_view3d_mode("EDIT_CURVE", create=False)
    check("Draw Path starts curve drawing", tool is not None and tool.idname == "builtin.draw")
    yield from draw_with_mouse(s_shape())
    drawn = settings().path
    yield from wait(lambda: len(drawn.data.splines) == 1, 20.0, "the stroke")
    screenshot("drawn")
    yield from press("motionlcm.draw_path(")
    yield from wait(lambda: bpy.context.mode == "OBJECT", 20.0, "the end of drawing")
    curve = on_curve(settings().path)
    off = nearest(s_shape(), curve)
    check("the curve is what the mouse drew", off.mean() < 0.03, f"mean {100 * off.mean():.1f} cm off")
    check("the curve lies on the floor", abs(curve[:, 2]).max() < 1e-4)

    yield from generate("first")
    first = action().name
    off = nearest(pelvis_positions(), curve)
    numbers = f"mean {100 * off.mean():.1f}, max {100 * off.max():.1f} cm"
    check("the motion follows the drawn path", off.mean() < 0.02 and off.max() < 0.05, numbers)
    bpy.context.scene.frame_set(round(0.6 * action().frame_range[1]))
    yield
    screenshot("on_the_path")

    yield from undo()
    yield from wait(lambda: action() is None, 20.0, "Ctrl-Z")
    check("one Ctrl-Z takes the keys back", first not in bpy.data.actions)
    check("Ctrl-Z leaves character and path", settings().character is not None and settings().path is not None)
    screenshot("undone")
    yield from undo(redo=True)
    yield from wait(lambda: action() is not None, 20.0, "redo")
    check("redo brings them again", action().name == first)
    stop_playback()

    seed = settings().seed
    yield from press("motionlcm.dice(", at_right_end=True)
    yield from wait(lambda: settings().seed != seed, 20.0, "another seed")
    yield from generate("second")
    second = action().name
    check("the second take has an Action of its own", second != first and first in bpy.data.actions)
    yield from undo()
    yield from wait(lambda: action() is not None and action().name == first, 20.0, "Ctrl-Z")
    check("Ctrl-Z gives the first take back", second not in bpy.data.actions)
    yield from undo(redo=True)
    yield from wait(lambda: action() is not None and action().name == second, 20.0, "redo")
    check("redo gives the second take", True)
    stop_playback()

    actions = set(bpy.data.actions.keys())
    field = yield from press(PROMPT)
    yield from key("A", *field, ctrl=True)
    yield from key("BACK_SPACE", *field)
    yield from key("RET", *field)
    yield from wait(lambda: settings().prompt == "", 10.0, "an empty prompt")
    yield from press("motionlcm.generate(")
    yield from wait(lambda: status().error, 20.0, "the refusal")
    yield from move(*view_middle())
    for _ in range(10):
        yield
    screenshot("refused")
    check("an empty prompt is refused in one sentence", "prompt is empty" in status().message, status().message)
    check("and nothing is lost", set(bpy.data.actions.keys()) == actions and action().name == second)
    bpy.ops.wm.save_as_mainfile(filepath=str(OUTPUT / "window.blend"))
    yield from strips()


# Strips of shots


def timeline() -> tuple[bpy.types.Area, bpy.types.Region]:
    area = next(area for area in window().screen.areas if area.type == "DOPESHEET_EDITOR")
    return area, next(each for each in area.regions if each.type == "WINDOW")


def shots():
    return settings().character.motionlcm.shots


def shot_frames() -> list[tuple[int, int]]:
    return [(shot.first, shot.last) for shot in shots()]


def on_strip(frame: float) -> tuple[int, int]:
    """The place of a frame on the strips of the chosen character."""
    area, main = timeline()
    editing = sys.modules[f"{EXTENSION}.operators.strip_editing"]
    with bpy.context.temp_override(window=window(), area=area, region=main):
        view = editing.view_of(bpy.context)
        row = editing.rows_of(bpy.context, view)[0]
    return round(main.x + view.x(frame)), round(main.y + 0.5 * (row.low + row.high))


def drag_strip(start: float, end: float, let_go: bool = True, **modifiers: bool) -> Steps:
    """From one frame to another in steps; without letting go the button stays pressed."""
    (x, y), (to_x, _) = on_strip(start), on_strip(end)
    yield from move(x, y)
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    yield
    for step in range(1, 9):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + (to_x - x) * step // 8, y=y, **modifiers)
        yield
    if let_go:
        window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=to_x, y=y, **modifiers)
        yield
    yield


def make_shot(index: int, name: str = "") -> Steps:
    settings().character.motionlcm.shot_index = index
    with bpy.context.temp_override(window=window(), area=viewport()):
        bpy.ops.motionlcm.generate_shot("EXEC_DEFAULT")
    if name:
        check("its state says so while it is made", shots()[index].state == "GENERATING", shots()[index].state)
        with bpy.context.temp_override(window=window()):
            bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=1)  # before a timer writes the result
        screenshot(name)
    yield from wait(lambda: not status().running, JOB_S, "the shot")
    yield from wait(lambda: window().screen.is_animation_playing, 20.0, "playback")
    stop_playback()
    check(f"shot {index + 1} is made", shots()[index].state == "DONE", status().message)


def strips() -> Steps:
    """Shots in every state in the timeline, with mouse and keys upon them."""
    area, main = timeline()
    x, edge = area.x + area.width // 2, area.y + area.height
    low = main.height
    yield from move(x, edge)
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=edge)
    yield
    for up in range(10, 100, 10):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=edge + up)
        yield
    window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=x, y=edge + 90)
    yield from wait(lambda: timeline()[1].height > low + 50, 10.0, "a higher timeline")
    settings().length, settings().path = 2.0, None
    prompts = ("a person walks forward", "a person turns around", "a person waves with the right hand", "a person sits")
    for prompt in prompts:
        settings().prompt = prompt
        with bpy.context.temp_override(window=window(), area=viewport()):
            bpy.ops.motionlcm.add_shot()
    check("four shots follow one another", shot_frames() == [(1, 49), (49, 97), (97, 145), (145, 193)], shot_frames())
    yield from make_shot(0)
    yield from make_shot(1)
    shots()[1].seed += 1
    shots()[0].locked = shots()[3].locked = True
    yield from make_shot(2, "strips_generating")
    states = [shot.state for shot in shots()]
    check("shots are done, stale and empty", states == ["DONE", "STALE", "DONE", "EMPTY"], states)
    shots()[3].locked = False
    bpy.context.scene.frame_set(1)
    bpy.ops.ed.undo_push(message="shots")
    yield
    screenshot("strips")

    yield from click(*on_strip(70))
    yield from wait(lambda: settings().character.motionlcm.shot_index == 1, 20.0, "the choice")
    check("a click chooses a shot, and the playhead stays", bpy.context.scene.frame_current == 1)

    before = shot_frames()
    yield from drag_strip(120, 140, let_go=False)
    screenshot("strips_dragging")
    check("nothing is changed while it is dragged", shot_frames() == before)
    yield from key("ESC", *on_strip(140))
    window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=on_strip(140)[0], y=on_strip(140)[1])
    yield
    check("Esc leaves all as it was", shot_frames() == before)

    yield from drag_strip(120, 140)
    moved = shot_frames()
    by = moved[2][0] - 97
    expected = [(1, 49), (49, 97), (97 + by, 145 + by), (145 + by, 193 + by)]
    check("a drag moves a shot and what follows", moved == expected and 18 <= by <= 22, moved)
    yield from undo()
    yield from wait(lambda: shot_frames() == before, 20.0, "Ctrl-Z")
    check("one Ctrl-Z takes the drag back", True)

    yield from drag_strip(192.5, 200)
    check("an end is dragged", shot_frames()[:3] == before[:3] and 198 <= shot_frames()[3][1] <= 202, shot_frames())
    bpy.context.scene.frame_set(125)
    yield from drag_strip(97.5, 124, ctrl=True)
    check("Ctrl snaps a seam to the playhead", shot_frames()[1:3] == [(49, 125), (125, 145)], shot_frames())
    screenshot("strips_dragged")

    # A double click cannot be simulated: its operator is started as the key map does.
    place = on_strip(70)
    yield from move(*place)
    area, main = timeline()
    with bpy.context.temp_override(window=window(), area=area, region=main):
        bpy.ops.motionlcm.edit_shot_prompt("INVOKE_DEFAULT")
    for _ in range(5):
        yield
    yield from key("A", *place, ctrl=True)
    yield from type_text("a person sits", *place)
    screenshot("strips_prompt")
    yield from key("RET", *place)
    yield from wait(lambda: shots()[1].prompt == "a person sits", 10.0, "the prompt")
    check("Enter takes the prompt typed over a strip", True)

    yield from move(*on_strip(130))
    yield from key("RIGHTMOUSE", *on_strip(130))
    for _ in range(5):
        yield
    screenshot("strips_menu")
    check("a right click chooses the shot for its menu", settings().character.motionlcm.shot_index == 2)
    yield from key("ESC", *on_strip(130))

    frame = bpy.context.scene.frame_current
    _, main = timeline()
    yield from click(on_strip(70)[0], main.y + main.height - 10)  # on the frame numbers
    yield from wait(lambda: bpy.context.scene.frame_current != frame, 10.0, "the playhead")
    check("beside the strips the timeline's own mouse works", True)


def show_tab() -> bool:
    """Choose our tab; before the sidebar was first drawn Blender does not know its tabs."""
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


def write_results(problem: str) -> None:
    seconds = time.monotonic() - started
    results = {"passed": passed, "failed": problem, "seconds": seconds}
    (OUTPUT / "results.json").write_text(json.dumps(results, indent=1))


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    bpy.context.preferences.view.show_splash = False
    steps = run()

    def tick() -> float | None:
        try:
            next(steps)
        except StopIteration:
            write_results("")
            bpy.ops.wm.quit_blender()
            return None
        except BaseException as error:
            traceback.print_exc()
            try:
                screenshot("failure")
            finally:
                write_results(str(error) or type(error).__name__)
                sys.stdout.flush()
                os._exit(3)
        return TICK_S

    bpy.app.timers.register(tick, first_interval=1.0)


main()
