"""Stage 4: the trajectory encoder and the ControlNet (MODEL.md section 4), for all patterns of `hint_patterns`.

The trajectory encoder is first trained alone, to guess the clean latent from the hints: through the ControlNet's
zero-initialised layers it would get no gradient worth having for the first thousand steps.

One-step sampling starts from pure noise, which says nothing of any clip in particular: pulling its result towards
a clean latent would teach the mean of all clips, a statue that slides. So there the losses are the hints themselves,
a tie of the poses (not of the way taken) to what the student makes without hints, and feet that stand still while the
motion says they are in contact.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..model.controlnet import ControlNet, TrajectoryEncoder
from ..model.denoiser import Denoiser
from ..model.torch_features import joints_from_features
from ..model.vae import MotionVAE
from ..motion.skeleton import FOOT_JOINTS, FPS
from ..networks.noise_schedule import TRAIN_STEPS
from .config import ControlSettings
from .hint_patterns import hint_mask
from .latent_stages import DISTILLATION_STRIDE, FIRST_TIMESTEPS, LatentBatches, consistency, guidance_scales, scales
from .pool import Normalisation
from .precision import Precision
from .vae_stage import CONTACTS


class PathBatches:
    """Draws latents with joint positions of their clips as hints."""

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
        """Normalised hints (B, T, 22, 3), their mask, the true joints in metres, and the frame mask (B, T)."""
        pool, device = self.batches.pool, self.batches.device
        lengths = pool.lengths[indices]
        features = np.zeros((len(indices), int(lengths.max()), pool.features.shape[1]), np.float32)
        for k, index in enumerate(indices):
            features[k, : lengths[k]] = pool.example(int(index))
        frames = torch.arange(features.shape[1])[None] < torch.from_numpy(lengths)[:, None]
        mask = hint_mask(frames, self.settings.patterns, generator).to(device)
        joints = joints_from_features(torch.from_numpy(features).to(device))
        hints = torch.where(mask, (joints - self.hint_mean) / self.hint_std, torch.zeros_like(joints))
        return hints, mask, joints, frames.to(device)

    def decoded(self, vae: MotionVAE, latents: Tensor, frames: Tensor) -> Tensor:
        """(B, T, 263) features, not normalised."""
        return vae.decode(latents, frames).float() * self.std + self.mean


def hint_loss(made: Tensor, true: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Smooth L1 in metres on hinted coordinates, each motion counting alike, and the mean error for the log.

    made, true: (B, T, 22, 3) metres; mask: (B, T, 22, 3) bool.
    """
    given = mask.to(made.dtype)
    each = (F.smooth_l1_loss(made, true, reduction="none", beta=0.1) * given).sum((1, 2, 3))
    loss = (each / given.sum((1, 2, 3))).mean()
    with torch.no_grad():
        distance = ((made - true) * given).norm(dim=-1)
        metres = (distance.sum((1, 2)) / mask.any(-1).sum((1, 2))).mean()
    return loss, metres


def pose_loss(made: Tensor, free: Tensor, frames: Tensor) -> Tensor:
    """How far the poses, seen from the pelvis, are from those made without hints; features not normalised, metres."""
    far = F.smooth_l1_loss(made[..., 3:67], free[..., 3:67], reduction="none", beta=0.1).mean(-1)
    return (far * frames).sum() / frames.sum().clamp_min(1)


def standing_loss(features: Tensor, joints: Tensor, frames: Tensor) -> Tensor:
    """Mean horizontal speed, m/s, of feet while the motion's own contact channels say that they stand."""
    contact = features[..., CONTACTS].detach().clamp(0.0, 1.0)
    speed = joints[:, :, list(FOOT_JOINTS)][..., [0, 2]].diff(dim=1).norm(dim=-1) * FPS
    held = contact[:, 1:] * contact[:, :-1] * (frames[:, 1:] & frames[:, :-1])[..., None]
    return (speed * held).sum() / held.sum().clamp_min(1.0)


class PathEncoderLosses:
    """The trajectory encoder guesses the clean latent from the hints."""

    def __init__(self, encoder: TrajectoryEncoder, vae: MotionVAE, batches: PathBatches, precision: Precision) -> None:
        self.encoder, self.vae, self.batches, self.precision = encoder, vae, batches, precision

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        indices = self.batches.indices(generator)
        latents = self.batches.batches.of(indices, generator).latents
        hints, mask, joints, frames = self.batches.hints(indices, generator)
        with self.precision.autocast():
            condition = self.encoder(hints, mask).float()
            features = self.batches.decoded(self.vae, condition, frames)
        guess = F.mse_loss(condition, latents)
        hint, metres = hint_loss(joints_from_features(features), joints, mask)
        return {"loss": guess + 2.0 * hint, "latent": guess, "hint": hint, "metres": metres}


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
    """Hint loss through the frozen decoder, at the timesteps the samplers visit."""

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
        hints, mask, joints, frames = self.batches.hints(indices, generator)
        latents, device, count = batch.latents, batch.latents.device, len(indices)
        pure = torch.rand(count, generator=generator) < s.pure_noise
        late = (
            torch.randint(1, TRAIN_STEPS // DISTILLATION_STRIDE, (count,), generator=generator) * DISTILLATION_STRIDE
            - 1
        )
        first = torch.tensor(FIRST_TIMESTEPS)[(torch.rand(count, generator=generator) < 0.3).long()]
        timesteps = torch.where(pure, first, late).to(device)
        noise = torch.randn(latents.shape, generator=generator).to(device)
        guidance = guidance_scales(s.guidance, count, generator).to(device)
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
            features = self.batches.decoded(self.vae, made, frames)
            with torch.no_grad():
                free_features = self.batches.decoded(self.vae, free, frames)
        made_joints = joints_from_features(features)
        hint, metres = hint_loss(made_joints, joints, mask)
        weight = pure.float()
        tie = (weight * (made - free).square()).mean()
        pose = pose_loss(features, free_features, frames & pure[:, :, 0])
        standing = standing_loss(features, made_joints, frames)
        clean = ((1 - weight) * (made - latents).square()).mean()
        loss = s.joint_weight * hint + s.tie_weight * tie + clean
        loss = loss + s.pose_weight * pose + s.standing_weight * standing
        return {
            "loss": loss, "hint": hint, "metres": metres, "tie": tie, "pose": pose, "standing": standing,
            "clean": clean,
        }  # fmt: skip
