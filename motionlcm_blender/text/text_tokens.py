"""Text tokens: the input of the denoiser for a prompt.

Official models read one sentence vector. The bundled model reads MiniLM's token states, because its pooled vector
hardly separates left from right (cosine 0.95 between "turns left" and "turns right"), preceded by a token for the
length of the motion and by the sentence vector. Each token is scaled to unit mean square.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..array_types import FloatArray
from ..motion.skeleton import MAX_FRAMES


@cache
def length_token(frames: int, width: int) -> FloatArray:
    """(width,) float32 sinusoids of the length, unit mean square."""
    half = width // 2
    rates = np.exp(-np.log(50.0) * np.arange(half) / (half - 1)) * 2 * np.pi
    angles = frames / MAX_FRAMES * rates
    token = np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32)
    return _unit(token)


def state_tokens(states: FloatArray, mean: FloatArray, frames: int, max_states: int) -> FloatArray:
    """Make the tokens: length, sentence vector, token states.

    A longer prompt is cut; its sentence vector still represents all of it.

    Args:
        states: (L, width), the encoder's last hidden states without start and end tokens.
        mean: (width,) sentence vector.
        frames: Length of the motion.
        max_states: Largest number of states.

    Returns:
        (2 + min(L, max_states), width) float32.
    """
    rows = [length_token(frames, len(mean))[None], _unit(mean)[None], _unit(states[:max_states])]
    result: FloatArray = np.concatenate(rows).astype(np.float32)
    return result


def _unit(vectors: FloatArray) -> FloatArray:
    scale = np.sqrt((vectors.astype(np.float32) ** 2).mean(-1, keepdims=True))
    result: FloatArray = vectors / np.maximum(scale, 1e-6)
    return result
