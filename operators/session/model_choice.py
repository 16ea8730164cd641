"""The model to run, and its device."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..scene.addon import preferences
from ..scene.user_paths import absolute_if_possible

FOLDER_VARIABLE = "MOTIONLCM_MODEL_FOLDER"
DEVICE_VARIABLE = "MOTIONLCM_DEVICE"


@dataclass(frozen=True)
class Choice:
    """The model to run, and its device. folder: None for the bundled model."""

    folder: str | None
    device: str


def chosen() -> Choice:
    """The model folder and device: from the preferences, otherwise the environment, otherwise the bundled model."""
    prefs = preferences()
    folder = absolute_if_possible(prefs.model_folder) if prefs is not None and prefs.model_folder else None
    device = prefs.device.lower() if prefs is not None else os.environ.get(DEVICE_VARIABLE) or "auto"
    return Choice(folder or os.environ.get(FOLDER_VARIABLE) or None, device)
