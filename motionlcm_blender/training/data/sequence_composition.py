"""Examples of whole segments put together: with standing around them, again and again, and one after the other.

A caption names an action; the user chooses the length of the motion. So an action is also shown with waiting
before and after at several lengths, short ones repeated, and two actions in a row with a caption that names both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...motion.skeleton import FPS, JOINTS, L_ANKLE, L_FOOT, MAX_FRAMES, R_ANKLE, R_FOOT
from . import action_detectors as see
from . import augmentation
from .caption_families import family
from .caption_text import in_sequence, with_waiting
from .captured_actions import CapturedData
from .motion_data import Segment
from .motion_piece import MotionPiece
from .piece_joining import joined, padded

_NECK, _PELVIS = JOINTS.index("neck"), 0
_ENDS = 6
"""Frames at either end by which it is judged whether a figure stands."""
_REPEATED = re.compile(
    r"\b(wav|clap|punch|kick|jump|hop|bow|nod|point|throw|squat|beckon|swing|stretch|lunge|reach|jab|swat|chop)", re.I
)
_COUNTED = re.compile(r"\b(once|twice|again|times|two|three|four|five|six|several|first|last|more|another)\b", re.I)
_WAITS_ANYWAY = {"idle", "walk", "run", "backward", "sideways", "style", "prop", "acrobatics", "turn", "around"}
"""Families whose segments are not shown with standing around them: they go on, or stand already."""
NEAREST_OF = 40
"""Candidates for what follows; the one whose first pose fits best is taken."""


@dataclass(frozen=True, eq=False)
class ComposedSequence:
    """One composed example and its captions."""

    piece: MotionPiece
    captions: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Action:
    segment: Segment
    piece: MotionPiece
    family: str
    first: FloatArray
    last: FloatArray
    stands_first: bool
    stands_last: bool


def actions_of(data: CapturedData) -> list[_Action]:
    """The segments that can be joined: long enough, clear, without props."""
    found = []
    for segment in data.segments:
        piece = data.piece(segment)
        if len(piece) < 16 or segment.prop or segment.unclear:
            continue
        found.append(
            _Action(
                segment,
                piece,
                family(segment),
                _state(piece.joints[:4]),
                _state(piece.joints[-4:]),
                stands(piece.joints[:_ENDS]),
                stands(piece.joints[-_ENDS:]),
            )
        )
    return found


def stands(joints: FloatArray) -> bool:
    """Whether the figure (T, 22, 3) is upright, on its feet and hardly moves."""
    tall = joints[:, _NECK, 1] - np.minimum(joints[:, L_ANKLE, 1], joints[:, R_ANKLE, 1])
    moving = np.linalg.norm(np.diff(joints, axis=0), axis=-1).mean() * FPS
    low = np.minimum(joints[:, L_FOOT, 1], joints[:, R_FOOT, 1]).max() < 0.12
    return bool(tall.min() > 1.1 and moving < 0.35 and low)


def _state(joints: FloatArray) -> FloatArray:
    """(45, 3): pose and speed of the first frame in the figure's own frame, to compare ends with beginnings."""
    pose = joints - joints[:1, :1] * np.array([1.0, 0.0, 1.0])
    pose = augmentation.turned(pose, -float(see.heading(joints)[0]))
    velocity = (pose[-1] - pose[0]) / (len(pose) - 1) * FPS * 0.15
    return np.concatenate([pose[0], velocity])


def waiting(
    actions: Sequence[_Action], calm: Sequence[MotionPiece], count: int, generator: np.random.Generator
) -> Iterator[ComposedSequence]:
    """Actions that begin and end standing, with standing before and after; short ones are sometimes repeated."""
    fitting = [
        a
        for a in actions
        if a.stands_first and a.stands_last and a.family not in _WAITS_ANYWAY and len(a.piece) <= 0.75 * MAX_FRAMES
    ]
    if not fitting or not calm:
        return
    by_family: dict[str, list[_Action]] = {}
    for action in fitting:
        by_family.setdefault(action.family, []).append(action)
    names = sorted(by_family)
    for _ in range(count):
        action = _one_of(by_family, names, generator)
        piece = action.piece.warp(generator.uniform(0.9, 1.12))
        captions = action.segment.captions
        plain = captions[0]
        times = int(min(4, (MAX_FRAMES - 10) // max(1, len(piece))))
        if _REPEATED.search(plain) and not _COUNTED.search(plain) and times > 1 and generator.random() < 0.5:
            piece = joined([piece] * int(generator.integers(2, times + 1)), fade=8)
            captions = (plain,)
        else:
            piece = padded(piece, calm, generator, most=130)
            captions = tuple(with_waiting(c, generator) for c in captions)
        yield ComposedSequence(piece.cut(0, MAX_FRAMES + 1), captions)


def one_after_the_other(
    actions: Sequence[_Action], count: int, generator: np.random.Generator
) -> Iterator[ComposedSequence]:
    """Two or three actions in a row, the later ones chosen so that their first pose fits."""
    by_family: dict[str, list[_Action]] = {}
    for action in actions:
        by_family.setdefault(action.family, []).append(action)
    names = sorted(by_family)
    made = 0
    for _ in range(3 * count):
        chosen = [_one_of(by_family, names, generator)]
        frames = len(chosen[0].piece)
        for _ in range(1 if generator.random() < 0.85 else 2):
            candidates = [_one_of(by_family, names, generator) for _ in range(NEAREST_OF)]
            candidates = [c for c in candidates if frames + len(c.piece) <= MAX_FRAMES]
            if not candidates:
                break
            apart = [np.linalg.norm(c.first - chosen[-1].last, axis=-1).mean() for c in candidates]
            best = int(np.argmin(apart))
            if apart[best] > 0.13:
                break
            chosen.append(candidates[best])
            frames += len(candidates[best].piece)
        captions = (
            [
                in_sequence([c.segment.captions[k % 3 % len(c.segment.captions)] for c in chosen], generator)
                for k in (0, 0, 1)
            ]
            if len(chosen) > 1
            else []
        )
        known = tuple(c for c in captions if c is not None)
        if not known:
            continue
        yield ComposedSequence(joined([c.piece for c in chosen], fade=10).cut(0, MAX_FRAMES + 1), known)
        made += 1
        if made == count:
            return


def _one_of(by_family: dict[str, list[_Action]], names: Sequence[str], generator: np.random.Generator) -> _Action:
    found = by_family[names[int(generator.integers(len(names)))]]
    return found[int(generator.integers(len(found)))]
