"""Duration of writing an Action, in a Blender of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from ..errors import MotionLCMError
from ..export.blender_process import ROOT, SECONDS, Blender
from ..motion.motion import Clip

SCRIPT = ROOT / "operators" / "scripts" / "time_writing.py"
MARK = "MOTIONLCM "
NO_BLENDER = "none"
"""In place of a Blender's name: the writing is not measured."""


def writing_milliseconds(clip: Clip, blender: Blender, repeats: int) -> list[float]:
    """Measure from fitted keys to an Action that a character plays.

    Args:
        clip: The motion; its keys are fitted in Blender, which is not measured.
        blender: The Blender.
        repeats: Number of measured repeats, after one to warm up.

    Returns:
        Milliseconds of each repeat.

    Raises:
        MotionLCMError: Blender fails; the sentence has its last line of output.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "motion.npz"
        np.savez(file, fps=clip.fps, translation=clip.translation, rotations=clip.rotations)
        command = blender.command(SCRIPT, str(file), str(repeats + 1))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MotionLCMError(f"Blender ({blender.program}) did not write the motion: {error}.") from error
    marked = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    if done.returncode or not marked:
        output = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise MotionLCMError(f"Blender could not write the motion: {output[-1] if output else 'no output'}.")
    return [float(value) for value in json.loads(marked[-1].removeprefix(MARK))[1:]]
