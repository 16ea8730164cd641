"""Matrices in eight bits: whole numbers from -127 to 127 and one scale for each row.

In a .safetensors file the whole numbers have the matrix's name, and the scales that name and `SCALE`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import ModelFolderError
from ..files.safetensors_files import as_float32, parsed, read_bytes

SCALE = ".row_scale"
MOST = 127


def packed(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every matrix as int8 and its scales, everything else as it is. weights: float32, finite."""
    out: dict[str, np.ndarray] = {}
    for name, array in weights.items():
        if array.ndim == 2:
            scale = np.abs(array).max(1) / np.float32(MOST)
            scale[scale == 0] = 1
            out[name] = np.rint(array / scale[:, None]).astype(np.int8)
            out[name + SCALE] = scale.astype(np.float32)
        else:
            out[name] = array
    return out


def read_weights(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """All weights of a file as float32, those of eight bits too, and the file's sha256.

    Raises:
        ModelFolderError: if the file is missing, damaged, a pickle, or holds what are no weights.
        DeviceError: without memory.
    """
    content = read_bytes(path)
    weights = unpacked(parsed(content, path), path)
    return {n: as_float32(n, w, path) for n, w in weights.items()}, hashlib.sha256(content).hexdigest()


def unpacked(stored: Mapping[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """The weights that `packed` was given, as float32, rounded to eight bits.

    Args:
        stored: arrays of a file, some of them matrices of int8 with their scales.
        path: the file, for the message.

    Raises:
        ModelFolderError: if a matrix lacks its scales.
    """
    out: dict[str, np.ndarray] = {}
    for name, array in stored.items():
        if array.dtype == np.int8:
            out[name] = array.astype(np.float32) * row_scale(stored, name, path)[:, None]
        elif not name.endswith(SCALE):
            out[name] = array
    return out


def row_scale(stored: Mapping[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    """(rows,) float32, checked, of the matrix of that name. Raises ModelFolderError if it does not fit."""
    matrix, scale = stored[name], stored.get(name + SCALE)
    if matrix.dtype != np.int8 or matrix.ndim != 2 or scale is None or scale.shape != matrix.shape[:1]:
        raise ModelFolderError(f"{name} in {path.name} is no matrix of eight bits with its scales.")
    return as_float32(name + SCALE, scale, path)
