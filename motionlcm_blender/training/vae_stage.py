"""Stage 1: the motion VAE (MODEL.md section 2).

Short windows first, whole clips later: a decoder that has not yet learnt what a pose is does not learn it from
196 frames at once. Positions start as sinusoids, for the same reason. Beside the losses of the paper there is
one on joint velocities, which is what keeps feet from sliding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..model.torch_features import joints_from_features
from ..model.vae import MotionVAE
from ..motion.features import FEATURES
from ..motion.skeleton import FOOT_JOINTS, FPS, MAX_FRAMES
from .config import VaeSettings
from .pool import Normalisation, Pool
from .precision import Precision

ROOT, LOCAL, ROTATIONS = slice(0, 4), slice(4, 67), slice(67, 193)
VELOCITIES, CONTACTS = slice(193, 259), slice(259, 263)
"""Groups of features (MODEL.md section 1)."""


class Drawer:
    """Draws batches of windows from a pool, lengths in multiples of 4, about equally long within a batch."""

    def __init__(
        self, pool: Pool, normalisation: Normalisation, travel_share: float, whole_share: float = 0.0
    ) -> None:
        """travel_share: how much of what has captions is plain locomotion; whole_share: how much is whole clips."""
        self.pool, self.normalisation = pool, normalisation
        said, travels = pool.said, pool.travels
        shares = (
            (~said, whole_share),
            (said & travels, (1 - whole_share) * travel_share),
            (said & ~travels, (1 - whole_share) * (1 - travel_share)),
        )
        weights = np.zeros(len(pool))
        for rows, share in shares:
            if rows.any():
                weights[rows] = share * pool.weights[rows] / pool.weights[rows].sum()
        self.probabilities = weights / weights.sum()
        self.cumulative = np.cumsum(self.probabilities)

    def indices(self, generator: torch.Generator, count: int) -> np.ndarray:
        """(count,) examples by weight."""
        uniform = torch.rand(count, generator=generator).numpy().astype(np.float64)
        return np.minimum(np.searchsorted(self.cumulative, uniform), len(self.pool) - 1)

    def windows(self, generator: torch.Generator, frames: int, longest: int) -> tuple[Tensor, Tensor]:
        """About `frames` frames in all: (B, T, 263) normalised float32 and (B, T) bool."""
        candidates = self.indices(generator, max(8, 4 * frames // longest))
        lengths = np.minimum(self.pool.lengths[candidates], longest) // 4 * 4
        order = np.argsort(lengths, kind="stable")
        at = int(torch.randint(0, len(order), (1,), generator=generator))
        chosen: list[int] = []
        widest = 0
        for k in np.concatenate([order[at:], order[:at][::-1]]):
            widest = max(widest, int(lengths[k]))
            if chosen and widest * (len(chosen) + 1) > frames:
                break
            chosen.append(int(k))
        features = np.zeros((len(chosen), widest, self.pool.features.shape[1]), np.float32)
        mask = np.zeros((len(chosen), widest), bool)
        shifts = torch.rand(len(chosen), generator=generator).numpy()
        for row, k in enumerate(chosen):
            example = self.pool.example(int(candidates[k]))
            length = int(lengths[k])
            first = int(shifts[row] * (len(example) - length + 1))
            features[row, :length] = (
                example[first : first + length] - self.normalisation.mean
            ) / self.normalisation.std
            mask[row, :length] = True
        return torch.from_numpy(features), torch.from_numpy(mask)


def feature_weights() -> np.ndarray:
    """(263,) float32: what each feature counts in the loss, about 1 on average.

    Errors of the root add up over all later frames, so its four numbers count most; rotations and velocities are not
    used when joints are recovered, and teach only by the way.
    """
    weights = np.ones(FEATURES, np.float32)
    for group, weight in ((ROOT, 6.0), (LOCAL, 2.0), (ROTATIONS, 0.3), (VELOCITIES, 0.6), (CONTACTS, 1.0)):
        weights[group] = weight
    return weights


class VaeLosses:
    """The loss of one batch."""

    def __init__(
        self, vae: MotionVAE, drawer: Drawer, settings: VaeSettings, precision: Precision, device: torch.device
    ) -> None:
        self.vae, self.drawer, self.settings, self.precision, self.device = vae, drawer, settings, precision, device
        self.mean = torch.from_numpy(drawer.normalisation.mean).to(device)
        self.std = torch.from_numpy(drawer.normalisation.std).to(device)
        self.weights = torch.from_numpy(feature_weights()).to(device)

    def longest(self, step: int) -> int:
        """The longest window at a step, by the stages of the curriculum."""
        part = step / self.settings.steps
        reached = [frames for start, frames in self.settings.curriculum if part >= start]
        return int(reached[-1])

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        features, mask = self.drawer.windows(generator, self.settings.frames_per_batch, self.longest(step))
        noise = torch.randn(len(features), self.vae.tokens, self.settings.latent_width, generator=generator)
        features, mask, noise = features.to(self.device), mask.to(self.device), noise.to(self.device)
        with self.precision.autocast():
            mean, std = self.vae.encode(features, mask)
            mean, std = mean.float(), std.float()
            decoded = self.vae.decode(mean + std * noise, mask).float()
        return self.losses(features, decoded, mask, mean, std)

    def losses(self, features: Tensor, decoded: Tensor, mask: Tensor, mean: Tensor, std: Tensor) -> dict[str, Tensor]:
        """Named terms and their weighted sum; features and decoded (B, T, 263) normalised."""
        s = self.settings
        count = mask.sum()
        reconstruction = F.smooth_l1_loss(decoded, features, reduction="none", beta=0.3)
        reconstruction = ((reconstruction * self.weights).mean(-1) * mask).sum() / count
        true, made = (joints_from_features(x * self.std + self.mean) for x in (features, decoded))
        far = F.smooth_l1_loss(made, true, reduction="none", beta=0.1).mean((-1, -2))
        joints = (far * mask).sum() / count
        pairs = mask[:, 1:]
        true_speed, made_speed = (x.diff(dim=1) * FPS for x in (true, made))
        speed = F.smooth_l1_loss(made_speed, true_speed, reduction="none", beta=0.2)
        foot = speed[:, :, list(FOOT_JOINTS)].mean((-1, -2))
        velocity = ((speed.mean((-1, -2)) + foot) * pairs).sum() / pairs.sum()
        variance = std**2
        divergence = 0.5 * (mean**2 + variance - 1 - variance.log()).mean()
        # Diffusion starts from unit noise, so the latents should fill the same range: mean square 1 in each channel,
        # over the tokens whose stretch of time is there, the first always.
        stretch = MAX_FRAMES / mean.shape[1]
        frames = mask.sum(1, keepdim=True).clamp(min=stretch)
        used = (torch.arange(mean.shape[1], device=mean.device) + 0.5) * stretch < frames
        square = (mean**2 * used[..., None]).sum((0, 1)) / used.sum()
        spread = (square - 1).square().mean()
        loss = reconstruction + s.joint_weight * joints + s.velocity_weight * velocity
        loss = loss + s.kl_weight * divergence + s.spread_weight * spread
        with torch.no_grad():
            error = ((made - true).norm(dim=-1).mean(-1) * mask).sum() / count * 1000
            pose = (made - made[:, :, :1]) - (true - true[:, :, :1])
            aligned = (pose.norm(dim=-1).mean(-1) * mask).sum() / count * 1000
        return {
            "loss": loss, "features": reconstruction, "joints": joints, "velocity": velocity, "kl": divergence,
            "spread": spread, "mm": error, "aligned_mm": aligned,
        }  # fmt: skip


@torch.no_grad()
def encode_pool(
    vae: MotionVAE, pool: Pool, normalisation: Normalisation, device: torch.device, frames: int = 6000
) -> tuple[np.ndarray, np.ndarray]:
    """Means and stds of every example's latent, (N, tokens, latent_width) float32 each."""
    vae.eval()
    means: list[np.ndarray | None] = [None] * len(pool)
    stds: list[np.ndarray | None] = [None] * len(pool)
    for rows in _batches(pool.lengths, frames):
        widest = int(pool.lengths[rows].max())
        features = np.zeros((len(rows), widest, pool.features.shape[1]), np.float32)
        mask = np.zeros((len(rows), widest), bool)
        for k, index in enumerate(rows):
            example = pool.example(int(index))
            features[k, : len(example)] = (example - normalisation.mean) / normalisation.std
            mask[k, : len(example)] = True
        mean, std = vae.encode(torch.from_numpy(features).to(device), torch.from_numpy(mask).to(device))
        for k, index in enumerate(rows):
            means[index], stds[index] = mean[k].cpu().numpy(), std[k].cpu().numpy()
    return np.stack([m for m in means if m is not None]), np.stack([s for s in stds if s is not None])


def _batches(lengths: np.ndarray, frames: int) -> Sequence[np.ndarray]:
    """Indices in batches of about equal length, each of about `frames` frames."""
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and lengths[order[stop]] * (stop + 1 - start) <= frames:
            stop += 1
        batches.append(order[start:stop])
        start = stop
    return batches
