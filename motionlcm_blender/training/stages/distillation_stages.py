"""Stages 2 and 3: the MLD++ teacher, and consistency distillation into the student (MODEL.md section 3)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ...array_types import IntArray
from ...networks.noise_schedule import TRAIN_STEPS, alphas_cumprod
from ...networks.torch_impl.denoiser import Denoiser, LatentTransformer
from ..config import StudentSettings, TeacherSettings
from ..precision import Precision
from .latent_batches import LatentBatches, guidance_scales, normal

if TYPE_CHECKING:
    from .teacher_trajectories import Trajectories

DISTILLATION_STRIDE = 100
"""Timesteps of one distilled step."""
HUBER = 0.5
"""Error at which the loss turns from squared to absolute."""
FIRST_TIMESTEPS = (799, 699)
"""Where one-step, and two- and four-step sampling begin, from pure noise."""
VISITED = (*FIRST_TIMESTEPS, 399, 299)
"""All timesteps that the samplers of one, two and four steps visit."""


def scales(timesteps: Tensor) -> tuple[Tensor, Tensor]:
    """The schedule's alpha and sigma, (B, 1, 1) each, at (B,) timesteps."""
    products = torch.from_numpy(np.array(alphas_cumprod()))[timesteps.cpu()].to(timesteps.device)
    return products.sqrt()[:, None, None], (1 - products).sqrt()[:, None, None]


def consistency(noisy: Tensor, epsilon: Tensor, timesteps: Tensor) -> Tensor:
    """The consistency function's value from predicted noise: c_skip x + c_out x0."""
    alpha, sigma = scales(timesteps)
    scaled = (10.0 * timesteps.float())[:, None, None]
    c_skip, c_out = 0.25 / (scaled**2 + 0.25), scaled / (scaled**2 + 0.25).sqrt()
    return c_skip * noisy + c_out * ((noisy - sigma * epsilon) / alpha)


def huber(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean pseudo-Huber distance, as the student's loss is defined."""
    return ((made - wanted).square() + HUBER**2).sqrt().mean() - HUBER


def starts_and_points(known: Trajectories, rows: IntArray, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noisy latents of trajectories (B, tokens, latent_width) and the timesteps (B,) at which the samplers meet them.

    Mostly pure noise at the first timestep of one-step sampling, else pure noise at that of two and four steps, or a
    point on the way.
    """
    chances = torch.rand(len(rows), generator=generator)
    kind = torch.bucketize(chances, torch.tensor([0.5, 0.7, 0.85])).numpy()
    noisy = known.noise[rows].astype(np.float32)
    for number, point in ((2, 0), (3, 1)):
        noisy[kind == number] = known.points[rows[kind == number], point].astype(np.float32)
    return torch.from_numpy(noisy), torch.tensor(VISITED)[torch.from_numpy(kind)]


class TeacherLosses:
    """Mean squared error at uniform timesteps, of the predicted noise or of the predicted velocity.

    The noise's error has little information at strong noise, where the prompt decides what happens and where a
    few-step student starts; the velocity's is the same divided by alpha squared.
    """

    def __init__(
        self, denoiser: Denoiser, batches: LatentBatches, settings: TeacherSettings, precision: Precision
    ) -> None:
        self.denoiser, self.batches, self.settings, self.precision = denoiser, batches, settings, precision

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        batch = self.batches.draw(generator, self.settings.batch, self.settings.text_dropout)
        device = batch.latents.device
        timesteps = torch.randint(0, TRAIN_STEPS, (len(batch.latents),), generator=generator).to(device)
        noise = normal(batch.latents.shape, generator, device)
        alpha, sigma = scales(timesteps)
        with self.precision.autocast():
            epsilon = self.denoiser(
                alpha * batch.latents + sigma * noise, timesteps, batch.text, text_mask=batch.text_mask
            )
        error = epsilon.float() - noise
        if self.denoiser.velocity:
            error = error / alpha
        return {"loss": error.square().mean()}


class StudentLosses:
    """Consistency distillation with classifier-free guidance folded in (Luo et al. 2023, algorithm 2).

    Part of each batch, `trajectory_share`, are ends of the teacher's trajectories where they are given.
    """

    def __init__(
        self,
        student: Denoiser,
        teacher: Denoiser,
        batches: LatentBatches,
        settings: StudentSettings,
        precision: Precision,
        trajectories: Trajectories | None = None,
    ) -> None:
        self.student, self.teacher = student, teacher.eval().requires_grad_(False)
        self.target = copy.deepcopy(student).eval().requires_grad_(False)
        self.batches, self.settings, self.precision = batches, settings, precision
        self.trajectories = trajectories

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        shown = round(self.settings.batch * self.settings.trajectory_share) if self.trajectories is not None else 0
        terms = {}
        if shown < self.settings.batch:
            terms["consistency"] = self._consistency(generator, self.settings.batch - shown)
        if self.trajectories is not None and shown:
            terms["ends"] = self._ends(self.trajectories, generator, shown)
        return {"loss": torch.stack(list(terms.values())).sum(), **terms}

    def _ends(self, known: Trajectories, generator: torch.Generator, count: int) -> Tensor:
        """What the teacher makes of pure noise, in one step, from where the samplers start."""
        device = self.batches.device
        rows = torch.randint(0, len(known), (count,), generator=generator).numpy()
        noisy, timesteps = starts_and_points(known, rows, generator)
        text, mask, guidance = known.text(rows, self.batches.captions, device)
        clean = torch.from_numpy(known.clean[rows].astype(np.float32)).to(device)
        noisy, timesteps = noisy.to(device), timesteps.to(device)
        with self.precision.autocast():
            epsilon = self.student(noisy, timesteps, text, guidance, text_mask=mask)
        return huber(consistency(noisy, epsilon.float(), timesteps), clean)

    def _consistency(self, generator: torch.Generator, count: int) -> Tensor:
        s = self.settings
        batch = self.batches.draw(generator, count)
        latents, device = batch.latents, batch.latents.device
        number = torch.randint(1, TRAIN_STEPS // DISTILLATION_STRIDE + 1, (count,), generator=generator).to(device)
        start = number * DISTILLATION_STRIDE - 1
        end = (start - DISTILLATION_STRIDE).clamp_min(0)
        noise = normal(latents.shape, generator, device)
        guidance = guidance_scales(s.guidance, count, generator).to(device)
        alpha, sigma = scales(start)
        noisy = alpha * latents + sigma * noise
        with self.precision.autocast():
            epsilon = self.student(noisy, start, batch.text, guidance, text_mask=batch.text_mask)
            with torch.no_grad():
                conditional = self.teacher(noisy, start, batch.text, text_mask=batch.text_mask).float()
                unconditional = self.teacher(noisy, start, batch.null_text, text_mask=batch.null_mask).float()
                guided = unconditional + guidance[:, None, None] * (conditional - unconditional)
                clean = (noisy - sigma * guided) / alpha
                alpha_end, sigma_end = scales(end)
                nearer = alpha_end * clean + sigma_end * guided
                nearer_epsilon = self.target(nearer, end, batch.text, guidance, text_mask=batch.text_mask)
        made = consistency(noisy, epsilon.float(), start)
        with torch.no_grad():
            wanted = consistency(nearer, nearer_epsilon.float(), end)
        return huber(made, wanted)

    def update_target(self) -> None:
        """Let the target follow the student."""
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.target.parameters()),
                [p.detach() for p in self.student.parameters()],
                1 - self.settings.target_decay,
            )


def zero_student_inputs(network: LatentTransformer) -> None:
    """Set the weights of inputs that a teacher lacks to zero, so that a copied student begins as its teacher."""
    nn.init.zeros_(network.time_embedding.cond_proj.weight)
    if network.time_embedding.phased:
        nn.init.zeros_(network.time_embedding.steps_proj.weight)
