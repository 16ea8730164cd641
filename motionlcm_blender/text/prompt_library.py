"""The prompt library of a model: prompts that were watched and judged right with this model.

A model folder may contain prompts.json:

    {
      "format": 1,
      "seeds": [0, 1, 2], "steps": 4,
      "prompts": [
        {"prompt": "a person walks forward", "category": "walks", "about": "Walk straight ahead",
         "seconds": 5.0, "loops": true, "travels": true, "seed": 0},
        ...
      ],
      "weak": ["a person shrugs", ...],
      "instead": {"a person shrugs": ["a person nods", ...], ...},
      "kinds": [{"like": ["a person flies", "a person levitates", ...], "offers": ["a person jumps", ...]}, ...]
    }

`seeds` and `steps` are those of the judged takes; `seed` is one of the takes that were right. `seconds` is the length
of the judged takes. `loops`: the take contains a section that repeats. `travels`: the take moves over the floor. `weak`
lists prompts that the model was seen not to do, `instead` the prompts of the library that come nearest to one of these
in meaning, chosen by hand. `about` is what a person sees, in one clause. `kinds` answers prompts that are like nothing
in both lists: prompts of one kind (`like`), and what the library has that comes nearest to this kind (`offers`).

A model folder may also contain prompts.safetensors with the sentence vectors of both lists (`embeddings`, float16,
prompts first, then weak) and of all prompts in `like` (`kinds`, in their order); without that file the panel offers no
similar prompts.

`training/evaluation/library.py` writes both files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest, ModelFolderError
from ..files.json_fields import fields_of
from ..files.safetensors_files import read_bytes, read_stored

FILE, VECTORS = "prompts.json", "prompts.safetensors"
FORMAT = 1
CATEGORIES = (
    "walks", "runs", "styles", "gestures", "sit and stand", "fight", "sport", "dance", "floor", "idle",
)  # fmt: skip
"""Categories of the bundled library, in the order of the panel. Another model may have others."""
MOST_PROMPTS, LONGEST_TEXT = 2000, 300
NEAR, ALIKE, CLEARLY = 0.38, 0.5, 0.03
"""Cosines of centred sentence vectors: from which two prompts count as similar, from which a prompt is taken for a weak
one, and by which the weak one must be nearer.

Read off the prompts of the bundled library. Prompts of `near` cosines below 0.38 do other things ("eats an apple" and
"scratches his head": 0.23). With each prompt left out in turn, 5 % of the right prompts are taken for weak ones."""
OFFERS = 3
"""Number of prompts that are offered for one."""
LEAST_CENTRED = 20
"""Number of sentence vectors from which their mean counts as what all sentences about motion share."""


@dataclass(frozen=True)
class LibraryPrompt:
    """One prompt of the library; the fields are those of prompts.json."""

    prompt: str
    category: str
    about: str
    seconds: float
    loops: bool
    travels: bool
    seed: int


@dataclass(frozen=True)
class PromptKind:
    """Prompts of one kind, and the prompts of the library to offer for them; see `kinds` of prompts.json."""

    like: tuple[str, ...]
    offers: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a library holds for a prompt.

    Attributes:
        offers: Similar prompts of the library, the nearest first; without any, those of the nearest kind.
        weak: Whether the prompt means nearly the same as one that the model was seen not to do.
        untried: Whether no prompt of the library is similar; False for a weak one.
    """

    offers: tuple[LibraryPrompt, ...] = ()
    weak: bool = False
    untried: bool = False


@dataclass(frozen=True, eq=False)
class PromptLibrary:
    """The library of a model.

    Attributes:
        prompts: The prompts, by category.
        weak: Prompts that the model was seen not to do.
        instead: For a weak prompt, the prompts of the library that are nearest in meaning.
        seeds: Seeds of the judged takes.
        steps: Sampler steps of the judged takes.
        vectors: (prompts + weak, width) float32 unit sentence vectors; None if the folder has none.
        kinds: Kinds of prompts, with what to offer for them.
        kind_vectors: (all `like` of the kinds, width) float32 unit sentence vectors; None if the folder has none.
    """

    prompts: tuple[LibraryPrompt, ...]
    weak: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    steps: int = 4
    vectors: FloatArray | None = None
    instead: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kinds: tuple[PromptKind, ...] = ()
    kind_vectors: FloatArray | None = None

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that have a prompt: the usual ones in their order, then others."""
        found = dict.fromkeys(prompt.category for prompt in self.prompts)
        return tuple(c for c in CATEGORIES if c in found) + tuple(c for c in found if c not in CATEGORIES)

    def of_category(self, category: str) -> tuple[LibraryPrompt, ...]:
        """The prompts of a category, in the order of the file."""
        return tuple(prompt for prompt in self.prompts if prompt.category == category)

    def find(self, text: str) -> LibraryPrompt | None:
        """The entry of a prompt, if the library has it."""
        wanted = text.strip().lower()
        return next((prompt for prompt in self.prompts if prompt.prompt.lower() == wanted), None)

    def search(self, words: str) -> tuple[LibraryPrompt, ...]:
        """The prompts that contain every word, or its beginning, in prompt, clause or category."""
        wanted = words.lower().split()

        def has(prompt: LibraryPrompt) -> bool:
            text = f" {prompt.prompt} {prompt.about} {prompt.category}".lower()
            return all(f" {word}" in text for word in wanted)

        return tuple(prompt for prompt in self.prompts if has(prompt))

    def answer(self, vector: FloatArray) -> Answer:
        """Compare a prompt with the prompts of the library and with the weak ones.

        A weak prompt is answered with the prompts that `instead` names, if it names any: near vectors can share a word
        and not the action ("shoots an arrow with a bow" and "a person bows"). A prompt without a similar one in the
        library is answered with the prompts for the nearest kind or weak prompt: so each prompt that the model does not
        do has an answer.

        The mean of all vectors is subtracted first: sentences about a person have much in common ("a person thinks" and
        "a person shivers": 0.47 as they are, 0.24 without the mean).

        Args:
            vector: (width,) sentence vector of any length.

        Returns:
            The similar prompts and the kind of the prompt; an empty answer without vectors.
        """
        if self.vectors is None or not self.prompts or len(vector) != self.vectors.shape[1]:
            return Answer()
        centre = self.vectors.mean(axis=0) if len(self.vectors) >= LEAST_CENTRED else np.zeros_like(self.vectors[0])
        unit = vector / max(float(np.linalg.norm(vector)), 1e-9)
        towards = _directions((unit - centre)[None].astype(np.float32))[0]
        alike = _directions(self.vectors - centre) @ towards
        count = len(self.prompts)
        order = np.argsort(-alike[:count], kind="stable")[:OFFERS]
        offers = [self.prompts[each] for each in order if alike[each] >= NEAR]
        best = float(alike[order[0]])
        weakest = float(alike[count:].max()) if len(self.weak) else -1.0
        weak = weakest >= ALIKE and weakest > best + CLEARLY
        instead = self._named(self.instead.get(self.weak[int(alike[count:].argmax())], ())) if len(self.weak) else []
        if weak:
            offers = instead or offers
        elif not offers and self.kind_vectors is not None:
            of_kinds = _directions(self.kind_vectors - centre) @ towards
            offers = self._named([kind.offers for kind in self.kinds for _ in kind.like][int(of_kinds.argmax())])
            if weakest > of_kinds.max():
                offers = instead or offers
        return Answer(tuple(offers[:OFFERS]), weak, untried=best < NEAR and not weak)

    def _named(self, texts: Sequence[str]) -> list[LibraryPrompt]:
        """The entries of these prompts, without those that the library does not have."""
        return [found for text in texts if (found := self.find(text)) is not None]

    def with_vectors(self, encode: Callable[[str], FloatArray]) -> PromptLibrary:
        """The library with sentence vectors of all prompts. encode: prompt to (width,)."""
        texts = [*(prompt.prompt for prompt in self.prompts), *self.weak]
        likes = [text for kind in self.kinds for text in kind.like]
        kind_vectors = _unit_rows(likes, encode) if likes else None
        return replace(self, vectors=_unit_rows(texts, encode), kind_vectors=kind_vectors)

    def to_json(self) -> str:
        """Text of prompts.json, one prompt a line."""
        lines = ",\n".join("  " + json.dumps(prompt.__dict__, ensure_ascii=False) for prompt in self.prompts)
        weak = ",\n".join("  " + json.dumps(text, ensure_ascii=False) for text in self.weak)
        instead = ",\n".join(f"  {json.dumps(text)}: {json.dumps(offers)}" for text, offers in self.instead.items())
        kinds = ",\n".join("  " + json.dumps(kind.__dict__, ensure_ascii=False) for kind in self.kinds)
        head = f'"format": {FORMAT}, "seeds": {json.dumps(list(self.seeds))}, "steps": {self.steps}'
        lists = (
            f'"prompts": [\n{lines}\n],\n"weak": [\n{weak}\n],\n"instead": {{\n{instead}\n}},\n"kinds": [\n{kinds}\n]'
        )
        return f"{{\n{head},\n{lists}\n}}\n"


def _unit_rows(texts: Sequence[str], encode: Callable[[str], FloatArray]) -> FloatArray:
    """(texts, width) float32 sentence vectors of length 1."""
    rows = [encode(text) for text in texts]
    unit: FloatArray = np.stack([row / max(float(np.linalg.norm(row)), 1e-9) for row in rows]).astype(np.float32)
    return unit


def _directions(vectors: FloatArray) -> FloatArray:
    """(N, width) rows of length 1; rows of length 0 stay zeros."""
    unit: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit


def read_library(folder: Path) -> PromptLibrary | None:
    """Read the prompt library of a model folder.

    Returns:
        The library, None if the folder has none.

    Raises:
        ModelFolderError: The file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        content = json.loads(read_bytes(file).decode())
        library = _library(content)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ModelFolderError(f"{FILE} in {folder} is damaged: it is no JSON.") from error
    except InvalidRequest as error:
        raise ModelFolderError(f"{FILE} in {folder} is damaged: {error}") from error
    if not (folder / VECTORS).is_file():
        return library
    stored = read_stored(folder / VECTORS)
    vectors, kind_vectors = stored.get("embeddings"), stored.get("kinds")
    likes = sum(len(kind.like) for kind in library.kinds)
    if vectors is None or vectors.ndim != 2 or len(vectors) != len(library.prompts) + len(library.weak):
        raise ModelFolderError(f"{VECTORS} in {folder} does not belong to {FILE}.")
    if (likes, vectors.shape[1]) != (kind_vectors.shape if kind_vectors is not None else (0, vectors.shape[1])):
        raise ModelFolderError(f"{VECTORS} in {folder} does not belong to {FILE}.")
    of_kinds = None if kind_vectors is None else np.asarray(kind_vectors, dtype=np.float32)
    return replace(library, vectors=np.asarray(vectors, dtype=np.float32), kind_vectors=of_kinds)


def _library(content: Any) -> PromptLibrary:
    """Raises InvalidRequest."""
    fields = fields_of(content, "the file", ("format", "prompts"), ("weak", "instead", "kinds", "seeds", "steps"))
    if fields["format"] != FORMAT:
        raise InvalidRequest(f"it has the format {fields['format']!r}; this version reads {FORMAT}.")
    rows, weak, seeds = fields["prompts"], fields.get("weak", []), fields.get("seeds", [])
    instead = _instead(fields.get("instead", {}))
    if not isinstance(rows, list) or len(rows) > MOST_PROMPTS:
        raise InvalidRequest(f'"prompts" must be a list of at most {MOST_PROMPTS}.')
    if not isinstance(weak, list) or len(weak) > MOST_PROMPTS or not all(_is_text(text) for text in weak):
        raise InvalidRequest('"weak" must be a list of prompts.')
    steps = fields.get("steps", 4)
    if not isinstance(seeds, list) or not all(_is_whole(seed) for seed in seeds) or not _is_whole(steps):
        raise InvalidRequest('"seeds" and "steps" must be whole numbers.')
    return PromptLibrary(
        tuple(_prompt(row) for row in rows), tuple(weak), tuple(seeds), steps, instead=instead,
        kinds=kinds_of(fields.get("kinds", [])),
    )  # fmt: skip


def kinds_of(content: Any) -> tuple[PromptKind, ...]:
    """The kinds in the content of a JSON file.

    Raises:
        InvalidRequest: They are not a list of kinds.
    """
    if not isinstance(content, list) or len(content) > MOST_PROMPTS:
        raise InvalidRequest(f'"kinds" must be a list of at most {MOST_PROMPTS}.')
    kinds = []
    for row in content:
        fields = fields_of(row, "a kind", ("like", "offers"), ())
        if not all(isinstance(texts, list) and texts and all(map(_is_text, texts)) for texts in fields.values()):
            raise InvalidRequest('"like" and "offers" must be lists of prompts.')
        kinds.append(PromptKind(tuple(fields["like"]), tuple(fields["offers"])))
    return tuple(kinds)


def _instead(content: Any) -> dict[str, tuple[str, ...]]:
    """Raises InvalidRequest."""
    if not isinstance(content, dict) or len(content) > MOST_PROMPTS:
        raise InvalidRequest(f'"instead" must be at most {MOST_PROMPTS} prompts with lists of prompts.')
    for text, offers in content.items():
        if not _is_text(text) or not isinstance(offers, list) or not all(_is_text(offer) for offer in offers):
            raise InvalidRequest('"instead" must be prompts with lists of prompts.')
    return {text: tuple(offers) for text, offers in content.items()}


def _prompt(row: Any) -> LibraryPrompt:
    """Raises InvalidRequest."""
    fields = fields_of(row, "a prompt", ("prompt", "category"), ("about", "seconds", "loops", "travels", "seed"))
    prompt = LibraryPrompt(
        fields["prompt"], fields["category"], fields.get("about", ""), fields.get("seconds", 5.0),
        fields.get("loops", False), fields.get("travels", False), fields.get("seed", 0),
    )  # fmt: skip
    if not _is_text(prompt.prompt) or not _is_text(prompt.category) or not isinstance(prompt.about, str):
        raise InvalidRequest("a prompt and its category must be text.")
    if isinstance(prompt.seconds, bool) or not isinstance(prompt.seconds, int | float) or not 0 < prompt.seconds < 600:
        raise InvalidRequest('"seconds" must be a number between 0 and 600.')
    if not isinstance(prompt.loops, bool) or not isinstance(prompt.travels, bool) or not _is_whole(prompt.seed):
        raise InvalidRequest('"loops" and "travels" must be true or false, "seed" a whole number.')
    return prompt


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= LONGEST_TEXT


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
