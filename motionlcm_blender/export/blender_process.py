"""Writing of .blend files by a Blender in a process of its own: the engine itself never imports bpy.

Candidates are this interpreter (the PyPI package `bpy`), the environment variable BLENDER (an executable, or a Python
that has bpy), the PATH, and the environments that `make` sets up.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..errors import MotionLCMError

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "operators" / "scripts" / "write_blend.py"
SECONDS = 300
"""Longest time of the child Blender."""


@dataclass(frozen=True)
class Blender:
    """A program that can run Blender scripts.

    Attributes:
        program: The executable.
        is_python: It is a Python with bpy, not a Blender.
    """

    program: Path
    is_python: bool

    def command(self, script: Path, *arguments: str) -> list[str]:
        """Command line for a script and its arguments."""
        if self.is_python:
            return [str(self.program), str(script), *arguments]
        options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python", str(script), "--"]
        return [str(self.program), *options, *arguments]


def find_blender(named: str | None = None, script: Path | None = None) -> Blender:
    """Find a Blender on this machine.

    Args:
        named: An executable or a Python with bpy; None: search for one.
        script: The script to run.

    Returns:
        The Blender.

    Raises:
        MotionLCMError: There is none; the sentence explains how to get one.
    """
    script = script or SCRIPT
    if not script.is_file():
        home = f"{script.parent.name}/{script.name}"
        raise MotionLCMError(f"A .blend file is made by the full source tree's {home}, which is not here.")
    if named is not None:
        program = shutil.which(named)
        if program is None:
            raise MotionLCMError(f"{named} is not a program, so it is no Blender.")
        return _of_program(program)
    if importlib.util.find_spec("bpy") is not None:
        return Blender(Path(sys.executable), True)
    chosen = os.environ.get("BLENDER")
    if chosen:
        program = shutil.which(chosen)
        if program is None:
            raise MotionLCMError(f"The environment variable BLENDER names {chosen}, which is not a program.")
        return _of_program(program)
    program = shutil.which("blender")
    if program is not None:
        return Blender(Path(program), False)
    for pattern in (".venv-blender-*/bin/python", ".venv-blender-*/Scripts/python.exe"):
        environments = sorted(ROOT.glob(pattern))
        if environments:
            return Blender(environments[0], True)  # the oldest: every later Blender opens its files
    raise MotionLCMError(
        "A .blend file needs Blender: put it on the PATH, name it in the environment variable BLENDER, "
        "or install the package bpy."
    )


def _of_program(program: str) -> Blender:
    return Blender(Path(program), Path(program).name.lower().startswith("python"))


def write_blend(clip: Path, out: Path, blender: Blender | None = None) -> None:
    """Convert an .npz of `motion_files.save_npz` to a Blender file.

    Args:
        clip: The .npz file.
        out: The .blend file.
        blender: The Blender; None: search for one.

    Raises:
        MotionLCMError: Blender fails; the sentence has its last line of output.
    """
    blender = blender or find_blender()
    command = blender.command(SCRIPT, str(clip.resolve()), str(out.resolve()))
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise MotionLCMError(f"Blender did not finish writing {out.name} within {SECONDS} seconds.") from error
    except OSError as error:
        raise MotionLCMError(f"Blender ({blender.program}) does not start: {error.strerror or error}.") from error
    if done.returncode != 0 or not out.is_file():
        output = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise MotionLCMError(f"Blender could not write the file: {output[-1] if output else 'no output'}.")
