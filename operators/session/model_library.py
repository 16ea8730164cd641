"""The prompt library of the chosen model, read once and cached for drawing, and the nearest prompts that it offers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import model_info
from .model_choice import Choice

if TYPE_CHECKING:
    from ...motionlcm_blender.array_types import FloatArray
    from ...motionlcm_blender.text.prompt_library import LibraryPrompt, PromptLibrary

log = logging.getLogger(__name__)

_libraries: dict[str | None, PromptLibrary | None] = {}
_nearest: dict[tuple[str | None, str], str] = {}
MOST_PROMPTS = 200
"""Number of prompts whose nearest prompt is cached."""


def read(choice: Choice) -> PromptLibrary | None:
    """The library of a model, None without one. The result is cached; a damaged file is logged and counts as none."""
    if choice.folder not in _libraries:
        from ...motionlcm_blender.errors import MotionLCMError
        from ...motionlcm_blender.networks.model_folder import ModelFolder
        from ...motionlcm_blender.text.prompt_library import read_library

        try:
            folder = ModelFolder.open(Path(choice.folder) if choice.folder else None)
            _libraries[choice.folder] = read_library(folder.path)
        except MotionLCMError as error:
            log.warning("%s", error)
            _libraries[choice.folder] = None
    return _libraries[choice.folder]


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


def note_nearest(choice: Choice, prompt: str, encode: Callable[[str], FloatArray]) -> None:
    """Find the prompt of the library to offer instead of a prompt that the model cannot do. The result is cached.

    encode: a prompt to its sentence vector. For the worker thread of a generation, which has encoded the prompt
    already. A model without a library or its sentence vectors, and a prompt that the model can do, give none. The
    model cannot do a prompt if a word is unknown to it, or if the prompt means nearly the same as one that was seen to
    fail.
    """
    library = read(choice)
    if library is None or library.vectors is None or library.find(prompt) is not None:
        return
    nearest, weak = library.nearest(encode(prompt))
    unknown = bool(model_info.known_hint(choice, prompt))
    if len(_nearest) >= MOST_PROMPTS:
        _nearest.clear()
    _nearest[choice.folder, prompt.strip()] = nearest.prompt if nearest is not None and (weak or unknown) else ""


def nearest(choice: Choice, prompt: str) -> str:
    """The cached prompt to offer instead, empty if there is none; for drawing."""
    return _nearest.get((choice.folder, prompt.strip()), "")


def forget() -> None:
    """Drop the cached data; the next use reads it again."""
    _libraries.clear()
    _nearest.clear()
