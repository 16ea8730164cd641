"""Matrix products that are fast whether or not NumPy was built with a BLAS.

PyPI's NumPy has OpenBLAS. Blender's own build has a BLAS only on macOS: without one, `matmul` is a plain loop. Then the
products are those of the package scipy-openblas32 (`openblas`), and without it those of `einsum`, which has vector
instructions and is several times as fast as the loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

from ...array_types import FloatArray
from . import openblas

NUMPY, OPENBLAS, EINSUM = "NumPy's BLAS", "OpenBLAS", "no BLAS"
"""Ways of multiplying, the fastest first."""
_chosen = ""

_TURNS = 15
"""Turns of the measurement: about a millisecond in all."""


@cache
def has_blas() -> bool:
    """Whether `matmul` is faster than `einsum`. Measured, because NumPy's build information differs by version.

    With a BLAS `matmul` is two to ten times as fast, without one four times slower. The two take turns, and the fastest
    of each counts, so that load on the machine does not decide.
    """
    a, b = (np.linspace(-1.0, 1.0, 64 * 128, dtype=np.float32).reshape(64, 128) for _ in range(2))
    best = [float("inf"), float("inf")]
    for _ in range(_TURNS):
        for way in (0, 1):
            started = time.perf_counter()
            _plain(a, b.T) if way else np.matmul(a, b.T)
            best[way] = min(best[way], time.perf_counter() - started)
    return best[0] < 1.5 * best[1]


def product(a: FloatArray, b: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Compute a @ b.

    Args:
        a: (..., M, K).
        b: (..., K, N), with the same leading axes.
        out: Array for the result.

    Returns:
        (..., M, N).
    """
    if _chosen == NUMPY or (not _chosen and has_blas()):
        result: FloatArray = np.matmul(a, b, out=out)
        return result
    if out is None:
        out = np.empty((*a.shape[:-1], b.shape[-1]), np.result_type(a, b))
    single = a.dtype == b.dtype == out.dtype == np.float32
    blas = openblas.library() if single and _chosen != EINSUM else None
    if blas is not None:
        blas.product(a, b, out)
        return out
    for index in np.ndindex(a.shape[:-2]):
        _plain(a[index], b[index], out[index])
    return out


def ways() -> list[str]:
    """The ways of multiplying that there are here; the first is the one that is used."""
    found = [NUMPY] if has_blas() else []
    return [*found, *([OPENBLAS] if openblas.library() is not None else []), EINSUM]


@contextmanager
def multiplied_by(way: str) -> Iterator[None]:
    """Multiply in one of the `ways`, to measure it. For all threads."""
    global _chosen
    before, _chosen = _chosen, way
    try:
        yield
    finally:
        _chosen = before


def multiplier() -> str:
    """What multiplies matrices here, in words: for reports."""
    if has_blas():
        return "NumPy's BLAS"
    blas = openblas.library()
    if blas is None:
        return f"einsum ({openblas.reason()})"
    return f"OpenBLAS {blas.version}, kernels {blas.kernels}, threads: {blas.threads}"


def _plain(a: FloatArray, b: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Product of two matrices by `einsum`, arranged so that its innermost loop is long and over contiguous memory."""
    rows, columns = b.flags.c_contiguous, b.T.flags.c_contiguous
    if columns or (not rows and b.shape[0] >= b.shape[1]):
        result: FloatArray = np.einsum("mk,nk->mn", a, np.ascontiguousarray(b.T), out=out)
    else:
        result = np.einsum("mk,kn->mn", a, np.ascontiguousarray(b), out=out)
    return result
