"""mypy on the whole extension. operators/ and ui/ have relative imports that only make sense inside a parent package.

A link to the checkout under a package name gives them that parent. mypy runs twice, both runs at once:

1. With what comes from Blender unchecked: the project's own code, None included. The engine is held to --strict;
   pyproject.toml relaxes this for the rooms that import Blender.
2. operators/ and ui/ with the stubs of Blender 4.2, the oldest Blender that is supported (fake-bpy-module): names of
   Blender's attributes, arguments and enum values. The stubs have gaps, and what depends on a scene cannot be seen in
   types; `ACCEPTED` lists the messages that are no errors. None is not checked here: in the stubs nearly everything may
   be None, such as `context.scene`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "motionlcm_checkout"
ENGINE = "motionlcm_blender"
ROOMS = ("operators", "ui")
STUBS = "fake-bpy-module-4.2"
TYPED_BLENDER = (
    "--config-file=", "--cache-dir=stubs_cache", "--python-version=3.11", "--explicit-package-bases",
    "--namespace-packages", "--ignore-missing-imports", "--follow-imports=silent", "--no-strict-optional",
    "--check-untyped-defs", "--output=json",
)  # fmt: skip
CODES = {"arg-type", "assignment", "attr-defined", "call-arg", "union-attr"}
"""Errors that are wrong names, arguments and values. The others are about the stubs: operators return a set of any
strings, and many functions have no result."""
ACCEPTED = {
    r'has no attribute "motionlcm(_library)?"': "registered in operators/settings.py and library_prompts.py",
    r'"(PropertyGroup|AddonPreferences)" has no attribute': "the project's own, registered from annotations",
    r'"MOTIONLCM_OT_\w+" has no attribute "filepath"': "registered by ImportHelper and ExportHelper",
    r'"(Space|Modifier|FModifier|Property|ID)" has no attribute': "the subclass has it; its type is read at runtime",
    r'of "Armature \| .*" has no attribute "energy"': "the kinds of light have it",
    r'incompatible type "Space"; expected "SpaceView3D': "the subclass is checked at runtime",
    r'incompatible type "Armature \| .*"; expected "Curve"': "the type of the object is checked at runtime",
    r'"(AnimData|NlaStrip)" has no attribute "action_slot"': "Blender 4.4 and later",
    r'"Action" has no attribute "layers"': "Blender 4.4 and later",
    r'"None" has no attribute': "the stubs lack the result of the function",
    r'"Vector" has no attribute "__iter__"': "the stubs lack it",
    r'incompatible type "Vector"; expected "Iterable': "the stubs lack it",
    r'for "GPU(IndexBuf|VertBuf|Batch)"': "the stubs lack the constructors",
    r'incompatible type "(BMFaceSeq|ndarray\[|tuple\[float, float, float\] \| Vector)': "any sequence of the kind",
    r'expression has type "ndarray\[': "any sequence of the kind",
    r'incompatible type "(str"; expected "Literal|\*\*dict\[str, \w+\])': "the value of a variable",
    r'expression has type "set\[Literal\[.*"set\[str\]"': "operators return a set of any strings here",
    r'has no attribute "(armature_human_metarig_add|rigify_generate)"': "operators of Blender's own add-on Rigify",
    r"type \"Literal\['NONE'\]\", variable has type \"Literal\['FULL'": "fill mode of a curve in two dimensions",
}
"""Patterns of messages that are no errors, with the reason. A pattern that no message has is reported."""


def link_package(home: Path) -> None:
    """Put the checkout into a folder, as a package."""
    home.mkdir(parents=True, exist_ok=True)
    link = home / PACKAGE
    if not link.is_symlink():
        link.symlink_to(ROOT, target_is_directory=True)


def run_mypy(home: Path, options: Iterable[str], rooms: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run mypy on rooms of the linked package. Runs with different options need different caches."""
    chosen = [argument for room in rooms for argument in ("-p", f"{PACKAGE}.{room}")]
    command = [sys.executable, "-m", "mypy", *options, *chosen]
    return subprocess.run(command, cwd=home, check=False, capture_output=True, text=True)


def own_code(home: Path) -> list[str]:
    """Check the engine, operators/ and ui/ with Blender unchecked; returns the errors, one a line."""
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir=own_cache"]
    done = run_mypy(home, options, (ENGINE, *ROOMS))
    return [(done.stdout + done.stderr).replace(f"{PACKAGE}/", "").strip()] if done.returncode else []


def use_of_blender(home: Path) -> list[str]:
    """Check operators/ and ui/ against the stubs; returns the errors, one a line."""
    try:
        metadata.version(STUBS)
    except metadata.PackageNotFoundError:
        return [f"{STUBS} is not installed: run pip install -r requirements/test.txt"]
    done = run_mypy(home, TYPED_BLENDER, ROOMS)
    if done.returncode not in (0, 1):
        return [done.stdout + done.stderr]
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return list(problems(rows))


def problems(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Errors among mypy's messages, and accepted patterns that none of them has."""
    rows = [row for row in rows if row["severity"] == "error" and (row["code"] in CODES or row["code"] == "syntax")]
    unused = set(ACCEPTED)
    lacking: dict[tuple[str, int, str, str], set[str]] = defaultdict(set)
    for row in rows:
        message = row["message"]
        found = [pattern for pattern in ACCEPTED if re.search(pattern, message)]
        unused.difference_update(found)
        if (member := re.match(r'Item "(.*?)" of "(.*)" has no attribute "(.*?)"', message)) and not found:
            lacking[row["file"], row["line"], member[2], member[3]].add(member[1])
        elif not found:
            yield f"{row['file'].removeprefix(f'{PACKAGE}/')}:{row['line']}: {message}  [{row['code']}]"
    for (file, line, union, name), members in lacking.items():
        more = re.search(r"<(\d+) more items>", union)
        if len(members) >= union.count(" | ") + (int(more[1]) if more else 1):
            yield f'{file.removeprefix(f"{PACKAGE}/")}:{line}: no part of "{union}" has the attribute "{name}"'
    yield from (f"ACCEPTED: no message has {pattern!r}, so remove it" for pattern in sorted(unused))


def main() -> int:
    home = ROOT / "build" / "types"
    link_package(home)
    with ThreadPoolExecutor(2) as pool:
        own, blender = pool.submit(own_code, home), pool.submit(use_of_blender, home)
        errors = [*own.result(), *blender.result()]
    print("\n".join(errors) or "Success: no wrong types, and no wrong use of Blender")
    return int(bool(errors))


if __name__ == "__main__":
    sys.exit(main())
