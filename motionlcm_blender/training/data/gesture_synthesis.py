"""Everyday gestures laid over captured standing and walking: claps, nods, salutes, crossed arms, looks aside.

The captures hold four shrugs and three nods. A gesture of arms and head is simple enough to be defined by a few poses
(`gestures.definitions`); body, feet and sway stay captured (`gestures.performance`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from ...gestures.definitions import Gesture, gestures
from ...gestures.performance import GestureKey, free_key, perform, varied_poses
from ...motion.skeleton import FPS, MAX_FRAMES
from .caption_text import SUBJECTS
from .composition import Composed
from .motion_piece import MotionPiece
from .piece_joining import held

KIND = "gesture"
"""The kind of these examples (`Composed.kind`)."""
_WALKING_SHARE = 0.4
"""Share of the examples over a walk, for gestures that are made while walking."""
_CAPTIONS = 4
"""Most captions of an example."""
_HEAD = slice(0, 6)
"""The head's part of the turns of head and hands."""


def synthesize_gestures(
    calm: Sequence[MotionPiece],
    walks: Sequence[MotionPiece],
    count: int,
    generator: np.random.Generator,
    held_back: Collection[str] = (),
    among: Sequence[Gesture] | None = None,
    first: int = 0,
) -> Iterator[Composed]:
    """Make examples of the gestures in turn.

    Args:
        calm: Standing figures, arms hanging.
        walks: Gaits.
        count: How many examples.
        generator: Source of all choices.
        held_back: What no caption may be, without full stop.
        among: Gestures to be made; None: all. Those without captions are left out.
        first: Number of the gesture to begin with.

    Yields:
        Examples with their captions; half of them are mirrored. Nothing without standing figures.
    """
    standing = [body for body in calm if not np.isnan(body.head_hands[:, _HEAD]).any()]
    going = [walk for walk in walks if len(walk) >= 50]
    chosen = [gesture for gesture in (gestures() if among is None else among) if gesture.captions]
    for number in range(count if standing and chosen else 0):
        gesture = chosen[(first + number) % len(chosen)]
        walking = bool(gesture.walking and going) and generator.random() < _WALKING_SHARE
        bodies = going if walking else standing
        body = bodies[int(generator.integers(len(bodies)))]
        piece = _performed(gesture, body, walking, generator)
        captions = _captions(gesture.walking if walking else gesture.captions, generator, held_back)
        example = Composed(piece, captions, KIND)
        yield example.mirrored() if generator.random() < 0.5 else example


def _performed(gesture: Gesture, body: MotionPiece, walking: bool, generator: np.random.Generator) -> MotionPiece:
    """The gesture of the left side, with some of what comes before and after, or cut while it lasts."""
    longest = min(MAX_FRAMES + 1, len(body)) if walking else MAX_FRAMES + 1
    lasts = bool(max(gesture.hold) >= 2.0 or gesture.repeats[1] >= 6)
    before = int(generator.integers(2, 18))
    keys = _keys(gesture, before, longest - 8, generator)
    begin, end = keys[1].frame, keys[-2].frame
    last = min(longest, round(keys[-1].frame) + int(generator.integers(2, 40)))
    first = 0
    if walking and lasts:
        keys = [*keys[:-2], GestureKey(longest + 20, keys[-2].arms, keys[-2].angles)]
        last = longest
    elif lasts and end - begin > 14 and generator.random() < 0.45:
        last = round(end) - int(generator.integers(0, 4))
    if lasts and generator.random() < 0.4:
        first = min(round(begin), last - 12)
    whole = body if walking else held(body, last)
    return _laid_over(whole.cut(0, last), keys).cut(max(0, first), last)


def _keys(gesture: Gesture, before: int, longest: int, generator: np.random.Generator) -> list[GestureKey]:
    """Keys from the captured pose through the gesture's poses and back."""
    beat = generator.uniform(*gesture.beat) * FPS
    repeats = int(generator.integers(gesture.repeats[0], gesture.repeats[1] + 1))
    hold = generator.uniform(*gesture.hold) * FPS
    ease = generator.uniform(0.32, 0.75, 2) * FPS
    poses = varied_poses(gesture.poses, generator)
    free = longest - before - ease.sum()
    # A gesture that is too long for the model's longest motion is repeated less or held less.
    repeats = max(1, min(repeats, int((free - min(hold, free / 2)) / (beat * len(poses)))))
    hold = max(0.0, min(hold, free - beat * (len(poses) * repeats - 1)))
    captured = free_key(float(before))
    keys, frame = [captured], before + ease[0]
    for number in range(repeats * len(poses)):
        arms, angles = poses[number % len(poses)]
        keys.append(GestureKey(frame, arms, angles * generator.uniform(0.88, 1.1)))
        frame += beat * generator.uniform(0.88, 1.12)
    frame = keys[-1].frame + max(hold, 1.0)
    keys.append(GestureKey(frame, keys[-1].arms, keys[-1].angles))
    keys.append(free_key(frame + ease[1]))
    return keys


def _laid_over(body: MotionPiece, keys: Sequence[GestureKey]) -> MotionPiece:
    """The body with arms, head, trunk and shoulders led through the keys."""
    joints, head = perform(body.joints, keys)
    turns = body.head_hands.astype(np.float64)
    turns[:, _HEAD] = np.einsum("tij,tcj->tci", head, turns[:, _HEAD].reshape(-1, 2, 3)).reshape(-1, 6)
    return MotionPiece.of(joints, turns, body.prop)


def _captions(predicates: Sequence[str], generator: np.random.Generator, held_back: Collection[str]) -> tuple[str, ...]:
    """The plainest caption and some others, with plain subjects."""
    filled = [predicate.replace("{side}", "left").replace("{other}", "right") for predicate in predicates]
    others = [filled[k] for k in generator.permutation(np.arange(1, len(filled)))[: _CAPTIONS - 1]]
    captions = [f"a person {filled[0]}.", *(f"{_subject(generator)} {predicate}." for predicate in others)]
    kept = tuple(caption for caption in captions if caption.rstrip(".") not in held_back)
    return kept or (f"the person {filled[0]}.",)


def _subject(generator: np.random.Generator) -> str:
    return SUBJECTS[int(generator.integers(len(SUBJECTS)))]
