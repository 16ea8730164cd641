"""What a model has been shown, and whether a prompt asks for more than that.

A model folder may hold vocabulary.json: {"verbs": {lemma: times}, "words": {word: times}}, in how many captioned
pieces of the training motion each was said. `training/data/vocabulary.py` writes it; here it is read and asked. Plain
Python and no grammar beyond what captions of motion need: a prompt that is misread costs a hint, never a motion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelFolderError
from ..files.safetensors_files import read_bytes
from .word_lists import (
    DETERMINERS,
    IRREGULAR,
    LIGHT,
    MOTION_VERBS,
    NO_PLURAL,
    NOT_IRREGULAR,
    NOUN_UNLESS_BENT,
    PEOPLE,
    PLAIN,
    STOP,
    SYNONYMS,
)

FILE = "vocabulary.json"
RARE_COUNT = 12
"""A verb said of fewer pieces of motion than this, synonyms included, is worth a word of warning."""
NAMED = 3
"""As many unknown words as one sentence names."""


@dataclass(frozen=True)
class Vocabulary:
    """verbs: lemma -> pieces of motion it was said of; words: the same of what is no verb."""

    verbs: Mapping[str, int]
    words: Mapping[str, int]

    def times(self, verb: str) -> int:
        """How often a verb's lemma was seen, its synonyms included."""
        alike = {verb}.union(*(group for group in SYNONYMS if verb in group))
        return sum(self.verbs.get(each, 0) for each in alike)

    def to_json(self) -> str:
        """The text of vocabulary.json, most frequent first."""
        tables = {
            name: dict(sorted(table.items(), key=lambda item: (-item[1], item[0])))
            for name, table in (("verbs", self.verbs), ("words", self.words))
        }
        return json.dumps(tables, indent=1, ensure_ascii=False) + "\n"


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """The vocabulary of a model folder; None if it has none. Raises ModelFolderError if it is damaged."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        tables = json.loads(read_bytes(file).decode())
        verbs, words = tables["verbs"], tables["words"]
        if not all(type(count) is int for table in (verbs, words) for count in table.values()):
            raise ValueError("a count is no whole number")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError(f"{FILE} in {folder} is damaged.") from error
    return Vocabulary(verbs, words)


def tokens(text: str) -> list[str]:
    """Lower-case words, and each stop between them as a token of its own."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = plain.replace("counter-clockwise", "counterclockwise")
    return re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*|[,.;:!?]", plain)


def lemma(word: str) -> str:
    """The base form of a verb: walks, walking, walked -> walk. Other words come back changed or not, always alike."""
    if word in IRREGULAR and word not in NOT_IRREGULAR:
        return IRREGULAR[word]
    if word in MOTION_VERBS or word in LIGHT:
        return word
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2 and re.search("[aeiouy]", word[: -len(ending)]):
            return _without(word[: -len(ending)], ending)
    return singular(word)


def singular(word: str) -> str:
    """The word without a plural's or a third person's s."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")) or NO_PLURAL.search(word):
        return word.removesuffix("'s")
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _without(stem: str, ending: str) -> str:
    """What a stem was before -ing or -ed was put on it."""
    if ending == "ed" and stem.endswith("i"):
        return stem[:-1] + "y"
    for known in (stem, stem + "e"):
        if known in MOTION_VERBS or known in LIGHT:
            return known
    if re.search(r"([b-df-hj-np-tv-z])\1$", stem):
        return stem if stem.endswith(("ll", "ss", "zz", "ff")) and stem[:-1] not in MOTION_VERBS else stem[:-1]
    lost = (
        # dance, carve, raise, gaze, dodge, lunge, charge, juggle, rescue
        r"[cv]$|[^s]s$|(?<=[aeiou])z$|dg$|ung$|[rl]g$|[^aeiourlw]l$|u$"
        r"|[aeiou][^aeiou]*[^aeiouy]at$|iat$|uat$"  # rotate, imitate
        r"|^[^aeiou]*[aeiouy][b-df-hj-np-tvz]$"  # skate: a short vowel would have doubled the consonant
    )
    return stem + "e" if re.search(lost, stem) else stem


def unseen_words_warning(prompt: str, vocabulary: Vocabulary) -> str | None:
    """One sentence if the prompt asks for what the model has seldom or never seen, else None."""
    never: list[str] = []
    seldom: list[tuple[int, str]] = []
    for word, kind in asked_for(prompt, vocabulary):
        times = vocabulary.times(word) if kind == "verb" else _word_times(word, vocabulary)
        if times == 0 and word not in never:
            never.append(word)
        elif kind == "verb" and 0 < times < RARE_COUNT:
            seldom.append((times, word))
    if never:
        named = [f"“{word}”" for word in never[:NAMED]]
        listed = " or ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]
        return f"The model has never seen {listed}; it will guess."
    if seldom:
        times, word = min(seldom)
        return f"The model has seen “{word}” only {'once' if times == 1 else f'{times} times'}."
    return None


def asked_for(prompt: str, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """What matters in a prompt: pairs of (lemma, "verb") and (word, "word"), in order.

    Verbs; what they act on or with ("plays the violin", "like a robot"); and how, if no motion ever was like that
    ("sadly"). Who does it, where, in which clothes and colours is left out.
    """
    said = [part for token in tokens(prompt) for part in _parts(token, vocabulary)]
    phrase: list[str] | None = None  # the words of "the heavy violin", while one is read that matters
    for at, token in enumerate([*said, "."]):
        is_verb = _is_verb(said, at, vocabulary) if at < len(said) else False
        ends = is_verb or not token[0].isalpha() or token in STOP or token in PEOPLE or token.endswith("ly")
        if phrase and (ends and token not in DETERMINERS):
            head = phrase[-1]
            phrase = None
            if not _is_plain(head):
                yield singular(head), "word"
        if is_verb:
            base = lemma(token)
            if base not in LIGHT:
                yield base, "verb"
            phrase = []
        elif token in ("with", "like"):
            phrase = []
        elif token.endswith("ly") and not _is_plain(token) and token not in STOP:
            yield token, "word"
        elif ends and token not in DETERMINERS:
            phrase = None
        elif phrase is not None and token not in DETERMINERS:
            phrase.append(token)


def verb_lemmas(said: Sequence[str], vocabulary: Vocabulary) -> list[str | None]:
    """For each token of `tokens` the lemma of the verb it is, or None."""
    return [lemma(token) if _is_verb(said, at, vocabulary) else None for at, token in enumerate(said)]


def _is_verb(said: Sequence[str], at: int, vocabulary: Vocabulary) -> bool:
    token = said[at]
    if not token[0].isalpha() or token in STOP or token in PEOPLE:
        return False
    base = lemma(token)
    before = said[at - 1] if at else "."
    if before.endswith("ly") and at > 1:
        before = said[at - 2]
    bent = base != token
    after_doer = before in PEOPLE
    if base in NOUN_UNLESS_BENT:
        return after_doer or token.endswith(("ing", "ed"))
    if base in MOTION_VERBS or base in LIGHT or base in vocabulary.verbs:
        return token not in PLAIN or after_doer
    if _is_plain(token) or _is_plain(base):
        return False
    if token in vocabulary.words or singular(token) in vocabulary.words:
        return False
    if after_doer:
        return bent  # "a person moonwalks"
    joined = before in ("and", "then", "while", ",", ".")
    return joined and token.endswith("ing") or (at == 0 and len(said) == 1)


def _parts(token: str, vocabulary: Vocabulary) -> list[str]:
    """A word with hyphens as it is if it is known, else in pieces."""
    known = token in vocabulary.words or singular(token) in vocabulary.words or lemma(token) in vocabulary.verbs
    if "-" not in token or known or lemma(token) in MOTION_VERBS:
        return [token]
    return token.split("-")


def _word_times(word: str, vocabulary: Vocabulary) -> int:
    """How often a word was seen in any form that says the same: sadly, sad; drums, drum, drumming."""
    forms = {word, singular(word), lemma(word), word.removesuffix("ly"), word.removesuffix("ily") + "y"}
    forms |= {form + end for form in tuple(forms) for end in ("s", "es", "ly", "ing")}
    return sum(vocabulary.words.get(form, 0) + vocabulary.verbs.get(form, 0) for form in forms)


def _is_plain(word: str) -> bool:
    return word in PLAIN or singular(word) in PLAIN or word in PEOPLE or singular(word) in PEOPLE
