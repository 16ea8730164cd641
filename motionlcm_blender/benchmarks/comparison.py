"""`motionlcm bench --against FOLDER`: this source tree and another one, measured in turns.

Each round measures both in a process each, in alternating order, so that changes in the load of the machine concern
both. The ratio of the medians over all rounds is compared, for each stage that both have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import MotionLCMError
from ..export.blender_process import ROOT
from .writing import NO_BLENDER

ROUNDS = 5
HERE, THERE = "this", "against"

START = "import sys, time{clock}; from motionlcm_blender.cli.main import main; sys.exit(main(sys.argv[1:]))"
"""Program of a measurement: the clock is exchanged here, because the other source tree may lack the option."""

Medians = dict[str, dict[str, list[float]]]
"""Milliseconds of each round, by run and stage."""


def compare(
    folder: Path,
    options: Sequence[str],
    repeats: int,
    processor: bool = False,
    on_line: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any]:
    """Measure this source tree and another one in turns.

    Args:
        folder: The root of the other source tree.
        options: Options of `motionlcm bench` for both.
        repeats: Number of measured repeats of each, over all rounds.
        processor: Measure processor time in place of the clock's.
        on_line: Called with a line about each round.

    Returns:
        rounds, and for each run its stages, with the milliseconds of both and their ratio, for `comparison_report`.

    Raises:
        MotionLCMError: The folder is no source tree, or a measurement failed.
    """
    folder = folder.resolve()
    if not (folder / "motionlcm_blender" / "cli" / "bench.py").is_file():
        raise MotionLCMError(f"{folder} is no source tree of this project: it has no motionlcm_blender/cli/bench.py.")
    rounds = min(ROUNDS, repeats)
    each = -(-repeats // rounds)
    found: dict[str, Medians] = {HERE: {}, THERE: {}}
    for number in range(rounds):
        trees = [(HERE, ROOT), (THERE, folder)]
        for name, root in trees if number % 2 == 0 else reversed(trees):
            on_line(f"Round {number + 1} of {rounds}: {root}")
            _collect(found[name], _measured(root, [*options, "--repeats", str(each)], processor))
    return {"rounds": rounds, "repeats": each * rounds, "against": str(folder), "runs": _ratios(found)}


def _measured(root: Path, options: list[str], processor: bool) -> dict[str, Any]:
    """The result of `motionlcm bench` of a source tree."""
    if (root / "motionlcm_blender" / "benchmarks" / "writing.py").is_file():
        options = [*options, "--blender", NO_BLENDER]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "bench.json"
        start = START.format(clock="; time.perf_counter = time.process_time" if processor else "")
        command = [sys.executable, "-c", start, "bench", *options, "--json", str(file)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not file.is_file():
            output = (done.stderr or done.stdout).strip().splitlines()
            raise MotionLCMError(f"The benchmark of {root} failed: {output[-1] if output else 'no output'}")
        result: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return result


def _collect(found: Medians, result: dict[str, Any]) -> None:
    """Add the medians of one process. The first run of a device is named by the device alone, as in every version."""
    seen: set[str] = set()
    for run in result["runs"]:
        device, way = run["device"], run.get("products", "")
        name = f"{device} ({way})" if device in seen and way else device
        seen.add(device)
        for stage, row in run["stages"].items():
            found.setdefault(name, {}).setdefault(stage, []).append(row["median_ms"])


def _ratios(found: dict[str, Medians]) -> dict[str, dict[str, dict[str, float]]]:
    runs = {}
    for name, stages in found[HERE].items():
        others = found[THERE].get(name, {})
        runs[name] = {
            stage: {HERE: here, THERE: there, "ratio": here / there}
            for stage, values in stages.items()
            if stage in others
            for here, there in [(float(np.median(values)), float(np.median(others[stage])))]
        }
    return {name: stages for name, stages in runs.items() if stages}


def comparison_report(result: dict[str, Any]) -> str:
    """Format the comparison as the lines that `motionlcm bench --against` prints."""
    lines = [f"Against {result['against']}, {result['rounds']} rounds, {result['repeats']} repeats each"]
    for name, stages in result["runs"].items():
        lines += ["", f"{name}", f"  {'stage':<30}{'this ms':>10}{'other ms':>10}{'ratio':>8}"]
        for stage, row in stages.items():
            lines.append(f"  {stage:<30}{row[HERE]:>10.2f}{row[THERE]:>10.2f}{row['ratio']:>8.2f}")
    return "\n".join(lines)
