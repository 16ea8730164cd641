"""Writing of storyboards to JSON."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ..files.atomic_write import write_aside
from .storyboard import VERSION, VERSION_FIELD, Place, Storyboard, StoryPath, StoryShot


def storyboard_content(board: Storyboard) -> dict[str, Any]:
    """Convert a storyboard to the content of a JSON file; `storyboard_from` is the inverse."""
    return {
        VERSION_FIELD: VERSION,
        "fps": _short(board.fps),
        "paths": {name: _path_content(path) for name, path in board.paths.items()},
        "characters": [
            {
                "name": character.name,
                "at": _short_place(character.at),
                "facing": _short(character.facing),
                "scale": _short(character.scale),
                "shots": [_shot_content(shot) for shot in character.shots],
            }
            for character in board.characters
        ],
    }


def write_storyboard(board: Storyboard, file: str | os.PathLike[str]) -> None:
    """Write a storyboard as JSON, atomically.

    Raises:
        MotionLCMError: The file cannot be written.
    """
    text = json.dumps(storyboard_content(board), indent=2, ensure_ascii=False)
    write_aside(Path(file), lambda temporary: temporary.write_bytes((_on_one_line(text) + "\n").encode()))


def _path_content(path: StoryPath) -> dict[str, Any]:
    content: dict[str, Any] = {"points": [_short_place(place) for place in path.points], "cyclic": path.cyclic}
    return content if path.weights is None else content | {"weights": [_short(weight) for weight in path.weights]}


def _shot_content(shot: StoryShot) -> dict[str, Any]:
    content: dict[str, Any] = {"prompt": shot.prompt, "first": shot.first, "last": shot.last, "seed": shot.seed}
    if shot.locked:
        content["locked"] = True
    if shot.path is not None:
        content["path"] = shot.path
    if shot.part != (0.0, 1.0):
        content["part"] = [_short(fraction) for fraction in shot.part]
    if shot.takes != 1:
        content["takes"] = shot.takes
    if shot.pins:
        content["pins"] = [
            {"joint": pin.joint, "at": _short_place(pin.at), "first": pin.first, "last": pin.last} for pin in shot.pins
        ]
    return content


def _on_one_line(text: str) -> str:
    """Put each list of numbers on one line. Text in JSON has no line ends."""
    number = r"[-+.\deE]+"
    lists = re.compile(rf"\[\n\s*({number}(?:,\n\s*{number})*)\n\s*\]")
    return lists.sub(lambda found: "[" + ", ".join(found[1].replace(",", "").split()) + "]", text)


def _short(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _short_place(place: Place) -> list[float | int]:
    return [_short(number) for number in (place if place[2] else place[:2])]
