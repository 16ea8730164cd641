"""The evaluator: a motion encoder and a text encoder that share one narrow space, trained only to measure.

In the manner of TMR (Petrovich et al., ICCV 2023): symmetric contrastive training of motion against captions. The
generator never sees it, nor is it made from the generator. HumanML3D's own evaluator (Guo et al., CVPR 2022) is for
HumanML3D's captions and skeleton; `humanml.py` reads that one for official checkpoints.

A folder holds evaluator.safetensors (float16) and evaluator.json (settings, retrieval scores, sha256 of the weights).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...files.safetensors_files import read_arrays, write_arrays, write_bytes
from ...motion.features import FEATURES, SLICES
from ...motion.skeleton import MAX_FRAMES
from .caption_states import CaptionStates

WEIGHTS, DESCRIPTION = "evaluator.safetensors", "evaluator.json"

READ = np.r_[0:67, SLICES["velocities"]]
"""Input of the evaluator, part of the 263 features: root, local positions and velocities. The rotations contain
the same as the positions, and the contacts are a threshold on the velocities."""


@dataclass(frozen=True)
class EvaluatorSettings:
    """Everything that decides the evaluator, beside the data.

    width, heads, layers: of the transformer behind the convolutions; embedding: width of the shared space;
    text_states: word tokens read at most; dropout; noise: standard deviation added to normalised features;
    steps, batch, learning_rate, weight_decay, ema: of the training; word_dropout: share of word tokens left out;
    temperature: the contrastive loss's at the start; same_meaning: sentence cosine above which two captions are not
    distinguished (unless they differ in a direction); held_out: share of the train clips that choose the
    best checkpoint; most_gap: largest excess of R@3 on train clips over R@3 on held-out ones in a chosen checkpoint;
    deepest_crop, speeds: augmentation; warps: warped versions kept of each segment and side; damped: share of a batch
    whose damped versions are shown as wrong answers, so that the evaluator reads how much a motion moves.
    """

    seed: int = 1187
    width: int = 96
    heads: int = 4
    layers: int = 1
    embedding: int = 48
    text_states: int = 32
    dropout: float = 0.3
    noise: float = 0.1
    steps: int = 420
    batch: int = 128
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.1
    ema: float = 0.99
    word_dropout: float = 0.2
    temperature: float = 0.1
    same_meaning: float = 0.85
    held_out: float = 0.08
    most_gap: float = 0.05
    deepest_crop: float = 0.25
    speeds: tuple[float, float] = (0.85, 1.18)
    warps: int = 1
    damped: float = 0.25

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EvaluatorSettings:
        """Raises TrainingDataError on a name that is not known."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise TrainingDataError(f"The evaluator has unknown settings: {', '.join(sorted(unknown))}.")
        arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**arguments)


class MotionEncoder(nn.Module):
    """Normalised features to one vector: two strided convolutions, a transformer at a quarter of the rate, a pool."""

    def __init__(self, settings: EvaluatorSettings) -> None:
        super().__init__()
        s = settings
        self.first = nn.Conv1d(len(READ), s.width, 5, stride=2, padding=2)
        self.second = nn.Conv1d(s.width, s.width, 5, stride=2, padding=2)
        self.norms = nn.ModuleList([nn.LayerNorm(s.width), nn.LayerNorm(s.width)])
        self.positions = nn.Parameter(_sinusoids(MAX_FRAMES // 4 + 1, s.width))
        self.blocks = _transformer(s)
        self.head = nn.Sequential(nn.LayerNorm(2 * s.width), nn.Dropout(s.dropout), nn.Linear(2 * s.width, s.embedding))
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """features: (B, T, 133) normalised, zero where padded; mask: (B, T) bool. Returns (B, embedding)."""
        x, keep = features, mask
        for convolution, norm in zip((self.first, self.second), self.norms, strict=True):
            keep = keep[:, ::2]
            x = norm(convolution(x.transpose(1, 2)).transpose(1, 2))
            # Without this the padding would have the bias's value and reach the last frames of the next layer.
            x = F.gelu(x) * keep[..., None]
        x = self.dropout(x + self.positions[: x.shape[1]])
        x = self.blocks(x, src_key_padding_mask=~keep)
        result: Tensor = self.head(_pooled(x, keep))
        return result


class TextEncoder(nn.Module):
    """A sentence vector and word states of MiniLM to one vector."""

    def __init__(self, settings: EvaluatorSettings, states_width: int) -> None:
        super().__init__()
        s = settings
        self.embed = nn.Sequential(nn.LayerNorm(states_width), nn.Linear(states_width, s.width))
        self.sentence = nn.Parameter(torch.zeros(s.width))
        self.dropout = nn.Dropout(s.dropout)
        self.blocks = _transformer(s)
        self.head = nn.Sequential(nn.LayerNorm(2 * s.width), nn.Dropout(s.dropout), nn.Linear(2 * s.width, s.embedding))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """tokens: (B, L, states_width), the sentence vector first; mask: (B, L) bool. Returns (B, embedding)."""
        x = self.embed(tokens)
        x = torch.cat([x[:, :1] + self.sentence, x[:, 1:]], 1)
        x = self.blocks(self.dropout(x), src_key_padding_mask=~mask)
        result: Tensor = self.head(_pooled(x, mask))
        return result


def _transformer(s: EvaluatorSettings) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(
        s.width, s.heads, 2 * s.width, s.dropout, activation="gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, s.layers, enable_nested_tensor=False)


def _pooled(x: Tensor, keep: Tensor) -> Tensor:
    """(B, L, width) and (B, L) -> (B, 2 width): mean and maximum over what is kept."""
    weights = keep[..., None].to(x.dtype)
    mean = (x * weights).sum(1) / weights.sum(1)
    return torch.cat([mean, x.masked_fill(~keep[..., None], -torch.inf).amax(1)], -1)


def _sinusoids(length: int, width: int) -> Tensor:
    half = width // 2
    rates = torch.exp(torch.arange(half) * -(np.log(1000.0) / (half - 1)))
    angles = torch.arange(length)[:, None] * rates
    return 0.5 * torch.cat([angles.sin(), angles.cos()], -1)


class EvaluatorNetwork(nn.Module):
    """Both encoders, the statistics of the features they read, and the contrastive temperature."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: EvaluatorSettings, states_width: int = 384) -> None:
        super().__init__()
        self.motion = MotionEncoder(settings)
        self.text = TextEncoder(settings, states_width)
        self.log_scale = nn.Parameter(torch.tensor(-np.log(settings.temperature), dtype=torch.float32))
        self.register_buffer("mean", torch.zeros(len(READ)))
        self.register_buffer("std", torch.ones(len(READ)))

    def normalised(self, features: FloatArray, read: bool = False) -> Tensor:
        """(..., 263) features, not normalised -> (..., 133). read: they are already the 133 that are read."""
        taken = features if read else features[..., READ]
        values = torch.from_numpy(np.ascontiguousarray(taken, dtype=np.float32))
        return (values - self.mean) / self.std


@dataclass(frozen=True)
class Evaluator:
    """A trained evaluator.

    description: settings, retrieval scores and what else evaluator.json holds; fingerprint: sha256 of the weights file.
    """

    network: EvaluatorNetwork
    settings: EvaluatorSettings
    captions: CaptionStates
    description: dict[str, Any]
    fingerprint: str = ""

    @torch.no_grad()
    def embed_motions(self, features: Sequence[FloatArray], batch: int = 64) -> FloatArray:
        """Embed motions.

        Args:
            features: N arrays (T, 263), not normalised, 1 to 196 frames each; further columns are not read.
            batch: Motions to embed at once.

        Returns:
            (N, embedding) float32 of length 1.

        Raises:
            ValueError: Another shape.
        """
        if any(f.ndim != 2 or f.shape[1] < FEATURES or not 1 <= len(f) <= MAX_FRAMES for f in features):
            raise ValueError(f"features must have shape (1..{MAX_FRAMES}, {FEATURES} or more)")
        self.network.eval()
        order = np.argsort([len(f) for f in features], kind="stable")
        result = np.zeros((len(features), self.settings.embedding), np.float32)
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            values, mask = padded([self.network.normalised(features[k]) for k in rows])
            result[rows] = F.normalize(self.network.motion(values, mask), dim=-1).numpy()
        return result

    @torch.no_grad()
    def embed_texts(self, captions: Sequence[str], batch: int = 128) -> FloatArray:
        """(N, embedding) float32 of length 1."""
        self.network.eval()
        result = np.zeros((len(captions), self.settings.embedding), np.float32)
        for start in range(0, len(captions), batch):
            tokens, mask = self.captions.batch(captions[start : start + batch], self.settings.text_states)
            result[start : start + batch] = F.normalize(self.network.text(tokens, mask), dim=-1).numpy()
        return result

    def save(self, folder: Path) -> None:
        """Write weights (float16) and description. Raises ModelFolderError if the disk refuses."""
        arrays = {n: t.detach().cpu().numpy().astype(np.float16) for n, t in self.network.state_dict().items()}
        write_arrays(folder / WEIGHTS, arrays)
        described = {"settings": asdict(self.settings), **self.description}
        write_bytes(folder / DESCRIPTION, (json.dumps(described, indent=2) + "\n").encode())

    @classmethod
    def load(cls, folder: Path, captions: CaptionStates) -> Evaluator:
        """Read what `save` wrote. Raises TrainingDataError if it is not one, ModelFolderError if a file is damaged."""
        try:
            described = json.loads((folder / DESCRIPTION).read_text("utf-8"))
            settings = EvaluatorSettings.from_json(described.pop("settings"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingDataError(f"{folder} holds no evaluator: {DESCRIPTION} is missing or damaged.") from error
        arrays, digest = read_arrays(folder / WEIGHTS)
        network = EvaluatorNetwork(settings, captions.width)
        try:
            network.load_state_dict({n: torch.from_numpy(a.copy()) for n, a in arrays.items()})
        except RuntimeError as error:
            raise TrainingDataError(f"The evaluator's weights in {folder} do not fit its settings.") from error
        return cls(network.eval().requires_grad_(False), settings, captions, described, digest)


def padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Arrays (T, width) of several lengths to (B, longest, width), zero behind their ends, and (B, longest) bool."""
    values = nn.utils.rnn.pad_sequence(list(rows), batch_first=True)
    lengths = torch.tensor([len(r) for r in rows])
    return values, torch.arange(values.shape[1]) < lengths[:, None]
