"""Where an installation lies, and the lock that keeps two Blenders from working on it at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Busy

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class InstallPaths:
    """home: the folder of one Python version; uv and its cache beside it serve all of them."""

    home: Path

    @classmethod
    def under(cls, folder: Path) -> InstallPaths:
        """Those of this Python, below the extension's own folder."""
        return cls(folder / "runtime" / f"python{sys.version_info[0]}.{sys.version_info[1]}")

    @property
    def packages(self) -> Path:
        """What is used; comes into being whole."""
        return self.home / "packages"

    def fresh(self, install: str) -> Path:
        """What is being installed, or has not been tried yet. Named for the one installation: should its installer
        outlive it, then it does not write into the next one."""
        return self.home / f"new-{install}"

    @property
    def unfinished(self) -> list[Path]:
        """What installations left that came to no end."""
        return sorted(self.home.glob("new-*"))

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    @property
    def trials(self) -> Path:
        """What came of trying PyTorch that was installed by others."""
        return self.home / "trials.json"

    @property
    def importing(self) -> Path:
        """Is there while a Blender imports PyTorch, and locked by it; left behind if that crashed."""
        return self.home / "importing"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def log(self) -> Path:
        return self.home / "install.log"

    @property
    def cache(self) -> Path:
        return self.home.parent / "cache"

    @property
    def tools(self) -> Path:
        return self.home.parent / "tools"

    @property
    def removed(self) -> list[Path]:
        """What was renamed to be deleted, and could not be yet."""
        return sorted(self.home.glob("removed-*"))

    def open_log(self) -> int:
        """A file descriptor to append to; a long log is begun anew."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            os.replace(self.log, self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


@contextmanager
def locked(path: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold a lock that ends with the process that has it, however it ends. Raises Busy, OSError.

    patience: seconds to wait for it; others hold it for a moment to see whether it is free.
    """
    lock = take_lock(path, patience)
    if lock is None:
        raise Busy
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether a process holds it now."""
    if not path.exists():
        return False
    try:
        with locked(path, 0.0):
            return False
    except Busy:
        return True
    except OSError:
        return False


def take_lock(path: Path, patience: float = 0.0) -> BaseFileLock | None:
    """A lock to be released, by any thread; None if another holds it for `patience` seconds. Raises OSError."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, patience, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock
