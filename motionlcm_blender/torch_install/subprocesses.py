"""Child processes: the task is one line of JSON, messages are lines, and closing the input means stop.

A child that loses its parent, however that ended, stops its own children and exits.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from ..errors import Cancelled
from .errors import RuntimeProblem

MARK = "MOTIONLCM "
"""Prefix of lines for the parent; libraries print other lines."""
ENTRY = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from motionlcm_blender.torch_install.child_process import main; main()"
)
GRACE = 10.0
"""Seconds within which a child must exit after the request to stop."""
LOOK = 0.1
"""Seconds between two looks at the child and at the cancel button."""
NOT_INHERITED = (
    "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "CONDA_PREFIX", "PIP_TARGET", "PIP_PREFIX", "PIP_USER",
    "PIP_ROOT", "PIP_REQUIREMENT", "PIP_REQUIRE_VIRTUALENV", "UV_TARGET", "UV_PYTHON", "UV_SYSTEM_PYTHON",
    "UV_PROJECT_ENVIRONMENT", "UV_CACHE_DIR", "UV_NO_CACHE", "PIP_CONSTRAINT", "UV_CONSTRAINT", "UV_OVERRIDE",
)  # fmt: skip
"""Variables that would lead Python or an installer to other packages."""


class ChildEnded(RuntimeProblem):
    """A child ended without an answer: it crashed or was killed. code: its exit status."""

    def __init__(self, code: int) -> None:
        super().__init__(f"A helper process ended by itself (exit status {code}): try again; the log has the details.")
        self.code = code


def environment(temporary: Path | None = None) -> dict[str, str]:
    """Environment variables for a child. temporary: folder for temporary files, for small system disks."""
    out = {name: value for name, value in os.environ.items() if name.upper() not in NOT_INHERITED}
    out.setdefault("OMP_NUM_THREADS", str(min(8, os.cpu_count() or 1)))
    if temporary is not None:
        temporary.mkdir(parents=True, exist_ok=True)
        out |= {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    return out


def run_task(
    task: dict[str, Any],
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool],
    log: int | None = None,
    python: str = sys.executable,
) -> dict[str, Any]:
    """Run a task in a process of its own.

    Args:
        task: The task, as JSON values.
        progress: Called with a fraction 0..1 and a description.
        cancelled: True stops the child.
        log: File descriptor for the child's error output.
        python: The Python to run.

    Returns:
        The answer of the child.

    Raises:
        Cancelled: `cancelled` returned True.
        ChildEnded: The child crashed or was killed.
        RuntimeProblem: The task failed.
        OSError: The child cannot be started.
    """
    root = str(Path(__file__).resolve().parents[2])
    child = subprocess.Popen(
        [python, "-I", "-X", "utf8", "-B", "-c", ENTRY, root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if log is None else log,
        encoding="utf-8",
        errors="replace",
        env=environment(),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert child.stdin is not None and child.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    try:
        try:
            child.stdin.write(json.dumps(task) + "\n")
            child.stdin.flush()
        except OSError:
            pass  # the child has already ended, which is detected below
        return _listen(child, lines, progress, cancelled)
    finally:
        _stop(child)


def _read(stream: TextIO, lines: queue.SimpleQueue[str | None]) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _listen(
    child: subprocess.Popen[str],
    lines: queue.SimpleQueue[str | None],
    progress: Callable[[float, str], None],
    cancelled: Callable[[], bool],
) -> dict[str, Any]:
    while True:
        if cancelled():
            raise Cancelled
        try:
            line = lines.get(timeout=LOOK)
        except queue.Empty:
            continue
        if line is None:
            raise ChildEnded(child.wait())
        if not line.startswith(MARK):
            continue
        news = json.loads(line[len(MARK) :])
        if "error" in news:
            raise Cancelled if news["error"] is None else RuntimeProblem(news["error"])
        if "answer" in news:
            answer: dict[str, Any] = news["answer"]
            return answer
        progress(float(news["fraction"]), str(news["what"]))


def _stop(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None and child.stdout is not None
    with contextlib.suppress(OSError):
        child.stdin.close()
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run_program(
    command: list[str],
    on_line: Callable[[str], None],
    cancelled: Callable[[], bool],
    log: int,
    env: dict[str, str],
    look: Callable[[], None] = lambda: None,
) -> tuple[int, str]:
    """Run an installer.

    Args:
        command: The command line.
        on_line: Called with each line of output.
        cancelled: True stops the installer.
        log: File descriptor for the output.
        env: Environment variables.
        look: Called several times a second.

    Returns:
        Its exit status and its last output.

    Raises:
        Cancelled: `cancelled` returned True.
        OSError: The installer cannot be started.
    """
    os.write(log, (" ".join(command) + "\n").encode())
    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=env,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    assert program.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(program.stdout, lines), daemon=True).start()
    printed: list[str] = []
    try:
        while True:
            if cancelled():
                raise Cancelled
            look()
            try:
                line = lines.get(timeout=LOOK)
            except queue.Empty:
                continue
            if line is None:
                return program.wait(), "".join(printed[-200:])
            printed.append(line)
            os.write(log, line.encode())
            on_line(line)
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()
