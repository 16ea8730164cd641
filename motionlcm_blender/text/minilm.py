"""The text encoder all-MiniLM-L6-v2 in NumPy: a prompt to token states and a sentence vector.

BERT (Devlin et al. 2019) with 6 layers of width 384, distilled (MiniLM, Wang et al. 2020) and tuned for sentence
similarity (sentence-transformers, Reimers and Gurevych 2019).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import ModelFolderError
from ..files.safetensors_files import as_float32, read_bytes, read_stored
from ..networks.int8_quantization import SCALE, row_scale
from ..networks.numpy_impl.layers import Attention, Block, LayerNorm, Linear, PackedLinear
from .minilm_files import CONFIG, WEIGHTS
from .tokenizer_file import read_tokenizer

MAX_TOKENS = 256
"""Longer prompts are cut, [CLS] and [SEP] included, as sentence-transformers does for this model."""


class PortableMiniLM:
    """all-MiniLM-L6-v2 in NumPy.

    Weights are float16, float32 or int8 (`int8_quantization`); int8 weights stay int8 in memory.

    Args:
        folder: The folder that `minilm_files.minilm_folder()` returns.

    Raises:
        ModelFolderError: A file is missing or damaged.
    """

    def __init__(self, folder: str | Path) -> None:
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
        weights = _Weights(stored, path)
        try:
            self._words = stored[words]
            self._word_scale = row_scale(stored, words, path) if words + SCALE in stored else None
            self._positions = weights["embeddings.position_embeddings.weight"]
            self._positions = self._positions + weights["embeddings.token_type_embeddings.weight"][0]
            self._norm = LayerNorm.of(weights, "embeddings.LayerNorm", epsilon)
            self._blocks = [_block(weights, f"encoder.layer.{i}", heads, epsilon) for i in range(layers)]
        except (KeyError, ValueError, IndexError) as error:
            raise ModelFolderError(f"{path} does not hold the text encoder: {error} is wrong or missing.") from error
        if self._words.ndim != 2 or self._words.shape[1] != self.width or self._words.dtype.kind not in "fi":
            raise ModelFolderError(f"{path} does not hold the text encoder's words.")
        self._tokenizer = read_tokenizer(folder, len(self._words), WEIGHTS, MAX_TOKENS)

    def encode(self, prompt: str) -> tuple[FloatArray, FloatArray]:
        """Encode a prompt.

        The empty prompt has no states, (0, 384), but a sentence vector.

        Args:
            prompt: English text.

        Returns:
            States of the last layer without [CLS] and [SEP], (tokens, 384), and the sentence vector, (384,), of length
            1.
        """
        ids = self._tokenizer.encode(prompt).ids
        x = self._words[ids].astype(np.float32)
        if self._word_scale is not None:
            x *= self._word_scale[ids, None]
        x += self._positions[: len(ids)]
        x = self._norm(x)[None]
        for block in self._blocks:
            x = block.finish(block.attend(x))
        states = x[0]
        pooled = states.mean(0)
        pooled /= np.sqrt(pooled @ pooled)
        return states[1:-1].copy(), pooled


class _Weights(Mapping[str, FloatArray]):
    """Arrays of a file, converted to float32 on access."""

    def __init__(self, stored: Mapping[str, AnyArray], path: Path) -> None:
        self.stored, self.path = stored, path

    def __getitem__(self, name: str) -> FloatArray:
        if name + SCALE in self.stored:
            return self.stored[name].astype(np.float32) * row_scale(self.stored, name, self.path)[:, None]
        return as_float32(name, self.stored[name], self.path)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    def linear(self, *names: str) -> Linear | PackedLinear:
        """One linear layer for the concatenated outputs of several; int8 if the file is."""
        bias = np.concatenate([self[f"{name}.bias"] for name in names])
        weights = [f"{name}.weight" for name in names]
        if weights[0] + SCALE not in self.stored:
            return Linear(np.concatenate([self[weight] for weight in weights]), bias)
        scale = np.concatenate([row_scale(self.stored, weight, self.path) for weight in weights])
        return PackedLinear(np.concatenate([self.stored[weight] for weight in weights]), scale, bias)


def _block(weights: _Weights, name: str, heads: int, epsilon: float) -> Block:
    packed = weights.linear(*(f"{name}.attention.self.{part}" for part in ("query", "key", "value")))
    return Block(
        Attention.of(packed, weights.linear(f"{name}.attention.output.dense"), heads),
        LayerNorm.of(weights, f"{name}.attention.output.LayerNorm", epsilon),
        None,
        None,
        weights.linear(f"{name}.intermediate.dense"),
        weights.linear(f"{name}.output.dense"),
        LayerNorm.of(weights, f"{name}.output.LayerNorm", epsilon),
    )
