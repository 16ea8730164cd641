"""Captions in other words: other subjects, forms and synonyms, and additions that do not change the motion.

People describe the same motion in many words, and captions of motion capture use few. The rules (word lists in
caption_variations.toml) keep sides, directions, numbers and words of speed.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .caption_words import Addition, Synonyms, VariationWords, variation_words
from .predicate_forms import Form, Part, Predicate, Verb, inflected, joined, parse, split

KEPT = re.compile(
    r"\b(left|right|leftwards?|rightwards?|forwards?|backwards?|backward|sideways?|(?:counter|anti)?clockwise|once|"
    r"twice|thrice|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|fourth|half|"
    r"quarter|full|fast|faster|quick|quickly|slow|slowly|slower|briskly?|rapid|rapidly|several|\d+)\b"
)
"""Words that a variation neither adds nor loses."""
_ENDS = frozenset(("", "and", "then", ",", ";", "while", "before", "after", "again"))
_MALE, _FEMALE = re.compile(r"\b(his|him|himself|he)\b"), re.compile(r"\b(her|hers|herself|she)\b")
_INNER = re.compile(
    r"^(?P<before>[^,]+, )(?P<subject>the person|the figure|the man|the woman|someone|a person|he|she) (?P<rest>.+)$"
)
_STYLED = re.compile(r"^(?P<subject>(?:a|an|the)(?: [a-z-]+){1,3}?) (?P<rest>[a-z]+s\b.*)$")
_MENTIONED = re.compile(r"\b(person|figure|man|woman|someone|somebody|character)\b")


@dataclass(frozen=True)
class _Caption:
    """before: words before the subject; plain: whether the subject is nobody in particular; gender of the pronouns."""

    before: str
    subject: str
    predicate: Predicate
    plain: bool
    gender: str | None


def caption_variations(caption: str, generator: np.random.Generator, count: int) -> list[str]:
    """Write a caption in other words.

    Args:
        caption: A caption in English, such as "a person walks forward.".
        generator: Source of all choices.
        count: Number of variations wanted.

    Returns:
        Up to `count` different variations, none of which is the caption; none where the sentence is not understood.
    """
    words = variation_words()
    text = caption.strip().rstrip(".").strip().lower()
    kept = Counter(KEPT.findall(text))
    found: list[str] = []
    parsed = _parsed(text, words)
    if parsed is None:
        return found
    for _ in range(6 * count):
        if len(found) >= count:
            break
        made = _varied(parsed, text, generator, words)
        if made == text or Counter(KEPT.findall(made)) != kept:
            continue
        if made not in {each.rstrip(".") for each in found}:
            found.append(made if generator.random() < 0.6 else f"{made}.")
    return found


def _parsed(text: str, words: VariationWords) -> _Caption | None:
    if re.search(r"[^a-z ,;'’-]", text):
        return None
    male, female = bool(_MALE.search(text)), bool(_FEMALE.search(text))
    gender = None if male and female else "male" if male else "female" if female else ""
    for subject in words.plain:
        if text.startswith(subject + " "):
            form: Form = "base" if subject == "they" else "third"
            rest = text[len(subject) + 1 :]
            predicate = parse(split(rest), words, form)
            if predicate is None or (form == "base" and not predicate.sure):
                return None
            if form == "base" and re.search(r"\btheir|them\b", rest):
                gender = ""
            plain = not _MENTIONED.search(rest) and not re.search(r"\b(he|she|they)\b", rest)
            return _Caption("", subject, predicate, plain and gender is not None, gender)
    match = _INNER.match(text)
    if match and not _MENTIONED.search(match["before"]):
        predicate = parse(split(match["rest"]), words)
        if predicate is not None:
            predicate = replace(predicate, sure=False)
            plain = gender is not None and not _MENTIONED.search(match["rest"])
            plain = plain and not re.search(r"\b(he|she|they)\b", match["before"] + match["rest"])
            return _Caption(match["before"], match["subject"], predicate, plain, gender)
    match = _STYLED.match(text)
    if match and not re.search(r"\b(arms?|hands?|legs?|knees?|foot|feet|turn|few|left|right|of)\b", match["subject"]):
        tokens, noun = split(match["rest"]), match["subject"].split()[-1]
        predicate = parse(tokens, words)
        somebody = match["subject"].count(" ") == 1 or _MENTIONED.search(noun) or noun in words.people[""]
        if predicate is not None and (somebody or tokens[0] not in words.also_nouns):
            return _Caption("", match["subject"], predicate, False, gender)
    return _without_subject(text, gender, words)


def _without_subject(text: str, gender: str | None, words: VariationWords) -> _Caption | None:
    """A caption such as "walks forward"."""
    tokens = split(text)
    predicate = parse(tokens, words)
    if predicate is None or not predicate.sure or tokens[0] not in words.third or tokens[0] in words.also_nouns:
        return None
    return _Caption("", "", predicate, gender is not None, gender)


def _varied(caption: _Caption, text: str, generator: np.random.Generator, words: VariationWords) -> str:
    predicate = caption.predicate
    if generator.random() < 0.6:
        predicate = _with_synonyms(caption, text, generator, words)
    subject, form = _subject(caption, predicate, generator, words)
    text = predicate.text(form, words)
    text = f"{caption.before}{subject} {text}".replace("  ", " ") if subject else f"{caption.before}{text}"
    if not caption.before and generator.random() < 0.35:
        text = _with_addition(text, predicate, generator, words)
    return text


def _subject(
    caption: _Caption, predicate: Predicate, generator: np.random.Generator, words: VariationWords
) -> tuple[str, Form]:
    """Who does it, and the form of the verbs; "" for nobody."""
    chance = generator.random()
    standing: Form = "base" if caption.subject == "they" else "third"
    if not caption.plain:
        if predicate.can_go_on and caption.subject and chance < 0.2:
            return f"{caption.subject} is", "gerund"
        return caption.subject, standing
    if caption.before:
        return (_noun(caption, predicate, generator, words) if chance < 0.6 else _neutral(caption, generator, words)), (
            "third"
        )
    pronouns = caption.gender or any(p in ("their", "them", "themselves") for p in predicate.parts)
    if chance < 0.13 and standing == "third":
        return "", "third"
    if predicate.sure:
        if predicate.can_go_on and chance < 0.19:
            return "", "gerund"
        if chance < 0.25 and not pronouns:
            return "", "base"
        if chance < 0.29 and not caption.gender:
            return "they", "base"
        if predicate.can_go_on and chance < 0.37:
            return f"{_noun(caption, predicate, generator, words)} is", "gerund"
        if predicate.can_go_on and chance < 0.41:
            return f"{_neutral(caption, generator, words)} is", "gerund"
    elif standing == "base":
        return caption.subject, standing
    if chance < 0.52:
        return _neutral(caption, generator, words), "third"
    if chance < 0.62:
        return caption.subject, standing
    return _noun(caption, predicate, generator, words), "third"


def _one(choices: Sequence[str], generator: np.random.Generator) -> str:
    return choices[int(generator.integers(len(choices)))]


def _neutral(caption: _Caption, generator: np.random.Generator, words: VariationWords) -> str:
    return _one(words.neutral[caption.gender or ""], generator)


def _noun(caption: _Caption, predicate: Predicate, generator: np.random.Generator, words: VariationWords) -> str:
    """A person such as "a young teacher"; one that suggests a kind of motion only if the first verb is of that kind."""
    fitting = words.fitting.get(predicate.first, ())
    if fitting and not caption.gender and generator.random() < 0.3:
        noun = _one(fitting, generator)
    else:
        noun = _one(words.people[caption.gender or ""], generator)
        if noun not in words.without_adjective and generator.random() < 0.18:
            noun = f"{_one(words.adjectives, generator)} {noun}"
    if generator.random() < 0.25:
        return f"the {noun}"
    return f"{'an' if noun[0] in 'aeiou' and not noun.startswith('user') else 'a'} {noun}"


def _with_synonyms(caption: _Caption, text: str, generator: np.random.Generator, words: VariationWords) -> Predicate:
    """Each verb replaced with its phrase by another of the same sense, or not."""
    predicate = caption.predicate
    groups = [
        group
        for group in words.synonyms
        if not (group.plain and not caption.plain)
        and not (group.unless and group.unless.search(text))
        and not (group.needs and not group.needs.search(text))
    ]
    parts: list[Part] = []
    at = 0
    while at < len(predicate.parts):
        part = predicate.parts[at]
        options = _options(predicate.parts, at, groups, words) if isinstance(part, Verb) else []
        if options and generator.random() < 0.75:
            length, group = options[int(generator.integers(len(options)))]
            chosen = group.replacements[int(generator.integers(len(group.replacements)))]
            assert isinstance(part, Verb)
            parts += _built(chosen, part, words)
            at += length
            continue
        parts.append(part)
        at += 1
    return replace(predicate, parts=tuple(parts))


def _built(phrase: Sequence[str], verb: Verb, words: VariationWords) -> list[Part]:
    """The parts of a phrase; "stand and wait" has two verbs."""
    parts: list[Part] = [Verb(phrase[0], verb.fixed)]
    for before, word in itertools.pairwise(phrase):
        parts.append(Verb(word, verb.fixed) if before == "and" and word in words.base else word)
    return parts


def _options(
    parts: Sequence[Part], at: int, groups: Sequence[Synonyms], words: VariationWords
) -> list[tuple[int, Synonyms]]:
    """(length, group) of the longest phrases that begin at a verb."""
    verb = parts[at]
    assert isinstance(verb, Verb)
    found: list[tuple[int, Synonyms]] = []
    for group in groups:
        for phrase in group.replaced:
            if phrase[0] != verb.base:
                continue
            follows = tuple(p if isinstance(p, str) else p.base for p in parts[at + 1 : at + len(phrase)])
            if phrase[1:] != follows:
                continue
            after = parts[at + len(phrase)] if at + len(phrase) < len(parts) else ""
            after = inflected(after, "third", words)
            if (not group.end or after in _ENDS) and (group.following is None or after in group.following):
                found.append((len(phrase), group))
            break
    longest = max((length for length, _ in found), default=0)
    return [option for option in found if option[0] == longest]


def _with_addition(text: str, predicate: Predicate, generator: np.random.Generator, words: VariationWords) -> str:
    if len(split(text)) > words.longest:
        return text
    fitting = [a for a in words.additions if _fits(a, text, predicate)]
    if not fitting:
        return text
    addition = fitting[int(generator.integers(len(fitting)))]
    added = _one(addition.words, generator)
    if generator.random() < addition.before:
        return f"{added}, {text}"
    return joined((*split(text), added))


def _fits(addition: Addition, text: str, predicate: Predicate) -> bool:
    if addition.verbs is not None and predicate.last not in addition.verbs:
        return False
    return not addition.unless.search(text)
