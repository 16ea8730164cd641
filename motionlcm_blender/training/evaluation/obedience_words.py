"""More words for obedience: styles of walking, gestures, getting up and down. `obedience.measure` uses them too.

Each word has a rule for captions that clearly contain it. `word_agreement` counts in captured motion how often the
detector finds a word of the captions, and how often it finds the word in 400 motions whose captions lack it (measured
on all captured segments, on which the thresholds were set too). Words that no measure distinguished from other motion
(push, pull, happy) are left out; "drunk" and "idle" are distinguished poorly.

| word | seen | false alarms | | word | seen | false alarms |
|---|---|---|---|---|---|---|
| limp | 34 of 44 | 20 % | | drunk | 13 of 20 | 30 % |
| sneak | 53 of 58 | 10 % | | tiptoe | 33 of 43 | 11 % |
| march | 32 of 45 | 11 % | | skip | 18 of 24 | 13 % |
| old | 12 of 14 | 14 % | | sad | 12 of 20 | 20 % |
| idle | 40 of 46 | 24 % | | clap | 3 of 5 | 8 % |
| bow | 27 of 32 | 21 % | | point | 16 of 29 | 13 % |
| fall | 2 of 2 | 1 % | | get up | 7 of 11 | 3 % |
| crawl | 4 of 7 | 1 % | | throw | 6 of 7 | 8 % |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...motion.motion import Motion
from ..data import action_detectors as see
from . import style_detectors as style
from .held_out_motions import TestMotion

PLAIN_WALK = ("a person walks forward", "someone walks")
SLOWER = 1.0 / 1.15
"""Factor of speed to a plain walk of the same seed that "old", "sad" and "drunk" must reach, as "fast" must."""


@dataclass(frozen=True)
class StyleWord:
    """A word with a measure of its own.

    prompts: phrasings. frames: length at 20 fps. does: joints (T, 22, 3) -> was it done. pattern, unless: one
    of a motion's captions must match the first and none may match the second, of captured motion that does it.
    slower: the take must also be slower than a plain walk of the same seed.
    """

    word: str
    prompts: tuple[str, ...]
    frames: int
    does: Callable[[FloatArray], bool]
    pattern: str
    unless: str = r"$^"
    slower: bool = False

    def applies(self, captions: Sequence[str]) -> bool:
        """Whether the captions of a motion contain this word."""
        return any(re.search(self.pattern, c) for c in captions) and not any(
            re.search(self.unless, c) for c in captions
        )


def _goes(joints: FloatArray) -> bool:
    """Whether the figure travels: a standing figure shows no style of walking."""
    root = np.asarray(joints)[:, 0][:, [0, 2]]
    return bool(np.linalg.norm(root - root[0], axis=-1).max() > see.TRAVEL)


_STILL = r"in place|stands|sits|sit\b|lifts|reads|drinks|mug|cup|reaches|leans|straightens|lowers"

WORDS: tuple[StyleWord, ...] = (
    StyleWord(
        "limp", ("a person limps forward", "someone walks with a limp"), 100,
        lambda j: _goes(j) and style.stride_asymmetry(j) > 1.0, r"\blimp",
    ),
    StyleWord(
        "drunk", ("a drunk person staggers forward", "someone walks drunkenly"), 100,
        lambda j: _goes(j) and style.sway(j) > 0.105, r"\bdrunk|\bstagger", _STILL, slower=True,
    ),
    StyleWord(
        "sneak", ("a person sneaks forward", "someone is sneaking along"), 100,
        lambda j: _goes(j) and style.crouch(j) > 42.0 and style.stoop(j) > 15.0, r"\bsneak",
    ),
    StyleWord(
        "tiptoe", ("a person tiptoes forward", "someone walks on tiptoe"), 100,
        lambda j: style.heel_height(j) > 0.008, r"\btiptoe",
    ),
    StyleWord(
        "march", ("a person marches forward", "someone marches with high knees"), 80,
        lambda j: style.thigh_lift(j) > 30.0, r"\bmarch",
    ),
    StyleWord(
        "skip", ("a person skips forward", "someone skips along happily"), 80,
        lambda j: _goes(j) and style.flights(j) > 0.2 and style.bounce(j) > 0.045,
        r"\bskips?\b|\bskipping", r"punch|flip|rope",
    ),
    StyleWord(
        "old", ("an old person walks forward", "someone walks like an old man"), 100,
        lambda j: _goes(j) and style.stoop(j) > 12.0, r"\b(old|elderly)\b.*\b(walk|trudg|totter|shuffl|go)|like an old",
        _STILL, slower=True,
    ),
    StyleWord(
        "sad", ("a sad person walks forward", "someone walks sadly"), 100,
        lambda j: _goes(j) and see.speed(j) < 0.6 and style.stoop(j) > 2.0,
        r"\b(sad|sadly|depressed|dejected)\b", rf"{_STILL}|pregnant",
        slower=True,
    ),
    StyleWord(
        "idle", ("a person stands idle", "someone stands still and waits"), 100,
        lambda j: style.stillness(j) > 0.5,
        r"^[\w ,]*\b(stands still|stands waiting|waits|idles|stands around)\b[\w ]*\.$",
        r"walk|step|turn|jump|run|then|sit|and (lift|lean|put|rais|bend|look)|lifts|squat",
    ),
    StyleWord(
        "clap", ("a person claps", "someone claps their hands"), 80, lambda j: style.claps(j) >= 2,
        r"\bclaps?\b|clapping", r"jack|then|once",
    ),
    StyleWord(
        "bow", ("a person bows", "someone bows deeply"), 70, lambda j: style.bow(j) > 28.0,
        r"\bbows (politely|forward|deeply|down|to)|\bbows\.|\bbows and", r"peck|laugh|hors|mouse|flap",
    ),
    StyleWord(
        "point", ("a person points ahead", "someone points with the right arm"), 60,
        lambda j: style.pointing(j) > 0.25, r"\bpoints (to|at|ahead|forward|with|up|out|left|right)", r"needle|pecking",
    ),
    StyleWord(
        "fall", ("a person falls down", "someone collapses to the floor"), 80, lambda j: style.fall_depth(j) > 0.3,
        r"\b(falls (flat|over|backward|down|to|on)|collapses|falls\.)", r"nearly|into step|spin|arabesque",
    ),
    StyleWord(
        "get_up", ("a person gets up from the floor", "someone lying on the ground gets up"), 100,
        lambda j: style.rise(j) > 0.25, r"gets up\b|(rises|stands up|getting up) (from|off)|up off the ground",
        r"bend|stoop|crouch|squat|lean|ladder|bull|stool|sits down|takes a seat|dance|lowers",
    ),
    StyleWord(
        "crawl", ("a person crawls forward", "someone crawls on hands and knees"), 100,
        lambda j: style.crawl_share(j) > 0.3,
        r"\bcrawl(s|ing)?\b", r"swim|stroke|breast|butterfly|prone|front crawl|totter",
    ),
    StyleWord(
        "throw", ("a person throws a ball", "someone throws something with the right hand"), 70,
        lambda j: style.throwing(j) > 2.7,
        r"\b(throws|pitches|hurls)\b.*\b(ball|baseball)\b|pitches\b|winds up and throws",
        r"juggl|dribbl|clumsy|punch|basket",
    ),
)  # fmt: skip

LOOK_PROMPTS, LOOK_FRAMES = ("a person looks around", "someone stands and looks around nervously"), 100
LOOK_DEGREES = 40.0
"""To each side: what someone who looks around turns the head by, at least."""


def head_turns(motion: Motion) -> FloatArray | None:
    """(T, 3, 4) rotations of head and hands, w x y z; None for a model without them."""
    turns: FloatArray | None = getattr(motion, "head_hands", None)
    return turns


def looks_around(motion: Motion) -> bool:
    """Whether the head turns by 40 degrees both ways; False for a model without rotations of the head."""
    left, right = style.head_yaw_span(head_turns(motion))
    return min(left, right) >= LOOK_DEGREES


@dataclass(frozen=True)
class WordAgreement:
    """Counts of a detector on captured motion.

    Attributes:
        with_word: Motions whose captions contain the word.
        seen: Those of them in which the detector finds it.
        others: Motions whose captions do not contain it.
        alarms: Those of them in which the detector finds it.
    """

    with_word: int
    seen: int
    others: int
    alarms: int

    @property
    def detection(self) -> float:
        """Fraction of the motions with the word in which the detector finds it; NaN without such motions."""
        return self.seen / self.with_word if self.with_word else float("nan")

    @property
    def false_alarm(self) -> float:
        """Fraction of the motions without the word in which the detector finds it; NaN without them."""
        return self.alarms / self.others if self.others else float("nan")


def word_agreement(motions: Sequence[TestMotion], others: int = 400, seed: int = 0) -> dict[str, WordAgreement]:
    """Counts of each word's detector.

    others: number of motions without the word to draw from `seed`. Motions on props and unclear ones are left out.
    """
    motions = [m for m in motions if not (m.flags.prop or m.flags.unclear)]
    drawn = np.random.default_rng(seed).permutation(len(motions))[:others]
    found = {}
    for word in WORDS:
        with_word = [m for m in motions if word.applies(m.captions)]
        rest = [motions[k] for k in drawn if not any(re.search(word.pattern, c) for c in motions[k].captions)]
        found[word.word] = WordAgreement(
            len(with_word),
            sum(word.does(m.joints) for m in with_word),
            len(rest),
            sum(word.does(m.joints) for m in rest),
        )
    return found
