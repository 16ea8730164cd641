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
from collections.abc import Iterator
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
        shot = part("operators.shots.shot_list").new_shot(armature, number, prompt, first, first + LENGTH)
        if number % 4:
            shot.action = bpy.data.actions.new(f"MotionLCM {shot.name} {prompt[:30]} s{number}")
        shot.stale, shot.locked = number % 4 == 2, number % 5 == 4
    bpy.context.scene.frame_end = SHOTS * LENGTH
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    area.ui_type = "TIMELINE"  # the one there is has no room for strips in a window as small as this


def in_view(region: bpy.types.Region) -> float:
    """How many shots the region is wide."""
    ends = [region.view2d.region_to_view(x, 0)[0] for x in (0, region.width)]
    return (ends[1] - ends[0]) / LENGTH


def measure(figures: dict[str, dict[str, float]]) -> Iterator[None]:
    strips, preferences = part("ui.shot_strips"), bpy.context.preferences.addons[EXTENSION].preferences
    spent: list[float] = []

    strips.unregister_properties()
    drawing = strips.StripDrawing()
    drawing.close()  # this script times the same drawing in a handler of its own

    def timed() -> None:
        begun = time.perf_counter()
        drawing.draw()
        spent.append(1000.0 * (time.perf_counter() - begun))

    bpy.types.SpaceDopeSheetEditor.draw_handler_add(timed, (), "WINDOW", "POST_PIXEL")
    window = bpy.context.window_manager.windows[0]
    found = [area for area in window.screen.areas if area.type == "DOPESHEET_EDITOR"]
    area = max(found, key=lambda area: area.height)
    region = next(each for each in area.regions if each.type == "WINDOW")

    def draw(name: str, before_each=None) -> None:
        whole: dict[bool, list[float]] = {True: [], False: []}
        inside: list[float] = []
        with bpy.context.temp_override(window=window, area=area, region=region):
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

    def pan(_number: int) -> None:
        bpy.ops.view2d.pan(deltax=1, deltay=0)

    def screenshot(name: str) -> None:
        subprocess.run(["import", "-window", "root", str(OUTPUT / name)], check=False, timeout=60)

    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.action.view_all()
    yield
    screenshot("strips_200.png")
    draw("all 200 in view, nothing changes")
    draw("all 200 in view, the view moves", pan)
    yield
    with bpy.context.temp_override(window=window, area=area, region=region):
        for _ in range(60):
            if in_view(region) > 12:
                bpy.ops.view2d.zoom_in(zoomfacx=0.1, zoomfacy=0.0)
    yield
    screenshot("strips_near.png")
    near = f"{in_view(region):.0f} in view with prompts"
    draw(f"{near}, nothing changes")
    draw(f"{near}, the view moves", pan)
    draw(f"{near}, the playhead moves", lambda number: bpy.context.scene.frame_set(1 + number))


def main() -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    bpy.context.preferences.view.show_splash = False
    results: dict = {"passed": [], "failed": "", "figures": {}}

    def run() -> Iterator[None]:
        fill()
        yield
        yield from measure(results["figures"])

    steps = run()

    def tick() -> float | None:
        try:
            next(steps)
            return 0.5
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001  each exception ends Blender and is written to the results
            traceback.print_exc()
            results["failed"] = str(error) or type(error).__name__
        (OUTPUT / "results.json").write_text(json.dumps(results, indent=1))
        sys.stdout.flush()
        os._exit(3 if results["failed"] else 0)

    bpy.app.timers.register(tick, first_interval=1.0)


main()
