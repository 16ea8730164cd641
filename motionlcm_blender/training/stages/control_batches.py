"""Batches for the ControlNet: latents with a caption, and joint positions of their motion as hints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...array_types import IntArray
from ...motion.features import FEATURES
from ...networks.torch_impl.torch_features import joints_from_features
from ...networks.torch_impl.vae import Autoencoder
from ..config import ControlSettings
from ..data.hint_patterns import hint_mask
from ..data.normalisation import Normalisation
from ..data.row_choice import rows_of_similar_length
from .latent_batches import LatentBatches


@dataclass(frozen=True, eq=False)
class HintBatch:
    """A batch of motions with hints.

    Attributes:
        hints: (B, T, 22, 3) normalised, zero where not given.
        mask: (B, T, 22, 3) bool, what is given.
        joints: (B, T, 22, 3) the captured positions, metres.
        frames: (B, T) bool, True where the motion is.
    """

    hints: Tensor
    mask: Tensor
    joints: Tensor
    frames: Tensor


class ControlBatches:
    """Draws rows of the pool and hints of their motion."""

    def __init__(self, batches: LatentBatches, normalisation: Normalisation, settings: ControlSettings) -> None:
        self.batches, self.settings = batches, settings
        device, pool = batches.device, batches.pool
        self.mean, self.std = (torch.from_numpy(x).to(device) for x in (normalisation.mean, normalisation.std))
        self.hint_mean, self.hint_std = (
            torch.from_numpy(x).to(device) for x in (normalisation.hint_mean, normalisation.hint_std)
        )
        self.straight = pool.straight > 0
        weights = pool.weights * ~pool.prop
        weights = (1 - settings.straight_share) * weights / weights.sum()
        if self.straight.any():
            weights = weights + settings.straight_share * pool.straight
        self.cumulative = np.cumsum(weights / weights.sum())

    def indices(self, generator: torch.Generator, frames: int) -> IntArray:
        """Rows of about the same length, about `frames` frames in all."""
        uniform = torch.rand(self.settings.candidates, generator=generator).numpy().astype(np.float64)
        candidates = np.minimum(np.searchsorted(self.cumulative, uniform), len(self.cumulative) - 1)
        chosen, _ = rows_of_similar_length(self.batches.pool.lengths[candidates], frames, generator)
        return candidates[chosen]

    def hints(self, indices: IntArray, generator: torch.Generator) -> HintBatch:
        """Hints of the given rows, by the patterns of the settings."""
        frames = torch.arange(int(self.batches.pool.lengths[indices].max()))[None]
        frames = frames < torch.from_numpy(self.batches.pool.lengths[indices])[:, None]
        return self.given(indices, hint_mask(frames, self.straight[indices], self.settings.patterns, generator))

    def given(self, indices: IntArray, mask: Tensor) -> HintBatch:
        """Hints of the given rows where the mask (B, T, 22, 3) has them; T as long as the longest row."""
        pool, device = self.batches.pool, self.batches.device
        lengths = pool.lengths[indices]
        features = np.zeros((len(indices), mask.shape[1], FEATURES), np.float32)
        for k, index in enumerate(indices):
            features[k, : lengths[k]] = pool.example(int(index))[:, :FEATURES]
        frames = torch.arange(mask.shape[1])[None] < torch.from_numpy(lengths)[:, None]
        mask = mask.to(device)
        joints = joints_from_features(torch.from_numpy(features).to(device))
        hints = torch.where(mask, (joints - self.hint_mean) / self.hint_std, torch.zeros_like(joints))
        return HintBatch(hints, mask, joints, frames.to(device))

    def decoded(self, vae: Autoencoder, latents: Tensor, frames: Tensor) -> Tensor:
        """(B, T, features of a frame), not normalised."""
        return vae.decode(latents, frames).float() * self.std + self.mean
