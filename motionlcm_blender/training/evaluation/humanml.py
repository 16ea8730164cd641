"""The published protocol on HumanML3D, for official checkpoints and those who have the data set and its evaluators.

Guo et al., CVPR 2022: each repeat draws a caption and a crop of each test motion; groups of 32; diversity over 300
pairs; multimodality over 100 captions of 30 takes. Published figures are means of 20 repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...array_types import FloatArray
from ...generation.pipeline import MotionLCM
from ...motion.skeleton import MAX_FRAMES
from . import text_metrics
from .generation import Prompt, Teacher, generate_features, reconstruct, samplers
from .humanml_data import HumanMLMotion, WordVectors, find, read_motions, read_statistics
from .humanml_networks import UNIT, HumanMLNetworks

MULTIMODAL_CAPTIONS, MULTIMODAL_TAKES = 100, 30


class HumanMLSection:
    """measure(repeat) gives the rows of the published table; about: what decides them."""

    def __init__(self, model: MotionLCM, folder: Path, teacher: Teacher | None = None) -> None:
        """Raises TrainingDataError naming the file that is missing or damaged."""
        self.model = model
        self.networks = HumanMLNetworks.load(find(folder, "t2m/text_mot_match/model/finest.tar")).to(model.device)
        self.mean, self.std = read_statistics(folder)
        self.words = WordVectors(folder)
        self.motions = read_motions(folder)
        self.samplers = samplers(teacher)
        self.about: dict[str, Any] = {"test_motions": len(self.motions), "protocol": "HumanML3D, Guo et al. 2022"}

    def measure(self, repeat: int) -> dict[str, float]:
        """Keys as in the section `text`. FID of real motion: two draws of captions and crops, as published."""
        generator = np.random.default_rng((97, repeat))
        features, chosen = zip(*(self._draw(m, generator) for m in self.motions), strict=True)
        texts = self._texts([tokens for _, tokens in chosen])
        real = self._motions(features)
        found = self._row("real", real, real, texts, repeat)
        again = self._motions([self._draw(m, generator)[0] for m in self.motions])
        found["real/fid"] = text_metrics.frechet_distance(again, real)
        rebuilt = self._motions(reconstruct(self.model, features, generator))
        found |= self._row("vae", rebuilt, real, texts, repeat)
        prompts = [Prompt(caption, len(f)) for (caption, _), f in zip(chosen, features, strict=True)]
        several = generator.permutation(len(prompts))[:MULTIMODAL_CAPTIONS]
        takes = [prompts[k] for k in several for _ in range(MULTIMODAL_TAKES)]
        for row, sampler in self.samplers.items():
            made = self._motions(generate_features(self.model, prompts, sampler, 2 * repeat))
            found |= self._row(row, made, real, texts, repeat)
            varied = self._motions(generate_features(self.model, takes, sampler, 2 * repeat + 1))
            varied = varied.reshape(len(several), MULTIMODAL_TAKES, -1)
            found[f"{row}/multimodality"] = text_metrics.multimodality(varied, generator)
        return found

    def _draw(
        self, motion: HumanMLMotion, generator: np.random.Generator
    ) -> tuple[FloatArray, tuple[str, tuple[str, ...]]]:
        """A crop of whole movements, one less in a third of the cases, and a caption."""
        count = min(len(motion.features), MAX_FRAMES) // UNIT - int(generator.integers(3) == 0)
        first = int(generator.integers(0, len(motion.features) - count * UNIT + 1))
        text = motion.texts[int(generator.integers(len(motion.texts)))]
        return motion.features[first : first + count * UNIT], text

    def _row(self, row: str, motion: FloatArray, real: FloatArray, texts: FloatArray, repeat: int) -> dict[str, float]:
        generator = np.random.default_rng((101, repeat))
        ranked = text_metrics.r_precision(motion, texts, generator)
        return {
            f"{row}/r1": float(ranked[0]),
            f"{row}/r2": float(ranked[1]),
            f"{row}/r3": float(ranked[2]),
            f"{row}/fid": text_metrics.frechet_distance(motion, real),
            f"{row}/mm_distance": text_metrics.multimodal_distance(motion, texts),
            f"{row}/diversity": text_metrics.diversity(motion, generator),
        }

    @torch.no_grad()
    def _motions(self, features: Sequence[FloatArray], batch: int = 32) -> FloatArray:
        """(N, 512). The movement encoder gets zeros from a motion's end up to frame 196, as in the published code."""
        result = []
        for start in range(0, len(features), batch):
            rows = features[start : start + batch]
            values = np.zeros((len(rows), MAX_FRAMES, features[0].shape[1]), np.float32)
            for k, row in enumerate(rows):
                values[k, : len(row)] = (row - self.mean) / self.std
            lengths = torch.tensor([len(r) for r in rows])
            result.append(self.networks.motion(torch.from_numpy(values).to(self.model.device), lengths).cpu().numpy())
        return np.concatenate(result)

    @torch.no_grad()
    def _texts(self, tokens: Sequence[tuple[str, ...]], batch: int = 128) -> FloatArray:
        """(N, 512)."""
        result = []
        for start in range(0, len(tokens), batch):
            rows = [self.words.sentence(t) for t in tokens[start : start + batch]]
            lengths = torch.tensor([len(r[0]) for r in rows])
            words, kinds = (
                torch.nn.utils.rnn.pad_sequence([torch.from_numpy(r[k]) for r in rows], batch_first=True).to(
                    self.model.device
                )
                for k in (0, 1)
            )
            result.append(self.networks.text(words, kinds, lengths).cpu().numpy())
        return np.concatenate(result)
