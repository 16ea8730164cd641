"""The pool of captioned examples for teacher, student and ControlNet: captured, augmented and composed, as features."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...array_types import BoolArray, FloatArray
from ...motion.skeleton import MAX_FRAMES
from .action_detectors import speed
from .caption_families import balanced_weights, captured_shares, family
from .caption_text import other_subject
from .caption_variations import caption_variations
from .captured_actions import CapturedData, standing_pieces
from .clip_pool import SHORTEST, STILL, liveliness, pieces_of
from .composition import compose
from .feature_pool import FeaturePool
from .gait_examples import gait_examples, is_plain_locomotion
from .gesture_synthesis import KIND as GESTURE
from .gesture_synthesis import synthesize_gestures
from .motion_data import MotionData, Segment, mirror_caption
from .motion_piece import MotionPiece
from .sequence_composition import actions_of, one_after_the_other, waiting
from .shards import made_in_processes, part_of
from .straight_examples import speed_balanced, straight_examples

logger = logging.getLogger(__name__)

SHARES = {"captured": 0.62, "gait": 0.09, "waiting": 0.08, "sequence": 0.06, "composed": 0.06, GESTURE: 0.09}
"""Of all draws; what was captured is shared out among families (`caption_families`)."""
_COMPOSED = {"arm": 400, "kick": 160, "leg": 160, "jump": 300, "sidestep": 220, "around": 150}
"""How many examples of each kind `composition` adds."""
VARIATIONS = 3
"""Variations of an example's captions in other words; they are stored so often that they are half of what is drawn."""
WAITING, SEQUENCES, GESTURES = 2500, 3500, 1700
"""Numbers of examples of each synthesized kind."""
STRAIGHT = "straight"
"""The family of straightened locomotion, which has no share of the draws of captions."""
TRAVELS, FAR = 0.3, 0.8
"""Metres per second of the pelvis over the floor, and metres from where it began, above which an example counts as
going somewhere."""


@dataclass(frozen=True, eq=False)
class Pool(FeaturePool):
    """Captioned examples.

    Attributes:
        captions: The captions of each example.
        travels: (N,) bool, whether the figure goes somewhere.
        prop: (N,) bool, whether something that is not there carries the figure, so its feet need not be on the floor.
        straight: (N,) weights of the straightened locomotion that only the ControlNet is shown, 0 for all others.
    """

    captions: tuple[tuple[str, ...], ...]
    travels: BoolArray
    prop: BoolArray
    straight: FloatArray

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:
        return tuple(tuple(captions) for captions in value) if name == "captions" else super()._read(name, value)


@dataclass(frozen=True, eq=False)
class _Example:
    piece: MotionPiece
    captions: tuple[str, ...]
    family: str
    weight: float = 1.0

    def mirrored(self) -> _Example:
        captions = tuple(mirror_caption(c) for c in self.captions)
        return _Example(self.piece.mirror(), captions, self.family, self.weight)


@dataclass(frozen=True, eq=False)
class _Made:
    """What the pool keeps of an example; speed in metres per second."""

    features: FloatArray
    captions: tuple[str, ...]
    family: str
    weight: float
    travels: bool
    prop: bool
    speed: float


def build_pool(
    data: MotionData, seed: int, held_back: Collection[str] = (), shards: int = 1, synthesized: float = 1.0
) -> Pool:
    """All examples of the train clips.

    Args:
        data: Captured motion with captions.
        seed: Of all choices.
        held_back: Prompts of the evaluation, without full stop; no variation of a caption is one of them.
        shards: Parts that are made with a generator each, in processes of their own where the system allows it. The
            examples depend on the number of parts, not on the number of processes.
        synthesized: Part of the usual number of synthesized examples, for trials.

    Returns:
        The pool.
    """

    def part(count: int, shard: int = 0) -> range:
        whole = round(synthesized * count)
        return range(shard * whole // shards, (shard + 1) * whole // shards)

    made = _in_one(data, seed, held_back, part) if shards == 1 else _in_shards(data, seed, held_back, part, shards)
    starts = np.concatenate([[0], np.cumsum([len(each.features) for each in made])])
    logger.info("pool: %d examples, %.0f minutes", len(made), starts[-1] / 1200)
    families = np.array([each.family for each in made])
    weights = balanced_weights(families, np.array([each.weight for each in made]), _shares())
    straight = np.zeros(len(made))
    rows = np.flatnonzero(families == STRAIGHT)
    if len(rows):
        straight[rows] = speed_balanced(np.array([made[row].speed for row in rows]))
    return Pool(
        np.concatenate([each.features for each in made]),
        starts,
        weights,
        tuple(each.captions for each in made),
        np.array([each.travels for each in made]),
        np.array([each.prop for each in made]),
        straight,
    )


def _in_one(data: MotionData, seed: int, held_back: Collection[str], part: Callable[[int], range]) -> list[_Made]:
    generator, other_words = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    captured = _captured(data, pieces_of(data, test=False))
    walks: list[MotionPiece] = []
    examples = itertools.chain(
        _captured_examples(captured, captured.segments, data.coarse, walks, generator),
        _synthesized_examples(captured, walks, part, generator, held_back),
    )
    return list(_made(examples, other_words, held_back))


def _in_shards(
    data: MotionData, seed: int, held_back: Collection[str], part: Callable[[int, int], range], shards: int
) -> list[_Made]:
    """The examples of `shards` parts: each has every so many-th segment and its part of what is synthesized."""
    clips = made_in_processes(lambda shard: pieces_of(part_of(data, shard, shards), test=False), shards)
    pieces = {name: piece for some in clips for name, piece in some.items()}
    captured = _captured(data, {name: pieces[name] for name in data.clips if name in pieces})

    def shown(shard: int) -> tuple[list[_Made], list[MotionPiece]]:
        walks: list[MotionPiece] = []
        examples = _captured_examples(
            captured, captured.segments[shard::shards], data.coarse, walks, np.random.default_rng([seed, 2, shard])
        )
        return list(_made(examples, np.random.default_rng([seed, 3, shard]), held_back)), walks

    of_captured = made_in_processes(shown, shards)
    walks = [walk for _, some in of_captured for walk in some]

    def synthesized(shard: int) -> list[_Made]:
        generator = np.random.default_rng([seed, 4, shard])
        examples = _synthesized_examples(captured, walks, lambda count: part(count, shard), generator, held_back)
        return list(_made(examples, np.random.default_rng([seed, 5, shard]), held_back))

    others = made_in_processes(synthesized, shards)
    return [each for some in (*(some for some, _ in of_captured), *others) for each in some]


def _captured(data: MotionData, pieces: dict[str, MotionPiece]) -> CapturedData:
    return CapturedData(pieces, tuple(s for s in data.segments if s.clip in pieces))


def _made(
    examples: Iterable[_Example], other_words: np.random.Generator, held_back: Collection[str]
) -> Iterator[_Made]:
    for example in examples:
        piece = example.piece.cut(0, MAX_FRAMES + 1)
        if len(piece) > SHORTEST:
            yield _Made(
                piece.features().astype(np.float16),
                with_variations(example.captions, other_words, held_back),
                example.family,
                example.weight,
                goes_somewhere(example.piece.joints),
                example.piece.prop,
                speed(example.piece.joints),
            )


def _shares() -> dict[str, float]:
    families = captured_shares()
    total = sum(families.values())
    shares = {name: SHARES["captured"] * share / total for name, share in families.items()}
    return shares | {name: share for name, share in SHARES.items() if name != "captured"}


def _captured_examples(
    captured: CapturedData,
    segments: Sequence[Segment],
    coarse: Collection[str],
    walks: list[MotionPiece],
    generator: np.random.Generator,
) -> Iterator[_Example]:
    """Segments as captured, mirrored, slower and faster; gaits and straightened locomotion made of them.

    walks: Plain walks are added to this list.
    """
    for segment in segments:
        piece = captured.piece(segment)
        if len(piece) <= SHORTEST:
            continue
        about = family(segment)
        weight = _weight(segment, piece) * (0.6 if segment.clip in coarse else 1.0)
        example = _Example(piece, _with_other_subject(segment.captions, generator), about, weight)
        yield example
        yield example.mirrored()
        warped = _Example(piece.warp(generator.uniform(0.85, 1.18)), example.captions, about, 0.6 * weight)
        yield warped.mirrored() if generator.random() < 0.5 else warped
        if is_plain_locomotion(segment) and not segment.prop:
            gaits = list(gait_examples(piece, segment.captions, about == "style", generator))
            walks += [gait for gait, captions in gaits[:1] if "a person walks." in captions]
            yield from (_Example(gait, _with_other_subject(captions, generator), "gait") for gait, captions in gaits)
        if not segment.prop and goes_somewhere(piece.joints):
            sources = ((piece, False), (piece.mirror(), True), (piece.warp(generator.uniform(0.8, 1.25)), False))
            for source, mirrored in sources:
                for made, captions in straight_examples(source, segment.captions, mirrored):
                    yield _Example(made, captions, STRAIGHT)


def _synthesized_examples(
    captured: CapturedData,
    walks: list[MotionPiece],
    part: Callable[[int], range],
    generator: np.random.Generator,
    held_back: Collection[str],
) -> Iterator[_Example]:
    """What is composed and put in a row, and gestures laid over other motion.

    part: Which of so many examples to make; one shard makes a part of them.
    """
    counts = {kind: len(part(count)) for kind, count in _COMPOSED.items()}
    for composed in compose(captured, walks, counts, generator):
        yield _Example(composed.piece, _with_other_subject(composed.captions, generator), "composed")
    actions, calm = actions_of(captured), standing_pieces(captured)
    for kind, found in (
        ("waiting", waiting(actions, calm, len(part(WAITING)), generator)),
        ("sequence", one_after_the_other(actions, len(part(SEQUENCES)), generator)),
    ):
        for number, sequence in enumerate(found):
            example = _Example(sequence.piece, _with_other_subject(sequence.captions, generator), kind)
            yield example.mirrored() if number % 2 else example
    numbers = part(GESTURES)  # those of all parts together show each gesture equally often
    for gesture in synthesize_gestures(calm, walks, len(numbers), generator, held_back, first=numbers.start):
        yield _Example(gesture.piece, _with_other_subject(gesture.captions, generator), GESTURE)


def _with_other_subject(captions: tuple[str, ...], generator: np.random.Generator) -> tuple[str, ...]:
    """The captions, the plainest one twice: as it is, and with another plain subject or none."""
    other = other_subject(captions[0], generator)
    return (captions[0], *captions) if other is None else (captions[0], other, *captions[1:])


def with_variations(
    captions: tuple[str, ...], generator: np.random.Generator, held_back: Collection[str] = ()
) -> tuple[str, ...]:
    """The captions and as many in other words, so that half of those drawn are variations.

    Args:
        captions: The captions of an example, the plainest one first.
        generator: Source of all choices.
        held_back: What no variation may be, without full stop.

    Returns:
        Twice as many captions; only the given ones if none of them can be varied.
    """
    made: list[str] = []
    for number in range(VARIATIONS):
        caption = captions[0] if number < 2 else captions[int(generator.integers(len(captions)))]
        made += [c for c in caption_variations(caption, generator, 1) if c.rstrip(".") not in held_back]
    return captions + tuple(made[k % len(made)] for k in range(len(captions) if made else 0))


def _weight(segment: Segment, piece: MotionPiece) -> float:
    """Smaller for unclear segments and for long stills."""
    weight = 0.3 if segment.unclear else 1.0
    lively = liveliness(piece.joints)
    return weight * max(0.3, lively / STILL) if lively < STILL and len(piece) > 60 else weight


def goes_somewhere(joints: FloatArray) -> bool:
    """Whether the pelvis of (T, 22, 3) leaves its place, and not only by swaying."""
    ground = joints[:, 0][:, [0, 2]]
    return bool(speed(joints) > TRAVELS and np.linalg.norm(ground - ground[0], axis=-1).max() > FAR)
