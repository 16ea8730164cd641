"""Open the text encoder of a model folder."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from ..networks.model_folder import ModelFolder


def open_text_encoder(folder: ModelFolder, device: str) -> Any:
    """The text encoder of a model, with encode(prompt). Raises ModelFolderError."""
    if folder.text["kind"] == "minilm":
        return open_minilm()
    return sentence_t5(folder.path / "text_encoder", device)


def open_minilm() -> Any:
    """MiniLM in NumPy: it runs once a prompt and starts at once, while transformers takes seconds to import."""
    from .minilm import PortableMiniLM
    from .minilm_files import minilm_folder

    return PortableMiniLM(minilm_folder())


def sentence_t5(folder: Path, device: str = "numpy") -> Any:
    """The text encoder of published models: in PyTorch where the networks run in it and transformers is there, else in
    NumPy. Raises ModelFolderError."""
    packages = ("torch", "transformers")
    there = all(importlib.util.find_spec(name) is not None for name in packages)
    if there and (device != "numpy" or not (folder / "tokenizer.json").is_file()):
        from .torch_encoders import SentenceT5

        return SentenceT5(folder, "cpu" if device == "numpy" else device)
    from .sentence_t5 import PortableSentenceT5

    return PortableSentenceT5(folder)
