"""Distillation in phases: each step of the student is a stretch of the teacher's trajectory.

One step from pure noise to motion must be learnt as a mean over all that the noise may become, and a mean moves less
than captured motion. A stretch of a trajectory is nearly straight, so four of them lose little (progressive
distillation, Salimans and Ho 2022; the number of steps as an input: shortcut models, Frans et al. 2024). The
trajectories are DDIM's in `PHASED_DDIM_STEPS` steps with classifier-free guidance folded in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...array_types import IntArray
from ...networks.noise_schedule import PHASED_DDIM_STEPS, PHASED_TIMESTEPS, TRAIN_STEPS, phased_code
from ...networks.torch_impl.denoiser import Denoiser
from ..config import StudentSettings
from ..precision import Precision
from .distillation_stages import huber, scales
from .latent_batches import LatentBatches, guidance_scales, normal

if TYPE_CHECKING:
    from .teacher_trajectories import Trajectories

BOUNDARIES = (*PHASED_TIMESTEPS[4], 0)
STRETCHES = tuple(
    (count, step * len(PHASED_TIMESTEPS[4]) // count, (step + 1) * len(PHASED_TIMESTEPS[4]) // count)
    for count in PHASED_TIMESTEPS
    for step in range(count)
)
"""(number of steps, index of the boundary where a step begins, and where it ends), for all steps of all samplers."""
SHARES = tuple({1: 0.16, 2: 0.1, 4: 0.16}[count] for count, _, _ in STRETCHES)
"""How often each is shown."""


@dataclass(frozen=True, eq=False)
class PhaseBatch:
    """Steps to learn: noisy and end (B, tokens, latent_width), timesteps (B,) of both, codes (B,) the student reads."""

    noisy: Tensor
    end: Tensor
    start_timesteps: Tensor
    end_timesteps: Tensor
    codes: Tensor

    @property
    def last(self) -> Tensor:
        """(B,) bool: the step ends at the motion."""
        return self.end_timesteps == 0

    def velocity(self, epsilon: Tensor) -> Tensor:
        """The velocity of a predicted noise; its error is about that of the motion's latent."""
        alpha, sigma = scales(self.start_timesteps)
        return (epsilon - sigma * self.noisy) / alpha

    def wanted_velocity(self) -> Tensor:
        """The velocity with which one DDIM step leads from `noisy` to `end`."""
        (alpha, sigma), (next_alpha, next_sigma) = scales(self.start_timesteps), scales(self.end_timesteps)
        ratio = next_alpha / alpha
        return self.velocity((self.end - ratio * self.noisy) / (next_sigma - ratio * sigma))

    def clean(self, epsilon: Tensor) -> Tensor:
        """The motion's latent by a predicted noise."""
        alpha, sigma = scales(self.start_timesteps)
        return (self.noisy - sigma * epsilon) / alpha


def drawn_stretches(count: int, generator: torch.Generator) -> IntArray:
    """(count,) indices of `STRETCHES`, by their shares."""
    shares = torch.tensor(SHARES)
    return torch.multinomial(shares, count, replacement=True, generator=generator).numpy()


def phases_of(known: Trajectories, rows: IntArray, stretches: IntArray, device: torch.device) -> PhaseBatch:
    """The given stretches of the given trajectories."""
    states = (known.noise, *(known.points[:, k] for k in range(known.points.shape[1])), known.clean)
    steps, first, last = np.array(STRETCHES)[stretches].T

    def at(boundary: IntArray) -> Tensor:
        found = np.empty((len(rows), *known.noise.shape[1:]), np.float16)
        for number, state in enumerate(states):
            found[boundary == number] = state[rows[boundary == number]]
        return torch.from_numpy(found).to(device).float()

    boundaries = np.array(BOUNDARIES)
    codes = [phased_code(int(boundaries[f]), int(n)) for n, f in zip(steps, first, strict=True)]
    values = (
        at(first),
        at(last),
        torch.from_numpy(boundaries[first]),
        torch.from_numpy(boundaries[last]),
        torch.tensor(codes),
    )
    return PhaseBatch(*(value.to(device) for value in values))


class PhasedLosses:
    """The student's loss: steps of the teacher's trajectories, from pure noise and from noised captured motion."""

    def __init__(
        self,
        student: Denoiser,
        teacher: Denoiser,
        batches: LatentBatches,
        settings: StudentSettings,
        precision: Precision,
        trajectories: Trajectories,
    ) -> None:
        self.student, self.teacher = student, teacher.eval().requires_grad_(False)
        self.batches, self.settings, self.precision = batches, settings, precision
        self.trajectories = trajectories

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        s = self.settings
        shown = round(s.batch * s.trajectory_share)
        terms = {"ends": self._from_trajectories(generator, shown)}
        if shown < s.batch:
            terms["captured"] = self._from_captured(generator, s.batch - shown)
        weights = {"ends": shown / s.batch, "captured": 1 - shown / s.batch}
        return {"loss": torch.stack([weights[name] * term for name, term in terms.items()]).sum(), **terms}

    def _loss(self, batch: PhaseBatch, text: Tensor, mask: Tensor, guidance: Tensor) -> Tensor:
        with self.precision.autocast():
            epsilon = self.student(batch.noisy, batch.codes, text, guidance, text_mask=mask)
        return huber(batch.velocity(epsilon.float()), batch.wanted_velocity())

    def _from_trajectories(self, generator: torch.Generator, count: int) -> Tensor:
        known, device = self.trajectories, self.batches.device
        rows = torch.randint(0, len(known), (count,), generator=generator).numpy()
        batch = phases_of(known, rows, drawn_stretches(count, generator), device)
        return self._loss(batch, *known.text(rows, self.batches.captions, device))

    def _from_captured(self, generator: torch.Generator, count: int) -> Tensor:
        """Steps of four-step sampling that begin at captured motion with noise, where the teacher goes from there."""
        drawn = self.batches.draw(generator, count)
        device = drawn.latents.device
        guidance = guidance_scales(self.settings.guidance, count, generator).to(device)
        start = torch.tensor(PHASED_TIMESTEPS[4])[torch.randint(0, 4, (count,), generator=generator)].to(device)
        alpha, sigma = scales(start)
        noisy = alpha * drawn.latents + sigma * normal(drawn.latents.shape, generator, device)
        stride = TRAIN_STEPS // PHASED_DDIM_STEPS
        sample, timestep = noisy, start
        with torch.no_grad(), self.precision.autocast():
            for _ in range(PHASED_DDIM_STEPS // 4):
                conditional = self.teacher(sample, timestep, drawn.text, text_mask=drawn.text_mask).float()
                plain = self.teacher(sample, timestep, drawn.null_text, text_mask=drawn.null_mask).float()
                epsilon = plain + guidance[:, None, None] * (conditional - plain)
                (alpha, sigma), following = scales(timestep), (timestep - stride).clamp_min(0)
                next_alpha, next_sigma = scales(following)
                sample = next_alpha * ((sample - sigma * epsilon) / alpha) + next_sigma * epsilon
                timestep = following
        codes = start + phased_code(0, 4)
        return self._loss(PhaseBatch(noisy, sample, start, timestep, codes), drawn.text, drawn.text_mask, guidance)
