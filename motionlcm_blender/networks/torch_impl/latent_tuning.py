"""Optimization of the initial noise so that one-step sampling meets its hints.

The published method is 400 steps of Adam on the noise (Karunratanakul et al. 2024, "Optimizing diffusion noise"; Dai
et al. 2024). This is Levenberg-Marquardt instead: the error of the hints is projected to a few dozen smooth rows, one
batched backward pass gives the rows' gradients, one batched forward pass tries several damping factors, and ten such
rounds make 20 passes. Each step is the shortest that reduces the error enough, and the noise keeps its norm, so the
motion stays within the model's distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...array_types import BoolArray, FloatArray

PASSES = 20
"""Most passes through the networks, each for a batch."""
ROWS = 24
"""Most rows of the projected residual: the batch of a pass backward."""
_DAMPINGS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_SCALES = (1.0, 0.5)
_ENOUGH = 0.99
"""A round that leaves more than this fraction of the error ends the search."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """Result of the optimization.

    Attributes:
        noise: (1, tokens, latent_width).
        before: Root mean square of the residual before, metres.
        after: Root mean square of the residual after, metres.
        passes: Number of passes through the networks.
    """

    noise: Tensor
    before: float
    after: float
    passes: int


def smooth_rows(mask: BoolArray, most: int = ROWS) -> FloatArray:
    """Orthonormal rows to which the errors of the hinted numbers are projected.

    Each hinted coordinate of each joint gets its lowest cosines over the frames on which it is given: a path is wrong
    by a bend or a drift, not by one frame. If there are few hints, each is one row.

    Args:
        mask: (T, 22, 3) bool with M values True.
        most: Largest number of rows.

    Returns:
        (rows, M).
    """
    frames, joints, axes = np.nonzero(mask)
    total = len(frames)
    if total <= most:
        return np.eye(total, dtype=np.float32)
    series = np.unique(np.stack([joints, axes], 1), axis=0)
    each = max(1, most // len(series))
    rows = []
    for joint, axis in series:
        own = np.flatnonzero((joints == joint) & (axes == axis))
        along = (np.arange(len(own)) + 0.5) / len(own)
        for wave in range(min(each, len(own))):
            row = np.zeros(total, np.float32)
            row[own] = np.cos(np.pi * wave * along)
            rows.append(row / np.linalg.norm(row))
    return np.stack(rows)


def tune(residual: Callable[[Tensor], Tensor], start: Tensor, rows: FloatArray, passes: int = PASSES) -> Tuned:
    """Find noise near `start` with a small residual.

    Args:
        residual: Differentiable function from noise (B, tokens, latent_width) to errors (B, M), metres.
        start: (1, tokens, latent_width).
        rows: (K, M) from `smooth_rows`.
        passes: Number of passes through the networks, forward or forward and backward, each for a batch.

    Returns:
        The optimized noise and its error.
    """
    view = torch.from_numpy(rows).to(start.device)
    radius = start.norm()
    noise = start
    before = after = float("inf")
    used = 0
    while used + 2 <= passes:
        batch = noise.expand(len(view), -1, -1).clone().requires_grad_(True)
        seen = residual(batch)
        (gradient,) = torch.autograd.grad((seen * view).sum(), batch)
        used += 1
        error = seen[:1].detach()
        if not np.isfinite(before):
            before = after = float(error.square().mean().sqrt())
        # In NumPy: Apple's GPUs have no float64, and others are slow for such a small system.
        jacobian = gradient.flatten(1).cpu().numpy().astype(np.float64)
        gram = jacobian @ jacobian.T
        towards = rows.astype(np.float64) @ error.cpu().numpy().astype(np.float64)[0]
        scale = max(float(np.diagonal(gram).mean()), 1e-12)
        steps = []
        for damping in _DAMPINGS:
            weights = np.linalg.solve(gram + damping * scale * np.eye(len(rows)), towards)
            steps += [-part * (jacobian.T @ weights) for part in _SCALES]
        moves = np.stack(steps).astype(np.float32).reshape(-1, *noise.shape[1:])
        tried = noise + torch.from_numpy(moves).to(noise.device)
        tried = tried * (radius / tried.flatten(1).norm(dim=1))[:, None, None]
        with torch.no_grad():
            errors = residual(tried).square().mean(1).sqrt()
        used += 1
        best = int(errors.argmin())
        if not float(errors[best]) < after:
            break
        gained = float(errors[best]) / after
        noise, after = tried[best : best + 1], float(errors[best])
        if gained > _ENOUGH:
            break
    return Tuned(noise.detach(), before, after, used)
