"""The section `text`: every row of the usual table, once for each repeat.

Rows: real motion of the test clips, real motion of train clips with its own captions (the evaluator's and FID's floor),
the nearest-caption look-up, the VAE's reconstruction, the teacher, the student with 1, 2 and 4 steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...array_types import FloatArray
from ...generation.pipeline import MotionLCM
from . import text_metrics
from .evaluator import Evaluator
from .generation import Prompt, Sampler, Teacher, generate_features, reconstruct, samplers
from .held_out_motions import TestMotion
from .lookup import ROW as LOOKUP
from .lookup import Lookup

REAL, TRAIN, VAE = "real", "train", "vae"
MULTIMODAL_CAPTIONS, MULTIMODAL_TAKES = 16, 10
"""Prompts, and takes of each, for multimodality in one repeat (published: 100 and 30)."""


class TextSection:
    """Measures the rows on the same motions, captions and noise in each repeat.

    A repeat chooses a caption of each motion, the noise, the shuffles and the halves of the floor, all from its number.
    """

    def __init__(
        self,
        model: MotionLCM,
        evaluator: Evaluator,
        motions: Sequence[TestMotion],
        teacher: Teacher | None,
        trained: Sequence[TestMotion] = (),
        lookup: Lookup | None = None,
    ) -> None:
        """trained: captured motion of train clips, of which as many as there are test motions are drawn in a repeat."""
        self.model, self.evaluator, self.motions = model, evaluator, motions
        self.samplers = samplers(teacher)
        self.features = [m.features() for m in motions]
        self.real = evaluator.embed_motions(self.features)
        self.trained, self.lookup = trained, lookup
        self.train = evaluator.embed_motions([m.features() for m in trained]) if trained else None

    def measure(self, repeat: int) -> dict[str, float]:
        """Keys ROW/fid, r1, r2, r3, mm_distance, diversity, of made motion ROW/multimodality; and ratio/FIGURE."""
        generator = np.random.default_rng((73, repeat))
        captions = [m.captions[int(generator.integers(len(m.captions)))] for m in self.motions]
        texts = self.evaluator.embed_texts(captions)
        found = self._row(REAL, self.real, texts, repeat)
        # Real motion against itself would be 0; its place in the table is what two halves of it differ by.
        found[f"{REAL}/fid"] = text_metrics.frechet_floor(self.real, generator)
        found |= self._baselines(captions, texts, repeat)
        rebuilt = self.evaluator.embed_motions(reconstruct(self.model, self.features, generator))
        found |= self._row(VAE, rebuilt, texts, repeat)
        prompts = self._prompts(captions)
        chosen = generator.permutation(len(prompts))[:MULTIMODAL_CAPTIONS]
        takes = [prompts[k] for k in chosen for _ in range(MULTIMODAL_TAKES)]
        for row, sampler in self.samplers.items():
            found |= self._row(row, self._embedded(prompts, sampler, 2 * repeat), texts, repeat)
            made = self._embedded(takes, sampler, 2 * repeat + 1)
            made = made.reshape(len(chosen), MULTIMODAL_TAKES, -1)
            found[f"{row}/multimodality"] = text_metrics.multimodality(made, generator)
        return found | self._ratios(found)

    def _baselines(self, captions: Sequence[str], texts: FloatArray, repeat: int) -> dict[str, float]:
        """Captured motion of train clips: with its own captions, and looked up for the test captions."""
        found: dict[str, float] = {}
        if self.train is not None:
            generator = np.random.default_rng((103, repeat))
            rows = generator.permutation(len(self.trained))[: len(self.motions)]
            own = [self.trained[k].captions[int(generator.integers(len(self.trained[k].captions)))] for k in rows]
            found |= self._row(TRAIN, self.train[rows], self.evaluator.embed_texts(own), repeat)
        if self.lookup is not None:
            pairs = [(p.caption, p.frames) for p in self._prompts(captions)]
            looked_up = self.evaluator.embed_motions(self.lookup.features(pairs))
            found |= self._row(LOOKUP, looked_up, texts, repeat)
        return found

    def _prompts(self, captions: Sequence[str]) -> list[Prompt]:
        shortest, longest = self.model.folder.frames if self.model.folder is not None else (1, 196)
        return [
            Prompt(caption, int(np.clip(len(features), shortest, longest)))
            for caption, features in zip(captions, self.features, strict=True)
        ]

    def _embedded(self, prompts: Sequence[Prompt], sampler: Sampler, seed: int) -> FloatArray:
        return self.evaluator.embed_motions(generate_features(self.model, prompts, sampler, seed))

    def _row(self, row: str, motion: FloatArray, texts: FloatArray, repeat: int) -> dict[str, float]:
        # Every row is shuffled alike, so that rows of one repeat can be compared.
        generator = np.random.default_rng((79, repeat))
        ranked = np.mean([text_metrics.r_precision(motion, texts, generator) for _ in range(4)], axis=0)
        return {
            f"{row}/r1": float(ranked[0]),
            f"{row}/r2": float(ranked[1]),
            f"{row}/r3": float(ranked[2]),
            f"{row}/fid": text_metrics.frechet_distance(motion, self.real),
            f"{row}/mm_distance": text_metrics.multimodal_distance(motion, texts),
            f"{row}/diversity": text_metrics.diversity(motion, generator),
        }

    def _ratios(self, found: dict[str, float]) -> dict[str, float]:
        """What the targets are about, taken within a repeat so that their intervals are right."""
        ratios = {"ratio/r3_student_4_to_real": found["student_4/r3"] / max(found[f"{REAL}/r3"], 1e-9)}
        if f"{TRAIN}/r3" in found:
            ratios["ratio/r3_train_minus_test"] = found[f"{TRAIN}/r3"] - found[f"{REAL}/r3"]
            ratios["ratio/fid_student_4_to_train_floor"] = found["student_4/fid"] / max(found[f"{TRAIN}/fid"], 1e-9)
        teacher = next((row for row in self.samplers if row.startswith("teacher")), None)
        if teacher is not None:
            for steps in (1, 2, 4):
                student = f"student_{steps}"
                for name in ("r3", "fid"):
                    ratio = found[f"{student}/{name}"] / max(found[f"{teacher}/{name}"], 1e-9)
                    ratios[f"ratio/{name}_{student}_to_teacher"] = ratio
        return ratios
