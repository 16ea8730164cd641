"""Matrix products that are quick whether or not NumPy was built with a BLAS.

PyPI's NumPy has OpenBLAS. Blender builds its own and asks for none, so only macOS, which comes with one, may have it:
without, `matmul` is a plain loop, and `einsum`, which has vector instructions of its own, several times as fast.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np


@cache
def has_blas() -> bool:
    """Whether `matmul` is quicker than `einsum`. Measured, since what NumPy says of its building differs by version.

    With a BLAS it is twice to ten times as fast, without one a quarter: no load on a machine makes that look alike.
    """
    a, b = (np.linspace(-1.0, 1.0, 64 * 128, dtype=np.float32).reshape(64, 128) for _ in range(2))
    best = []
    for multiply in (lambda: np.matmul(a, b.T), lambda: _plain(a, b.T)):
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            multiply()
            seconds.append(time.perf_counter() - started)
        best.append(min(seconds))
    return best[0] < 1.5 * best[1]


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """a @ b. a: (..., M, K), b: (..., K, N), the same leading axes; out: where to put it."""
    if has_blas():
        result: np.ndarray = np.matmul(a, b, out=out)
        return result
    if out is None:
        out = np.empty((*a.shape[:-1], b.shape[-1]), np.result_type(a, b))
    for index in np.ndindex(a.shape[:-2]):
        _plain(a[index], b[index], out[index])
    return out


def _plain(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Of two matrices by `einsum`, whose innermost loop should be over numbers that lie side by side, and many."""
    rows, columns = b.flags.c_contiguous, b.T.flags.c_contiguous
    if columns or (not rows and b.shape[0] >= b.shape[1]):
        result: np.ndarray = np.einsum("mk,nk->mn", a, np.ascontiguousarray(b.T), out=out)
    else:
        result = np.einsum("mk,kn->mn", a, np.ascontiguousarray(b), out=out)
    return result
