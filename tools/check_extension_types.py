"""mypy on the rooms that import Blender (operators/, ui/), which only make sense inside a parent package.

A link to the checkout under a package name gives their relative imports that parent. Blender itself has no type
information, so what comes from it is unchecked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "motionlcm_checkout"


def main() -> int:
    home = ROOT / "build" / "types"
    home.mkdir(parents=True, exist_ok=True)
    link = home / PACKAGE
    if not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)
    # Property declarations and Blender's callbacks carry no annotations: those rules are for the engine.
    relaxed = ["--allow-untyped-defs", "--allow-incomplete-defs", "--disable-error-code=valid-type"]
    packages = [argument for room in ("operators", "ui") for argument in ("-p", f"{PACKAGE}.{room}")]
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *relaxed, *packages]
    return subprocess.run(command, cwd=home, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
