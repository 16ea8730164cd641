"""The predicate of a caption, with its verbs marked, so that they can be replaced and inflected."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .caption_words import VariationWords

Form = Literal["third", "gerund", "base"]
_LINKS = frozenset(("and", "then", ",", ";", "but", "or"))
_BEFORE_GERUND = frozenset((",", "and", "then", "while", "after", "before", "by", "starts", "stops", "begins", "keeps"))
_OWN_SUBJECT = frozenset(
    "who which that he she it they as while until when where because if though whose person figure man woman".split()
)
_PHASES = frozenset(("keep", "start", "stop", "begin", "continue", "finish"))
_ADVERB = re.compile(
    r"[a-z]+ly$|^(then|again|soon|once|twice|now|almost|nearly|hardly|barely|just|also|suddenly|still)$"
)
_AFTER_VERB = frozenset(
    "left right around about back forward backward backwards up down on off out over away the a an his her their both "
    "to into in onto slowly quickly again sideways half quarter round ahead straight toward towards upright".split()
)
_PLURALS = frozenset(
    "arms legs hands knees feet elbows shoulders hips times fists fingers toes heels wrists palms ankles sides circles "
    "loops metres meters seconds degrees forearms thighs eyes strokes lunges sways squats forwards backwards sideways "
    "leftwards rightwards towards upwards downwards always across this his its as is was perhaps less press".split()
)


@dataclass(frozen=True)
class Verb:
    """A verb in its base form; fixed: the form that it always has, such as "turning" after "while"."""

    base: str
    fixed: Form | None = None


Part = str | Verb


@dataclass(frozen=True)
class Predicate:
    """Words and verbs in order.

    Attributes:
        parts: Words, punctuation marks and verbs.
        sure: Whether all finite verbs are known, so that the predicate can take another form.
    """

    parts: tuple[Part, ...]
    sure: bool

    @property
    def first(self) -> str:
        """Base form of the first verb, or an empty string."""
        return next((part.base for part in self.parts if isinstance(part, Verb)), "")

    @property
    def can_go_on(self) -> bool:
        """Whether the predicate can stand in the -ing form: "keeps walking" cannot."""
        pairs = itertools.pairwise(part if isinstance(part, str) else part.base for part in self.parts)
        going = any(verb in _PHASES and after.endswith("ing") for verb, after in pairs)
        fixed = any(
            isinstance(p, Verb) and p.base in _PHASES and isinstance(q, Verb) for p, q in itertools.pairwise(self.parts)
        )
        return self.sure and not going and not fixed

    @property
    def last(self) -> str:
        """Base form of the last finite verb, or an empty string."""
        found = [part.base for part in self.parts if isinstance(part, Verb) and part.fixed is None]
        return found[-1] if found else ""

    def text(self, form: Form, words: VariationWords) -> str:
        """The predicate with its finite verbs in a form."""
        return joined(tuple(inflected(part, form, words) for part in self.parts))


def inflected(part: Part, form: Form, words: VariationWords) -> str:
    """A part as text."""
    if isinstance(part, str):
        return part
    third, gerund = words.forms[part.base]
    return {"third": third, "gerund": gerund, "base": part.base}[part.fixed or form]


def split(text: str) -> tuple[str, ...]:
    """Words and punctuation marks."""
    return tuple(re.findall(r"[\w'’-]+|[^\w\s]", text))


def joined(tokens: Sequence[str]) -> str:
    """The text of tokens."""
    return re.sub(r"\s+([,;:.!?])", r"\1", " ".join(tokens))


def parse(tokens: Sequence[str], words: VariationWords, form: Form = "third") -> Predicate | None:
    """Find the verbs of a predicate.

    Args:
        tokens: What follows the subject, in lower case.
        words: The lists.
        form: "third" after a singular, "base" after "they".

    Returns:
        The predicate, or None if its first word, adverbs aside, is no known verb.
    """
    known = words.third if form == "third" else {base: base for base in words.base}
    parts: list[Part] = []
    sure, started = True, False
    for at, token in enumerate(tokens):
        before = _before(tokens, at)
        if not started and before == "":
            if _ADVERB.search(token) and token not in known:
                parts.append(token)
                continue
            if token not in known:
                return None
            parts.append(Verb(known[token]))
            started = True
        elif token in known and before in _LINKS and not _own_subject(tokens, at):
            if _doubtful(tokens, parts, at, words, form):
                sure = False
                parts.append(token)
            else:
                parts.append(Verb(known[token]))
        elif token in words.gerund and tokens[at - 1] in _BEFORE_GERUND:
            parts.append(Verb(words.gerund[token], "gerund"))
        else:
            sure = sure and not _unknown_verb(tokens, at, before, words, form)
            parts.append(token)
    found = Predicate(tuple(parts), sure)
    return replace(found, sure=sure and found.first not in ("be", "have") and started)


def _before(tokens: Sequence[str], at: int) -> str:
    """The token before, adverbs aside; empty at the beginning."""
    at -= 1
    while at >= 0 and _ADVERB.search(tokens[at]) and tokens[at] != "then":
        at -= 1
    return tokens[at] if at >= 0 else ""


def _own_subject(tokens: Sequence[str], at: int) -> bool:
    """Whether the clause before has a subject of its own: "as the arms swing and ..."."""
    return any(token in _OWN_SUBJECT for token in tokens[:at])


def _doubtful(tokens: Sequence[str], parts: Sequence[Part], at: int, words: VariationWords, form: Form) -> bool:
    """Whether a word after a link may be a noun: "kicks and punches", "two steps and turns"."""
    token = tokens[at]
    noun = token in words.also_nouns if form == "third" else words.forms[token][0] in words.also_nouns
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    if not noun or after in _AFTER_VERB:
        return False
    if form == "base":
        return True
    link = at - 1
    while link > 0 and (tokens[link] in _LINKS or _ADVERB.search(tokens[link])):
        link -= 1
    return isinstance(parts[link], str) and tokens[link].endswith("s") and tokens[at - 1] != "then"


def _unknown_verb(tokens: Sequence[str], at: int, before: str, words: VariationWords, form: Form) -> bool:
    token = tokens[at]
    if form == "base" or not token.endswith("s") or token in _PLURALS or token.endswith("ss"):
        if form == "base":
            return before in ("and", "then", ",") and token.isalpha() and not token.endswith(("ing", "ly", "ed"))
        return False
    if before in _LINKS:
        return True
    return token in words.third and token not in words.also_nouns and tokens[at - 1] not in ("the", "a", "with", "of")
