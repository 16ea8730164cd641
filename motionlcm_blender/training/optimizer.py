"""Muon for the matrices inside transformer blocks, AdamW for everything else.

Muon (Jordan et al. 2024) makes each step of a matrix orthogonal by a Newton-Schulz iteration; on this model it needs
fewer steps than AdamW. torch.optim.Muon iterates in bfloat16, which processors without such instructions emulate
so slowly that a step takes ten times as long; here it is bfloat16 on a GPU and float32 elsewhere, and matrices of one
shape go through together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ITERATIONS = 5


def orthogonalised(matrices: Tensor) -> Tensor:
    """(N, rows, columns) -> the same with all singular values near 1 (0.7..1.2), singular vectors kept."""
    a, b, c = _COEFFICIENTS
    x = matrices.bfloat16() if matrices.is_cuda else matrices.float()
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    result: Tensor = (x if wide else x.mT).to(matrices.dtype)
    return result


class Muon(torch.optim.Optimizer):
    """Momentum (Nesterov), made orthogonal, scaled by sqrt(rows / columns) where that is more than 1."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002  PyTorch's interface
        """Update the parameters by their gradients."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(parameter)
                state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(state["momentum"], group["momentum"])
                for part, change in zip(_parts(parameter), _parts(update), strict=True):
                    by_shape.setdefault(tuple(part.shape), []).append((part, change))
            for (rows, columns), pairs in by_shape.items():
                changes = orthogonalised(torch.stack([change for _, change in pairs]))
                scale = group["lr"] * max(1.0, rows / columns) ** 0.5
                torch._foreach_add_([part for part, _ in pairs], list(changes.unbind()), alpha=-scale)


def _parts(matrix: Tensor) -> tuple[Tensor, ...]:
    """The packed projections of queries, keys and values are three matrices; views."""
    rows, columns = matrix.shape
    return matrix.chunk(3) if rows == 3 * columns else (matrix,)


class Together:
    """Two optimizers as one: what the training loop needs of an optimizer."""

    def __init__(self, optimizers: list[torch.optim.Optimizer]) -> None:
        self.optimizers = optimizers
        for group in self.param_groups:
            group["peak"] = group["lr"]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The parameter groups of all optimizers."""
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def set_rate(self, part: float) -> None:
        """Learning rates as a part of each group's peak."""
        for group in self.param_groups:
            group["lr"] = part * group["peak"]

    def zero_grad(self) -> None:
        """Release all gradients."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Update the parameters of all optimizers."""
        for optimizer in self.optimizers:
            optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """The states of all optimizers."""
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the states of all optimizers."""
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def make_optimizer(module: nn.Module, rate: float, matrix_rate: float) -> Together:
    """matrix_rate: Muon's rate for the matrices of transformer blocks; 0: AdamW for them too."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            inside = parameter.ndim == 2 and "_block" in name and "controlnet_down" not in name
            (matrices if inside and matrix_rate > 0 else others).append(parameter)
    optimizers: list[torch.optim.Optimizer] = []
    if others:
        fused = others[0].is_cuda
        optimizers.append(torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), weight_decay=0.0, fused=fused))
    if matrices:
        optimizers.append(Muon(matrices, matrix_rate))
    return Together(optimizers)
