"""Reproducible random weights for any architecture, by the recipe of the golden vectors."""

from __future__ import annotations

from binascii import crc32
from collections.abc import Mapping

import numpy as np


def synthetic_weights(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """One float32 array for each name: norms near one, matrices scaled to keep variance, the rest small."""
    return {name: _parameter(name, tuple(shape), seed) for name, shape in shapes.items()}


def _parameter(name: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    random = np.random.default_rng([seed, crc32(name.encode())])
    values: np.ndarray = random.standard_normal(shape, dtype=np.float32)
    if name.endswith("weight") and "norm" in name.split(".", 1)[1]:
        return 1 + np.float32(0.1) * values
    if name.endswith("weight") and len(shape) >= 2:
        return values / np.float32(np.sqrt(shape[-1]))
    return np.float32(0.1) * values
