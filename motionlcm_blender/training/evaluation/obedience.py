"""Obedience: prompts that differ in one word, and `detectors` that find this word in the motion.

The detectors agree with the captions of captured motion (`detector_agreement.agreement` on the 1,363 captioned pieces
of the CMU and CC0 clips; only captions that clearly use the word for the whole figure count). The thresholds were
set, and the rules on what is clear made, on the same pieces, so the figures show that the definitions fit, not how
they do on other captures. `training/data/captured_actions.py` finds by the same definitions which captured pieces do
what, in one of the two phrasings of each prompt here: a model trained on them has seen the prompts.

| detector | agrees | | detector | agrees |
|---|---|---|---|---|
| turn left / right | 13 of 14 / 18 of 18 | | forward / backward | 154 of 154 / 7 of 7 |
| turn around | 12 of 12 | | slowly / fast | 14 of 15 / 20 of 20 |
| kick left / right | 4 of 4 / 12 of 12 | | walk / run | 121 of 121 / 43 of 45 |
| raise arm left / right | 1 of 1 / 12 of 12 | | jump once / twice | 31 of 31 / 5 of 5 |
| raise leg left / right | 5 of 5 / 8 of 8 | | jump three / four times | 4 of 5 / 1 of 1 |
| walk to the left / right | 7 of 7 / 8 of 8 | | no jump | 233 of 233 |
| sidestep left / right | 3 of 3 / 2 of 2 | | | |

The words of styles and actions are in `obedience_words`, with rules and rates of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...generation.request import DEFAULT_STEPS, Request
from ...motion.motion import Motion
from ..data import action_detectors as see
from ..data.action_detectors import Gait, Side
from . import obedience_words as more
from . import style_detectors as style
from .measured_model import Generates

FASTER = 1.15
"""How many times as fast "fast" must be as "slowly" with the same seed: a chosen margin, about half of
what lies between the bounds of slow and fast walks (1.1 and 1.4 m/s)."""

SEEDS_PER_REPEAT = 1000
"""Repeats draw their seeds this far apart, so that none is used twice."""


@dataclass(frozen=True)
class Word:
    """One word to be obeyed.

    word: what differs from the other words of the pair. prompts: phrasings that differ from the other words' prompts
    in nothing else, in the same order. does: joints (T, 22, 3) -> was it done.
    """

    word: str
    prompts: tuple[str, ...]
    does: Callable[[FloatArray], bool]


@dataclass(frozen=True)
class Pair:
    """Words for different forms of the same action. group: the total they count in. frames: length at 20 fps."""

    name: str
    group: str
    frames: int
    words: tuple[Word, ...]


def _sides(name: str, prompts: tuple[str, ...], frames: int, detector: Callable[[FloatArray], Side | None]) -> Pair:
    """A pair of left and right; SIDE in the prompts stands for the word."""

    def word(side: Side) -> Word:
        phrasings = tuple(p.replace("SIDE", side.value) for p in prompts)
        return Word(side.value, phrasings, lambda joints: detector(joints) is side)

    return Pair(name, "left_right", frames, (word(Side.LEFT), word(Side.RIGHT)))


PAIRS: tuple[Pair, ...] = (
    _sides("turn", ("a person turns SIDE", "a man turns to the SIDE"), 80, see.turned_to),
    _sides("kick", ("a person kicks with the SIDE leg", "someone kicks with their SIDE foot"), 60, see.kicking_leg),
    _sides("raise_arm", ("a person raises the SIDE arm", "someone lifts their SIDE hand up"), 60, see.raised_arm),
    _sides("raise_leg", ("a person raises the SIDE leg", "someone lifts their SIDE knee"), 60, see.raised_leg),
    _sides("walk_to", ("a person walks to the SIDE", "someone walks and veers SIDE"), 80, see.went_to),
    _sides(
        "sidestep", ("a person sidesteps to the SIDE", "someone steps sideways to the SIDE"), 60, see.sidestepped_to,
    ),
    Pair(
        "walk_direction", "forward_backward", 80,
        (
            Word("forward", ("a person walks forward", "someone is walking forward"), see.goes_forward),
            Word("backward", ("a person walks backward", "someone is walking backward"), see.goes_backward),
        ),
    ),
    Pair(
        "walk_speed", "speed", 80,
        (
            Word("slowly", ("a person walks slowly", "a man walks forward slowly"), see.goes_slowly),
            Word("fast", ("a person walks fast", "a man walks forward fast"), see.goes_fast),
        ),
    ),
    Pair(
        "jump", "count", 100,
        (
            Word("once", ("a person jumps once", "someone jumps up one time"), lambda j: see.count_jumps(j) == 1),
            Word(
                "three_times", ("a person jumps three times", "someone jumps up three times"),
                lambda j: see.count_jumps(j) == 3,
            ),
        ),
    ),
    Pair(
        "go", "gait", 60,
        (
            Word("walks", ("a person walks", "a man walks straight ahead"), lambda j: see.gait(j) is Gait.WALK),
            Word("runs", ("a person runs", "a man runs straight ahead"), lambda j: see.gait(j) is Gait.RUN),
            Word("sidesteps", ("a person sidesteps", "a man steps sideways"), lambda j: see.gait(j) is Gait.SIDESTEP),
        ),
    ),
    Pair(
        "turn_around", "turn_around", 80,
        (Word("around", ("a person turns around", "someone turns around and faces the other way"), see.turned_around),),
    ),
)  # fmt: skip


def measure(model: Generates, repeat: int, seeds: int = 20, steps: int = DEFAULT_STEPS) -> dict[str, float]:
    """Share of takes, 0..1, of finished motion that show the word.

    repeat: which seeds are used. seeds: takes of each word, shared out over its phrasings. Names:
    `obedience/PAIR/WORD`: share of takes that do it; `obedience/PAIR`: share of seeds with which each of the words is
    obeyed; `obedience/GROUP`: mean over the group's words (left_right, forward_backward, speed, count, gait,
    turn_around). For speed also `obedience/walk_speed/faster`, share of seeds with which "fast" is at least 1.15 times
    as fast as "slowly", which counts in the group's mean as one more word, and the mean speeds in m/s. The words of
    `obedience_words` are `obedience/style/WORD`, their mean `obedience/style`; for "looks around" also the degrees by
    which the head turns to each side.
    """
    figures: dict[str, float] = {}
    groups: dict[str, list[float]] = {}
    for pair in PAIRS:
        motions = [_takes(model, word, pair.frames, repeat * SEEDS_PER_REPEAT, seeds, steps) for word in pair.words]
        obeyed = np.array([[word.does(j) for j in made] for word, made in zip(pair.words, motions, strict=True)])
        shares = groups.setdefault(pair.group, [])
        for word, share in zip(pair.words, obeyed.mean(axis=1), strict=True):
            figures[f"obedience/{pair.name}/{word.word}"] = float(share)
            shares.append(float(share))
        if len(pair.words) > 1:
            figures[f"obedience/{pair.name}"] = float(obeyed.all(axis=0).mean())
        if pair.group == "speed":
            speeds = np.array([[see.speed(j) for j in made] for made in motions])
            # Against the least speed of going at all, so that two figures that stand are not one faster than the other.
            faster = float((speeds[1] >= FASTER * np.maximum(speeds[0], see.STAND_SPEED)).mean())
            shares.append(faster)
            figures[f"obedience/{pair.name}/faster"] = faster
            for word, mean in zip(pair.words, speeds.mean(axis=1), strict=True):
                figures[f"obedience/{pair.name}/{word.word}_m_s"] = float(mean)
    figures |= {f"obedience/{group}": float(np.mean(shares)) for group, shares in groups.items()}
    return figures | _styles(model, repeat * SEEDS_PER_REPEAT, seeds, steps)


def _styles(model: Generates, seed: int, seeds: int, steps: int) -> dict[str, float]:
    """The words of `obedience_words`."""
    plain: dict[int, FloatArray] = {}
    shares: dict[str, float] = {}
    for word in more.WORDS:
        made = [m.joints for m in _motions(model, word.prompts, word.frames, seed, seeds, steps)]
        done = np.array([word.does(joints) for joints in made])
        if word.slower:
            if word.frames not in plain:
                walks = _motions(model, more.PLAIN_WALK, word.frames, seed, seeds, steps)
                plain[word.frames] = np.array([see.speed(m.joints) for m in walks])
            done &= np.array([see.speed(joints) for joints in made]) < more.SLOWER * plain[word.frames]
        shares[word.word] = float(done.mean())
    looking = _motions(model, more.LOOK_PROMPTS, more.LOOK_FRAMES, seed, seeds, steps)
    shares["look_around"] = float(np.mean([more.looks_around(m) for m in looking]))
    spans = np.array([style.head_yaw_span(more.head_turns(m)) for m in looking])
    figures = {f"obedience/style/{name}": share for name, share in shares.items()}
    for side, degrees in zip(("left", "right"), spans.mean(0), strict=True):
        figures[f"obedience/look_around/{side}_deg"] = float(degrees)
    return figures | {"obedience/style": float(np.mean(list(shares.values())))}


def _takes(model: Generates, word: Word, frames: int, seed: int, seeds: int, steps: int) -> list[FloatArray]:
    """Joints of `seeds` takes of a word of a pair."""
    return [motion.joints for motion in _motions(model, word.prompts, frames, seed, seeds, steps)]


def _motions(
    model: Generates, prompts: tuple[str, ...], frames: int, seed: int, seeds: int, steps: int
) -> list[Motion]:
    """`seeds` takes, the phrasings one after the other, each take with a seed of its own."""
    made: list[Motion] = []
    for prompt, part in zip(prompts, np.array_split(np.arange(seeds), len(prompts)), strict=True):
        if len(part):
            made += model.generate(Request(prompt, frames, seed=seed + int(part[0]), takes=len(part), steps=steps))
    return made
