"""Refine: choose the start noise so that the network itself meets the hints (PyTorch only).

What is left after the ControlNet is otherwise closed by corrections of the finished motion, which know nothing of how
people move. A motion that meets its hints by itself needs little of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..networks.noise_schedule import alpha_sigma, boundary_scalings
from .request import Hints


def optimize_noise(
    network: Any,
    device: str,
    stats: dict[str, np.ndarray],
    text: np.ndarray,
    hints: Hints,
    noise: np.ndarray,
    guidance: float,
    timestep: int,
    strength: float,
    shown: Sequence[Hints] | None = None,
) -> tuple[np.ndarray, dict[str, float]]:
    """Start noise for which one-step sampling comes near the hints, and what it took.

    network: of the torch backend. stats: mean, std (263,), hint_mean, hint_std (22, 3). text: (text tokens, width);
    noise: (takes, tokens, latent_width), each take by itself; timestep: where one-step sampling starts; strength: of
    the ControlNet; shown: what it is shown, one for all takes or one for each, None: the hints. Returns noise of
    the same shape, and `refine_before_cm`, `refine_after_cm` (root mean square over all hinted numbers and takes) and
    `refine_passes` (of a take). Runs out of memory as PyTorch does.
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
    stats: dict[str, np.ndarray],
    text: np.ndarray,
    hints: Hints,
    guidance: float,
    timestep: int,
    strength: float,
    shown: Hints | None = None,
) -> Callable[[Any], Any]:
    """What one-step sampling leaves of the hints, as a differentiable function of the start noise.

    Arguments as for `optimize_noise`; shown: of one take. The function takes noise (B, tokens,
    latent_width) and returns (B, M) metres, the M hinted numbers in the order of `hints.mask`.
    """
    import torch

    from ..networks.torch_impl.torch_features import joints_from_features

    with torch.no_grad():
        tokens = torch.from_numpy(np.ascontiguousarray(text))[None].to(device)
        mean, std = (torch.from_numpy(stats[name]).to(device) for name in ("mean", "std"))
        given, seen = torch.from_numpy(hints.mask).to(device), hints if shown is None else shown
        normalised = np.where(seen.mask, (seen.positions - stats["hint_mean"]) / stats["hint_std"], 0.0)
        asked = torch.from_numpy(normalised[None].astype(np.float32)).to(device)
        condition = network.traj_encoder(asked, torch.from_numpy(seen.mask).to(device)[None])
        target = torch.from_numpy(hints.positions).to(device)[given]
    alpha, sigma = alpha_sigma(timestep)
    skip, out = boundary_scalings(timestep)

    def residual(latents: Any) -> Any:
        count = len(latents)
        said = tokens.expand(count, -1, -1)
        heard = network.controlnet(latents, timestep, said, guidance, condition.expand(count, -1, -1))
        heard = [strength * each for each in heard]
        epsilon = network.denoiser(latents, timestep, said, guidance, heard)
        clean = skip * latents + out * (latents - sigma * epsilon) / alpha
        frames = torch.ones(count, hints.frames, dtype=torch.bool, device=latents.device)
        joints = joints_from_features(network.decode(clean, frames) * std + mean)
        return joints[:, given] - target

    return residual
