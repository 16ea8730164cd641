"""Products with and without a BLAS give the same numbers, and so does the whole NumPy runtime.

Without a BLAS in NumPy there are two ways: OpenBLAS from a package of its own, and einsum.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.networks.numpy_impl import matmul, openblas
from motionlcm_blender.networks.numpy_impl.matmul import has_blas, multiplier, product


def use(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Multiply as in a Python whose NumPy has no BLAS."""
    monkeypatch.setattr(matmul, "has_blas", lambda: False)
    if way == "einsum":
        monkeypatch.setattr(openblas, "library", lambda: None)
    elif openblas.library() is None:
        pytest.skip(f"OpenBLAS is not used here: {openblas.reason()}")


@pytest.fixture(params=["einsum", "OpenBLAS"])
def without_blas(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    use(request.param, monkeypatch)
    return request.param


def arrays(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (arrays(7, 128), arrays(128, 30)),
        (arrays(7, 128), arrays(30, 128).T),
        (arrays(128, 7).T, arrays(128, 30)),
        (arrays(128, 7).T, arrays(30, 128).T),
        (arrays(7, 20)[:, ::2], arrays(10, 60)[:, ::2]),
        (arrays(7, 60)[:, ::2], arrays(30, 20)[:, ::2]),
        (arrays(20, 128)[3:10, 5:70], arrays(90, 40)[20:85, 3:9]),
        (arrays(9, 6)[::-1], arrays(6, 8)[:, ::-1]),
        (np.broadcast_to(arrays(1, 6), (9, 6)), np.broadcast_to(arrays(6, 1), (6, 8))),
        (arrays(2, 4, 9, 8), arrays(2, 4, 8, 9)),
        (arrays(2, 9, 4, 8).swapaxes(1, 2), arrays(2, 11, 4, 8).transpose(0, 2, 3, 1)),
        (arrays(1, 3), arrays(3, 1)),
        (arrays(5, 8)[:, 2:3], arrays(8, 5)[2:3]),
        (arrays(8, 5)[2:3], arrays(5, 8)[:, 2:3]),
        (arrays(4, 0), arrays(0, 5)),
        (arrays(0, 4), arrays(4, 5)),
        (arrays(0, 3, 4), arrays(0, 4, 5)),
    ],
)
def test_products_are_those_of_matmul(without_blas: str, a: np.ndarray, b: np.ndarray) -> None:
    assert without_blas in multiplier()
    expected = a @ b
    made = product(a, b)
    assert made.dtype == np.float32 and made.flags.c_contiguous
    np.testing.assert_allclose(made, expected, atol=1e-4)
    wide = np.zeros((*expected.shape[:-1], expected.shape[-1] + 2), np.float32)
    product(a, b, out=wide[..., 1:-1])
    np.testing.assert_allclose(wide[..., 1:-1], expected, atol=1e-4)
    assert not wide[..., 0].any() and not wide[..., -1].any()
    turned = np.zeros((*expected.shape[:-2], *expected.shape[:-3:-1]), np.float32).swapaxes(-1, -2)
    product(a, b, out=turned)
    np.testing.assert_allclose(turned, expected, atol=1e-4)


def test_a_product_of_doubles_stays_one(without_blas: str) -> None:
    a, b = arrays(5, 6).astype(np.float64), arrays(6, 4).astype(np.float64)
    made = product(a, b)
    assert made.dtype == np.float64
    np.testing.assert_allclose(made, a @ b, atol=1e-12)


@pytest.mark.parametrize(("matmul_ms", "einsum_ms", "expected"), [(1.0, 2.0, True), (4.0, 1.0, False)])
def test_single_slow_products_do_not_decide_the_measurement(
    monkeypatch: pytest.MonkeyPatch, matmul_ms: float, einsum_ms: float, expected: bool
) -> None:
    now, product_number = 0.0, 0

    def clock() -> float:
        """The time before and after each product; all but one product of each way wait for another process."""
        nonlocal now, product_number
        turn, way = divmod(product_number // 2, 2)
        if product_number % 2:
            now += (matmul_ms, einsum_ms)[way] + (0.0 if turn == 7 else 100.0)
        product_number += 1
        return now

    monkeypatch.setattr(matmul.time, "perf_counter", clock)
    assert has_blas.__wrapped__() is expected


@pytest.mark.parametrize("way", ["einsum", "OpenBLAS"])
def test_motions_are_the_same_without_a_blas(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Request("a person walks forward and waves", 60, 3), Request("a person jumps", 40, 1, steps=2)]
    model = MotionLCM.from_folder(None, "numpy")
    expected = [model.features(request) for request in requests]
    use(way, monkeypatch)
    plain = MotionLCM.from_folder(None, "numpy")
    for request, features in zip(requests, expected, strict=True):
        np.testing.assert_allclose(plain.features(request), features, atol=2e-4)


def fake_package(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    """A package scipy_openblas32 with a damaged library, or with none."""
    (folder / "scipy_openblas32" / "lib").mkdir(parents=True)
    (folder / "scipy_openblas32" / "__init__.py").write_text("raise AssertionError('imported')")
    if content is not None:
        (folder / "scipy_openblas32" / "lib" / "libscipy_openblas.so").write_bytes(content)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "scipy_openblas32", raising=False)


@pytest.mark.parametrize("content", [None, b"", b"no library"])
def test_without_a_usable_library_products_go_on_and_the_log_has_one_line(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fake_package(tmp_path, monkeypatch, content)
    monkeypatch.setattr(openblas, "_loader", openblas._Loader())
    openblas.keep_notes_in(tmp_path / "notes")
    monkeypatch.setattr(matmul, "has_blas", lambda: False)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            np.testing.assert_allclose(product(arrays(3, 4), arrays(4, 5)), arrays(3, 4) @ arrays(4, 5), atol=1e-5)
    assert len(caplog.records) == 1 and "OpenBLAS is not used" in caplog.text
    assert openblas.reason() in multiplier() and "einsum" in multiplier()
    assert not list(tmp_path.glob("notes/*"))


def test_a_library_with_wrong_products_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    use("OpenBLAS", monkeypatch)
    monkeypatch.setattr(openblas, "_loader", openblas._Loader())
    right = openblas.OpenBLAS.product
    monkeypatch.setattr(openblas.OpenBLAS, "product", lambda self, a, b, out: right(self, a, 1.01 * b, out))
    assert openblas.library() is None and "wrong products" in openblas.reason()


def test_a_crash_while_loading_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use("OpenBLAS", monkeypatch)
    script = f"""
import os, sys
sys.path[:0] = {[str(Path(__file__).parents[2]), *sys.path]!r}
from pathlib import Path
from motionlcm_blender.networks.numpy_impl import openblas
openblas.keep_notes_in(Path({str(tmp_path)!r}))
if sys.argv[1] == "crash":
    openblas.OpenBLAS.is_right = lambda self: os._exit(9)
print(openblas.library() is not None, openblas.reason())
"""

    def run(word: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, word]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    assert run("go").stdout.startswith("True") and not list(tmp_path.iterdir())
    assert run("crash").returncode == 9
    (note,) = tmp_path.iterdir()
    later = run("go")
    assert later.stdout.startswith("False") and str(note) in later.stdout
    note.rename(tmp_path / "loading-openblas-0.1")  # of an earlier version of the package
    assert run("go").stdout.startswith("True")


def test_one_thread_unless_the_environment_names_another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    use("OpenBLAS", monkeypatch)
    script = f"""
import sys
sys.path[:0] = {[str(Path(__file__).parents[2]), *sys.path]!r}
from motionlcm_blender.networks.numpy_impl import openblas
print(openblas.library().threads)
"""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"
    if (os.cpu_count() or 1) > 1:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "2\n"
