"""MiniLM's states of captions for the evaluator: each caption encoded once, kept in memory and in a file.

`training.captions` makes the generator's text tokens, which also contain the motion's length. The evaluator must not
see the length, or it would match lengths instead of meaning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...array_types import FloatArray

logger = logging.getLogger(__name__)


class CaptionStates:
    """States and sentence vectors by caption, encoded at the first use."""

    def __init__(self, encoder: Any, file: Path | None = None, width: int = 384) -> None:
        """encoder: with encode(prompt) -> (states (L, width), sentence vector (width,)). file: where to keep them."""
        self.encoder, self.file, self.width = encoder, file, width
        self._known: dict[str, tuple[FloatArray, FloatArray]] = {}
        if file is not None and file.exists():
            with np.load(file, allow_pickle=False) as saved:
                # An array is read from the file each time it is named, so each is named once.
                names, states, starts, means = (saved[key] for key in ("captions", "states", "starts", "means"))
            for k, name in enumerate(names):
                self._known[str(name)] = (states[starts[k] : starts[k + 1]], means[k])

    def __len__(self) -> int:
        return len(self._known)

    def prepare(self, captions: Iterable[str]) -> None:
        """Encode all of them now and write the file."""
        missing = sorted(set(captions) - set(self._known))
        if not missing:
            return
        logger.info("encoding %d captions", len(missing))
        for caption in missing:
            self._encode(caption)
        if self.file is None:
            return
        names = list(self._known)
        states = [self._known[n][0] for n in names]
        temporary = self.file.with_suffix(".unfinished.npz")
        temporary.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            temporary,
            captions=np.array(names),
            states=np.concatenate(states),
            starts=np.concatenate([[0], np.cumsum([len(s) for s in states])]),
            means=np.stack([self._known[n][1] for n in names]),
        )
        temporary.replace(self.file)

    def encode(self, caption: str) -> tuple[FloatArray, FloatArray]:
        """As the encoder's own, but remembered: so a model can read its prompts through this."""
        states, mean = self._of(caption)
        return states.astype(np.float32), mean

    def sentences(self, captions: Sequence[str]) -> FloatArray:
        """(N, width) float32 sentence vectors of length 1."""
        return np.stack([self._of(c)[1] for c in captions])

    def batch(self, captions: Sequence[str], most: int) -> tuple[Tensor, Tensor]:
        """(B, L, width) float32, the sentence vector first, then at most `most` word states; (B, L) bool."""
        rows = []
        for caption in captions:
            states, mean = self._of(caption)
            rows.append(np.concatenate([mean[None], states[:most].astype(np.float32)]))
        tokens = np.zeros((len(rows), max(len(r) for r in rows), self.width), np.float32)
        mask = np.zeros(tokens.shape[:2], bool)
        for k, row in enumerate(rows):
            tokens[k, : len(row)], mask[k, : len(row)] = row, True
        return torch.from_numpy(tokens), torch.from_numpy(mask)

    def _of(self, caption: str) -> tuple[FloatArray, FloatArray]:
        if caption not in self._known:
            self._encode(caption)
        return self._known[caption]

    def _encode(self, caption: str) -> None:
        states, mean = self.encoder.encode(caption)
        self._known[caption] = (np.asarray(states, np.float16), np.asarray(mean, np.float32))
