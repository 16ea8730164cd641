"""Unloads the model after a time without a generation; the next generation loads it again."""

from __future__ import annotations

import logging

from ..scene import addon, messages
from ..scene.main_thread_timer import MainThreadTimer
from . import model_session

log = logging.getLogger(__name__)

INTERVAL = 30.0
"""Seconds between two checks."""


def watch() -> None:
    """Start to check regularly, as long as a model is loaded."""
    _timer.start()


def look() -> float | None:
    """Unload the model if it was idle long enough. Runs as a timer; returns the seconds to the next call."""
    prefs, session = addon.preferences(), model_session.get()
    minutes = prefs.idle_minutes if prefs is not None else 0
    idle = session.idle_seconds()
    if idle is not None and minutes and idle >= 60.0 * minutes and session.unload():
        log.info("The model was unloaded after %d minutes.", minutes)
        messages.redraw()
    return INTERVAL if session.is_loaded() else None


_timer = MainThreadTimer(look, INTERVAL)


def unregister_properties() -> None:
    _timer.stop()
