"""The animator's rig presets: corrected mappings as files, by which recognition finds a rig the next time."""

from __future__ import annotations

import re
from pathlib import Path

import bpy

from ..scene import addon

HOME = "rigs"
"""Sub-folder in the extension's user folder."""
SUFFIX = ".toml"
_SAFE = re.compile(r"[^\w\- ]+")


def home() -> Path | None:
    """The folder of presets, which may not exist; None when this is not run as an extension."""
    try:
        return Path(bpy.utils.extension_path_user(addon.ROOT_PACKAGE, path=HOME, create=False))
    except ValueError:
        return None


def state() -> tuple[tuple[str, int, int], ...]:
    """A value that changes with any preset: names, sizes and times of the files."""
    folder = home()
    if folder is None or not folder.is_dir():
        return ()
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        facts = path.stat()
        found.append((path.name, facts.st_size, facts.st_mtime_ns))
    return tuple(found)


def preset_file(name: str) -> Path:
    """The file of a preset with this name. Raises InvalidRequest if no file can have the name, or there is no
    folder."""
    from ...motionlcm_blender.errors import InvalidRequest

    folder = home()
    if folder is None:
        raise InvalidRequest("Presets can be stored only if MotionLCM is installed as an extension.")
    stem = _SAFE.sub("_", name).strip()[:80]
    if not stem or not any(letter.isalnum() for letter in stem):
        raise InvalidRequest("A preset needs a name with letters or digits.")
    return folder / f"{stem}{SUFFIX}"
