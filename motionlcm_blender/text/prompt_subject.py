"""Who a prompt is about, in words that the model knows."""

from __future__ import annotations

import re
from collections.abc import Container

from .prompt_vocabulary import singular

NEUTRAL = "a person"
_ARTICLES = frozenset(("a", "an", "the"))
_ADJECTIVES = frozenset(
    "young old tall short small little big large happy sad tired bored angry drunk blond slim elderly hungry busy "
    "nervous friendly lonely strong brave shy lazy scared excited injured wounded middle-aged barefoot".split()
)
_NO_NOUN = frozenset(
    "is are was has does goes and then who with in on at of left right few hand hands arm arms leg legs foot feet head "
    "knee knees step steps jump jumps turn turns kick kicks walk walks run runs".split()
)


def neutral_subject(prompt: str, known: Container[str]) -> str:
    """Replace who a prompt is about by "a person" where the model does not know the words.

    Args:
        prompt: English text.
        known: Words of the model's vocabulary, in lower case.

    Returns:
        "an actor takes a bow" gives "a person takes a bow" if "actor" is unknown. Prompts that begin in another way and
        those whose words are known are unchanged.
    """
    words = re.findall(r"[^\s]+", prompt)
    if len(words) < 3 or words[0].lower() not in _ARTICLES:
        return prompt
    end = _verb_at(words)
    if end is None:
        return prompt
    phrase = [word.lower() for word in words[1:end]]
    if all(word in known or singular(word) in known for word in phrase):
        return prompt
    rest = prompt.split(None, end)[end]
    return f"{NEUTRAL.capitalize() if prompt.lstrip()[0].isupper() else NEUTRAL} {rest}"


def _verb_at(words: list[str]) -> int | None:
    """Index of the verb after article, up to two adjectives or nouns, and a noun; None if it is not found."""
    for at in range(2, min(5, len(words))):
        word = words[at].lower().rstrip(",.")
        before = words[at - 1].lower()
        if not re.fullmatch(r"[a-z][a-z'-]*", before) or before in _NO_NOUN:
            return None
        bent = word in ("is", "does", "goes", "has") or (word.endswith("s") and not word.endswith("ss"))
        if bent and before not in _ADJECTIVES:
            return at
        if word.endswith("ing") and before not in _ADJECTIVES:
            return at
    return None
