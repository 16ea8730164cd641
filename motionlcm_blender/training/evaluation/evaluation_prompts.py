"""All prompts of the evaluation: training makes no captions of the same words."""

from __future__ import annotations

from .obedience import PAIRS
from .obedience_words import PLAIN_WALK, WORDS
from .watched import watched_prompts


def evaluation_prompts() -> frozenset[str]:
    """The watched prompts and those of obedience, in lower case and without full stop."""
    obedience = {prompt for pair in PAIRS for word in pair.words for prompt in word.prompts}
    styles = {prompt for word in WORDS for prompt in word.prompts}
    watched = {each.prompt for each in watched_prompts()}
    return frozenset(p.lower().rstrip(".") for p in (*obedience, *styles, *watched, *PLAIN_WALK))
