"""The prompt library of the chosen model, read once and cached for drawing, and its answers to prompts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import model_info
from .model_choice import Choice

if TYPE_CHECKING:
    from ...motionlcm_blender.array_types import FloatArray
    from ...motionlcm_blender.text.prompt_library import Answer, LibraryPrompt, PromptLibrary

log = logging.getLogger(__name__)

_libraries: dict[str | None, PromptLibrary | None] = {}
_answers: dict[tuple[str | None, str], Answer] = {}
MOST_PROMPTS = 200
"""Number of prompts whose answer is cached."""


def read(choice: Choice) -> PromptLibrary | None:
    """The library of a model, None without one. The result is cached; a damaged file is logged and counts as none."""
    from ...motionlcm_blender.text.prompt_library import read_library

    return model_info.read_once(_libraries, choice, read_library)


def is_known(choice: Choice) -> bool:
    """Whether the library was read already; for drawing."""
    return choice.folder in _libraries


def known(choice: Choice) -> PromptLibrary | None:
    """The cached library; for drawing."""
    return _libraries.get(choice.folder)


def find(choice: Choice, prompt: str) -> LibraryPrompt | None:
    """The library's entry of a prompt, if the library was read and has it."""
    library = known(choice)
    return library.find(prompt) if library is not None else None


def note_answer(choice: Choice, prompt: str, encode: Callable[[str], FloatArray]) -> None:
    """Find what the library holds for a prompt. The result is cached.

    encode: a prompt to its sentence vector. For the worker thread of a generation, which has encoded the prompt
    already. A model without a library or its sentence vectors, and a prompt of the library, give none. Prompts are
    offered only if a word is unknown to the model, if the prompt means nearly the same as one that was seen to fail, or
    if no similar prompt was tried. A turn that a prompt names is made as wide as named, so it gives none either.
    """
    from ...motionlcm_blender.text.named_turn import named_turn
    from ...motionlcm_blender.text.prompt_library import Answer

    library = read(choice)
    if library is None or library.vectors is None or library.find(prompt) is not None or named_turn(prompt) is not None:
        return
    answer = library.answer(encode(prompt))
    if not (answer.weak or answer.untried or model_info.known_hint(choice, prompt)):
        answer = Answer()
    if len(_answers) >= MOST_PROMPTS:
        _answers.clear()
    _answers[choice.folder, prompt.strip()] = answer


def answer(choice: Choice, prompt: str) -> Answer | None:
    """The cached answer to a prompt, None if there is none; for drawing."""
    return _answers.get((choice.folder, prompt.strip()))


def forget() -> None:
    """Drop the cached data; the next use reads it again."""
    _libraries.clear()
    _answers.clear()
