"""The package name and the preferences of the extension."""

from __future__ import annotations

from typing import Any

import bpy

ROOT_PACKAGE = __package__.removesuffix(".operators.scene")


def preferences() -> Any | None:
    """The extension's preferences; None when it is not run as an extension."""
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    return addon.preferences if addon is not None else None
