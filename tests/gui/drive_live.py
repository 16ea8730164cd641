"""Drives Live in a real Blender window: a point of a path is dragged while the timeline plays, a seed is scrubbed, an
empty is moved, and many drags follow each other. Prints motions per second and the longest stall of the main thread.

Times are printed and not judged: a window under software OpenGL on a busy machine is slow by itself.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from live_driver import (
    POINTS,
    at_rest,
    begin_live,
    confirm,
    grab,
    in_view,
    live,
    off_path,
    pixel,
    place_of_point,
    play,
    press_live,
    select_only,
    select_point,
    wander,
)
from window_driver import (
    JOB_S,
    Steps,
    action,
    check,
    find_button,
    log,
    main,
    module,
    move,
    release,
    screenshot,
    settings,
    stop_playback,
    undo,
    wait,
    window,
)

DRAG_S, MANY_DRAGS, FEWEST_DRAGS, DRAGS_S = 5.0, 40, 12, 60.0
"""Seconds of a drag; many drags in a row, and the fewest where they take longer than so many seconds together. What one
drag leaves behind is counted exactly, so few drags show it."""


def handlers() -> int:
    lists = (getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers))
    return sum(len(each) for each in lists if isinstance(each, list))


def rss() -> float:
    """MiB of memory that the process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Stalls:
    """How long the main thread was kept by Live, and by anything between two turns of a timer."""

    def __init__(self) -> None:
        self.began, self.last, self.gaps = time.monotonic(), time.monotonic(), []
        self.made = live().worker.counts.answered
        self.processor = time.process_time()
        bpy.app.timers.register(self.turn, first_interval=0.0)
        self.running = True

    def turn(self) -> float | None:
        now = time.monotonic()
        self.gaps.append(1000.0 * (now - self.last))
        self.last = now
        return 0.0 if self.running else None

    def print_times(self, what: str) -> None:
        self.running = False
        seconds = time.monotonic() - self.began
        spent = [each for each in live().spent if each.at >= self.began]
        made = live().worker.counts.answered - self.made
        log(f"{what}: {made} motions made in {seconds:.1f} s, {made / seconds:.1f} a second")
        for kind in ("read", "show", "finish", "make"):
            times = [each.milliseconds for each in spent if each.what == kind]
            work = [each.processor for each in spent if each.what == kind]
            if times:
                times_text = (
                    f"median {np.median(times):.1f}, 90th {np.percentile(times, 90):.1f}, at most {max(times):.1f} ms"
                )
                of_processor = f"of the processor {np.median(work):.1f}, at most {max(work):.1f} ms"
                log(f"{what}: {kind} {len(times)} times: {times_text}; {of_processor}")
        gaps = np.array(self.gaps or [0.0])
        times_text = f"median {np.median(gaps):.0f}, 90th {np.percentile(gaps, 90):.0f}, at most {gaps.max():.0f} ms"
        log(f"{what}: between two turns of the main loop, drawing included: {times_text}")
        share = (time.process_time() - self.processor) / seconds
        log(f"{what}: Blender had {share:.2f} cores; load of the machine {os.getloadavg()[0]:.1f}")


def print_finish(what: str) -> None:
    """What writing the finished motion took, its undo step included."""
    last = next(each for each in reversed(live().spent) if each.what == "finish")
    log(f"{what}: finish {last.milliseconds:.1f} ms, of the processor {last.processor:.1f} ms")


def undo_names() -> list[str]:
    """The names of the undo steps up to the present one, the oldest first, as Blender prints them.

    Steps after it were undone and vanish with the next step.
    """
    libc = ctypes.CDLL(None)
    sys.stdout.flush()
    libc.fflush(None)
    file = Path(bpy.app.tempdir) / "undo_steps.txt"
    kept = os.dup(1)
    with file.open("w") as output:
        os.dup2(output.fileno(), 1)
        bpy.context.window_manager.print_undo_steps()
        libc.fflush(None)
        os.dup2(kept, 1)
    os.close(kept)
    steps = [line for line in file.read_text().splitlines() if "name='" in line]
    present = next((number for number, line in enumerate(steps) if line.lstrip().startswith("[*")), len(steps) - 1)
    return [line.split("name='")[1].split("'")[0] for line in steps[: present + 1]]


def run() -> Steps:
    yield from begin_live()
    yield from drag_a_point()
    yield from esc()
    yield from drag_in_object_mode()
    yield from scrub_the_seed()
    yield from move_an_empty()
    yield from many_drags()


def drag_a_point() -> Steps:
    """A point of the path in Edit Mode, for five seconds, while the timeline plays."""
    path = settings().path
    select_only(path)
    in_view(bpy.ops.object.mode_set, mode="EDIT")
    select_point(2)
    yield from wait(at_rest, JOB_S, "Live at rest")
    before, count = place_of_point(), len(bpy.data.actions)
    x, y = pixel((*POINTS[2], 0.0))
    play()
    yield from grab(x, y)
    stalls = Stalls()
    end = yield from wander(x, y, DRAG_S, "drag")
    stalls.print_times("dragging a point, playing")
    preview = module("operators.live.preview")
    yield from wait(lambda: preview.shown_on(settings().character) is not None, JOB_S, "a preview")
    check("the motion follows during the drag", True, f"{off_path():.3f} m from the path")
    yield from confirm(*end)
    yield from wait(at_rest, JOB_S, "the finished motion")
    stop_playback()
    print_finish("dragging a point")
    check("one Action, no preview", len(bpy.data.actions) == count and preview.shown_on(settings().character) is None)
    check("the finished motion is on the path", off_path() < 0.15, f"{off_path():.3f} m")
    moved = place_of_point()
    check("the point was moved", np.linalg.norm(np.subtract(moved, before)) > 0.02)
    yield
    screenshot("drag_done")
    made = sum(
        len(curve.keyframe_points) for curve in module("operators.armature.actions").curves_of(settings().character)
    )
    log(f"{made} keys")
    yield from undo()
    yield from wait(lambda: np.allclose(place_of_point(), before, atol=1e-4), 20.0, "Ctrl-Z in Edit Mode")
    check("Ctrl-Z in Edit Mode gives the point back", True)
    yield from wait(at_rest, JOB_S, "the motion of the earlier path")
    check("and the motion goes with it", off_path() < 0.15, f"{off_path():.3f} m")
    in_view(bpy.ops.object.mode_set, mode="OBJECT")
    yield from wait(at_rest, JOB_S, "Live at rest")


def esc() -> Steps:
    """Right click during a drag brings back what was before."""
    path = settings().path
    select_only(path)
    place, name = tuple(path.location), action().name
    keys = sum(
        len(curve.keyframe_points) for curve in module("operators.armature.actions").curves_of(settings().character)
    )
    x, y = pixel((*POINTS[1], 0.0))
    yield from grab(x, y)
    yield from wander(x, y, 1.0)
    yield from wait(lambda: action().name != name, JOB_S, "a preview")
    for value in ("PRESS", "RELEASE"):
        window().event_simulate(type="RIGHTMOUSE", value=value, x=x, y=y)
        yield
    yield from wait(at_rest, JOB_S, "what was before")
    now = sum(
        len(curve.keyframe_points) for curve in module("operators.armature.actions").curves_of(settings().character)
    )
    check("right click brings back path and Action", tuple(path.location) == place and action().name == name)
    check("with its keys", now == keys, (now, keys))


def drag_in_object_mode() -> Steps:
    """The path as a whole; then undo and redo."""
    names = undo_names()
    select_only(settings().path)
    place, name = np.array(settings().path.location), action().name
    x, y = pixel((*POINTS[1], 0.0))
    yield from grab(x, y)
    end = yield from wander(x, y, 1.5)
    yield from confirm(*end)
    yield from wait(at_rest, JOB_S, "the finished motion")
    moved = np.array(settings().path.location)
    added = undo_names()[len(names) :]
    log("undo steps of one drag:", added)
    print_finish("dragging the path")
    check("Move, and one step of Live", len(added) == 2 and "Live" in added[1], added)
    yield from undo()
    yield from wait(lambda: np.allclose(settings().path.location, place), 20.0, "Ctrl-Z")
    yield from wait(at_rest, JOB_S, "undo")
    yield
    check("one Ctrl-Z takes path and motion back", np.allclose(settings().path.location, place))
    check("the Action is the one before", action() is not None and action().name == name, action())
    check("the motion is that of the path", off_path() < 0.15, f"{off_path():.3f} m")
    yield from undo(redo=True)
    yield from wait(lambda: np.allclose(settings().path.location, moved), 20.0, "redo")
    yield from wait(at_rest, JOB_S, "redo")
    yield
    check("one redo brings both again", np.allclose(settings().path.location, moved) and off_path() < 0.15, off_path())
    screenshot("after_redo")


def scrub_the_seed() -> Steps:
    """Drag over the field of the seed."""
    settings().seed = 1234
    yield from wait(lambda: not at_rest(), JOB_S, "a change")
    yield from wait(at_rest, JOB_S, "the finished motion")
    x, y = yield from find_button("1234")
    count, seed = len(bpy.data.actions), settings().seed
    play()
    yield from move(x, y)
    window().event_simulate(type="LEFTMOUSE", value="PRESS", x=x, y=y)
    yield
    stalls, began, shots = Stalls(), time.monotonic(), 0
    while (passed := time.monotonic() - began) < DRAG_S:
        window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + 10 + int(12.0 * passed), y=y)
        yield
        if passed > DRAG_S * (shots + 0.5) / 3.0:
            screenshot(f"seed_{shots + 1}")
            shots += 1
    stalls.print_times("scrubbing the seed, playing")
    yield from release(x + 10 + int(12.0 * DRAG_S), y)
    yield from wait(at_rest, JOB_S, "the finished motion")
    stop_playback()
    check("scrubbing changed the seed", settings().seed != seed, settings().seed)
    recipe = module("operators.armature.actions").recipe_of(settings().character)
    check(
        "the motion is that of the last seed",
        recipe["seed"] == settings().seed and len(bpy.data.actions) == count,
        recipe["seed"],
    )


def move_an_empty() -> Steps:
    """An empty at which a hand is pinned."""
    target = bpy.data.objects.new("Target", None)
    target.empty_display_size = 0.15
    bpy.context.scene.collection.objects.link(target)
    target.location = (0.55, -1.6, 1.3)
    pin = settings().pins.add()
    pin.target, pin.joint, pin.first, pin.last = target, "r_wrist", 50, 60
    bpy.context.scene.frame_set(55)
    yield from wait(lambda: not at_rest(), JOB_S, "a change")
    yield from wait(at_rest, JOB_S, "the finished motion")
    select_only(target)
    in_view(bpy.ops.ed.undo_push, message="pin")
    x, y = pixel(target.location)
    yield from grab(x, y)
    stalls = Stalls()
    end = yield from wander(x, y, DRAG_S, reach=40.0)
    stalls.print_times("moving an empty, standing")
    screenshot("empty_moved")
    yield from confirm(*end)
    yield from wait(at_rest, JOB_S, "the finished motion")
    shown = settings().character.evaluated_get(bpy.context.evaluated_depsgraph_get())
    names = module("operators.armature.smpl_rig").read_rig(settings().character).bones
    wrist = next(name for name in names if name is not None and "r_wrist" in name.lower().replace("right", "r"))
    away = (
        shown.matrix_world @ shown.pose.bones[wrist].head - bpy.data.objects["Target"].matrix_world.translation
    ).length
    log(f"the wrist is {100 * away:.1f} cm from the empty")
    settings().pins.clear()
    yield from wait(lambda: not at_rest(), JOB_S, "a change")
    yield from wait(at_rest, JOB_S, "the finished motion")


def many_drags() -> Steps:
    """Drags in a row leave memory, Actions and handlers as they were."""
    select_only(settings().path)
    x, y = pixel((*POINTS[1], 0.0))
    counts, began = None, time.monotonic()
    for number in range(MANY_DRAGS):
        if number > FEWEST_DRAGS and time.monotonic() - began > DRAGS_S:
            break
        yield from grab(x, y)
        for step in range(1, 4):
            offset = (7 * number + 11 * step) % 40 - 20
            window().event_simulate(type="MOUSEMOVE", value="NOTHING", x=x + offset, y=y)
            yield
        yield from confirm(x + offset, y)
        yield from wait(at_rest, JOB_S, "the finished motion")
        if number == FEWEST_DRAGS // 2:
            counts, memory = (len(bpy.data.actions), handlers()), rss()
    after = len(bpy.data.actions), handlers()
    check(f"{number} drags leave Actions and handlers as they were", after == counts, (counts, after))
    log(f"{number} drags: memory {memory:.0f} MiB after the first ones, {rss():.0f} MiB at the end")
    yield from press_live()
    yield from wait(lambda: not settings().live, 20.0, "the switch of Live")
    yield from wait(
        lambda: handlers() == counts[1] - len(module("operators.live.watching").listeners()), 20.0, "the handlers to go"
    )
    check("the handlers go with Live", True)


main(run)
