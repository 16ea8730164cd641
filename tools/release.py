"""Builds dist/repository/: the zips of all platforms and the index by which Blender finds them and their updates.

Beside them are SHA256SUMS, for people who download a zip (`sha256sum --check SHA256SUMS`), and LICENCES.txt, the report
of tools/licences.py on each zip. A zip whose parts are not all known to be compatible is not released.

    python tools/release.py [--model FOLDER] [--folder FOLDER]

The folder is put on any web server as it is; users add the address of its index.json as a remote repository, see
docs/RELEASES.md. Blender's own generator makes the index. Run it with the Python that tools/build.py needs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from build import ROOT, BuildProblem, build, run_builder
from licences import report, report_text
from zip_contents import WHEEL_TAGS

INDEX, CHECKSUMS, LICENCES = "index.json", "SHA256SUMS", "LICENCES.txt"


def write_index(folder: Path) -> None:
    """The index of a folder's zips, and a page to look at. Raises BuildProblem if a zip is left out of the index."""
    run_builder("server-generate", "--repo-dir", str(folder), "--html")
    listed = {Path(each["archive_url"]).name for each in json.loads((folder / INDEX).read_text("utf-8"))["data"]}
    if missing := {path.name for path in folder.glob("*.zip")} - listed:
        raise BuildProblem(f"Blender's index leaves out {', '.join(sorted(missing))}.")


def write_reports(folder: Path) -> None:
    """The checksums and the licences of a folder's zips. Raises BuildProblem if a licence is not known to fit."""
    archives, texts = sorted(folder.glob("*.zip")), []
    for archive in archives:
        lines, wrong = report(archive)
        if wrong:
            raise BuildProblem(f"{archive.name}: {' '.join(wrong)}")
        texts.append(report_text(archive.name, lines, wrong))
    (folder / LICENCES).write_text("\n".join(texts), "utf-8")
    sums = [f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n" for archive in archives]
    (folder / CHECKSUMS).write_text("".join(sums), "utf-8")


def release(model: Path, folder: Path) -> Path:
    """Build everything, then put it in place of the former release at once. Raises BuildProblem."""
    (ROOT / "build").mkdir(exist_ok=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fresh, former = Path(temporary) / "fresh", Path(temporary) / "former"
        build(model, WHEEL_TAGS, folder=fresh)
        write_index(fresh)
        write_reports(fresh)
        if folder.exists():
            if not (folder / INDEX).is_file():
                raise BuildProblem(f"{folder} holds something else than a release, and stays as it is.")
            folder.rename(former)
        fresh.rename(folder)
        shutil.rmtree(former, ignore_errors=True)
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "bundled_models" / "default", help="what to bundle")
    parser.add_argument("--folder", type=Path, default=ROOT / "dist" / "repository", help="where the release goes")
    arguments = parser.parse_args()
    try:
        folder = release(arguments.model.resolve(), arguments.folder.resolve())
    except BuildProblem as problem:
        print(f"Not released: {problem}", file=sys.stderr)
        return 1
    for path in sorted(folder.iterdir()):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
