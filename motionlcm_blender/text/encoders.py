"""Opening of the text encoder of a model folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from ..networks.model_folder import ModelFolder


def open_text_encoder(folder: ModelFolder, device: str) -> Any:
    """Open the text encoder of a model.

    Args:
        folder: The model folder.
        device: Device of the networks.

    Returns:
        An encoder with encode(prompt).

    Raises:
        ModelFolderError: A file is missing or damaged.
    """
    if folder.text["kind"] == "minilm":
        return open_minilm()
    return sentence_t5(folder.path / "text_encoder", device)


def open_minilm() -> Any:
    """Open MiniLM in NumPy: it runs once per prompt and starts at once, while importing transformers takes seconds."""
    from .minilm import PortableMiniLM
    from .minilm_files import minilm_folder

    return PortableMiniLM(minilm_folder())


def sentence_t5(folder: Path, device: str = "numpy") -> Any:
    """Open the text encoder of published models, in PyTorch if the networks use it and transformers is installed.

    Args:
        folder: The encoder's folder.
        device: Device of the networks.

    Returns:
        An encoder with encode(prompt), in PyTorch or NumPy.

    Raises:
        ModelFolderError: A file is missing or damaged.
    """
    packages = ("torch", "transformers")
    there = all(importlib.util.find_spec(name) is not None for name in packages)
    if there and (device != "numpy" or not (folder / "tokenizer.json").is_file()):
        from .torch_encoders import SentenceT5

        return SentenceT5(folder, "cpu" if device == "numpy" else device)
    from .sentence_t5 import PortableSentenceT5

    return PortableSentenceT5(folder)
