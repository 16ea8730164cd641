"""The section `energy`: whether generated motion moves as much as captured motion of the same captions.

Rows: the VAE's reconstruction, the teacher, the student with 1, 2 and 4 steps (the networks alone), `final` (as
`MotionLCM.generate` hands it over, in the default steps) and the nearest-caption look-up. Energy is a ratio of means,
generated to captured, so 1 is right; it is given for all segments and for the quiet, medium and lively third of them by
the body speed captured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ...array_types import FloatArray, IntArray
from ...generation.pipeline import MotionLCM
from ...generation.request import Request
from . import motion_measures as see
from .generation import Prompt, Teacher, generate_features, reconstruct, samplers
from .held_out_motions import TestMotion
from .lookup import ROW as LOOKUP
from .lookup import Lookup
from .motion_measures import joints_of

LIVELINESS = ("quiet", "medium", "lively")
QUANTITIES = ("body", "wrist_peak", "ankle_peak")
LEAST = 0.01
"""m/s: no ratio to less than this is taken."""

Energies = dict[str, FloatArray]
"""By quantity, (N,) m/s."""


def energies(motions: Sequence[FloatArray]) -> Energies:
    """Of joints (T, 22, 3) each."""
    rows = [see.energy(joints) for joints in motions]
    return {name: np.array([row[name] for row in rows]) for name in QUANTITIES}


def thirds_of(body: FloatArray) -> dict[str, IntArray]:
    """By liveliness, the indices of the third of the segments with that body speed; `all` of them too."""
    order: IntArray = np.argsort(body, kind="stable")
    parts: dict[str, IntArray] = dict(zip(LIVELINESS, np.array_split(order, len(LIVELINESS)), strict=True))
    return {"all": order} | {name: part for name, part in parts.items() if len(part)}


def compared(made: Energies, captured: Energies) -> dict[str, float]:
    """Figures of a row: ratios of generated to captured motion.

    Keys LIVELINESS/QUANTITY: ratio of the means; LIVELINESS/QUANTITY_each: mean of the ratios, which weighs every
    segment alike, so that a figure that should hardly move and fidgets counts; rank_correlation of the body speeds.
    """
    found: dict[str, float] = {}
    for part, rows in thirds_of(captured["body"]).items():
        for name in QUANTITIES:
            mine, theirs = made[name][rows], np.maximum(captured[name][rows], LEAST)
            found[f"{part}/{name}"] = float(mine.mean() / theirs.mean())
            found[f"{part}/{name}_each"] = float((mine / theirs).mean())
    return found | {"rank_correlation": see.rank_correlation(made["body"], captured["body"])}


class EnergySection:
    """Measures all rows on the same segments and captions; a repeat draws captions and noise from its number."""

    def __init__(
        self, model: MotionLCM, motions: Sequence[TestMotion], teacher: Teacher | None, lookup: Lookup | None
    ) -> None:
        """motions: captured segments; those flagged as unclear are left out."""
        self.model, self.lookup = model, lookup
        self.motions = [m for m in motions if not m.flags.unclear]
        self.samplers = samplers(teacher)
        self.captured = energies([m.joints for m in self.motions])

    @property
    def about(self) -> dict[str, Any]:
        """Facts about the measurement, for the card."""
        return {"segments": len(self.motions), "liveliness": "thirds of the segments by captured body speed"}

    def measure(self, repeat: int) -> dict[str, float]:
        """Keys ROW/LIVELINESS/QUANTITY and ROW/rank_correlation; captured/LIVELINESS/QUANTITY_m_s."""
        generator = np.random.default_rng((89, repeat))
        prompts = [Prompt(m.captions[int(generator.integers(len(m.captions)))], self._frames(m)) for m in self.motions]
        found: dict[str, float] = {}
        for part, rows in thirds_of(self.captured["body"]).items():
            for name in QUANTITIES:
                found[f"captured/{part}/{name}_m_s"] = float(self.captured[name][rows].mean())
        for row, make in self._rows(prompts, repeat, generator).items():
            found |= {f"{row}/{key}": value for key, value in compared(energies(make()), self.captured).items()}
        return found

    def _frames(self, motion: TestMotion) -> int:
        shortest, longest = self.model.folder.frames if self.model.folder is not None else (1, 196)
        return int(np.clip(motion.frames, shortest, longest))

    def _rows(
        self, prompts: Sequence[Prompt], repeat: int, generator: np.random.Generator
    ) -> Mapping[str, Callable[[], list[FloatArray]]]:
        """By row, what makes its motions: joints (T, 22, 3) in the order of the prompts."""
        rows: dict[str, Callable[[], list[FloatArray]]] = {}
        if self.model.vae is not None:
            features = [m.features() for m in self.motions]
            rows["vae"] = lambda: [joints_of(f) for f in reconstruct(self.model, features, generator)]
        for row, sampler in self.samplers.items():
            rows[row] = lambda s=sampler: [  # type: ignore[misc]
                joints_of(f) for f in generate_features(self.model, prompts, s, 97 * repeat + 1)
            ]
        rows["final"] = lambda: [
            self.model.generate(Request(p.caption, p.frames, seed=1000 * repeat + k))[0].joints
            for k, p in enumerate(prompts)
        ]
        if self.lookup is not None:
            lookup = self.lookup
            rows[LOOKUP] = lambda: [lookup.joints(lookup.nearest(p.caption)[0], p.frames) for p in prompts]
        return rows
