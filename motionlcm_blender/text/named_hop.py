"""The hops on one foot that a prompt names."""

from __future__ import annotations

import re
from dataclasses import dataclass

_HOP = re.compile(r"\b(?:hop|hops|hopping|hopscotch|jumps?|jumping|bounc(?:es|ing))\b")
_ONE = re.compile(
    r"\b(?:on|with) (?:only )?(?:one|a single|the|his|her|their|its) (?:own )?(?P<side>left |right )?(?:leg|foot)\b"
    r"|\bone[- ](?:legged|footed)\b|\bsingle[- ]leg(?:ged)?\b"
    r"|\b(?:hops?|hopping) (?:on )?(?P<bare>left|right) (?:leg|foot)\b|\bhopscotch\b"
)
_OTHER = re.compile(
    r"\b(?:alternat\w*|foot to foot|leg to leg|from one|kick\w*|rope|stands? on|lands? on|balanc\w*|then|(?<!up )and)\b"
)
"""What makes hops on one foot doubtful: the feet take turns, or more is named."""


@dataclass(frozen=True)
class NamedHop:
    """Hops on one foot.

    Attributes:
        side: 0 for hops on the left foot, 1 on the right one, None where the prompt leaves that open.
        plain: The hops as a prompt for the network; empty: the prompt itself.
    """

    side: int | None
    plain: str = ""


def named_hop(prompt: str) -> NamedHop | None:
    """Read the hops on one foot that a prompt names.

    Args:
        prompt: English text.

    Returns:
        The hops; None if the prompt names none, or more than them.
    """
    text = prompt.lower()
    match = _ONE.search(text)
    if match is None or not _HOP.search(text) or _OTHER.search(text):
        return None
    named = (match.group("side") or match.group("bare") or "").strip()
    side = {"left": 0, "right": 1}.get(named)
    return NamedHop(side, "" if side is not None else "a person hops on the right leg")
