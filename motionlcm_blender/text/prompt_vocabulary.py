"""The vocabulary of a model's training captions, and a warning for prompts with unseen words.

A model folder may contain vocabulary.json: {"verbs": {lemma: count}, "words": {word: count}}, with the number of
captioned training motions for each. `training/data/vocabulary.py` writes it, this module reads it. Plain Python, with
no more grammar than captions of motion need: a misread prompt costs a warning, never a motion.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
"""A verb with fewer training motions than this, synonyms included, gives a warning."""
NAMED = 3
"""Number of unknown words that one sentence lists."""
SEVERAL = re.compile(
    r"\b(two|three|four|five|six|several|some|many|both) (\w+ )?"
    r"(people|persons|men|women|kids|children|guys|ladies|girls|boys|friends|dancers|players|fighters|boxers|soldiers)\b"
    r"|\b(each other|one another)\b|\bwith (a|his|her|the|another) (partner|person|man|woman|friend|opponent)\b"
)
"""A prompt of more than one person."""


@dataclass(frozen=True)
class Vocabulary:
    """Counts of training motions by word.

    Attributes:
        verbs: Count by lemma.
        words: Count by word, for words that are not verbs.
        seconds: Usual duration of an action by the lemma of its verb (`length_suggestion`); empty in older models.
    """

    verbs: Mapping[str, int]
    words: Mapping[str, int]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def times(self, verb: str) -> int:
        """Count of a verb's lemma, its synonyms included."""
        alike = {verb}.union(*(group for group in SYNONYMS if verb in group))
        return sum(self.verbs.get(each, 0) for each in alike)

    def to_json(self) -> str:
        """Text of vocabulary.json, most frequent first."""
        tables: dict[str, Mapping[str, float]] = {
            name: dict(sorted(table.items(), key=lambda item: (-item[1], item[0])))
            for name, table in (("verbs", self.verbs), ("words", self.words))
        }
        if self.seconds:
            tables["seconds"] = dict(sorted(self.seconds.items()))
        return json.dumps(tables, indent=1, ensure_ascii=False) + "\n"


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """Read the vocabulary of a model folder.

    Returns:
        The vocabulary, None if the folder has none.

    Raises:
        ModelFolderError: The file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        tables = json.loads(read_bytes(file).decode())
        verbs, words = tables["verbs"], tables["words"]
        if not all(type(count) is int for table in (verbs, words) for count in table.values()):
            raise ValueError("a count is no whole number")
        seconds = {str(verb): float(value) for verb, value in tables.get("seconds", {}).items()}
        if not all(0.0 < value < 60.0 for value in seconds.values()):
            raise ValueError("a duration is not possible")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFolderError(f"{FILE} in {folder} is damaged.") from error
    return Vocabulary(verbs, words, seconds)


def tokens(text: str) -> list[str]:
    """Split text into lower-case words, with each punctuation mark as a token of its own."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    plain = plain.replace("counter-clockwise", "counterclockwise")
    return re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*|[,.;:!?]", plain)


def lemma(word: str) -> str:
    """Reduce a verb to its base form: walks, walking, walked -> walk. Other words may change, always consistently."""
    if word in IRREGULAR and word not in NOT_IRREGULAR:
        return IRREGULAR[word]
    if word in MOTION_VERBS or word in LIGHT:
        return word
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) > len(ending) + 2 and re.search("[aeiouy]", word[: -len(ending)]):
            return _without(word[: -len(ending)], ending)
    return singular(word)


def singular(word: str) -> str:
    """Remove the s of a plural or a third person."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is", "'s")) or NO_PLURAL.search(word):
        return word.removesuffix("'s")
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes", "oes")):
        return word[:-2]
    return word[:-1]


def _without(stem: str, ending: str) -> str:
    """Restore a stem from which -ing or -ed was removed."""
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
        r"|^[^aeiou]*[aeiouy][b-df-hj-np-tvz]$"  # skate: a short vowel would have a doubled consonant
    )
    return stem + "e" if re.search(lost, stem) else stem


def unseen_words_warning(prompt: str, vocabulary: Vocabulary) -> str | None:
    """Make one sentence if the prompt has several people, or words that the model has rarely or never seen.

    Returns:
        The sentence, None if there is nothing to name.
    """
    foreign = _foreign_warning(prompt, vocabulary)
    if foreign:
        return foreign
    if SEVERAL.search(prompt.lower()):
        return "The model has learnt one person at a time: describe what one of them does."
    never: list[str] = []
    seldom: list[tuple[int, str]] = []
    for word, kind in content_words(prompt, vocabulary):
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


def _foreign_warning(prompt: str, vocabulary: Vocabulary) -> str:
    """A sentence for a prompt in another language, of symbols, of nonsense or without an action; else empty.

    Such a prompt has no verb that the checks of single words would find.
    """
    words = [part for token in tokens(prompt) if token[0].isalpha() for part in _parts(token, vocabulary)]
    if not words:
        visible = any(unicodedata.category(letter)[0] not in "CZ" or letter > "\uffff" for letter in prompt)
        return "The model has no words to follow: describe the motion in English." if visible else ""
    if all(word in DETERMINERS or word in PEOPLE or singular(word) in PEOPLE for word in words):
        return "The model has no action to follow: describe what the person does."
    unknown = [word for word in words if not _is_known(word, vocabulary)]
    verbs = verb_lemmas(words, vocabulary)
    acts = any(verb is not None and word not in unknown for word, verb in zip(words, verbs, strict=True))
    mixed = any(not word.isascii() for word in unknown) and not acts
    if mixed or (len(words) > 1 and 2 * len(unknown) > len(words)):
        return "The model has learnt from English captions with few of these words: write the prompt in English."
    if unknown and len(words) > 1 and not acts:
        return f"The model has never seen “{unknown[0]}”; it will guess."
    return ""


def _is_known(word: str, vocabulary: Vocabulary) -> bool:
    """Whether a word is English that people use of motion, or is in the captions."""
    base = lemma(word)
    lists = (STOP, LIGHT, MOTION_VERBS, NOUN_UNLESS_BENT, vocabulary.verbs)
    return _is_plain(word) or any(word in each or base in each for each in lists) or _word_times(word, vocabulary) > 0


def content_words(prompt: str, vocabulary: Vocabulary) -> Iterator[tuple[str, str]]:
    """Find the words of a prompt that matter: pairs of (lemma, "verb") and (word, "word"), in order.

    These are verbs, their objects and instruments ("plays the violin", "like a robot"), and adverbs that no training
    motion had ("sadly"). Persons, places, clothes and colours are left out.
    """
    words = [part for token in tokens(prompt) for part in _parts(token, vocabulary)]
    phrase: list[str] | None = None  # the words of "the heavy violin", while reading a phrase that matters
    for at, token in enumerate([*words, "."]):
        is_verb = _is_verb(words, at, vocabulary) if at < len(words) else False
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


def verb_lemmas(words: Sequence[str], vocabulary: Vocabulary) -> list[str | None]:
    """For each token of `tokens` the lemma of its verb, or None."""
    return [lemma(token) if _is_verb(words, at, vocabulary) else None for at, token in enumerate(words)]


def _is_verb(words: Sequence[str], at: int, vocabulary: Vocabulary) -> bool:
    token = words[at]
    if not token[0].isalpha() or token in STOP or token in PEOPLE:
        return False
    base = lemma(token)
    before = words[at - 1] if at else "."
    if before.endswith("ly") and at > 1:
        before = words[at - 2]
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
    return (joined and token.endswith("ing")) or (at == 0 and len(words) == 1)


def _parts(token: str, vocabulary: Vocabulary) -> list[str]:
    """A hyphenated word as one token if it is known, else its parts."""
    known = token in vocabulary.words or singular(token) in vocabulary.words or lemma(token) in vocabulary.verbs
    if "-" not in token or known or lemma(token) in MOTION_VERBS:
        return [token]
    return token.split("-")


def _word_times(word: str, vocabulary: Vocabulary) -> int:
    """Count of a word in any form with the same meaning: sadly, sad; drums, drum, drumming."""
    forms = {word, singular(word), lemma(word), word.removesuffix("ly"), word.removesuffix("ily") + "y"}
    forms |= {form + end for form in tuple(forms) for end in ("s", "es", "ly", "ing")}
    return sum(vocabulary.words.get(form, 0) + vocabulary.verbs.get(form, 0) for form in forms)


def _is_plain(word: str) -> bool:
    return word in PLAIN or singular(word) in PLAIN or word in PEOPLE or singular(word) in PEOPLE
