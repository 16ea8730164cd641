"""The prompt history of a scene."""

from __future__ import annotations

import bpy

LONGEST_HISTORY = 20


def remember_prompt(settings: bpy.types.PropertyGroup, prompt: str) -> None:
    """Move or add a prompt to the head of the history."""
    from datetime import UTC, datetime

    history = settings.history
    for index in reversed(range(len(history))):
        if history[index].prompt == prompt:
            history.remove(index)
    item = history.add()
    item.prompt, item.used = prompt, datetime.now(UTC).isoformat(timespec="milliseconds")
    history.move(len(history) - 1, 0)
    while len(history) > LONGEST_HISTORY:
        history.remove(len(history) - 1)
