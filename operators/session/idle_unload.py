"""The loaded model gives its memory back when nothing has been made for a while; the next motion loads it anew."""

import logging

import bpy

from ..scene import addon, messages
from . import model_session

log = logging.getLogger(__name__)

INTERVAL = 30.0
"""Seconds between two looks."""


def watch() -> None:
    """Look now and then from now on, as long as a model is loaded."""
    if not bpy.app.background and not bpy.app.timers.is_registered(look):
        bpy.app.timers.register(look, first_interval=INTERVAL, persistent=True)


def look() -> float | None:
    """Unload the model if its time has come. Runs as a timer; returns the seconds to the next call."""
    prefs = addon.preferences()
    minutes = prefs.idle_minutes if prefs is not None else 0
    idle = model_session.idle_seconds()
    if idle is not None and minutes and idle >= 60.0 * minutes and model_session.unload():
        log.info("The model was unloaded after %d minutes.", minutes)
        messages.redraw()
    return INTERVAL if model_session.is_loaded() else None


def unregister_properties() -> None:
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
