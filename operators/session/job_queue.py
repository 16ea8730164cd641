"""Generation in the background: a worker thread per job, and one timer on the main thread.

The worker computes; `poll` takes its result on the main thread and writes it. Results of cancelled or replaced jobs are
dropped. One job runs at a time. Each character has at most one place in the queue. A place runs one job; the remaining
jobs of its request go to the end of the queue. A new request for a character replaces its previous request. Without a
window, Blender's timers do not fire: jobs then run at once, or the caller calls `poll`.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy
from bpy.app.handlers import persistent

from ..scene import messages
from ..scene.messages import sentence_for, set_status, show_message
from . import idle_unload, model_session
from .background_task import BackgroundTask, Report
from .model_choice import Choice, chosen

if TYPE_CHECKING:
    from ..scene.handles import Handle
    from .generation_worker import GenerationJobInput, GenerationOutput

log = logging.getLogger(__name__)

INTERVAL = 0.02
"""Seconds between two polls while a job runs."""
RENDER_INTERVAL = 0.5
"""Seconds between two polls while Blender renders."""
PATIENCE = 10.0
"""Seconds to wait for a cancelled worker when the extension is disabled."""

_numbers = itertools.count(1)


def is_rendering() -> bool:
    """Whether Blender renders an image or an animation."""
    return bool(bpy.app.is_job_running("RENDER"))


@dataclass
class Job:
    """One generation.

    write: called on the main thread with the job input and its result, returns the sentence to show.
    then: returns the next job of the same request; None if no job remains.
    subject: the target of the generation, such as the identity of a shot.
    """

    order: GenerationJobInput
    write: Callable[[GenerationJobInput, GenerationOutput], str]
    then: Start | None = None
    subject: str = ""
    number: int = field(default_factory=lambda: next(_numbers))


Start = Callable[[], "Job | None"]
"""Makes a job when its place in the queue is reached; None if no work remains. May raise any error that `sentence_for`
converts."""


@dataclass
class QueuedJob:
    """A waiting character, and the function that makes its next job."""

    owner: Handle
    start: Start


class JobQueue:
    """The running and the waiting jobs. Used on the main thread only."""

    def __init__(self) -> None:
        self.task = BackgroundTask(
            "MotionLCM job", messages.status, messages.redraw, INTERVAL, PATIENCE, poll=self.poll
        )
        self.current: Job | None = None
        self._waiting: list[QueuedJob] = []
        self._at_once = False
        """Whether `enqueue` runs the waiting jobs before it returns."""
        self._failed: list[str] = []
        """What went wrong for one character while others still waited; shown until something new is enqueued."""

    def enqueue(self, queued: Sequence[QueuedJob], wait: bool | None = None) -> None:
        """Enqueue one job per character; replaces a running or waiting job of the same character.

        Args:
            queued: Characters and the functions that make their jobs. The first starts if no job runs.
            wait: Run all jobs before returning; None: if Blender has no window.
        """
        self._at_once = bpy.app.background if wait is None else wait
        for each in queued:
            self.cancel_owner(each.owner)
        if self.current is None:
            self._failed.clear()
        self._waiting.extend(queued)
        set_status(message="", error=False, warnings=())
        self._start_next()

    def poll(self) -> float | None:
        """Write delivered results, and start the next job. Runs as a timer; returns the seconds to the next call.

        While Blender renders, nothing is written and no scene is read: both would change the frame or the Actions of
        the render.
        """
        if is_rendering():
            if self.current is not None or self._waiting:
                set_status(stage="Waiting for the render")
            return RENDER_INTERVAL
        self.task.poll()
        self._start_next()
        return None if self.current is None else INTERVAL

    def makes(self, owner: int, subject: str) -> bool:
        """Whether the running job generates this subject for the character with this session id."""
        job = self.current
        return job is not None and job.subject == subject and job.order.character.session_uid == owner

    def cancel(self, everything: bool = False) -> bool:
        """Cancel the running job and its follow-up jobs without writing a result. everything: the waiting jobs too.

        Returns whether there was a job.
        """
        if self.current is None:
            return False
        self.cancel_owner(None if everything else self.current.order.character)
        set_status(message="Cancelled.", error=False, warnings=())
        self._start_next()
        return True

    def cancel_owner(self, owner: Handle | None = None) -> int:
        """Drop the requests of one character, or of all characters, without a message. Returns the number of dropped
        requests."""
        uid = None if owner is None else owner.session_uid  # names may change
        before = len(self._waiting) + (self.current is not None)
        if self.current is not None and uid in (None, self.current.order.character.session_uid):
            self.task.abandon()
            self.current = None
        self._waiting[:] = [each for each in self._waiting if uid not in (None, each.owner.session_uid)]
        set_status(running=self.current is not None, waiting=len(self._waiting))
        return before - len(self._waiting) - (self.current is not None)

    def file_changes(self) -> None:
        """Drop all jobs before another file is loaded, because their scene disappears."""
        dropped = self.cancel_owner()
        self._failed.clear()
        what = "the request was" if dropped == 1 else f"the requests of {dropped} characters were"
        message = f"Another file was opened, so {what} cancelled." if dropped else ""
        set_status(message=message, error=False, warnings=())

    def warm_up(self) -> None:
        """Load and run the model in the background before the first request. Errors are logged only; Generate reports
        them."""
        if bpy.app.background:
            return
        thread = threading.Thread(target=_warm_up, args=(chosen(),), name="MotionLCM warm-up", daemon=True)
        self.task.threads.append(thread)
        thread.start()
        idle_unload.watch()

    def stop(self) -> None:
        """Cancel all jobs and wait for the threads."""
        self.cancel_owner()
        self.task.stop()

    def _start_next(self) -> None:
        """Start the first waiting job, if no job runs; without a window, run jobs until none waits."""
        if is_rendering() and self._waiting:
            set_status(waiting=len(self._waiting), stage="Waiting for the render")
            self.task.watch()
            return
        while self.current is None and self._waiting:
            queued = self._waiting.pop(0)
            set_status(waiting=len(self._waiting))
            try:
                job = queued.start()
            except Exception as error:  # noqa: BLE001  each exception becomes a sentence; the next job starts
                self._fail(error, queued.owner)
                continue
            if job is not None:
                self._start(job, queued.owner)
        if self.current is not None:
            set_status(waiting=len(self._waiting))
            self.task.watch()

    def _start(self, job: Job, owner: Handle) -> None:
        def work(report: Report, cancelled: Callable[[], bool]) -> GenerationOutput:
            from .generation_worker import make

            return make(job.order, report, cancelled)

        self.current = job
        set_status(running=True, progress=0.0, stage="Starting", who=owner.name, warnings=self._shown(job))
        self.task.start(work, lambda outcome: self._finish(job, outcome), wait=self._at_once)

    def _finish(self, job: Job, outcome: GenerationOutput | BaseException) -> None:
        self.current = None
        idle_unload.watch()
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            show_message(job.write(job.order, outcome), warnings=(*self._shown(job), *outcome.warnings))
        except Exception as error:  # noqa: BLE001  each exception becomes a sentence; the next job starts
            self._fail(error, job.order.character)
            return
        if job.then is not None:
            self._waiting.append(QueuedJob(job.order.character, job.then))

    def _fail(self, error: Exception, owner: Handle) -> None:
        """Show an error. If other jobs wait, the error stays among the warnings of their results."""
        earlier = tuple(self._failed)
        sentence = sentence_for(error)
        if (self._waiting or self._failed) and owner.name not in sentence:
            sentence = f"{owner.name}: {sentence}"
        if self._waiting:
            self._failed.append(sentence)
        show_message(sentence, error=True, warnings=earlier)

    def _shown(self, job: Job) -> tuple[str, ...]:
        return (*self._failed, *job.order.warnings)


def run_blocking(start: Start) -> list[str]:
    """Run a job and its follow-up jobs now, ahead of waiting jobs. Returns the sentences.

    Raises the error of a failed job.
    """
    from .generation_worker import make

    sentences = []
    following: Start | None = start
    while following is not None:
        job = following()
        if job is None:
            break
        outcome = make(job.order, lambda _fraction, _stage: None, lambda: False)
        sentences.append(job.write(job.order, outcome))
        show_message(sentences[-1], warnings=(*job.order.warnings, *outcome.warnings))
        following = job.then
    return sentences


def _warm_up(choice: Choice) -> None:
    try:
        model_session.get().warm_up(choice)
    except Exception as error:  # noqa: BLE001  only speed is lost; generating reports the cause
        log.info("The model was not loaded in advance: %s", error)


_queue: JobQueue | None = None


def get() -> JobQueue:
    """The queue of this Blender, available after registration."""
    assert _queue is not None, "the extension is not registered"
    return _queue


@persistent
def _file_changes(*_args: object) -> None:
    get().file_changes()


def register_properties() -> None:
    global _queue
    _queue = JobQueue()
    bpy.app.handlers.load_pre.append(_file_changes)


def unregister_properties() -> None:
    global _queue
    if _file_changes in bpy.app.handlers.load_pre:
        bpy.app.handlers.load_pre.remove(_file_changes)
    if _queue is not None:
        _queue.stop()
    _queue = None
