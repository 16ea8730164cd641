"""Takes the pictures of the listing: scenes of the guide in a large window; tools/guide_pictures.py --listing runs it.

The pictures hold viewport and timeline alone: the bar at the top of the window has Blender's icon, which a listing must
not show.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # Blender does not look beside its scripts

import drive_guide
import window_pictures
from window_driver import JOB_S, Steps, check, look, main, module, settings, wait
from window_pictures import operate

SCALE = 1.5
"""Of the interface: the platform's pages show the pictures smaller than they are."""


def path_with_live() -> Steps:
    """A path whose points are moved, coloured by its speed, and the motion that follows."""
    yield from window_pictures.begin()
    operate("first_motion")
    yield from window_pictures.made()
    live = module("operators.live.live_mode").get()
    settings().live = True
    curve = settings().path
    curve.data.splines[0].bezier_points[2].co.x = 1.3
    curve.data.update_tag()
    for _ in range(3):
        yield
    yield from wait(lambda: live.gesture.phase.value == "still" and not live.worker.busy, JOB_S, "Live")
    yield from window_pictures.show_frame(0.5)
    look((0.0, -2.4, 0.7), 1.0, 0.6, 8.0)
    yield from window_pictures.picture("path_live")


PICTURES: dict[str, tuple[Callable[[], Steps], str]] = {
    "first": (drive_guide.first_motion, "first_walk"),
    "path": (path_with_live, "path_live"),
    "variations": (drive_guide.variations, "variations_takes"),
    "shots": (drive_guide.shots, "shots_strips"),
    "character": (drive_guide.character, "character_rigify"),
    "keys": (drive_guide.keys, "keys_graph"),
}
"""By its name: the scene, and the one of its pictures that is taken."""


def run() -> Steps:
    window_pictures.style.scale, window_pictures.style.whole = SCALE, True
    wanted = sys.argv[sys.argv.index("--") + 2 :]
    for name in wanted or PICTURES:
        scene, shown = PICTURES[name]
        window_pictures.style.only = shown
        for _ in scene():
            if shown in window_pictures.places:
                break
            yield
        check("the picture was taken", shown in window_pictures.places, window_pictures.places[shown])


main(run)
