"""Model cards and hints about prompts, read once and kept for drawing."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .model_choice import Choice

if TYPE_CHECKING:
    from ...motionlcm_blender.text.prompt_vocabulary import Vocabulary

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelCard:
    """What the panel tells about a model; `error` is the sentence if it cannot be read."""

    name: str = ""
    licence: str = ""
    attribution: str = ""
    error: str = ""


_cards: dict[str | None, ModelCard] = {}
_vocabularies: dict[str | None, Vocabulary | None] = {}
_hints: dict[tuple[str | None, str], str] = {}
MOST_HINTS = 200
"""As many prompts are remembered with what there is to say of them."""


def read_card(choice: Choice) -> ModelCard:
    """Name, licence and attribution of a model, from its configuration alone."""
    from ...motionlcm_blender.errors import MotionLCMError
    from ...motionlcm_blender.networks.model_folder import ModelFolder

    try:
        folder = ModelFolder.open(Path(choice.folder) if choice.folder else None)
        config = folder.config
        card = ModelCard(folder.name, str(config.get("licence", "")), str(config.get("attribution", "")))
    except MotionLCMError as error:
        log.warning("%s", error)
        card = ModelCard(error=str(error))
    _cards[choice.folder] = card
    return card


def known_card(choice: Choice) -> ModelCard | None:
    """The card if it has been read already; for drawing."""
    return _cards.get(choice.folder)


def read_hint(choice: Choice, prompt: str) -> str:
    """One sentence if the prompt asks for what the model has seldom or never seen, else empty; remembered.

    A model without a vocabulary, or one that cannot be read, has nothing to say.
    """
    from ...motionlcm_blender.errors import MotionLCMError
    from ...motionlcm_blender.networks.model_folder import ModelFolder
    from ...motionlcm_blender.text.prompt_vocabulary import read_vocabulary, unseen_words_warning

    if choice.folder not in _vocabularies:
        try:
            folder = ModelFolder.open(Path(choice.folder) if choice.folder else None)
            _vocabularies[choice.folder] = read_vocabulary(folder.path)
        except MotionLCMError as error:
            log.warning("%s", error)
            _vocabularies[choice.folder] = None
    vocabulary = _vocabularies[choice.folder]
    hint = unseen_words_warning(prompt, vocabulary) if vocabulary is not None else None
    if len(_hints) >= MOST_HINTS:
        _hints.clear()
    _hints[choice.folder, prompt] = hint or ""
    return hint or ""


def known_hint(choice: Choice, prompt: str) -> str | None:
    """The hint if it has been worked out already, None if not; for drawing."""
    return _hints.get((choice.folder, prompt))


def forget() -> None:
    """Drop what is known of models; it is read anew when it is wanted."""
    _cards.clear()
    _vocabularies.clear()
    _hints.clear()
