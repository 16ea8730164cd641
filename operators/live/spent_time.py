"""Time that pieces of Live's work take, for tests and measurements."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Spent:
    """Time of one piece of work.

    at: seconds. what: "read", "show" and "finish" on the main thread, "make" in the worker thread.
    processor: the part of the milliseconds in which the processor worked on it.
    """

    at: float
    what: str
    milliseconds: float
    processor: float


@contextmanager
def timed(spent: deque[Spent], what: str) -> Iterator[None]:
    """Measure a piece of work, as a context, and append it."""
    began, of_thread = time.perf_counter(), time.thread_time()
    yield
    wall, processor = time.perf_counter() - began, time.thread_time() - of_thread
    spent.append(Spent(time.monotonic(), what, 1000.0 * wall, 1000.0 * processor))
