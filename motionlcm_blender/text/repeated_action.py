"""Actions that a prompt names several times, of kinds that the network makes once in a motion: jumps and hops."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_COUNT = re.compile(rf"\s*\b(?:(twice)|(thrice)|({'|'.join(_NUMBERS)}|\d+) times)\b", re.IGNORECASE)
MOST = 20
"""Largest count that is read; a larger one is done as often as there is time for."""
_JUMPS = re.compile(r"(?<!hip )(?<!hip-)\b(?:jump|hop|leap|bounce)(?:s|ing|es)?\b", re.IGNORECASE)
_AGAIN = re.compile(
    r"\s*\b(?:up and down(?! (?:the|a)\b)|again and again|over and over(?: again)?|repeatedly"
    r"|several times|many times|a few times|(?:a )?couple of times|continuously|nonstop)\b",
    re.IGNORECASE,
)
_IN_PLACE = "on the spot"
"""Added to what goes up and down: a single jump travels by half a metre to a metre."""
_OTHERS = re.compile(r",| and ")
"""Between a jump and something else that is done."""
_FROM_TO = re.compile(r"\s*\bfrom (?:one )?(\w+) to (?:another\b|the next\b|\1\b)", re.IGNORECASE)
_ROPE = re.compile(r"\b(jump|skip)(s|ing)?\s+(?:a |the )?(?:jump )?rope\b", re.IGNORECASE)
_JACKS = re.compile(
    r"\b(?:some |a few |several |(?P<count>two|three|four|five|six|seven|eight|nine|ten|\d+) )?"
    r"(?P<what>jumping jacks|star jumps|tuck jumps)\b",
    re.IGNORECASE,
)
_ONE = {"jumping jacks": "a star jump"}
_TO_AND_FRO = re.compile(
    r"\b(?P<verb>pac|walk|run|jog|march|strid)(?P<form>es|s|[ng]?ing|e)?\s+"
    r"(?:back and forth|to and fro|up and down(?! the)|back and forward)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Repeated:
    """prompts: what is done each time, one after the other; times: how often, 0: as often as there is time for."""

    prompts: tuple[str, ...]
    times: int


def counted(text: str) -> int | None:
    """The number of times that a text names, or None."""
    found = _COUNT.search(text)
    if found is None:
        return None
    if found.group(1) or found.group(2):
        return 2 if found.group(1) else 3
    return _number(found.group(3))


def repeated(text: str) -> Repeated | None:
    """Read what is done several times in a prompt of one action.

    Args:
        text: A prompt with its subject.

    Returns:
        What is done each time, and how often; None if it is done once, or if the network repeats it by itself.
    """
    if (found := _TO_AND_FRO.search(text)) is not None:
        return _to_and_fro(text, found)
    if (found := _JACKS.search(text)) is not None:
        number = found.group("count")
        what = found.group("what").lower()
        one = _ONE.get(what, f"a {what.removesuffix('s')}")
        return Repeated((_cut(text, found, one),), _number(number) if number else 0)
    if (found := _ROPE.search(text)) is not None:
        return Repeated((_cut(text, found, f"jump{found.group(2) or ''} {_IN_PLACE}"),), counted(text) or 0)
    if not _JUMPS.search(text) or _OTHERS.search(_AGAIN.sub("", text)):
        return None
    if (found := _COUNT.search(text)) is not None:
        times = counted(text)
        return None if times == 1 or times is None else Repeated((_cut(text, found, ""),), times)
    if (found := _FROM_TO.search(text)) is not None:
        return Repeated((_cut(text, found, " forward"),), 0)
    if (found := _AGAIN.search(text)) is not None:
        in_place = "up and down" in found.group().lower() and _IN_PLACE not in text
        return Repeated((_cut(text, found, f" {_IN_PLACE}" if in_place else ""),), 0)
    return None


def _number(word: str) -> int:
    value = int(word) if word.isdecimal() else _NUMBERS[word.lower()]
    return value if value <= MOST else 0


def _cut(text: str, found: re.Match[str], instead: str) -> str:
    return " ".join(f"{text[: found.start()]}{instead}{text[found.end() :]}".split())


def _to_and_fro(text: str, found: re.Match[str]) -> Repeated:
    """Walking and turning around in turn."""
    form = (found.group("form") or "").lower()
    going = re.sub(
        "^pac(es?|ing)",
        lambda m: {"e": "walk", "es": "walks", "ing": "walking"}[m.group(1)],
        found.group(0).split()[0],
        flags=re.IGNORECASE,
    )
    ending = "ing" if form.endswith("ing") else "s" if form in ("s", "es") else ""
    head = text[: found.start()]
    return Repeated((_cut(text, found, going), f"{head.rstrip()} turn{ending} around".strip()), 0)
