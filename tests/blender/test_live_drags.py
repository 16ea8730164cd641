"""Two hundred drags in a row under Live leave Actions, handlers, threads and memory as they were."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import bpy
import pytest

from tests.blender.support import part, settings
from tests.blender.test_live import character, drag, end_drag, handlers, live  # noqa: F401  character is a fixture

DRAGS, FIRST = 200, 50
"""Drags in all, and those after which the state is noted: Blender keeps 32 undo steps."""
MOST_MIB = 20.0
"""An Action of a drag that stays, or one motion that is kept, is 0.1 to 0.3 MiB: 15 to 45 MiB in 150 drags."""


def blocks() -> dict[str, int]:
    """Numbers of data-blocks by kind."""
    found = {}
    for name in dir(bpy.data):
        collection = getattr(bpy.data, name)
        if isinstance(collection, bpy.types.bpy_prop_collection):
            found[name] = len(collection)
    return found


def resident_mib() -> float:
    """Memory of this process, 0 where the system does not show it."""
    file = Path("/proc/self/statm")
    return int(file.read_text().split()[1]) * 4096 / 2**20 if file.is_file() else 0.0


@pytest.mark.slow
def test_two_hundred_drags_leave_nothing(character, monkeypatch):  # noqa: F811
    noted = None
    for number in range(DRAGS):
        drag(monkeypatch, 0.1 + 0.002 * number, 0.3 + 0.002 * number)
        end_drag(monkeypatch)
        if number == FIRST - 1:
            gc.collect()
            noted = blocks(), handlers(), threading.active_count(), len(gc.get_objects()), resident_mib()
    gc.collect()
    now = blocks(), handlers(), threading.active_count(), len(gc.get_objects()), resident_mib()
    print(f"objects of Python {noted[3]} -> {now[3]}; memory {noted[4]:.1f} -> {now[4]:.1f} MiB")
    assert [action.name for action in bpy.data.actions] == ["MotionLCM a person walks forward s0"]
    assert now[:3] == noted[:3]
    kept = len(live().spent)
    assert now[3] - noted[3] < kept + 2000, "the measurements of Live are kept, and nothing else"
    assert now[4] - noted[4] < MOST_MIB
    counts = live().worker.counts
    assert counts.offered >= 3 * DRAGS and not live().worker.busy
    settings().live = False
    live().tick()
    assert now[1] - handlers() == len(part("operators.live.watching").listeners())
