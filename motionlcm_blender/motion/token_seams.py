"""Steps between the tokens of a decoder that makes several frames at once.

Each token is decoded by a linear map of its own, so a fast movement may step where one token ends and the next begins.
The step is measured against the movement on both sides and spread over the frames before and after it.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from .features import SLICES

SPREAD = (0.25,)
"""Share of a step by which the nearest frame on each side, then the next, is moved.

Captured motion keeps 99 % of its speed under this; the third differences of generated motion fall to a quarter.
"""


def without_token_seams(features: FloatArray, frames_per_token: int) -> FloatArray:
    """Remove the steps between tokens.

    Args:
        features: (..., T, 263 or 281), not normalised.
        frames_per_token: Frames of a token; with 1 nothing is changed.

    Returns:
        Features of the same shape; contacts stay.
    """
    frames = features.shape[-2]
    seams = np.arange(frames_per_token, frames - 1, frames_per_token)
    seams = seams[seams >= 2]
    if frames_per_token < 2 or not len(seams):
        return features
    step = features[..., seams, :] - features[..., seams - 1, :]
    before = features[..., seams - 1, :] - features[..., seams - 2, :]
    after = features[..., seams + 1, :] - features[..., seams, :]
    jump = step - 0.5 * (before + after)
    jump[..., SLICES["contacts"]] = 0.0
    result = np.array(features)
    for distance, share in enumerate(SPREAD):
        here = seams + distance < frames
        result[..., seams[here] + distance, :] -= share * jump[..., here, :]
        here = seams - 1 - distance >= 0
        result[..., seams[here] - 1 - distance, :] += share * jump[..., here, :]
    return result
