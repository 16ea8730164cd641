"""A log file of limited size, and the last errors for a report.

Each Blender writes its own file: otherwise one Blender's rotation would truncate the log of another.
"""

import logging
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..scene import addon

if TYPE_CHECKING:
    from filelock import BaseFileLock

MOST_BYTES, FILES = 1 << 20, 3
MOST_BLENDERS = 8
NAME = "motionlcm"
FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LogFile(logging.Handler):
    """Opens its file with the first record. A full or read-only disk raises no error."""

    def __init__(self, folder: Path | None) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(FORM))
        self.folder = folder
        self.errors: deque[str] = deque(maxlen=5)
        self.opened: logging.Handler | None = None
        self.file_lock: BaseFileLock | None = None
        self._opening = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if record.levelno >= logging.ERROR or record.exc_info:
                self.errors.append(self.format(record))
            if not logging.getLogger().handlers and record.levelno >= logging.WARNING:
                # Python writes to the console only if a logger has no handler at all.
                assert logging.lastResort is not None
                logging.lastResort.handle(record)
            file = self._file()
            if file is not None:
                file.emit(record)
        except Exception:  # noqa: BLE001  a failure of the log must not stop the extension
            self.folder = None

    def close(self) -> None:
        if self.opened is not None:
            self.opened.close()
        if self.file_lock is not None:
            self.file_lock.release()
        self.opened = self.file_lock = None
        super().close()

    def _file(self) -> logging.Handler | None:
        with self._opening:
            if self.opened is None and self.folder is not None:
                self.opened = self._open(self.folder)
                if self.opened is None:
                    self.folder = None
            return self.opened

    def _open(self, folder: Path) -> logging.Handler | None:
        """The first file that no other Blender writes to."""
        from ...motionlcm_blender.files.file_locks import take_lock

        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_BLENDERS + 1):
            name = NAME if number == 1 else f"{NAME}-{number}"
            self.file_lock = take_lock(folder / f"{name}.lock")
            if self.file_lock is None:
                continue
            return self._rotating(folder / f"{name}.log")
        return None

    def _rotating(self, path: Path) -> logging.Handler:
        from logging.handlers import RotatingFileHandler

        class Quiet(RotatingFileHandler):
            """Prints nothing on the console if the disk is full."""

            def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
                pass

        file = Quiet(path, maxBytes=MOST_BYTES, backupCount=FILES - 1, encoding="utf-8")
        file.setFormatter(self.formatter)
        return file


_handler: LogFile | None = None


def folder() -> Path | None:
    """The folder of the log; None when this is not run as an extension."""
    try:
        return Path(bpy.utils.extension_path_user(addon.ROOT_PACKAGE, path="log", create=False))
    except ValueError:
        return None


def last_errors() -> list[str]:
    """The last errors with their tracebacks, the latest at the end."""
    return list(_handler.errors) if _handler is not None else []


def register_properties() -> None:
    global _handler
    logger = logging.getLogger(addon.ROOT_PACKAGE)
    _handler = LogFile(folder())
    logger.addHandler(_handler)
    logger.setLevel(logging.INFO)


def unregister_properties() -> None:
    global _handler
    if _handler is not None:
        logger = logging.getLogger(addon.ROOT_PACKAGE)
        logger.removeHandler(_handler)
        logger.setLevel(logging.NOTSET)
        _handler.close()
    _handler = None
