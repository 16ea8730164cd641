"""The door to the engine: which model is chosen, the model itself once loaded, and what is known about it.

Nothing of the engine is imported before it is asked for, so that Blender starts as fast as without us.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from ..motionlcm_blender.sampler import MotionLCM
    from ..motionlcm_blender.vocabulary import Vocabulary

log = logging.getLogger(__name__)

ROOT_PACKAGE = __package__.rpartition(".")[0]
FOLDER_VARIABLE = "MOTIONLCM_MODEL_FOLDER"
DEVICE_VARIABLE = "MOTIONLCM_DEVICE"


@dataclass(frozen=True)
class Choice:
    """Which model to run, and on what. folder: None for the bundled model."""

    folder: str | None
    device: str


@dataclass(frozen=True)
class ModelCard:
    """What the panel tells about a model; `error` is the sentence if it cannot be read."""

    name: str = ""
    licence: str = ""
    attribution: str = ""
    error: str = ""


_lock = threading.Lock()
_loaded: dict[Choice, MotionLCM] = {}
_cards: dict[str | None, ModelCard] = {}
_vocabularies: dict[str | None, Vocabulary | None] = {}
_hints: dict[tuple[str | None, str], str] = {}
MOST_HINTS = 200
"""As many prompts are remembered with what there is to say of them."""


def preferences() -> Any | None:
    """The extension's preferences; None when it is not run as an extension."""
    addon = bpy.context.preferences.addons.get(ROOT_PACKAGE)
    return addon.preferences if addon is not None else None


def chosen() -> Choice:
    """The model folder and device: from the preferences, else the environment, else the bundled model."""
    prefs = preferences()
    folder = bpy.path.abspath(prefs.model_folder) if prefs is not None and prefs.model_folder else None
    device = prefs.device.lower() if prefs is not None else os.environ.get(DEVICE_VARIABLE) or "auto"
    return Choice(folder or os.environ.get(FOLDER_VARIABLE) or None, device)


def model(choice: Choice) -> MotionLCM:
    """The loaded model; loads it on first use. Safe to call from a worker: touches no bpy.

    Raises ModelFolderError or DeviceError.
    """
    with _lock:
        if choice not in _loaded:
            from ..motionlcm_blender.sampler import MotionLCM

            _loaded.clear()  # one model at a time in memory
            _loaded[choice] = MotionLCM.from_folder(choice.folder, device=choice.device)
        return _loaded[choice]


def forget() -> None:
    """Drop the loaded model and what is known of it; the next use reads it anew."""
    with _lock:
        _loaded.clear()
    _cards.clear()
    _vocabularies.clear()
    _hints.clear()


def read_card(choice: Choice) -> ModelCard:
    """Name, licence and attribution of a model, from its configuration alone."""
    from ..motionlcm_blender.errors import MotionLCMError
    from ..motionlcm_blender.model_folder import ModelFolder

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
    from ..motionlcm_blender.errors import MotionLCMError
    from ..motionlcm_blender.model_folder import ModelFolder
    from ..motionlcm_blender.vocabulary import outside, read_vocabulary

    if choice.folder not in _vocabularies:
        try:
            folder = ModelFolder.open(Path(choice.folder) if choice.folder else None)
            _vocabularies[choice.folder] = read_vocabulary(folder.path)
        except MotionLCMError as error:
            log.warning("%s", error)
            _vocabularies[choice.folder] = None
    vocabulary = _vocabularies[choice.folder]
    hint = outside(prompt, vocabulary) if vocabulary is not None else None
    if len(_hints) >= MOST_HINTS:
        _hints.clear()
    _hints[choice.folder, prompt] = hint or ""
    return hint or ""


def known_hint(choice: Choice, prompt: str) -> str | None:
    """The hint if it has been worked out already, None if not; for drawing."""
    return _hints.get((choice.folder, prompt))
