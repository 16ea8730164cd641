"""Post-norm transformer blocks with U-Net-like skips (docs/MODEL.md section 2; source: MLD).

Source: MLD, "Executing your Commands via Motion Diffusion in Latent Space" (Chen et al. 2023).
Parameter names are those of torch.nn.MultiheadAttention and torch.nn.TransformerEncoderLayer, so official checkpoints
load strictly; the arithmetic is batch first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

POSITIONS = 500
"""Rows of every learned position table: the longest sequence, tokens included."""


def key_bias(keep: Tensor | None, dtype: torch.dtype = torch.float32) -> Tensor | None:
    """Make an additive attention bias.

    The content of a GPU's mask is not inspected: that would synchronise with the GPU and could not be captured
    (`cuda_graphs`).

    Args:
        keep: (B, S) bool, True for keys that may be attended to; None: all.
        dtype: Type of the result.

    Returns:
        (B, 1, 1, S), 0 or minus infinity, or None if nothing is masked.
    """
    if keep is None or (keep.device.type == "cpu" and bool(keep.all())):
        return None
    bias = torch.zeros(keep.shape, dtype=dtype, device=keep.device)
    return bias.masked_fill_(~keep, float("-inf"))[:, None, None, :]


def attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Scaled dot-product attention.

    While training on a CPU two plain matrix products are used, because the backward pass of the fused kernel is
    several times slower there.

    Args:
        query: (B, heads, S, d).
        key: (B, heads, keys, d).
        value: (B, heads, keys, d).
        bias: Additive bias, broadcast to (B, heads, S, keys), or None.

    Returns:
        (B, heads, S, d).
    """
    if query.device.type == "cpu" and torch.is_grad_enabled() and query.requires_grad:
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        if bias is not None:
            scores = scores + bias.to(scores.dtype)
        result: Tensor = scores.softmax(-1) @ value
        return result
    if bias is not None:
        bias = bias.to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value, attn_mask=bias)


class MultiheadAttention(nn.Module):
    """Multi-head attention with packed input projections."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def _split(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        return x.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

    def forward(self, x: Tensor, memory: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
        """Attend from x (B, S, width) to `memory` (B, M, width) or to x itself, with a bias from `key_bias`."""
        width = x.shape[-1]
        if memory is None:
            query, key, value = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        else:
            query = F.linear(x, self.in_proj_weight[:width], self.in_proj_bias[:width])
            key, value = F.linear(memory, self.in_proj_weight[width:], self.in_proj_bias[width:]).chunk(2, -1)
        mixed = attention(self._split(query), self._split(key), self._split(value), bias)
        result: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(x.shape))
        return result


class Block(nn.Module):
    """A post-norm transformer block; with `cross` it also attends to a memory. No dropout: see docs/TRAINING.md."""

    def __init__(self, width: int, feedforward: int, heads: int, cross: bool = False) -> None:
        super().__init__()
        self.self_attn = MultiheadAttention(width, heads)
        self.linear1 = nn.Linear(width, feedforward)
        self.linear2 = nn.Linear(feedforward, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        if cross:
            self.multihead_attn = MultiheadAttention(width, heads)
            self.norm3 = nn.LayerNorm(width)
        self.cross = cross

    def forward(self, x: Tensor, bias: Tensor | None = None, memory: Tensor | None = None) -> Tensor:
        """Apply the block to x (B, S, width); the shape stays."""
        x = self.norm1(x + self.self_attn(x, bias=bias))
        last = self.norm2
        if self.cross:
            x = self.norm2(x + self.multihead_attn(x, memory))
            last = self.norm3
        result: Tensor = last(x + self.linear2(F.gelu(self.linear1(x))))
        return result


class SkipTransformer(nn.Module):
    """n input blocks, a middle block, n output blocks; each input is joined to an output, last in first out."""

    def __init__(
        self, width: int, feedforward: int, heads: int, layers: int, cross: bool = False, final_norm: bool = True
    ) -> None:
        super().__init__()
        half = (layers - 1) // 2
        self.input_blocks = nn.ModuleList(Block(width, feedforward, heads, cross) for _ in range(half))
        self.middle_block = Block(width, feedforward, heads, cross)
        self.output_blocks = nn.ModuleList(Block(width, feedforward, heads, cross) for _ in range(half))
        self.linear_blocks = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(half))
        self.norm = nn.LayerNorm(width) if final_norm else None

    def forward(
        self,
        x: Tensor,
        bias: Tensor | None = None,
        memory: Tensor | None = None,
        residuals: Sequence[Tensor] | None = None,
        outputs: list[Tensor] | None = None,
    ) -> Tensor:
        """Apply the blocks to x (B, S, width); the shape stays.

        Args:
            x: (B, S, width).
            bias: Attention bias from `key_bias`.
            memory: (B, M, width) for blocks that attend to one.
            residuals: One (B, S, width) for each block, added to its output before it is stored (ControlNet).
            outputs: A list that receives each block's output.
        """
        number = 0

        def run(block: nn.Module, value: Tensor) -> Tensor:
            nonlocal number
            value = block(value, bias, memory)
            if residuals is not None:
                value = value + residuals[number]
            if outputs is not None:
                outputs.append(value)
            number += 1
            return value

        kept: list[Tensor] = []
        for block in self.input_blocks:
            x = run(block, x)
            kept.append(x)
        x = run(self.middle_block, x)
        for block, linear in zip(self.output_blocks, self.linear_blocks, strict=True):
            x = run(block, linear(torch.cat([x, kept.pop()], -1)))
        return x if self.norm is None else self.norm(x)


class Positions(nn.Module):
    """Learned positions, added from index 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pe = nn.Parameter(torch.empty(POSITIONS, 1, width))
        nn.init.uniform_(self.pe)

    def start_as_sinusoids(self, scale: float = 1.0) -> None:
        """Initialise with sinusoids instead of noise: neighbouring frames start alike, which short training needs."""
        width = self.pe.shape[-1]
        rates = torch.exp(torch.arange(0, width, 2) * (-torch.log(torch.tensor(1000.0)) / width))
        angles = torch.arange(POSITIONS)[:, None] * rates
        with torch.no_grad():
            self.pe[:, 0, 0::2] = scale * angles.sin()
            self.pe[:, 0, 1::2] = scale * angles.cos()

    def forward(self, x: Tensor) -> Tensor:
        """Add positions to x (B, S, width)."""
        return x + self.pe[: x.shape[1], 0]
