"""What the teacher makes of pure noise, kept so that the student can learn to say it in one step.

A one-step sampler is asked for the far end of the teacher's trajectory from pure noise. Consistency distillation gets
there by handing the answer down from timestep to timestep; showing the ends themselves (Luhman and Luhman 2021,
"Knowledge distillation in iterative generative models") is quicker, and both are used together.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..model.denoiser import Denoiser
from ..networks.samplers import ddim_sample
from .config import StudentSettings
from .latent_stages import LatentBatches, guidance_scales
from .precision import Precision

logger = logging.getLogger(__name__)

CHUNK = 128
SAVE_SECONDS = 60.0
_SEED = 7_000_003
"""Parts these seeds from those of the training steps."""


@dataclass(frozen=True)
class Trajectories:
    """Ends of the teacher's trajectories.

    noise, clean: (N, tokens, latent_width) float32; guidance: (N,) float32; captions: N strings; frames: (N,).
    """

    noise: np.ndarray
    clean: np.ndarray
    guidance: np.ndarray
    captions: tuple[str, ...]
    frames: np.ndarray

    def __len__(self) -> int:
        return len(self.captions)

    def save(self, path: Path) -> None:
        temporary = path.with_suffix(".unfinished.npz")
        np.savez(
            temporary, noise=self.noise, clean=self.clean, guidance=self.guidance,
            captions=np.array(self.captions), frames=self.frames,
        )  # fmt: skip
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Trajectories:
        with np.load(path, allow_pickle=False) as file:
            captions = tuple(str(c) for c in file["captions"])
            return cls(file["noise"], file["clean"], file["guidance"], captions, file["frames"])


class _Network:
    """What `ddim_sample` needs of a model."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser


@torch.no_grad()
def teacher_trajectories(
    teacher: Denoiser,
    batches: LatentBatches,
    settings: StudentSettings,
    seed: int,
    precision: Precision,
    path: Path,
) -> Trajectories:
    """`settings.trajectories` of them, by DDIM in `settings.trajectory_steps`; what the file holds is not made again.

    Prompts are drawn as in training, guidance as the student's; each chunk has a seed of its own, so a run that was cut
    off ends with the same as one that was not.
    """
    parts = [Trajectories.load(path)] if path.exists() else []
    done, saved = sum(len(p) for p in parts), time.monotonic()
    while done < settings.trajectories:
        generator = torch.Generator().manual_seed(seed * _SEED + done)
        count = min(CHUNK, settings.trajectories - done)
        parts.append(_chunk(teacher, batches, settings, generator, precision, count))
        done += count
        if done == settings.trajectories or time.monotonic() - saved > SAVE_SECONDS:
            parts = [_together(parts)]
            parts[0].save(path)
            saved = time.monotonic()
            logger.info("teacher's trajectories: %d of %d", done, settings.trajectories)
    return _together(parts)


def _chunk(
    teacher: Denoiser, batches: LatentBatches, s: StudentSettings, generator: torch.Generator, precision: Precision,
    count: int,
) -> Trajectories:  # fmt: skip
    batch = batches.draw(generator, count)
    noise = torch.randn(batch.latents.shape, generator=generator)
    guidance = guidance_scales(s.guidance, count, generator)
    with precision.autocast():
        clean: Tensor = ddim_sample(
            _Network(teacher), batch.text, batch.null_text, noise.to(batches.device), s.trajectory_steps,
            guidance.to(batches.device)[:, None, None], (batch.text_mask, batch.null_mask),
        )  # fmt: skip
    frames = batches.pool.lengths[batch.indices]
    return Trajectories(noise.numpy(), clean.float().cpu().numpy(), guidance.numpy(), batch.captions, frames)


def _together(parts: list[Trajectories]) -> Trajectories:
    return Trajectories(
        np.concatenate([p.noise for p in parts]),
        np.concatenate([p.clean for p in parts]),
        np.concatenate([p.guidance for p in parts]),
        tuple(c for p in parts for c in p.captions),
        np.concatenate([p.frames for p in parts]),
    )
