"""Pictures of a real Blender window: screenshots, and the places of what they show."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass

import bpy
from window_driver import (
    JOB_S,
    OUTPUT,
    Steps,
    action,
    check,
    move,
    open_sidebar,
    region,
    settings,
    status,
    stop_playback,
    unfold,
    viewport,
    wait,
    window,
)


@dataclass
class Style:
    """How pictures look.

    Attributes:
        scale: Of the interface.
        whole: Whether viewport and timeline fill the window and every picture.
        only: Name of the one picture to take, empty for all.
    """

    scale: float = 1.0
    whole: bool = False
    only: str = ""


style = Style()
"""Of the guide; `drive_listing.py` changes it."""
places: dict[str, tuple[int, int, int, int]] = {}
"""By the name of a picture: left, top, width and height of what it shows, in pixels of the screen."""


def area_of(kind: str) -> bpy.types.Area:
    return next(area for area in window().screen.areas if area.type == kind)


def rectangle(thing: bpy.types.Area | bpy.types.Region) -> tuple[int, int, int, int]:
    return thing.x, window().height - thing.y - thing.height, thing.width, thing.height


def picture(name: str, *things: bpy.types.Area | bpy.types.Region, top: int = 0, height: int | None = None) -> Steps:
    """Screenshot of these areas or regions; without any, of the 3D viewport.

    Args:
        top: Pixels to leave out at the top.
        height: Pixels to show from there; all without it.
    """
    if style.only not in ("", name):
        return
    for _ in range(8):
        yield
    boxes = [rectangle(thing) for thing in (window().screen.areas if style.whole else things) or (viewport(),)]
    left, top = min(box[0] for box in boxes), top + min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    places[name] = (
        left,
        top,
        right - left,
        bottom - top if height is None or style.whole else min(height, bottom - top),
    )
    subprocess.run(["import", "-window", "root", str(OUTPUT / f"{name}.png")], check=True, timeout=60)
    (OUTPUT / "places.json").write_text(json.dumps(places))


def begin(*unfolded: str, scale: float | None = None) -> Steps:
    """A new file with the sidebar open at our tab; of the subpanels these are open."""
    stop_playback()
    bpy.context.preferences.view.ui_scale = scale or style.scale
    unfold(*unfolded)
    bpy.ops.wm.read_homefile()
    for _ in range(5):
        yield
    if style.whole:
        yield from leave_viewport_and_timeline()
    yield from open_sidebar()
    for _ in range(10):
        yield


def leave_viewport_and_timeline() -> Steps:
    """Close the other editors, so that what is shown is large; the bars of the window are not in the pictures."""
    window().screen.show_statusbar = False
    for kind in ("OUTLINER", "PROPERTIES"):
        with bpy.context.temp_override(window=window(), screen=window().screen, area=area_of(kind)):
            bpy.ops.screen.area_close()
        for _ in range(3):
            yield


def made() -> Steps:
    """Wait until all jobs are done and stop the playback."""
    yield from wait(lambda: status().running, 20.0, "the job to start")
    yield from wait(lambda: not status().running, JOB_S, "the jobs to end")
    check("no error", not status().error, status().message)
    # The time is that of a machine with software OpenGL and other work, so pictures do not show it.
    status().message = re.sub(r", generated in \d+ ms", "", status().message)
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


def view_middle_box(width: int, height: int) -> tuple[int, int, int, int]:
    """A box of this size in the middle of the viewport."""
    left, top, wide, high = rectangle(viewport())
    return left + (wide - width) // 2, top + (high - height) // 2 + 30, width, height


def shot_of_loop(name: str, number: int, box: tuple[int, int, int, int]) -> Steps:
    """One screenshot of an animated picture."""
    for _ in range(3):
        yield
    places[f"{name}.{number:02d}"] = box
    subprocess.run(["import", "-window", "root", str(OUTPUT / f"{name}.{number:02d}.png")], check=True, timeout=60)
    (OUTPUT / "places.json").write_text(json.dumps(places))


def loop(name: str, frames: int = 18, box: tuple[int, int, int, int] | None = None) -> Steps:
    """Screenshots of the Action in the viewport, for an animated picture. box: inside of the viewport."""
    for number in range(frames):
        yield from show_frame(number / (frames - 1))
        yield from shot_of_loop(name, number, box or rectangle(viewport()))


def scroll_down() -> Steps:
    """Turn the wheel over the sidebar until its end is in view."""
    sidebar = region("UI")
    x, y = sidebar.x + sidebar.width // 3, sidebar.y + sidebar.height // 2
    yield from move(x, y)
    for _ in range(40):
        window().event_simulate(type="WHEELDOWNMOUSE", value="PRESS", x=x, y=y)
        yield


def hide_sidebar() -> Steps:
    viewport().spaces.active.show_region_ui = False
    for _ in range(5):
        yield


def walk_along(prompt: str, seconds: float, path: bpy.types.Object | None = None, **more: object) -> Steps:
    """Set the panel and press Generate."""
    chosen = settings()
    chosen.prompt, chosen.length, chosen.path = prompt, seconds, path
    for name, value in more.items():
        setattr(chosen, name, value)
    operate("generate")
    yield from made()
