"""The word lists of `caption_variations` (caption_variations.toml), and the forms of English verbs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "configs" / "caption_variations.toml"


@dataclass(frozen=True)
class Synonyms:
    """Phrases of the same sense; each phrase is a verb in its base form and the words after it.

    Attributes:
        replaced: Phrases that are replaced, longest first.
        replacements: Phrases that replace them.
        plain: Whether the subject must name nobody in particular.
        end: Whether the clause must end after the phrase.
        following: Words of which one must follow, or None.
        unless: Captions that hold this are left alone.
        needs: Only captions that hold this are changed.
    """

    replaced: tuple[tuple[str, ...], ...]
    replacements: tuple[tuple[str, ...], ...]
    plain: bool
    end: bool
    following: frozenset[str] | None
    unless: re.Pattern[str] | None
    needs: re.Pattern[str] | None


@dataclass(frozen=True)
class Addition:
    """Words that do not change the motion.

    Attributes:
        words: The phrases.
        verbs: Verbs of which one must be the last of the caption; None: any.
        unless: Captions that hold this are left alone.
        before: Share of the phrases that are put before the caption.
    """

    words: tuple[str, ...]
    verbs: frozenset[str] | None
    unless: re.Pattern[str]
    before: float


@dataclass(frozen=True)
class VariationWords:
    """The content of caption_variations.toml.

    Attributes:
        plain: Beginnings that name nobody in particular.
        neutral: Other such beginnings by gender ("", "male", "female").
        people: Nouns by gender.
        adjectives: Adjectives of people.
        without_adjective: Nouns that get none.
        third: Base form by third person: "walks" gives "walk".
        gerund: Base form by -ing form.
        base: Base forms.
        forms: (third person, -ing) of each base form.
        also_nouns: Third persons that are often a plural.
        fitting: People by the verbs that they fit.
        synonyms: All groups of phrases.
        additions: All kinds of additions.
        longest: Words of the longest caption to which something is added.
    """

    plain: tuple[str, ...]
    neutral: Mapping[str, tuple[str, ...]]
    people: Mapping[str, tuple[str, ...]]
    adjectives: tuple[str, ...]
    without_adjective: frozenset[str]
    third: Mapping[str, str]
    gerund: Mapping[str, str]
    base: frozenset[str]
    forms: Mapping[str, tuple[str, str]]
    also_nouns: frozenset[str]
    fitting: Mapping[str, tuple[str, ...]]
    synonyms: tuple[Synonyms, ...]
    additions: tuple[Addition, ...]
    longest: int


def verb_forms(base: str, doubled: frozenset[str] = frozenset()) -> tuple[str, str]:
    """Inflect a regular verb: carry gives carries, carrying; doubled: verbs such as run, running."""
    if re.search(r"(s|x|z|ch|sh|o)$", base):
        third = base + "es"
    elif re.search(r"[^aeiou]y$", base):
        third = base[:-1] + "ies"
    else:
        third = base + "s"
    if base in doubled:
        return third, base + base[-1] + "ing"
    if base.endswith("ie"):
        return third, base[:-2] + "ying"
    return third, (base[:-1] if re.search(r"[^eoy]e$", base) else base) + "ing"


@cache
def variation_words(path: Path = FILE) -> VariationWords:
    """Read the lists.

    Args:
        path: The TOML file.

    Returns:
        The lists.
    """
    values = tomllib.loads(path.read_text("utf-8"))
    synonyms = tuple(_synonyms(row) for row in values["same"])
    doubled = frozenset(values["doubled"]["verbs"].split())
    verbs = set(values["verbs"].split()) | set(values["also_nouns"].split()) | set(values["irregular"])
    verbs |= {phrase[0] for group in synonyms for phrase in (*group.replaced, *group.replacements)}
    verbs |= {verb for kind in values["kinds"].values() for verb in kind.split()}
    forms = {verb: verb_forms(verb, doubled) for verb in sorted(verbs)}
    forms |= {base: (third, gerund) for base, (third, gerund) in values["irregular"].items()}
    fitting: dict[str, tuple[str, ...]] = {}
    for row in values["fitting"]:
        for verb in row["verbs"].split():
            fitting[verb] = fitting.get(verb, ()) + tuple(row["people"])
    neutral = tuple(values["neutral"])
    male, female = tuple(values["neutral_male"]), tuple(values["neutral_female"])
    people = (*values["people"].split(), *values["phrases"])
    men, women = tuple(values["men"]), tuple(values["women"])
    return VariationWords(
        plain=tuple(sorted(values["plain"], key=len, reverse=True)),
        neutral={"": neutral + male + female, "male": neutral + male, "female": neutral + female},
        people={"": people + men + women, "male": people + men, "female": people + women},
        adjectives=tuple(values["adjectives"]),
        without_adjective=frozenset((*values["without_adjective"], *values["phrases"])),
        third={third: base for base, (third, _) in forms.items()},
        gerund={gerund: base for base, (_, gerund) in forms.items()},
        base=frozenset(forms),
        forms=forms,
        also_nouns=frozenset(forms[verb][0] for verb in values["also_nouns"].split()),
        fitting=fitting,
        synonyms=synonyms,
        additions=tuple(_additions(values["additions"], values["kinds"])),
        longest=int(values["additions"]["longest"]),
    )


def _phrases(texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted((tuple(text.split()) for text in texts), key=len, reverse=True))


def _pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text) if text else None


def _synonyms(row: Mapping[str, Any]) -> Synonyms:
    return Synonyms(
        _phrases(row.get("each") or row["from"]),
        _phrases(row.get("each") or row["to"]),
        bool(row.get("plain")),
        bool(row.get("end")),
        frozenset(row["next"].split("|")) if "next" in row else None,
        _pattern(row.get("unless")),
        _pattern(row.get("needs")),
    )


def _additions(rows: Mapping[str, Any], kinds: Mapping[str, str]) -> list[Addition]:
    found = []
    for row in rows.values():
        if not isinstance(row, dict):
            continue
        verbs = row["verbs"].split() if "verbs" in row else kinds[row["kinds"]].split() if "kinds" in row else None
        fitting = None if verbs is None else frozenset(verbs)
        found.append(Addition(tuple(row["words"]), fitting, re.compile(row["unless"]), float(row.get("before", 0.0))))
    return found
