"""Linear systems of long motion: each frame is tied to the few beside it alone, so the work grows with the frames only.

A symmetric matrix is given by its bands: bands[k, i] stands in row i and column i + k, and in column i and row i + k;
what would lie outside of the matrix, the last k of band k, is not read.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_BLOCK = 32
"""Rows solved at once: few enough to be cheap, and enough that the loop over them costs less than the work in it."""


def solve_banded(bands: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x of A x = right, for a positive definite A (n, n). bands: (b + 1, n); right: (n,) or (n, k).

    Blocks along the diagonal are eliminated one after the other. Only the last b rows of a block are tied to the next.
    """
    reach, count = len(bands) - 1, bands.shape[1]
    size = max(reach, min(_BLOCK, count))
    number = -(-count // size)
    # Rows beyond the last are those of an identity with nothing on the right.
    held = np.zeros((reach + 1, number * size))
    held[0, count:] = 1.0
    for k in range(min(reach + 1, count)):
        held[k, : count - k] = bands[k, : count - k]
    held = held.reshape(reach + 1, number, size)
    blocks = np.zeros((number, size, size))
    ties = np.zeros((number, reach, reach))  # of a block's last rows to the first of the next
    for k in range(reach + 1):
        row = np.arange(size - k)
        blocks[:, row, row + k] = blocks[:, row + k, row] = held[k, :, : size - k]
        row = np.arange(reach - k, reach)
        ties[:, row, row - (reach - k)] = held[k, :, size - k :]
    # Beside the right-hand side stand the columns by which the next block's first values come in.
    columns = np.zeros((number * size, reach + right[:1].size))
    columns[:count, reach:] = right.reshape(count, -1)
    columns = columns.reshape(number, size, -1)
    columns[:, size - reach :, :reach] = ties
    for block in range(number):
        columns[block] = np.linalg.solve(blocks[block], columns[block])
        if block + 1 < number:
            back = ties[block].T @ columns[block, size - reach :]
            blocks[block + 1, :reach, :reach] -= back[:, :reach]
            columns[block + 1, :reach, reach:] -= back[:, reach:]
    result = columns[..., reach:]
    for block in range(number - 2, -1, -1):
        result[block] -= columns[block, :, :reach] @ result[block + 1, :reach]
    return result.reshape(number * size, -1)[:count].reshape(right.shape)


def times(bands: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) the matrix times values (n,)."""
    result: np.ndarray = bands[0] * values
    for k in range(1, len(bands)):
        result[:-k] += bands[k, :-k] * values[k:]
        result[k:] += bands[k, :-k] * values[:-k]
    return result


def scaled(bands: np.ndarray, by: np.ndarray) -> np.ndarray:
    """The bands of diag(by) A diag(by)."""
    result: np.ndarray = bands * by
    for k in range(1, len(bands)):
        result[k, :-k] *= by[k:]
    result[0] *= by
    return result


@lru_cache(maxsize=32)
def squared_differences(count: int, order: int) -> np.ndarray:
    """(order + 1, count) bands of the matrix M for which x^T M x is the sum of squared differences of that order of x.
    Not to be written to."""
    stencil = np.diff(np.eye(order + 1), n=order, axis=0)[0]
    bands = np.zeros((order + 1, count))
    for k in range(order + 1):
        bands[k, : count - k] = np.convolve(np.ones(count - order), stencil[: order + 1 - k] * stencil[k:])
    return bands
