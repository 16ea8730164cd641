"""Kinds of motion that prompts name, and how much captured motion of each kind moves."""

from __future__ import annotations

import re

from .captured_speeds import BODY_SPEEDS

KINDS: tuple[tuple[str, str], ...] = (
    ("floor", r"crawl\w*|all fours|roll(?:s|ing)?|l(?:ie|ies|ying)|collaps\w*|falls?|falling|trips?|get(?:s|ting)? up"),
    ("dance", r"danc\w*|waltz\w*|salsa|ballet|twirl\w*|cha cha|hip hop"),
    ("acrobatics", r"cartwheel\w*|flips?|somersault\w*|handstand\w*|handspring\w*"),
    ("jump", r"jump\w*|hops?|hopping|leap\w*|skips?|skipping"),
    ("run", r"run(?:s|ning)?|jog\w*|sprint\w*|dash\w*"),
    ("fight", r"punch\w*|box(?:es|ing|er)|jabs?|kick\w*|fight\w*|karate|sword\w*|blocks?|uppercuts?"),
    ("throw", r"throw\w*|toss\w*|catch\w*|pitch\w*|bowl\w*|push\w*|pull\w*|shov\w*|lift\w*"),
    ("exercise", r"squat\w*|lunge\w*|stretch\w*|exercis\w*|swing\w*|jacks?"),
    ("wave", r"wav(?:e|es|ing)|clap\w*|cheer\w*|conduct\w*"),
    ("sit", r"sit(?:s|ting)?|stands? up|kneel\w*|crouch\w*|bend\w*|bow(?:s|ing)?|pick\w*"),
    ("sneak", r"sneak\w*|creep\w*|tiptoe\w*|limp\w*|shuffl\w*|tired\w*|slow(?:ly)?|old"),
    ("walk", r"walk\w*|step\w*|strid\w*|stroll\w*|march\w*|pac(?:e|es|ing)|strut\w*|go(?:es)?|mov(?:e|es|ing)"),
    ("turn", r"turn\w*|spin\w*|rotat\w*|pivot\w*"),
    ("talk", r"talk\w*|explain\w*|argu\w*|gestur\w*|point\w*|shrug\w*|nod\w*|convers\w*|phone"),
    ("stand", r"stand\w*|wait\w*|idle|idl\w*|still|look\w*|watch\w*|rest\w*|breath\w*"),
)  # fmt: skip
"""Kinds and their words, in the order in which they are tried."""
OTHER = "other"
_PATTERNS = tuple((name, re.compile(rf"\b(?:{words})\b")) for name, words in KINDS)


def motion_kind(prompt: str) -> str:
    """Kind of motion that a prompt names: the first kind with one of its words, or `OTHER`."""
    text = prompt.lower()
    return next((name for name, pattern in _PATTERNS if pattern.search(text)), OTHER)


def captured_body_speed(prompt: str) -> float | None:
    """Median speed of the body in captured motion of the kind of a prompt.

    Args:
        prompt: English text.

    Returns:
        m/s, mean over the joints, relative to the pelvis; None if it is not known.
    """
    return BODY_SPEEDS.get(motion_kind(prompt))
