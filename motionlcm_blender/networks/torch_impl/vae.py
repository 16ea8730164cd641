"""The motion VAE with V2's latent adapter (docs/MODEL.md section 2)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from ..architecture import Architecture
from .frame_groups import group_frames, hold_last_frame, split_frames, token_mask
from .transformer import Positions, SkipTransformer, key_bias


class Autoencoder(Protocol):
    """What training and sampling need of a VAE, as documented at `MotionVAE`."""

    @property
    def tokens(self) -> int:
        """Tokens of the latent."""

    def encode(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and std of the latents."""

    def decode(self, latents: Tensor, mask: Tensor) -> Tensor:
        """Normalised features."""


class MotionVAE(nn.Module):
    """The motion VAE: motion features to a few latent tokens and back."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.tokens, self.frames_per_token = a.latent_tokens, a.frames_per_token
        self.global_motion_token = nn.Parameter(torch.randn(2 * a.latent_tokens, a.width))
        if a.adapter:
            self.latent_pre = nn.Linear(a.width, a.latent_width)
            self.latent_post = nn.Linear(a.latent_width, a.width)
        self.adapter = a.adapter
        self.query_pos_encoder = Positions(a.width)
        self.encoder = SkipTransformer(a.width, a.feedforward, a.heads, a.vae_layers)
        self.query_pos_decoder = Positions(a.width)
        self.decoder = SkipTransformer(a.width, a.feedforward, a.heads, a.vae_layers, cross=True)
        self.skel_embedding = nn.Linear(a.features * a.frames_per_token, a.width)
        self.final_layer = nn.Linear(a.width, a.features * a.frames_per_token)

    def encode(self, features: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Encode features.

        Args:
            features: (B, T, features of a frame) normalised, 263 as published.
            mask: (B, T) bool, True for frames; None: all.

        Returns:
            Mean and std, (B, tokens, latent_width) each.
        """
        batch = features.shape[0]
        if self.frames_per_token > 1:
            mask = features.new_ones(features.shape[:2], dtype=torch.bool) if mask is None else mask
            features = group_frames(hold_last_frame(features, mask, self.frames_per_token), self.frames_per_token)
            mask = token_mask(mask, self.frames_per_token)
        tokens = self.global_motion_token.expand(batch, -1, -1)
        x = self.query_pos_encoder(torch.cat([tokens, self.skel_embedding(features)], 1))
        if mask is not None:
            mask = torch.cat([mask.new_ones(batch, tokens.shape[1]), mask], 1)
        x = self.encoder(x, key_bias(mask))[:, : 2 * self.tokens]
        if self.adapter:
            x = self.latent_pre(x)
        mean, log_variance = x.split(self.tokens, 1)
        return mean, log_variance.exp().sqrt()

    def decode(self, latents: Tensor, mask: Tensor) -> Tensor:
        """Decode latents.

        Args:
            latents: (B, tokens, latent_width).
            mask: (B, T) bool, True for frames.

        Returns:
            (B, T, features of a frame) normalised, zero where masked.
        """
        memory = self.latent_post(latents) if self.adapter else latents
        there = token_mask(mask, self.frames_per_token)
        queries = self.query_pos_decoder(memory.new_zeros(*there.shape, memory.shape[-1]))
        decoded = self.final_layer(self.decoder(queries, key_bias(there), memory))
        features = split_frames(decoded, mask.shape[1], self.frames_per_token)
        return features * mask[..., None].to(features.dtype)
