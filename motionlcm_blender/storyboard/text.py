"""Sentences about a storyboard: where in it something is wrong."""

from __future__ import annotations

from typing import NoReturn

from ..errors import InvalidRequest
from ..files.json_fields import quoted


def shot_name(character: str, number: int) -> str:
    return f"Character {quoted(character)}, shot {number}"


def fail_at(where: str, error: InvalidRequest) -> NoReturn:
    """Raise it again with where it is, unless it says so itself."""
    sentence = str(error)
    if not sentence.startswith(("Character ", "Path ", "The storyboard")):
        sentence = f"{where}: {sentence[0].lower()}{sentence[1:]}"
    raise InvalidRequest(sentence) from None
