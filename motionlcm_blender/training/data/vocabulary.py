"""Counts the words of the training split's captions, for a model folder's vocabulary.json."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ...errors import TrainingDataError
from ...files.safetensors_files import write_bytes
from ...text.prompt_vocabulary import FILE, Vocabulary, lemma, singular, tokens, verb_lemmas
from ...text.word_lists import STOP
from .action_lengths import verb_seconds
from .motion_data import MotionData, mirror_caption

_DOERS = frozenset(("person", "someone", "somebody", "man", "woman", "he", "she", "dancer", "player"))
_NEVER_VERBS = frozenset(("arm", "hand", "leg", "feet", "knee", "side", "time", "step-by-step"))


def count_vocabulary(pieces: Iterable[Sequence[str]]) -> Vocabulary:
    """pieces: the captions of each piece of motion.

    A word counts once for each piece, in however many of its captions it is; "left" also counts for "right" in a
    caption, since every piece is also shown mirrored.
    """
    lower = [[caption.lower() for caption in captions] for captions in pieces]
    tokenised = [[tokens(form) for each in captions for form in (each, mirror_caption(each))] for captions in lower]
    seen = Vocabulary({verb: 1 for captions in tokenised for caption in captions for verb in _deeds(caption)}, {})
    verbs: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for captions in tokenised:
        here_verbs: set[str] = set()
        here_words: set[str] = set()
        for caption in captions:
            for token, verb in zip(caption, verb_lemmas(caption, seen), strict=True):
                if verb is not None:
                    here_verbs.add(verb)
                elif token[0].isalpha() and token not in STOP:
                    here_words.add(singular(token))
        verbs.update(here_verbs)
        words.update(here_words)
    return Vocabulary(dict(verbs), dict(words))


def write_vocabulary(data: Path, folder: Path, motion: MotionData | None = None) -> Vocabulary:
    """Count the captions of the training clips in `data` (captions.jsonl, splits.json) into `folder`/vocabulary.json.

    motion: the same data with its clips, from which the durations of actions are measured; None: no durations.
    Raises TrainingDataError if the captions cannot be read, ModelFolderError if the file cannot be written.
    """
    try:
        test = frozenset(json.loads((data / "splits.json").read_text("utf-8"))["test"])
        lines = (data / "captions.jsonl").read_text("utf-8").splitlines()
        rows = [json.loads(line) for line in lines if line]
        pieces = [[str(caption) for caption in row["captions"]] for row in rows if row["clip"] not in test]
    except FileNotFoundError as error:
        raise TrainingDataError(f"The training data lacks {Path(str(error.filename)).name}.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingDataError(f"The training data cannot be read: {error}") from error
    vocabulary = count_vocabulary(pieces)
    if motion is not None:
        vocabulary = replace(vocabulary, seconds=verb_seconds(motion, vocabulary))
    write_bytes(folder / FILE, vocabulary.to_json().encode())
    return vocabulary


def _deeds(caption: Sequence[str]) -> Iterable[str]:
    """Words with a verb's s right after who does it: "someone YODELS"."""
    for before, word in itertools.pairwise(caption):
        base = lemma(word)
        if before in _DOERS and word.endswith("s") and base != word and base not in STOP and base not in _NEVER_VERBS:
            yield base
