"""The undo step and the playback after a motion is written."""

from __future__ import annotations

from contextlib import nullcontext

import bpy


def push_undo(message: str) -> None:
    """Push an undo step with all changes after the last step."""
    windows = bpy.context.window_manager.windows
    needed = bpy.context.window is None and len(windows) > 0
    # No empty override: see `evaluation.evaluated_depsgraph`.
    with bpy.context.temp_override(window=windows[0]) if needed else nullcontext():
        bpy.ops.ed.undo_push(message=message)


_starts = [True]


def start_by_itself(starts: bool) -> None:
    """Set whether playback starts after a motion is written."""
    _starts[0] = starts


def play(scene: bpy.types.Scene) -> None:
    """Start playback in the first window that shows the scene, unless the playback runs already."""
    if bpy.app.background or not _starts[0]:
        return
    for window in bpy.context.window_manager.windows:
        if window.scene == scene and not window.screen.is_animation_playing:
            with bpy.context.temp_override(window=window, screen=window.screen):
                bpy.ops.screen.animation_play()
            return
