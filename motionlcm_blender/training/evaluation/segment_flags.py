"""The fields of a segment in captions.jsonl beside its captions: a prop that is not in the data, doubt, tags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...errors import TrainingDataError

Key = tuple[str, float, float]
"""Clip, start and end in seconds: what names a segment."""


@dataclass(frozen=True)
class Flags:
    """What is known of a segment beside its captions.

    Attributes:
        prop: Whether something that the capture lacks (stairs, a ball, another person) is needed, so the floor may not
            be where the feet are.
        unclear: Whether the motion can hardly be recognised.
        tags: Verbs, sides, speed, style.
    """

    prop: bool = False
    unclear: bool = False
    tags: tuple[str, ...] = ()


NO_FLAGS = Flags()


def load_flags(folder: Path) -> Mapping[Key, Flags]:
    """The flags of every segment that has any, of a folder as `load_motion_data` reads it.

    Raises TrainingDataError if captions.jsonl is missing or damaged.
    """
    found: dict[Key, Flags] = {}
    try:
        for line in filter(None, (folder / "captions.jsonl").read_text("utf-8").splitlines()):
            row = json.loads(line)
            flags = Flags(bool(row.get("prop")), bool(row.get("unclear")), tuple(row.get("tags") or ()))
            if flags != NO_FLAGS:
                found[row["clip"], float(row["start"]), float(row["end"])] = flags
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(f"captions.jsonl cannot be read: {error}") from error
    return found
