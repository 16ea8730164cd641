"""From the start of a process to keys, in a clean profile; prints one line of JSON. Run by tools/test_blender.py.

MOTIONLCM_ZIP: the built zip; MOTIONLCM_STARTED: time.time() just before this process was started.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

PROFILE = tempfile.mkdtemp(prefix="blender_user_")
os.environ["BLENDER_USER_RESOURCES"] = PROFILE  # before bpy

import bpy  # noqa: E402
from isolation import isolate  # noqa: E402

PROMPT, SECONDS = "a person walks forward", 9.8
"""196 frames, all that the model makes at a time."""


def resident_mib() -> float:
    """Resident memory of this process; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Peak(threading.Thread):
    """The most resident memory while it runs, looked at every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.mib, self.over = resident_mib(), threading.Event()
        self.start()

    def run(self) -> None:
        while not self.over.wait(0.003):
            self.mib = max(self.mib, resident_mib())

    def stop(self) -> float:
        self.over.set()
        self.join()
        return max(self.mib, resident_mib())


def path() -> bpy.types.Object:
    """A straight path of nine metres towards Blender's front."""
    data = bpy.data.curves.new("Path", "CURVE")
    spline = data.splines.new("POLY")
    spline.points.add(1)
    spline.points[1].co = (0.0, -9.0, 0.0, 1.0)
    curve = bpy.data.objects.new("Path", data)
    bpy.context.scene.collection.objects.link(curve)
    return curve


def main() -> None:
    started = float(os.environ["MOTIONLCM_STARTED"])
    marks = {"blender": time.time() - started}
    alone, peak = resident_mib(), Peak()
    isolate(Path(PROFILE))
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["MOTIONLCM_ZIP"], repo="user_default", enable_on_install=True
    )
    marks["installed"] = time.time() - started
    bpy.ops.motionlcm.add_character()
    settings = bpy.context.scene.motionlcm
    settings.prompt, settings.length, settings.path = PROMPT, SECONDS, path()
    before = resident_mib()
    marks["ready"] = time.time() - started
    assert bpy.ops.motionlcm.generate() == {"FINISHED"}
    marks["keys"] = time.time() - started
    most, kept = peak.stop(), resident_mib()
    memory = {"all": most - alone, "generation": most - before, "kept": kept - before}
    action = settings.character.animation_data.action
    first, last = action.frame_range
    assert abs((last - first) / bpy.context.scene.render.fps - SECONDS) < 0.2
    assert action["motionlcm_prompt"] == PROMPT and "torch" not in sys.modules
    again = time.time()
    assert bpy.ops.motionlcm.generate() == {"FINISHED"}
    marks["second"] = time.time() - again
    interfaces = [name for _, name in socket.if_nameindex()]
    print(json.dumps({"seconds": marks, "mib": memory, "interfaces": interfaces}))


if __name__ == "__main__":
    try:
        main()
        code = 0
    except Exception as error:  # noqa: BLE001  bpy's own ending may hang, so the process ends below whatever happens
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    shutil.rmtree(PROFILE, ignore_errors=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
