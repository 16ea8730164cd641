"""The extension in a real Blender window: installs the zip in a Debian with Blender and drives the window there.

    python tools/test_gui.py --zip FILE

Needs root, Debian's apt and mmdebstrap; where they are not to be had the test is skipped, loudly. Screenshots and the
file saved in the window go to test-artefacts/window/.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

import window_chroot as chroot

ARTEFACTS = chroot.ROOT / "test-artefacts" / "window"
INSTALL_LIMIT_S, DRIVE_LIMIT_S = 300, 900


def drive(archive: Path, driver: str = "drive_window.py") -> tuple[int, dict]:
    """Install, and drive by a script of tests/gui; returns Blender's exit status and the driver's results."""
    shutil.rmtree(chroot.LAB, ignore_errors=True)
    chroot.LAB.mkdir(parents=True)
    shutil.copy2(archive, chroot.LAB / "extension.zip")
    shutil.copy2(chroot.ROOT / "tests" / "gui" / driver, chroot.LAB)
    install = ["blender", "--command", "extension", "install-file", "-r", "user_default", "--enable"]
    code = chroot.run_inside([*install, "/lab/window/extension.zip"], INSTALL_LIMIT_S, ARTEFACTS / "install.log")
    if code:
        return code, {"passed": [], "failed": f"installing the zip ended with {code}, see install.log"}
    blender = ["blender", "--enable-event-simulate", "--threads", "1", "--window-geometry", "0", "0", "1280", "800"]
    command = [*blender, "--python-exit-code", "4", "--python", f"/lab/window/{driver}", "--", "/lab/window/out"]
    code = chroot.run_inside(command, DRIVE_LIMIT_S, ARTEFACTS / "drive.log", screen=True)
    output = chroot.LAB / "out"
    for file in sorted(output.glob("*")) if output.is_dir() else []:
        shutil.copy2(file, ARTEFACTS)
    try:
        return code, json.loads((output / "results.json").read_text())
    except (OSError, ValueError):
        return code or 1, {"passed": [], "failed": f"no results; Blender ended with {code}, see drive.log"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
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
    code, results = drive(archive)
    for name in results["passed"]:
        print(f"passed: {name}")
    if code or results["failed"]:
        print(f"FAILED: {results['failed'] or f'Blender ended with {code}'}")
        log = ARTEFACTS / "drive.log"
        if log.is_file():
            print("\n".join(log.read_text(errors="replace").splitlines()[-25:]))
    failed = 1 if code or results["failed"] else 0
    print(f"Window test: {failed} failed, {len(results['passed'])} passed in {time.monotonic() - started:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main())
