"""The gestures that a prompt names, their side, and their part of the motion.

Plain patterns over English words (`gestures.toml`, `actions.toml`): a gesture that is not found is left to the network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from .definitions import Gesture, gestures

_NEXT = re.compile(
    r"(?:,|;|\.)?\s*\b(?:and\s+)?(?:then|afterwards?|after that|finally|followed by)\b,?\s*"
    r"|,?\s+and\s+(?=(?:walks?|walking|runs?|running|goes|going|leaves|leaving|strides?|jogs?|turns?)\b"
    r"\s*(?:away|off|on|around|back|forward)?\b)"
)
"""Between two actions that are done one after the other."""
_NOT = re.compile(r"\b(?:without|not|never|no longer|stops|instead of|n't)\s+(?:\w+\s+)?$")
_HAND = re.compile(r"\b(left|right)(?:\s+|-)(?:hand|arm|fist|shoulder|side|ear|palm|elbow|biceps?)\b")
_SIDE = re.compile(r"\b(left|right)\b")
_NO_SIDE = re.compile(
    r"\b(?:from )?(?:left to right|right to left)\b|\b(?:all right|(?:is|are|has|have|had|was) left)\b"
    r"|\bright (?:away|now|in|at|on|behind|before|after|into|onto|through|up|down)\b"
)
_ONCE_MORE = re.compile(
    r"\b(?:repeatedly|again and again|over and over|several|multiple|many|lots of|continuously|constantly|keeps?"
    r"|practi[cs]\w+|one after (?:the other|another)|times)\b"
)
_NUMBERS = {"once": 1, "twice": 2, "two times": 2, "three times": 3, "thrice": 3, "four times": 4}
_WHOLE_BODY = re.compile(
    r"\b(?:walk|run|jog|sprint|stroll|march|strid|wander|pac(?:es|ing)|rush|dash|hurr|charg|chas|wad|limp|stagger|stumbl"
    r"|sneak|tiptoe|step(?:s|ping)?\b|back(?:s|ing) |backwards?|sideways|sit|sat|seat|kneel|crouch|squat|lie|lying|lay"
    r"|crawl|climb|floor|gets up|stands up|on (?:the|his|her) knees|bends? (?:down|over)|bow(?:s|ing)\b|falls?\b"
    r"|falling|jump|leap|hop|skip|danc|turn(?:s|ing)?\b|spin|twirl|kick|ducks?\b|dodg|dives?\b|slid|rid(?:es|ing)"
    r"|swing from|pick(?:s|ing)? (?:\w+ ){0,3}up\b|roll(?:s|ing) (?:over|away|forward))\w*"
)
"""Movements of the whole body that the network makes beside a gesture; stems."""


@dataclass(frozen=True)
class PlannedGesture:
    """A gesture of a prompt.

    Attributes:
        gesture: What is performed.
        mirrored: Whether it is performed with the right side; definitions are of the left one.
        begin: Share of the motion at which its part begins, 0 to below 1.
        end: Share of the motion at which its part ends, above `begin` to 1.
        times: How often it is performed; None: as often as its part of the motion has time.
    """

    gesture: Gesture
    mirrored: bool
    begin: float = 0.0
    end: float = 1.0
    times: int | None = None


@lru_cache(256)
def prompt_gestures(prompt: str) -> tuple[PlannedGesture, ...]:
    """Find the gestures that a prompt names.

    Args:
        prompt: English text.

    Returns:
        For each action of the prompt at most one gesture with arms and one of head and trunk alone, in the order of
        the prompt. Actions that are done one after the other have equal parts of the motion.
    """
    actions = _actions(prompt)
    planned: list[PlannedGesture] = []
    for number, action in enumerate(actions):
        begin, end = number / len(actions), (number + 1) / len(actions)
        for gesture, _ in _of_action(action):
            right = _side_of(gesture, action) == "right"
            planned.append(PlannedGesture(gesture, right, begin, end, _times(gesture, action)))
    return tuple(planned)


@lru_cache(256)
def body_prompt(prompt: str) -> str:
    """The prompt that the network gets for legs and hips beneath the gestures of a prompt.

    Args:
        prompt: English text.

    Returns:
        The `body` of the gestures, if all actions of the prompt have the same one; otherwise the prompt itself.
    """
    bodies = {_body(action) for action in _actions(prompt)}
    body = bodies.pop() if len(bodies) == 1 else ""
    return body or prompt


def _actions(prompt: str) -> list[str]:
    return [part for part in _NEXT.split(" ".join(prompt.lower().split())) if part.strip()]


def _body(action: str) -> str:
    """The body of the action's first gesture that has one; empty if the rest of the action moves the whole body."""
    for gesture, (begin, end) in _of_action(action):
        rest = action[:begin] + " " + action[end:]
        if gesture.body and (gesture.body_always or not _WHOLE_BODY.search(rest)):
            return gesture.body
    return ""


def _of_action(action: str) -> list[tuple[Gesture, tuple[int, int]]]:
    """Of each of both kinds, with arms and without, the gesture that is named first, and where."""
    nearest: dict[bool, tuple[int, int, Gesture]] = {}
    for gesture in gestures():
        if gesture.words is None or (gesture.unless is not None and gesture.unless.search(action)):
            continue
        match = next((m for m in gesture.words.finditer(action) if not _NOT.search(action[: m.start()])), None)
        kind = _has_arms(gesture)
        if match is not None and (kind not in nearest or match.start() < nearest[kind][0]):
            nearest[kind] = *match.span(), gesture
    return [(gesture, (begin, end)) for begin, end, gesture in sorted(nearest.values(), key=lambda found: found[0])]


def _times(gesture: Gesture, action: str) -> int | None:
    if not gesture.once:
        return None
    named = [number for words, number in _NUMBERS.items() if re.search(rf"\b{words}\b", action)]
    return named[0] if named else None if _ONCE_MORE.search(action) else 1


def _has_arms(gesture: Gesture) -> bool:
    return any(pose.hand is not None or pose.other is not None for pose in gesture.poses)


def _side_of(gesture: Gesture, action: str) -> str:
    """The side that the action names for a hand, or at all; otherwise the side of the definition."""
    action = _NO_SIDE.sub(" ", action)
    found = _HAND.search(action) or _SIDE.search(action)
    return found.group(1) if found is not None else gesture.side
