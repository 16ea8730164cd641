"""The actions that a prompt names one after the other, each as a prompt of its own.

"a man picks something up and throws it" is "a man picks something up" and "a man throws it"; "a girl jumps twice" is "a
girl jumps", twice. The network makes one action of a few seconds well and mixes several. The rules are plain patterns
over English words: a sequence that is not found is left to the network.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .action_kinds import (
    APART,
    BEND,
    KINDS,
    OTHER,
    PICK,
    POSTURES,
    RISE,
    SENSE,
    STANDING,
    STILL,
    TOGETHER,
    TRAVEL,
    UPRIGHT,
)
from .prompt_vocabulary import Vocabulary, lemma, verb_lemmas
from .repeated_action import repeated
from .word_lists import DETERMINERS, NOUN_UNLESS_BENT, PEOPLE

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|[,;.]")
_THEN = re.compile(
    r"[\s,;.]*\b(?:(?:and|but)[\s,]+)?(?:then|after that|afterwards?|finally)\b[\s,]*(?:and\s+)?"
    r"|[\s,]*\b(?:and\s+)?followed by\s+"
    r"|[\s,]*\b(?:just |shortly )?before\s+(?=(?:\w+ly\s+)?\w+ing\b)"
    r"|\s*[;.]\s+",
    re.IGNORECASE,
)
"""What stands between two actions that the prompt sets one after the other."""
_AND = re.compile(r"\s*,\s*(?:and\s+|but\s+)?|\s+and\s+", re.IGNORECASE)
_NOT_FINITE = frozenset("of in with for at on by from into onto over without to like".split()) | DETERMINERS
"""After these words a form of a verb is a noun, an adjective or an infinitive."""
_ADVERBS = frozenset("again just suddenly once immediately slowly quickly also".split())
_AUXILIARY = re.compile(r"(?:\s+(?:is|are|was|were|starts?|begins?)|['\u2019](?:s|re))$", re.IGNORECASE)
_DIRECTION = re.compile(
    r"(?:(?:to|towards?|on|in|with|up|down|off|around|back(?:wards?)?|forwards?|left|right|away|sideways|over|out)\b)",
    re.IGNORECASE,
)
_BLOW = re.compile(r"(?:an?|the|another|one)?\s*(?:(?:left|right|quick|hard|high|low)\s+)*"
                   r"(?:hook|jab|cross|uppercut|punch|kick|roundhouse|knee)\b", re.IGNORECASE)  # fmt: skip
_GOES_ON = re.compile(r"\b(?:goes|carries|moves|keeps) on\b|\bcontinues\b(?! to)", re.IGNORECASE)
_RISES = re.compile(
    r"\b(?:gets?|stands?|jumps?|comes?) (?:back )?up\b|\bto (?:his|her|their|the) feet\b", re.IGNORECASE
)
_STANDS = re.compile(
    r"(?:stops?|waits?|pauses?|halts?|freezes?|stands? still|comes? to a (?:halt|stop))"
    r"(?: (?:for )?(?:a |one )?(?:moment|second|bit|while|briefly|short while|there|abruptly|suddenly))?$",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"(?:starts?|begins?) (?:to )?(\w+)", re.IGNORECASE)
_STOPS_TO = re.compile(r"(?:stop|halt|pause)(s?) (and|to) ", re.IGNORECASE)
_PICKS = re.compile(r"\bpick(?:s|ing)?\b.*\bup\b|\bpick(?:s|ing)? up\b", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:off|from|floor|ground|table|shelf|desk)\b", re.IGNORECASE)
LONGEST = 400
"""Letters of a prompt that is read; the network reads no more words of a longer one, either."""
_ALONE = Vocabulary({}, {})
"""Verbs are those of the word lists alone, so that a prompt has the same actions with every model."""


@dataclass(frozen=True)
class Action:
    """One action of a prompt.

    Attributes:
        prompts: What the network makes, one after the other: mostly one prompt, "a man walks" and "a man turns around"
            of a man who walks back and forth.
        words: The words of the prompt that name the action, without the subject.
        times: How often `prompts` are gone through; 0: as often as there is time for.
    """

    prompts: tuple[str, ...]
    words: str
    times: int = 1


@dataclass(frozen=True)
class _Phrase:
    """Words of a prompt that name one action, perhaps with its subject.

    Attributes:
        text: The words.
        verb: Base form of the first verb, or "".
        start: Where the verb begins in `text`.
        form: Ending of the verb: "s", "ing" or "".
    """

    text: str
    verb: str
    start: int
    form: str

    @property
    def kind(self) -> str:
        """Kind of the action (`action_kinds`)."""
        if self.verb in ("get", "stand", "come") and _RISES.search(self.text):
            return RISE
        if (begins := _BEGINS.match(self.text[self.start :])) is not None:
            return KINDS.get(lemma(begins.group(1).lower()), OTHER)
        return KINDS.get(self.verb, OTHER)

    @property
    def own_subject(self) -> str:
        """The words before the verb, or "" if they are adverbs."""
        words = self.text[: self.start].strip(" ,")
        return "" if _are_adverbs(words) else words

    @property
    def predicate(self) -> str:
        """The words without the subject."""
        return (self.text[self.start :] if self.own_subject else self.text).strip(" ,")


@lru_cache(maxsize=256)
def action_sequence(prompt: str) -> tuple[Action, ...]:
    """Find the actions that a prompt names one after the other.

    Args:
        prompt: English text.

    Returns:
        The actions in the order of the prompt. A prompt with a single action that is done once gives one action with
        the prompt itself.
    """
    text = " ".join(prompt.split()).rstrip(" .")
    if len(text) > LONGEST:
        return (Action((prompt,), text),)
    fragments = _fragments(text)
    clauses = [_clauses(fragment) for fragment in fragments]
    phrases = [p for number, each in enumerate(clauses) for p in _phrases(each, number + 1 == len(clauses))]
    kinds = tuple(clause.kind for each in clauses for clause, _ in each)
    if len(phrases) < 2 or kinds in TOGETHER:
        again = repeated(text)
        return (Action((prompt,), text) if again is None else Action(again.prompts, text, again.times),)
    return tuple(_actions(phrases))


def is_sequence(actions: Sequence[Action]) -> bool:
    """Whether more than one prompt comes out of these actions."""
    return len(actions) > 1 or actions[0].times != 1 or len(actions[0].prompts) > 1


def _phrase(text: str) -> _Phrase:
    """Find the verb of some words. The word before a noun, an adjective or an infinitive shows that it is no verb."""
    matches = list(_WORD.finditer(text))
    words = [_without_clitic(match.group().lower()) for match in matches]
    for at, (match, verb) in enumerate(zip(matches, verb_lemmas(words, _ALONE), strict=True)):
        base = verb or _listed_verb(words, at)
        if not base or (at and words[at - 1] in _NOT_FINITE):
            continue
        bent = base != words[at]
        if bent or _are_adverbs(" ".join(words[:at])) or words[at - 1] in PEOPLE or words[at - 1].endswith("s"):
            form = "" if not bent else "ing" if words[at].endswith("ing") else "s"
            return _Phrase(text, base, match.start(), form)
    return _Phrase(text, "", 0, "")


def _without_clitic(word: str) -> str:
    """The word without "'s" or "'re": the verb of "she's" is the next word."""
    return word.replace("\u2019", "'").removesuffix("'s").removesuffix("'re")


def _listed_verb(words: Sequence[str], at: int) -> str:
    """Base form of a verb of perception, or of one that is mostly a noun and stands where a verb stands; else ""."""
    base = words[at].removesuffix("s")
    if KINDS.get(base) == SENSE:
        return base
    leads = _are_adverbs(" ".join(words[:at])) or (at > 1 and words[at - 2] in DETERMINERS)
    return base if base != words[at] and leads and (base in KINDS or base in NOUN_UNLESS_BENT) else ""


def _are_adverbs(words: str) -> bool:
    return all(word in _ADVERBS or word.endswith("ly") for word in words.lower().split())


def _fragments(text: str) -> list[_Phrase]:
    """What stands between "then", "after that" and the like, each with an action."""
    fragments: list[_Phrase] = []
    begin, gerund = 0, False
    for match in _THEN.finditer(text):
        before, after = _phrase(text[begin : match.start()]), _phrase(text[match.end() :])
        names = bool(before.verb or _BLOW.match(before.text) or (fragments and _DIRECTION.match(before.text)))
        follows = bool(after.verb or _DIRECTION.match(after.text) or _BLOW.match(after.text))
        follows_gerund = "before" in match.group().lower()
        if not (names and follows) or (follows_gerund and {before.kind, after.kind} & {OTHER, STILL}):
            continue
        fragments.append(_finite(before) if gerund else before)
        begin, gerund = match.end(), follows_gerund
    last = _phrase(text[begin:])
    return [*fragments, _finite(last) if gerund else last]


def _finite(phrase: _Phrase) -> _Phrase:
    """The phrase with its participle in the third person: "leaves" for "leaving"."""
    verb = phrase.verb
    third = verb + ("es" if re.search("(s|sh|ch|x|z|o)$", verb) else "s")
    if re.search("[^aeiou]y$", verb):
        third = f"{verb[:-1]}ies"
    return _phrase(re.sub(r"\w+", third, phrase.text[phrase.start :], count=1))


def _clauses(fragment: _Phrase) -> list[tuple[_Phrase, str]]:
    """The fragment divided at each comma and "and" before a verb, with what stands after each clause."""
    text, clauses, begin = fragment.text, [], 0
    for match in _AND.finditer(text):
        if match.start() > fragment.start and _has_verb_like(text[match.end() :], fragment):
            clauses.append((_phrase(text[begin : match.start()]), match.group()))
            begin = match.end()
    return [*clauses, (_phrase(text[begin:]) if clauses else fragment, "")]


def _phrases(clauses: Sequence[tuple[_Phrase, str]], ends: bool) -> list[_Phrase]:
    """The clauses that are done one after the other, those that are done at once joined again.

    Args:
        clauses: From `_clauses`.
        ends: Nothing follows them in the prompt.
    """
    pairs = [(a, b) for (a, _), (b, _) in itertools.pairwise(clauses)]
    several = sum(a.kind != b.kind and (a.kind, b.kind) != (BEND, PICK) for a, b in pairs) > 1
    text, stood, phrases = clauses[0][0].text, False, []
    for number, (before, after) in enumerate(pairs):
        listed = several or not ends
        stood |= before.kind == STILL
        last = ends and number + 1 == len(pairs)
        if _are_apart(before, after, listed, last) or (stood and listed and after.kind == TRAVEL):
            phrases.append(_phrase(text))
            text = after.text
        else:
            text += clauses[number][1] + after.text
    return [*phrases, _phrase(text)]


def _has_verb_like(text: str, fragment: _Phrase) -> bool:
    """Whether words begin with a finite verb, as the fragment does. A participle names no action of its own."""
    phrase = _phrase(text)
    if not phrase.verb or phrase.form == "ing" or not _are_adverbs(text[: phrase.start]):
        return False
    return phrase.form == fragment.form or phrase.form == "s"


def _are_apart(before: _Phrase, after: _Phrase, listed: bool, last: bool) -> bool:
    """Whether two actions that a comma or "and" joins are done one after the other.

    Args:
        before: The earlier action.
        after: The later one.
        listed: They are of three or more actions.
        last: The later one is the last of the prompt.
    """
    pair = before.kind, after.kind
    if before.kind == SENSE or (after.kind == STILL and last):
        return False
    if pair in APART or after.kind == SENSE:
        return True
    return listed and pair[0] != pair[1] and pair != (BEND, PICK) and (OTHER not in pair or STILL in pair)


def _actions(phrases: Sequence[_Phrase]) -> list[Action]:
    """Actions, each with the nearest subject before it."""
    actions: list[Action] = []
    subject, verb, travel, posture = "", "", "walks", ""
    for number, phrase in enumerate(phrases):
        subject = phrase.own_subject or subject
        words = phrase.predicate
        if not phrase.verb:
            clause = f"{verb} {words}" if verb else _blow(words)
        else:
            verb = phrase.text[phrase.start :].split()[0].strip(",")
            clause = _meant(phrase, number, travel)
        posture = "" if phrase.kind in UPRIGHT else posture
        if posture and phrase.kind == OTHER:
            clause = f"{clause}, {posture}"
        posture = POSTURES.get(phrase.verb, posture)
        travel = verb if phrase.kind == TRAVEL and phrase.form == "s" and phrase.verb != "go" else travel
        whose = phrase.text[: phrase.start].strip(" ,") if phrase.own_subject else _subject_of(subject, phrase)
        prompt = f"{whose} {clause}".strip()
        again = repeated(prompt)
        actions.append(Action((prompt,), words) if again is None else Action(again.prompts, words, again.times))
    return actions


def _subject_of(subject: str, phrase: _Phrase) -> str:
    """The subject as it stands before the verb of a phrase: an auxiliary goes with a participle alone."""
    if phrase.form == "ing":
        return subject
    return re.sub(r"(?:\s+\w+ly)+$", "", _AUXILIARY.sub("", subject))


def _blow(words: str) -> str:
    """A blow that is named without a verb."""
    return f"throws {words}" if re.match("(?:an?|the) ", words) else f"throws a {words}"


def _meant(phrase: _Phrase, number: int, travel: str) -> str:
    """The predicate of an action, in words of captions.

    Args:
        phrase: The action.
        number: Its place in the prompt.
        travel: The last verb of travel before it.
    """
    words = phrase.predicate
    if _STANDS.fullmatch(words):
        third = "s" if phrase.form else ""
        return f"walk{third} and stop{third}" if number == 0 and phrase.verb not in STANDING else f"stand{third} still"
    if number and (stops := _STOPS_TO.match(words)) is not None:
        rest = words[stops.end() :]
        return f"stand{stops.group(1)} and {rest if stops.group(2) == 'and' else _finite(_phrase(rest)).text}"
    if _GOES_ON.search(words):
        return _GOES_ON.sub(f"{travel} on", words)
    if _PICKS.search(words) and not _PLACE.search(words):
        return re.sub(r"^[^,]*?(?=,| and |$)", r"\g<0> off the floor", words)
    return words
