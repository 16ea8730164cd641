"""Drives a real Blender window as an animator would: prompt, path, Generate, takes, a contact sheet, the keyboard."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import addon_utils
import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from window_driver import (
    EXTENSION,
    JOB_S,
    OUTPUT,
    Steps,
    action,
    check,
    click,
    draw_with_mouse,
    generate,
    key,
    log,
    look,
    main,
    move,
    nearest,
    on_curve,
    open_sidebar,
    pelvis_positions,
    press,
    redraw_ms,
    region,
    s_shape,
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

PROMPT = "a person walks forward and waves"


def run() -> Steps:
    yield from open_sidebar()
    for _ in range(10):
        yield
    screenshot("panel")
    check("the sidebar has the tab MotionLCM", region("UI").active_panel_category == "MotionLCM")

    yield from first_minute()

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
    yield from prompts_keys_and_languages()
    bpy.ops.wm.save_as_mainfile(filepath=str(OUTPUT / "window.blend"))
    yield from several_characters()


def first_minute() -> Steps:
    """One button makes a character, a path and a playing motion; one Ctrl-Z removes all of it."""
    with bpy.context.temp_override(window=window()):
        bpy.ops.ed.undo_push(message="Empty Scene")
    yield from press("motionlcm.first_motion(")
    yield from wait(lambda: action() is not None and window().screen.is_animation_playing, JOB_S, "the walk")
    stop_playback()
    check("one press makes a character walk along a path", settings().path is not None and not status().error)
    for _ in range(5):
        yield
    screenshot("first_minute")
    yield from undo()
    if bpy.app.version >= (5, 2, 0) and settings().character is not None:  # having played is a step of its own
        yield from undo()
    yield from wait(lambda: settings().character is None, 20.0, "Ctrl-Z")
    check("one Ctrl-Z removes character, path and motion", not bpy.data.objects and not bpy.data.actions)


def several_characters() -> Steps:
    """Two characters of a storyboard, made in turn while the window stays alive."""
    shots = [{"prompt": "a person walks forward", "seconds": 2}, {"prompt": "a person waves", "seconds": 2}]
    people = [{"name": name, "at": [x, 0], "shots": shots} for name, x in (("Ada", -1), ("Bob", 1))]
    file = OUTPUT / "board.json"
    file.write_text(json.dumps({"motionlcm_storyboard": 1, "characters": people}))
    with bpy.context.temp_override(window=window()):
        bpy.ops.motionlcm.import_storyboard(filepath=str(file), generate=True)
    check("while one is made the other waits", status().waiting == 1 and status().who == "Ada")
    served: list[str] = []

    def ended() -> bool:
        stop_playback()
        if status().running and status().who not in served[-1:]:
            served.append(status().who)
            screenshot(f"turn_of_{status().who}")
        return not status().running

    yield from wait(ended, JOB_S, "the shots")
    check("characters take turns", served == ["Ada", "Bob", "Ada", "Bob"], served)
    states = {shot.state for name in ("Ada", "Bob") for shot in bpy.data.objects[name].motionlcm.shots}
    check("all shots are made", states == {"DONE"}, status().message)
    yield

    yield from all_takes_at_once()


def sheet():
    return sys.modules[f"{EXTENSION}.operators.takes.contact_sheet"].get().open


def takes() -> list[bpy.types.Action]:
    return sys.modules[f"{EXTENSION}.operators.takes.takes"].takes_of(settings().character, settings().take_sort)


def chest_of(index: int) -> tuple[int, int]:
    """Where in the window the chest of a ghost is."""
    joints = sheet().joints(float(bpy.context.scene.frame_current_final))
    main = region("WINDOW")
    place = location_3d_to_region_2d(main, viewport().spaces.active.region_3d, Vector(joints[index, 9]))
    return int(place.x + main.x), int(place.y + main.y)


def drawn_ms() -> float:
    """Of these, what the sheet takes: the median of the latest redraws."""
    return float(np.median(sheet().redraw_ms))


def all_takes_at_once() -> Steps:
    """The contact sheet: six takes in a row and in place, pointed at, chosen, while the timeline plays."""
    settings().prompt, settings().path, settings().takes, settings().length = PROMPT, None, 6, 4.0
    yield from generate("takes")
    check("six takes were made", len(takes()) == 6)
    button = yield from scroll_to("arrangement='SIDE'")
    look((1.2, -1.5, 0.5), 1.2, 0.5, 11.0)
    plain = redraw_ms()
    yield from click(*button)
    yield from wait(lambda: sheet() is not None, 10.0, "the contact sheet")
    check("Side by Side shows them", len(sheet().shown) == 6)
    for frame in (1, 25, 45, 70):
        bpy.context.scene.frame_set(frame)
        yield from move(*view_middle())
        for _ in range(4):
            yield
        screenshot(f"side_by_side_{frame}")
    log(f"a redraw takes {redraw_ms():.1f} ms with six ghosts, {drawn_ms():.1f} of them theirs; {plain:.1f} without")

    yield from move(*chest_of(4))
    yield from wait(lambda: sheet().hovered == 4, 10.0, "the ghost under the mouse")
    for _ in range(4):
        yield
    screenshot("pointed_at")
    before = action().name
    yield from click(*chest_of(4))
    yield from wait(lambda: action() == takes()[4], 10.0, "the take that was clicked")
    check("a click chooses a take", action().name != before and sheet().shown[4].present)
    x, y = view_middle()
    yield from undo()
    yield from wait(lambda: action() == takes()[0], 10.0, "Ctrl-Z")
    check("Ctrl-Z takes the choice back, and the sheet stays", sheet() is not None)
    yield from undo(redo=True)
    yield from wait(lambda: action() == takes()[4], 10.0, "redo")

    view = viewport().spaces.active.region_3d
    turned, far = view.view_rotation.copy(), view.view_distance
    yield from move(x, y)
    window().event_simulate(type="MIDDLEMOUSE", value="PRESS", x=x, y=y)
    yield
    for along in range(10, 70, 10):
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + along, y=y)
        yield
    window().event_simulate(type="MIDDLEMOUSE", value="RELEASE", x=x + 60, y=y)
    yield
    window().event_simulate(type="WHEELUPMOUSE", value="PRESS", x=x, y=y)
    yield from wait(lambda: view.view_distance < far, 10.0, "the wheel")
    check("one looks around as ever", turned.rotation_difference(view.view_rotation).angle > 0.05)
    look((0.0, -1.5, 0.5), 1.2, 0.5, 9.0)
    yield from key("LEFT_ARROW", x, y)
    yield from wait(lambda: bpy.context.scene.frame_current == 69, 10.0, "an arrow key")

    yield from switch_while_playing(x, y)
    check("the sheet went on while the timeline played", sheet() is not None)
    yield from key("ESC", x, y)
    yield from wait(lambda: sheet() is None, 10.0, "Esc")
    check("Esc ends the sheet", True)

    yield from press("arrangement='PLACE'", at_right_end=True)
    yield from wait(lambda: sheet() is not None, 10.0, "the contact sheet")
    look((0.0, -1.5, 0.5), 1.2, 0.5, 7.0)
    for frame in (10, 40, 75):
        bpy.context.scene.frame_set(frame)
        yield from move(*view_middle())
        for _ in range(4):
            yield
        screenshot(f"in_place_{frame}")
    yield from move(*chest_of(2))
    for _ in range(6):
        yield
    check("one of them is under the mouse", sheet().hovered is not None)
    screenshot("in_place_pointed_at")
    bpy.ops.motionlcm.star_take(name=takes()[3].name)
    bpy.data.actions.remove(takes()[5])
    yield from move(*view_middle())
    yield from wait(lambda: len(sheet().shown) == 5, 10.0, "the sheet without the removed take")
    yield from press("arrangement='SIDE'")
    yield from wait(lambda: sheet().arrangement == "SIDE", 10.0, "the other arrangement")
    look((1.2, -1.5, 0.5), 1.2, 0.5, 11.0)
    for _ in range(6):
        yield
    screenshot("starred_and_removed")
    yield from key("RET", *view_middle())
    yield from wait(lambda: sheet() is None, 10.0, "Enter")

    yield from sixteen_ghosts()

    bpy.ops.wm.save_as_mainfile(filepath=str(OUTPUT / "takes.blend"))
    open_sheet("SIDE")
    check("the sheet is open", sheet() is not None)
    yield
    bpy.ops.wm.open_mainfile(filepath=str(OUTPUT / "takes.blend"))
    yield
    check("another file ends the sheet", sheet() is None)
    for _ in range(10):
        yield
    open_sheet("PLACE")
    yield from move(*view_middle())
    bpy.data.objects.remove(settings().character)
    yield from move(*view_middle())
    yield from wait(lambda: sheet() is None, 10.0, "the end with the character")
    check("the sheet ends with its character", True)
    bpy.ops.wm.open_mainfile(filepath=str(OUTPUT / "takes.blend"))
    for _ in range(10):
        yield
    open_sheet("SIDE")
    module = sys.modules[f"{EXTENSION}.operators.takes.contact_sheet"]
    yield from move(*view_middle())
    check("it is open once more", module.get().open is not None)
    addon_utils.disable(EXTENSION)
    for _ in range(5):
        yield from move(*view_middle())
    check("switching the extension off ends it", module._state is None)
    screenshot("switched_off")


def sixteen_ghosts() -> Steps:
    """How long they take to be drawn; the takes are copies of those there are."""
    while len(takes()) < 16:
        takes()[0].copy()
    open_sheet("SIDE")
    look((0.0, -1.5, 0.5), 1.2, 0.5, 20.0)
    for _ in range(4):
        yield
    with_sheet, drawn = redraw_ms(), drawn_ms()
    figures, joints = sys.modules[f"{EXTENSION}.operators.takes.ghost_shapes"], sheet().joints(10.0)
    arrays = []
    for _ in range(20):
        began = time.perf_counter()
        _, _, distances = figures.bodies(joints, 1.0, np.array([0.0, -8.0, 1.5]))
        figures.triangles(distances)
        arrays.append(1000.0 * (time.perf_counter() - began))
    screenshot("sixteen")
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.motionlcm.contact_sheet("INVOKE_DEFAULT", arrangement="SIDE")
    yield
    detail = f"{np.median(arrays):.2f} ms for their shapes, {drawn:.2f} with the software's vertices and the labels"
    check("sixteen ghosts are drawn fast", np.median(arrays) < 25.0, detail)  # the machine may be busy
    log(f"a redraw takes {with_sheet:.1f} ms with them, {redraw_ms():.1f} without")


def open_sheet(arranged: str) -> None:
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        bpy.ops.motionlcm.contact_sheet("INVOKE_DEFAULT", arrangement=arranged)


def switch_while_playing(x: int, y: int) -> Steps:
    """Page Down while the timeline plays: it goes on playing, with the next take, without a hitch."""
    before = action().name
    yield from move(x, y)
    yield from key("SPACE", x, y, " ")
    yield from wait(lambda: window().screen.is_animation_playing, 10.0, "Space")
    frame = bpy.context.scene.frame_current
    yield from wait(lambda: bpy.context.scene.frame_current != frame, 20.0, "the timeline to play")
    yield from key("PAGE_DOWN", x, y)
    yield from wait(lambda: action().name != before, 20.0, "Page Down")
    frame = bpy.context.scene.frame_current
    yield from wait(lambda: bpy.context.scene.frame_current != frame, 20.0, "the timeline to go on")
    check("Page Down shows the next take and the timeline plays on", window().screen.is_animation_playing)
    screenshot("playing")
    name = action().name
    yield from key("PAGE_DOWN", x, y)
    yield from wait(lambda: action().name != name, 20.0, "Page Down once more")
    yield from key("SPACE", x, y, " ")
    yield from wait(lambda: not window().screen.is_animation_playing, 20.0, "Space to stop it")
    if bpy.app.version >= (5, 2, 0):  # where having played is a step of its own, "Frame Change"
        frame = bpy.context.scene.frame_current
        yield from undo()
        yield from wait(lambda: bpy.context.scene.frame_current != frame, 20.0, "Ctrl-Z of the playing")
    yield from undo()
    yield from wait(lambda: action().name == before, 20.0, "Ctrl-Z")
    check("one Ctrl-Z is enough for all the going through takes", True)
    yield from undo(redo=True)
    yield from wait(lambda: action().name != before, 20.0, "redo")
    switches = []
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        for step in (1, -1) * 5:
            began = time.perf_counter()
            bpy.ops.motionlcm.step_take("EXEC_DEFAULT", True, step=step)
            done = time.perf_counter()
            bpy.context.view_layer.update()
            switches.append((1000.0 * (done - began), 1000.0 * (time.perf_counter() - done)))
    operator, update = np.median(switches, axis=0)
    detail = f"{operator:.1f} ms with its undo step, {update:.1f} more to pose the body"
    check("a switch is no hitch", operator < 60.0, detail)


def prompts_keys_and_languages() -> Steps:
    """An earlier prompt is searched and found, a key stars the take, and the sidebar is in German."""
    x, y = yield from press("motionlcm.search_prompts(", at_right_end=True)
    for _ in range(6):
        yield
    yield from type_text("waves", x, y)
    for _ in range(6):
        yield
    screenshot("searching")
    yield from key("RET", x, y)
    yield from wait(lambda: settings().prompt == PROMPT, 10.0, f"the prompt, which is {settings().prompt!r}")
    check("an earlier prompt is found by searching", True)

    x, y = view_middle()
    yield from move(x, y)
    yield from key("K", x, y, ctrl=True, alt=True)
    yield from wait(lambda: action().get("motionlcm_star"), 10.0, "the star")
    check("Ctrl-Alt-K stars the take", True)

    if bpy.app.build_options.international:
        bpy.context.preferences.view.language = "de_DE"
        for _ in range(10):
            yield
        screenshot("german")
        label = bpy.app.translations.pgettext_iface("Generate Shot", "Operator")
        check("labels are German in a German Blender", label == "Shot erzeugen", label)
        bpy.context.preferences.view.language = "en_US"
        yield


main(run)
