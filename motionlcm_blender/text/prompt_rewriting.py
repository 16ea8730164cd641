"""Prompts in words that the model was trained on: a prompt is replaced by a caption that the model is seen to do well.

A network that was trained on some thousand captions generalizes to other words badly: "faints" or "passes out" keep the
character on its feet, although captured motion of "a person collapses backward" is in the training data. A model folder
may contain rewrites.toml, a list of tables:

    [[rewrite]]
    prompt = "someone limps forward with a hurt leg."
    sided = "someone limps forward with a hurt {side} leg."
    words = ["limp*", "drag* ... leg|foot"]
    unless = ["limp arm*"]

`prompt` is the caption, `sided` the caption if the prompt names the left or the right side (optional), `path` the shape
of a path (optional, one of `path_shapes.SHAPES`). With `free = true` only motion without a path gets the caption. A
pattern of `words` or `unless` is a row of words: `*` at the end of a word stands for any ending, `|` separates
alternatives, and `...` stands for up to `GAP` words. The first rewrite with a pattern that the prompt contains, and
without one of `unless`, replaces the prompt that the network gets. Gestures, named turns, lengths and travel still come
from the prompt itself. Patterns are no regular expressions: a damaged file cannot make a search endless.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelFolderError
from ..files.safetensors_files import read_bytes
from ..motion.path_shapes import SHAPES
from .prompt_library import read_library

FILE = "rewrites.toml"
GAP = 4
"""Number of words that `...` can stand for."""
MOST_REWRITES, MOST_PATTERNS, LONGEST_PATTERN = 400, 80, 300
_SEVERAL = re.compile(r"\b(?:then|before|after|followed by)\b")
"""Between actions that are done one after the other."""
_END = re.compile(r"(?: and then| then| and) (?:stops?|halts?|stands still)$")
"""The end of an action, which is none of its own."""
_SIDE = re.compile(r"\b(left|right)\b")
_NOT = r"(?<!\bnot )(?<!\bnever )(?<!\bwithout )(?<!n't )(?<!\balmost )(?<!\bnearly )"
_ATOM = re.compile(r"[a-z0-9'-]+\*?(?:\|[a-z0-9'-]+\*?)*")


@dataclass(frozen=True)
class Rewrite:
    """One row of rewrites.toml.

    Attributes:
        prompt: The caption that the network gets.
        sided: The caption with "{side}" for a prompt that names a side; None: `prompt`.
        words: Pattern of the prompts that are replaced.
        unless: Pattern of prompts that are not replaced in spite of `words`; None: there are none.
        path: The shape of the path, one of `motion.path_shapes.SHAPES`; None: the network decides.
        free: Only motion without a path gets the caption.
    """

    prompt: str
    sided: str | None
    words: re.Pattern[str]
    unless: re.Pattern[str] | None
    path: str | None = None
    free: bool = False


@dataclass(frozen=True)
class Rewritten:
    """What replaces a prompt.

    Attributes:
        caption: The text that the network gets.
        path: The shape of the path, one of `motion.path_shapes.SHAPES`; None: the network decides.
        to_right: The path bends to the right first.
        free: Only motion without a path gets the caption.
    """

    caption: str
    path: str | None = None
    to_right: bool = False
    free: bool = False


def rewritten(prompt: str, rewrites: Sequence[Rewrite], kept: Collection[str] = ()) -> Rewritten | None:
    """Find the caption that replaces a prompt, and the shape of its path.

    Args:
        prompt: English text.
        rewrites: The rewrites of the model, the first match counts.
        kept: `plain_words` of prompts that the model is seen to do well as they are.

    Returns:
        The caption and the path. None: no rewrite fits, the prompt is one of `kept` or such a caption already, or the
        prompt has several actions one after the other, of which one caption would drop the others.
    """
    text = plain_words(prompt)
    if text in kept:
        return None
    text = _END.sub("", text)
    if _SEVERAL.search(text):
        return None
    for rewrite in rewrites:
        if not rewrite.words.search(text) or (rewrite.unless is not None and rewrite.unless.search(text)):
            continue
        side = _SIDE.search(text)
        caption = rewrite.prompt if side is None or rewrite.sided is None else rewrite.sided.format(side=side.group(1))
        if plain_words(caption) == text and rewrite.path is None:
            return None
        to_right = _clockwise(text) or (side is not None and side.group(1) == "right")
        return Rewritten(caption, rewrite.path, to_right, rewrite.free)
    return None


def _clockwise(text: str) -> bool:
    return re.search(r"(?<!anti)(?<!counter)(?<!anti )(?<!counter )\bclockwise\b", text) is not None


@dataclass(frozen=True)
class Rewriting:
    """How a model rewrites prompts.

    Attributes:
        rewrites: In the order of rewrites.toml.
        kept: `plain_words` of the prompts of the model's prompt library, which are not rewritten.
    """

    rewrites: tuple[Rewrite, ...]
    kept: frozenset[str]

    def caption(self, prompt: str) -> str | None:
        """The caption that replaces a prompt, None if none does; see `rewritten`."""
        found = self.find(prompt)
        return found.caption if found is not None else None

    def find(self, prompt: str) -> Rewritten | None:
        """The caption that replaces a prompt and the shape of the path, None if none does; see `rewritten`."""
        return rewritten(prompt, self.rewrites, self.kept)


def read_rewriting(folder: Path) -> Rewriting:
    """Read how the model of a folder rewrites prompts; without rewrites.toml it rewrites none.

    Raises:
        ModelFolderError: rewrites.toml or prompts.json is damaged.
    """
    rewrites = read_rewrites(folder)
    library = read_library(folder) if rewrites else None
    prompts = library.prompts if library is not None else ()
    return Rewriting(rewrites, frozenset(plain_words(each.prompt) for each in prompts))


def plain_words(prompt: str) -> str:
    """The words of a prompt in lower case with one space between two words, without punctuation."""
    text = prompt.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("-", " ")
    return " ".join(re.findall(r"[a-z0-9']+", text))


def read_rewrites(folder: Path) -> tuple[Rewrite, ...]:
    """Read the rewrites of a model folder.

    Returns:
        The rewrites in the order of the file; empty if the folder has none.

    Raises:
        ModelFolderError: The file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return ()
    try:
        rows = tomllib.loads(read_bytes(file).decode("utf-8-sig"))["rewrite"]
        if not isinstance(rows, list) or len(rows) > MOST_REWRITES:
            raise ValueError(f'"rewrite" must be a list of at most {MOST_REWRITES} tables')
        return tuple(_rewrite(row) for row in rows)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelFolderError(f"{FILE} in {folder} is damaged: {error}.") from error


def _rewrite(row: dict[str, Any]) -> Rewrite:
    """Raises ValueError, KeyError, TypeError."""
    unknown = set(row) - {"prompt", "sided", "words", "unless", "path", "free"}
    if unknown:
        raise ValueError(f"unknown field {sorted(unknown)[0]!r}")
    prompt, sided = row["prompt"], row.get("sided")
    if not isinstance(prompt, str) or not plain_words(prompt):
        raise ValueError("a rewrite has no prompt")
    if sided is not None and (not isinstance(sided, str) or sided.count("{side}") != 1 or sided.count("{") != 1):
        raise ValueError(f'"sided" of {prompt!r} must contain {{side}} once')
    if row.get("path") is not None and row["path"] not in SHAPES:
        raise ValueError(f"there is no path {row['path']!r}: choose one of {', '.join(SHAPES)}")
    if not isinstance(row.get("free", False), bool):
        raise ValueError(f'"free" of {prompt!r} must be true or false')
    unless = _pattern(row["unless"], "") if row.get("unless") else None
    return Rewrite(prompt, sided, _pattern(row["words"], _NOT), unless, row.get("path"), row.get("free", False))


def _pattern(rows: Any, before: str) -> re.Pattern[str]:
    """Any of some rows of words as a pattern with bounded repetition. Raises ValueError, TypeError."""
    if not isinstance(rows, list) or not rows or len(rows) > MOST_PATTERNS:
        raise ValueError(f"a list of patterns must have 1 to {MOST_PATTERNS} rows")
    return re.compile(rf"{before}\b(?:" + "|".join(_row(row) for row in rows) + ")")


def _row(row: Any) -> str:
    words = row.lower().split() if isinstance(row, str) and len(row) <= LONGEST_PATTERN else []
    if not words or words[0] == "..." or words[-1] == "...":
        raise ValueError(f"{row!r} is no pattern of words")
    parts: list[str] = []
    gap = ""
    for word in words:
        if word == "...":
            gap = rf"(?: [a-z0-9']+){{0,{GAP}}}"
            continue
        if _ATOM.fullmatch(word) is None:
            raise ValueError(f"{word!r} is no word of a pattern")
        options = "|".join(re.escape(o.rstrip("*")) + ("[a-z']*" if o.endswith("*") else "") for o in word.split("|"))
        parts.append((gap + " " if parts else "") + rf"(?:{options})\b")
        gap = ""
    return "".join(parts)
