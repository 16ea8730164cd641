"""Linear systems with symmetric banded matrices, for problems over the frames of a long motion.

Each frame is coupled only to the few frames beside it, so the cost grows linearly with the number of frames. A
symmetric matrix A is stored by its diagonals: bands[k, i] = A[i, i + k] = A[i + k, i]. The last k entries of band k
lie outside the matrix and are not read.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..array_types import FloatArray

_BLOCK = 32
"""Rows solved at once: few enough for a cheap dense solve, enough that the Python loop costs less than the solves."""


def solve_banded(bands: FloatArray, right: FloatArray) -> FloatArray:
    """Solve A x = right for a symmetric positive definite banded matrix.

    Block Gaussian elimination. A is block tridiagonal, with diagonal blocks D[k] and coupling blocks C[k] between
    block k and block k + 1, where only the last b rows of block k are coupled to the first b rows of the next. Forward
    pass: D[k + 1] -= C[k]^T inv(D[k]) C[k], and the same for the right-hand side. Backward pass: x[k] = inv(D[k])
    (right[k] - C[k] x[k + 1]).

    Args:
        bands: (b + 1, n) float64, the diagonals of A as described in the module docstring.
        right: (n,) or (n, k) float64, right-hand side.

    Returns:
        x, of the shape of `right`.
    """
    reach, count = len(bands) - 1, bands.shape[1]
    size = max(reach, min(_BLOCK, count))
    number = -(-count // size)
    # Pad to whole blocks with rows of an identity matrix whose right-hand side is zero.
    held = np.zeros((reach + 1, number * size))
    held[0, count:] = 1.0
    for k in range(min(reach + 1, count)):
        held[k, : count - k] = bands[k, : count - k]
    held = held.reshape(reach + 1, number, size)
    blocks = np.zeros((number, size, size))
    ties = np.zeros((number, reach, reach))  # coupling of a block's last rows to the first rows of the next block
    for k in range(reach + 1):
        row = np.arange(size - k)
        blocks[:, row, row + k] = blocks[:, row + k, row] = held[k, :, : size - k]
        row = np.arange(reach - k, reach)
        ties[:, row, row - (reach - k)] = held[k, :, size - k :]
    # The first `reach` columns hold the coupling blocks, so that one solve gives inv(D) C and inv(D) right together.
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


def times(bands: FloatArray, values: FloatArray) -> FloatArray:
    """Multiply a banded matrix by a vector.

    Args:
        bands: (b + 1, n) float64, diagonals of the matrix.
        values: (n,) float64.

    Returns:
        (n,) float64.
    """
    result: FloatArray = bands[0] * values
    for k in range(1, len(bands)):
        result[:-k] += bands[k, :-k] * values[k:]
        result[k:] += bands[k, :-k] * values[:-k]
    return result


def scaled(bands: FloatArray, by: FloatArray) -> FloatArray:
    """Scale rows and columns of a banded matrix: diag(by) A diag(by).

    Args:
        bands: (b + 1, n) float64, diagonals of A.
        by: (n,) float64, scale of each row and column.

    Returns:
        (b + 1, n) float64, diagonals of the scaled matrix.
    """
    result: FloatArray = bands * by
    for k in range(1, len(bands)):
        result[k, :-k] *= by[k:]
    result[0] *= by
    return result


@lru_cache(maxsize=32)
def squared_differences(count: int, order: int) -> FloatArray:
    """Matrix M for which x^T M x is the sum of squared finite differences of x.

    Args:
        count: Length n of x.
        order: Order of the differences: 1 penalises velocity, 2 acceleration, 3 jerk.

    Returns:
        (order + 1, n) float64, diagonals of M. The array is cached: do not write to it.
    """
    stencil = np.diff(np.eye(order + 1), n=order, axis=0)[0]
    bands = np.zeros((order + 1, count))
    for k in range(order + 1):
        bands[k, : count - k] = np.convolve(np.ones(count - order), stencil[: order + 1 - k] * stencil[k:])
    return bands
