"""Captions taken apart and put together: "a person walks forward." and "someone sits down." to one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_SUBJECT = re.compile(
    r"^(?:(?:a|the|one|this) (?:person|man|woman|lady|guy|figure|character|human|actor)|someone|somebody|he|she|they)"
    r"\s+",
    re.I,
)
_VERB = re.compile(r"^(?:(?:slowly|quickly|carefully|briskly|again|simply|suddenly|gently|sadly|happily)\s+)*[a-z]+s\b")
"""A predicate in the third person: "walks", "slowly turns"."""
SUBJECTS = ("a person", "someone", "the character", "a man", "a woman", "the person", "he", "she")
_LINKS = (" and then ", ", then ", " and ")
ENDINGS = (" and stands still", ", then stands still", " and stops", "")


def predicate(caption: str) -> str | None:
    """The caption without a plain subject and full stop, or None if it has none or no verb follows.

    "A person walks forward." gives "walks forward"; "a dancer spins" gives None, because there the subject matters.
    """
    text = caption.strip().rstrip(".").strip()
    match = _SUBJECT.match(text)
    if match is None:
        return None
    rest = text[match.end() :]
    return rest if _VERB.match(rest) else None


def other_subject(caption: str, generator: np.random.Generator) -> str | None:
    """The same with another plain subject, or with none, as animators often type; None if it has no plain subject."""
    what = predicate(caption)
    if what is None:
        return None
    if generator.random() < 0.45:
        return what
    return f"{SUBJECTS[int(generator.integers(len(SUBJECTS)))]} {what}"


def in_sequence(captions: Sequence[str], generator: np.random.Generator) -> str | None:
    """One caption for actions one after the other; None if one of the later ones has no plain subject."""
    first = captions[0].strip().rstrip(".")
    for caption in captions[1:]:
        what = predicate(caption)
        if what is None:
            return None
        first = f"{first}{_LINKS[int(generator.integers(len(_LINKS)))]}{what}"
    return f"{first}."


def with_waiting(caption: str, generator: np.random.Generator) -> str:
    """A caption of an action after which the figure stands; the standing is sometimes in the caption, mostly not."""
    text = caption.strip().rstrip(".")
    ending = ENDINGS[int(generator.integers(3))] if generator.random() < 0.35 else ""
    return f"{text}{ending}."
