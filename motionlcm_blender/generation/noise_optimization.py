"""Noise optimization (DNO): search for initial noise whose motion meets the hints by itself (PyTorch only).

Otherwise corrections of the finished motion close the remaining gap, without knowledge of human motion. A motion that
meets its hints by itself needs few corrections.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..networks.noise_schedule import alpha_sigma, boundary_scalings
from .request import Hints


def optimize_noise(
    network: Any,
    device: str,
    stats: dict[str, FloatArray],
    text: FloatArray,
    hints: Hints,
    noise: FloatArray,
    guidance: float,
    timestep: int,
    strength: float,
    shown: Sequence[Hints] | None = None,
) -> tuple[FloatArray, dict[str, float]]:
    """Optimize the initial noise so that one-step sampling comes near the hints.

    Args:
        network: The network of the PyTorch backend.
        device: PyTorch device of the network.
        stats: mean, std (263,), hint_mean, hint_std (22, 3).
        text: (text tokens, text_width).
        hints: Positions to meet.
        noise: (takes, tokens, latent_width); each take is optimized by itself.
        guidance: Guidance scale.
        timestep: First timestep of one-step sampling.
        strength: Factor on the ControlNet's residuals.
        shown: Hints for the ControlNet, one for all takes or one for each; None: `hints`.

    Returns:
        Noise of the same shape, and the measurements `refine_before_cm`, `refine_after_cm` (root mean square over all
        hinted numbers and takes) and `refine_passes` (of one take).

    Raises:
    torch.OutOfMemoryError: The device has too little memory.
    """
    import torch

    from ..networks.torch_impl.latent_tuning import smooth_rows, tune

    residuals = [
        hint_residual(network, device, stats, text, hints, guidance, timestep, strength, each)
        for each in shown or (hints,)
    ]
    rows = smooth_rows(hints.mask)
    chosen, before, after, used = [], [], [], 0
    for number, take in enumerate(noise):
        residual = residuals[number if len(residuals) > 1 else 0]
        start = torch.from_numpy(np.ascontiguousarray(take))[None].to(device)
        tuned = tune(residual, start, rows)
        chosen.append(tuned.noise.float().cpu().numpy()[0])
        before.append(tuned.before)
        after.append(tuned.after)
        used = max(used, tuned.passes)
    report = {
        "refine_before_cm": 100.0 * float(np.mean(before)), "refine_after_cm": 100.0 * float(np.mean(after)),
        "refine_passes": float(used),
    }  # fmt: skip
    return np.stack(chosen), report


def hint_residual(
    network: Any,
    device: str,
    stats: dict[str, FloatArray],
    text: FloatArray,
    hints: Hints,
    guidance: float,
    timestep: int,
    strength: float,
    shown: Hints | None = None,
) -> Callable[[Any], Any]:
    """Error of one-step sampling at the hints, as a differentiable function of the initial noise.

    Args:
        network: As in `optimize_noise`.
        device: As in `optimize_noise`.
        stats: As in `optimize_noise`.
        text: As in `optimize_noise`.
        hints: As in `optimize_noise`.
        guidance: As in `optimize_noise`.
        timestep: As in `optimize_noise`.
        strength: As in `optimize_noise`.
        shown: Hints for the ControlNet, of one take.

    Returns:
        A function from noise (B, tokens, latent_width) to errors (B, M), metres, of the M hinted numbers in the order
        of `hints.mask`.
    """
    import torch

    from ..networks.torch_impl.torch_features import joints_from_features

    with torch.no_grad():
        tokens = torch.from_numpy(np.ascontiguousarray(text))[None].to(device)
        mean, std = (torch.from_numpy(stats[name]).to(device) for name in ("mean", "std"))
        given, seen = torch.from_numpy(hints.mask).to(device), hints if shown is None else shown
        normalised = np.where(seen.mask, (seen.positions - stats["hint_mean"]) / stats["hint_std"], 0.0)
        shown_hints = torch.from_numpy(normalised[None].astype(np.float32)).to(device)
        condition = network.traj_encoder(shown_hints, torch.from_numpy(seen.mask).to(device)[None])
        target = torch.from_numpy(hints.positions).to(device)[given]
    alpha, sigma = alpha_sigma(timestep)
    skip, out = boundary_scalings(timestep)

    def residual(latents: Any) -> Any:
        count = len(latents)
        text_tokens = tokens.expand(count, -1, -1)
        residuals = network.controlnet(latents, timestep, text_tokens, guidance, condition.expand(count, -1, -1))
        residuals = [strength * each for each in residuals]
        epsilon = network.denoiser(latents, timestep, text_tokens, guidance, residuals)
        clean = skip * latents + out * (latents - sigma * epsilon) / alpha
        frames = torch.ones(count, hints.frames, dtype=torch.bool, device=latents.device)
        joints = joints_from_features(network.decode(clean, frames) * std + mean)
        return joints[:, given] - target

    return residual
