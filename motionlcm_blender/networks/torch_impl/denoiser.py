"""The denoiser, teacher or student (docs/MODEL.md section 3), and its parts shared with the ControlNet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..architecture import Architecture
from ..noise_schedule import (
    GUIDANCE_WIDTH,
    STEP_COUNTS,
    TIME_WIDTH,
    TRAIN_STEPS,
    alpha_sigma,
    alphas_cumprod,
    guidance_embedding,
    time_embedding,
)
from .transformer import Positions, SkipTransformer, key_bias


class TimeEmbedding(nn.Module):
    """Embeds the timestep and, for a student, the guidance scale as one token."""

    table: Tensor

    def __init__(self, width: int, student: bool, phased: bool = False) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(TIME_WIDTH, width)
        self.linear_2 = nn.Linear(width, width)
        if student:
            self.cond_proj = nn.Linear(GUIDANCE_WIDTH, TIME_WIDTH, bias=False)
        self.student, self.phased = student, student and phased
        if self.phased:
            self.steps_proj = nn.Linear(STEP_COUNTS, TIME_WIDTH, bias=False)
        rows = np.stack([time_embedding(t) for t in range(TRAIN_STEPS)])
        self.register_buffer("table", torch.from_numpy(rows), persistent=False)
        self._rows: dict[tuple[float, torch.device], Tensor] = {}

    def constant(self, timestep: int, guidance: float | None) -> Tensor:
        """(1, 1, width) token for numbers that are the same for a whole batch.

        After the first call with the same numbers it neither copies anything to the device nor synchronises with it.
        """
        x = self._row(timestep)[None]
        if self.student and guidance is not None:
            scale = float(np.float32(guidance))  # rounded as in NumPy: the sinusoids are sensitive to the difference
            key = scale, x.device
            if key not in self._rows:
                with torch.inference_mode(False):  # the token may be used outside of inference mode later
                    self._rows[key] = torch.from_numpy(guidance_embedding(scale)).to(x.device)[None]
            x = x + self.cond_proj(self._rows[key])
        result: Tensor = self.linear_2(F.silu(self.linear_1(x)))[:, None]
        return result

    def _row(self, timestep: Tensor | int) -> Tensor:
        """Sinusoids of timesteps; for a phased student's codes, with what stands for the number of steps."""
        if not self.phased:
            return self.table[timestep]
        steps: Tensor = self.steps_proj.weight.T[timestep // TRAIN_STEPS]
        return self.table[timestep % TRAIN_STEPS] + steps

    def forward(self, timestep: Tensor, guidance: Tensor | None) -> Tensor:
        """Embed timesteps (B,) int and guidance scales (B,), None for a teacher; returns (B, 1, width)."""
        x = self._row(timestep)
        if self.student and guidance is not None:
            x = x + self.cond_proj(_guidance_rows(guidance))
        result: Tensor = self.linear_2(F.silu(self.linear_1(x)))[:, None]
        return result


def _guidance_rows(guidance: Tensor) -> Tensor:
    """Embed (B,) scales as (B, 256); at inference there are few different ones, which `guidance_embedding` caches."""
    if guidance.numel() > 64 or guidance.unique().numel() > 8:
        half = GUIDANCE_WIDTH // 2
        rates = torch.exp(torch.arange(half, device=guidance.device) * -(np.log(10000.0) / (half - 1)))
        angles = ((guidance.float() - 1.0) * 1000.0)[:, None] * rates
        return torch.cat([angles.sin(), angles.cos()], -1)
    rows = np.stack([guidance_embedding(float(w)) for w in guidance.tolist()])
    return torch.from_numpy(rows).to(guidance.device)


class LatentTransformer(nn.Module):
    """The token sequence of denoiser and ControlNet: latents, time, text."""

    def __init__(self, architecture: Architecture, final_norm: bool) -> None:
        super().__init__()
        a = architecture
        self.tokens = a.latent_tokens
        self.adapter = a.adapter
        if a.adapter:
            self.latent_pre = nn.Linear(a.latent_width, a.width)
            self.latent_post = nn.Linear(a.width, a.latent_width)
        self.time_embedding = TimeEmbedding(a.width, a.student, a.phased)
        self.emb_proj = nn.Sequential(nn.ReLU() if a.text_relu else nn.Identity(), nn.Linear(a.text_width, a.width))
        self.query_pos = Positions(a.width)
        self.encoder = SkipTransformer(a.width, a.feedforward, a.heads, a.denoiser_layers, final_norm=final_norm)

    def sequence(
        self,
        latents: Tensor,
        timestep: Tensor | int,
        text: Tensor,
        guidance: Tensor | float | None,
        keep: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        """Embed the sequence; returns the tokens (B, all tokens, width) and the attention bias."""
        batch = latents.shape[0]
        if isinstance(timestep, int) and not isinstance(guidance, Tensor):
            time = self.time_embedding.constant(timestep, guidance).expand(batch, -1, -1)
        else:
            times = torch.as_tensor(timestep, device=latents.device).expand(batch)
            if guidance is not None:
                guidance = torch.as_tensor(guidance, dtype=torch.float32, device=latents.device).expand(batch)
            time = self.time_embedding(times, guidance)
        x = self.latent_pre(latents) if self.adapter else latents
        x = torch.cat([x, time, self.emb_proj(text)], 1)
        if keep is not None:
            keep = torch.cat([keep.new_ones(batch, self.tokens + 1), keep], 1)
        return self.query_pos(x), key_bias(keep)


class Denoiser(LatentTransformer):
    """Predicts the noise in a noisy latent."""

    products: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture, final_norm=True)
        self.velocity = architecture.velocity
        self.register_buffer("products", torch.from_numpy(np.array(alphas_cumprod())), persistent=False)

    def forward(
        self,
        latents: Tensor,
        timestep: Tensor | int,
        text: Tensor,
        guidance: Tensor | float | None = None,
        residuals: Sequence[Tensor] | None = None,
        text_mask: Tensor | None = None,
    ) -> Tensor:
        """Predict the noise.

        Args:
            latents: (B, tokens, latent_width).
            timestep: Timestep, an int or (B,).
            text: (B, text tokens, text_width).
            guidance: Guidance scale w, a number or (B,), None for a teacher.
            residuals: Output of the ControlNet.
            text_mask: (B, text tokens) bool, True for tokens.

        Returns:
            Noise, (B, tokens, latent_width).
        """
        x, bias = self.sequence(latents, timestep, text, guidance, text_mask)
        x = self.encoder(x, bias, residuals=residuals)[:, : self.tokens]
        x = self.latent_post(x) if self.adapter else x
        return self._noise(latents, timestep, x) if self.velocity else x

    def _noise(self, latents: Tensor, timestep: Tensor | int, velocity: Tensor) -> Tensor:
        """Convert a velocity to noise, in float32, because samplers divide its difference to the latents by alpha."""
        if isinstance(timestep, int):
            alpha, sigma = alpha_sigma(timestep)
            return alpha * velocity.float() + sigma * latents.float()
        product = self.products[timestep % TRAIN_STEPS].view(-1, 1, 1)
        return product.sqrt() * velocity.float() + (1 - product).sqrt() * latents.float()
