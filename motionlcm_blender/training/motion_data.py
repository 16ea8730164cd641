"""Captured motion with captions, as `motionlcm prepare` writes it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import TrainingDataError
from ..motion.skeleton import FPS, JOINT_COUNT

UNIT = 0.0005
"""joints.npz holds int16 in half millimetres."""


@dataclass(frozen=True)
class Segment:
    """A captioned piece of a clip; start and end in seconds of the clip."""

    clip: str
    start: float
    end: float
    captions: tuple[str, ...]


@dataclass(frozen=True)
class MotionData:
    """clips: name -> (T, 22, 3) float32 metres, Y up, 20 fps; segments; names of the test clips."""

    clips: dict[str, np.ndarray]
    segments: tuple[Segment, ...]
    test: frozenset[str]

    def joints(self, segment: Segment) -> np.ndarray:
        """(T, 22, 3) the segment's frames."""
        first = max(0, round(segment.start * FPS))
        return self.clips[segment.clip][first : round(segment.end * FPS) + 1]


def load_motion_data(folder: Path) -> MotionData:
    """Read joints.npz, captions.jsonl and splits.json. Raises TrainingDataError naming what is wrong."""
    try:
        with np.load(folder / "joints.npz", allow_pickle=False) as file:
            clips = {name: file[name].astype(np.float32) * np.float32(UNIT) for name in file.files}
        lines = (folder / "captions.jsonl").read_text("utf-8").splitlines()
        segments = []
        for line in filter(None, lines):
            row = json.loads(line)
            segments.append(Segment(row["clip"], float(row["start"]), float(row["end"]), tuple(row["captions"])))
        test = frozenset(json.loads((folder / "splits.json").read_text("utf-8"))["test"])
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
    return MotionData(clips, tuple(known), test)


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
