"""Noise schedule and embeddings of the samplers (docs/MODEL.md section 3), in NumPy for both backends.

Sources: Stable Diffusion's "scaled linear" schedule; DDIM (Song et al. 2021); latent consistency models (Luo et al.
2023, section 4); MotionLCM (Dai et al. 2024).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ..array_types import FloatArray

TRAIN_STEPS = 1000
BETA_START, BETA_END = 0.00085, 0.012
TIME_WIDTH = 768
GUIDANCE_WIDTH = 256

LCM_TIMESTEPS: dict[int, tuple[int, ...]] = {1: (799,), 2: (699, 299), 4: (699, 399, 299, 299)}
LCM_GUIDANCE: dict[int, float] = {1: 8.0, 2: 12.5, 4: 13.5}
V1_GUIDANCE = 7.5
PHASED_TIMESTEPS: dict[int, tuple[int, ...]] = {1: (931,), 2: (931, 435), 4: (931, 683, 435, 187)}
"""Where the steps of a phased student begin: points of DDIM in `PHASED_DDIM_STEPS` steps."""
PHASED_DDIM_STEPS = 16
STEP_COUNTS = len(PHASED_TIMESTEPS)


def phased_code(timestep: int, steps: int) -> int:
    """What a phased student reads as its timestep: the timestep, and with how many steps (1, 2 or 4) it samples."""
    return timestep + TRAIN_STEPS * (steps.bit_length() - 1)


@cache
def alphas_cumprod() -> FloatArray:
    """(1000,) float32: product of (1 - beta) up to each timestep."""
    betas = np.linspace(BETA_START**0.5, BETA_END**0.5, TRAIN_STEPS, dtype=np.float32) ** 2
    result: FloatArray = np.cumprod(1.0 - betas, dtype=np.float32)
    result.setflags(write=False)
    return result


def alpha_sigma(timestep: int) -> tuple[float, float]:
    """Scales of signal and noise at a timestep or `phased_code`: x = alpha * x0 + sigma * noise."""
    product = float(alphas_cumprod()[timestep % TRAIN_STEPS])
    return product**0.5, (1.0 - product) ** 0.5


def boundary_scalings(timestep: int) -> tuple[float, float]:
    """Coefficients c_skip and c_out of the consistency function, which is the identity at timestep 0."""
    scaled = 10.0 * (timestep % TRAIN_STEPS)
    return 0.25 / (scaled**2 + 0.25), scaled / (scaled**2 + 0.25) ** 0.5


def v1_timesteps(steps: int) -> tuple[int, ...]:
    """Timesteps of a V1 student: entries floor(i * 50 / n) of 999, 979, .., 19."""
    return tuple(999 - 20 * ((i * 50) // steps) for i in range(steps))


@cache
def time_embedding(timestep: int) -> FloatArray:
    """(768,) float32 sinusoids of a timestep, cosines first."""
    half = TIME_WIDTH // 2
    exponents = -np.log(np.float32(10000.0)) * np.arange(half, dtype=np.float32) / np.float32(half)
    angles = np.float32(timestep) * _exp(exponents)
    result: FloatArray = np.concatenate([np.cos(angles), np.sin(angles)]).astype(np.float32)
    return result


@cache
def guidance_embedding(guidance: float) -> FloatArray:
    """(256,) float32 sinusoids of (guidance - 1) * 1000, sines first."""
    half = GUIDANCE_WIDTH // 2
    exponents = np.arange(half, dtype=np.float32) * -np.float32(np.log(10000.0) / (half - 1))
    # The angles reach thousands of radians, where an error of one ulp in a frequency changes the sine; so the
    # exponential is rounded correctly, independent of the processor's float32 exp.
    angles = np.float32((guidance - 1.0) * 1000.0) * _exp(exponents)
    result: FloatArray = np.concatenate([np.sin(angles), np.cos(angles)]).astype(np.float32)
    return result


def _exp(exponents: FloatArray) -> FloatArray:
    result: FloatArray = np.exp(exponents.astype(np.float64)).astype(np.float32)
    return result


def ddim_timesteps(steps: int = 50) -> tuple[int, ...]:
    """Descending timesteps of the teacher's sampler, with steps_offset 1."""
    stride = TRAIN_STEPS // steps
    return tuple(int(i * stride) + 1 for i in reversed(range(steps)))


def previous_alpha_sigma(timestep: int, steps: int = 50) -> tuple[float, float]:
    """Scales of signal and noise after a DDIM step; the last step ends at timestep 0 (set_alpha_to_one False)."""
    return alpha_sigma(max(timestep - TRAIN_STEPS // steps, 0))
