"""Products with and without a BLAS give the same numbers, and so does the whole NumPy runtime."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.networks.numpy_impl import matmul
from motionlcm_blender.networks.numpy_impl.matmul import has_blas, product


@pytest.fixture
def without_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matmul, "has_blas", lambda: False)


def arrays(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (arrays(7, 128), arrays(128, 30)),
        (arrays(7, 128), arrays(30, 128).T),
        (arrays(7, 20)[:, ::2], arrays(10, 60)[:, ::2]),
        (arrays(7, 60)[:, ::2], arrays(30, 20)[:, ::2]),
        (arrays(2, 4, 9, 8), arrays(2, 4, 8, 9)),
        (arrays(2, 9, 4, 8).swapaxes(1, 2), arrays(2, 11, 4, 8).transpose(0, 2, 3, 1)),
        (arrays(1, 3), arrays(3, 1)),
    ],
)
def test_products_are_those_of_matmul(without_blas: None, a: np.ndarray, b: np.ndarray) -> None:
    expected = a @ b
    made = product(a, b)
    assert made.dtype == np.float32 and made.flags.c_contiguous
    np.testing.assert_allclose(made, expected, atol=1e-4)
    wide = np.zeros((*expected.shape[:-1], expected.shape[-1] + 2), np.float32)
    product(a, b, out=wide[..., 1:-1])
    np.testing.assert_allclose(wide[..., 1:-1], expected, atol=1e-4)
    assert not wide[..., 0].any() and not wide[..., -1].any()


def test_the_measurement_says_the_same_each_time() -> None:
    assert {has_blas.__wrapped__() for _ in range(20)} == {has_blas()}


def test_motions_are_the_same_without_a_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = [Request("a person walks forward and waves", 60, 3), Request("a person jumps", 40, 1, steps=2)]
    model = MotionLCM.from_folder(None, "numpy")
    expected = [model.features(request) for request in requests]
    monkeypatch.setattr(matmul, "has_blas", lambda: False)
    plain = MotionLCM.from_folder(None, "numpy")
    for request, features in zip(requests, expected, strict=True):
        np.testing.assert_allclose(plain.features(request), features, atol=2e-4)
