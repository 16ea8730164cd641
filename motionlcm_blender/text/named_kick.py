"""The kick or knee strike that a prompt names: how high, and with which leg."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

FRONT, ROUND, SIDE, HIGH, LOW, ANY = (math.radians(angle) for angle in (28.0, 24.0, 13.0, 35.0, -53.0, 15.0))
"""Radians from the horizontal up to the line from hip to ankle at the peak: medians of captured kicks (14 front, 5
roundhouse, 6 side, 26 of a ball, 83 of any kind); of high kicks the upper quartile of the front ones."""
KNEE = math.radians(15.0)
"""The same for the thigh at the peak of a knee strike: a knee above the hip by a quarter of the thigh."""
_KICK = re.compile(
    r"\b(?:kick(?:s|ing)?|roundhouses?|punts?|(?:high|front|side|drop|fly|axe|push|snap|penalty)kicks?)\b"
)
_KNEE = re.compile(
    r"\bknee (?:strikes?|kicks?|blows?|attacks?|thrusts?)\b|\bknees? (?:to|into) (?:the|his|her|an?)\b"
    r"|\b(?:strik(?:es?|ing)|hits?|attacks?|kicks?) (?:\w+ ){0,3}with (?:the|his|her|an?|one) (?:left |right )?knee\b"
    r"|\bknees (?:somebody|someone|him|her|an?|the|his)\b|\bknee(?:s|ing)? (?:an? |the |his )?opponent\b"
)
_OTHER = re.compile(
    r"\b(?:kicks? (?:back and|off|in\b|the habit)|(?:is|are|gets?|got|being) kick\w*|tantrum|kickflip|kick ?stand"
    r"|kick(?:ing|s)? (?:\w+ ){0,2}(?:legs|feet)\b(?! up| high)|sits?|sitting|lies|lying|swim\w*|floor|scissor"
    r"|bicycle kick|kick ?box\w* (?:stance|guard)|handstand|cartwheel|block\w*|dodg\w*|avoid\w*|ducks?|without|never)\b"
)
"""What makes a kick doubtful: the figure does not stand on one leg, or somebody else kicks."""
_LOW = re.compile(
    r"\b(?:balls?|soccer|football|penalty|free kick|goal|pebbles?|cans?|stones?|rocks?|dust|dirt|sand|leaves|snow|low"
    r"|shins?|ankles?|knee|punts?|water|puddle|bucket|object|box|something|sweep\w*|tires?|leg kicks?)\b"
)
_KINDS = (
    (re.compile(r"\b(?:high|head|face|chin|axe|can-?can|chorus|flying|jump\w*|vertical|sky|crescent)\w*\b"), HIGH),
    (re.compile(r"\b(?:roundhouse|round kick|turning|spinning|spin|hook kick|muay thai)\w*\b"), ROUND),
    (re.compile(r"\b(?:side|sideways?)(?:kick\w*)?\b"), SIDE),
    (re.compile(r"\b(?:front|forwards?|ahead|straight|karate|push kick|snap)(?:kick\w*)?\b"), FRONT),
)
_MORE = re.compile(
    r"\b(?:and|then|while|after|before|walk\w*|runs?|running|jump\w*|fly\w*|spin\w*|turn\w*|danc\w*|steps?|back ?kicks?"
    r"|backwards?|combo|combination|twice|times|repeatedly|several|both|left and right|legs|alternat\w*|air|can-?can"
    r"|stumbl\w*)\b"
)
"""What a prompt names beside one kick: the network then gets the prompt itself."""
_PLAIN = {
    FRONT: "a person does a front kick with the {side} leg",
    ROUND: "a person does a roundhouse kick with the {side} leg",
    SIDE: "a person does a side kick with the {side} leg",
    HIGH: "a person kicks high with the {side} leg",
    ANY: "a person kicks with the {side} leg",
    LOW: "a person kicks a soccer ball",
}
_PLAIN_KNEE = "a person strikes with the {side} knee"
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
        plain: The kick alone as a prompt for the network, whose data name few kinds of kicks; empty: the prompt
            names more than one kick.
    """

    elevation: float
    side: int | None
    with_knee: bool = False
    plain: str = ""


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
    leg = "left" if side == 0 else "right"
    alone = not _MORE.search(text)
    if _KNEE.search(text):
        return NamedKick(KNEE, side, True, _PLAIN_KNEE.format(side=leg) if alone else "")
    if not _KICK.search(text):
        return None
    kinds = [angle for words, angle in _KINDS if words.search(text)] or [ANY]
    if kinds[0] in (ANY, FRONT) and _LOW.search(text):
        kinds = [LOW]
    plain = _PLAIN[kinds[-1 if kinds[-1] in (ROUND, SIDE) else 0]].format(side=leg)
    if kinds == [LOW] and side is not None:
        plain += f" with the {leg} foot"
    return NamedKick(kinds[0], side, plain=plain if alone else "")
