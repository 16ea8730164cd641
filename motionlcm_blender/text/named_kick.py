"""The kick or knee strike that a prompt names: how high, and with which leg."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

FRONT, ROUND, SIDE, HIGH, LOW, ANY = (math.radians(angle) for angle in (28.0, 24.0, 13.0, 35.0, -53.0, 15.0))
"""Radians from the horizontal up to the line from hip to ankle at the peak: medians of captured kicks (14 front kicks, 5
roundhouse kicks, 6 side kicks, 26 kicks of a ball, 83 of any kind); for high ones the upper quartile of front kicks."""
KNEE = math.radians(15.0)
"""The same for the thigh at the peak of a knee strike: a knee above the hip by a quarter of the thigh."""
_KICK = re.compile(r"\b(?:kick(?:s|ing)?|roundhouses?|punts?|(?:high|front|side|drop|fly|axe|push|snap|penalty)kicks?)\b")
_KNEE = re.compile(
    r"\bknee (?:strikes?|kicks?|blows?|attacks?|thrusts?)\b|\bknees? (?:to|into) (?:the|his|her|an?)\b"
    r"|\b(?:strik(?:es?|ing)|hits?|attacks?|kicks?) (?:\w+ ){0,3}with (?:the|his|her|an?|one) (?:left |right )?knee\b"
    r"|\bknees (?:somebody|someone|him|her|an?|the|his)\b|\bknee(?:s|ing)? (?:an? |the |his )?opponent\b"
)
_OTHER = re.compile(
    r"\b(?:kicks? (?:back and|off|in\b|the habit)|(?:is|are|gets?|got|being) kick\w*|kick(?:ing|s)? (?:\w+ ){0,2}(?:legs|feet)\b(?! up| high)"
    r"|sits?|sitting|lies|lying|swim\w*|floor|kick ?box\w* (?:stance|guard)|scissor|bicycle kick|handstand|cartwheel"
    r"|block\w*|dodg\w*|avoid\w*|ducks?|kick ?stand|without|never|kickflip|tantrum)\b"
)
"""What makes a kick doubtful: the figure does not stand on one leg, or somebody else kicks."""
_LOW = re.compile(
    r"\b(?:balls?|soccer|football|penalty|free kick|goal|pebbles?|cans?|stones?|rocks?|dust|dirt|sand|leaves|snow|low|shins?|ankles?"
    r"|knee|punts?|water|puddle|bucket|object|box|something|sweep\w*|tires?|leg kicks?)\b"
)
_KINDS = (
    (re.compile(r"\b(?:high|head|face|chin|axe|can-?can|chorus|flying|jump\w*|vertical|sky|crescent)\w*\b"), HIGH),
    (re.compile(r"\b(?:roundhouse|round kick|turning|spinning|spin|hook kick|muay thai)\w*\b"), ROUND),
    (re.compile(r"\b(?:side|sideways?)(?:kick\w*)?\b"), SIDE),
    (re.compile(r"\b(?:front|forwards?|ahead|straight|karate|push kick|snap)(?:kick\w*)?\b"), FRONT),
)
_LEG = re.compile(r"\b(left|right)(?:\s|-)(?:leg|foot|knee|kick|roundhouse|front|side|high|shin|heel)")
_SIDE = re.compile(r"\b(left|right)\b(?! (?:hand|arm|fist|punch|jab|cross|hook))")


@dataclass(frozen=True)
class NamedKick:
    """A kick.

    Attributes:
        elevation: Radians from the horizontal up to the line from hip to ankle at the peak; of a knee strike to the
            thigh.
        side: 0 for the left leg, 1 for the right one, None where the prompt leaves that open.
        with_knee: Whether it is a knee strike.
    """

    elevation: float
    side: int | None
    with_knee: bool = False


def named_kick(prompt: str) -> NamedKick | None:
    """Read the kick that a prompt names.

    Args:
        prompt: English text.

    Returns:
        The kick; None if the prompt names none, or one of a figure that does not stand.
    """
    text = prompt.lower()
    if _OTHER.search(text):
        return None
    sides = {match.group(1) for match in _LEG.finditer(text)} or {match.group(1) for match in _SIDE.finditer(text)}
    side = (0 if sides == {"left"} else 1) if len(sides) == 1 else None
    if _KNEE.search(text):
        return NamedKick(KNEE, side, with_knee=True)
    if not _KICK.search(text):
        return None
    kind = next((angle for words, angle in _KINDS if words.search(text)), None)
    low = _LOW.search(text) is not None and kind not in (HIGH, ROUND, SIDE)
    return NamedKick(LOW if low else ANY if kind is None else kind, side)
