"""The trajectory encoder and the ControlNet (MODEL.md section 4), for all patterns of `hint_patterns`.

Three stages. The trajectory encoder is first trained alone, to guess the clean latent from the hints: through the
ControlNet's zero-initialised layers it would get no gradient worth having for the first thousand steps. Then the
ControlNet is trained on the teacher, by the teacher's own loss on captured motion: what it learns is how motion goes
with a path, cadence and length of steps included. The controlled teacher makes trajectories from pure noise, and the
student's ControlNet learns to predict their ends in one step, as the student itself did. Losses on the decoded motion,
at the hinted places and of feet that stand, make the remaining error small.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...array_types import IntArray
from ...motion.skeleton import FOOT_JOINTS, FPS
from ...networks.noise_schedule import TRAIN_STEPS
from ...networks.torch_impl.controlnet import ControlNet, TrajectoryEncoder
from ...networks.torch_impl.denoiser import Denoiser
from ...networks.torch_impl.torch_features import joints_from_features
from ...networks.torch_impl.vae import Autoencoder
from ..config import ControlSettings, StudentSettings
from ..data.hint_patterns import packed_hints, unpacked_hints
from ..precision import Precision
from .control_batches import ControlBatches, HintBatch
from .distillation_stages import consistency, huber, scales, starts_and_points
from .latent_batches import LatentBatch, normal
from .phased_stage import drawn_stretches, phases_of
from .teacher_trajectories import Hinted, Trajectories, TrajectorySource
from .vae_stage import CONTACTS

CLEAR = 600
"""Timestep below which a noisy latent still shows the motion, so that its decoded estimate can be held to the hints."""


def hint_loss(made: Tensor, true: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Smooth L1 in metres on hinted coordinates, each motion counting alike, and the mean error for the log.

    made, true: (B, T, 22, 3) metres; mask: (B, T, 22, 3) bool.
    """
    given = mask.to(made.dtype)
    each = (F.smooth_l1_loss(made, true, reduction="none", beta=0.1) * given).sum((1, 2, 3))
    loss = (each / given.sum((1, 2, 3)).clamp_min(1.0)).mean()
    with torch.no_grad():
        distance = ((made - true) * given).norm(dim=-1)
        metres = (distance.sum((1, 2)) / mask.any(-1).sum((1, 2)).clamp_min(1)).mean()
    return loss, metres


def standing_loss(features: Tensor, joints: Tensor, frames: Tensor) -> Tensor:
    """Mean horizontal speed, m/s, of feet that stand by the motion's own contact channels."""
    contact = features[..., CONTACTS].detach().clamp(0.0, 1.0)
    speed = joints[:, :, list(FOOT_JOINTS)][..., [0, 2]].diff(dim=1).norm(dim=-1) * FPS
    held = contact[:, 1:] * contact[:, :-1] * (frames[:, 1:] & frames[:, :-1])[..., None]
    result: Tensor = (speed * held).sum() / held.sum().clamp_min(1.0)
    return result


class ControlModel(torch.nn.Module):
    """What is trained together."""

    def __init__(self, controlnet: ControlNet, encoder: TrajectoryEncoder) -> None:
        super().__init__()
        self.controlnet, self.traj_encoder = controlnet, encoder

    def start_from(self, denoiser: Denoiser) -> None:
        """Copy a denoiser into the ControlNet."""
        own = self.controlnet.state_dict()
        own.update({name: value for name, value in denoiser.state_dict().items() if name in own})
        self.controlnet.load_state_dict(own)


class PathEncoderLosses:
    """The trajectory encoder guesses the clean latent from the hints."""

    def __init__(
        self, encoder: TrajectoryEncoder, vae: Autoencoder, batches: ControlBatches, precision: Precision
    ) -> None:
        self.encoder, self.vae, self.batches, self.precision = encoder, vae, batches, precision

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        indices = self.batches.indices(generator, self.batches.settings.frames_per_batch)
        latents = self.batches.batches.of(indices, generator).latents
        shown = self.batches.hints(indices, generator)
        with self.precision.autocast():
            condition = self.encoder(shown.hints, shown.mask).float()
            features = self.batches.decoded(self.vae, condition, shown.frames)
        guess = F.mse_loss(condition, latents)
        hint, metres = hint_loss(joints_from_features(features), shown.joints, shown.mask)
        return {"loss": guess + 2.0 * hint, "latent": guess, "hint": hint, "metres": metres}


class ControlTeacherLosses:
    """The teacher's loss with the ControlNet's residuals, and the hints where the noise leaves the motion visible."""

    def __init__(
        self,
        model: ControlModel,
        teacher: Denoiser,
        vae: Autoencoder,
        batches: ControlBatches,
        settings: ControlSettings,
        precision: Precision,
    ) -> None:
        self.model, self.teacher, self.vae = model, teacher.eval().requires_grad_(False), vae
        self.batches, self.settings, self.precision = batches, settings, precision

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        indices = self.batches.indices(generator, self.settings.frames_per_batch)
        batch = self.batches.batches.of(indices, generator, self.settings.text_dropout)
        shown = self.batches.hints(indices, generator)
        latents, count = batch.latents, len(indices)
        timesteps = torch.randint(0, TRAIN_STEPS, (count,), generator=generator).to(latents.device)
        noise = normal(latents.shape, generator, latents.device)
        alpha, sigma = scales(timesteps)
        noisy = alpha * latents + sigma * noise
        with self.precision.autocast():
            condition = self.model.traj_encoder(shown.hints, shown.mask)
            residuals = self.model.controlnet(noisy, timesteps, batch.text, None, condition, batch.text_mask)
            epsilon = self.teacher(noisy, timesteps, batch.text, None, residuals, batch.text_mask).float()
        error = (epsilon - noise) / (alpha if self.teacher.velocity else 1.0)
        diffusion = error.square().mean()
        clean = (noisy - sigma * epsilon) / alpha
        visible = timesteps < CLEAR
        with self.precision.autocast():
            features = self.batches.decoded(self.vae, clean[visible], shown.frames[visible])
        if not bool(visible.any()):
            return {"loss": diffusion, "diffusion": diffusion}
        hint, metres = hint_loss(joints_from_features(features), shown.joints[visible], shown.mask[visible])
        loss = diffusion + self.settings.joint_weight * hint
        return {"loss": loss, "diffusion": diffusion, "hint": hint, "metres": metres}


class ControlledTeacher:
    """What `ddim_sample` needs of a teacher with its ControlNet."""

    def __init__(self, teacher: Denoiser, model: ControlModel) -> None:
        self.denoiser = teacher.eval().requires_grad_(False)
        self.model = model.eval().requires_grad_(False)

    def controlnet(
        self, latents: Tensor, timestep: int, text: Tensor, guidance: None, condition: Tensor, text_mask: Tensor
    ) -> list[Tensor]:
        """Residuals of the ControlNet for the denoiser's blocks."""
        residuals: list[Tensor] = self.model.controlnet(latents, timestep, text, guidance, condition, text_mask)
        return residuals


class ControlledSource(TrajectorySource):
    """Trajectories of the controlled teacher."""

    def __init__(
        self,
        network: ControlledTeacher,
        batches: ControlBatches,
        settings: StudentSettings,
        precision: Precision,
        phased: bool = False,
    ) -> None:
        super().__init__(network, batches.batches, settings, precision, phased)
        self.model, self.control_batches = network.model, batches

    def draw(self, generator: torch.Generator, count: int) -> tuple[LatentBatch, Hinted]:
        """Draw a batch of latents and the hints of its motions."""
        # Of about one length, so that hints are encoded without much padding.
        indices = self.control_batches.indices(generator, count * 100)[:count]
        shown = self.control_batches.hints(indices, generator)
        with self.precision.autocast():
            condition = self.model.traj_encoder(shown.hints, shown.mask)
        return self.batches.of(indices, generator), Hinted(condition, packed_hints(shown.mask))


class ControlLosses:
    """The controlled teacher's ends in one step, the hints through the frozen decoder, and feet that stand."""

    def __init__(
        self,
        model: ControlModel,
        student: Denoiser,
        vae: Autoencoder,
        batches: ControlBatches,
        settings: ControlSettings,
        precision: Precision,
        trajectories: Trajectories,
    ) -> None:
        self.model, self.student, self.vae = model, student.eval().requires_grad_(False), vae
        self.batches, self.settings, self.precision = batches, settings, precision
        self.trajectories = trajectories
        self.order = np.argsort(trajectories.frames, kind="stable")

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        known, s = self.trajectories, self.settings
        rows = self._rows(generator)
        device = self.batches.batches.device
        noisy, timesteps = starts_and_points(known, rows, generator)
        noisy, timesteps = noisy.to(device), timesteps.to(device)
        shown = self._hints(rows)
        clean = torch.from_numpy(known.clean[rows].astype(np.float32)).to(device)
        made = consistency(noisy, self._noise(rows, shown, noisy, timesteps), timesteps)
        end = huber(made, clean)
        hints = self._hint_losses(made, shown)
        loss = s.end_weight * end + s.joint_weight * hints["hint"] + s.standing_weight * hints["standing"]
        return {"loss": loss, "end": end, **hints}

    def _noise(self, rows: IntArray, shown: HintBatch, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """The noise that the controlled student predicts for trajectories with their hints."""
        known, device = self.trajectories, self.batches.batches.device
        text, mask, guidance = known.text(rows, self.batches.batches.captions, device)
        with self.precision.autocast():
            condition = self.model.traj_encoder(shown.hints, shown.mask)
            residuals = self.model.controlnet(noisy, timesteps, text, guidance, condition, mask)
            epsilon: Tensor = self.student(noisy, timesteps, text, guidance, residuals, mask).float()
        return epsilon

    def _hint_losses(self, made: Tensor, shown: HintBatch) -> dict[str, Tensor]:
        """Losses of the decoded motion: at the hints, and of feet that stand."""
        with self.precision.autocast():
            features = self.batches.decoded(self.vae, made, shown.frames)
        joints = joints_from_features(features)
        hint, metres = hint_loss(joints, shown.joints, shown.mask)
        return {"hint": hint, "metres": metres, "standing": standing_loss(features, joints, shown.frames)}

    def _rows(self, generator: torch.Generator) -> IntArray:
        """Trajectories of about one length."""
        frames = self.trajectories.frames[self.order]
        at = int(torch.randint(0, len(self.order), (1,), generator=generator))
        count = max(1, self.settings.frames_per_batch // int(frames[at]))
        spread = np.arange(max(0, at - 4 * count), min(len(self.order), at + 1))
        picked = torch.randperm(len(spread), generator=generator)[:count].numpy()
        result: IntArray = self.order[spread[picked]]
        return result

    def _hints(self, rows: IntArray) -> HintBatch:
        known = self.trajectories
        return self.batches.given(known.rows[rows], unpacked_hints(known.hinted[rows], int(known.frames[rows].max())))


class PhasedControlLosses(ControlLosses):
    """The same for a phased student: steps of the controlled teacher's trajectories, and hints where a step is last."""

    def __call__(self, generator: torch.Generator, step: int) -> dict[str, Tensor]:  # noqa: ARG002  the losses' interface
        """The losses of one step, by name."""
        s, rows = self.settings, self._rows(generator)
        batch = phases_of(self.trajectories, rows, drawn_stretches(len(rows), generator), self.batches.batches.device)
        shown = self._hints(rows)
        epsilon = self._noise(rows, shown, batch.noisy, batch.codes)
        end = huber(batch.velocity(epsilon), batch.wanted_velocity())
        last = batch.last
        if not bool(last.any()):
            return {"loss": s.end_weight * end, "end": end}
        of_last = HintBatch(shown.hints[last], shown.mask[last], shown.joints[last], shown.frames[last])
        hints = self._hint_losses(batch.clean(epsilon)[last], of_last)
        share = last.float().mean()
        hinted = s.joint_weight * hints["hint"] + s.standing_weight * hints["standing"]
        return {"loss": s.end_weight * end + share * hinted, "end": end, **hints}
