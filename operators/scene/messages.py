"""The status of the panel: its sentences, and exceptions as sentences."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import bpy

log = logging.getLogger(__name__)


@dataclass
class TaskStatus:
    """The visible status of work in the background. message: the last result or error, one sentence."""

    running: bool = False
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    error: bool = False


@dataclass
class Status(TaskStatus):
    """The visible status of the queue. who: name of the character whose job runs; waiting: number of waiting
    characters.

    warnings: further sentences beside the message.
    """

    who: str = ""
    waiting: int = 0
    warnings: tuple[str, ...] = ()


status = Status()


def show_message(message: str, error: bool = False, warnings: tuple[str, ...] = ()) -> None:
    """Show a sentence in the panel and write it to the log."""
    log.log(logging.ERROR if error else logging.INFO, "%s", message)
    for warning in warnings:
        log.warning("%s", warning)
    set_status(message=message, error=error, warnings=warnings)


def sentence_for(error: BaseException) -> str:
    """One sentence for any exception; unexpected ones leave their traceback in the log."""
    from ...motionlcm_blender.errors import DeviceError, MotionLCMError

    if isinstance(error, DeviceError):
        log.info("Cause of the device error", exc_info=error)
    if isinstance(error, MotionLCMError):
        return str(error)
    if isinstance(error, ImportError):
        log.error("An import failed", exc_info=error)
        return f"A part of the extension is missing ({error.name or error}): reinstall it."
    if isinstance(error, MemoryError):
        log.error("Out of memory", exc_info=error)
        return "There is not enough memory: close other programs, or shorten the motion."
    log.error("Unexpected error", exc_info=error)
    return f"An unexpected error occurred ({type(error).__name__}: {error}); see the system console."


def set_status(**values: object) -> None:
    """Change fields of the status and redraw."""
    for name, value in values.items():
        setattr(status, name, value)
    redraw()


def redraw(*more: str) -> None:
    """Redraw the sidebars and the strips of shots. more: further area types."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "DOPESHEET_EDITOR", *more):
                area.tag_redraw()
