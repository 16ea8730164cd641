"""The frame of a script that runs in a Blender of its own: arguments, one sentence for an error, and the end."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn


def run_program(work: Callable[[list[str]], None], arguments: int, usage: str) -> NoReturn:
    """Run the script and end the process.

    Args:
        work: The script, called with its arguments: those after "--" in Blender, else all.
        arguments: Number of arguments it needs; with another number the usage is printed, exit status 2.
        usage: The module's docstring.

    The exit status is 1 if `work` raises; the traceback and one sentence go to the standard error.
    """
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    code = 0
    if len(given) != arguments:
        print(usage, file=sys.stderr)
        code = 2
    else:
        try:
            work(given)
        except Exception as error:  # noqa: BLE001  each exception ends the program with a sentence
            traceback.print_exc()
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender 4.2 and 4.5 do not survive Python's own ending
