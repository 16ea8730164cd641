"""Transformer layers in NumPy float32, for inference.

All arrays are batch first, (B, S, width). What would be padding is simply not there: callers pass only real frames
and tokens, so no layer needs a mask. Functions that work in place say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..parameter_shapes import block_names
from .matmul import product

Weights = Mapping[str, np.ndarray]

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
"""Minus the logit of the normal distribution function, divided by x, as a polynomial in x squared.

Our own minimax fit over 0..7, weighted by what it does to x * Phi(x): at most 7e-8 off, so less than float32 rounding.
Beyond 7 the leading term keeps the sign, and the function goes to 0 or x as it should.
"""
_CHUNK = 32768
"""Numbers worked on at a time, so that the passes of one function stay in the cache."""
_UNPACKED = 196608
"""Weights of eight bits unpacked at a time, so that they are multiplied while they are in the cache."""


def gelu(x: np.ndarray) -> np.ndarray:
    """x * Phi(x) with the exact normal distribution function (the erf form), in place; x: float32, contiguous."""
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


def silu(x: np.ndarray) -> np.ndarray:
    """x * sigmoid(x)."""
    with np.errstate(over="ignore"):
        result: np.ndarray = x / (_ONE + np.exp(-x))
    return result


def softmax_mix(scores: np.ndarray, values: np.ndarray) -> np.ndarray:
    """softmax(scores) @ values. scores: (..., Q, K), overwritten; values: (..., K, d). Returns (..., Q, d)."""
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    mixed = product(scores, values)
    mixed /= scores.sum(-1, keepdims=True)
    return mixed


@dataclass(frozen=True, eq=False)
class Linear:
    """y = x W^T + b, with torch's layout of W: (outputs, inputs)."""

    weight: np.ndarray
    bias: np.ndarray | None

    @classmethod
    def of(cls, weights: Weights, name: str) -> Linear:
        return cls(weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    @property
    def inputs(self) -> int:
        return int(self.weight.shape[1])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x: (..., inputs) -> (..., outputs), a fresh array."""
        y = product(x.reshape(-1, x.shape[-1]), self.weight.T)
        if self.bias is not None:
            y += self.bias
        return y.reshape(*x.shape[:-1], len(self.weight))

    def scaled(self, factor: np.ndarray) -> Linear:
        """Every output times its factor."""
        return Linear(self.weight * factor[:, None], None if self.bias is None else self.bias * factor)

    def rows(self, start: int, stop: int) -> Linear:
        """Only some of the outputs."""
        return Linear(self.weight[start:stop], None if self.bias is None else self.bias[start:stop])


@dataclass(frozen=True, eq=False)
class PackedLinear:
    """A Linear whose weights stay in eight bits (`int8_quantization`): a quarter of the memory, and, since few rows are
    multiplied at a time and reading the weights is what takes long, no slower."""

    numbers: np.ndarray
    scale: np.ndarray
    bias: np.ndarray

    @property
    def inputs(self) -> int:
        return int(self.numbers.shape[1])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """x: (..., inputs) -> (..., outputs), a fresh array."""
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

    def scaled(self, factor: np.ndarray) -> PackedLinear:
        """Every output times its factor."""
        return PackedLinear(self.numbers, self.scale * factor, self.bias * factor)


@dataclass(frozen=True, eq=False)
class LayerNorm:
    weight: np.ndarray
    bias: np.ndarray
    epsilon: float = 1e-5

    @classmethod
    def of(cls, weights: Weights, name: str, epsilon: float = 1e-5) -> LayerNorm:
        return cls(weights[f"{name}.weight"], weights[f"{name}.bias"], epsilon)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Over the last axis, in place."""
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

    query, key_value, packed: the input projections; packed does all three at once.
    """

    packed: Linear | PackedLinear
    out: Linear | PackedLinear
    heads: int

    @classmethod
    def of(cls, packed: Linear | PackedLinear, out: Linear | PackedLinear, heads: int) -> Attention:
        """packed: width to 3 * width; queries first, then keys, then values."""
        factor = np.ones(3 * packed.inputs, np.float32)
        factor[: packed.inputs] = (packed.inputs // heads) ** -0.5
        return cls(packed.scaled(factor), out, heads)

    def _heads(self, x: np.ndarray) -> np.ndarray:
        """(B, S, n * width) -> (n * heads, seen from the front as) (n, B, heads, S, d), a view."""
        batch, length, total = x.shape
        width = self.out.inputs
        split = x.reshape(batch, length, total // width, self.heads, width // self.heads)
        return split.transpose(2, 0, 3, 1, 4)

    def __call__(self, x: np.ndarray, memory: np.ndarray | None = None, first: int | None = None) -> np.ndarray:
        """x: (B, S, width); memory: (B, M, width) to attend to, None: x itself.

        first: only the first so many positions ask; all are attended to. Returns (B, S or first, width), fresh.
        """
        width = x.shape[-1]
        if memory is None and first is None:
            query, key, value = self._heads(self.packed(x))
        else:
            assert isinstance(self.packed, Linear)  # the text encoder, alone in eight bits, asks for all of itself
            asking = x if first is None else x[:, :first]
            (query,) = self._heads(self.packed.rows(0, width)(asking))
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
        """From the names of torch.nn.TransformerEncoderLayer or TransformerDecoderLayer."""

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

    def attend(self, x: np.ndarray, first: int | None = None) -> np.ndarray:
        """The self-attention half; fresh. first: as for `Attention`."""
        y = self.attention(x, first=first)
        y += x if first is None else x[:, :first]
        return self.attention_norm(y)

    def finish(self, x: np.ndarray, memory: np.ndarray | None = None) -> np.ndarray:
        """What comes after `attend`; fresh, x stays as it is."""
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
        x: np.ndarray,
        memory: np.ndarray | None = None,
        first: int | None = None,
        residuals: Sequence[np.ndarray] | None = None,
        tap: Callable[[int, np.ndarray], None] | None = None,
        attended: np.ndarray | None = None,
    ) -> np.ndarray:
        """x: (B, S, width) -> (B, S or first, width), fresh.

        memory: (B, M, width) for blocks that attend to one. first: how many leading positions are wanted.
        residuals: one (B, S, width) for each block, added to its output. tap(i, output) is shown each output.
        attended: what the first block's `attend` gives for x, if it is known already.
        """
        half, last = len(self.joints), len(self.blocks) - 1
        kept: list[np.ndarray] = []
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

    def _join(self, number: int, x: np.ndarray, kept: np.ndarray) -> np.ndarray:
        return self.joints[number](np.concatenate([x, kept], axis=-1))
