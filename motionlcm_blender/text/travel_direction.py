"""The direction in which a prompt travels, seen from the figure: forward, backward or sideways.

A path on the floor gives the positions of the pelvis and not how the body is turned. The words of the prompt give that.
"""

from __future__ import annotations

import math
import re

FORWARD, BACKWARD = 0.0, math.pi
LEFT, RIGHT = 0.5 * math.pi, -0.5 * math.pi
"""Radians about +Y from the facing direction to the direction of travel; the figure's left is positive."""

_MOVES = r"(?:walk|step|run|jog|mov|go|went|shuffl|pac|stroll|strafe|slid|glid|hop|jump|skip|crawl|danc)\w*"
_BACKWARD = re.compile(
    r"\b(?:backwards?|moonwalk\w*|back(?:s|ing|ed)? (?:away|up|off)|retreat\w*|in reverse|rearwards?)\b"
)
_SIDEWAYS = re.compile(
    r"\b(?:side\W?(?:ways?|wards?|ward|step\w*|shuffl\w*)|strafe\w*|strafing|crab\W?walk\w*|lateral\w*"
    rf"|{_MOVES} (?:\w+ )?to (?:the|his|her|their|its) side|from side to side|grapevine\w*)\b"
)
_TO_SIDE = re.compile(
    r"\b(?:side\W?step\w*|strafe\w*|strafing|shuffl\w*|steps?|stepping)\b.*\b(left|right)(?:wards?)?\b"
)
_SIDE = re.compile(r"\b(left|right)(?:wards?)?\b(?! (?:hand|arm|leg|foot|knee|elbow|shoulder|fist|hip))")
_FORWARD = re.compile(r"\b(?:forwards?|ahead|onwards?)\b")


def travel_direction(prompt: str) -> float:
    """Read the direction of travel from the words of a prompt.

    Args:
        prompt: English text.

    Returns:
        Radians about +Y from the facing direction to the direction of travel: 0 forward, pi backward, pi/2 to the
        figure's left, -pi/2 to its right. A prompt that names no direction, or several, travels forward.
    """
    text = prompt.lower()
    backward, sideways = bool(_BACKWARD.search(text)), bool(_SIDEWAYS.search(text))
    to_side = _TO_SIDE.search(text)
    if _FORWARD.search(text) or (backward and sideways):
        return FORWARD
    if backward:
        return BACKWARD
    if sideways or (to_side is not None and not re.search(r"\bturn", text)):
        named = {found.group(1) for found in _SIDE.finditer(text)}
        if len(named) > 1:
            return FORWARD
        return RIGHT if named == {"right"} else LEFT
    return FORWARD
