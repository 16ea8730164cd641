"""Levenberg-Marquardt on problems whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from motionlcm_blender.networks.torch_impl.latent_tuning import PASSES, smooth_rows, tune  # noqa: E402


def test_a_linear_problem_is_solved_in_two_rounds_by_the_shortest_step() -> None:
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(1, 4, 8, generator=generator)
    matrix = torch.randn(32, 6, generator=generator) / 32**0.5
    wanted = start.flatten(1) @ matrix + 0.1

    def residual(latents: torch.Tensor) -> torch.Tensor:
        return latents.flatten(1) @ matrix - wanted

    tuned = tune(residual, start, np.eye(6, dtype=np.float32))
    assert tuned.before == pytest.approx(0.1, rel=1e-4)
    assert tuned.after < 0.01 * tuned.before
    assert tuned.passes <= PASSES
    assert float(tuned.noise.norm()) == pytest.approx(float(start.norm()), rel=1e-4)
    assert float((tuned.noise - start).norm()) < 0.3 * float(start.norm())


def test_it_never_gets_worse_and_stops_when_nothing_helps() -> None:
    start = torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(1))
    tuned = tune(lambda latents: 0.0 * latents.flatten(1)[:, :3] + 1.0, start, np.eye(3, dtype=np.float32))
    assert tuned.after == pytest.approx(tuned.before) == pytest.approx(1.0)
    assert tuned.passes == 2
    torch.testing.assert_close(tuned.noise, start)


def test_rows_are_orthonormal_and_see_each_joint() -> None:
    mask = np.zeros((100, 22, 3), bool)
    mask[:, 0, [0, 2]] = True
    mask[40:45, 21] = True
    rows = smooth_rows(mask)
    np.testing.assert_allclose(rows @ rows.T, np.eye(len(rows)), atol=1e-5)
    assert rows.shape[1] == mask.sum() and len(rows) <= 24
    few = np.zeros((100, 22, 3), bool)
    few[50, 21] = True
    np.testing.assert_array_equal(smooth_rows(few), np.eye(3))
