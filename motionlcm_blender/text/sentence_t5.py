"""The text encoder sentence-t5 in NumPy: a prompt to the sentence vector that published models take.

T5's encoder (Raffel et al. 2020), mean over the tokens, a dense layer without bias, length 1 (Ni et al. 2021). Weights
keep their stored type, and each layer's are converted to float32 as it runs: that halves the memory, and a prompt is
encoded once.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import ModelFolderError
from ..files.safetensors_files import read_bytes, read_stored
from ..networks.numpy_impl.layers import softmax_mix
from .tokenizer_file import read_tokenizer

MAX_TOKENS = 256
CONFIG, WEIGHTS, DENSE = "config.json", "model.safetensors", "2_Dense"
_WORDS = ("shared.weight", "encoder.embed_tokens.weight")
_BIAS = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"


class PortableSentenceT5:
    """sentence-t5 in NumPy.

    Args:
        folder: Folder in the published sentence-transformers layout, with weights as safetensors (as the importer
            writes).

    Raises:
        ModelFolderError: A file is missing or damaged, or this is another kind of T5.
    """

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        config = _json(folder / CONFIG)
        try:
            self._layers, self._heads = int(config["num_layers"]), int(config["num_heads"])
            self._epsilon = float(config.get("layer_norm_epsilon", 1e-6))
            self._farthest = int(config.get("relative_attention_max_distance", 128))
            kind = str(config.get("feed_forward_proj", "relu"))
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFolderError(f"{CONFIG} of the text encoder in {folder} is damaged.") from error
        if kind != "relu":
            raise ModelFolderError(f"The text encoder in {folder} is a T5 with {kind}, not sentence-t5's.")
        self._weights = read_stored(folder / WEIGHTS)
        self._dense = read_stored(folder / DENSE / WEIGHTS).get("linear.weight", np.zeros(0))
        words = next((self._weights[name] for name in _WORDS if name in self._weights), None)
        if words is None:
            raise ModelFolderError(f"{WEIGHTS} in {folder} does not hold the text encoder's words.")
        self._words = words
        self._check(folder)
        self._tokenizer = read_tokenizer(folder, len(self._words), WEIGHTS, MAX_TOKENS)

    @property
    def width(self) -> int:
        """Width of the sentence vector, 768."""
        return len(self._dense)

    def encode(self, prompt: str) -> FloatArray:
        """Encode a prompt as a sentence vector, (768,) float32, of length 1."""
        ids = self._tokenizer.encode(prompt).ids
        x = self._words[ids].astype(np.float32)
        bias = self._bias(len(ids))
        for number in range(self._layers):
            block = f"encoder.block.{number}.layer"
            x = x + self._attended(self._norm(x, f"{block}.0.layer_norm"), f"{block}.0.SelfAttention", bias)
            wide = self._norm(x, f"{block}.1.layer_norm") @ self._weight(f"{block}.1.DenseReluDense.wi").T
            x = x + np.maximum(wide, 0.0) @ self._weight(f"{block}.1.DenseReluDense.wo").T
        with np.errstate(invalid="ignore", over="ignore"):
            states = self._norm(x, "encoder.final_layer_norm")
            sentence = self._dense.astype(np.float32) @ states.mean(0)
            length = np.sqrt(sentence @ sentence)
        if not (np.isfinite(length) and length > 0):
            raise ModelFolderError("The text encoder's weights are damaged: what they make of a prompt is no number.")
        result: FloatArray = sentence / length
        return result

    def _weight(self, name: str) -> FloatArray:
        return self._weights[f"{name}.weight"].astype(np.float32, copy=False)

    def _norm(self, x: FloatArray, name: str) -> FloatArray:
        """T5's norm: root mean square only, without a shift."""
        scale = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(self._epsilon))
        normed: FloatArray = x / scale * self._weight(name)
        return normed

    def _attended(self, x: FloatArray, name: str, bias: FloatArray) -> FloatArray:
        """Self-attention of x (S, width), without a scale of the scores, as in T5."""
        query, key, value = (
            (x @ self._weight(f"{name}.{part}").T).reshape(len(x), self._heads, -1).swapaxes(0, 1) for part in "qkv"
        )
        mixed = softmax_mix(query @ key.swapaxes(-1, -2) + bias, value)
        out: FloatArray = mixed.swapaxes(0, 1).reshape(len(x), -1) @ self._weight(f"{name}.o").T
        return out

    def _bias(self, length: int) -> FloatArray:
        """(heads, S, S) relative position bias; large distances share a row."""
        table = self._weights[_BIAS].astype(np.float32)
        half = len(table) // 2
        near = half // 2
        offset = np.arange(length)[None] - np.arange(length)[:, None]
        size = np.abs(offset)
        growth = np.log(np.maximum(size, 1) / near) / math.log(self._farthest / near)
        far = np.minimum(near + (growth * (half - near)).astype(int), half - 1)
        row = np.where(size < near, size, far) + np.where(offset > 0, half, 0)
        bias: FloatArray = table[row].transpose(2, 0, 1)
        return bias

    def _check(self, folder: Path) -> None:
        """Check names and shapes of the weights.

        Raises:
            ModelFolderError: A weight is missing or has the wrong shape.
        """
        width = self._words.shape[-1]
        inner = self._weights.get("encoder.block.0.layer.0.SelfAttention.q.weight", np.zeros((0, 0))).shape[0]
        wide = self._weights.get("encoder.block.0.layer.1.DenseReluDense.wi.weight", np.zeros((0, 0))).shape[0]
        buckets = len(self._weights.get(_BIAS, ()))
        shapes: dict[str, tuple[int, ...]] = {_BIAS: (buckets, self._heads)}
        shapes["encoder.final_layer_norm.weight"] = (width,)
        for number in range(self._layers):
            block = f"encoder.block.{number}.layer"
            shapes |= {f"{block}.0.SelfAttention.{part}.weight": (inner, width) for part in "qkv"}
            shapes |= {
                f"{block}.0.SelfAttention.o.weight": (width, inner),
                f"{block}.0.layer_norm.weight": (width,),
                f"{block}.1.DenseReluDense.wi.weight": (wide, width),
                f"{block}.1.DenseReluDense.wo.weight": (width, wide),
                f"{block}.1.layer_norm.weight": (width,),
            }
        for name, shape in shapes.items():
            if name not in self._weights or self._weights[name].shape != shape or 0 in shape:
                raise ModelFolderError(
                    f"The text encoder's weights in {folder} do not fit: {name} is wrong or missing."
                )
        kinds = {weight.dtype.kind for weight in (*self._weights.values(), self._dense)}
        if kinds != {"f"} or self._words.ndim != 2 or inner % self._heads or buckets < 4:
            raise ModelFolderError(f"The text encoder's weights in {folder} do not fit: they are of the wrong kind.")
        if self._dense.ndim != 2 or self._dense.shape[1] != width:
            raise ModelFolderError(f"The dense layer of the text encoder in {folder} has the wrong shape.")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bytes(path).decode())
    except ValueError as error:
        raise ModelFolderError(f"{path.name} of the text encoder in {path.parent} is damaged.") from error
    if not isinstance(content, dict):
        raise ModelFolderError(f"{path.name} of the text encoder in {path.parent} is damaged.")
    return content
