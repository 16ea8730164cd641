"""Settings of the Python interpreter that keep the main thread of Blender free while a worker thread calculates.

The main thread waits for the interpreter each time that Blender calls a handler, a timer or a panel of any add-on. A
collection of all objects stops it for tens of milliseconds.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.0005
"""Time after which a calculating thread gives the interpreter to a waiting one; Python's own setting is 0.005."""
HELD_SECONDS = 0.005
"""The same while the main thread does the work of Live: it then keeps the interpreter. Python's own setting."""
NEVER = 1_000_000_000


class ShortPauses:
    """The settings during a change. `switch` is for the main thread.

    Young objects are collected as always; the collection of all objects waits for the end of the change.
    """

    def __init__(self) -> None:
        self._before: tuple[float, tuple[int, int, int]] | None = None

    def switch(self, on: bool) -> None:
        """Set or restore the settings. A setting that something else changed in the meantime stays."""
        if on == (self._before is not None):
            return
        if on:
            self._before = sys.getswitchinterval(), gc.get_threshold()
            sys.setswitchinterval(min(SWITCH_SECONDS, self._before[0]))
            gc.set_threshold(*self._before[1][:2], NEVER)
            return
        assert self._before is not None
        interval, thresholds = self._before
        self._before = None
        if sys.getswitchinterval() < 1.5 * SWITCH_SECONDS:
            sys.setswitchinterval(interval)
        if gc.get_threshold() == (*thresholds[:2], NEVER):
            gc.set_threshold(*thresholds)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Context of work of the main thread during a change, which a calculating thread does not interrupt: otherwise
        the work lasts twice as long as its processor time."""
        if self._before is None or sys.getswitchinterval() > 1.5 * SWITCH_SECONDS:
            yield
            return
        interval = sys.getswitchinterval()
        sys.setswitchinterval(HELD_SECONDS)
        try:
            yield
        finally:
            sys.setswitchinterval(interval)
