"""HumanML3D's test set and word vectors as they lie on disk, read without running anything that is in the files.

Expected under the folder: HumanML3D's `new_joint_vecs/`, `texts/` and `test.txt`; the evaluators'
`t2m/text_mot_match/model/finest.tar` and `t2m/Comp_v6_KLD*/meta/{mean,std}.npy`; `glove/our_vab_{data.npy,words.pkl,
idx.pkl}`; each also below HumanML3D/, deps/ or checkpoints/.
"""

from __future__ import annotations

import io
import math
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...motion.features import FEATURES

SHORTEST, LONGEST = 40, 199
"""Frames of a motion that counts (Guo et al. 2022)."""

MOST_WORDS = 20
_BELOW = ("", "HumanML3D", "deps", "checkpoints", "deps/t2m")
_KINDS = (
    "VERB", "NOUN", "DET", "ADP", "NUM", "AUX", "PRON", "ADJ", "ADV", "Loc_VIP", "Body_VIP", "Obj_VIP", "Act_VIP",
    "Desc_VIP", "OTHER",
)  # fmt: skip
_MARKED = {
    "Loc_VIP": "left right clockwise counterclockwise anticlockwise forward back backward up down straight curve",
    "Body_VIP": "arm chin foot feet face hand mouth leg waist eye knee shoulder thigh",
    "Obj_VIP": "stair dumbbell chair window floor car ball handrail baseball basketball",
    "Act_VIP": "walk run swing pick bring kick put squat throw hop dance jump turn stumble stop sit lift lower raise "
    "wash stand kneel stroll rub bend balance flap jog shuffle lean rotate spin spread climb",
    "Desc_VIP": "slowly carefully fast careful slow quickly happy angry sad happily angrily sadly",
}
_KIND_OF_WORD = {word: kind for kind, words in _MARKED.items() for word in words.split()}
"""Words that HumanML3D's vectorizer marks whatever their part of speech."""


@dataclass(frozen=True, eq=False)
class HumanMLMotion:
    """features: (T, 263) float32, not normalised; texts: pairs of a caption and its "word/POS" tokens."""

    features: FloatArray
    texts: tuple[tuple[str, tuple[str, ...]], ...]


def find(folder: Path, pattern: str) -> Path:
    """The file or folder of that (glob) name. Raises TrainingDataError naming it."""
    for below in _BELOW:
        found = sorted((folder / below).glob(pattern))
        if found:
            return found[0]
    raise TrainingDataError(f"There is no {pattern} in {folder}.")


def read_motions(folder: Path) -> list[HumanMLMotion]:
    """The test set: whole motions with their captions, and captioned parts of motions, 40 to 199 frames each.

    Raises TrainingDataError if files are missing or damaged.
    """
    names = [n.strip() for n in _text(find(folder, "test.txt")).splitlines() if n.strip()]
    vectors, texts = find(folder, "new_joint_vecs"), find(folder, "texts")
    motions: list[HumanMLMotion] = []
    for name in names:
        file = vectors / f"{name}.npy"
        if file.exists():  # some of the list were never released
            motions += _motions_of(_array(file), _text(texts / f"{name}.txt"), name)
    if not motions:
        raise TrainingDataError(f"No motion of {folder}'s test.txt is there.")
    return motions


def _motions_of(features: FloatArray, lines: str, name: str) -> list[HumanMLMotion]:
    if features.ndim != 2 or features.shape[1] != FEATURES:
        raise TrainingDataError(f"{name}.npy does not hold frames of {FEATURES} features.")
    if not SHORTEST <= len(features) <= LONGEST:
        return []
    features = features.astype(np.float32)
    whole: list[tuple[str, tuple[str, ...]]] = []
    parts = []
    for line in filter(None, (row.strip() for row in lines.splitlines())):
        try:
            caption, tokens, start, end = line.split("#")[:4]
            first, last = (0.0 if math.isnan(float(at)) else float(at) for at in (start, end))
        except ValueError as error:
            raise TrainingDataError(f"A line of {name}.txt is not caption#words#start#end.") from error
        text = (caption, tuple(tokens.split(" ")))
        if first == 0.0 and last == 0.0:
            whole.append(text)
            continue
        part = features[int(first * 20) : int(last * 20)]
        if SHORTEST <= len(part) <= LONGEST:
            parts.append(HumanMLMotion(part, (text,)))
    return [*parts, HumanMLMotion(features, tuple(whole))] if whole else parts


class WordVectors:
    """GloVe's vectors of HumanML3D's words, and the kind of each word."""

    def __init__(self, folder: Path) -> None:
        """Raises TrainingDataError if the three files are missing or damaged."""
        vectors = _array(find(folder, "glove/our_vab_data.npy"))
        words = read_plain_pickle(find(folder, "glove/our_vab_words.pkl"))
        index = read_plain_pickle(find(folder, "glove/our_vab_idx.pkl"))
        try:
            self._vectors = {str(w): np.asarray(vectors[index[w]], np.float32) for w in words}
            self._unknown = self._vectors["unk"]
        except (KeyError, IndexError, TypeError) as error:
            raise TrainingDataError("The word vectors in glove/ do not fit each other.") from error

    def __call__(self, token: str) -> tuple[FloatArray, FloatArray]:
        """Vector (300,) and one-hot kind (15,) of a token "word/POS"."""
        word, _, kind = token.partition("/")
        vector = self._vectors.get(word)
        kind = "OTHER" if vector is None else _KIND_OF_WORD.get(word, kind)
        one_hot = np.zeros(len(_KINDS), np.float32)
        one_hot[_KINDS.index(kind if kind in _KINDS else "OTHER")] = 1.0
        return self._unknown if vector is None else vector, one_hot

    def sentence(self, tokens: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
        """At most 20 words between the marks of start and end: (L, 300), (L, 15)."""
        rows = [self(t) for t in ("sos/OTHER", *tokens[:MOST_WORDS], "eos/OTHER")]
        return np.stack([r[0] for r in rows]), np.stack([r[1] for r in rows])


class _Plain(pickle.Unpickler):
    """Lists, dictionaries, strings and numbers; anything that names a class or function is refused."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed")


def read_plain_pickle(file: Path) -> Any:
    """Raises TrainingDataError if the file is missing, damaged, or holds more than plain values."""
    try:
        return _Plain(io.BytesIO(file.read_bytes())).load()
    except (OSError, pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError) as error:
        raise TrainingDataError(f"{file.name} is no pickle of plain words and numbers.") from error


def read_statistics(folder: Path) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation (263,) that the evaluators were trained with. Raises TrainingDataError."""
    mean = _array(find(folder, "t2m/Comp_v6_KLD*/meta/mean.npy"))
    std = _array(find(folder, "t2m/Comp_v6_KLD*/meta/std.npy"))
    if mean.shape != (FEATURES,) or std.shape != (FEATURES,) or not (std > 0).all():
        raise TrainingDataError("mean.npy and std.npy of the evaluators do not hold 263 features.")
    return mean.astype(np.float32), std.astype(np.float32)


def _array(file: Path) -> FloatArray:
    try:
        values: FloatArray = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise TrainingDataError(f"{file.name} cannot be read as an array.") from error
    if not np.isfinite(values).all():
        raise TrainingDataError(f"{file.name} holds numbers that are not finite.")
    return values


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingDataError(f"{file.name} cannot be read.") from error
