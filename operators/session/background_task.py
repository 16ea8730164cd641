"""Work in its own thread: its progress for drawing, a way to cancel it, and its outcome on the main thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import bpy

from ..scene.main_thread_timer import MainThreadTimer
from ..scene.messages import TaskStatus

Report = Callable[[float, str], None]
"""Called by the work with its progress, 0..1, and the name of its stage."""
Work = Callable[[Report, Callable[[], bool]], Any]
"""Runs in the thread and must not use bpy. Called with a report and a function that returns whether it was
cancelled."""
Finish = Callable[[Any], None]
"""Called on the main thread with the result of the work, or with the exception that it raised."""


@dataclass
class _Run:
    """One run of the work. The thread writes only progress, stage and outcome."""

    finish: Finish
    show: Callable[[_Run], None]
    progress: float = 0.0
    stage: str = "Starting"
    cancelled: threading.Event = field(default_factory=threading.Event)
    outcome: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)

    def report(self, fraction: float, stage: str) -> None:
        self.progress, self.stage = float(fraction), stage
        self.show(self)


class BackgroundTask:
    """A thread, a main-thread timer that takes its outcome, and a status to draw. One run at a time.

    Without a window, Blender's timers do not fire: the work then runs at once, or the caller calls `poll`.
    """

    def __init__(
        self,
        name: str,
        status: TaskStatus,
        redraw: Callable[[], None],
        interval: float,
        patience: float,
        poll: Callable[[], float | None] | None = None,
    ) -> None:
        """Prepare the task.

        Args:
            name: Name of its threads.
            status: The status to draw; the task sets running, progress and stage.
            redraw: Redraws the status.
            interval: Seconds between two polls of the work.
            patience: Seconds to wait for threads in `stop`.
            poll: Called by the timer in place of `self.poll`.
        """
        self.status = status
        self.threads: list[threading.Thread] = []
        self._name, self._redraw, self._interval, self._patience = name, redraw, interval, patience
        self._run: _Run | None = None
        self._drawn = 0.0, ""
        self._timer = MainThreadTimer(poll or self.poll, interval)

    @property
    def running(self) -> bool:
        return self._run is not None

    def start(self, work: Work, finish: Finish, wait: bool | None = None) -> None:
        """Start a run; a previous run is abandoned. wait: return when the run is done; None: if Blender has no
        window."""
        self.abandon()
        run = self._run = _Run(finish, self._show)
        self.status.running = True
        self._show(run)
        if bpy.app.background if wait is None else wait:
            _carry_out(run, work)
            self.poll()
            return
        thread = threading.Thread(target=_carry_out, args=(run, work), name=self._name, daemon=True)
        self.threads[:] = [*(each for each in self.threads if each.is_alive()), thread]
        thread.start()
        self.watch()
        self._redraw()

    def watch(self) -> None:
        """Start the timer that polls for the outcome."""
        self._timer.start()

    def poll(self) -> float | None:
        """Show the progress of the work, and take its outcome. Returns the seconds to the next call."""
        run = self._run
        if run is None:
            return None
        try:
            outcome = run.outcome.get_nowait()
        except queue.Empty:
            if self._drawn != (run.progress, run.stage):
                self._drawn = run.progress, run.stage
                self._redraw()
            return self._interval
        self._run = None
        self.status.running, self.status.progress, self.status.stage = False, 1.0, ""
        run.finish(outcome)
        self._redraw()
        return self._interval if self.running else None

    def cancel(self) -> bool:
        """Request the work to stop; its outcome is still taken. Returns whether a run was active."""
        if self._run is None:
            return False
        self._run.cancelled.set()
        self._run.stage = self.status.stage = "Cancelling"
        return True

    def abandon(self) -> None:
        """Request the work to stop; its outcome is dropped."""
        if self._run is not None:
            self._run.cancelled.set()
            self._run = None
            self.status.running = False

    def stop(self) -> None:
        """Abandon the work and wait for its threads. Called when the extension is disabled."""
        self._timer.stop()
        self.abandon()
        for thread in self.threads:
            thread.join(self._patience)
        self.threads.clear()

    def _show(self, run: _Run) -> None:
        """Copy a run's progress to the status; also called in its thread. The next `poll` redraws."""
        if self._run is run:
            self.status.progress, self.status.stage = run.progress, run.stage


def _carry_out(run: _Run, work: Work) -> None:
    try:
        run.outcome.put(work(run.report, run.cancelled.is_set))
    except BaseException as error:  # noqa: BLE001  any exception must reach the main thread
        run.outcome.put(error)
