"""Joint positions from motion features in PyTorch, for losses on joints (docs/MODEL.md section 1)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate_about_up(angle: Tensor, vectors: Tensor) -> Tensor:
    """Rotate vectors (..., 3) about +Y by angles (...), radians; shapes broadcast."""
    cos, sin = angle.cos(), angle.sin()
    x, y, z = vectors.unbind(-1)
    return torch.stack([cos * x + sin * z, y.expand_as(x), cos * z - sin * x], -1)


def root_from_features(features: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the pelvis trajectory.

    Args:
        features: (B, T, 263), not normalised.

    Returns:
        Pelvis positions (B, T, 3), metres, and angles (B, T), radians, that rotate the facing frame back to the world.
    """
    features = features.float()
    half_yaw = torch.cumsum(features[..., 0], 1) - features[..., 0]
    # Feature 0 is half the angle: the facing frame is the world rotated by 2 * half_yaw; the way back is minus that.
    turn = -2.0 * half_yaw
    step = torch.zeros(*features.shape[:2], 3, dtype=features.dtype, device=features.device)
    step[:, 1:, 0] = features[:, :-1, 1]
    step[:, 1:, 2] = features[:, :-1, 2]
    ground = torch.cumsum(rotate_about_up(turn, step), 1)
    return torch.stack([ground[..., 0], features[..., 3], ground[..., 2]], -1), turn


def joints_from_features(features: Tensor) -> Tensor:
    """Compute joint positions in float32, differentiably.

    Args:
        features: (B, T, 263), not normalised.

    Returns:
        (B, T, 22, 3) metres, Y up.
    """
    pelvis, turn = root_from_features(features)
    local = features[..., 4:67].float().unflatten(-1, (21, 3))
    ground = torch.stack([pelvis[..., 0], torch.zeros_like(pelvis[..., 0]), pelvis[..., 2]], -1)
    others = rotate_about_up(turn[..., None], local) + ground[:, :, None]
    return torch.cat([pelvis[:, :, None], others], 2)
