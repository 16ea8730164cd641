"""Paths that a person or a script gives, such as Blender's `//` paths relative to the open file."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

BLEND_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
"""Options of a property for a path that may begin with `//`. Before Blender 4.5 each path may."""


def is_relative(path: str) -> bool:
    """Whether a path begins with `//` in a file that was never saved: Blender then has no folder for it."""
    return path.startswith("//") and not bpy.data.filepath


def absolute(path: str | os.PathLike[str]) -> Path:
    """The absolute path of a file or folder. Raises InvalidRequest for a `//` path in a file that was never saved."""
    from ...motionlcm_blender.errors import InvalidRequest

    text = os.fspath(path)
    if is_relative(text):
        raise InvalidRequest(
            f'"{text}" is relative to the Blender file, which was never saved: save the file, or give the whole path.'
        )
    return Path(bpy.path.abspath(text))


def absolute_if_possible(path: str) -> str:
    """The absolute path of a folder; a `//` path as it is in a file that was never saved. For drawing."""
    return path if is_relative(path) else str(bpy.path.abspath(path))
