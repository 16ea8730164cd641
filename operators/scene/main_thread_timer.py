"""Functions that Blender calls repeatedly on its main thread."""

from __future__ import annotations

from collections.abc import Callable

import bpy


class MainThreadTimer:
    """One function on a Blender timer. Without a window, Blender's timers do not fire: the timer does not start
    then."""

    def __init__(self, function: Callable[[], float | None], interval: float, persistent: bool = True) -> None:
        """Prepare the timer.

        Args:
            function: Called without arguments; returns the seconds to the next call, or None to stop.
            interval: Seconds to the first call.
            persistent: Whether the timer continues when another file is opened.
        """
        self.interval = interval
        self._function = function  # kept, because Blender identifies a timer by this object
        self._persistent = persistent

    @property
    def running(self) -> bool:
        return bool(bpy.app.timers.is_registered(self._function))

    def start(self) -> None:
        """Start the timer; a running timer continues."""
        if not bpy.app.background and not self.running:
            bpy.app.timers.register(self._function, first_interval=self.interval, persistent=self._persistent)

    def stop(self) -> None:
        """Stop the timer, if it runs."""
        if self.running:
            bpy.app.timers.unregister(self._function)
