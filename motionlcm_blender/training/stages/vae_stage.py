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

from ...array_types import FloatArray, IntArray
from ...motion.head_hands import FEATURES_WITH_HEAD_HANDS, HEAD_HANDS
from ...motion.skeleton import FOOT_JOINTS, FPS, MAX_FRAMES
from ...networks.torch_impl.torch_features import joints_from_features
from ...networks.torch_impl.vae import Autoencoder
from ..config import VaeSettings
from ..data.clip_pool import SHORTEST, ClipPool, mirror_features
from ..data.normalisation import Normalisation
from ..data.pool import Pool
from ..data.row_choice import rows_of_similar_length
from ..precision import Precision

ROOT, LOCAL, ROTATIONS = slice(0, 4), slice(4, 67), slice(67, 193)
VELOCITIES, CONTACTS = slice(193, 259), slice(259, 263)
"""Groups of features (MODEL.md section 1)."""


class WindowBatches:
    """Draws batches of windows from a pool of clips, whole tokens long and about equally long within a batch."""

    def __init__(self, pool: ClipPool, normalisation: Normalisation, multiple: int = 4) -> None:
        """multiple: windows are this many frames long, or twice, three times as many and so on."""
        self.pool, self.normalisation, self.multiple = pool, normalisation, multiple
        self.width = len(normalisation.mean)
        self.lengths = pool.lengths
        self.cumulative = np.cumsum(pool.weights / pool.weights.sum())

    def draw(self, generator: torch.Generator, frames: int, longest: int) -> tuple[Tensor, Tensor, Tensor]:
        """Windows of at most `longest` frames, about `frames` frames in all, half of them mirrored.

        Returns:
            Normalised features (B, T, 281) float32, zero where not known and where padded; which numbers are known,
            (B, T, 281) bool; frames (B, T) bool.
        """
        uniform = torch.rand(max(8, 4 * frames // longest), generator=generator).numpy().astype(np.float64)
        candidates = np.minimum(np.searchsorted(self.cumulative, uniform), len(self.pool) - 1)
        shortened = torch.rand(len(candidates), generator=generator).numpy()
        # A third of the windows is shorter than the curriculum allows, so that every length is learnt to the end.
        limit = np.where(shortened < 0.35, longest * (0.25 + 2.1 * shortened), longest)
        lengths = np.minimum(self.lengths[candidates], limit).astype(int) // self.multiple * self.multiple
        lengths = np.maximum(lengths, SHORTEST)
        chosen, widest = rows_of_similar_length(lengths, frames, generator)
        features = np.full((len(chosen), widest, self.width), np.nan, np.float32)
        mask = np.zeros((len(chosen), widest), bool)
        chances = torch.rand(len(chosen), 2, generator=generator).numpy()
        for row, k in enumerate(chosen):
            length, start, end = int(lengths[k]), *self.pool.starts[candidates[k] : candidates[k] + 2]
            first = int(start) + int(chances[row, 0] * (end - start - length + 1))
            window = self.pool.features[first : first + length].astype(np.float32)
            features[row, :length] = (mirror_features(window) if chances[row, 1] < 0.5 else window)[:, : self.width]
            mask[row, :length] = True
        known = ~np.isnan(features)
        normalised = np.where(known, (features - self.normalisation.mean) / self.normalisation.std, 0.0)
        return torch.from_numpy(normalised.astype(np.float32)), torch.from_numpy(known), torch.from_numpy(mask)


def feature_weights() -> FloatArray:
    """(281,) float32: what each feature counts in the loss, about 1 on average.

    Errors of the root add up over all later frames, so its four numbers count most; rotations and velocities are not
    used when joints are recovered, and count little.
    """
    weights = np.ones(FEATURES_WITH_HEAD_HANDS, np.float32)
    for group, weight in (
        (ROOT, 6.0),
        (LOCAL, 2.0),
        (ROTATIONS, 0.2),
        (VELOCITIES, 0.8),
        (CONTACTS, 1.0),
        (HEAD_HANDS, 3.0),
    ):
        weights[group] = weight
    return weights


class VaeLosses:
    """The loss of one batch."""

    def __init__(
        self,
        vae: Autoencoder,
        batches: WindowBatches,
        settings: VaeSettings,
        precision: Precision,
        device: torch.device,
    ) -> None:
        self.vae, self.batches, self.settings, self.precision, self.device = vae, batches, settings, precision, device
        self.mean = torch.from_numpy(batches.normalisation.mean).to(device)
        self.std = torch.from_numpy(batches.normalisation.std).to(device)
        self.weights = torch.from_numpy(feature_weights()[: batches.width]).to(device)

    def longest(self, step: int) -> int:
        """The longest window at a step, by the stages of the curriculum."""
        part = step / self.settings.steps
        reached = [frames for start, frames in self.settings.curriculum if part >= start]
        return int(reached[-1])

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """The losses of one step, by name."""
        features, known, mask = self.batches.draw(generator, self.settings.frames_per_batch, self.longest(step))
        noise = torch.randn(len(features), self.vae.tokens, self.settings.latent_width, generator=generator)
        features, known, mask, noise = (x.to(self.device) for x in (features, known, mask, noise))
        with self.precision.autocast():
            mean, std = self.vae.encode(features, mask)
            mean, std = mean.float(), std.float()
            decoded = self.vae.decode(mean + std * noise, mask).float()
        return self.losses(features, known, decoded, mask, mean, std)

    def losses(
        self, features: Tensor, known: Tensor, decoded: Tensor, mask: Tensor, mean: Tensor, std: Tensor
    ) -> dict[str, Tensor]:
        """Named terms and their weighted sum; features, known and decoded (B, T, 281), normalised."""
        s = self.settings
        count = mask.sum()
        reconstruction = F.smooth_l1_loss(decoded, features, reduction="none", beta=0.3)
        reconstruction = (reconstruction * known * self.weights).mean(-1).sum() / count
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
            energy = _energy(made, mask) / _energy(true, mask)
            error = ((made - true).norm(dim=-1).mean(-1) * mask).sum() / count * 1000
            pose = (made - made[:, :, :1]) - (true - true[:, :, :1])
            aligned = (pose.norm(dim=-1).mean(-1) * mask).sum() / count * 1000
        return {
            "loss": loss,
            "features": reconstruction,
            "joints": joints,
            "velocity": velocity,
            "kl": divergence,
            "spread": spread,
            "mm": error,
            "aligned_mm": aligned,
            "energy": energy,
        }


def _energy(joints: Tensor, mask: Tensor) -> Tensor:
    """Mean speed of the joints seen from the pelvis, metres a frame; joints (B, T, 22, 3), mask (B, T)."""
    seen = joints - joints[:, :, :1]
    result: Tensor = (seen.diff(dim=1).norm(dim=-1).mean(-1) * mask[:, 1:]).sum() / mask[:, 1:].sum()
    return result


@torch.no_grad()
def encode_pool(
    vae: Autoencoder, pool: Pool, normalisation: Normalisation, device: torch.device, frames: int = 6000
) -> tuple[FloatArray, FloatArray]:
    """Means and stds of every example's latent, (N, tokens, latent_width) float32 each."""
    means: list[FloatArray | None] = [None] * len(pool)
    stds: list[FloatArray | None] = [None] * len(pool)
    for rows in _batches(pool.lengths, frames):
        widest = int(pool.lengths[rows].max())
        features = np.zeros((len(rows), widest, len(normalisation.mean)), np.float32)
        mask = np.zeros((len(rows), widest), bool)
        for k, index in enumerate(rows):
            example = pool.example(int(index))[:, : features.shape[2]]
            features[k, : len(example)] = np.nan_to_num((example - normalisation.mean) / normalisation.std)
            mask[k, : len(example)] = True
        mean, std = vae.encode(torch.from_numpy(features).to(device), torch.from_numpy(mask).to(device))
        for k, index in enumerate(rows):
            means[index], stds[index] = mean[k].cpu().numpy(), std[k].cpu().numpy()
    return np.stack([m for m in means if m is not None]), np.stack([s for s in stds if s is not None])


def _batches(lengths: IntArray, frames: int) -> Sequence[IntArray]:
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
