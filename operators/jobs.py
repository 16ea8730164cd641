"""Generation without blocking: a worker thread for each order, and one timer on the main thread.

The worker computes and puts its result into a queue; `poll` takes it out on the main thread and writes it. A job
that was cancelled or replaced is known by its number, and whatever it still delivers is dropped.
Where Blender runs without a window, timers do not fire: orders are then carried out at once, or `poll` is called
by hand.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

if TYPE_CHECKING:
    from .engine import Choice
    from .worker import Order, Result

log = logging.getLogger(__name__)

INTERVAL = 0.02
"""Seconds between two looks at the queue while a job runs."""
PATIENCE = 10.0
"""Seconds to wait for a cancelled worker when the extension is switched off."""


@dataclass
class Status:
    """What the panel shows. message: the last result or error, one sentence; warnings: further sentences."""

    running: bool = False
    progress: float = 0.0
    stage: str = ""
    message: str = ""
    error: bool = False
    warnings: tuple[str, ...] = ()


@dataclass
class Job:
    """One order on its way. The worker writes only progress and stage."""

    number: int
    order: Order
    write: Callable[[Order, Result], str]
    then: Callable[[], None] | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    progress: float = 0.0
    stage: str = ""
    thread: threading.Thread | None = None

    def report(self, share: float, stage: str) -> None:
        self.progress, self.stage = float(share), stage


status = Status()
_numbers = itertools.count(1)
_results: queue.SimpleQueue[tuple[int, Result | BaseException]] = queue.SimpleQueue()
_current: Job | None = None
_threads: list[threading.Thread] = []


def submit(
    order: Order,
    write: Callable[[Order, Result], str],
    wait: bool | None = None,
    then: Callable[[], None] | None = None,
) -> int:
    """Start a job; one that still runs is replaced. Returns its number.

    write: called on the main thread with the order and its result, returns the sentence to show.
    wait: carry it out before returning; None: if Blender has no window.
    then: called after it was written, to go on with another job.
    """
    global _current
    replace()
    job = Job(next(_numbers), order, write, then)
    _current = job
    _set(running=True, progress=0.0, stage="Starting", message="", error=False, warnings=order.warnings)
    if bpy.app.background if wait is None else wait:
        _work(job)
        poll()
        return job.number
    job.thread = threading.Thread(target=_work, args=(job,), name=f"MotionLCM job {job.number}", daemon=True)
    _threads[:] = [t for t in _threads if t.is_alive()]
    _threads.append(job.thread)
    job.thread.start()
    _watch()
    return job.number


def warm_up() -> None:
    """Load the model in the background, because it will soon be wanted. What goes wrong is told on Generate."""
    if bpy.app.background:
        return
    from .engine import chosen

    thread = threading.Thread(target=_load, args=(chosen(),), name="MotionLCM warm-up", daemon=True)
    _threads.append(thread)
    thread.start()


def poll() -> float | None:
    """Take finished work out of the queue and write it. Runs as a timer; returns the seconds to the next call."""
    global _current
    while True:
        try:
            number, outcome = _results.get_nowait()
        except queue.Empty:
            break
        job = _current
        if job is None or job.number != number:
            log.info("Dropped the result of job %d, which was cancelled or replaced.", number)
            continue
        _current = None
        _finish(job, outcome)
    if _current is None:
        return None
    if (status.progress, status.stage) != (_current.progress, _current.stage):
        _set(progress=_current.progress, stage=_current.stage)
    return INTERVAL


def running() -> int | None:
    """The number of the job that runs."""
    return None if _current is None else _current.number


def cancel() -> bool:
    """Stop the running job; nothing of it is written. Returns whether there was one."""
    if not replace():
        return False
    _set(running=False, message="Cancelled.", error=False, warnings=())
    return True


def replace() -> bool:
    """Give up the running job without a word."""
    global _current
    if _current is None:
        return False
    _current.cancelled.set()
    _current = None
    _set(running=False)
    return True


def tell(message: str, error: bool = False, warnings: tuple[str, ...] = ()) -> None:
    """Show a sentence in the panel and write it to the log."""
    log.log(logging.ERROR if error else logging.INFO, "%s", message)
    for warning in warnings:
        log.warning("%s", warning)
    _set(message=message, error=error, warnings=warnings)


def sentence_for(error: BaseException) -> str:
    """One sentence for any exception; unexpected ones leave their traceback in the log."""
    from ..motionlcm_blender.errors import MotionLCMError

    if isinstance(error, MotionLCMError):
        return str(error)
    if isinstance(error, ImportError):
        log.error("An import failed", exc_info=error)
        return f"A part of the extension is missing ({error.name or error}): reinstall it."
    if isinstance(error, MemoryError):
        log.error("Out of memory", exc_info=error)
        return "There is not enough memory: close something, or make the motion shorter."
    log.error("Unexpected error", exc_info=error)
    return f"Something unexpected went wrong ({type(error).__name__}: {error}); the system console tells more."


def _work(job: Job) -> None:
    try:
        from .worker import make

        _results.put((job.number, make(job.order, job.report, job.cancelled.is_set)))
    except BaseException as error:  # whatever it is, the main thread must hear of it
        _results.put((job.number, error))


def _load(choice: Choice) -> None:
    from .engine import model

    try:
        model(choice)
    except Exception as error:
        log.info("Not loaded ahead of time: %s", error)


def _finish(job: Job, outcome: Result | BaseException) -> None:
    _set(running=False, progress=1.0, stage="")
    try:
        if isinstance(outcome, BaseException):
            raise outcome
        tell(job.write(job.order, outcome), warnings=(*job.order.warnings, *outcome.warnings))
        if job.then is not None:
            job.then()
    except Exception as error:
        tell(sentence_for(error), error=True)


def _set(**values: object) -> None:
    for name, value in values.items():
        setattr(status, name, value)
    redraw()


def redraw() -> None:
    """Have sidebars and strips of shots drawn anew."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "DOPESHEET_EDITOR"}:
                area.tag_redraw()


def _watch() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(poll):
        bpy.app.timers.register(poll, first_interval=INTERVAL, persistent=True)


@persistent
def _file_changes(*_args: object) -> None:
    """Another file is about to be loaded: a running job has lost its scene."""
    replace()
    _set(message="", error=False, warnings=())


def attach() -> None:
    bpy.app.handlers.load_pre.append(_file_changes)


def detach() -> None:
    replace()
    if bpy.app.timers.is_registered(poll):
        bpy.app.timers.unregister(poll)
    bpy.app.handlers.load_pre.remove(_file_changes)
    for thread in _threads:
        thread.join(PATIENCE)
    _threads.clear()
