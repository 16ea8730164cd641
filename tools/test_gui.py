"""The extension in a real Blender window: installs the zip in a Debian with Blender and drives the window there.

    python tools/test_gui.py --zip FILE

Needs root, Debian's apt and mmdebstrap; where they are not to be had the test is skipped, loudly. Screenshots and the
file saved in the window go to test-artefacts/window/. WINDOW_SUITE=sid takes the Blender of another Debian. On two or
more cores two scripts run at a time, each on a core and a screen of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

import window_chroot as chroot

ARTEFACTS = chroot.ROOT / "test-artefacts" / chroot.BLENDER.name
SCRIPTS = (
    "drive_live.py",
    "drive_live_transforms.py",
    "drive_window.py",
    "drive_shots.py",
    "drive_strips.py",
    "drive_rigs.py",
)
"""The longest first, so that two are at work until the end."""
BESIDE = (
    "blender/stored_armature.py", "data/rigs/mpfb_mixamo.json", "data/control_rigs/rigify_human_generated.json",
)  # fmt: skip
"""What the scripts need of tests/ beside those in tests/gui."""
INSTALL_LIMIT_S, DRIVE_LIMIT_S = 900, 1500
AT_A_TIME = min(2, len(os.sched_getaffinity(0)))


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
    seconds: float = 0.0


def drive(
    script: str,
    niceness: int,
    number: int = 1,
    slot: int = 0,
    more: Sequence[str] = (),
    size: tuple[int, int] = chroot.SCREEN,
) -> Run:
    """Run one script in a window, with a copy of the user's files that it may change.

    number: of this run of it; a repeated one has artefacts of its own. slot: 0 or 1, of two scripts at the same time.
    more: further arguments of the script. size: of the window, in pixels.
    """
    name = script.removesuffix(".py") + ("" if number == 1 else f"_{number}")
    blender = ["blender", "--enable-event-simulate", "--threads", "1"]
    blender += ["--window-geometry", "0", "0", *map(str, size)]
    program = ["--python-exit-code", "4", "--python", f"/lab/window/{script}"]
    command = [*blender, *program, "--", f"/lab/window/{name}", *more]
    log, output, artefacts = ARTEFACTS / f"{name}.log", chroot.BLENDER.lab / name, ARTEFACTS / name
    artefacts.mkdir()
    began = time.monotonic()
    shutil.copytree(chroot.BLENDER.lab / "user", chroot.BLENDER.lab / f"user_{name}", symlinks=True)
    resources = {"BLENDER_USER_RESOURCES": f"/lab/window/user_{name}"}
    ended = chroot.run_inside(
        command, DRIVE_LIMIT_S, log, screen=True, niceness=niceness, slot=slot, size=size, **resources
    )
    for file in sorted(output.glob("*")) if output.is_dir() else []:
        shutil.copy2(file, artefacts)
    try:
        results = json.loads((output / "results.json").read_text())
    except (OSError, ValueError):
        results = {"passed": [], "failed": f"no results; Blender ended with {ended.code}"}
    problem = results["failed"] or (f"Blender ended with {ended.code}" if ended.code else "")
    if problem and log.is_file():
        print("\n".join(log.read_text(errors="replace").splitlines()[-25:]))
    return Run(results["passed"], problem, ended, time.monotonic() - began)


def drive_fed(script: str, slot: int = 0) -> Run:
    """Run a script, and once more with a higher priority if it failed while it starved for processor time.

    A script that fails with the processor to itself is wrong, and is not repeated.
    """
    run = drive(script, chroot.WINDOW_NICENESS, slot=slot)
    if not run.problem or not run.ended.starved:
        return run
    print(
        f"STARVED: {script} was given {run.ended.share:.0%} of the processor time it wanted, beside other work, and "
        f"ended with: {run.problem}. Repeated once with niceness {chroot.REPEAT_NICENESS} instead of "
        f"{chroot.WINDOW_NICENESS}.",
        flush=True,
    )
    again = drive(script, chroot.REPEAT_NICENESS, 2, slot)
    if again.problem and again.ended.starved:
        problem = f"{again.problem}; it starved again ({again.ended.share:.0%} of the processor time it wanted)"
        return replace(
            again, problem=problem + ", so the result does not describe the extension: repeat it with less other work"
        )
    return again


def drive_all(scripts: Sequence[str]) -> Iterator[tuple[str, Run]]:
    """Run scripts, `AT_A_TIME` at once; yields them in their order."""
    free: SimpleQueue[int] = SimpleQueue()
    for slot in range(AT_A_TIME):
        free.put(slot)

    def in_a_slot(script: str) -> Run:
        slot = free.get()
        try:
            return drive_fed(script, slot)
        finally:
            free.put(slot)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield from zip(scripts, pool.map(in_a_slot, scripts), strict=True)


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
    for script, run in drive_all([] if problem else arguments.script or SCRIPTS):
        for name in run.passed:
            print(f"passed: {name}")
        if run.problem:
            print(f"FAILED: {script}: {run.problem}")
        print(f"{script}: {run.seconds:.0f} s", flush=True)
        failed, count = failed + bool(run.problem), count + len(run.passed)
    print(f"Window test: {failed} failed, {count} passed in {time.monotonic() - started:.0f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
