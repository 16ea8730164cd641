"""The extension in a real Blender window: installs the zip in a Debian with Blender and drives the window there.

    python tools/test_gui.py --zip FILE

Needs root, Debian's apt and mmdebstrap; where they are not to be had the test is skipped, loudly. Screenshots and the
file saved in the window go to test-artefacts/window/. WINDOW_SUITE=sid takes the Blender of another Debian.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import window_chroot as chroot

ARTEFACTS = chroot.ROOT / "test-artefacts" / chroot.BLENDER.name
SCRIPTS = ("drive_window.py", "drive_strips.py", "drive_shots.py", "drive_live.py", "drive_rigs.py")
BESIDE = (
    "blender/stored_armature.py", "data/rigs/mpfb_mixamo.json", "data/control_rigs/rigify_human_generated.json",
)  # fmt: skip
"""What the scripts need of tests/ beside those in tests/gui."""
INSTALL_LIMIT_S, DRIVE_LIMIT_S = 900, 1500


def install(archive: Path) -> str:
    """Put the extension into the Debian's Blender; returns what went wrong."""
    shutil.rmtree(chroot.BLENDER.lab, ignore_errors=True)
    chroot.BLENDER.lab.mkdir(parents=True)
    shutil.copy2(archive, chroot.BLENDER.lab / "extension.zip")
    for file in (chroot.ROOT / "tests" / "gui").glob("*.py"):
        shutil.copy2(file, chroot.BLENDER.lab)
    for name in BESIDE:
        shutil.copy2(chroot.ROOT / "tests" / name, chroot.BLENDER.lab)
    command = ["blender", "--command", "extension", "install-file", "-r", "user_default", "--enable"]
    command.append("/lab/window/extension.zip")
    log = ARTEFACTS / "install.log"
    # With the lowest priority, a busy machine takes minutes for these seconds of work.
    code = chroot.run_inside(command, INSTALL_LIMIT_S, log, niceness=chroot.REPEAT_NICENESS).code
    return f"installing the zip ended with {code}, see install.log" if code else ""


@dataclass(frozen=True)
class Run:
    """One run of a script. passed: names of its checks; problem: what went wrong; ended: how Blender did."""

    passed: list[str]
    problem: str
    ended: chroot.Ended


def drive(script: str, niceness: int, number: int = 1, more: Sequence[str] = ()) -> Run:
    """Run one script in a window.

    number: of this run of it; a repeated one has artefacts of its own. more: further arguments of the script.
    """
    name = script.removesuffix(".py") + ("" if number == 1 else f"_{number}")
    blender = ["blender", "--enable-event-simulate", "--threads", "1", "--window-geometry", "0", "0", "1280", "800"]
    command = [
        *blender,
        "--python-exit-code",
        "4",
        "--python",
        f"/lab/window/{script}",
        "--",
        f"/lab/window/{name}",
        *more,
    ]
    log, output, artefacts = ARTEFACTS / f"{name}.log", chroot.BLENDER.lab / name, ARTEFACTS / name
    artefacts.mkdir()
    ended = chroot.run_inside(command, DRIVE_LIMIT_S, log, screen=True, niceness=niceness)
    for file in sorted(output.glob("*")) if output.is_dir() else []:
        shutil.copy2(file, artefacts)
    try:
        results = json.loads((output / "results.json").read_text())
    except (OSError, ValueError):
        results = {"passed": [], "failed": f"no results; Blender ended with {ended.code}"}
    problem = results["failed"] or (f"Blender ended with {ended.code}" if ended.code else "")
    if problem and log.is_file():
        print("\n".join(log.read_text(errors="replace").splitlines()[-25:]))
    return Run(results["passed"], problem, ended)


def drive_fed(script: str) -> Run:
    """Run a script, and once more with a higher priority if it failed while it starved for processor time.

    A script that fails with the processor to itself is wrong, and is not repeated.
    """
    run = drive(script, chroot.WINDOW_NICENESS)
    if not run.problem or not run.ended.starved:
        return run
    print(
        f"STARVED: {script} was given {run.ended.share:.0%} of the processor time it wanted, beside other work, and "
        f"ended with: {run.problem}. Repeated once with niceness {chroot.REPEAT_NICENESS} instead of "
        f"{chroot.WINDOW_NICENESS}.",
        flush=True,
    )
    again = drive(script, chroot.REPEAT_NICENESS, 2)
    if again.problem and again.ended.starved:
        problem = f"{again.problem}; it starved again ({again.ended.share:.0%} of the processor time it wanted)"
        return replace(
            again, problem=problem + ", so the result does not describe the extension: repeat it with less other work"
        )
    return again


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("--script", choices=SCRIPTS, action="append", help="only this one; default: all")
    arguments = parser.parse_args()
    archive = arguments.zip.resolve()
    if not archive.is_file():
        parser.error(f"{archive} is not there: build it first (make build)")
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print("!!! Window test SKIPPED: it needs root on a Debian machine", flush=True)
        return 0
    started = time.monotonic()
    shutil.rmtree(ARTEFACTS, ignore_errors=True)
    ARTEFACTS.mkdir(parents=True)
    try:
        chroot.set_up()
    except chroot.NoWindow as problem:
        print(f"Window test FAILED: {problem}", flush=True)
        return 1
    problem = install(archive)
    failed, count = int(bool(problem)), 0
    if problem:
        print(f"FAILED: {problem}")
    for script in [] if problem else arguments.script or SCRIPTS:
        run = drive_fed(script)
        for name in run.passed:
            print(f"passed: {name}")
        if run.problem:
            print(f"FAILED: {script}: {run.problem}")
        failed, count = failed + bool(run.problem), count + len(run.passed)
    print(f"Window test: {failed} failed, {count} passed in {time.monotonic() - started:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
