"""Open Guide: the guide that comes with the extension, in the browser, without a network."""

# No `from __future__ import annotations` here, as in all files with operators.
from pathlib import Path

import bpy

from ..scene import messages

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("guide", "docs/guide")
"""Folder of the guide in the zip, and in a checkout."""


def guide_file() -> Path | None:
    """The guide in one file, None if the extension came without it."""
    files = (ROOT / place / "guide.html" for place in PLACES)
    return next((file for file in files if file.is_file()), None)


class MOTIONLCM_OT_open_guide(bpy.types.Operator):
    """Open the guide of the extension in the browser. It needs no network"""

    bl_idname = "motionlcm.open_guide"
    bl_label = "Open Guide"
    bl_options = {"INTERNAL"}

    def execute(self, _context: bpy.types.Context) -> set[str]:
        file = guide_file()
        if file is None:
            messages.show_message("The extension came without its guide: reinstall it.", error=True)
            return {"CANCELLED"}
        bpy.ops.wm.url_open(url=file.as_uri())
        return {"FINISHED"}


CLASSES = (MOTIONLCM_OT_open_guide,)
