"""Functions that Blender calls on its main thread, again and again."""

from __future__ import annotations

from collections.abc import Callable

import bpy


class MainThreadTimer:
    """One function on a timer of Blender's. Where Blender runs without a window, timers do not fire: nothing starts."""

    def __init__(self, function: Callable[[], float | None], interval: float, persistent: bool = True) -> None:
        """Prepare the timer.

        Args:
            function: Called with nothing; returns the seconds to the next call, or None to end.
            interval: Seconds to the first call.
            persistent: Whether the timer goes on when another file is opened.
        """
        self.interval = interval
        self._function = function  # kept, as Blender knows a timer by this very object
        self._persistent = persistent

    @property
    def running(self) -> bool:
        return bool(bpy.app.timers.is_registered(self._function))

    def start(self) -> None:
        """Have the function called from now on; nothing happens if it is already."""
        if not bpy.app.background and not self.running:
            bpy.app.timers.register(self._function, first_interval=self.interval, persistent=self._persistent)

    def stop(self) -> None:
        """End the calls; nothing happens if there are none."""
        if self.running:
            bpy.app.timers.unregister(self._function)
