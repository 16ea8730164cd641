"""Takes the pictures of the guide in a real Blender window; tools/guide_pictures.py runs it and cuts them out.

Each picture is a screenshot and the place of what it shows. A name after the output folder takes that picture alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import addon_utils
import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

from window_driver import (
    JOB_S,
    OUTPUT,
    Steps,
    action,
    check,
    click,
    draw_with_mouse,
    look,
    main,
    module,
    move,
    open_sidebar,
    press,
    region,
    s_shape,
    screenshot,
    scroll_to,
    settings,
    status,
    stop_playback,
    type_text,
    view_middle,
    viewport,
    wait,
    window,
)

SIDEBAR_WIDTH = 300
PANELS = ("library", "options", "result", "takes", "shots", "control", "keys", "recipes", "model")
places: dict[str, tuple[int, int, int, int]] = {}
"""By the name of a picture: left, top, width and height of what it shows, in pixels of the screen."""


def area_of(kind: str) -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == kind)


def rectangle(thing: bpy.types.Area | bpy.types.Region) -> tuple[int, int, int, int]:
    return thing.x, window().height - thing.y - thing.height, thing.width, thing.height


def picture(name: str, *things: bpy.types.Area | bpy.types.Region) -> Steps:
    """Screenshot that shows these areas or regions; without any, the 3D viewport."""
    for _ in range(8):
        yield
    boxes = [rectangle(thing) for thing in things or (viewport(),)]
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    places[name] = (left, top, right - left, bottom - top)
    subprocess.run(["import", "-window", "root", str(OUTPUT / f"{name}.png")], check=True, timeout=60)
    (OUTPUT / "places.json").write_text(json.dumps(places))


def begin(*unfolded: str, scale: float = 1.0) -> Steps:
    """A new file with the sidebar open at our tab; of the subpanels these are open."""
    stop_playback()
    bpy.context.preferences.view.ui_scale = scale
    for name in PANELS:
        panel = getattr(bpy.types, f"MOTIONLCM_PT_{name}")
        bpy.utils.unregister_class(panel)
        panel.bl_options = set() if name in unfolded else {"DEFAULT_CLOSED"}
        bpy.utils.register_class(panel)
    bpy.ops.wm.read_homefile()
    for _ in range(5):
        yield
    yield from open_sidebar()
    for _ in range(10):
        yield


def made() -> Steps:
    """Wait until all jobs are done and stop the playback."""
    yield from wait(lambda: status().running, 20.0, "the job to start")
    yield from wait(lambda: not status().running, JOB_S, "the jobs to end")
    check("no error", not status().error, status().message)
    for _ in range(3):
        yield
    stop_playback()
    yield


def operate(name: str, **options: object) -> None:
    """Call an operator of the extension as from the sidebar."""
    with bpy.context.temp_override(window=window(), area=viewport(), region=region("WINDOW")):
        getattr(bpy.ops.motionlcm, name)("INVOKE_DEFAULT", **options)


def show_frame(share: float) -> Steps:
    """The frame at this share of the Action."""
    first, last = action().frame_range
    bpy.context.scene.frame_set(round(first + share * (last - first)))
    yield


def first_motion() -> Steps:
    """The first minute: the fresh panel, and the walk after one press."""
    yield from begin()
    yield from picture("first_panel", region("UI"))
    yield from press("motionlcm.first_motion(")
    yield from made()
    check("one press makes a walk", action() is not None)
    look((0.0, -2.4, 0.7), 1.15, 0.6, 8.0)
    yield from show_frame(0.45)
    yield from picture("first_walk")


def variants() -> Steps:
    """The panel at twice the scale, in a light theme, in German; looked at, not in the guide."""
    yield from begin()
    yield from press("motionlcm.first_motion(")
    yield from made()
    bpy.context.preferences.view.language = "de_DE"
    yield from picture("look_german")
    bpy.context.preferences.view.ui_scale = 2.0
    yield from picture("look_german_2")
    bpy.context.preferences.view.language = "en_US"
    yield from picture("look_scale_2")
    bpy.context.preferences.view.ui_scale = 1.0
    themes = [Path(folder) / "Blender_Light.xml" for folder in bpy.utils.preset_paths("interface_theme")]
    light = next((file for file in themes if file.is_file()), None)
    if light is not None:
        bpy.ops.script.execute_preset(filepath=str(light), menu_idname="USERPREF_MT_interface_theme_presets")
        yield from picture("look_light")
        yield from begin()
        yield from picture("look_light_fresh", region("UI"))
        bpy.ops.preferences.reset_default_theme()
    for language in ("de_DE", "en_US"):
        bpy.context.preferences.view.language = language
        yield from begin(scale=2.0 if language == "en_US" else 1.0)
        yield from picture(f"look_fresh_{language}", region("UI"))
    bpy.context.preferences.view.ui_scale = 1.0


PICTURES = {"first": first_motion, "variants": variants}


def run() -> Steps:
    wanted = sys.argv[sys.argv.index("--") + 2 :]
    for name, take in PICTURES.items():
        if not wanted or name in wanted:
            yield from take()


main(run)
