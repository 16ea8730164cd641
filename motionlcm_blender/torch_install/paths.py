"""Paths of an installation, and the lock against concurrent work on it by two Blenders."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..files.file_locks import take_lock
from .errors import Busy

LOG_BYTES = 1 << 20


@dataclass(frozen=True)
class InstallPaths:
    """Paths of an installation. home: the folder of one Python version; all share uv and its cache beside it."""

    home: Path

    @classmethod
    def under(cls, folder: Path) -> InstallPaths:
        """Paths for this Python, below the extension's own folder."""
        return cls(folder / "runtime" / f"python{sys.version_info[0]}.{sys.version_info[1]}")

    @property
    def packages(self) -> Path:
        """The packages in use; appears complete."""
        return self.home / "packages"

    def fresh(self, install: str) -> Path:
        """Packages that are being installed or not yet tested.

        Each installation has its own folder: an installer that outlives its installation does not write into the next
        one.
        """
        return self.home / f"new-{install}"

    @property
    def unfinished(self) -> list[Path]:
        """Folders of aborted installations."""
        return sorted(self.home.glob("new-*"))

    @property
    def state(self) -> Path:
        """File of the record."""
        return self.home / "state.json"

    @property
    def trials(self) -> Path:
        """File of the test results of a PyTorch that was installed by other means."""
        return self.home / "trials.json"

    @property
    def importing(self) -> Path:
        """File that exists and is locked while a Blender imports PyTorch; it remains after a crash."""
        return self.home / "importing"

    @property
    def lock(self) -> Path:
        """File of the lock."""
        return self.home / "lock"

    @property
    def log(self) -> Path:
        """File of the log."""
        return self.home / "install.log"

    @property
    def cache(self) -> Path:
        """Cache of the installer."""
        return self.home.parent / "cache"

    @property
    def tools(self) -> Path:
        """Folder of the installer."""
        return self.home.parent / "tools"

    @property
    def removed(self) -> list[Path]:
        """Folders that were renamed for deletion and could not be deleted yet."""
        return sorted(self.home.glob("removed-*"))

    def open_log(self) -> int:
        """Open the log for appending and return its file descriptor; a long log is restarted."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


@contextmanager
def locked(path: Path, patience: float = 1.0) -> Iterator[None]:
    """Hold a lock that ends with its process, however that ends.

    Args:
        path: The lock's file.
        patience: Seconds to wait for the lock; other processes hold it briefly to test it.

    Raises:
        Busy: Another process has the lock.
        OSError: The file cannot be opened.
    """
    lock = take_lock(path, patience)
    if lock is None:
        raise Busy
    try:
        yield
    finally:
        lock.release()
