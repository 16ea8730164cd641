"""Rows that several panels draw: wrapped text, and a name with its value."""

from __future__ import annotations

import bpy

LETTER, MARGIN = 6.0, 75.0
"""Mean width of a character, and of the padding of a text line, in pixels at scale 1."""


def value_row(layout: bpy.types.UILayout, name: str, value: str) -> None:
    """A name at the left and its value at the right."""
    row = layout.split(factor=0.47)
    row.label(text=name)
    row.label(text=value, translate=False)


def wrapped_label(layout: bpy.types.UILayout, text: str, icon: str, alert: bool = False) -> None:
    """Draw a sentence in as many lines as needed; Blender's labels do not wrap."""
    region, scale = bpy.context.region, bpy.context.preferences.system.ui_scale
    width = region.width / scale if region is not None and scale else 280.0  # no scale without a window
    letters = max(20, int((width - MARGIN) / LETTER))
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    line = ""
    for word in text.split():
        if line and len(line) + len(word) >= letters:
            column.label(text=line, icon=icon, translate=False)
            line, icon = "", "BLANK1" if icon != "NONE" else "NONE"
        line = f"{line} {word}" if line else word
    column.label(text=line, icon=icon, translate=False)
