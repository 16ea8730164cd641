"""Drives a real Blender window through three shots on one path: made, changed, compared, kept, saved, reopened."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from window_driver import (
    JOB_S,
    OUTPUT,
    Steps,
    check,
    click,
    drag,
    draw_with_mouse,
    key,
    log,
    look,
    main,
    module,
    move,
    open_sidebar,
    press,
    release,
    screenshot,
    scroll_to,
    settings,
    status,
    stop_playback,
    type_text,
    undo,
    view_middle,
    viewport,
    wait,
    window,
)

PROMPTS = ("a person walks forward", "a person turns around", "a person sits down")
SPEED_MS = 60.0
"""What drawing 200 strips may take on a busy machine without a graphics card; the time is printed."""


def shots():
    return settings().character.motionlcm.shots


def states() -> list[str]:
    return [shot.state for shot in shots()]


def timeline() -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == "DOPESHEET_EDITOR")


def sheet() -> bpy.types.Region:
    return next(each for each in timeline().regions if each.type == "WINDOW")


def place(frame: float) -> tuple[int, int]:
    """Where in the window a frame's strip is."""
    editing = module("operators.timeline.strip_view")
    with bpy.context.temp_override(window=window(), area=timeline(), region=sheet()):
        view = editing.view_of(bpy.context)
        row = editing.rows_of(bpy.context, view)[0]
    return int(sheet().x + view.x(frame)), int(sheet().y + 0.5 * (row.low + row.high))


def settle(turns: int = 6) -> Steps:
    """Let Blender draw."""
    for _ in range(turns):
        yield


def show(frame: int, name: str) -> Steps:
    bpy.context.scene.frame_set(frame)
    yield from settle()
    screenshot(name)


def type_prompt(field: tuple[int, int], prompt: str) -> Steps:
    yield from key("A", *field, ctrl=True)
    yield from type_text(prompt, *field)
    yield from key("RET", *field)


def make(holds: str, what: str, done=None) -> Steps:
    """Press a button, wait for the motion, and print the time until it played."""
    button = yield from scroll_to(holds)
    began = time.perf_counter()
    yield from click(*button)
    yield from finished(began, what, done)


def finished(began: float, what: str, done=None) -> Steps:
    yield from wait(lambda: status().running or status().message, 20.0, "the job to start")
    yield from wait(lambda: not status().running and not status().waiting, JOB_S, "the job to end")
    check(f"{what}: no error", not status().error, status().message)
    yield from wait(lambda: window().screen.is_animation_playing, 20.0, "playback")
    seconds = time.perf_counter() - began
    stop_playback()
    if done is not None:
        check(what, done(), states())
    log(f"{what}: {seconds:.2f} s from the press to the playing motion")


def edit_under_mouse() -> None:
    """What a double click does, which Blender cannot be made to believe in."""
    with bpy.context.temp_override(window=window(), area=timeline(), region=sheet()):
        bpy.ops.motionlcm.edit_shot_prompt("INVOKE_DEFAULT")


def poses(frames=(1, 60, 121, 180, 241, 300, 361)) -> np.ndarray:
    scene, character, found = bpy.context.scene, settings().character, []
    for frame in frames:
        scene.frame_set(frame)
        shown = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append([shown.matrix_world @ bone.head for bone in shown.pose.bones])
    return np.array(found)


def show_all_frames() -> Steps:
    """Make the timeline higher by its edge, and show all frames."""
    x, y = timeline().x + timeline().width // 2, timeline().y + timeline().height
    yield from drag((x, y), (x, y + 110))
    yield from settle()
    yield from move(sheet().x + sheet().width // 2, sheet().y + sheet().height // 2)
    yield from key("HOME", sheet().x + sheet().width // 2, sheet().y + sheet().height // 2)
    yield from settle()


def run() -> Steps:
    yield from open_sidebar()
    yield from press("motionlcm.add_character(")
    yield from wait(lambda: settings().character is not None, 20.0, "the character")
    yield from press("motionlcm.draw_path(")
    yield from wait(lambda: bpy.context.mode == "EDIT_CURVE", 20.0, "curve drawing")
    t = np.linspace(0.0, 1.0, 48)
    yield from draw_with_mouse(np.stack([1.2 * t**2, -3.6 * t, np.zeros(48)], axis=-1))
    yield from wait(lambda: len(settings().path.data.splines) == 1, 20.0, "the stroke")
    yield from press("motionlcm.draw_path(")
    yield from wait(lambda: bpy.context.mode == "OBJECT", 20.0, "the end of drawing")

    for number, prompt in enumerate(PROMPTS):
        field = yield from scroll_to(settings().prompt)
        yield from click(*field)
        yield from type_prompt(field, prompt)
        yield from wait(lambda prompt=prompt: settings().prompt == prompt, 10.0, "the prompt")
        button = yield from scroll_to("motionlcm.add_shot(", at_right_end=True)
        yield from click(*button)
        yield from wait(lambda number=number: len(shots()) == number + 1, 10.0, "the shot")
    yield from show_all_frames()
    check("three shots follow one another", [(s.first, s.last) for s in shots()] == [(1, 121), (121, 241), (241, 361)])
    check("the path is the first one's", [s.path is not None for s in shots()] == [True, False, False])
    screenshot("three_empty_shots")

    yield from make("motionlcm.generate_shots(", "three shots are made", lambda: states() == ["DONE"] * 3)
    look((0.8, -2.2, 0.6), 1.2, 0.4, 9.0)
    for frame in (1, 60, 115, 127, 180, 235, 247, 300, 361):
        yield from show(frame, f"first_version_{frame}")

    yield from click(*place(181))
    yield from wait(lambda: settings().character.motionlcm.shot_index == 1, 10.0, "the second shot to be chosen")
    check("a click on a strip chooses the shot", True)
    third = shots()[2].action.name
    settings().generate_at_once = True
    for prompt in ("a person waves with the right hand", "a person jumps"):
        yield from move(*place(181))
        edit_under_mouse()
        yield from settle(10)
        screenshot("typing_in_place")
        began = time.perf_counter()
        yield from type_prompt(place(181), prompt)
        yield from wait(lambda prompt=prompt: shots()[1].prompt == prompt, 10.0, f"the prompt {prompt}")
        yield from finished(began, f"the second shot: {prompt}", lambda: states()[:2] == ["DONE"] * 2)
        yield from show(180, "second_shot_changed")
    log("the third shot was", "made again" if shots()[2].action.name != third else "left as it was")
    check("what follows is up to date as well", states() == ["DONE"] * 3, states())

    shots()[1].takes = 2
    yield from make("motionlcm.generate_shot(", "two takes of the second shot")
    check("they are there", len(module("operators.takes.takes").takes_of(settings().character)) >= 2)
    x, y = view_middle()
    yield from move(x, y)
    yield from key("SPACE", x, y, " ")
    yield from wait(lambda: window().screen.is_animation_playing, 20.0, "Space")
    before, began = shots()[1].action.name, time.perf_counter()
    yield from key("PAGE_DOWN", x, y)
    yield from wait(lambda: shots()[1].action.name != before, 20.0, "the other take")
    log(f"another take: {time.perf_counter() - began:.2f} s from the key to its motion, which plays on")
    check("Page Down compares takes while the timeline plays", window().screen.is_animation_playing)
    yield from key("SPACE", x, y, " ")
    stop_playback()
    kept = shots()[1].action.name
    button = yield from scroll_to("motionlcm.accept_take(")
    screenshot("takes_of_the_shot")
    yield from click(*button)
    takes = module("operators.takes.takes")
    yield from wait(lambda: len(takes.takes_of(settings().character)) == 1, 20.0, "Accept")
    check("one take is accepted and the others are gone", shots()[1].action.name == kept, kept)
    if "STALE" in states():
        yield from make("motionlcm.generate_shots(", "what follows is made again", lambda: "STALE" not in states())
    yield from show(180, "accepted")

    last = shots()[2].last
    yield from drag(place(361), place(337), end_drag=False)
    yield from settle()
    screenshot("dragging_an_end")
    yield from release(*place(337))
    yield from wait(lambda: shots()[2].last != last, 10.0, "the new end")
    check("an end dragged with the mouse makes a shot shorter", 330 <= shots()[2].last <= 345, shots()[2].last)
    check("and it is stale", states()[2] == "STALE")
    screenshot("shorter")
    yield from undo()
    yield from wait(lambda: shots()[2].last == last, 10.0, "Ctrl-Z")
    check("one Ctrl-Z gives the end back", states()[2] == "DONE", states())
    shots()[0].locked = True
    yield from settle()
    screenshot("locked")

    data = settings().character.animation_data
    check(
        "all of them are strips of one NLA track, named by their prompts",
        [[strip.name for strip in track.strips] for track in data.nla_tracks] == [[s.prompt for s in shots()]],
    )
    area = viewport()
    area.type = "NLA_EDITOR"
    yield from settle()
    inside = next(each for each in area.regions if each.type == "WINDOW")
    with bpy.context.temp_override(window=window(), area=area, region=inside):
        bpy.ops.nla.view_all()
    yield from settle()
    screenshot("nla")
    area.type = "VIEW_3D"
    yield from settle()

    whole, file = poses(), str(OUTPUT / "shots.blend")
    before = [(s.name, s.prompt, s.first, s.last, s.seed, s.locked, s.state, s.action.name) for s in shots()]
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.open_mainfile(filepath=file)
    yield from settle(10)
    again = [(s.name, s.prompt, s.first, s.last, s.seed, s.locked, s.state, s.action.name) for s in shots()]
    check("saved and reopened, the shots are the same", again == before)
    off = float(np.abs(poses() - whole).max())
    check("and so is the motion", off < 1e-5, f"{1000 * off:.4f} mm")
    yield from show(300, "reopened")

    yield from two_hundred()


def two_hundred() -> Steps:
    """How long the strips take to be drawn with 200 shots in one file."""
    list_ = module("operators.shots.shot_list")
    character = settings().character
    while len(shots()) < 200:
        last = shots()[-1].last
        list_.new_shot(character, len(shots()), PROMPTS[len(shots()) % 3], last, last + 48)
    bpy.context.scene.frame_end = shots()[-1].last
    strips, space = module("ui.shot_strips"), bpy.types.SpaceDopeSheetEditor
    times: list[float] = []

    def timed() -> None:
        began = time.perf_counter()
        drawing.draw()
        times.append(1000.0 * (time.perf_counter() - began))

    strips.unregister_properties()
    drawing = strips.StripDrawing()
    drawing.close()  # timed below in a handler of its own
    handler = space.draw_handler_add(timed, (), "WINDOW", "POST_PIXEL")
    for zoomed in ("all in sight", "some in sight"):
        with bpy.context.temp_override(window=window(), area=timeline(), region=sheet()):
            bpy.ops.action.view_all() if zoomed == "all in sight" else bpy.ops.view2d.zoom(deltax=40.0)
        yield from settle(10)
        times.clear()
        with bpy.context.temp_override(window=window(), area=timeline(), region=sheet()):
            bpy.ops.wm.redraw_timer(type="DRAW", iterations=30)
        drawn, fresh = float(np.median(times)), float(max(times))
        screenshot("two_hundred")
        measured = f"{drawn:.2f} ms, at most {fresh:.2f}, {len(times)} redraws"
        check(f"200 shots, {zoomed}: strips are drawn fast", drawn < SPEED_MS, measured)
    space.draw_handler_remove(handler, "WINDOW")
    strips.register_properties()


main(run)
