"""Takes the guide's pictures in a real Blender window and puts them into docs/guide/images.

    python tools/guide_pictures.py --zip FILE [NAME ...]

Names are those of drive_guide.py's PICTURES; without any, all are taken. It needs what tools/test_gui.py needs, and
Pillow. Screenshots go to test-artefacts/guide/, the pictures cut from them to docs/guide/images/ as WebP.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import test_gui
import window_chroot as chroot
from PIL import Image

IMAGES = chroot.ROOT / "docs" / "guide" / "images"
ARTEFACTS = chroot.ROOT / "test-artefacts" / "guide"
SCRIPT = "drive_guide.py"
NOT_SHOWN = "look_"
"""Begins the names of pictures that are looked at and not part of the guide."""
QUALITY = 80


def cut(folder: Path, images: Path) -> list[Path]:
    """Cut the screenshots in a folder to the places that places.json gives; returns the pictures."""
    places = json.loads((folder / "places.json").read_text())
    images.mkdir(parents=True, exist_ok=True)
    files = []
    for name, (left, top, width, height) in places.items():
        with Image.open(folder / f"{name}.png") as screen:
            shown = screen.convert("RGB").crop((left, top, left + width, top + height))
        shown.save(folder / f"cut_{name}.png")
        if not name.startswith(NOT_SHOWN):
            files.append(images / f"{name}.webp")
            shown.save(files[-1], quality=QUALITY, method=6)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("names", nargs="*", help="pictures to take; default: all")
    arguments = parser.parse_args()
    test_gui.ARTEFACTS = ARTEFACTS
    shutil.rmtree(ARTEFACTS, ignore_errors=True)
    ARTEFACTS.mkdir(parents=True)
    try:
        chroot.set_up()
    except chroot.NoWindow as problem:
        print(f"No pictures: {problem}", file=sys.stderr)
        return 1
    problem = test_gui.install(arguments.zip.resolve())
    if problem:
        print(f"No pictures: {problem}", file=sys.stderr)
        return 1
    run = test_gui.drive(SCRIPT, chroot.REPEAT_NICENESS, more=arguments.names)
    if run.problem:
        print(f"FAILED: {run.problem}", file=sys.stderr)
    folder = ARTEFACTS / SCRIPT.removesuffix(".py")
    if (folder / "places.json").is_file():
        for file in cut(folder, IMAGES):
            print(f"{file.relative_to(chroot.ROOT)}: {file.stat().st_size / 1000:.0f} kB")
    return int(bool(run.problem))


if __name__ == "__main__":
    sys.exit(main())
