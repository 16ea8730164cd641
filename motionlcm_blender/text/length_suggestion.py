"""How long the action of a prompt takes, from a table of captured durations by verb (`Vocabulary.seconds`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .action_sequence import Action, action_sequence, is_sequence
from .prompt_vocabulary import Vocabulary, tokens, verb_lemmas
from .word_lists import LIGHT, SYNONYMS

SHORTEST, LONGEST = 2.0, 9.8
"""Seconds: limits of a suggestion."""
PART, STILL, REPEATED, OFTEN = (1.2, 3.0), 1.8, 1.3, 4
"""Seconds: limits for an action of a sequence, and the time of one jump of many; how many are suggested."""
_TIMES = {"twice": 2, "thrice": 3, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_COUNTED = re.compile(r"\b(twice|thrice|(two|three|four|five|six|\d+) times)\b")
_AGAIN = 0.7
"""Share of an action's time that each repetition adds: the time around the action is there once."""
_THEN = re.compile(r"\b(?:and then|then|before|after that|followed by)\b|[,;] ")


def suggested_seconds(prompt: str, vocabulary: Vocabulary, in_sequence: bool = True) -> float | None:
    """Suggest a length for a prompt.

    The parts of a sequence ("sits down, then waves") add up. Within a part the slowest verb counts, and a number of
    times ("kicks twice") lengthens it.

    Args:
        prompt: English text.
        vocabulary: Vocabulary of the model.
        in_sequence: Actions that the prompt names one after the other are made one after the other
            (`action_sequence`), so that the model's own limit is that of each.

    Returns:
        Seconds, rounded to 0.1; None if the model's table has none of the verbs.
    """
    actions = action_sequence(prompt)
    if in_sequence and vocabulary.seconds and is_sequence(actions):
        return round(_of_sequence(actions, vocabulary), 1)
    total, known = 0.0, False
    for part in _THEN.split(prompt.lower()):
        seconds = _of_part(part, vocabulary)
        if seconds is not None:
            total += seconds
            known = True
    return round(min(max(total, SHORTEST), LONGEST), 1) if known else None


def seconds_in_sequence(action: Action, vocabulary: Vocabulary | None) -> float:
    """Length of one action of a sequence, done once.

    Args:
        action: The action.
        vocabulary: Vocabulary of the model; None: it has none.

    Returns:
        Seconds. A captured action is longer than these limits, with time before and after it.
    """
    if action.times != 1 and len(action.prompts) == 1:
        return REPEATED
    found = [None if vocabulary is None else _of_part(prompt.lower(), vocabulary) for prompt in action.prompts]
    limits = [PART if "still" not in prompt else (STILL, STILL) for prompt in action.prompts]
    return sum(min(max(s or PART[1], low), high) for s, (low, high) in zip(found, limits, strict=True))


def often(action: Action) -> int:
    """How often an action without a number is done in a motion of the suggested length."""
    return max(1, OFTEN // len(action.prompts))


def _of_sequence(actions: Sequence[Action], vocabulary: Vocabulary) -> float:
    """Seconds of a sequence; what is done as often as there is time for is done some times."""
    return sum(seconds_in_sequence(each, vocabulary) * (each.times or often(each)) for each in actions)


def _of_part(part: str, vocabulary: Vocabulary) -> float | None:
    verbs = [verb for verb in verb_lemmas(tokens(part), vocabulary) if verb is not None]
    meant = [verb for verb in verbs if verb not in LIGHT] or verbs
    found = [seconds for seconds in (_of_verb(verb, vocabulary) for verb in meant) if seconds is not None]
    if not found:
        return None
    return max(found) * (1.0 + _AGAIN * (_count(part) - 1))


def _of_verb(verb: str, vocabulary: Vocabulary) -> float | None:
    """Seconds of a verb, or of a synonym that the table has."""
    if verb in vocabulary.seconds:
        return vocabulary.seconds[verb]
    for group in SYNONYMS:
        if verb in group:
            alike = [vocabulary.seconds[other] for other in group if other in vocabulary.seconds]
            if alike:
                return sorted(alike)[len(alike) // 2]
    return None


def _count(part: str) -> int:
    found = _COUNTED.search(part)
    if found is None:
        return 1
    word = found.group(2) or found.group(1)
    return min(int(word) if word.isdecimal() else _TIMES[word], 6)
