"""Locks of files that end with their process, and notes that remain after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock


def take_lock(path: Path, patience: float = 0.0) -> BaseFileLock | None:
    """Take a lock that ends with its process, however that ends.

    Args:
        path: The lock's file; its folder is made.
        patience: Seconds to wait for another process that has the lock.

    Returns:
        A lock to be released, by any thread; None if another process kept it.

    Raises:
        OSError: The file cannot be opened.
    """
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, patience, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock."""
    if not path.exists():
        return False
    try:
        lock = take_lock(path)
    except OSError:
        return False
    if lock is not None:
        lock.release()
    return lock is None


def crashed_within(note: Path) -> bool:
    """Whether a process ended inside `crash_note` with this file."""
    remains = note.exists()
    return remains and not is_locked(note)


@contextmanager
def crash_note(note: Path) -> Iterator[None]:
    """Keep a locked file while code runs that may end the process; the file remains if the code does.

    The code also runs where the note cannot be written, and beside another process that holds it. An exception is no
    crash.
    """
    try:
        lock = take_lock(note)
    except OSError:
        lock = None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()
            note.unlink(missing_ok=True)
