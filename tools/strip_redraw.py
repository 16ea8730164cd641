"""How long strips of 200 shots take to draw, in a real Blender window on a virtual screen with software OpenGL.

    python tools/strip_redraw.py --zip FILE

Needs what the window test needs (tools/test_gui.py). Prints medians in milliseconds: inside the draw handler, and for
the timeline's whole region with strips and without. The machine's time is what is measured: leave it alone meanwhile.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import test_gui
import window_chroot as chroot


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    arguments = parser.parse_args()
    shutil.rmtree(test_gui.ARTEFACTS / "measure_strips", ignore_errors=True)
    test_gui.ARTEFACTS.mkdir(parents=True, exist_ok=True)
    try:
        chroot.set_up()
    except chroot.NoWindow as problem:
        print(f"No window: {problem}")
        return 1
    problem = test_gui.install(arguments.zip.resolve())
    problem = problem or test_gui.drive("measure_strips.py", chroot.WINDOW_NICENESS).problem
    if problem:
        print(f"Failed: {problem}")
        return 1
    results = json.loads((test_gui.ARTEFACTS / "measure_strips" / "results.json").read_text())
    print(f"{'':40} {'handler':>8} {'worst':>8} {'with':>8} {'without':>8}  (ms)")
    for name, figures in results["figures"].items():
        columns = (figures[key] for key in ("handler", "handler_worst", "with", "without"))
        print(f"{name:40} " + " ".join(f"{value:8.2f}" for value in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
