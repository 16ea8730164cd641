"""A VAE whose latent tokens are windows of a lapped linear transform, with a transformer that refines what is decoded.

Each latent token stands for `hop` frames and reads and writes a window of `lapped_frames` = 2 hop frames, so that the
windows of neighbours overlap by half and no step is left where one token ends (the lapped transform of audio coding,
Malvar 1990, with a learned basis in place of cosines). The refiner sees the decoded frames and adds a correction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...motion.skeleton import MAX_FRAMES
from ..architecture import Architecture
from .frame_groups import group_frames, split_frames, token_mask
from .transformer import Positions, SkipTransformer, key_bias
from .vae import MotionVAE

LATENT_STD = 0.1
"""Standard deviation of the posterior, the same for all channels: the mean square of a latent is about 1."""


class LappedVAE(nn.Module):
    """Motion features to a few latent tokens and back; the interface of `MotionVAE`."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.tokens, self.frames_per_token, self.features = a.latent_tokens, a.frames_per_token, a.features
        self.window, self.hop, self.lead = a.lapped_frames, a.lapped_hop, a.lapped_lead
        self.analysis = nn.Linear(self.window * a.features, a.latent_width)
        self.synthesis = nn.Linear(a.latent_width, self.window * a.features)
        self.latent_log_std = nn.Parameter(torch.full((a.latent_width,), LATENT_STD).log(), requires_grad=False)
        self.query_pos_decoder = Positions(a.width)
        self.skel_embedding = nn.Linear(a.features * a.frames_per_token, a.width)
        self.refiner = SkipTransformer(a.width, a.feedforward, a.heads, a.vae_layers)
        self.final_layer = nn.Linear(a.width, a.features * a.frames_per_token)
        nn.init.zeros_(self.final_layer.weight)
        nn.init.zeros_(self.final_layer.bias)

    @property
    def span(self) -> int:
        """Frames from the beginning of the first window to the end of the last."""
        return self.window + self.hop * (self.tokens - 1)

    def encode(self, features: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode features; what lies outside of the motion is its first or last frame.

        Args:
            features: (B, T, features of a frame) normalised.
            mask: (B, T) bool, True for the first frames of each motion; None: all.

        Returns:
            Mean and std, (B, tokens, latent_width) each.
        """
        batch, frames = features.shape[:2]
        lengths = features.new_full((batch,), frames, dtype=torch.long) if mask is None else mask.sum(1)
        places = torch.arange(self.span, device=features.device)[None] - self.lead
        places = torch.minimum(places.clamp_min(0), (lengths.clamp_min(1) - 1)[:, None])
        held = features.gather(1, places[..., None].expand(-1, -1, self.features))
        windows = held.unfold(1, self.window, self.hop).transpose(2, 3).flatten(2)
        mean: Tensor = self.analysis(windows)
        return mean, self.latent_log_std.exp().expand_as(mean)

    def linear(self, latents: Tensor) -> Tensor:
        """(B, MAX_FRAMES, features of a frame) from latents by the linear transform alone."""
        windows = self.synthesis(latents).unflatten(2, (self.window, self.features))
        columns = windows.permute(0, 3, 2, 1).flatten(1, 2)
        summed = F.fold(columns, (self.span, 1), (self.window, 1), stride=(self.hop, 1))[..., 0].transpose(1, 2)
        return summed[:, self.lead : self.lead + MAX_FRAMES]

    def decode(self, latents: Tensor, mask: Tensor) -> Tensor:
        """Decode latents.

        Args:
            latents: (B, tokens, latent_width).
            mask: (B, T) bool, True for frames.

        Returns:
            (B, T, features of a frame) normalised, zero where masked.
        """
        kept = mask[..., None].to(latents.dtype)
        decoded = self.linear(latents)[:, : mask.shape[1]] * kept
        there = token_mask(mask, self.frames_per_token)
        queries = self.query_pos_decoder(self.skel_embedding(group_frames(decoded, self.frames_per_token)))
        correction = self.final_layer(self.refiner(queries, key_bias(there)))
        return (decoded + split_frames(correction, mask.shape[1], self.frames_per_token)) * kept


def vae_of(architecture: Architecture) -> MotionVAE | LappedVAE:
    """A new VAE of the architecture's kind."""
    return LappedVAE(architecture) if architecture.lapped_frames else MotionVAE(architecture)
