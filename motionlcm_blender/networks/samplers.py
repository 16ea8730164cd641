"""Samplers for both backends: arrays may be NumPy's or PyTorch's (docs/MODEL.md section 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..array_types import BoolArray, FloatArray
from .architecture import Architecture
from .noise_schedule import (
    LCM_GUIDANCE,
    LCM_TIMESTEPS,
    PHASED_TIMESTEPS,
    V1_GUIDANCE,
    alpha_sigma,
    boundary_scalings,
    ddim_timesteps,
    phased_code,
    previous_alpha_sigma,
    v1_timesteps,
)


@dataclass(frozen=True, eq=False)
class SamplingInput:
    """Input of the sampling for one request, as float32 arrays.

    Attributes:
        text: (L, text_width) text tokens.
        noise: (steps, takes, tokens, latent_width).
        frames: Number of frames T.
        guidance: Guidance scale.
        strength: Factor on the ControlNet's residuals.
        hints: (n, T, 22, 3) normalised, n = 1 or takes, or None.
        given: (n, T, 22, 3) bool, the coordinates that `hints` gives, or None.
    """

    text: FloatArray
    noise: FloatArray
    frames: int
    guidance: float
    strength: float
    hints: FloatArray | None = None
    given: BoolArray | None = None


def student_timesteps(architecture: Architecture, steps: int) -> tuple[int, ...]:
    """Timesteps of the few-step sampler: a table in V2, evenly spaced in V1; of a phased student, its codes."""
    if architecture.phased:
        return tuple(phased_code(timestep, steps) for timestep in PHASED_TIMESTEPS[steps])
    return LCM_TIMESTEPS[steps] if architecture.adapter else v1_timesteps(steps)


def default_guidance(architecture: Architecture, steps: int) -> float:
    """The published guidance scale for a number of steps."""
    return LCM_GUIDANCE[steps] if architecture.adapter else V1_GUIDANCE


def lcm_sample(
    network: Any,
    text: Any,
    latents: Any,
    noises: Any = None,
    steps: int = 1,
    guidance: float | None = None,
    condition: Any = None,
    strength: float = 1.0,
    on_step: Callable[[int], None] | None = None,
) -> Any:
    """Latent consistency sampling (Luo et al. 2023, algorithm 3); a phased student goes on without new noise.

    Args:
        network: Has `architecture`, `denoiser` and, for a condition, `controlnet`.
        text: (B, text tokens, text_width).
        latents: (B, tokens, latent_width) initial noise.
        noises: (steps - 1 or more, B, tokens, latent_width), injected between steps; needed for steps > 1 unless the
            student is phased.
        steps: Number of steps.
        guidance: Guidance scale; None: the published one.
        condition: Output of the trajectory encoder, or None.
        strength: Factor on the ControlNet's residuals, 1 as published; less keeps more of the motion without a path.
        on_step: Called with i before step i; may raise to stop.

    Returns:
        Latents of the shape of `latents`.
    """
    architecture = network.architecture
    guidance = default_guidance(architecture, steps) if guidance is None else guidance
    timesteps = student_timesteps(architecture, steps)
    sample, denoised = latents, latents
    for i, timestep in enumerate(timesteps):
        if on_step is not None:
            on_step(i)
        residuals = None
        if condition is not None:
            residuals = network.controlnet(sample, timestep, text, guidance, condition)
            if strength != 1.0:
                residuals = [strength * residual for residual in residuals]
        epsilon = network.denoiser(sample, timestep, text, guidance, residuals)
        alpha, sigma = alpha_sigma(timestep)
        c_skip, c_out = boundary_scalings(timestep)
        denoised = c_skip * sample + c_out * ((sample - sigma * epsilon) / alpha)
        if i + 1 < len(timesteps):
            alpha, sigma = alpha_sigma(timesteps[i + 1])
            sample = alpha * denoised + sigma * (epsilon if architecture.phased else noises[i])
    return denoised


def ddim_sample(
    network: Any,
    text: Any,
    null_text: Any,
    latents: Any,
    steps: int = 50,
    guidance: Any = 7.5,
    masks: Sequence[Any] | None = None,
    condition: Any = None,
    on_step: Callable[[int, Any], None] | None = None,
) -> Any:
    """The teacher's sampler: DDIM, eta 0, with classifier-free guidance (Song et al. 2021; Ho and Salimans 2022).

    Args:
        network: Has `denoiser` and, for a condition, the teacher's `controlnet`.
        text: (B, text tokens, text_width).
        null_text: (B, text tokens, text_width) of the empty prompt; the number of tokens may differ.
        latents: (B, tokens, latent_width) initial noise.
        steps: Number of steps.
        guidance: Guidance scale, a number or an array (B, 1, 1).
        masks: Text masks for `text` and `null_text`, PyTorch only.
        condition: Output of the trajectory encoder, or None.
        on_step: Called with the timestep and the noisy latents of each step.

    Returns:
        Latents of the shape of `latents`.
    """
    kept: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    if masks is not None:
        kept = ({"text_mask": masks[0]}, {"text_mask": masks[1]})
    unguided = isinstance(guidance, float | int) and guidance == 1.0
    sample = latents

    def predicted(words: Any, mask: dict[str, Any]) -> Any:
        if condition is None:
            return network.denoiser(sample, timestep, words, **mask)
        residuals = network.controlnet(sample, timestep, words, None, condition, **mask)
        return network.denoiser(sample, timestep, words, residuals=residuals, **mask)

    for timestep in ddim_timesteps(steps):
        if on_step is not None:
            on_step(timestep, sample)
        conditional = predicted(text, kept[0])
        if not unguided:
            unconditional = predicted(null_text, kept[1])
            epsilon = unconditional + guidance * (conditional - unconditional)
        else:
            epsilon = conditional
        alpha, sigma = alpha_sigma(timestep)
        next_alpha, next_sigma = previous_alpha_sigma(timestep, steps)
        sample = next_alpha * ((sample - sigma * epsilon) / alpha) + next_sigma * epsilon
    return sample
