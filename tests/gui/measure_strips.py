"""How long strips of 200 shots take to draw in a real window: tools/strip_redraw.py starts it with

    blender --python measure_strips.py -- OUTPUT_FOLDER

In each of several views the timeline is drawn again and again, with strips and without. results.json holds medians in
milliseconds: `handler` inside our draw handler alone, `with` and `without` for the whole region.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import traceback
from pathlib import Path

import bpy

EXTENSION = "bl_ext.user_default.motionlcm_blender"
OUTPUT = Path(sys.argv[sys.argv.index("--") + 1])
SHOTS, LENGTH, DRAWS = 200, 40, 60


def part(name: str):
    return sys.modules[f"{EXTENSION}.{name}"]


def fill() -> None:
    """A character with shots in all states."""
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    armature = bpy.data.objects.new("Character", bpy.data.armatures.new("Character"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.scene.motionlcm.character = armature
    for number in range(SHOTS):
        first = 1 + LENGTH * number
        prompt = f"a person walks forward and waves {number}"
        shot = part("operators.shots").new_shot(armature, number, prompt, first, first + LENGTH)
        if number % 4:
            shot.action = bpy.data.actions.new(f"MotionLCM {shot.name} {prompt[:30]} s{number}")
        shot.stale, shot.locked = number % 4 == 2, number % 5 == 4
    bpy.context.scene.frame_end = SHOTS * LENGTH


def measure() -> dict[str, dict[str, float]]:
    strips, preferences = part("ui.strips"), bpy.context.preferences.addons[EXTENSION].preferences
    spent: list[float] = []

    def timed() -> None:
        begun = time.perf_counter()
        strips.draw()
        spent.append(1000.0 * (time.perf_counter() - begun))

    kind = bpy.types.SpaceDopeSheetEditor
    kind.draw_handler_remove(strips._handlers.pop(), "WINDOW")
    strips._handlers.append(kind.draw_handler_add(timed, (), "WINDOW", "POST_PIXEL"))
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR")
    region = next(each for each in area.regions if each.type == "WINDOW")
    figures: dict[str, dict[str, float]] = {}

    def draw(name: str, before_each=None) -> None:
        whole: dict[bool, list[float]] = {True: [], False: []}
        spent.clear()
        inside: list[float] = []
        for number in range(DRAWS):
            for shown in (True, False):
                preferences.show_strips = shown
                if before_each is not None:
                    before_each(number)
                spent.clear()
                begun = time.perf_counter()
                bpy.ops.wm.redraw_timer(type="DRAW", iterations=1)
                whole[shown].append(1000.0 * (time.perf_counter() - begun))
                if shown:
                    inside.extend(spent)
        preferences.show_strips = True
        figures[name] = {
            "handler": statistics.median(inside),
            "handler_worst": max(inside),
            "with": statistics.median(whole[True]),
            "without": statistics.median(whole[False]),
        }

    def pan(number: int) -> None:
        bpy.ops.view2d.pan(deltax=1 if number % 2 else -1, deltay=0)

    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.action.view_all()
        subprocess.run(["import", "-window", "root", str(OUTPUT / "strips_200.png")], check=False, timeout=60)
        draw("all 200 in view, nothing changes")
        draw("all 200 in view, the view moves", pan)
        for _ in range(9):
            bpy.ops.view2d.zoom_in(zoomfacx=0.25, zoomfacy=0.0)
        shown = region.view2d.region_to_view(region.width, 0)[0] - region.view2d.region_to_view(0, 0)[0]
        near = f"{shown / LENGTH:.0f} with prompts"
        draw(f"{near}, nothing changes")
        draw(f"{near}, the view moves", pan)
        draw(f"{near}, the playhead moves", lambda number: bpy.context.scene.frame_set(1 + number))
    return figures


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    bpy.context.preferences.view.show_splash = False
    steps = [fill, measure]
    results: dict = {"passed": [], "failed": "", "figures": {}}

    def tick() -> float | None:
        try:
            done = steps.pop(0)()
        except BaseException as error:
            traceback.print_exc()
            results["failed"] = str(error) or type(error).__name__
        else:
            if steps:
                return 0.5
            results["figures"] = done
        (OUTPUT / "results.json").write_text(json.dumps(results, indent=1))
        sys.stdout.flush()
        os._exit(3 if results["failed"] else 0)

    bpy.app.timers.register(tick, first_interval=1.0)


main()
