"""`motionlcm bench --training`: one training step of the VAE beside that of a plain loop, on the same batches.

The plain loop is what one writes first: torch's own TransformerEncoderLayer and TransformerDecoderLayer with
nn.MultiheadAttention and dropout 0.1, joined by skips as in the published model, in float32. It is measured with the
published nine layers and with as many as ours, since both matter: what the step costs less because the model is
smaller, and what it costs less because it is written otherwise. All variants take their turns on each batch, so that
other work on the machine slows all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..benchmarks.speed import machine
from ..motion.head_hands import FEATURES_WITH_HEAD_HANDS
from ..motion.skeleton import MAX_FRAMES
from ..networks.torch_impl.vae import MotionVAE
from .config import TrainingConfig, load_config
from .data.clip_pool import ClipPool
from .data.normalisation import Normalisation
from .precision import Precision, choose_device
from .stages.vae_stage import VaeLosses, WindowBatches

PUBLISHED_LAYERS = 9
DROPOUT = 0.1
EXAMPLES = 64
POSITIONS = 500


class PlainSkips(nn.Module):
    """Torch's own layers, input blocks joined to output blocks, batch first."""

    def __init__(self, width: int, feedforward: int, heads: int, layers: int, cross: bool) -> None:
        super().__init__()
        kind = nn.TransformerDecoderLayer if cross else nn.TransformerEncoderLayer
        self.layers = nn.ModuleList(
            kind(width, heads, feedforward, DROPOUT, "gelu", batch_first=True) for _ in range(layers)
        )
        self.joins = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(layers // 2))
        self.norm = nn.LayerNorm(width)
        self.cross = cross

    def forward(self, x: Tensor, padding: Tensor, memory: Tensor | None = None) -> Tensor:
        """x: (B, S, width); padding: (B, S) bool, True where there is nothing; memory: (B, M, width)."""
        kept: list[Tensor] = []
        half = len(self.joins)
        for number, layer in enumerate(self.layers):
            if number > half:
                x = self.joins[number - half - 1](torch.cat([x, kept.pop()], -1))
            x = layer(x, memory, tgt_key_padding_mask=padding) if self.cross else layer(x, src_key_padding_mask=padding)
            if number < half:
                kept.append(x)
        result: Tensor = self.norm(x)
        return result


class PlainVae(nn.Module):
    """The published VAE's layout out of torch's own layers; encode and decode as MotionVAE has them."""

    def __init__(self, config: TrainingConfig, layers: int) -> None:
        super().__init__()
        a = config.architecture
        self.tokens = a.latent_tokens
        self.token = nn.Parameter(torch.randn(2 * a.latent_tokens, a.width))
        self.embedding, self.final = nn.Linear(a.features, a.width), nn.Linear(a.width, a.features)
        self.pre, self.post = nn.Linear(a.width, a.latent_width), nn.Linear(a.latent_width, a.width)
        self.positions = nn.Parameter(torch.rand(2, POSITIONS, a.width))
        self.encoder = PlainSkips(a.width, a.feedforward, a.heads, layers, cross=False)
        self.decoder = PlainSkips(a.width, a.feedforward, a.heads, layers, cross=True)

    def encode(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, 263) and (B, T) -> mean and std (B, tokens, latent_width)."""
        x = torch.cat([self.token.expand(len(features), -1, -1), self.embedding(features)], 1)
        padding = torch.cat([mask.new_zeros(len(mask), 2 * self.tokens), ~mask], 1)
        x = self.pre(self.encoder(x + self.positions[0, : x.shape[1]], padding)[:, : 2 * self.tokens])
        mean, log_variance = x.split(self.tokens, 1)
        return mean, log_variance.exp().sqrt()

    def decode(self, latents: Tensor, mask: Tensor) -> Tensor:
        """(B, tokens, latent_width) and (B, T) -> (B, T, 263)."""
        queries = self.positions[1, : mask.shape[1]].expand(len(mask), -1, -1)
        made: Tensor = self.final(self.decoder(queries, ~mask, self.post(latents))) * mask[..., None]
        return made


def random_pool(features: int, seed: int = 0) -> tuple[ClipPool, Normalisation]:
    """Windows to train on: noise of unit size, small enough to sum up to joints; the values do not change the time."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(60, MAX_FRAMES + 1, EXAMPLES)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    values = (0.01 * generator.standard_normal((starts[-1], FEATURES_WITH_HEAD_HANDS))).astype(np.float16)
    pool = ClipPool(values, starts, np.ones(EXAMPLES))
    joints = np.zeros((22, 3), np.float32), np.ones((22, 3), np.float32)
    return pool, Normalisation(np.zeros(features, np.float32), np.full(features, 0.01, np.float32), *joints)


def make_step(vae: nn.Module, losses: VaeLosses, rate: float) -> Callable[[int], float]:
    """A whole training step as a function of its number: batch, forward, backward, clipping, optimiser.

    Returns the loss, which no variant may spare itself.
    """
    parameters = list(vae.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=rate, fused=parameters[0].device.type == "cuda")

    def step(number: int) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = losses(torch.Generator().manual_seed(number), losses.settings.steps)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return float(loss.detach())

    return step


def bench_training(
    config_path: Path | None = None,
    repeats: int = 10,
    warmup: int = 1,
    device: str = "auto",
    on_line: Callable[[str], None] = lambda _line: None,
) -> dict[str, Any]:
    """Measure a step of each variant. Returns machine, config, frames_per_batch, repeats and variants.

    variants: name -> layers, precision, parameters, median_ms, best_ms, ratio (its median to ours).
    config_path: None for the bundled configuration. Raises TrainingDataError if it cannot be read.
    """
    config = load_config(config_path)
    where = choose_device(device)
    pool, normalisation = random_pool(config.architecture.features)
    batches = WindowBatches(pool, normalisation, config.architecture.frames_per_token)
    layers = config.architecture.vae_layers
    kinds: list[tuple[str, int, str]] = [
        ("ours", layers, Precision(where, config.precision).name),
        (f"plain loop, {PUBLISHED_LAYERS} layers as published", PUBLISHED_LAYERS, "float32"),
    ]
    if layers != PUBLISHED_LAYERS:
        kinds.append((f"plain loop, {layers} layers as ours", layers, "float32"))
    steps: dict[str, Callable[[int], float]] = {}
    variants: dict[str, dict[str, Any]] = {}
    for name, depth, number_format in kinds:
        torch.manual_seed(0)
        vae: Any = MotionVAE(config.architecture) if name == "ours" else PlainVae(config, depth)
        vae.to(where).train()
        losses = VaeLosses(vae, batches, config.vae, Precision(where, number_format), where)
        steps[name] = make_step(vae, losses, config.vae.learning_rate)
        parameters = sum(p.numel() for p in vae.parameters())
        variants[name] = {"layers": depth, "precision": number_format, "parameters": parameters}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(warmup + repeats):
        on_line(f"Batch {number + 1} of {warmup + repeats} ...")
        for name, step in steps.items():
            started = time.perf_counter()
            loss = step(number)
            taken = time.perf_counter() - started
            if not np.isfinite(loss):
                raise ArithmeticError(f"{name}: the loss is not a number")
            if number >= warmup:
                seconds[name].append(taken)
    ours = float(np.median(seconds["ours"]))
    for name, taken_all in seconds.items():
        median = float(np.median(taken_all))
        variants[name] |= {"median_ms": 1e3 * median, "best_ms": 1e3 * min(taken_all), "ratio": median / ours}
    return {
        "machine": machine(),
        "config": config.name,
        "device": str(where),
        "repeats": repeats,
        "frames_per_batch": config.vae.frames_per_batch,
        "variants": variants,
    }


def report(result: dict[str, Any]) -> str:
    """The lines that `motionlcm bench --training` prints."""
    about = result["machine"]
    load = f", load {about['load']:.1f}" if about["load"] is not None else ""
    lines = [
        f"{about['cpu']}, {about['cores']} cores (threads: {about['threads']}{load}), {about['system']}, "
        f"Python {about['python']}, torch {about['packages'].get('torch', '')}",
        f"One training step of the VAE, configuration {result['config']} on {result['device']}, "
        f"{result['frames_per_batch']} frames a batch, {result['repeats']} repeats",
        f"  {'variant':<38}{'format':>10}{'parameters':>12}{'best ms':>10}{'median ms':>11}{'ratio':>8}",
    ]
    for name, row in result["variants"].items():
        numbers = f"{row['best_ms']:>10.0f}{row['median_ms']:>11.0f}{row['ratio']:>8.2f}"
        lines.append(f"  {name:<38}{row['precision']:>10}{row['parameters'] / 1e6:>10.2f} M{numbers}")
    return "\n".join(lines)
