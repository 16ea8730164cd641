"""The gestures that a prompt names, their side, and their part of the motion.

Plain patterns over English words (`gestures.toml`): a gesture that is not found is left to the network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .definitions import Gesture, gestures

_NEXT = re.compile(
    r"(?:,|;|\.)?\s*\b(?:and\s+)?(?:then|afterwards?|after that|finally)\b,?\s*"
    r"|,?\s+and\s+(?=(?:walks?|walking|runs?|running|goes|going|leaves|leaving|strides?|jogs?|turns?)\b"
    r"\s*(?:away|off|on|around|back|forward)?\b)"
)
"""Between two actions that are done one after the other."""
_NOT = re.compile(r"\b(?:without|not|never|no longer|stops|instead of|n't)\s+(?:\w+\s+)?$")
_HAND = re.compile(r"\b(left|right)(?:\s+|-)(?:hand|arm|fist|shoulder|side|ear|palm|elbow|biceps?)\b")
_SIDE = re.compile(r"\b(left|right)\b")


@dataclass(frozen=True)
class PlannedGesture:
    """A gesture of a prompt.

    Attributes:
        gesture: What is performed.
        mirrored: Whether it is performed with the right side; definitions are of the left one.
        begin: Share of the motion at which its part begins, 0 to below 1.
        end: Share of the motion at which its part ends, above `begin` to 1.
    """

    gesture: Gesture
    mirrored: bool
    begin: float = 0.0
    end: float = 1.0


def prompt_gestures(prompt: str) -> tuple[PlannedGesture, ...]:
    """Find the gestures that a prompt names.

    Args:
        prompt: English text.

    Returns:
        For each action of the prompt at most one gesture with arms and one of head and trunk alone, in the order of
        the prompt. Actions that are done one after the other have equal parts of the motion.
    """
    actions = [part for part in _NEXT.split(" ".join(prompt.lower().split())) if part.strip()]
    planned: list[PlannedGesture] = []
    for number, action in enumerate(actions):
        begin, end = number / len(actions), (number + 1) / len(actions)
        planned += [PlannedGesture(g, _side_of(g, action) == "right", begin, end) for g in _of_action(action)]
    return tuple(planned)


def _of_action(action: str) -> list[Gesture]:
    """Of each of both kinds, with arms and without, the gesture that is named first."""
    nearest: dict[bool, tuple[int, Gesture]] = {}
    for gesture in gestures():
        if gesture.words is None or (gesture.unless is not None and gesture.unless.search(action)):
            continue
        match = next((m for m in gesture.words.finditer(action) if not _NOT.search(action[: m.start()])), None)
        kind = _has_arms(gesture)
        if match is not None and (kind not in nearest or match.start() < nearest[kind][0]):
            nearest[kind] = match.start(), gesture
    return [gesture for _, gesture in sorted(nearest.values(), key=lambda pair: pair[0])]


def _has_arms(gesture: Gesture) -> bool:
    return any(pose.hand is not None or pose.other is not None for pose in gesture.poses)


def _side_of(gesture: Gesture, action: str) -> str:
    """The side that the action names for a hand, or at all; otherwise the side of the definition."""
    found = _HAND.search(action) or _SIDE.search(action)
    return found.group(1) if found is not None else gesture.side
