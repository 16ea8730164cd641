"""A worker thread that always works on the newest request.

One request runs at a time and one waits. A newer request replaces the one that waits, and the thread starts it as soon
as it is free, without the main thread. The main thread takes the newest answer when it has time for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")

IDLE_SECONDS = 2.0
"""The thread ends after this time without a request; the next request starts another one."""


@dataclass(frozen=True)
class Answer(Generic[Q, A]):
    """What became of one request.

    Attributes:
        request: The request.
        outcome: The result of the work, or the exception that it raised.
    """

    request: Q
    outcome: A | BaseException


@dataclass
class Counts:
    """Numbers of requests: offered, replaced by a newer one before they started, and answered."""

    offered: int = 0
    dropped: int = 0
    answered: int = 0


class NewestRequest(Generic[Q, A]):
    """One request at a time, the newest next. `offer`, `take`, `cancel` and `stop` are for one thread, the main one."""

    def __init__(
        self, work: Callable[[Q, Callable[[], bool]], A], name: str, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        """Prepare the worker; no thread starts.

        Args:
            work: Called in the thread with a request and a function that returns whether the request was cancelled.
            name: Name of the thread.
            idle_seconds: Time without a request after which the thread ends.
        """
        self.counts = Counts()
        self._work, self._name, self._idle = work, name, idle_seconds
        self._changed = threading.Condition()
        self._waiting: list[Q] = []
        self._running: threading.Event | None = None
        self._answer: Answer[Q, A] | None = None
        self._thread: threading.Thread | None = None
        self._stopped = False

    @property
    def busy(self) -> bool:
        """Whether a request runs or waits."""
        with self._changed:
            return self._running is not None or bool(self._waiting)

    def offer(self, request: Q, at_once: bool = False) -> None:
        """Queue a request after the running one; replaces the one that waits. at_once: cancel the running one."""
        with self._changed:
            self.counts.offered += 1
            self.counts.dropped += len(self._waiting)
            self._waiting[:] = [request]
            if at_once and self._running is not None:
                self._running.set()
            if self._thread is None or not self._thread.is_alive():
                self._stopped = False
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def take(self) -> Answer[Q, A] | None:
        """The newest answer that was not taken yet, or None."""
        with self._changed:
            found, self._answer = self._answer, None
            return found

    def cancel(self) -> None:
        """Drop all requests and results; the running request is cancelled and its result is dropped."""
        with self._changed:
            self._waiting.clear()
            self._answer = None
            if self._running is not None:
                self._running.set()

    def stop(self, patience: float) -> None:
        """Drop everything and wait for the thread, so many seconds at most."""
        self.cancel()
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(patience)

    def wait(self, patience: float) -> bool:
        """Wait until no request runs or waits, so many seconds at most. Returns whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running is None and not self._waiting, patience)

    def _next(self) -> tuple[Q, threading.Event] | None:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting) or self._stopped, self._idle)
            if self._stopped or not self._waiting:
                self._thread = None
                return None
            self._running = threading.Event()
            return self._waiting.pop(), self._running

    def _run(self) -> None:
        while (found := self._next()) is not None:
            request, cancelled = found
            outcome: A | BaseException
            try:
                outcome = self._work(request, cancelled.is_set)
            except BaseException as error:  # noqa: BLE001  any exception must reach the main thread
                outcome = error
            with self._changed:
                self._running = None
                if not cancelled.is_set():
                    self._answer = Answer(request, outcome)
                    self.counts.answered += 1
                self._changed.notify_all()
