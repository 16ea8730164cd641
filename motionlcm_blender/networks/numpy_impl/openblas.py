"""Matrix products by OpenBLAS, from the package scipy-openblas32, where NumPy has no BLAS.

The package holds only the library that NumPy's and SciPy's wheels contain. Its functions are called through ctypes,
which releases Python's lock meanwhile. The library is loaded once, on the first product, and tried. If it is missing,
does not fit the processor or gives wrong results, `library()` is None and one line in the log gives the reason. If the
process ended while the library was loaded, a note remains, and the library is not loaded again before it has another
version.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np

from ...array_types import FloatArray
from ...files.file_locks import crash_note, crashed_within

log = logging.getLogger(__name__)

PACKAGE, DISTRIBUTION = "scipy_openblas32", "scipy-openblas32"
THREADS = 1
"""Threads of a product, unless OPENBLAS_NUM_THREADS is set.

OpenBLAS's threads wait for each other by spinning. While other work keeps the cores busy, as Blender does that plays or
renders, one of them is often not running: a product of 50 x 256 x 1024 on two busy cores took 136 ms with two threads
and 0.27 ms with one (medians). On idle cores two threads would save 0.1 ms of it.
"""

_ROWS_FIRST, _PLAIN, _TRANSPOSED = 101, 111, 112
_SIZES = ((3, 5, 7), (48, 40, 56), (256, 192, 160))
"""Sizes of the trial products: small ones, and one that several threads share."""


class OpenBLAS:
    """The loaded library.

    Args:
        path: The library's file.
        version: The package's version.

    Raises:
        OSError: The file cannot be loaded.
        AttributeError: A function is missing.
    """

    def __init__(self, path: Path, version: str = "") -> None:
        loaded = ctypes.CDLL(str(path))
        self.version = version
        self._sgemm: Callable[..., None] = loaded.scipy_cblas_sgemm
        number, address = ctypes.c_int, ctypes.c_void_p
        loaded.scipy_cblas_sgemm.restype = None
        loaded.scipy_cblas_sgemm.argtypes = (
            *(number,) * 6, ctypes.c_float, address, number, address, number, ctypes.c_float, address, number,
        )  # fmt: skip
        if not os.environ.get("OPENBLAS_NUM_THREADS"):
            loaded.scipy_openblas_set_num_threads(number(THREADS))
        self.threads = int(loaded.scipy_openblas_get_num_threads())
        loaded.scipy_openblas_get_corename.restype = ctypes.c_char_p
        self.kernels = (loaded.scipy_openblas_get_corename() or b"").decode(errors="replace")

    def product(self, a: FloatArray, b: FloatArray, out: FloatArray) -> None:
        """Compute a @ b into `out`.

        Transposed and cut arrays are multiplied in place; arrays whose last two axes are both strided are copied first.

        Args:
            a: (..., M, K) float32.
            b: (..., K, N) float32, with the same leading axes.
            out: (..., M, N) float32, overwritten; no part of a or b.
        """
        if not out.size:
            return
        if not a.size:
            out[...] = 0.0
            return
        (a, turn_a, lead_a), (b, turn_b, lead_b) = _readable(a), _readable(b)
        turn, lead = _layout(out)
        target = out
        if turn != _PLAIN:
            target, lead = np.empty(out.shape, np.float32), out.shape[-1]
        rows, columns, inner = out.shape[-2], out.shape[-1], a.shape[-1]
        sgemm = self._sgemm
        for at_a, at_b, at in zip(_addresses(a), _addresses(b), _addresses(target), strict=True):
            sgemm(_ROWS_FIRST, turn_a, turn_b, rows, columns, inner, 1.0, at_a, lead_a, at_b, lead_b, 0.0, at, lead)
        if target is not out:
            out[...] = target

    def is_right(self) -> bool:
        """Whether trial products are those of `einsum`."""
        for m, k, n in _SIZES:
            a, b = (np.cos(np.arange(r * c, dtype=np.float32)).reshape(r, c) for r, c in ((m, k), (n, k)))
            made = np.full((m, n), np.nan, np.float32)
            self.product(a, b.T, made)
            if not np.allclose(made, np.einsum("mk,nk->mn", a, b), rtol=0.0, atol=1e-3):
                return False
        return True


def _layout(x: FloatArray) -> tuple[int, int]:
    """How BLAS can read the matrices of x (..., r, c).

    Returns:
        _PLAIN or _TRANSPOSED, and the number of elements from one row (or column) to the next; 0, 0: in no way.
    """
    rows, columns = x.shape[-2:]
    down, along = x.strides[-2:]
    if down % 4 or along % 4 or not x.flags.aligned:
        return 0, 0
    down, along = down // 4, along // 4
    if along == 1 or columns == 1:
        if rows == 1:
            return _PLAIN, columns
        if down >= columns:
            return _PLAIN, down
    if down == 1 or rows == 1:
        if columns == 1:
            return _TRANSPOSED, rows
        if along >= rows:
            return _TRANSPOSED, along
    return 0, 0


def _readable(x: FloatArray) -> tuple[FloatArray, int, int]:
    """An array that BLAS can read, copied if need be, and its `_layout`."""
    turn, lead = _layout(x)
    return (x, turn, lead) if turn else (np.ascontiguousarray(x), _PLAIN, x.shape[-1])


def _addresses(x: FloatArray) -> list[int]:
    """Addresses of the matrices of x (..., r, c), in the order of its leading axes."""
    addresses = [x.ctypes.data]
    if x.ndim > 2:
        for size, stride in zip(x.shape[:-2], x.strides[:-2], strict=True):
            addresses = [address + index * stride for address in addresses for index in range(size)]
    return addresses


class _Loader:
    """Loads the library once, and remembers a crash."""

    def __init__(self) -> None:
        self.notes: Path | None = None
        self.reason = ""
        self._lock = threading.Lock()
        self._tried = False
        self._library: OpenBLAS | None = None

    def library(self) -> OpenBLAS | None:
        """The library; None if it cannot be used."""
        if not self._tried:
            with self._lock:
                if not self._tried:
                    self._library, self.reason = self._loaded()
                    if self.reason:
                        log.warning("OpenBLAS is not used, so motion is generated more slowly: %s", self.reason)
                    self._tried = True
        return self._library

    def _loaded(self) -> tuple[OpenBLAS | None, str]:
        """The library, or the reason why there is none."""
        try:
            path, version = find_library()
            note = None if self.notes is None else self.notes / f"loading-openblas-{version}"
            if note is None:
                return _tried(path, version)
            if crashed_within(note):
                return None, f"the program closed while it loaded version {version}; to try again, delete {note}."
            with crash_note(note):
                return _tried(path, version)
        except (OSError, AttributeError, ValueError) as error:
            return None, f"{error}."


def _tried(path: Path, version: str) -> tuple[OpenBLAS | None, str]:
    loaded = OpenBLAS(path, version)
    return (loaded, "") if loaded.is_right() else (None, f"version {version} gives wrong products on this processor.")


def find_library() -> tuple[Path, str]:
    """Find the library's file and the package's version, without importing the package, which would load it.

    Raises:
        FileNotFoundError: The package or its library is missing.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = [] if spec is None else [Path(folder) for folder in spec.submodule_search_locations or ()]
    for folder in folders:
        for path in sorted((folder / "lib").glob("libscipy_openblas*")):
            if path.suffix in (".so", ".dylib", ".dll"):
                try:
                    return path, metadata.version(DISTRIBUTION)
                except metadata.PackageNotFoundError:
                    return path, "unknown"
    raise FileNotFoundError(f"the package {DISTRIBUTION} is not installed")


_loader = _Loader()


def library() -> OpenBLAS | None:
    """The library, loaded on the first call; None if it cannot be used."""
    return _loader.library()


def reason() -> str:
    """Why `library()` is None; empty if the library is loaded, or if `library()` has not been called."""
    return _loader.reason


def keep_notes_in(folder: Path | None) -> None:
    """Set the folder in which a crash while loading leaves a note; None: crashes are not remembered."""
    _loader.notes = folder
