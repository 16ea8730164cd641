"""Captions as padded batches of text tokens, each caption encoded once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...array_types import FloatArray
from ...text.text_tokens import state_tokens

logger = logging.getLogger(__name__)


class CaptionTokens:
    """MiniLM's states and sentence vectors of a set of captions, kept in memory and in a file."""

    def __init__(self, captions: Iterable[str], encoder: Any, file: Path, max_states: int) -> None:
        """encoder: with encode(prompt) -> (states (L, width), sentence vector (width,)).

        Its encode_all(prompts), which yields the same of many prompts, is used if it has that.
        """
        self.max_states = max_states
        wanted = sorted({"", *captions})
        self._known: dict[str, tuple[FloatArray, FloatArray]] = {}
        if file.exists():
            with np.load(file, allow_pickle=False) as saved:
                # An array is read from the file each time it is named, so each is named once.
                names, states, starts, means = (saved[key] for key in ("captions", "states", "starts", "means"))
            for k, name in enumerate(names):
                self._known[str(name)] = (states[starts[k] : starts[k + 1]], means[k])
        missing = [c for c in wanted if c not in self._known]
        if missing:
            logger.info("encoding %d captions", len(missing))
            encode_all = getattr(encoder, "encode_all", None)
            encoded = encode_all(missing) if encode_all else map(encoder.encode, missing)
            for caption, (states, mean) in zip(missing, encoded, strict=True):
                self._known[caption] = (np.asarray(states, np.float16), np.asarray(mean, np.float32))
            self._save(file)

    def _save(self, file: Path) -> None:
        captions = list(self._known)
        states = [self._known[c][0] for c in captions]
        temporary = file.with_suffix(".unfinished.npz")
        np.savez(
            temporary,
            captions=np.array(captions),
            states=np.concatenate(states),
            starts=np.concatenate([[0], np.cumsum([len(s) for s in states])]),
            means=np.stack([self._known[c][1] for c in captions]),
        )
        temporary.replace(file)

    def batch(self, captions: Sequence[str], frames: Sequence[int]) -> tuple[Tensor, Tensor]:
        """(B, L, width) float32 and (B, L) bool, padded to the longest."""
        rows = []
        for caption, length in zip(captions, frames, strict=True):
            states, mean = self._known[caption]
            rows.append(state_tokens(states.astype(np.float32), mean, int(length), self.max_states))
        longest = max(len(r) for r in rows)
        tokens = np.zeros((len(rows), longest, rows[0].shape[1]), np.float32)
        mask = np.zeros((len(rows), longest), bool)
        for k, row in enumerate(rows):
            tokens[k, : len(row)], mask[k, : len(row)] = row, True
        return torch.from_numpy(tokens), torch.from_numpy(mask)
