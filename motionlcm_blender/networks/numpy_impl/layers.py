"""Transformer layers in NumPy float32, for inference.

All arrays are batch first, (B, S, width). There is no padding: callers pass only real frames and tokens, so no layer
needs a mask. The docstrings name the functions that work in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray, IntArray
from ..parameter_shapes import block_names
from .matmul import product

Weights = Mapping[str, FloatArray]

_ONE = np.float32(1.0)
_GELU = tuple(
    np.float32(-c)
    for c in (
        1.5957685367818923,
        0.07266829834531952,
        -6.605348592356317e-05,
        -0.0001105467483880912,
        7.948138074859537e-06,
        -2.675661840930651e-07,
        3.627849724861598e-09,
    )
)
"""Polynomial in x^2 for minus the logit of the normal distribution function, divided by x.

Our own minimax fit over 0..7, weighted by its effect on x * Phi(x): the error is at most 7e-8, less than float32
rounding. Beyond 7 the leading term keeps the sign, and the function goes to 0 or x as it should.
"""
_CHUNK = 32768
"""Number of values processed at once, so that the passes of one function stay in the cache."""
_UNPACKED = 196608
"""Number of int8 weights dequantized at once, so that they are multiplied while they are in the cache."""


def gelu(x: FloatArray) -> FloatArray:
    """GELU, x * Phi(x) with the exact normal distribution function (the erf form), in place.

    Args:
        x: float32, contiguous, any shape; overwritten.

    Returns:
        x.
    """
    flat = x.reshape(-1)
    size = min(_CHUNK, flat.size)
    squares, powers = np.empty(size, np.float32), np.empty(size, np.float32)
    with np.errstate(over="ignore"):
        for start in range(0, flat.size, _CHUNK):
            value = flat[start : start + _CHUNK]
            square, power = squares[: value.size], powers[: value.size]
            np.multiply(value, value, out=square)
            np.multiply(square, _GELU[-1], out=power)
            for coefficient in _GELU[-2:0:-1]:
                power += coefficient
                power *= square
            power += _GELU[0]
            power *= value
            np.exp(power, out=power)
            power += _ONE
            np.divide(value, power, out=value)
    return x


def silu(x: FloatArray) -> FloatArray:
    """SiLU, x * sigmoid(x)."""
    with np.errstate(over="ignore"):
        result: FloatArray = x / (_ONE + np.exp(-x))
    return result


def softmax_mix(scores: FloatArray, values: FloatArray) -> FloatArray:
    """Compute softmax(scores) @ values.

    Args:
        scores: (..., Q, K), overwritten.
        values: (..., K, d).

    Returns:
        (..., Q, d).
    """
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    mixed = product(scores, values)
    mixed /= scores.sum(-1, keepdims=True)
    return mixed


@dataclass(frozen=True, eq=False)
class Linear:
    """Linear layer y = x W^T + b, with PyTorch's layout of W: (outputs, inputs)."""

    weight: FloatArray
    bias: FloatArray | None

    @classmethod
    def of(cls, weights: Weights, name: str) -> Linear:
        """Make the layer of that name."""
        return cls(weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return int(self.weight.shape[1])

    def __call__(self, x: FloatArray) -> FloatArray:
        """Apply the layer to x (..., inputs); returns a new array (..., outputs)."""
        y = product(x.reshape(-1, x.shape[-1]), self.weight.T)
        if self.bias is not None:
            y += self.bias
        return y.reshape(*x.shape[:-1], len(self.weight))

    def scaled(self, factor: FloatArray) -> Linear:
        """The layer with every output multiplied by its factor."""
        return Linear(self.weight * factor[:, None], None if self.bias is None else self.bias * factor)

    def rows(self, start: int, stop: int) -> Linear:
        """The layer with a range of its outputs."""
        return Linear(self.weight[start:stop], None if self.bias is None else self.bias[start:stop])


@dataclass(frozen=True, eq=False)
class PackedLinear:
    """A linear layer whose weights stay in int8 (`int8_quantization`).

    It needs a quarter of the memory and is no slower: few rows are multiplied at a time, and reading the weights
    dominates.
    """

    numbers: IntArray
    scale: FloatArray
    bias: FloatArray

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return int(self.numbers.shape[1])

    def __call__(self, x: FloatArray) -> FloatArray:
        """Apply the layer to x (..., inputs); returns a new array (..., outputs)."""
        outputs, inputs = self.numbers.shape
        flat = x.reshape(-1, inputs)
        y = np.empty((len(flat), outputs), np.float32)
        rows = max(1, _UNPACKED // inputs)
        kept = np.empty((min(rows, outputs), inputs), np.float32)
        for start in range(0, outputs, rows):
            numbers = self.numbers[start : start + rows]
            weight = kept[: len(numbers)]
            weight[...] = numbers
            product(flat, weight.T, out=y[:, start : start + rows])
        y *= self.scale
        y += self.bias
        return y.reshape(*x.shape[:-1], outputs)

    def scaled(self, factor: FloatArray) -> PackedLinear:
        """The layer with every output multiplied by its factor."""
        return PackedLinear(self.numbers, self.scale * factor, self.bias * factor)


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """Layer normalisation over the last axis."""

    weight: FloatArray
    bias: FloatArray
    epsilon: float = 1e-5

    @classmethod
    def of(cls, weights: Weights, name: str, epsilon: float = 1e-5) -> LayerNorm:
        """Make the layer of that name."""
        return cls(weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Normalise x in place."""
        x -= x.mean(-1, keepdims=True)
        scale = np.einsum("...i,...i->...", x, x)
        scale /= np.float32(x.shape[-1])
        scale += np.float32(self.epsilon)
        np.sqrt(scale, out=scale)
        x /= scale[..., None]
        x *= self.weight
        x += self.bias
        return x


@dataclass(frozen=True)
class Attention:
    """Multi-head attention; the scale of the scores is folded into the query's weights.

    Attributes:
        packed: Input projection to queries, keys and values at once.
        out: Output projection.
        heads: Number of heads.
    """

    packed: Linear | PackedLinear
    out: Linear | PackedLinear
    heads: int

    @classmethod
    def of(cls, packed: Linear | PackedLinear, out: Linear | PackedLinear, heads: int) -> Attention:
        """Make the layer; `packed` maps width to 3 * width: queries, then keys, then values."""
        factor = np.ones(3 * packed.inputs, np.float32)
        factor[: packed.inputs] = (packed.inputs // heads) ** -0.5
        return cls(packed.scaled(factor), out, heads)

    def _heads(self, x: FloatArray) -> FloatArray:
        """View (B, S, n * width) as (n, B, heads, S, d)."""
        batch, length, total = x.shape
        width = self.out.inputs
        split = x.reshape(batch, length, total // width, self.heads, width // self.heads)
        return split.transpose(2, 0, 3, 1, 4)

    def __call__(self, x: FloatArray, memory: FloatArray | None = None, first: int | None = None) -> FloatArray:
        """Attend from x to `memory` or to x itself.

        Args:
            x: (B, S, width).
            memory: (B, M, width); None: x.
            first: Compute only the first so many positions, which attend to all.

        Returns:
            (B, S or first, width), a new array.
        """
        width = x.shape[-1]
        if memory is None and first is None:
            query, key, value = self._heads(self.packed(x))
        else:
            # only the text encoder has int8 weights, and it computes all positions
            assert isinstance(self.packed, Linear)
            queried = x if first is None else x[:, :first]
            (query,) = self._heads(self.packed.rows(0, width)(queried))
            key, value = self._heads(self.packed.rows(width, 3 * width)(x if memory is None else memory))
        mixed = softmax_mix(product(query, key.swapaxes(-1, -2)), value)
        return self.out(mixed.swapaxes(1, 2).reshape(x.shape[0], -1, width))


@dataclass(frozen=True)
class Block:
    """A post-norm transformer block: self-attention, attention to a memory if there is one, feed-forward."""

    attention: Attention
    attention_norm: LayerNorm
    memory_attention: Attention | None
    memory_norm: LayerNorm | None
    widen: Linear | PackedLinear
    narrow: Linear | PackedLinear
    last_norm: LayerNorm

    @classmethod
    def of(cls, weights: Weights, name: str, heads: int) -> Block:
        """Make the block from the names of torch.nn.TransformerEncoderLayer or TransformerDecoderLayer."""

        def attention(part: str) -> Attention:
            out = Linear.of(weights, f"{name}.{part}.out_proj")
            packed = Linear(weights[f"{name}.{part}.in_proj_weight"], weights[f"{name}.{part}.in_proj_bias"])
            return Attention.of(packed, out, heads)

        cross = f"{name}.norm3.weight" in weights
        return cls(
            attention("self_attn"),
            LayerNorm.of(weights, f"{name}.norm1"),
            attention("multihead_attn") if cross else None,
            LayerNorm.of(weights, f"{name}.norm2") if cross else None,
            Linear.of(weights, f"{name}.linear1"),
            Linear.of(weights, f"{name}.linear2"),
            LayerNorm.of(weights, f"{name}.norm3" if cross else f"{name}.norm2"),
        )

    def attend(self, x: FloatArray, first: int | None = None) -> FloatArray:
        """Self-attention half of the block; returns a new array. first: as in `Attention`."""
        y = self.attention(x, first=first)
        y += x if first is None else x[:, :first]
        return self.attention_norm(y)

    def finish(self, x: FloatArray, memory: FloatArray | None = None) -> FloatArray:
        """Second half of the block, after `attend`; returns a new array, x is unchanged."""
        if self.memory_attention is not None and self.memory_norm is not None:
            y = self.memory_attention(x, memory)
            y += x
            x = self.memory_norm(y)
        y = self.narrow(gelu(self.widen(x)))
        y += x
        return self.last_norm(y)


class SkipTransformer:
    """Input blocks, a middle block, output blocks; each input is joined to an output, last in first out."""

    def __init__(self, weights: Weights, name: str, layers: int, heads: int) -> None:
        self.blocks = [Block.of(weights, f"{name}.{block}", heads) for block in block_names(layers)]
        self.joints = [Linear.of(weights, f"{name}.linear_blocks.{i}") for i in range((layers - 1) // 2)]
        self.norm = LayerNorm.of(weights, f"{name}.norm") if f"{name}.norm.weight" in weights else None

    def __call__(
        self,
        x: FloatArray,
        memory: FloatArray | None = None,
        first: int | None = None,
        residuals: Sequence[FloatArray] | None = None,
        tap: Callable[[int, FloatArray], None] | None = None,
        attended: FloatArray | None = None,
    ) -> FloatArray:
        """Apply the blocks to x (B, S, width); returns a new array (B, S or first, width).

        Args:
            x: (B, S, width).
            memory: (B, M, width) for blocks that attend to one.
            first: Number of leading positions to compute.
            residuals: One (B, S, width) for each block, added to its output.
            tap: Called with index and output of each block.
            attended: Result of the first block's `attend` for x, if known.
        """
        half, last = len(self.joints), len(self.blocks) - 1
        kept: list[FloatArray] = []
        for i, block in enumerate(self.blocks):
            if i > half:
                x = self._join(i - half - 1, x, kept.pop())
            wanted = first if i == last else None
            if i > 0 or attended is None:
                attended = block.attend(x, wanted)
            x = block.finish(attended, memory)
            if residuals is not None:
                x += residuals[i][:, :wanted]
            if tap is not None:
                tap(i, x)
            if i < half:
                kept.append(x)
        return x if self.norm is None else self.norm(x)

    def _join(self, number: int, x: FloatArray, kept: FloatArray) -> FloatArray:
        return self.joints[number](np.concatenate([x, kept], axis=-1))
