"""The noise that a take is sampled from; equal on every device."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..networks.architecture import Architecture
from .request import Request
from .variations import blended


def noise_of(request: Request, architecture: Architecture) -> FloatArray:
    """The noise of a request for one take.

    Args:
        request: The request; its seed, blends and liveliness determine the noise.
        architecture: Sizes of the latent.

    Returns:
        (steps, tokens, latent_width) float32: the initial noise, then the noise of the later steps.
    """
    noise = _drawn(request.seed, request.steps, architecture)
    for blend in request.blends:
        noise = blended(noise, _drawn(blend.towards, request.steps, architecture), blend.weight)
    noise[0] *= np.float32(request.liveliness)
    return noise


def _drawn(seed: int, steps: int, architecture: Architecture) -> FloatArray:
    shape = (steps, architecture.latent_tokens, architecture.latent_width)
    return np.random.default_rng(seed % 2**63).standard_normal(shape, dtype=np.float32)
