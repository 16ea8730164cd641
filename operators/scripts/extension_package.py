"""The extension this folder belongs to as a Python package, for scripts in a Blender that has not installed it."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

PACKAGE = "extension_of_script"
"""Relative imports need a parent package, and the folder of the extension may have any name."""


def part(name: str) -> ModuleType:
    """A module of the extension, such as "operators.armature.actions"."""
    if PACKAGE not in sys.modules:
        spec = ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(Path(__file__).resolve().parents[2])]
        sys.modules[PACKAGE] = module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.{name}")
