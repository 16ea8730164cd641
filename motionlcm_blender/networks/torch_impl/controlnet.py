"""The motion ControlNet and its trajectory encoder (docs/MODEL.md section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..architecture import Architecture
from ..parameter_shapes import hint_width
from .denoiser import LatentTransformer
from .frame_groups import group_frames, token_mask
from .transformer import Positions, SkipTransformer, key_bias


def _zero_linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class ControlNet(LatentTransformer):
    """A copy of the student that reads a condition and outputs zero-initialised residuals."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture, final_norm=False)
        a = architecture
        layers: list[nn.Module] = [nn.Linear(a.latent_width, a.width), nn.Linear(a.width, a.width)]
        layers.append(_zero_linear(a.width, a.latent_width))
        if a.condition_silu:
            layers = [layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2]]
        self.controlnet_cond_embedding = nn.Sequential(*layers)
        self.controlnet_down_mid_blocks = nn.ModuleList(
            _zero_linear(a.width, a.width) for _ in range(a.denoiser_layers)
        )

    def forward(
        self,
        latents: Tensor,
        timestep: Tensor | int,
        text: Tensor,
        guidance: Tensor | float | None,
        condition: Tensor,
        text_mask: Tensor | None = None,
    ) -> list[Tensor]:
        """Compute the residuals.

        Args:
            latents: As for the denoiser.
            timestep: As for the denoiser.
            text: As for the denoiser.
            guidance: As for the denoiser.
            condition: (B, tokens, latent_width) from the trajectory encoder.
            text_mask: As for the denoiser.

        Returns:
            One residual (B, all tokens, width) for each block of the denoiser.
        """
        noisy = latents + self.controlnet_cond_embedding(condition)
        x, bias = self.sequence(noisy, timestep, text, guidance, text_mask)
        outputs: list[Tensor] = []
        self.encoder(x, bias, outputs=outputs)
        return [layer(x) for layer, x in zip(self.controlnet_down_mid_blocks, outputs, strict=True)]


class TrajectoryEncoder(nn.Module):
    """Encodes hints over the frames to as many tokens as the latent has."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        a = architecture
        self.tokens, self.frames_per_token, self.flags = a.latent_tokens, a.frames_per_token, a.hint_flags
        self.global_motion_token = nn.Parameter(torch.randn(a.latent_tokens, a.width))
        self.skel_embedding = nn.Linear(hint_width(a), a.width)
        self.query_pos_encoder = Positions(a.width)
        self.encoder = SkipTransformer(a.width, a.feedforward, a.heads, a.trajectory_layers)
        self.adapter = a.adapter
        if a.adapter:
            self.latent_proj = nn.Linear(a.width, a.latent_width)

    def forward(self, hints: Tensor, hint_mask: Tensor) -> Tensor:
        """Encode hints. Frames without any hint are masked.

        Args:
            hints: (B, T, 22, 3) normalised.
            hint_mask: (B, T, 22, 3) bool, True where given.

        Returns:
            (B, tokens, latent_width).
        """
        batch = hints.shape[0]
        hint_mask = hint_mask.to(torch.bool)
        frames = (hints * hint_mask).flatten(2)
        if self.flags:
            frames = torch.cat([frames, hint_mask.flatten(2).to(frames.dtype)], -1)
        frames = group_frames(frames, self.frames_per_token)
        given = token_mask(hint_mask.flatten(2).any(-1), self.frames_per_token)
        keep = torch.cat([hint_mask.new_ones(batch, self.tokens), given], 1)
        x = torch.cat([self.global_motion_token.expand(batch, -1, -1), self.skel_embedding(frames)], 1)
        x = self.encoder(self.query_pos_encoder(x), key_bias(keep))[:, : self.tokens]
        result: Tensor = self.latent_proj(x) if self.adapter else x
        return result
