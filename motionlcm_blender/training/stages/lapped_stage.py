"""The lapped transform of a `LappedVAE`: fitted alone, then turned to principal axes, before the refiner is trained.

The transform is linear, so a few thousand cheap steps take it close to its optimum: it starts from the principal
components of tapered windows and is trained by the losses of the VAE. A linear code has no scale of its own; the
latents are turned to their principal axes, and each axis is divided by the square root of its standard deviation, so
that strong axes stay stronger, which a diffusion model draws first, and weak ones are not lost in its noise.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ...array_types import FloatArray
from ...networks.torch_impl.lapped_vae import LappedVAE
from ..data.clip_pool import ClipPool
from ..data.normalisation import Normalisation
from .vae_stage import VaeLosses, WindowBatches, feature_weights

WINDOWS, OVERSAMPLED = 3000, 16
"""Windows of captured motion from which the start is fitted; principal components beyond those kept, for accuracy."""
WHITENING = 0.5
"""Exponent: 0 leaves the axes' standard deviations as they are, 1 makes them equal."""
DISTURBANCE = 0.4
"""Largest standard deviation of the noise on the latents from which the refiner learns to make captured motion."""
DRAWS, FRAMES, LONGEST = 80, 3072, 196
"""Batches from which the axes are measured; frames of each batch, and of its longest clip."""


class LinearPart(nn.Module):
    """The lapped transform of a VAE without posterior noise and refiner, as `VaeLosses` needs it."""

    def __init__(self, vae: LappedVAE) -> None:
        super().__init__()
        self.analysis, self.synthesis = vae.analysis, vae.synthesis
        self._vae = (vae,)
        self.tokens = vae.tokens

    def encode(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, tokens, latent_width), and a std of nearly zero."""
        mean, _ = self._vae[0].encode(features, mask)
        return mean, torch.full_like(mean, 1e-6)

    def decode(self, latents: Tensor, mask: Tensor) -> Tensor:
        """(B, T, features of a frame) normalised, zero where masked."""
        decoded = self._vae[0].linear(latents)[:, : mask.shape[1]]
        return decoded * mask[..., None].to(decoded.dtype)


class RefinerLosses(VaeLosses):
    """The VAE's losses from disturbed latents: what a sampler makes is never quite a latent of captured motion."""

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """The losses of one step, by name."""
        features, known, mask = self.batches.draw(generator, self.settings.frames_per_batch, self.longest(step))
        level = DISTURBANCE * torch.rand(len(features), 1, 1, generator=generator)
        noise = level * torch.randn(len(features), self.vae.tokens, self.settings.latent_width, generator=generator)
        features, known, mask, noise = (x.to(self.device) for x in (features, known, mask, noise))
        with torch.no_grad():
            mean, std = self.vae.encode(features, mask)
        with self.precision.autocast():
            decoded = self.vae.decode(mean + noise, mask).float()
        return self.losses(features, known, decoded, mask, mean, std)


def start_from_components(vae: LappedVAE, pool: ClipPool, normalisation: Normalisation, seed: int) -> None:
    """Set the transform to the principal components of tapered windows of the pool's clips."""
    generator = np.random.default_rng(seed)
    windows = _windows(vae, pool, normalisation, generator)
    taper = np.sin(np.pi * (np.arange(vae.window) + 0.5) / vae.window).astype(np.float32)
    importance = np.sqrt(feature_weights()[: vae.features])
    tapered = np.repeat(taper, vae.features)
    weights = tapered * np.tile(importance, vae.window)
    components = torch.pca_lowrank(
        torch.from_numpy(windows * weights), q=vae.analysis.out_features + OVERSAMPLED, center=False, niter=4
    )[2][:, : vae.analysis.out_features]
    back = torch.from_numpy(tapered / np.tile(importance, vae.window))
    with torch.no_grad():
        vae.analysis.weight.copy_((components * torch.from_numpy(weights)[:, None]).T)
        vae.synthesis.weight.copy_(components * back[:, None])
        vae.analysis.bias.zero_()
        vae.synthesis.bias.zero_()


def _windows(
    vae: LappedVAE, pool: ClipPool, normalisation: Normalisation, generator: np.random.Generator
) -> FloatArray:
    """(about WINDOWS, window * features) normalised windows, one for every few seconds of randomly chosen clips."""
    found: list[FloatArray] = []
    for k in generator.permutation(len(pool)):
        start, end = int(pool.starts[k]), int(pool.starts[k + 1])
        for _ in range(max(1, (end - start) // 60)):
            if end - start < vae.window:
                break
            first = start + int(generator.integers(0, end - start - vae.window + 1))
            frames = pool.features[first : first + vae.window, : vae.features].astype(np.float32)
            found.append(np.nan_to_num((frames - normalisation.mean) / normalisation.std).reshape(-1))
        if len(found) >= WINDOWS:
            break
    return np.stack(found).astype(np.float32)


@torch.no_grad()
def turn_to_principal_axes(vae: LappedVAE, batches: WindowBatches, seed: int) -> None:
    """Change the basis of the latents: principal axes, scaled, with a mean square of 1; decoding stays the same."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.arange(vae.tokens) * vae.hop - vae.lead + vae.window // 2
    drawn = []
    for _ in range(DRAWS):
        features, _, mask = batches.draw(generator, FRAMES, LONGEST)
        latents, _ = vae.encode(features.to(vae.analysis.weight.device), mask.to(vae.analysis.weight.device))
        drawn.append(latents.cpu()[centres[None] < mask.sum(1)[:, None]])
    latents = torch.cat(drawn).double()
    mean = latents.mean(0)
    variance, axes = torch.linalg.eigh(torch.cov(latents.T))
    deviation = variance.flip(0).clamp_min(1e-12).sqrt()
    axes = axes.flip(1)
    scale = deviation**-WHITENING
    scale = scale / (deviation * scale).square().mean().sqrt()
    forward, backward = axes * scale, (axes / scale).T
    analysis, synthesis = vae.analysis, vae.synthesis
    # Constant latents decode to a constant pattern in each window, so the mean moves into the synthesis bias.
    synthesis.bias.add_((synthesis.weight.double().cpu() @ mean).to(synthesis.bias))
    synthesis.weight.copy_((backward @ synthesis.weight.double().cpu().T).T)
    analysis.bias.copy_((analysis.bias.double().cpu() - mean) @ forward)
    analysis.weight.copy_((analysis.weight.double().cpu().T @ forward).T)
