"""Distillation in phases: one step of the sampler leads from the beginning of a stretch to its end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from motionlcm_blender.networks.architecture import Architecture  # noqa: E402
from motionlcm_blender.networks.noise_schedule import PHASED_TIMESTEPS, TRAIN_STEPS, alpha_sigma  # noqa: E402
from motionlcm_blender.networks.samplers import lcm_sample, student_timesteps  # noqa: E402
from motionlcm_blender.training.stages.phased_stage import (  # noqa: E402
    BOUNDARIES,
    SHARES,
    STRETCHES,
    drawn_stretches,
    phases_of,
)
from motionlcm_blender.training.stages.teacher_trajectories import PHASED_POINTS, Trajectories  # noqa: E402

SHAPE = (3, 4)


def trajectories(count: int, seed: int) -> Trajectories:
    generator = np.random.default_rng(seed)

    def drawn(*shape: int) -> Any:
        return generator.standard_normal((count, *shape)).astype(np.float16)

    return Trajectories(
        drawn(*SHAPE), drawn(*SHAPE), drawn(3, *SHAPE), np.full(count, 3.0, np.float32), np.full(count, "walk"),
        np.full(count, 40), np.arange(count), np.zeros((count, 0), np.uint8),
    )  # fmt: skip


def test_the_stretches_of_each_sampler_lead_from_noise_to_motion() -> None:
    assert BOUNDARIES[1:-1] == PHASED_POINTS
    for count, timesteps in PHASED_TIMESTEPS.items():
        own = [(first, last) for steps, first, last in STRETCHES if steps == count]
        assert [BOUNDARIES[first] for first, _ in own] == list(timesteps)
        assert [last for _, last in own[:-1]] == [first for first, _ in own[1:]]
        assert BOUNDARIES[own[-1][1]] == 0
    assert len(SHARES) == len(STRETCHES)
    drawn = drawn_stretches(400, torch.Generator().manual_seed(0))
    assert set(drawn) == set(range(len(STRETCHES)))


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_wanted_velocity_leads_to_the_end_of_its_stretch(seed: int) -> None:
    known = trajectories(len(STRETCHES), seed)
    batch = phases_of(known, np.arange(len(known)), np.arange(len(STRETCHES)), torch.device("cpu"))
    wanted = batch.wanted_velocity()
    for k, (code, end) in enumerate(zip(batch.codes.tolist(), batch.end_timesteps.tolist(), strict=True)):
        alpha, sigma = alpha_sigma(code)
        next_alpha, next_sigma = alpha_sigma(end)
        epsilon = alpha * wanted[k] + sigma * batch.noisy[k]
        made = next_alpha * (batch.noisy[k] - sigma * epsilon) / alpha + next_sigma * epsilon
        torch.testing.assert_close(made, batch.end[k], atol=2e-3, rtol=1e-3)
    assert batch.last.tolist() == [last == len(BOUNDARIES) - 1 for _, _, last in STRETCHES]


class Remembering:
    """A network of one trajectory: returns the noise for each of its stretches."""

    architecture = Architecture(phased=True)

    def __init__(self, known: Trajectories) -> None:
        batch = phases_of(known, np.zeros(len(STRETCHES), int), np.arange(len(STRETCHES)), torch.device("cpu"))
        alpha, sigma = (torch.tensor([alpha_sigma(c)[i] for c in batch.codes.tolist()])[:, None, None] for i in (0, 1))
        noise = alpha * batch.wanted_velocity() + sigma * batch.noisy
        self.noise_of = dict(zip(batch.codes.tolist(), noise, strict=True))
        self.codes: list[int] = []

    def denoiser(self, _latents: Any, code: int, _text: Any, _guidance: float, _residuals: Any = None) -> Any:
        self.codes.append(code)
        return self.noise_of[code][None]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_the_sampler_follows_the_trajectory_without_new_noise(steps: int) -> None:
    known = trajectories(1, 5)
    network = Remembering(known)
    start = torch.from_numpy(known.noise.astype(np.float32))
    made = lcm_sample(network, torch.zeros(1, 2, 3), start, None, steps, 3.0)
    assert tuple(network.codes) == student_timesteps(network.architecture, steps)
    assert [code % TRAIN_STEPS for code in network.codes] == list(PHASED_TIMESTEPS[steps])
    # DDIM ends at timestep 0, where a little noise is left; the sampler hands over the motion without it.
    alpha, sigma = alpha_sigma(0)
    end = torch.from_numpy(known.clean.astype(np.float32))
    torch.testing.assert_close(made, (end - sigma * network.noise_of[network.codes[-1]]) / alpha, atol=2e-3, rtol=1e-3)
