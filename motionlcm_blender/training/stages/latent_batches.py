"""Batches of latents with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...array_types import FloatArray, IntArray
from ..data.captions import CaptionTokens
from ..data.pool import Pool


@dataclass(frozen=True, eq=False)
class LatentBatch:
    """latents (B, tokens, latent_width); text (B, L, text_width) and its mask; the same without the prompt.

    indices: (B,) rows of the pool; captions: their texts.
    """

    indices: IntArray
    captions: tuple[str, ...]
    latents: Tensor
    text: Tensor
    text_mask: Tensor
    null_text: Tensor
    null_mask: Tensor


class Drawer:
    """Draws examples of a captioned pool by weight."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.cumulative = np.cumsum(pool.weights / pool.weights.sum())

    def indices(self, generator: torch.Generator, count: int) -> IntArray:
        """(count,) examples by weight."""
        uniform = torch.rand(count, generator=generator).numpy().astype(np.float64)
        return np.minimum(np.searchsorted(self.cumulative, uniform), len(self.pool) - 1)


class LatentBatches:
    """Draws latents with a caption each."""

    def __init__(
        self,
        pool: Pool,
        drawer: Drawer,
        latents: tuple[FloatArray, FloatArray],
        captions: CaptionTokens,
        device: torch.device,
    ) -> None:
        self.pool, self.drawer, self.captions, self.device = pool, drawer, captions, device
        self.means, self.stds = (torch.from_numpy(x).to(device) for x in latents)

    def draw(self, generator: torch.Generator, count: int, dropout: float = 0.0) -> LatentBatch:
        """`count` examples by weight."""
        return self.of(self.drawer.indices(generator, count), generator, dropout)

    def of(self, indices: IntArray, generator: torch.Generator, dropout: float = 0.0) -> LatentBatch:
        """The given examples; each prompt is replaced by the empty one with probability `dropout`."""
        rows = torch.from_numpy(indices).to(self.device)
        mean, std = self.means[rows], self.stds[rows]
        latents = mean + std * normal(mean.shape, generator, self.device)
        chances = torch.rand(2, len(indices), generator=generator).numpy()
        chosen = []
        for k, index in enumerate(indices):
            choices = self.pool.captions[index]
            chosen.append("" if chances[0, k] < dropout else choices[int(chances[1, k] * len(choices))])
        lengths: Sequence[int] = self.pool.lengths[indices].tolist()
        text, mask = self.captions.batch(chosen, lengths)
        null, null_mask = self.captions.batch([""] * len(indices), lengths)
        move = [x.to(self.device) for x in (latents, text, mask, null, null_mask)]
        return LatentBatch(indices, tuple(chosen), *move)


def normal(shape: Sequence[int], generator: torch.Generator, device: torch.device) -> Tensor:
    """Normal random numbers of the generator; a GPU draws them itself, from a seed that the generator gives it."""
    if device.type == "cpu":
        return torch.randn(tuple(shape), generator=generator)
    there = torch.Generator(device).manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    return torch.randn(tuple(shape), generator=there, device=device)


def guidance_scales(limits: tuple[float, float], count: int, generator: torch.Generator) -> Tensor:
    """(count,) guidance scales within limits, low ones more often: there the defaults lie, and most of the quality."""
    low, high = limits
    return low + (high - low) * torch.rand(count, generator=generator).square()
