"""Several frames as one token, for models with another layout than the published one.

With one frame per token (the published layout) every function returns its input, so official checkpoints take exactly
the published path.
"""

from __future__ import annotations

import torch
from torch import Tensor


def token_mask(mask: Tensor, frames_per_token: int) -> Tensor:
    """Find the tokens with at least one frame.

    Args:
        mask: (B, T) bool, True for frames.
        frames_per_token: Frames in a token.

    Returns:
        (B, ceil(T / frames_per_token)) bool.
    """
    if frames_per_token == 1:
        return mask
    result: Tensor = _padded(mask, frames_per_token).unflatten(1, (-1, frames_per_token)).any(-1)
    return result


def group_frames(values: Tensor, frames_per_token: int) -> Tensor:
    """Reshape (B, T, n) to (B, ceil(T / frames_per_token), frames_per_token * n), padded with zeros."""
    if frames_per_token == 1:
        return values
    result: Tensor = _padded(values, frames_per_token).unflatten(1, (-1, frames_per_token)).flatten(2)
    return result


def split_frames(tokens: Tensor, frames: int, frames_per_token: int) -> Tensor:
    """Reshape (B, tokens, frames_per_token * n) back to (B, frames, n)."""
    if frames_per_token == 1:
        return tokens
    result: Tensor = tokens.unflatten(2, (frames_per_token, -1)).flatten(1, 2)[:, :frames]
    return result


def hold_last_frame(features: Tensor, mask: Tensor, frames_per_token: int) -> Tensor:
    """Repeat the last frame of each motion to the end of its last token, so that no token mixes motion and zeros.

    Args:
        features: (B, T, n).
        mask: (B, T) bool, True for the first frames of each motion.
        frames_per_token: Frames in a token.

    Returns:
        (B, T rounded up to whole tokens, n).
    """
    features = _padded(features, frames_per_token)
    lengths = mask.sum(1).clamp_min(1)
    frames = torch.arange(features.shape[1], device=features.device)[None]
    last = torch.minimum(frames, (lengths - 1)[:, None])
    ends = (lengths + frames_per_token - 1) // frames_per_token * frames_per_token
    held = features.gather(1, last[..., None].expand(-1, -1, features.shape[2]))
    return held * (frames < ends[:, None])[..., None].to(features.dtype)


def _padded(values: Tensor, frames_per_token: int) -> Tensor:
    missing = -values.shape[1] % frames_per_token
    if not missing:
        return values
    return torch.cat([values, values.new_zeros(values.shape[0], missing, *values.shape[2:])], 1)
