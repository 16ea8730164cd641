"""The loaded model: its device, its idle time, and the interface to the engine.

The engine is imported on first use only, so that the extension does not slow down Blender's start.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import model_info, model_library, torch_import
from .model_choice import Choice

if TYPE_CHECKING:
    from ...motionlcm_blender.array_types import FloatArray
    from ...motionlcm_blender.generation.generated_motion import GeneratedMotion
    from ...motionlcm_blender.generation.pipeline import MotionLCM
    from ...motionlcm_blender.generation.request import Request

log = logging.getLogger(__name__)

NAMES = {"cpu": "PyTorch on the processor", "numpy": "NumPy on the processor"}


@dataclass(frozen=True)
class InUse:
    """The device of the loaded model, its memory there, and the state of CUDA graphs."""

    device: str
    bytes: int
    recorded: str = ""


@dataclass(frozen=True)
class Timing:
    """The duration of one generation."""

    device: str
    frames: int
    takes: int
    seconds: float


class ModelSession:
    """Keeps at most one model in memory. Worker threads and the main thread use it; it has its own locks."""

    def __init__(self) -> None:
        self.timings: deque[Timing] = deque(maxlen=8)
        """The last ones, for a report."""
        self.in_use: InUse | None = None
        self._lock = threading.Lock()
        self._at_work = threading.Lock()
        """Held while a model works, which one thread at a time may have it do. No button waits for it."""
        self._busy = 0
        self._used_at = 0.0
        self._instead: str | None = None
        """What the automatic device is now, after a better one failed."""
        self._loaded: dict[Choice, MotionLCM] = {}
        self._warm: weakref.WeakSet[MotionLCM] = weakref.WeakSet()
        """Models that have worked."""

    def warm_up(self, choice: Choice) -> None:
        """Load the model and run it once, so that the first request does not wait for one-time work.

        For a thread of its own: a request in the meantime waits for it. Raises ModelFolderError or DeviceError.
        """
        with self._counted():
            loaded, _ = self._load(choice, None)
            with self._at_work:
                if loaded not in self._warm:
                    self._warm.add(loaded)
                    try:
                        loaded.warm_up()
                    finally:
                        self._note_memory(loaded)

    def generate(
        self, choice: Choice, request: Request, progress: Callable[[float, str], None], cancel: Callable[[], bool]
    ) -> tuple[MotionLCM, list[GeneratedMotion], tuple[str, ...]]:
        """Run the model. With the automatic device, a failing device is replaced by the next best one: the processor,
        NumPy.

        Args:
            choice: The model and its device.
            request: The request.
            progress: Called with 0..1 and the name of a stage.
            cancel: Called between steps.

        Returns:
            The model, its result, and warnings.

        Raises:
            Cancelled: If `cancel` returned true. Other errors of the engine are passed on.
        """
        from ...motionlcm_blender.errors import DeviceFailed, OutOfDeviceMemory
        from ...motionlcm_blender.networks.backends import fallback_device

        device: str | None = None
        warnings: list[str] = []
        loaded: MotionLCM | None = None
        with self._counted():
            while True:
                failed = device or choice.device
                try:
                    loaded, sentence = self._load(choice, device)
                    warnings += [sentence] if sentence else []
                    failed = loaded.device
                    return loaded, self._timed(loaded, request, progress, cancel), tuple(warnings)
                except (OutOfDeviceMemory, DeviceFailed, ImportError, MemoryError) as error:
                    worse = fallback_device(failed)
                    if choice.device != "auto" or worse is None or cancel():
                        raise
                    warnings.append(self._give_way(error, worse))
                    device = worse
                    loaded = None  # to release its memory

    def sentence_vector(self, loaded: MotionLCM, prompt: str) -> FloatArray:
        """A prompt as one vector, by the text encoder of a model that this session loaded."""
        with self._at_work:
            return loaded.sentence_vector(prompt)

    def is_loaded(self) -> bool:
        return bool(self._loaded)

    def idle_seconds(self) -> float | None:
        """Seconds after the last use of the loaded model; None if no model is loaded or a generation runs."""
        return time.monotonic() - self._used_at if self._loaded and not self._busy else None

    def unload(self) -> bool:
        """Release the memory of the loaded model; the next use loads it again. Returns whether the model could be
        unloaded."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if self._busy or not self._loaded:
                return False
            self._drop_loaded()
            return True
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Drop the loaded model and the cached data of models; the next use reads both again."""
        with self._lock:
            self._drop_loaded()
            self._instead = None
        model_info.forget()
        model_library.forget()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Context in which the model counts as in use."""
        with self._lock:
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1
            self._touch()

    def _timed(
        self, loaded: MotionLCM, request: Request, progress: Callable[[float, str], None], cancel: Callable[[], bool]
    ) -> list[GeneratedMotion]:
        with self._at_work:
            started = time.perf_counter()
            self._warm.add(loaded)
            motions = loaded.generate(request, progress, cancel)
        self.timings.append(Timing(loaded.device, request.frames, request.takes, time.perf_counter() - started))
        self._note_memory(loaded)
        return motions

    def _give_way(self, error: Exception, worse: str) -> str:
        """Record that a device failed and another one is used. Returns the warning about it."""
        from ...motionlcm_blender.errors import DeviceError, OutOfDeviceMemory

        reason = str(error) if isinstance(error, DeviceError) else f"A part of PyTorch is missing ({error})."
        log.warning("%s %s is used.", reason, worse)
        log.info("Cause of the device error", exc_info=error)
        if not isinstance(error, (OutOfDeviceMemory, MemoryError)):  # a smaller request may fit
            self._instead = worse
        return f"{reason} This motion was generated by {NAMES[worse]}."

    def _load(self, choice: Choice, device: str | None) -> tuple[MotionLCM, str]:
        """The model on the requested device or the best available one, and a warning if the device differs from the
        request."""
        sentence = ""
        if device is None:
            device = choice.device if choice.device != "auto" or self._instead is None else self._instead
            if Choice(choice.folder, device) not in self._loaded:
                device, sentence = torch_import.usable(device)
        with self._lock:
            key = Choice(choice.folder, device)
            if key not in self._loaded:
                from ...motionlcm_blender.generation.pipeline import MotionLCM
                from ...motionlcm_blender.networks.numpy_impl import openblas

                where = torch_import.places()
                openblas.keep_notes_in(None if where is None else where.home)
                self._drop_loaded()  # one model at a time in memory
                self._loaded[key] = MotionLCM.from_folder(choice.folder, device=device)
                self._note_memory(self._loaded[key])
            self._touch()
            return self._loaded[key], sentence

    def _note_memory(self, loaded: MotionLCM) -> None:
        if loaded not in self._loaded.values():
            return  # unloaded in the meantime
        recorded = loaded.backend.recorded
        self.in_use = InUse(loaded.device, loaded.backend.memory(), "" if recorded is None else recorded.summary)

    def _touch(self) -> None:
        self._used_at = time.monotonic()

    def _drop_loaded(self) -> None:
        if not self._loaded:
            return
        self._loaded.clear()
        self.in_use = None
        from ...motionlcm_blender.networks.backends import release_cached_memory

        release_cached_memory()  # no value while the model is in use


_session: ModelSession | None = None


def get() -> ModelSession:
    """The session of this Blender, available after registration."""
    assert _session is not None, "the extension is not registered"
    return _session


def register_properties() -> None:
    global _session
    _session = ModelSession()


def unregister_properties() -> None:
    global _session
    if _session is not None:
        _session.forget()
    _session = None
