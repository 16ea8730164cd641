"""Version of the extension, and of the packages that the engine can use."""

from __future__ import annotations

import importlib.util
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = ("numpy", "safetensors", "tokenizers", "torch", "transformers", "scipy", "bpy")


def package_versions() -> dict[str, str | None]:
    """Installed versions of the packages that the engine can use, without importing any; None: not installed."""
    out: dict[str, str | None] = {}
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            out[name] = None
            continue
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            out[name] = "installed"
    return out


@cache
def version() -> str:
    """Version in the extension's manifest; for a package installed by pip, the version in pip's metadata."""
    import tomllib

    manifest = Path(__file__).resolve().parent.parent / "blender_manifest.toml"
    try:
        return str(tomllib.loads(manifest.read_text("utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        return metadata.version("motionlcm-blender")
    except metadata.PackageNotFoundError:
        return "unknown"
