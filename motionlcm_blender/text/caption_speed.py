"""How much the motion of a caption moves, predicted from its sentence vector.

A model folder may contain caption_speed.safetensors: a few small networks (sentence vector to the logarithm of the body
speed, two hidden layers), whose predictions are averaged. `training/caption_speed_fit.py` fits them to captured motion.
A sampler that averages over many captured motions makes lively actions too small and quiet ones too large; with the
predicted speed it can be corrected (`generation/caption_liveliness.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import ModelFolderError
from ..files.safetensors_files import read_arrays

FILE = "caption_speed.safetensors"
SLOWEST, FASTEST = 0.02, 3.0
"""m/s: predictions are limited to these."""
_GELU = float(np.sqrt(2.0 / np.pi))


class CaptionSpeed:
    """Predicts the body speed of captioned motion."""

    def __init__(self, layers: Mapping[str, AnyArray]) -> None:
        """Check the layers.

        Args:
            layers: weight_k (networks, inputs, outputs) and bias_k (networks, outputs) of each layer k; the last has
                one output, the natural logarithm of m/s.

        Raises:
            ModelFolderError: The layers do not fit each other.
        """
        self.layers = dict(layers)
        count = len(self.layers) // 2
        names = [name for k in range(count) for name in (f"weight_{k}", f"bias_{k}")]
        if not count or set(names) != set(self.layers):
            raise ModelFolderError(f"{FILE} must hold weight_0, bias_0, weight_1 and so on, and nothing else.")
        self._layers = [tuple(np.asarray(self.layers[name], np.float32) for name in names[k : k + 2])
                        for k in range(0, len(names), 2)]  # fmt: skip
        inputs = self._layers[0][0].shape[1] if self._layers[0][0].ndim == 3 else 0
        self.width = inputs
        for weight, bias in self._layers:
            if weight.ndim != 3 or weight.shape[1] != inputs or bias.shape != (weight.shape[0], weight.shape[2]):
                raise ModelFolderError(f"The layers of {FILE} do not fit each other.")
            inputs = weight.shape[2]
        if inputs != 1 or len({len(weight) for weight, _ in self._layers}) != 1:
            raise ModelFolderError(f"The layers of {FILE} do not fit each other.")

    def body_speeds(self, vectors: FloatArray) -> FloatArray:
        """Predict mean speeds of the joints against the pelvis.

        Args:
            vectors: (N, width) sentence vectors of unit mean square (`text_tokens.state_tokens`).

        Returns:
            (N,) m/s.

        Raises:
            ModelFolderError: The networks are for vectors of another width.
        """
        if vectors.shape[-1] != self.width:
            raise ModelFolderError(f"{FILE} reads vectors of {self.width} numbers, not {vectors.shape[-1]}.")
        x = np.repeat(np.asarray(vectors, np.float32)[None], len(self._layers[0][0]), axis=0)
        for k, (weight, bias) in enumerate(self._layers):
            x = np.einsum("nij,njk->nik", x, weight) + bias[:, None]
            if k + 1 < len(self._layers):
                x = 0.5 * x * (1.0 + np.tanh(_GELU * (x + 0.044715 * x**3)))
        speeds: FloatArray = np.exp(np.clip(x[..., 0].mean(0), np.log(SLOWEST), np.log(FASTEST)))
        return speeds


def read_caption_speed(folder: Path) -> CaptionSpeed:
    """Read the predictor of a model folder.

    Raises:
        ModelFolderError: The file is missing or damaged.
    """
    return CaptionSpeed(read_arrays(folder / FILE)[0])
