"""Definitions of gestures, read from `gestures.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "gestures.toml"
ELBOW = (0.35, -1.0, -0.25)
"""Where an elbow points unless the definition differs: outward on its own side, up, ahead."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class GesturePose:
    """One pose of a gesture.

    Attributes:
        hand: Wrist of the gesture's own side in metres from the middle of the shoulders, in the axes of the chest:
            outward on its own side, up, ahead. None: the arm stays as captured.
        other: The same for the other wrist.
        elbow: Where the elbows of these arms point, in the same axes.
        head: Degrees of yaw to the gesture's side, of pitch downward, of roll to the gesture's side.
        trunk: Degrees of yaw to the gesture's side, of pitch forward.
        shoulders: Metres that the shoulders rise.
    """

    hand: Vector | None = None
    other: Vector | None = None
    elbow: Vector = ELBOW
    head: Vector = (0.0, 0.0, 0.0)
    trunk: tuple[float, float] = (0.0, 0.0)
    shoulders: float = 0.0


@dataclass(frozen=True)
class Gesture:
    """One gesture.

    Attributes:
        name: Name in the file.
        poses: Poses that are gone through.
        captions: Predicates in the third person, the plainest first. {side}: the gesture's side.
        walking: Predicates where the gesture is laid over a walk. Empty: it never is.
        beat: Range of the seconds from one pose to the next.
        repeats: Range of how often the poses are gone through.
        hold: Range of the seconds that the last pose is held.
        words: Pattern of the prompts on which the gesture is performed (`gesture_layer`). None: the network does it
            well, and it is an example for training only.
        unless: Pattern of prompts on which it is not performed in spite of `words`.
        side: Side of a gesture for which the prompt names none: "left" or "right".
    """

    name: str
    poses: tuple[GesturePose, ...]
    captions: tuple[str, ...]
    walking: tuple[str, ...] = ()
    beat: tuple[float, float] = (0.3, 0.5)
    repeats: tuple[int, int] = (1, 1)
    hold: tuple[float, float] = (0.0, 0.0)
    words: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    side: str = "right"

    @property
    def lasts(self) -> bool:
        """Whether it goes on as long as the motion, as crossed arms do and a nod does not."""
        return max(self.hold) >= 4.0 or self.repeats[1] >= 6


@cache
def gestures() -> tuple[Gesture, ...]:
    """All gestures of the file. Raises TypeError on a name that is not known."""
    return tuple(_gesture(row) for row in tomllib.loads(FILE.read_text("utf-8"))["gesture"])


def _gesture(row: dict[str, Any]) -> Gesture:
    values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in row.items()}
    values["poses"] = tuple(_pose(pose) for pose in row["poses"])
    for name in ("words", "unless"):
        if name in values:
            values[name] = re.compile(rf"\b(?:{values[name]})\b")
    return Gesture(**values)


def _pose(row: dict[str, Any]) -> GesturePose:
    values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in row.items()}
    if "both" in values:
        values["hand"] = values["other"] = values.pop("both")
    return GesturePose(**values)
