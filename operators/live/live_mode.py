"""The switch of Live. Nothing of the engine is imported before Live is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..scene import playback
from ..session import job_queue

if TYPE_CHECKING:
    from .following import Live

_live: Live | None = None


def is_on() -> bool:
    """Whether Live is on. The state is that of this Blender, not of the file: neither undo nor a file changes it."""
    return _live is not None and _live.on


def get() -> Live:
    """Live of this Blender; it is made at the first call."""
    global _live
    if _live is None:
        from .following import Live

        _live = Live()
        job_queue.get().before_jobs.append(_live.step_aside)
    return _live


def switch(on: bool) -> None:
    """Switch Live on or off."""
    if on or _live is not None:
        get().switch(on)


def unregister_properties() -> None:
    global _live
    if _live is not None:
        _live.close()
    playback.start_by_itself(True)
    _live = None
