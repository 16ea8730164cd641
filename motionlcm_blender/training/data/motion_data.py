"""Captured motion with captions, as `motionlcm prepare` writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...motion.skeleton import FPS, JOINT_COUNT

UNIT = 0.0005
"""joints.npz holds int16 in half millimetres."""
TURN_UNIT = 32767.0
"""head_hands.npz holds int16 quaternions times this."""


_ON_A_PROP = re.compile(
    r"\b(ladder|stairs?|steps (up|down)|climb|hang(s|ing)? (from|on)|bars?\b|ledge|uneven|stool|handrail|platform|rung|"
    r"monkey bars|swing(s|ing)? (on|from)|jumps? down)",
    re.I,
)
"""Captions of motion on something that is not in the data."""


@dataclass(frozen=True)
class Segment:
    """A captioned piece of a clip; start and end in seconds of the clip.

    tags: verbs, sides, speed and style in single words, empty where none were given.
    prop: needs something that is not in the data (stairs, a ball, another person).
    unclear: hardly recognisable by the joints alone.
    """

    clip: str
    start: float
    end: float
    captions: tuple[str, ...]
    tags: tuple[str, ...] = ()
    prop: bool = False
    unclear: bool = False


@dataclass(frozen=True, eq=False)
class MotionData:
    """Clips with their captions.

    clips: name -> (T, 22, 3) float32 metres, Y up, 20 fps; segments; names of the test clips.
    head_hands: name -> (T, 3, 4) float32 unit quaternions of head, left and right hand (`motion.head_hands`), for the
        clips where they were captured.
    coarse: names of the clips whose source holds fewer than 20 poses a second.
    """

    clips: dict[str, FloatArray]
    segments: tuple[Segment, ...]
    test: frozenset[str]
    head_hands: dict[str, FloatArray] = field(default_factory=dict)
    coarse: frozenset[str] = frozenset()

    def joints(self, segment: Segment) -> FloatArray:
        """(T, 22, 3) the segment's frames."""
        first = max(0, round(segment.start * FPS))
        return self.clips[segment.clip][first : round(segment.end * FPS) + 1]


def load_motion_data(folder: Path) -> MotionData:
    """Read joints.npz, captions.jsonl, splits.json and, where they exist, head_hands.npz and clips.json.

    Raises TrainingDataError with the name of what is wrong.
    """
    try:
        with np.load(folder / "joints.npz", allow_pickle=False) as file:
            clips = {name: file[name].astype(np.float32) * np.float32(UNIT) for name in file.files}
        lines = (folder / "captions.jsonl").read_text("utf-8").splitlines()
        segments = []
        for line in filter(None, lines):
            row = json.loads(line)
            segments.append(
                Segment(
                    row["clip"],
                    float(row["start"]),
                    float(row["end"]),
                    tuple(row["captions"]),
                    tuple(row.get("tags") or ()),
                    _needs_prop(row),
                    bool(row.get("unclear")),
                )
            )
        test = frozenset(json.loads((folder / "splits.json").read_text("utf-8"))["test"])
        head_hands = _head_hands(folder / "head_hands.npz", clips)
        coarse = _coarse(folder / "clips.json")
    except FileNotFoundError as error:
        raise TrainingDataError(f"The training data lacks {Path(str(error.filename)).name}.") from error
    except (OSError, ValueError, KeyError) as error:
        raise TrainingDataError(f"The training data cannot be read: {error}") from error
    for name, joints in clips.items():
        if joints.ndim != 3 or joints.shape[1:] != (JOINT_COUNT, 3):
            raise TrainingDataError(f"Clip {name} is not frames x 22 joints x 3.")
    known = [s for s in segments if s.clip in clips]
    if not known:
        raise TrainingDataError("No caption belongs to any clip.")
    return MotionData(clips, tuple(known), test, head_hands, coarse)


def _needs_prop(row: Mapping[str, Any]) -> bool:
    """The flag where the captions were written with it, otherwise by the captions."""
    if "tags" in row or "prop" in row:
        return bool(row.get("prop"))
    return bool(_ON_A_PROP.search("|".join(row["captions"])))


def _head_hands(file: Path, clips: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    if not file.exists():
        return {}
    with np.load(file, allow_pickle=False) as stored:
        found = {name: stored[name].astype(np.float32) / np.float32(TURN_UNIT) for name in stored.files}
    for name, turns in found.items():
        if name in clips and turns.shape != (len(clips[name]), 3, 4):
            raise TrainingDataError(f"head_hands.npz has {len(turns)} frames for the clip {name}, which is not right.")
    return found


def _coarse(file: Path) -> frozenset[str]:
    if not file.exists():
        return frozenset()
    described = json.loads(file.read_text("utf-8"))
    return frozenset(n for n, clip in described.items() if float(clip.get("poses_per_second") or FPS) < FPS)


_MIRRORED = {
    "left": "right", "right": "left", "lefts": "rights", "rights": "lefts", "leftward": "rightward",
    "rightward": "leftward", "leftwards": "rightwards", "rightwards": "leftwards",
    "clockwise": "counterclockwise", "counterclockwise": "clockwise", "anticlockwise": "clockwise",
}  # fmt: skip


def mirror_caption(caption: str) -> str:
    """Swap left and right, clockwise and counterclockwise, keeping capitals.

    "right" is left alone where it means "straight" or "immediately" ("right away", "upright" is its own word).
    """

    def swap(match: re.Match[str]) -> str:
        word = match.group(0)
        if word.lower() == "right" and re.match(r"\s+(away|ahead|after|before|up to)\b", caption[match.end() :]):
            return word
        other = _MIRRORED.get(word.lower(), word)
        return other.capitalize() if word[0].isupper() else other

    return re.sub(r"[A-Za-z]+", swap, caption.replace("counter-clockwise", "counterclockwise"))
