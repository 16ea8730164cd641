"""Model cards and prompt hints, read once and cached for drawing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .model_choice import Choice

if TYPE_CHECKING:
    from ...motionlcm_blender.text.prompt_rewriting import Rewriting, Rewritten
    from ...motionlcm_blender.text.prompt_vocabulary import Vocabulary

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class ModelCard:
    """The panel's data about a model; `error` is a sentence if the model cannot be read."""

    name: str = ""
    licence: str = ""
    attribution: str = ""
    error: str = ""


_cards: dict[str | None, ModelCard] = {}
_vocabularies: dict[str | None, Vocabulary | None] = {}
_hints: dict[tuple[str | None, str], str] = {}
_gestures: dict[str, tuple[str, ...]] = {}
_actions: dict[str, tuple[str, ...]] = {}
_rewritings: dict[str | None, Rewriting | None] = {}
_rewritten: dict[tuple[str | None, str], Rewritten | None] = {}
_bodies: dict[str, str | None] = {}
_lengths: dict[tuple[str | None, str, bool], float | None] = {}
MOST_HINTS = 200
"""Number of prompts whose hints are cached."""


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
    """The cached card, if it was read; for drawing."""
    return _cards.get(choice.folder)


def read_hint(choice: Choice, prompt: str) -> str:
    """One sentence if the model has seldom or never seen motions like the prompt, otherwise empty. The result is
    cached, and so are the gestures and the actions of the prompt and what replaces it.

    A model without a readable vocabulary gives no hint.
    """
    from ...motionlcm_blender.generation.plain_body import body_without_path
    from ...motionlcm_blender.gestures.prompt_gestures import prompt_gestures
    from ...motionlcm_blender.text.action_sequence import action_sequence, is_sequence
    from ...motionlcm_blender.text.asset_names import spelled_out
    from ...motionlcm_blender.text.prompt_rewriting import read_rewriting
    from ...motionlcm_blender.text.prompt_vocabulary import read_vocabulary, unseen_words_warning

    vocabulary, words = read_once(_vocabularies, choice, read_vocabulary), spelled_out(prompt)
    hint = unseen_words_warning(words, vocabulary) if vocabulary is not None else None
    if len(_hints) >= MOST_HINTS:
        _hints.clear()
        _gestures.clear()
        _bodies.clear()
        _actions.clear()
        _rewritten.clear()
    _hints[choice.folder, prompt] = hint or ""
    _gestures[prompt] = tuple(dict.fromkeys(planned.gesture.name for planned in prompt_gestures(words)))
    actions = action_sequence(words)
    _actions[prompt] = tuple(action.words for action in actions) if is_sequence(actions) else ()
    rewriting = read_once(_rewritings, choice, read_rewriting)
    _rewritten[choice.folder, prompt] = rewriting.find(words) if rewriting is not None else None
    _bodies[prompt] = body_without_path(words)
    return hint or ""


def read_once(cache: dict[str | None, T | None], choice: Choice, read: Callable[[Path], T | None]) -> T | None:
    """What `read` makes of a model's folder, cached; a damaged file is logged and counts as none."""
    from ...motionlcm_blender.errors import MotionLCMError
    from ...motionlcm_blender.networks.model_folder import ModelFolder

    if choice.folder not in cache:
        try:
            cache[choice.folder] = read(ModelFolder.open(Path(choice.folder) if choice.folder else None).path)
        except MotionLCMError as error:
            log.warning("%s", error)
            cache[choice.folder] = None
    return cache[choice.folder]


def suggested_length(choice: Choice, prompt: str, in_sequence: bool = True) -> float | None:
    """Seconds that the actions of a prompt usually take; None if the model has none, or was not read yet.

    in_sequence: actions that the prompt names one after the other are made in turn.
    """
    from ...motionlcm_blender.text.length_suggestion import suggested_seconds

    vocabulary = _vocabularies.get(choice.folder)
    if vocabulary is None or not prompt.strip():
        return None
    key = choice.folder, prompt, in_sequence
    if key not in _lengths:
        if len(_lengths) >= MOST_HINTS:
            _lengths.clear()
        _lengths[key] = suggested_seconds(prompt, vocabulary, in_sequence)
    return _lengths[key]


def known_hint(choice: Choice, prompt: str) -> str | None:
    """The cached hint, None if it was not computed yet; for drawing."""
    return _hints.get((choice.folder, prompt))


def known_rewritten(choice: Choice, prompt: str) -> Rewritten | None:
    """What replaces a prompt, if its hint was read and it is replaced; for drawing."""
    return _rewritten.get((choice.folder, prompt))


def known_body(prompt: str) -> str | None:
    """What the network gets for the body beneath the actions of a prompt, if its hint was read; for drawing."""
    return _bodies.get(prompt)


def known_gestures(prompt: str) -> tuple[str, ...]:
    """Names of the gestures that are performed on a prompt, if its hint was read; for drawing."""
    return _gestures.get(prompt, ())


def known_actions(prompt: str) -> tuple[str, ...]:
    """Words of the actions that a prompt names one after the other, if its hint was read; for drawing."""
    return _actions.get(prompt, ())


def forget() -> None:
    """Drop the cached data of models; the next use reads it again."""
    _cards.clear()
    _vocabularies.clear()
    _hints.clear()
    _gestures.clear()
    _bodies.clear()
    _actions.clear()
    _rewritings.clear()
    _rewritten.clear()
    _lengths.clear()
