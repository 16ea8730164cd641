"""Takes the guide's pictures in a real Blender window and puts them into docs/guide/images.

    python tools/guide_pictures.py --zip FILE [--listing] [NAME ...]

--listing takes the pictures of the listing instead. Names are those of PICTURES in drive_guide.py or drive_listing.py;
without any, all are taken, each in a window of its own and once more if it fails. It needs what tools/test_gui.py
needs, and Pillow. Screenshots go to test-artefacts/guide/ or listing/, the pictures cut from them to
docs/guide/images/ as WebP or to docs/listing/ as JPEG.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import test_gui
import window_chroot as chroot
from PIL import Image


@dataclass(frozen=True)
class Kind:
    """A kind of pictures.

    Attributes:
        script: What takes them, in tests/gui/.
        images: Folder of the pictures.
        artefacts: Folder of the screenshots.
        suffix: Of the pictures' files.
        size: Width and height of the window, in pixels.
    """

    script: str
    images: Path
    artefacts: Path
    suffix: str
    size: tuple[int, int]


LISTING_SIZE, BAR_HEIGHT = (1920, 1080), 42
"""Pixels of a picture of the listing, and of the bar at the top of the window and its borders, which are not in it."""
DOCS, ARTEFACTS = chroot.ROOT / "docs", chroot.ROOT / "test-artefacts"
GUIDE = Kind("drive_guide.py", DOCS / "guide" / "images", ARTEFACTS / "guide", ".webp", chroot.SCREEN)
LISTING = Kind(
    "drive_listing.py",
    DOCS / "listing",
    ARTEFACTS / "listing",
    ".jpg",
    (LISTING_SIZE[0], LISTING_SIZE[1] + BAR_HEIGHT),
)
NOT_SHOWN = "look_"
"""Begins the names of pictures that are looked at and not part of the guide."""
QUALITY = {".webp": {"quality": 80, "method": 6}, ".jpg": {"quality": 88, "optimize": True}}
LOOP_QUALITY = 55
LOOP_WIDTH, LOOP_MS = 480, 200
"""Pixels of an animated picture, and the time of each of its frames."""


def cut(folder: Path, images: Path, suffix: str) -> list[Path]:
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
            files.append(images / f"{name}{suffix}")
            shown.save(files[-1], **QUALITY[suffix])
    for name, frames in loops.items():
        files.append(images / f"{name}.webp")
        options = {"duration": LOOP_MS, "loop": 0, "quality": LOOP_QUALITY, "method": 6}
        frames[0].save(files[-1], save_all=True, append_images=frames[1:], **options)
    return files


def names_of_pictures(script: str = GUIDE.script) -> list[str]:
    """The names of a script's PICTURES; the script itself runs in Blender alone."""
    text = (chroot.ROOT / "tests" / "gui" / script).read_text("utf-8")
    table = re.split(r"^PICTURES.* = \{$", text, maxsplit=1, flags=re.MULTILINE)[1]
    return re.findall(r'"(\w+)": [\w(]', table.split("}", 1)[0])


def take(names: list[str], kind: Kind) -> list[str]:
    """Take pictures by their names, and print their files and the time of each; returns the names that failed."""
    failed, runs = [], 0
    for name in names:
        began = time.monotonic()
        for _ in range(2):
            runs += 1
            run = test_gui.drive(kind.script, chroot.REPEAT_NICENESS, runs, more=[name], size=kind.size)
            if not run.problem:
                break
            print(f"FAILED: {name}: {run.problem} ({run.ended.share:.0%} of the processor time it wanted)", flush=True)
        if run.problem:
            failed.append(name)
            continue
        folder = kind.artefacts / (kind.script.removesuffix(".py") + (f"_{runs}" if runs > 1 else ""))
        for file in cut(folder, kind.images, kind.suffix):
            print(f"{file.relative_to(chroot.ROOT)}: {file.stat().st_size / 1000:.0f} kB")
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, required=True, help="the built extension")
    parser.add_argument("--listing", action="store_true", help="the pictures of the listing")
    parser.add_argument("names", nargs="*", help="pictures to take; default: all")
    arguments = parser.parse_args()
    kind = LISTING if arguments.listing else GUIDE
    known = names_of_pictures(kind.script)
    if not set(arguments.names) <= set(known):
        unknown = ", ".join(sorted(set(arguments.names) - set(known)))
        parser.error(f"there is no picture {unknown}; there are {', '.join(known)}")
    test_gui.ARTEFACTS = kind.artefacts
    shutil.rmtree(kind.artefacts, ignore_errors=True)
    kind.artefacts.mkdir(parents=True)
    try:
        chroot.set_up()
        problem = test_gui.install(arguments.zip.resolve())
    except chroot.NoWindow as no_window:
        problem = str(no_window)
    if problem:
        print(f"No pictures: {problem}", file=sys.stderr)
        return 1
    failed = take(arguments.names or known, kind)
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
