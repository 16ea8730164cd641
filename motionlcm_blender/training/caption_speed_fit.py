"""Fits the network of `text/caption_speed.py`, which predicts how much the motion of a caption moves.

    python -m motionlcm_blender.training.caption_speed_fit FOLDER MODEL

FOLDER is what `motionlcm prepare` wrote. The program writes `caption_speed.safetensors` into the model folder MODEL and
prints the rank correlation on clips that it left out of a first fit.
"""

from __future__ import annotations

import itertools
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..array_types import FloatArray
from ..errors import TrainingDataError
from ..files.safetensors_files import write_arrays
from ..text.caption_speed import FILE, CaptionSpeed
from ..text.encoders import open_minilm
from .captured_speeds import segment_speeds
from .data.motion_data import MotionData, load_motion_data
from .evaluation.motion_measures import rank_correlation

LEAST = 0.02
"""m/s: slower segments count as this fast, because their logarithm would be of noise."""
HELD_OUT = 0.1
"""Share of the clips that the first fit leaves out."""
HIDDEN = (64, 32)
"""Widths of the hidden layers of each network."""
NETWORKS = 4
"""Number of networks, whose predictions are averaged."""
STEPS, BATCH, RATE, DECAY, DROPOUT = 3000, 256, 2e-3, 0.05, 0.3


@dataclass(frozen=True, eq=False)
class Examples:
    """Captions with the body speed of their segment.

    Attributes:
        captions: (N,) texts.
        speeds: (N,) m/s.
        weights: (N,) shares of the draws; all captions of a segment have 1 together.
        clips: (N,) name of the clip of each.
    """

    captions: list[str]
    speeds: FloatArray
    weights: FloatArray
    clips: list[str]


def training_examples(data: MotionData) -> Examples:
    """The captions of the training clips with the body speeds of their segments.

    Raises TrainingDataError if there are none.
    """
    captions: list[str] = []
    speeds: list[float] = []
    weights: list[float] = []
    clips: list[str] = []
    for segment, speed in segment_speeds(data):
        count = len(segment.captions)
        captions += segment.captions
        speeds += [speed] * count
        weights += [1.0 / count] * count
        clips += [segment.clip] * count
    if not captions:
        raise TrainingDataError("No captioned segment belongs to the train clips.")
    return Examples(captions, np.array(speeds), np.array(weights), clips)


def fit(vectors: FloatArray, speeds: FloatArray, weights: FloatArray, seed: int = 0) -> CaptionSpeed:
    """Fit the networks.

    Args:
        vectors: (N, width) sentence vectors of unit mean square, as `text_tokens` makes them.
        speeds: (N,) m/s.
        weights: (N,) shares of the draws.
        seed: Seed of weights and draws.

    Returns:
        The fitted predictor.
    """
    target = np.log(np.maximum(speeds, LEAST))
    mean = float(np.average(target, weights=weights))
    spread = float(np.sqrt(np.average((target - mean) ** 2, weights=weights)))
    x, y = torch.from_numpy(vectors.astype(np.float32)), torch.from_numpy(((target - mean) / spread).astype(np.float32))
    shares = torch.from_numpy(weights)
    layers: defaultdict[str, list[FloatArray]] = defaultdict(list)
    for number in range(NETWORKS):
        network = _fitted(x, y, shares, torch.Generator().manual_seed(seed * NETWORKS + number))
        linear = [module for module in network if isinstance(module, nn.Linear)]
        for k, layer in enumerate(linear):
            last = k == len(linear) - 1
            weight, bias = layer.weight.detach().numpy().T, layer.bias.detach().numpy()
            layers[f"weight_{k}"].append(weight * spread if last else weight)
            layers[f"bias_{k}"].append(bias * spread + mean if last else bias)
    return CaptionSpeed({name: np.stack(rows).astype(np.float16) for name, rows in layers.items()})


def _fitted(x: torch.Tensor, y: torch.Tensor, shares: torch.Tensor, generator: torch.Generator) -> nn.Sequential:
    widths = (x.shape[1], *HIDDEN)
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        modules += [nn.Linear(before, after), nn.GELU(approximate="tanh")]
    network = nn.Sequential(*modules, nn.Linear(widths[-1], 1))
    for module in network:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5, generator=generator)
            nn.init.zeros_(module.bias)
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    for _ in range(STEPS):
        rows = torch.multinomial(shares, BATCH, replacement=True, generator=generator)
        hidden = network[1](network[0](x[rows]))
        kept = torch.rand(hidden.shape, generator=generator) >= DROPOUT
        predicted = network[2:](hidden * kept / (1.0 - DROPOUT))[:, 0]
        loss = functional.mse_loss(predicted, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network


def held_out_correlation(examples: Examples, vectors: FloatArray, seed: int = 0) -> float:
    """Rank correlation of predicted and captured body speed on a tenth of the clips, after a fit on the others.

    Args:
        examples: The captions with their speeds.
        vectors: (N, width) sentence vectors of unit mean square, one for each caption.
        seed: Seed of the choice of clips and of the fit.

    Returns:
        Spearman's correlation.
    """
    names = sorted(set(examples.clips))
    out = set(np.random.default_rng(seed).permutation(names)[: max(1, round(HELD_OUT * len(names)))].tolist())
    apart = np.array([clip in out for clip in examples.clips])
    found = fit(vectors[~apart], examples.speeds[~apart], examples.weights[~apart], seed)
    return rank_correlation(found.body_speeds(vectors[apart]), examples.speeds[apart])


def sentence_vectors(captions: Sequence[str], encoder: Any) -> FloatArray:
    """(N, width) sentence vectors of unit mean square.

    encoder: With encode(caption) -> (states, sentence vector).
    """
    known = {caption: encoder.encode(caption)[1] for caption in dict.fromkeys(captions)}
    vectors = np.stack([known[caption] for caption in captions]).astype(np.float32)
    unit: FloatArray = vectors / np.sqrt((vectors**2).mean(-1, keepdims=True))
    return unit


def main(folder: str, model: str) -> None:
    """Fit, print the held-out correlation, and write the file."""
    data = load_motion_data(Path(folder))
    examples = training_examples(data)
    vectors = sentence_vectors(examples.captions, open_minilm())
    correlation = held_out_correlation(examples, vectors)
    print(f"{len(examples.captions)} captions, rank correlation on clips left out {correlation:.3f}")
    found = fit(vectors, examples.speeds, examples.weights)
    write_arrays(Path(model) / FILE, found.layers)


if __name__ == "__main__":
    main(*sys.argv[1:3])
