"""all-MiniLM-L6-v2 in NumPy: a prompt to token states and a sentence vector.

BERT (Devlin et al. 2019) with 6 layers of width 384, distilled (MiniLM, Wang et al. 2020) and tuned for sentence
similarity (sentence-transformers, Reimers and Gurevych 2019).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import ModelFolderError
from ..safe_weights import as_float32, read_bytes, read_stored
from ..text_encoder_files import CONFIG, TOKENIZER, UNUSED, WEIGHTS
from .layers import Attention, Block, LayerNorm, Linear

MAX_TOKENS = 256
"""Longer prompts are cut, [CLS] and [SEP] included, as sentence-transformers does for this model."""


class PortableMiniLM:
    """folder: as `text_encoder_files.minilm_folder()` gives it; float16 or float32 weights.

    Raises ModelFolderError if a file is missing or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
        from tokenizers import Tokenizer

        folder = Path(folder)
        path = folder / WEIGHTS
        try:
            config = json.loads(read_bytes(folder / CONFIG).decode())
            layers, heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
            epsilon, self.width = float(config["layer_norm_eps"]), int(config["hidden_size"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFolderError(f"{CONFIG} of the text encoder in {folder} is damaged.") from error
        stored = read_stored(path)
        words = "embeddings.word_embeddings.weight"
        weights = {n: as_float32(n, w, path) for n, w in stored.items() if n != words and n not in UNUSED}
        try:
            self._words = stored[words]
            self._positions = weights["embeddings.position_embeddings.weight"]
            self._positions = self._positions + weights["embeddings.token_type_embeddings.weight"][0]
            self._norm = LayerNorm.of(weights, "embeddings.LayerNorm", epsilon)
            self._blocks = [_block(weights, f"encoder.layer.{i}", heads, epsilon) for i in range(layers)]
        except (KeyError, ValueError, IndexError) as error:
            raise ModelFolderError(f"{path} does not hold the text encoder: {error} is wrong or missing.") from error
        if self._words.ndim != 2 or self._words.shape[1] != self.width or self._words.dtype.kind != "f":
            raise ModelFolderError(f"{path} does not hold the text encoder's words.")
        tokenizer_json = read_bytes(folder / TOKENIZER)
        try:
            self._tokenizer = Tokenizer.from_str(tokenizer_json.decode())
        except Exception as error:  # tokenizers raises nothing more specific
            raise ModelFolderError(f"{TOKENIZER} of the text encoder in {folder} is damaged.") from error
        if self._tokenizer.get_vocab_size() > len(self._words):
            raise ModelFolderError(f"{TOKENIZER} and {WEIGHTS} in {folder} are not of the same text encoder.")
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)

    def encode(self, prompt: str) -> tuple[np.ndarray, np.ndarray]:
        """States of the last layer without [CLS] and [SEP], (tokens, 384), and the sentence vector, (384,), length 1.

        The empty prompt has no states, (0, 384), but a sentence vector.
        """
        ids = self._tokenizer.encode(prompt).ids
        x = self._words[ids].astype(np.float32)
        x += self._positions[: len(ids)]
        x = self._norm(x)[None]
        for block in self._blocks:
            x = block.finish(block.attend(x))
        states = x[0]
        pooled = states.mean(0)
        pooled /= np.sqrt(pooled @ pooled)
        return states[1:-1].copy(), pooled


def _block(weights: Mapping[str, np.ndarray], name: str, heads: int, epsilon: float) -> Block:
    parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    attention = Attention.of(
        np.concatenate([weights[f"{part}.weight"] for part in parts]),
        np.concatenate([weights[f"{part}.bias"] for part in parts]),
        Linear.of(weights, f"{name}.attention.output.dense"),
        heads,
    )
    return Block(
        attention,
        LayerNorm.of(weights, f"{name}.attention.output.LayerNorm", epsilon),
        None,
        None,
        Linear.of(weights, f"{name}.intermediate.dense"),
        Linear.of(weights, f"{name}.output.dense"),
        LayerNorm.of(weights, f"{name}.output.LayerNorm", epsilon),
    )
