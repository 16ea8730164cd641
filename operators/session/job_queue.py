"""Generation without blocking: a worker thread for each order, and one timer on the main thread.

The worker computes and puts its result into a queue; `poll` takes it out on the main thread and writes it. A job
that was cancelled or replaced is known by its number, and whatever it still delivers is dropped.
One job runs at a time. Characters take turns: each has one turn in the line at most, a turn is one job, and what is
left of a request goes to the end of the line. A new request for a character replaces its former one.
Where Blender runs without a window, timers do not fire: orders are then carried out at once, or `poll` is called
by hand.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

from ..scene.messages import sentence_for, set_status, status, tell

if TYPE_CHECKING:
    from ..scene.handles import Handle
    from .generation_worker import Order, Result
    from .model_choice import Choice

log = logging.getLogger(__name__)

INTERVAL = 0.02
"""Seconds between two looks at the queue while a job runs."""
PATIENCE = 10.0
"""Seconds to wait for a cancelled worker when the extension is switched off."""

_numbers = itertools.count(1)


@dataclass
class Job:
    """One order on its way. The worker writes only progress and stage.

    write: called on the main thread with the order and its result, returns the sentence to show.
    then: makes the next job of the same request, in a later turn; None if there is nothing left to do.
    subject: what is made, such as the identity of a shot.
    """

    order: Order
    write: Callable[[Order, Result], str]
    then: Start | None = None
    subject: str = ""
    number: int = field(default_factory=lambda: next(_numbers))
    cancelled: threading.Event = field(default_factory=threading.Event)
    progress: float = 0.0
    stage: str = ""
    thread: threading.Thread | None = None

    def report(self, share: float, stage: str) -> None:
        self.progress, self.stage = float(share), stage


Start = Callable[[], "Job | None"]
"""Makes a job when its turn has come; None if there is nothing left to do. May raise what `sentence_for` can tell."""


@dataclass
class Turn:
    """A character that waits, and what makes its next job."""

    owner: Handle
    start: Start


_results: queue.SimpleQueue[tuple[int, Result | BaseException]] = queue.SimpleQueue()
_current: Job | None = None
_line: list[Turn] = []
_at_once = False
"""Whether what waits is carried out before anything else is done, as was said when it was asked for."""
_failed: list[str] = []
"""What went wrong for one character while others still waited; shown until something new is asked for."""
_threads: list[threading.Thread] = []


def ask(turns: Sequence[Turn], wait: bool | None = None) -> None:
    """Put characters into the line; what they asked for before is replaced. Starts the first if nothing runs.

    wait: carry everything out before returning; None: if Blender has no window.
    """
    global _at_once
    _at_once = bpy.app.background if wait is None else wait
    for turn in turns:
        drop(turn.owner)
    if _current is None:
        _failed.clear()
    _line.extend(turns)
    set_status(message="", error=False, warnings=())
    _serve()


def carry_out(start: Start) -> list[str]:
    """Make a job and all that follows from it here and now, whatever waits. Returns the sentences.

    Raises what goes wrong.
    """
    from .generation_worker import make

    told = []
    turn: Start | None = start
    while turn is not None:
        job = turn()
        if job is None:
            break
        outcome = make(job.order, job.report, job.cancelled.is_set)
        told.append(job.write(job.order, outcome))
        tell(told[-1], warnings=(*job.order.warnings, *outcome.warnings))
        turn = job.then
    return told


def warm_up() -> None:
    """Load and try the model in the background: it will soon be wanted. What goes wrong is told on Generate."""
    if bpy.app.background:
        return
    from .model_choice import chosen

    thread = threading.Thread(target=_warm_up, args=(chosen(),), name="MotionLCM warm-up", daemon=True)
    _threads.append(thread)
    thread.start()
    _unload_later()


def poll() -> float | None:
    """Take finished work out of the queue, write it, and go on with whose turn it is. Runs as a timer; returns the
    seconds to the next call."""
    _take()
    _serve()
    if _current is None:
        return None
    if (status.progress, status.stage) != (_current.progress, _current.stage):
        set_status(progress=_current.progress, stage=_current.stage)
    return INTERVAL


def makes(owner: int, subject: str) -> bool:
    """Whether the running job makes this for the character with this session id."""
    return _current is not None and _current.subject == subject and _current.order.character.session_uid == owner


def cancel(everything: bool = False) -> bool:
    """Stop the running job and what would follow it; nothing of it is written. everything: the waiting ones too.

    Returns whether there was one.
    """
    if _current is None:
        return False
    drop(None if everything else _current.order.character)
    set_status(message="Cancelled.", error=False, warnings=())
    _serve()
    return True


def drop(owner: Handle | None = None) -> int:
    """Give up what a character has asked for, or all have, without a word. Returns how many requests that were."""
    global _current
    uid = None if owner is None else owner.session_uid  # names may change
    before = len(_line) + (_current is not None)
    if _current is not None and uid in (None, _current.order.character.session_uid):
        _current.cancelled.set()
        _current = None
    _line[:] = [turn for turn in _line if uid not in (None, turn.owner.session_uid)]
    set_status(running=_current is not None, waiting=len(_line))
    return before - len(_line) - (_current is not None)


def _serve() -> None:
    """Give the first in the line its turn, if nothing runs; where all is carried out at once, until it is empty."""
    global _current
    while _current is None and _line:
        turn = _line.pop(0)
        set_status(waiting=len(_line))
        try:
            job = turn.start()
        except Exception as error:
            _fail(error, turn.owner)
            continue
        if job is None:
            continue
        _current = job
        set_status(running=True, progress=0.0, stage="Starting", who=turn.owner.name, warnings=_shown(job))
        if _at_once:
            _work(job)
            _take()
            continue
        job.thread = threading.Thread(target=_work, args=(job,), name=f"MotionLCM job {job.number}", daemon=True)
        _threads[:] = [t for t in _threads if t.is_alive()]
        _threads.append(job.thread)
        job.thread.start()
    if _current is not None:
        set_status(waiting=len(_line))
        _watch()


def _take() -> None:
    """Write what has been delivered."""
    global _current
    while True:
        try:
            number, outcome = _results.get_nowait()
        except queue.Empty:
            return
        job = _current
        if job is None or job.number != number:
            log.info("Dropped the result of job %d, which was cancelled or replaced.", number)
            continue
        _current = None
        _finish(job, outcome)


def _work(job: Job) -> None:
    try:
        from .generation_worker import make

        _results.put((job.number, make(job.order, job.report, job.cancelled.is_set)))
    except BaseException as error:  # whatever it is, the main thread must hear of it
        _results.put((job.number, error))


def _warm_up(choice: Choice) -> None:
    from .model_session import warm_up

    try:
        warm_up(choice)
    except Exception as error:
        log.info("Not loaded ahead of time: %s", error)


def _finish(job: Job, outcome: Result | BaseException) -> None:
    set_status(running=False, progress=1.0, stage="")
    _unload_later()
    try:
        if isinstance(outcome, BaseException):
            raise outcome
        tell(job.write(job.order, outcome), warnings=(*_shown(job), *outcome.warnings))
    except Exception as error:
        _fail(error, job.order.character)
        return
    if job.then is not None:
        _line.append(Turn(job.order.character, job.then))


def _unload_later() -> None:
    from . import idle_unload  # which needs this module

    idle_unload.watch()


def _fail(error: Exception, owner: Handle) -> None:
    """Tell what went wrong; where others still wait, it stays among the warnings of what comes of theirs."""
    earlier = tuple(_failed)
    sentence = sentence_for(error)
    if (_line or _failed) and owner.name not in sentence:
        sentence = f"{owner.name}: {sentence}"
    if _line:
        _failed.append(sentence)
    tell(sentence, error=True, warnings=earlier)


def _shown(job: Job) -> tuple[str, ...]:
    return (*_failed, *job.order.warnings)


def _watch() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(poll):
        bpy.app.timers.register(poll, first_interval=INTERVAL, persistent=True)


@persistent
def _file_changes(*_args: object) -> None:
    """Another file is about to be loaded: what runs or waits has lost its scene."""
    dropped = drop()
    _failed.clear()
    what = "what was asked for was" if dropped == 1 else f"the requests of {dropped} characters were"
    set_status(message=f"Another file was opened, so {what} not made." if dropped else "", error=False, warnings=())


def register_properties() -> None:
    bpy.app.handlers.load_pre.append(_file_changes)


def unregister_properties() -> None:
    drop()
    if bpy.app.timers.is_registered(poll):
        bpy.app.timers.unregister(poll)
    bpy.app.handlers.load_pre.remove(_file_changes)
    for thread in _threads:
        thread.join(PATIENCE)
    _threads.clear()
