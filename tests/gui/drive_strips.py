"""Drives a real Blender window over the strips of shots: chosen, dragged, renamed, in the timeline."""

from __future__ import annotations

import sys
from pathlib import Path

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from window_driver import (
    EXTENSION,
    JOB_S,
    Steps,
    check,
    click,
    key,
    main,
    move,
    open_sidebar,
    press,
    screenshot,
    settings,
    status,
    stop_playback,
    type_text,
    undo,
    viewport,
    wait,
    window,
)


def run() -> Steps:
    yield from open_sidebar()
    yield from press("motionlcm.add_character(")
    yield from wait(lambda: settings().character is not None, 20.0, "the character")
    yield from strips()


def timeline() -> tuple[bpy.types.Area, bpy.types.Region]:
    area = next(area for area in window().screen.areas if area.type == "DOPESHEET_EDITOR")
    return area, next(each for each in area.regions if each.type == "WINDOW")


def lacks_room() -> bool:
    with bpy.context.temp_override(window=window()):
        return sys.modules[f"{EXTENSION}.operators.timeline.timeline_height"].too_low(bpy.context)


def shots():
    return settings().character.motionlcm.shots


def shot_frames() -> list[tuple[int, int]]:
    return [(shot.first, shot.last) for shot in shots()]


def on_strip(frame: float) -> tuple[int, int]:
    """The place of a frame on the strips of the chosen character."""
    area, main = timeline()
    editing = sys.modules[f"{EXTENSION}.operators.timeline.strip_view"]
    with bpy.context.temp_override(window=window(), area=area, region=main):
        view = editing.view_of(bpy.context)
        row = editing.rows_of(bpy.context, view)[0]
    return round(main.x + view.x(frame)), round(main.y + 0.5 * (row.low + row.high))


def drag_strip(start: float, end: float, end_drag: bool = True, **modifiers: bool) -> Steps:
    """From one frame to another in steps; without letting go the button stays pressed."""
    (x, y), (to_x, _) = on_strip(start), on_strip(end)
    yield from move(x, y)
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    yield
    for step in range(1, 9):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + (to_x - x) * step // 8, y=y, **modifiers)
        yield
    if end_drag:
        window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=to_x, y=y, **modifiers)
        yield
    yield


def make_shot(index: int, name: str = "") -> Steps:
    settings().character.motionlcm.shot_index = index
    with bpy.context.temp_override(window=window(), area=viewport()):
        bpy.ops.motionlcm.generate_shot("EXEC_DEFAULT")
    if name:
        check("its state is Generating while it is made", shots()[index].state == "GENERATING", shots()[index].state)
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
    check("Blender's own layout has no room for strips", lacks_room())
    yield from move(x, edge)
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=edge)
    yield
    for up in range(10, 100, 10):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x, y=edge + up)
        yield
    window().event_simulate(type="LEFTMOUSE", value="RELEASE", x=x, y=edge + 90)
    yield from wait(lambda: timeline()[1].height > low + 50, 10.0, "a higher timeline")
    check("a higher one has", not lacks_room())
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
    yield from drag_strip(120, 140, end_drag=False)
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
    yield from drag_strip(97.5, 124)
    check("a seam snaps to the playhead", shot_frames()[1:3] == [(49, 125), (125, 145)], shot_frames())
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


main(run)
