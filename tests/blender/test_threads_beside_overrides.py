"""Reading the scene in a context override while a thread runs Python, as Live does, damages no memory of Python.

Blender before 5.2 releases the interpreter in `Context.evaluated_depsgraph_get` and uses the dictionary of the override
without it. A Python that checks its allocator ends at once there.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.blender.support import REPOSITORY

PROGRAM = """
import importlib.util, os, sys, threading, time, types
import bpy
for name in ("extension", "extension.operators", "extension.operators.scene"):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [os.path.join(sys.argv[-1], *name.split(".")[1:])]
from extension.operators.scene.evaluation import evaluated_object
bpy.ops.wm.read_homefile(use_factory_startup=True)
over = threading.Event()

def work():
    while not over.is_set():
        sum(len(str(number)) for number in range(200))

sys.setswitchinterval(0.0005)
thread = threading.Thread(target=work)
thread.start()
end = time.monotonic() + 4.0
with bpy.context.temp_override():
    while time.monotonic() < end:
        assert evaluated_object(bpy.context, bpy.context.object) is not None
over.set()
thread.join()
print("no damage", flush=True)
os._exit(0)
"""
ALLOWED = {"operators/rigs/mapping_drawing.py", "operators/scripts/render_storyboard.py"}
"""A draw handler and a program without threads, both without an override."""


@pytest.mark.each_blender
@pytest.mark.slow
def test_reading_in_an_override_beside_a_thread(tmp_path):
    environment = {**os.environ, "PYTHONMALLOC": "debug", "BLENDER_USER_RESOURCES": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(REPOSITORY)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 0 and "no damage" in ended.stdout, ended.stderr[-2000:]


def test_the_safe_way_is_used():
    found = {
        file.relative_to(REPOSITORY).as_posix()
        for folder in ("operators", "ui")
        for file in (REPOSITORY / folder).rglob("*.py")
        if "evaluated_depsgraph_get(" in file.read_text(encoding="utf-8")
    }
    assert found <= ALLOWED
