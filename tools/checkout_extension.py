"""The checkout's extension in a Blender without installing it: as a Python package, or enabled from links."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("__init__.py", "blender_manifest.toml", "motionlcm_blender", "operators", "ui", "bundled_models")
"""Files and folders of the extension."""
PACKAGE = "motionlcm_checkout"
"""Relative imports need a parent package, and the checkout's folder may have a name that is none."""


def enable(extension: str) -> None:
    """Enable the extension in Blender's own repository for users, which gets links to the checkout.

    extension: its module, such as "bl_ext.user_default.motionlcm_blender".
    """
    import addon_utils
    import bpy

    _, repository, name = extension.split(".")
    chosen = next(each for each in bpy.context.preferences.extensions.repos if each.module == repository)
    home = Path(chosen.directory) / name
    home.mkdir(parents=True)
    for each in PARTS:
        (home / each).symlink_to(ROOT / each)
    addon_utils.enable(extension, default_set=True)


def part(name: str) -> ModuleType:
    """A module of the extension, such as "operators.rig"."""
    if PACKAGE not in sys.modules:
        spec = ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(ROOT)]
        sys.modules[PACKAGE] = module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.{name}")
