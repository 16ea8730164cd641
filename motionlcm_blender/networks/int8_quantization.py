"""Quantization of matrices to int8 with one scale per row.

In a .safetensors file the integers have the matrix's name, and the scales that name and `SCALE`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, FloatArray
from ..errors import ModelFolderError
from ..files.safetensors_files import as_float32, parsed, read_bytes

SCALE = ".row_scale"
MOST = 127


def packed(weights: Mapping[str, FloatArray]) -> dict[str, AnyArray]:
    """Quantize every matrix to int8 with scales.

    Args:
        weights: Finite float32 arrays by name.

    Returns:
        The arrays to store; arrays that are not matrices are unchanged.
    """
    out: dict[str, AnyArray] = {}
    for name, array in weights.items():
        if array.ndim == 2:
            scale = np.abs(array).max(1) / np.float32(MOST)
            scale[scale == 0] = 1
            out[name] = np.rint(array / scale[:, None]).astype(np.int8)
            out[name + SCALE] = scale.astype(np.float32)
        else:
            out[name] = array
    return out


def read_weights(path: Path) -> tuple[dict[str, FloatArray], str]:
    """Read all weights of a file as float32, dequantizing int8 matrices.

    Args:
        path: The .safetensors file.

    Returns:
        Weights by name, and the sha256 of the file.

    Raises:
        ModelFolderError: The file is missing, damaged, a pickle, or does not contain weights.
        DeviceError: There is not enough memory.
    """
    content = read_bytes(path)
    weights = unpacked(parsed(content, path), path)
    return {n: as_float32(n, w, path) for n, w in weights.items()}, hashlib.sha256(content).hexdigest()


def unpacked(stored: Mapping[str, AnyArray], path: Path) -> dict[str, AnyArray]:
    """Dequantize stored arrays: the inverse of `packed`, up to rounding to eight bits.

    Args:
        stored: Arrays of a file, some of them int8 matrices with their scales.
        path: The file, for the message.

    Returns:
        float32 arrays by name.

    Raises:
        ModelFolderError: A matrix lacks its scales.
    """
    out: dict[str, AnyArray] = {}
    for name, array in stored.items():
        if array.dtype == np.int8:
            out[name] = array.astype(np.float32) * row_scale(stored, name, path)[:, None]
        elif not name.endswith(SCALE):
            out[name] = array
    return out


def row_scale(stored: Mapping[str, AnyArray], name: str, path: Path) -> FloatArray:
    """Read and check the scales of an int8 matrix.

    Args:
        stored: Arrays of a file.
        name: Name of the matrix.
        path: The file, for the message.

    Returns:
        (rows,) float32.

    Raises:
        ModelFolderError: The matrix or its scales do not fit.
    """
    matrix, scale = stored[name], stored.get(name + SCALE)
    if matrix.dtype != np.int8 or matrix.ndim != 2 or scale is None or scale.shape != matrix.shape[:1]:
        raise ModelFolderError(f"{name} in {path.name} is no matrix of eight bits with its scales.")
    return as_float32(name + SCALE, scale, path)
