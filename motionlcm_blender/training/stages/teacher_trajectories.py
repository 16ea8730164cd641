"""Motion that the teacher samples from pure noise, stored so that the student can learn to predict it in one step.

A one-step sampler predicts the far end of the teacher's trajectory from pure noise. Consistency distillation gets
there by handing the answer down from timestep to timestep; showing the ends themselves (Luhman and Luhman 2021,
"Knowledge distillation in iterative generative models") is quicker, and both are used together. Every point of a
trajectory has the same end, so points on the way are kept too: the samplers of two and four steps pass there.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...array_types import FloatArray, IntArray, StringArray
from ...networks.noise_schedule import PHASED_DDIM_STEPS, PHASED_TIMESTEPS
from ...networks.samplers import ddim_sample
from ...networks.torch_impl.denoiser import Denoiser
from ..config import StudentSettings
from ..data.captions import CaptionTokens
from ..precision import Precision
from .latent_batches import LatentBatch, LatentBatches, guidance_scales

logger = logging.getLogger(__name__)

SAVE_SECONDS = 120.0
"""Seconds between two saves of what is made so far."""
POINTS = (399, 299)
"""Timesteps of the points that are kept: those that the samplers of two and four steps visit after the first."""
PHASED_POINTS = PHASED_TIMESTEPS[4][1:]
"""The same for a phased student, whose steps are stretches of the trajectory."""
_SEED = 7_000_003
"""Parts these seeds from those of the training steps."""


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Trajectories of the teacher.

    noise, clean: (N, tokens, latent_width) float16, start and end; points: (N, 2 or 3, tokens, latent_width) float16,
    near the timesteps `POINTS` or at `PHASED_POINTS`; guidance: (N,) float32; captions: N strings; frames: (N,); rows:
    (N,) of the pool, where text and hints come from; hinted: (N, bytes) uint8, the packed mask of the hints
    (`packed_hints`), empty without.
    """

    noise: FloatArray
    clean: FloatArray
    points: FloatArray
    guidance: FloatArray
    captions: StringArray
    frames: IntArray
    rows: IntArray
    hinted: IntArray

    def __len__(self) -> int:
        return len(self.captions)

    def text(self, rows: IntArray, captions: CaptionTokens, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Text tokens (B, L, text_width), their mask (B, L) and guidance scales (B,) of the given trajectories."""
        chosen, frames = [str(self.captions[k]) for k in rows], self.frames[rows].tolist()
        text, mask = captions.batch(chosen, frames)
        return text.to(device), mask.to(device), torch.from_numpy(self.guidance[rows]).to(device)

    def save(self, path: Path) -> None:
        """Write the arrays to a file, complete or not at all."""
        temporary = path.with_suffix(".unfinished.npz")
        np.savez(temporary, **{field.name: getattr(self, field.name) for field in fields(self)})
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> Trajectories:
        """Read the arrays that `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(**{field.name: file[field.name] for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class Hinted:
    """Hints of a batch: condition tokens (B, tokens, latent_width) and the packed mask of what is hinted."""

    condition: Tensor
    packed: IntArray


class TeacherNetwork:
    """What `ddim_sample` needs of a teacher."""

    def __init__(self, denoiser: Denoiser) -> None:
        self.denoiser = denoiser.eval().requires_grad_(False)


class TrajectorySource:
    """Draws text and, with a ControlNet, hints, and runs the teacher from pure noise."""

    def __init__(
        self,
        network: Any,
        batches: LatentBatches,
        settings: StudentSettings,
        precision: Precision,
        phased: bool = False,
    ) -> None:
        """network: with `denoiser` and, where `draw` gives hints, `controlnet`, both the teacher's.

        phased: keep the points of a phased student; the number of steps is then fixed.
        """
        self.network, self.batches, self.settings, self.precision = network, batches, settings, precision
        self.points = PHASED_POINTS if phased else POINTS
        self.steps = PHASED_DDIM_STEPS if phased else settings.trajectory_steps

    def draw(self, generator: torch.Generator, count: int) -> tuple[LatentBatch, Hinted | None]:
        """A batch, and no hints; a ControlNet's source gives hints too."""
        return self.batches.draw(generator, count), None

    @torch.no_grad()
    def chunk(self, generator: torch.Generator, count: int) -> Trajectories:
        """Up to `count` trajectories."""
        s, device = self.settings, self.batches.device
        batch, hinted = self.draw(generator, count)
        count = len(batch.indices)
        noise = torch.randn(batch.latents.shape, generator=generator)
        guidance = guidance_scales(s.guidance, count, generator)
        passed: dict[int, Tensor] = {}

        def keep(timestep: int, latents: Tensor) -> None:
            for point in self.points:
                if abs(timestep - point) < 500 // self.steps:
                    passed[point] = latents.float()

        with self.precision.autocast():
            clean: Tensor = ddim_sample(
                self.network,
                batch.text,
                batch.null_text,
                noise.to(device),
                self.steps,
                guidance.to(device)[:, None, None],
                (batch.text_mask, batch.null_mask),
                None if hinted is None else hinted.condition,
                keep,
            )
        half = np.float16
        points = torch.stack([passed[point] for point in self.points], 1)
        return Trajectories(
            noise.numpy().astype(half),
            clean.float().cpu().numpy().astype(half),
            points.cpu().numpy().astype(half),
            guidance.numpy(),
            np.array(batch.captions),
            self.batches.pool.lengths[batch.indices],
            batch.indices,
            np.zeros((count, 0), np.uint8) if hinted is None else hinted.packed,
        )


def teacher_trajectories(source: TrajectorySource, seed: int, path: Path) -> Trajectories:
    """`settings.trajectories` of them, by DDIM in `settings.trajectory_steps`; what the file holds is not made again.

    Each chunk has a seed of its own, so a run that was cut off ends with the same as one that was not. With
    `settings.trajectory_seconds` it ends after this time with fewer, at least one chunk.
    """
    started = time.monotonic()
    parts = [Trajectories.load(path)] if path.exists() else []
    wanted = source.settings.trajectories
    done, saved = sum(len(p) for p in parts), time.monotonic()
    while done < wanted:
        generator = torch.Generator().manual_seed(seed * _SEED + done)
        parts.append(source.chunk(generator, min(source.settings.trajectory_chunk, wanted - done)))
        done += len(parts[-1])
        limit = source.settings.trajectory_seconds
        if limit and time.monotonic() - started > limit:
            wanted = done
        if done >= wanted or time.monotonic() - saved > SAVE_SECONDS:
            parts = [_together(parts)]
            parts[0].save(path)
            saved = time.monotonic()
            logger.info("teacher's trajectories: %d of %d", done, wanted)
    return _together(parts)


def _together(parts: list[Trajectories]) -> Trajectories:
    joined = {}
    for field in fields(Trajectories):
        values = [getattr(part, field.name) for part in parts]
        joined[field.name] = np.concatenate(values)
    return Trajectories(**joined)
