"""The turn that a prompt names: to the left by a quarter, around by a half, in degrees."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

QUARTER, HALF, WHOLE = 0.5 * math.pi, math.pi, 2.0 * math.pi
_VERB = (
    r"(?:turn(?:s|ing)?|pivot(?:s|ing)?|rotat(?:es?|ing)|swivel(?:s|ing)?|faces? about|u-?turn|about[- ]face"
    r"|whirl(?:s|ing)?|spin(?:s|ning)?|twirl\w*|circl\w*)"
)
_VERBS = re.compile(rf"\b{_VERB}\b")
_DEGREES = re.compile(r"\b(\d{1,3})(?:[ -]?deg(?:ree)?s?\b|°)")
_WHOLE = re.compile(
    r"\b(?:all the way around|(?:full|complete|whole) (?:turn|circle|rotation|revolution)|once around)\b"
)
_HALF = re.compile(
    r"\b(?:turn(?:s|ing)? (?:\w+ )?(?:around|about|back)|whirl(?:s|ing)? (?:around|about)"
    r"|half[- ]turn|u-?turn|about[- ]face|faces? about"
    r"|on (?:the|his|her|their) heels?|the other way|opposite direction|to look behind)\b"
)
_QUARTER = re.compile(r"\b(?:quarter[- ]turn|(?:left|right)(?: turn)?)\b")
_SIDE = re.compile(
    r"\b(left|right)\b(?! (?:hand|arm|leg|foot|knee|shoulder|fist|hip|heel))|\b(counter|anti)?-?(clockwise)\b"
)
_OTHER = re.compile(
    r"\b(?:heads?|eyes?|gaze|trunk|torso|upper body|waist|page|wheel|key|knob|corner|curve|circles?|left and right"
    r"|side to side|danc\w*|cartwheel\w*|in place of)\b"
)
"""What makes a turn of the figure doubtful: a part of it turns, or its path does."""


@dataclass(frozen=True)
class NamedTurn:
    """A turn.

    Attributes:
        angle: Radians, above 0.
        side: 1 to the left, -1 to the right, 0 where the prompt leaves that open.
    """

    angle: float
    side: int


def named_turn(prompt: str) -> NamedTurn | None:
    """Read the turn that a prompt names.

    Args:
        prompt: English text.

    Returns:
        The turn; None if the prompt names none, several, or one whose angle is open, as in a dance.
    """
    text = prompt.lower()
    if len(_VERBS.findall(text)) != 1 or (_OTHER.search(text) and not _WHOLE.search(text)):
        return None
    sides = {match.group(0) for match in _SIDE.finditer(text)}
    if len(sides) > 1:
        return None
    side = 0
    for name in sides:
        side = 1 if name == "left" or name.startswith(("counter", "anti")) else -1
    degrees = _DEGREES.search(text)
    if degrees is not None:
        angle = math.radians(int(degrees.group(1)))
        return NamedTurn(angle, side) if math.radians(20) <= angle <= WHOLE else None
    if _WHOLE.search(text):
        return NamedTurn(WHOLE, side)
    if re.search(r"\b(?:spin|twirl|circl)\w*", text):
        return None
    if _HALF.search(text):
        return NamedTurn(HALF, side)
    return NamedTurn(QUARTER, side) if _QUARTER.search(text) else None
