"""Sentences that name the place of an error in a storyboard."""

from __future__ import annotations

from typing import NoReturn

from ..errors import InvalidRequest
from ..files.json_fields import quoted


def shot_name(character: str, number: int) -> str:
    """Name of a shot for a sentence."""
    return f"Character {quoted(character)}, shot {number}"


def fail_at(where: str, error: InvalidRequest) -> NoReturn:
    """Raise the error again with its place, unless the sentence already names it."""
    sentence = str(error)
    if not sentence.startswith(("Character ", "Path ", "The storyboard")):
        sentence = f"{where}: {sentence[0].lower()}{sentence[1:]}"
    raise InvalidRequest(sentence) from None
