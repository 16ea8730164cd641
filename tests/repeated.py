"""Comparing what was calculated twice.

The same calculation on the same machine need not give the same bits twice: kernels choose their way by where arrays lie
in memory, by the number of threads and by the processor. Bits are compared only where numbers are copied.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

JOINTS_M = 1e-4
"""Metres (or parts of a unit quaternion): what rounding may do to a motion on its way from the noise."""
NETWORK = 1e-4
"""Of the largest value: what rounding may do to what a network gives."""


def assert_same_motion(one: np.ndarray, other: np.ndarray, within: float = JOINTS_M) -> None:
    np.testing.assert_allclose(one, other, rtol=0.0, atol=within)


def assert_same_output(one: np.ndarray, other: np.ndarray, within: float = NETWORK) -> None:
    np.testing.assert_allclose(one, other, rtol=0.0, atol=within * np.abs(np.asarray(other)).max())


def assert_same_training(
    one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], within: float = 1e-5, stray: float = 0.01
) -> None:
    """Two trainings by the same seeds end with the same weights.

    Adam moves a weight by the whole learning rate whatever its gradient, so that one whose gradient is nothing but
    rounding may go the other way: a share of the weights, `stray`, may do so. Another seed moves nearly all of them.
    """
    assert one.keys() == other.keys()
    away = np.concatenate([np.abs(one[name] - other[name]).ravel() for name in one])
    assert np.isfinite(away).all()
    assert (away > within).mean() <= stray, f"{(away > within).mean():.1%} of the weights differ"
