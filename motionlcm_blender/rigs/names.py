"""Meanings of bone names: side, part of the body, and kind of bone.

Names are split into words (namespaces, brackets, prefixes and suffixes that most bones share dropped; joined words
separated; words of other languages translated), and the words looked up in words.toml.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

LEFT, RIGHT = "l", "r"
SHARED = 0.7
"""A prefix or suffix that this fraction of the bones shares is ignored."""

PENALTIES = {
    "tip": 0.9, "twist": 0.6, "helper": 0.6, "finger": 1.2, "face": 1.2, "other": 1.0, "ik": 1.2, "mechanism": 0.9,
    "tweak": 0.9, "bend": 0.2,
}  # fmt: skip
"""What a word of this kind takes off how well a name fits a joint of the body."""
UNKNOWN_PENALTY, LETTER_PENALTY = 0.06, 0.02
"""Loss of confidence for each unknown word of a name, and for each single letter."""


@dataclass(frozen=True)
class BoneName:
    """The meaning of a bone name.

    Attributes:
        side: "l", "r" or "".
        parts: Part of the body -> 0 to 1, how well the name fits it (penalties taken off).
        kinds: Kinds of other words in it: fk, ik, mechanism, deform, tweak, twist, helper, tip, finger, face, other.
        words: All words, translated, sides left out.
        numbers: The numbers in the name.
    """

    side: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Words:
    opposite: Mapping[str, tuple[str, ...]]
    side: Mapping[str, str]
    scripts: tuple[tuple[str, str], ...]
    words: Mapping[str, tuple[str, ...]]
    parts: tuple[tuple[frozenset[str], Mapping[str, float]], ...]
    kinds: Mapping[str, str]
    neutral: frozenset[str]
    vocabulary: frozenset[str]
    body: frozenset[str]


@cache
def _tables() -> _Words:
    table = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    opposite: dict[str, tuple[str, ...]] = {}
    side: dict[str, str] = {}
    for left, right in table["sides"]["pairs"]:
        opposite[left] = (*opposite.get(left, ()), right)
        opposite[right] = (*opposite.get(right, ()), left)
        side.setdefault(left, LEFT)
        side.setdefault(right, RIGHT)
    words = {word: tuple(meaning.split()) for word, meaning in table["words"].items()}
    parts = tuple((frozenset(name.split()), fits) for name, fits in table["parts"].items())
    kinds = {word: kind for kind, text in table["others"].items() for word in text.split()}
    neutral = frozenset(table["neutral"]["words"].split())
    body = frozenset(word for names, _ in parts for word in names) | words.keys()
    long_sides = {word for word in side if len(word) > 2}
    vocabulary = body | kinds.keys() | long_sides | {"fore", "upper", "lower"} | {w for w in neutral if len(w) > 3}
    scripts = tuple(sorted(table["cjk"].items(), key=lambda each: -len(each[0])))
    return _Words(opposite, side, scripts, words, parts, kinds, neutral, frozenset(vocabulary), body)


def read_names(names: Sequence[str]) -> list[BoneName]:
    """The meaning of each of an armature's bone names; the names are read together.

    Args:
        names: All names of the armature.

    Returns:
        One for each name, in order.
    """
    plain = [_plain(name) for name in names]
    before, after = _shared_length(plain), _shared_length([name[::-1] for name in plain])
    head = Counter(name[:before] for name in plain).most_common(1)[0][0] if before else ""
    tail = Counter(name[len(name) - after :] for name in plain).most_common(1)[0][0] if after else ""
    split = []
    for name in plain:
        cut = name[len(head) :] if head and name.startswith(head) and len(name) > len(head) else name
        cut = cut[: -len(tail)] if tail and cut.endswith(tail) and len(cut) > len(tail) else cut
        split.append(_split(cut))
    there = frozenset(split)
    return [_meaning(words, _side_at(words, there)) for words in split]


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFKC", name)
    text = re.split(r"[:|]", text)[-1] or text
    return re.sub(r"[\[(].*?[\])]", " ", text).strip() or text


def _shared_length(names: Sequence[str]) -> int:
    """Length of the longest prefix that most names share."""
    if len(names) < 8:
        return 0
    prefix, group = "", list(names)
    while True:
        nexts = Counter(name[len(prefix)] for name in group if len(name) > len(prefix))
        if not nexts:
            break
        letter, count = nexts.most_common(1)[0]
        if count < SHARED * len(names):
            break
        prefix += letter
        group = [name for name in group if name.startswith(prefix)]
    if len(prefix) == 1 and prefix.isalnum() and sum(name[1:2].isupper() for name in group) < len(group) * 0.9:
        return 0
    return len(prefix)


CAMEL = re.compile(r"[A-Z]+(?=[A-Z][^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
GLUED = re.compile(r"(?<![A-Za-z])([LR])([UFL])(?=(?:Arm|Leg))")
GLUED_WORDS = {"U": "upper", "F": "fore", "L": "lower"}


@lru_cache(maxsize=16384)
def _split(name: str) -> tuple[str, ...]:
    """The words of a name, in small letters, known ones among joined words separated."""
    tables = _tables()
    if not name.isascii():
        for text, meaning in tables.scripts:
            if text in name:
                name = name.replace(text, f" {meaning} ")
    name = GLUED.sub(lambda found: f"{found[1]}_{GLUED_WORDS[found[2]]}_", name)
    words: list[str] = []
    for token in CAMEL.findall(name):
        word = token.lower()
        known = word in tables.vocabulary or word in tables.side or word in tables.neutral or word.isdigit()
        words += [word] if known else _segments(word)
    return tuple(words)


@lru_cache(maxsize=16384)
def _segments(word: str) -> list[str]:
    """Known words that a word is made of, or the word itself."""
    tables = _tables()

    @cache
    def cut(rest: str) -> tuple[str, ...] | None:
        if not rest:
            return ()
        for length in range(len(rest), 1, -1):
            if rest[:length] in tables.vocabulary and (after := cut(rest[length:])) is not None:
                return (rest[:length], *after)
        return None

    if len(word) > 3:
        if found := cut(word):
            return list(found)
        for side, inner, order in ((word[0], word[1:], 1), (word[-1], word[:-1], -1)):
            if side in (LEFT, RIGHT) and (found := cut(inner)) and found[0] in tables.body:
                return [side, *found] if order == 1 else [*found, side]
        for skipped in range(1, len(word) - 3):
            found = cut(word[skipped:])
            if found and found[0] in tables.body and len(found[0]) > 2:
                return [word[:skipped], *found]
    return [word]


def _side_at(words: tuple[str, ...], there: frozenset[tuple[str, ...]]) -> int:
    """Where the side word is, -1 for none."""
    tables = _tables()
    weak = -1
    for at, word in enumerate(words):
        if word not in tables.side:
            continue
        for other in tables.opposite[word]:
            if (*words[:at], other, *words[at + 1 :]) in there:
                return at
        numbered = at == 0 and len(words) == 2 and words[1].isdigit()
        if weak < 0 and (len(word) > 2 or (word in (LEFT, RIGHT) and not numbered and len(words) > 1)):
            weak = at
    return weak


@lru_cache(maxsize=16384)
def _meaning(words: tuple[str, ...], at: int) -> BoneName:
    tables = _tables()
    side = tables.side[words[at]] if at >= 0 else ""
    translated: list[str] = []
    numbers = []
    kinds = set()
    unknown = letters = 0
    for index, word in enumerate(words):
        if index == at or (word in tables.side and len(word) > 2):
            continue
        if word.isdigit():
            numbers.append(int(word[:6]))
            continue
        meanings = tables.words.get(word, (word,))
        for meaning in meanings:
            translated.append(meaning)
            if meaning in tables.kinds:
                kinds.add(tables.kinds[meaning])
            elif meaning not in tables.body and meaning not in tables.neutral:
                unknown += meaning not in ("upper", "lower", "fore") and len(meaning) > 1
                letters += len(meaning) == 1
    parts = _parts(frozenset(translated), side)
    loss = sum(PENALTIES.get(kind, 0.0) for kind in kinds) + UNKNOWN_PENALTY * unknown + LETTER_PENALTY * letters
    fits = {part: fit - loss for part, fit in parts.items() if fit - loss > 0.0}
    return BoneName(side, fits, frozenset(kinds), tuple(translated), tuple(numbers))


@lru_cache(maxsize=16384)
def _parts(words: frozenset[str], side: str) -> dict[str, float]:
    """Part -> fit, by the entries of most words."""
    most = 0
    found: dict[str, float] = {}
    for names, fits in _tables().parts:
        if len(names) >= most and names <= words:
            if len(names) > most:
                most, found = len(names), {}
            for part, fit in fits.items():
                found[part] = max(found.get(part, 0.0), fit)
    middle = {"pelvis", "spine", "neck", "head", "root"}
    return {part: fit * (0.35 if side and part in middle else 1.0) for part, fit in found.items()}
