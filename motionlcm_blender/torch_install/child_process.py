"""The child's side of `subprocesses.run_task`: the code that runs in a process of its own."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from ..errors import Cancelled, MotionLCMError
from .errors import of_system
from .subprocesses import GRACE, MARK

_stopped = threading.Event()


def main() -> None:
    """Read the task, execute it, report the result, and exit immediately."""
    news = sys.stdout
    sys.stdout = sys.stderr  # output of libraries goes to the log
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_wait_for_the_end, daemon=True).start()
    sys.path.extend(folder for folder in task.get("paths", ()) if folder not in sys.path)
    try:
        _send(news, answer=_carried_out(task, news))
        code = 0
    except Cancelled:
        _send(news, error=None)
        code = 1
    except MotionLCMError as error:
        _send(news, error=str(error))
        code = 1
    except OSError as error:
        traceback.print_exc()
        _send(news, error=str(of_system(error, str(task.get("home", "")))))
        code = 1
    except BaseException as error:  # noqa: BLE001  each exception reaches the parent process as a sentence
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        _send(
            news,
            error=f"Something unexpected went wrong ({what}): try again; the log has the details, see Copy Report.",
        )
        code = 1
    sys.stderr.flush()
    os._exit(code)  # libraries may hang or crash at exit


def _carried_out(task: dict[str, Any], news: TextIO) -> dict[str, Any]:
    if task["do"] == "import":
        from .trial import imported

        return imported()
    if task["do"] == "check":
        from .trial import compared

        return compared(Path(task["model"]) if task["model"] else None)
    from dataclasses import asdict

    from .install import Setup, check_again, install

    setup = Setup.from_json(task["setup"])
    work = {"install": install, "check again": check_again}[task["do"]]
    return asdict(work(setup, lambda fraction, what: _send(news, fraction=fraction, what=what), _stopped.is_set))


def _send(news: TextIO, **facts: Any) -> None:
    try:
        news.write(MARK + json.dumps(facts) + "\n")
        news.flush()
    except OSError:
        _stopped.set()  # the parent has gone


def _wait_for_the_end() -> None:
    while sys.stdin.read(1 << 10):
        pass
    _stopped.set()
    time.sleep(GRACE / 2)
    os._exit(1)  # a library hangs
