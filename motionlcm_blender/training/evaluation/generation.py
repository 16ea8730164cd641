"""Motions for lists of captions, in batches, straight from the networks: no path, no foot lock, no fixed bones.

Comparisons with other work measure the output of the networks; other modules measure the final motion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...files.safetensors_files import read_arrays
from ...generation.pipeline import MotionLCM
from ...motion.features import FEATURES
from ...networks.samplers import ddim_sample, lcm_sample
from ...networks.torch_impl.denoiser import Denoiser
from .motion_measures import joints_of

TEACHER_STEPS = 50
TEACHER_GUIDANCE = 7.5
"""Published; a small teacher may be better with less, so the command takes another."""

BATCH = 64


@dataclass(frozen=True)
class Prompt:
    """caption; frames: length at 20 fps, 1 to 196."""

    caption: str
    frames: int


@dataclass(frozen=True)
class Teacher:
    """The denoiser that the student was distilled from, with its sampler's number of steps and guidance scale."""

    denoiser: Denoiser
    steps: int = TEACHER_STEPS
    guidance: float = TEACHER_GUIDANCE


Sampler = Callable[[MotionLCM, Sequence[Prompt], Tensor], Tensor]
"""(model, prompts, noise (steps, B, tokens, latent_width)) -> latents (B, tokens, latent_width)."""


def load_teacher(
    file: Path, model: MotionLCM, steps: int = TEACHER_STEPS, guidance: float = TEACHER_GUIDANCE
) -> Teacher:
    """The teacher's averaged weights, as `motionlcm train` leaves them, with or without the prefix "denoiser.".

    Raises ModelFolderError if the file is missing or damaged, TrainingDataError if it is not this model's teacher.
    """
    arrays, _ = read_arrays(file)
    denoiser = Denoiser(replace(model.architecture, student=False))
    try:
        denoiser.load_state_dict({n.removeprefix("denoiser."): torch.from_numpy(a.copy()) for n, a in arrays.items()})
    except RuntimeError as error:
        raise TrainingDataError(f"{file.name} does not hold the teacher of the model {model.name}.") from error
    return Teacher(denoiser.to(model.device).eval().requires_grad_(False), steps, guidance)


def student_sampler(steps: int) -> Sampler:
    """The student in 1, 2 or 4 steps at the model's own guidance."""

    def sample(model: MotionLCM, prompts: Sequence[Prompt], noise: Tensor) -> Tensor:
        text, mask = text_batch(model, prompts)
        network = _Masked(model.network, mask)
        latents: Tensor = lcm_sample(network, text, noise[0], noise[1:], steps, model.guidance(steps))
        return latents

    return sample


def teacher_sampler(teacher: Teacher) -> Sampler:
    """The teacher with DDIM and classifier-free guidance; the null text is "" with the token of the same length."""

    def sample(model: MotionLCM, prompts: Sequence[Prompt], noise: Tensor) -> Tensor:
        text, mask = text_batch(model, prompts)
        null_text, null_mask = text_batch(model, [replace(p, caption="") for p in prompts])
        latents: Tensor = ddim_sample(
            teacher, text, null_text, noise[0], teacher.steps, teacher.guidance, (mask, null_mask)
        )
        return latents

    return sample


class _Masked:
    """A network whose denoiser leaves out the padding of shorter prompts; `lcm_sample` has no masks."""

    def __init__(self, network: Any, mask: Tensor) -> None:
        self.architecture, self._denoiser, self._mask = network.architecture, network.denoiser, mask

    def denoiser(self, latents: Tensor, timestep: int, text: Tensor, guidance: float, residuals: Any) -> Tensor:
        epsilon: Tensor = self._denoiser(latents, timestep, text, guidance, residuals, text_mask=self._mask)
        return epsilon


def text_batch(model: MotionLCM, prompts: Sequence[Prompt]) -> tuple[Tensor, Tensor]:
    """Text tokens (B, L, text_width), padded to the longest, and their mask (B, L) bool, on the model's device."""
    rows = [model.encode_prompt(p.caption, p.frames) for p in prompts]
    text = np.zeros((len(rows), max(len(r) for r in rows), rows[0].shape[1]), np.float32)
    mask = np.zeros(text.shape[:2], bool)
    for k, row in enumerate(rows):
        text[k, : len(row)], mask[k, : len(row)] = row, True
    return torch.from_numpy(text).to(model.device), torch.from_numpy(mask).to(model.device)


def generate_features(
    model: MotionLCM, prompts: Sequence[Prompt], sampler: Sampler, seed: int, batch: int = BATCH
) -> list[FloatArray]:
    """Features, not normalised, (frames, 263 or as many as the model has) float32 each, in the order of the prompts.

    seed: the noise of prompt k depends on seed and k only, so it is the same for student and teacher and for any batch.
    Raises TrainingDataError if the model does not run on torch, DeviceError without memory.
    """
    check_torch(model)
    a = model.architecture
    noise = np.stack(
        [
            np.random.default_rng((seed, k)).standard_normal((4, a.latent_tokens, a.latent_width), dtype=np.float32)
            for k in range(len(prompts))
        ],
        axis=1,
    )
    result: list[FloatArray] = [np.empty(0)] * len(prompts)
    # About equal lengths together: the padding of a batch is decoded too.
    order = np.argsort([p.frames for p in prompts], kind="stable")
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        with model.backend.inference_context():
            latents = sampler(model, [prompts[k] for k in rows], model.backend.array(noise[:, rows]))
        decoded = decode(model, latents, [prompts[k].frames for k in rows])
        for k, features in zip(rows, decoded, strict=True):
            result[k] = features
    return result


def generate_joints(model: MotionLCM, prompts: Sequence[Prompt], sampler: Sampler, seed: int) -> list[FloatArray]:
    """As `generate_features`, but joint positions (frames, 22, 3) float32 metres."""
    return [joints_of(f) for f in generate_features(model, prompts, sampler, seed)]


def decode(model: MotionLCM, latents: Tensor, frames: Sequence[int]) -> list[FloatArray]:
    """Latents (B, tokens, latent_width) to features, not normalised, (frames[k], 263) float32 each."""
    mask = np.arange(max(frames)) < np.asarray(frames)[:, None]
    with model.backend.inference_context():
        decoded = model.backend.numpy(model.network.decode(latents, model.backend.array(mask)))
    values = decoded * model.stats["std"] + model.stats["mean"]
    return [row[:length].astype(np.float32) for row, length in zip(values, frames, strict=True)]


def reconstruct(
    model: MotionLCM,
    features: Sequence[FloatArray],
    generator: np.random.Generator | None = None,
    batch: int = BATCH,
) -> list[FloatArray]:
    """Features, not normalised, (T, 263) each, through the VAE and back, of the same shapes.

    Columns that the model has behind them are at their mean going in, and left out coming back.
    generator: None: the latent is the posterior's mean; else it is drawn from the posterior.
    """
    check_torch(model)
    mean_of, std_of = model.stats["mean"], model.stats["std"]
    result: list[FloatArray] = [np.empty(0)] * len(features)
    order = np.argsort([len(f) for f in features], kind="stable")
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        frames = [len(features[k]) for k in rows]
        values = np.zeros((len(rows), max(frames), len(mean_of)), np.float32)
        for i, k in enumerate(rows):
            values[i, : frames[i], :FEATURES] = (features[k] - mean_of[:FEATURES]) / std_of[:FEATURES]
        mask = np.arange(max(frames)) < np.asarray(frames)[:, None]
        with model.backend.inference_context():
            mean, std = model.vae.encode(model.backend.array(values), model.backend.array(mask))
            if generator is not None:
                drawn = generator.standard_normal(tuple(mean.shape)).astype(np.float32)
                mean = mean + std * model.backend.array(drawn)
        for k, made in zip(rows, decode(model, mean, frames), strict=True):
            result[k] = made[:, :FEATURES]
    return result


def check_torch(model: MotionLCM) -> None:
    """Raises TrainingDataError if the model runs on NumPy."""
    if model.device == "numpy":
        raise TrainingDataError("Evaluation needs the model in PyTorch: load it on cpu or cuda.")


def samplers(teacher: Teacher | None) -> Mapping[str, Sampler]:
    """By row of the report: the teacher where there is one, and the student with each number of steps."""
    rows: dict[str, Sampler] = {}
    if teacher is not None:
        rows[f"teacher_{teacher.steps}"] = teacher_sampler(teacher)
    return rows | {f"student_{steps}": student_sampler(steps) for steps in (1, 2, 4)}
