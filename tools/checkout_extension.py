"""The checkout's extension as a Python package, for tools that run inside a Blender without installing it."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "motionlcm_checkout"
"""Relative imports need a parent package, and the checkout's folder may have a name that is none."""


def part(name: str) -> ModuleType:
    """A module of the extension, such as "operators.rig"."""
    if PACKAGE not in sys.modules:
        spec = ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(ROOT)]
        sys.modules[PACKAGE] = module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.{name}")
