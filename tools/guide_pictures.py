"""Takes the guide's pictures in a real Blender window and puts them into docs/guide/images.

    python tools/guide_pictures.py --zip FILE [NAME ...]

Names are those of drive_guide.py's PICTURES; without any, all are taken, each in a window of its own and once more if
it fails. It needs what tools/test_gui.py needs, and Pillow. Screenshots go to test-artefacts/guide/, the pictures cut
from them to docs/guide/images/ as WebP.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from pathlib import Path

import test_gui
import window_chroot as chroot
from PIL import Image

IMAGES = chroot.ROOT / "docs" / "guide" / "images"
ARTEFACTS = chroot.ROOT / "test-artefacts" / "guide"
SCRIPT = "drive_guide.py"
NOT_SHOWN = "look_"
"""Begins the names of pictures that are looked at and not part of the guide."""
QUALITY, LOOP_QUALITY = 80, 55
LOOP_WIDTH, LOOP_MS = 480, 200
"""Pixels of an animated picture, and the time of each of its frames."""


def cut(folder: Path, images: Path) -> list[Path]:
    """Cut the screenshots in a folder to the places that places.json gives; returns the pictures.

    Screenshots named "walk.00", "walk.01" ... become one animated picture.
    """
    places = json.loads((folder / "places.json").read_text())
    images.mkdir(parents=True, exist_ok=True)
    files = []
    loops: dict[str, list[Image.Image]] = {}
    for name, (left, top, width, height) in places.items():
        with Image.open(folder / f"{name}.png") as screen:
            shown = screen.convert("RGB").crop((left, top, left + width, top + height))
        loop, _, number = name.partition(".")
        if number:
            size = (LOOP_WIDTH, round(height * LOOP_WIDTH / width)) if width > LOOP_WIDTH else (width, height)
            loops.setdefault(loop, []).append(shown.resize(size, Image.Resampling.LANCZOS))
            continue
        shown.save(folder / f"cut_{name}.png")
        if not name.startswith(NOT_SHOWN):
            files.append(images / f"{name}.webp")
            shown.save(files[-1], quality=QUALITY, method=6)
    for name, frames in loops.items():
        files.append(images / f"{name}.webp")
        options = {"duration": LOOP_MS, "loop": 0, "quality": LOOP_QUALITY, "method": 6}
        frames[0].save(files[-1], save_all=True, append_images=frames[1:], **options)
    return files


def names_of_pictures() -> list[str]:
    """The names of drive_guide.py's PICTURES; the script itself runs in Blender alone."""
    text = (chroot.ROOT / "tests" / "gui" / SCRIPT).read_text("utf-8")
    return re.findall(r'"(\w+)": \w+', text.split("PICTURES = {", 1)[1].split("}", 1)[0])


def take(names: list[str]) -> list[str]:
    """Take pictures by their names, and print their files and the time of each; returns the names that failed."""
    failed, runs = [], 0
    for name in names:
        began = time.monotonic()
        for _ in range(2):
            runs += 1
            run = test_gui.drive(SCRIPT, chroot.REPEAT_NICENESS, runs, more=[name])
            if not run.problem:
                break
            print(f"FAILED: {name}: {run.problem} ({run.ended.share:.0%} of the processor time it wanted)", flush=True)
        if run.problem:
            failed.append(name)
            continue
        for file in cut(ARTEFACTS / (SCRIPT.removesuffix(".py") + (f"_{runs}" if runs > 1 else "")), IMAGES):
            print(f"{file.relative_to(chroot.ROOT)}: {file.stat().st_size / 1000:.0f} kB")
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return failed


def main() -> int:
    known = names_of_pictures()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("names", nargs="*", help=f"pictures to take, of {', '.join(known)}; default: all")
    arguments = parser.parse_args()
    if not set(arguments.names) <= set(known):
        parser.error(f"there is no picture {', '.join(sorted(set(arguments.names) - set(known)))}")
    test_gui.ARTEFACTS = ARTEFACTS
    shutil.rmtree(ARTEFACTS, ignore_errors=True)
    ARTEFACTS.mkdir(parents=True)
    try:
        chroot.set_up()
        problem = test_gui.install(arguments.zip.resolve())
    except chroot.NoWindow as no_window:
        problem = str(no_window)
    if problem:
        print(f"No pictures: {problem}", file=sys.stderr)
        return 1
    failed = take(arguments.names or known)
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
