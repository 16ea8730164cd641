"""Stage 4: the trajectory encoder and the ControlNet on pelvis paths (MODEL.md section 4).

The trajectory encoder is first trained alone, to guess the clean latent from the path: through the ControlNet's
zero-initialised layers it would get no gradient worth having for the first thousand steps.

One-step sampling starts from pure noise, which says nothing of any clip in particular: pulling its result towards
a clean latent would teach the mean of all clips, a statue that slides. So there the losses are the path itself and
a tie to what the student makes without the path.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..model.controlnet import ControlNet, TrajectoryEncoder
from ..model.denoiser import Denoiser
from ..model.vae import MotionVAE
from ..schedule import TRAIN_STEPS
from .config import ControlSettings
from .latent_stages import DISTILLATION_STRIDE, LatentBatches, consistency, scales
from .pool import Normalisation
from .precision import Precision
from .torch_features import root_from_features

FIRST_TIMESTEPS = (799, 699)
"""Where one-step, and two- and four-step sampling begin, from pure noise."""


class PathBatches:
    """Draws latents with the pelvis paths of their clips as hints."""

    def __init__(self, batches: LatentBatches, normalisation: Normalisation, settings: ControlSettings) -> None:
        self.batches, self.settings = batches, settings
        device = batches.device
        self.mean, self.std = (torch.from_numpy(x).to(device) for x in (normalisation.mean, normalisation.std))
        self.hint_mean, self.hint_std = (
            torch.from_numpy(x).to(device) for x in (normalisation.hint_mean, normalisation.hint_std)
        )

    def indices(self, generator: torch.Generator) -> np.ndarray:
        """Examples of about the same length, `frames_per_batch` frames in all."""
        candidates = self.batches.drawer.indices(generator, 192)
        lengths = self.batches.pool.lengths[candidates]
        order = np.argsort(lengths, kind="stable")
        at = int(torch.randint(0, len(order), (1,), generator=generator))
        chosen: list[int] = []
        widest = 0
        for k in np.concatenate([order[at:], order[:at][::-1]]):
            widest = max(widest, int(lengths[k]))
            if chosen and widest * (len(chosen) + 1) > self.settings.frames_per_batch:
                break
            chosen.append(int(k))
        return candidates[chosen]

    def hints(self, indices: np.ndarray, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Normalised hints (B, T, 22, 3), their mask, the true pelvis (B, T, 3) metres, and the frame mask (B, T)."""
        pool, device = self.batches.pool, self.batches.device
        lengths = pool.lengths[indices]
        features = np.zeros((len(indices), int(lengths.max()), pool.features.shape[1]), np.float32)
        for k, index in enumerate(indices):
            features[k, : lengths[k]] = pool.example(int(index))
        frames = torch.arange(features.shape[1])[None] < torch.from_numpy(lengths)[:, None]
        pelvis = root_from_features(torch.from_numpy(features))[0]
        chance = torch.rand(len(indices), 3, generator=generator)
        given = frames.clone()
        sparse = chance[:, 0] < self.settings.sparse_hints
        density = torch.rand(given.shape, generator=generator) < (0.02 + 0.3 * chance[:, 1:2])
        density[:, -1] = density[:, 0] = True
        given[sparse] &= density[sparse]
        mask = torch.zeros(*given.shape, 22, 3, dtype=torch.bool)
        mask[:, :, 0, 0] = mask[:, :, 0, 2] = given
        mask[:, :, 0, 1] = given & (chance[:, 2:3] < self.settings.full_hints)
        pelvis, mask, frames = pelvis.to(device), mask.to(device), frames.to(device)
        hints = torch.zeros(mask.shape, device=device)
        hints[:, :, 0] = pelvis
        hints = torch.where(mask, (hints - self.hint_mean) / self.hint_std, torch.zeros_like(hints))
        return hints, mask, pelvis, frames

    def pelvis(self, vae: MotionVAE, latents: Tensor, frames: Tensor) -> Tensor:
        """(B, T, 3) metres, decoded."""
        features = vae.decode(latents, frames).float() * self.std + self.mean
        return root_from_features(features)[0]


def path_loss(made: Tensor, true: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Smooth L1 in metres on hinted coordinates, and the mean distance on the floor for the log."""
    given = mask[:, :, 0].to(made.dtype)
    loss = (F.smooth_l1_loss(made, true, reduction="none", beta=0.1) * given).sum() / given.sum()
    with torch.no_grad():
        on = given[..., 0] * given[..., 2]
        distance = ((made - true)[..., [0, 2]].norm(dim=-1) * on).sum() / on.sum()
    return loss, distance


class PathEncoderLosses:
    """The trajectory encoder guesses the clean latent from the path."""

    def __init__(self, encoder: TrajectoryEncoder, vae: MotionVAE, batches: PathBatches, precision: Precision) -> None:
        self.encoder, self.vae, self.batches, self.precision = encoder, vae, batches, precision

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        indices = self.batches.indices(generator)
        latents = self.batches.batches.of(indices, generator).latents
        hints, mask, pelvis, frames = self.batches.hints(indices, generator)
        with self.precision.autocast():
            condition = self.encoder(hints, mask).float()
            made = self.batches.pelvis(self.vae, condition, frames)
        guess = F.mse_loss(condition, latents)
        path, distance = path_loss(made, pelvis, mask)
        return {"loss": guess + 2.0 * path, "latent": guess, "path": path, "metres": distance}


class ControlModel(torch.nn.Module):
    """What stage 4 trains together."""

    def __init__(self, controlnet: ControlNet, encoder: TrajectoryEncoder) -> None:
        super().__init__()
        self.controlnet, self.traj_encoder = controlnet, encoder

    def start_from(self, student: Denoiser) -> None:
        """Copy the student into the ControlNet."""
        own = self.controlnet.state_dict()
        own.update({name: value for name, value in student.state_dict().items() if name in own})
        self.controlnet.load_state_dict(own)


class ControlLosses:
    """Path loss through the frozen decoder, at the timesteps the samplers visit."""

    def __init__(
        self, model: ControlModel, student: Denoiser, vae: MotionVAE, batches: PathBatches, settings: ControlSettings,
        precision: Precision,
    ) -> None:  # fmt: skip
        self.model, self.student, self.vae = model, student.eval().requires_grad_(False), vae
        self.batches, self.settings, self.precision = batches, settings, precision

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        s = self.settings
        indices = self.batches.indices(generator)
        batch = self.batches.batches.of(indices, generator)
        hints, mask, pelvis, frames = self.batches.hints(indices, generator)
        latents, device, count = batch.latents, batch.latents.device, len(indices)
        pure = torch.rand(count, generator=generator) < s.pure_noise
        late = (
            torch.randint(1, TRAIN_STEPS // DISTILLATION_STRIDE, (count,), generator=generator) * DISTILLATION_STRIDE
            - 1
        )
        first = torch.tensor(FIRST_TIMESTEPS)[(torch.rand(count, generator=generator) < 0.3).long()]
        timesteps = torch.where(pure, first, late).to(device)
        noise = torch.randn(latents.shape, generator=generator).to(device)
        low, high = s.guidance
        guidance = (low + (high - low) * torch.rand(count, generator=generator)).to(device)
        alpha, sigma = scales(timesteps)
        pure = pure.to(device)[:, None, None]
        noisy = torch.where(pure, noise, alpha * latents + sigma * noise)
        with self.precision.autocast():
            condition = self.model.traj_encoder(hints, mask)
            residuals = self.model.controlnet(noisy, timesteps, batch.text, guidance, condition, batch.text_mask)
            epsilon = self.student(noisy, timesteps, batch.text, guidance, residuals, batch.text_mask).float()
            with torch.no_grad():
                free = self.student(noisy, timesteps, batch.text, guidance, text_mask=batch.text_mask).float()
        made, free = consistency(noisy, epsilon, timesteps), consistency(noisy, free, timesteps)
        with self.precision.autocast():
            path, distance = path_loss(self.batches.pelvis(self.vae, made, frames), pelvis, mask)
        weight = pure.float()
        tie = (weight * (made - free).square()).mean()
        clean = ((1 - weight) * (made - latents).square()).mean()
        loss = s.joint_weight * path + s.tie_weight * tie + clean
        return {"loss": loss, "path": path, "metres": distance, "tie": tie, "clean": clean}
