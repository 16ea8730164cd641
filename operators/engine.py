"""The door to the engine: which model is chosen, the model itself once loaded, and what is known about it.

Nothing of the engine is imported before it is asked for, so that Blender starts as fast as without us.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..motionlcm_blender.generation.pipeline import MotionLCM
    from ..motionlcm_blender.generation.request import Request
    from ..motionlcm_blender.motion.motion import Motion
    from ..motionlcm_blender.text.prompt_vocabulary import Vocabulary

log = logging.getLogger(__name__)

ROOT_PACKAGE = __package__.rpartition(".")[0]
FOLDER_VARIABLE = "MOTIONLCM_MODEL_FOLDER"
DEVICE_VARIABLE = "MOTIONLCM_DEVICE"


@dataclass(frozen=True)
class Choice:
    """Which model to run, and on what. folder: None for the bundled model."""

    folder: str | None
    device: str


@dataclass(frozen=True)
class ModelCard:
    """What the panel tells about a model; `error` is the sentence if it cannot be read."""

    name: str = ""
    licence: str = ""
    attribution: str = ""
    error: str = ""


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
_cards: dict[str | None, ModelCard] = {}
_vocabularies: dict[str | None, Vocabulary | None] = {}
_hints: dict[tuple[str | None, str], str] = {}
MOST_HINTS = 200
"""As many prompts are remembered with what there is to say of them."""


def preferences() -> Any | None:
    """The extension's preferences; None when it is not run as an extension."""
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    return addon.preferences if addon is not None else None


def chosen() -> Choice:
    """The model folder and device: from the preferences, else the environment, else the bundled model."""
    prefs = preferences()
    folder = bpy.path.abspath(prefs.model_folder) if prefs is not None and prefs.model_folder else None
    device = prefs.device.lower() if prefs is not None else os.environ.get(DEVICE_VARIABLE) or "auto"
    return Choice(folder or os.environ.get(FOLDER_VARIABLE) or None, device)


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
    from ..motionlcm_blender.errors import DeviceError, DeviceFailed, OutOfDeviceMemory
    from ..motionlcm_blender.networks.backends import fallback_device

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
                worse = fallback_device(failed)
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
    from . import runtime

    sentence = ""
    if device is None:
        device = choice.device if choice.device != "auto" or _instead is None else _instead
        if Choice(choice.folder, device) not in _loaded:
            device, sentence = runtime.usable(device)
    with _lock:
        key = Choice(choice.folder, device)
        if key not in _loaded:
            from ..motionlcm_blender.generation.pipeline import MotionLCM

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
    from ..motionlcm_blender.networks.backends import release_cached_memory

    release_cached_memory()  # of a model that is still at work, nothing


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
    _cards.clear()
    _vocabularies.clear()
    _hints.clear()


def read_card(choice: Choice) -> ModelCard:
    """Name, licence and attribution of a model, from its configuration alone."""
    from ..motionlcm_blender.errors import MotionLCMError
    from ..motionlcm_blender.networks.model_folder import ModelFolder

    try:
        folder = ModelFolder.open(Path(choice.folder) if choice.folder else None)
        config = folder.config
        card = ModelCard(folder.name, str(config.get("licence", "")), str(config.get("attribution", "")))
    except MotionLCMError as error:
        log.warning("%s", error)
        card = ModelCard(error=str(error))
    _cards[choice.folder] = card
    return card


def known_card(choice: Choice) -> ModelCard | None:
    """The card if it has been read already; for drawing."""
    return _cards.get(choice.folder)


def read_hint(choice: Choice, prompt: str) -> str:
    """One sentence if the prompt asks for what the model has seldom or never seen, else empty; remembered.

    A model without a vocabulary, or one that cannot be read, has nothing to say.
    """
    from ..motionlcm_blender.errors import MotionLCMError
    from ..motionlcm_blender.networks.model_folder import ModelFolder
    from ..motionlcm_blender.text.prompt_vocabulary import read_vocabulary, unseen_words_warning

    if choice.folder not in _vocabularies:
        try:
            folder = ModelFolder.open(Path(choice.folder) if choice.folder else None)
            _vocabularies[choice.folder] = read_vocabulary(folder.path)
        except MotionLCMError as error:
            log.warning("%s", error)
            _vocabularies[choice.folder] = None
    vocabulary = _vocabularies[choice.folder]
    hint = unseen_words_warning(prompt, vocabulary) if vocabulary is not None else None
    if len(_hints) >= MOST_HINTS:
        _hints.clear()
    _hints[choice.folder, prompt] = hint or ""
    return hint or ""


def known_hint(choice: Choice, prompt: str) -> str | None:
    """The hint if it has been worked out already, None if not; for drawing."""
    return _hints.get((choice.folder, prompt))
