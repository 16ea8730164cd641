"""How much of the processor time that a session of processes wanted it was given.

Linux counts for each thread how long it ran and how long it was ready to run but had to wait
(/proc/PID/task/TID/schedstat). A test that waits for a slow machine and a test that is wrong look the same from
outside; this module distinguishes them.
"""

from __future__ import annotations

import threading
from pathlib import Path

STARVED = 0.5
"""A session with a smaller share of a core starves: its measurements do not describe the program."""
INTERVAL_S = 2.0


class ProcessorShare:
    """Watches all processes of one session until it is left; threads that end in between count as last seen."""

    def __init__(self, session: int, proc: Path = Path("/proc")) -> None:
        self.session = session
        self.proc = proc
        self._seen: dict[str, tuple[int, int]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ProcessorShare:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def share(self) -> float:
        """From 0 to 1; 1 where the system does not count, so that nothing is excused there."""
        ran, waited = (sum(each[k] for each in self._seen.values()) for k in (0, 1))
        return ran / (ran + waited) if ran + waited else 1.0

    @property
    def starved(self) -> bool:
        return self.share < STARVED

    def look(self) -> None:
        """Read what the threads of the session have run and waited since they began."""
        for process in self.proc.glob("[0-9]*"):
            try:
                # The name, in brackets, may hold anything; the session is the fourth word behind it.
                session = int((process / "stat").read_text().rpartition(")")[2].split()[3])
                if session != self.session:
                    continue
                for thread in (process / "task").iterdir():
                    ran, waited, _ = (thread / "schedstat").read_text().split()
                    self._seen[f"{process.name}/{thread.name}"] = int(ran), int(waited)
            except (OSError, ValueError, IndexError):
                continue  # it has just ended, or the system does not count

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL_S):
            self.look()
