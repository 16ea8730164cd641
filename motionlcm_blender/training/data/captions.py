"""Captions as padded batches of text tokens, each caption encoded once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...array_types import FloatArray, IntArray
from ...text.text_tokens import length_token

logger = logging.getLogger(__name__)


class CaptionTokens:
    """MiniLM's states and sentence vectors of a set of captions, kept in memory and in a file."""

    def __init__(
        self, captions: Iterable[str], encoder: Any, file: Path, max_states: int, device: str | torch.device = "cpu"
    ) -> None:
        """encoder: with encode(prompt) -> (states (L, width), sentence vector (width,)).

        Its encode_all(prompts), which yields the same of many prompts, is used if it has that. device: where batches
        are made.
        """
        self.max_states = max_states
        wanted = sorted({"", *captions})
        known: dict[str, tuple[FloatArray, FloatArray]] = {}
        if file.exists():
            with np.load(file, allow_pickle=False) as saved:
                # An array is read from the file each time it is named, so each is named once.
                names, states, starts, means = (saved[key] for key in ("captions", "states", "starts", "means"))
            for k, name in enumerate(names):
                known[str(name)] = (states[starts[k] : starts[k + 1]], means[k])
        missing = [c for c in wanted if c not in known]
        if missing:
            logger.info("encoding %d captions", len(missing))
            encode_all = getattr(encoder, "encode_all", None)
            encoded = encode_all(missing) if encode_all else map(encoder.encode, missing)
            for caption, (states, mean) in zip(missing, encoded, strict=True):
                known[caption] = (np.asarray(states, np.float16), np.asarray(mean, np.float32))
        self._number = {caption: number for number, caption in enumerate(known)}
        states = np.concatenate([states for states, _ in known.values()])
        starts = np.concatenate([[0], np.cumsum([len(states) for states, _ in known.values()])])
        means = np.stack([mean for _, mean in known.values()])
        if missing:
            _save(file, list(known), states, starts, means)
        self._states, self._starts, self._means = (torch.from_numpy(x).to(device) for x in (states, starts, means))

    def batch(self, captions: Sequence[str], frames: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Text tokens as `text_tokens.state_tokens` makes them.

        Args:
            captions: B captions.
            frames: Length of each motion.

        Returns:
            (B, L, width) float32 and (B, L) bool on the device, padded to the longest.
        """
        device, width = self._means.device, self._means.shape[1]
        numbers = torch.tensor([self._number[caption] for caption in captions]).to(device)
        lengths = torch.from_numpy(np.stack([length_token(int(length), width) for length in frames])).to(device)
        counts = self._starts.diff()[numbers].clamp(max=self.max_states)
        place = torch.arange(int(counts.max()), device=device)
        mask = place < counts[:, None]
        rows = (self._starts[numbers][:, None] + place).clamp(max=len(self._states) - 1)
        states = _unit(self._states[rows].float()) * mask[..., None]
        tokens = torch.cat([lengths[:, None], _unit(self._means[numbers])[:, None], states], 1)
        return tokens, torch.cat([mask.new_ones(len(mask), 2), mask], 1)


def _unit(vectors: Tensor) -> Tensor:
    """The vectors with a mean square of 1."""
    return vectors / vectors.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-6)


def _save(file: Path, captions: Sequence[str], states: FloatArray, starts: IntArray, means: FloatArray) -> None:
    temporary = file.with_suffix(".unfinished.npz")
    np.savez(temporary, captions=np.array(captions), states=states, starts=starts, means=means)
    temporary.replace(file)
