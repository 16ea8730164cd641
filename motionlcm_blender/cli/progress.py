"""Progress line and exit codes of the command line."""

from __future__ import annotations

import sys

DONE, FAILED, INTERRUPTED = 0, 1, 130


class ProgressLine:
    """A line on the error stream that changes, if the stream is a terminal."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()

    def __enter__(self) -> ProgressLine:
        return self

    def __call__(self, part: float, what: str) -> None:
        """Show the fraction 0..1 and the name of the stage."""
        if self.shown:
            print(f"\r\033[K{100 * part:3.0f} %  {what}", end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
