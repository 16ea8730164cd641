"""Joint positions from motion features in torch, so that losses on joints reach the networks (MODEL.md section 1)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate_about_up(angle: Tensor, vectors: Tensor) -> Tensor:
    """Rotate vectors by an angle about +Y. angle: (...,) radians; vectors: (..., 3), broadcast."""
    cos, sin = angle.cos(), angle.sin()
    x, y, z = vectors.unbind(-1)
    return torch.stack([cos * x + sin * z, y.expand_as(x), cos * z - sin * x], -1)


def root_from_features(features: Tensor) -> tuple[Tensor, Tensor]:
    """(B, T, 263) not normalised -> pelvis (B, T, 3) metres, and the angle (B, T) that turns the facing frame back."""
    features = features.float()
    half_yaw = torch.cumsum(features[..., 0], 1) - features[..., 0]
    # Feature 0 is the half angle: the facing frame is the world turned by 2 * half_yaw, and going back by minus that.
    turn = -2.0 * half_yaw
    step = torch.zeros(*features.shape[:2], 3, dtype=features.dtype, device=features.device)
    step[:, 1:, 0] = features[:, :-1, 1]
    step[:, 1:, 2] = features[:, :-1, 2]
    ground = torch.cumsum(rotate_about_up(turn, step), 1)
    return torch.stack([ground[..., 0], features[..., 3], ground[..., 2]], -1), turn


def joints_from_features(features: Tensor) -> Tensor:
    """(B, T, 263) not normalised -> (B, T, 22, 3) metres; differentiable, float32."""
    pelvis, turn = root_from_features(features)
    local = features[..., 4:67].float().unflatten(-1, (21, 3))
    ground = torch.stack([pelvis[..., 0], torch.zeros_like(pelvis[..., 0]), pelvis[..., 2]], -1)
    others = rotate_about_up(turn[..., None], local) + ground[:, :, None]
    return torch.cat([pelvis[:, :, None], others], 2)
