"""Agreement of the detectors with the captions of captured motion, where the captions are clear.

A rule leaves out captions that use the word for something else: of the trunk above standing feet, of a phase within a
longer action, of a dance, of a figure on props whose floor is not in the capture. What is left is what a prompt means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...array_types import FloatArray
from ..data import action_detectors as see
from ..data.action_detectors import Gait, Side
from .held_out_motions import TestMotion


@dataclass(frozen=True)
class Rule:
    """Captions that clearly contain a word, and the expected result of the detector.

    pattern: regular expression that one of a motion's captions must match. unless: one that none may match, since
    something else happens too. expected: what `detector` should return for the motion.
    """

    name: str
    detector: Callable[[FloatArray], Any]
    expected: Any
    pattern: str
    unless: str

    def applies(self, captions: Iterable[str]) -> bool:
        """Whether the captions of a motion contain the word, and nothing that contradicts it."""
        captions = list(captions)
        matches = any(re.search(self.pattern, c) for c in captions)
        return matches and not any(re.search(self.unless, c) for c in captions)


@dataclass(frozen=True)
class Agreement:
    """How many motions a rule applies to, on how many the detector agrees, and the indices where it does not."""

    motions: int
    agreed: int
    missed: tuple[int, ...]

    @property
    def share(self) -> float:
        """Share of the motions on which captions and detector agree; NaN without motions."""
        return self.agreed / self.motions if self.motions else float("nan")


_PROPS = (
    r"ladder|\bbars?\b|block|rough|uneven|bumpy|terrain|stair|steps (up|down)|climb|stool|seat|sits?\b|rope|platform"
)
"""Things to stand on or hang from, which the capture does not hold: the floor is not where the feet are."""
_TRUNK = r"upper body|trunk|twist|straight|wip|rins|wash|scrub|rag|mop|golf|swings the body|story|chicken|snake|wings"
"""Turns of the trunk above feet that stay; the model's prompts describe turns of the whole figure."""
_DANCE = r"danc|salsa|leader|follower|ballet|pirouette|whirl|spin"


def _sides(name: str, detector: Callable[[FloatArray], Any], pattern: str, unless: str) -> list[Rule]:
    """The same rule for left and right: SIDE and OTHER in the patterns stand for the words."""
    rules = []
    for side, other in ((Side.LEFT, "right"), (Side.RIGHT, "left")):
        patterns = (p.replace("SIDE", side.value).replace("OTHER", other) for p in (pattern, unless))
        rules.append(Rule(f"{name}/{side.value}", detector, side, *patterns))
    return rules


RULES: tuple[Rule, ...] = (
    *_sides(
        "turn", see.turned_to,
        r"\bturn(s|ing)?( \w+)? (to the )?SIDE\b|turn to the SIDE\b|(curv|bend|veer)\w* (off |around )?(to the )?SIDE",
        rf"OTHER|{_TRUNK}|slight|walks? back|returns|run|rises|turns back|{_PROPS}|{_DANCE}",
    ),
    Rule(
        "turn_around", see.turned_around, True, r"turns? around|half turn|half a turn|about.face",
        rf"{_TRUNK}|half turned|laugh|{_PROPS}|{_DANCE}|shoulder|looks",
    ),
    *_sides(
        "kick", see.kicking_leg,
        r"kicks?\b.* (with the )?SIDE (leg|foot)|SIDE (roundhouse|front kick|side kick)"
        r"|swings (the|his) SIDE (leg|foot)",
        rf"OTHER (leg|foot|roundhouse|front|side)|alternat|pitch|cartwheel|{_PROPS}|{_DANCE}|winds up|on the OTHER",
    ),
    *_sides(
        "raise_arm", see.raised_arm,
        r"(raise|lift|hold|wave)s? (up )?(the|his|her) SIDE (arm|hand)\b",
        r"with the OTHER|OTHER (arm|hand|fist|wrist)|bow|sword|both|arms|waist|chest|hip|"
        rf"\bhands\b|wash|wip|drink|phone|punch|{_PROPS}|{_DANCE}",
    ),
    *_sides(
        "raise_leg", see.raised_leg, r"(raise|lift)(s|ing) (the|his|her) SIDE (leg|knee|foot)",
        rf"OTHER (leg|knee)|{_PROPS}|alternat|tiptoe|reach|throw|pitch|(moves|steps) to the|stepping to",
    ),
    Rule(
        "forward", see.goes_forward, True,
        r"(walk|run|jog|stroll|stride|march)\w* (\w+ )?(forward|ahead|straight)",
        rf"back|turns around|{_PROPS}|{_DANCE}|in place",
    ),
    Rule(
        "backward", see.goes_backward, True,
        r"(walk|retreat|back|step|move|goe)s? (\w+ )?(backward|in reverse|away|up six)|walking backward",
        rf"forward|ahead|hop|jump|turn|drops|{_PROPS}|{_DANCE}|mop|then steps",
    ),
    Rule(
        "slow", see.goes_slowly, True,
        r"walks?( \w+)? (\w+ )?slowly|slow(ly)? (even )?steps|slowly walks|unhurried steps",
        rf"fast|quick|brisk|run|turn|slows|faster|{_PROPS}|{_DANCE}",
    ),
    Rule(
        "fast", see.goes_fast, True,
        r"(walk|strid)\w*( \w+)? (very |quite )?(\w+ )?(fast|quickly|briskly)|brisk(ly)? (walk|pace|steps)",
        rf"slow|stop|stand|turn|slows|{_PROPS}|{_DANCE}|dribbl",
    ),
    Rule(
        "run", see.gait, Gait.RUN, r"\b(run|jog|sprint)s?\b|\bis (running|jogging)",
        rf"walk|stand|stop|brak|kick|crouch|duck|jump|hop|leap|still|arm swing|turns around|{_PROPS}|{_DANCE}",
    ),
    Rule(
        "walk", see.gait, Gait.WALK, r"\bwalks?\b|\bstrolls?\b",
        rf"back|run|sidewa|reverse|jog|stops|stands|jump|turns around|kick|place|{_PROPS}|{_DANCE}|cartwheel|hop|mop",
    ),
    *_sides(
        "sidestep", see.sidestepped_to,
        r"sidesteps? (to the )?SIDE|(side-?steps|shuffles|(dribbles|moves) sideways)( \w+)? (to the )?SIDE"
        r"|moving sideways to the SIDE",
        rf"OTHER (with|and)|run|turn|{_PROPS}|salsa|circle|leader|reach",
    ),
    *_sides(
        "to_side", see.went_to,
        r"(walk|stroll|pace|stride|jog|run|amble)\w*.*(veer|curv|bend|bear|drift|angl)\w*.*SIDE",
        rf"OTHER|half|circle|around|slight|a (bit|little)|{_PROPS}|{_DANCE}",
    ),
    Rule(
        "one_jump", see.count_jumps, 1,
        r"^a (person|man) (jumps|leaps|hops)( \w+){0,2}\.$|one (big )?\w* ?jump\b|(makes|does) a [\w\s-]*jump\b",
        rf"twice|two (jumps|hops|times)|three|four|again|and again|repeat|jumps and|run|jumping|hopscotch|jumps, |"
        rf"several|row|series|hopping|kick|{_PROPS}|{_DANCE}",
    ),
    *(
        Rule(
            f"{word}_jumps", see.count_jumps, number,
            rf"\b(hops|jumps|leaps)( \w+){{0,2}} {times}|{word}(?! footed)( [\w-]+){{0,2}} (jumps|hops)\b",
            rf"one hop|then|followed by|small|jack|cross|splits|more jumps|{others}|{_PROPS}|{_DANCE}",
        )
        for number, word, times, others in (
            (2, "two", "(twice|two times)", "three|four"),
            (3, "three", "three times", "twice|four"),
            (4, "four", "four times", "twice|three"),
        )
    ),
    Rule(
        "no_jump", see.count_jumps, 0, r"\bwalks?\b|\bstands?\b|turns (left|right|to the)",
        rf"jump|hop|leap|spring|run|jog|kick|skip|lands|{_PROPS}|{_DANCE}|cartwheel|stamp|tiptoe|bounc|stepping down",
    ),
)  # fmt: skip


def agreement(motions: Sequence[TestMotion]) -> dict[str, Agreement]:
    """For each rule by name: the motions whose captions clearly contain the word, and the results of the detector."""
    found = {}
    for rule in RULES:
        applies = [k for k, motion in enumerate(motions) if rule.applies(motion.captions)]
        missed = tuple(k for k in applies if rule.detector(motions[k].joints) != rule.expected)
        found[rule.name] = Agreement(len(applies), len(applies) - len(missed), missed)
    return found
