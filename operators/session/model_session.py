"""The door to the engine: which model is chosen, the model itself once loaded, and what is known about it.

Nothing of the engine is imported before it is asked for, so that Blender starts as fast as without us.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import model_info
from .model_choice import Choice

if TYPE_CHECKING:
    from ...motionlcm_blender.motion.clips import Motion
    from ...motionlcm_blender.request import Request
    from ...motionlcm_blender.sampler import MotionLCM

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class InUse:
    """What the loaded model runs on, how much memory it takes there, and what is said of CUDA graphs."""

    device: str
    bytes: int
    recorded: str = ""


@dataclass(frozen=True)
class Timing:
    """How long the model took."""

    device: str
    frames: int
    takes: int
    seconds: float


timings: deque[Timing] = deque(maxlen=8)
"""The last ones, for a report."""
NAMES = {"cpu": "PyTorch on the processor", "numpy": "NumPy on the processor"}
in_use: InUse | None = None
_lock = threading.Lock()
_at_work = threading.Lock()
"""Held while a model works, which one thread at a time may have it do. No button waits for it."""
_busy = 0
_used_at = 0.0
_instead: str | None = None
"""What the automatic device is now, after a better one failed."""
_loaded: dict[Choice, MotionLCM] = {}
_warm: weakref.WeakSet[MotionLCM] = weakref.WeakSet()
"""Models that have worked."""


def warm_up(choice: Choice) -> None:
    """Load the model and let it work once, so that the first request does not wait for what happens only once. For a
    thread of its own: who asks for motion meanwhile waits for it. Raises ModelFolderError or DeviceError.
    """
    global _busy
    with _lock:
        _busy += 1
    try:
        loaded, _ = _load(choice, None)
        with _at_work:
            if loaded not in _warm:
                _warm.add(loaded)
                try:
                    loaded.warm_up()
                finally:
                    _note_memory(loaded)
    finally:
        with _lock:
            _busy -= 1
        _touch()


def generate(
    choice: Choice, request: Request, progress: Callable[[float, str], None], cancel: Callable[[], bool]
) -> tuple[MotionLCM, list[Motion], tuple[str, ...]]:
    """The model, what it made, and sentences on what could not be done as it should.

    With the automatic device, one that fails gives way to the next best: the processor, then NumPy. For a worker.
    Raises Cancelled and the other errors of the engine.
    """
    global _busy, _instead
    from ...motionlcm_blender.backends import next_best
    from ...motionlcm_blender.errors import DeviceError, DeviceFailed, OutOfDeviceMemory

    device: str | None = None
    told: list[str] = []
    loaded: MotionLCM | None = None
    with _lock:
        _busy += 1
    try:
        while True:
            failed = device or choice.device
            try:
                loaded, sentence = _load(choice, device)
                told += [sentence] if sentence else []
                failed = loaded.device
                with _at_work:
                    started = time.perf_counter()
                    _warm.add(loaded)
                    motions = loaded.generate(request, progress, cancel)
                timings.append(Timing(loaded.device, request.frames, request.takes, time.perf_counter() - started))
                _note_memory(loaded)
                return loaded, motions, tuple(told)
            except (OutOfDeviceMemory, DeviceFailed, ImportError, MemoryError) as error:
                worse = next_best(failed)
                if choice.device != "auto" or worse is None or cancel():
                    raise
                reason = str(error) if isinstance(error, DeviceError) else f"A part of PyTorch is missing ({error})."
                log.warning("%s %s is used.", reason, worse)
                log.info("What led to it", exc_info=error)
                if not isinstance(error, (OutOfDeviceMemory, MemoryError)):  # a smaller request may fit
                    _instead = worse
                told.append(f"{reason} This was made by {NAMES[worse]}.")
                device = worse
                loaded = None  # its memory is wanted
    finally:
        with _lock:
            _busy -= 1
        _touch()


def _load(choice: Choice, device: str | None) -> tuple[MotionLCM, str]:
    """The model on a device, or on the best there is, and a sentence if that is another than was asked for."""
    from . import torch_import

    sentence = ""
    if device is None:
        device = choice.device if choice.device != "auto" or _instead is None else _instead
        if Choice(choice.folder, device) not in _loaded:
            device, sentence = torch_import.usable(device)
    with _lock:
        key = Choice(choice.folder, device)
        if key not in _loaded:
            from ...motionlcm_blender.sampler import MotionLCM

            _drop_loaded()  # one model at a time in memory
            _loaded[key] = MotionLCM.from_folder(choice.folder, device=device)
            _note_memory(_loaded[key])
        _touch()
        return _loaded[key], sentence


def _note_memory(loaded: MotionLCM) -> None:
    global in_use
    if loaded not in _loaded.values():
        return  # it was let go of meanwhile
    recorded = loaded.backend.recorded
    in_use = InUse(loaded.device, loaded.backend.memory(), "" if recorded is None else recorded.told)


def _touch() -> None:
    global _used_at
    _used_at = time.monotonic()


def _drop_loaded() -> None:
    global in_use
    if not _loaded:
        return
    _loaded.clear()
    in_use = None
    from ...motionlcm_blender.backends import give_back

    give_back()  # of a model that is still at work, nothing


def is_loaded() -> bool:
    return bool(_loaded)


def idle_seconds() -> float | None:
    """How long the loaded model has not been used; None if none is loaded or one is at work."""
    return time.monotonic() - _used_at if _loaded and not _busy else None


def unload() -> bool:
    """Give the memory of the loaded model back; the next use loads it anew. Returns whether that could be done now."""
    if not _lock.acquire(blocking=False):
        return False
    try:
        if _busy or not _loaded:
            return False
        _drop_loaded()
        return True
    finally:
        _lock.release()


def forget() -> None:
    """Drop the loaded model and what is known of it; the next use reads it anew."""
    global _instead
    with _lock:
        _drop_loaded()
        _instead = None
    model_info.forget()
