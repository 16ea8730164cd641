"""Definitions of gestures, read from `gestures.toml` and `actions.toml`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILES = ("gestures.toml", "actions.toml")
"""Everyday gestures, and actions with a peak or a tool. Of those that a prompt names at one place the first is made."""
ELBOW = (0.35, -1.0, -0.25)
"""Where an elbow points unless the definition differs: outward on its own side, up, ahead."""

_VERBS = re.compile(r"(?<!\(\?)(?<!P)<([a-z][a-z |-]*)>")

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
        other_elbow: Where the elbow of the other arm points; None: as `elbow`.
        pelvis: Metres that the pelvis moves ahead and down; the feet stay.
        time: Time from the pose before, in multiples of the gesture's beat.
        through: Whether the pose is passed without a rest, as the release of a throw.
    """

    hand: Vector | None = None
    other: Vector | None = None
    elbow: Vector = ELBOW
    head: Vector = (0.0, 0.0, 0.0)
    trunk: tuple[float, float] = (0.0, 0.0)
    shoulders: float = 0.0
    other_elbow: Vector | None = None
    pelvis: tuple[float, float] = (0.0, 0.0)
    time: float = 1.0
    through: bool = False


@dataclass(frozen=True)
class Gesture:
    """One gesture.

    Attributes:
        name: Name in the file.
        poses: Poses that are gone through.
        captions: Predicates in the third person, the plainest first. {side}: the gesture's side. Empty: training makes
            no examples of it.
        walking: Predicates where the gesture is laid over a walk. Empty: it never is.
        beat: Range of the seconds from one pose to the next.
        repeats: Range of how often the poses are gone through.
        hold: Range of the seconds that the last pose is held.
        words: Pattern of the prompts on which the gesture is performed (`gesture_layer`). None: the network does it
            well, and it is an example for training only.
        unless: Pattern of prompts on which it is not performed in spite of `words`.
        side: Side of a gesture for which the prompt names none: "left" or "right".
        body: Prompt for the network in place of the user's, so that legs and hips are plain; empty: the user's.
        body_always: Whether `body` is used although the prompt names a movement of the whole body beside the gesture.
        once: Whether it is performed once, unless the prompt names a number or a repetition.
        at_jump: Whether the first pose that is passed without a rest is at the top of the highest jump.
    """

    name: str
    poses: tuple[GesturePose, ...]
    captions: tuple[str, ...] = ()
    walking: tuple[str, ...] = ()
    beat: tuple[float, float] = (0.3, 0.5)
    repeats: tuple[int, int] = (1, 1)
    hold: tuple[float, float] = (0.0, 0.0)
    words: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    side: str = "right"
    body: str = ""
    body_always: bool = False
    once: bool = False
    at_jump: bool = False

    @property
    def lasts(self) -> bool:
        """Whether it goes on as long as the motion, as crossed arms do and a nod does not."""
        return max(self.hold) >= 4.0 or self.repeats[1] >= 6


@cache
def gestures() -> tuple[Gesture, ...]:
    """All gestures of both files. Raises TypeError on a name that is not known."""
    texts = [(Path(__file__).parent / name).read_text("utf-8") for name in FILES]
    return tuple(_gesture(row) for text in texts for row in tomllib.loads(text)["gesture"])


def verb_forms(verb: str) -> str:
    """Pattern of the forms of a regular verb, for `throw`: throw, throws, throwing.

    Args:
        verb: Infinitive; words after the first one stay.
    """
    first, _, rest = verb.partition(" ")
    stem = first
    if re.search(r"[^aeiou]y$", first):
        forms = [first, first[:-1] + "ies", first + "ing"]
    else:
        if first.endswith("e") and not first.endswith(("ee", "oe")):
            stem = first[:-1]
        elif re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", first):
            stem = first + first[-1]
        plural = "es" if first.endswith(("s", "x", "z", "ch", "sh")) else "s"
        forms = [first, first + plural, stem + "ing"]
    return "|".join(form + (f" {rest}" if rest else "") for form in forms)


def _pattern(text: str) -> re.Pattern[str]:
    """The pattern of a field, with <throw|hit> for all forms of these verbs, between word boundaries."""

    def forms(match: re.Match[str]) -> str:
        return f"(?:{'|'.join(verb_forms(verb) for verb in match.group(1).split('|'))})\\b"

    return re.compile(rf"\b(?:{_VERBS.sub(forms, text)})(?!\w)")


def _gesture(row: dict[str, Any]) -> Gesture:
    values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in row.items()}
    values["poses"] = tuple(_pose(pose) for pose in row["poses"])
    for name in ("words", "unless"):
        if name in values:
            values[name] = _pattern(values[name])
    return Gesture(**values)


def _pose(row: dict[str, Any]) -> GesturePose:
    values: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in row.items()}
    if "both" in values:
        values["hand"] = values["other"] = values.pop("both")
    return GesturePose(**values)
