"""How long strips of 200 shots take to draw, in a real Blender window on a virtual screen with software OpenGL.

    python tools/strip_redraw.py --zip FILE

Needs what the window test needs (tools/test_gui.py). Prints medians in milliseconds: inside the draw handler, and for
the timeline's whole region with strips and without. The machine's time is what is measured: leave it alone meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import test_gui
import window_chroot as chroot


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    arguments = parser.parse_args()
    test_gui.ARTEFACTS.mkdir(parents=True, exist_ok=True)
    try:
        chroot.set_up()
    except chroot.NoWindow as problem:
        print(f"No window: {problem}")
        return 1
    code, results = test_gui.drive(arguments.zip.resolve(), "measure_strips.py")
    if code or results["failed"]:
        print(f"Failed: {results['failed'] or f'Blender ended with {code}'}, see {test_gui.ARTEFACTS / 'drive.log'}")
        return 1
    print(f"{'':40} {'handler':>8} {'worst':>8} {'with':>8} {'without':>8}  (ms)")
    for name, figures in results["figures"].items():
        columns = (figures[key] for key in ("handler", "handler_worst", "with", "without"))
        print(f"{name:40} " + " ".join(f"{value:8.2f}" for value in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())
