"""Figures of several repeats as mean and interval, and the file they are kept in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...files.safetensors_files import write_bytes

FORMAT = 1
CONFIDENCE = 0.95
REPORT, FIGURES = "EVALUATION.md", "evaluation.json"
SECTIONS = ("energy", "paths", "long", "obedience", "quality", "control", "reconstruction", "text")
"""In the order of the report: measures of visible quality first."""


@dataclass(frozen=True)
class Figure:
    """mean over the repeats; interval: half the width of the 95 % interval of that mean, None with one repeat."""

    mean: float
    interval: float | None
    repeats: int


@dataclass(frozen=True)
class Section:
    """One group of figures by path ("student_1/fid").

    about: date, seconds, and what else decides the figures (seeds, settings, fingerprints).
    """

    figures: dict[str, Figure]
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """Everything measured of one model. model: name, version, fingerprint. sections by name, as last measured."""

    model: dict[str, Any]
    sections: dict[str, Section]

    def with_section(self, name: str, section: Section) -> Results:
        """The results with one section added or replaced."""
        return Results(self.model, {**self.sections, name: section})

    def to_json(self) -> dict[str, Any]:
        """The results as plain values for a JSON file."""
        return {"format": FORMAT, "model": self.model, "sections": {n: asdict(s) for n, s in self.sections.items()}}

    def save(self, path: Path) -> None:
        """By way of a temporary file. Raises ModelFolderError if the disk refuses."""
        write_bytes(path, (json.dumps(self.to_json(), indent=2) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> Results:
        """Raises TrainingDataError if the file is missing or not what `save` wrote."""
        try:
            values = json.loads(path.read_text("utf-8"))
            if values["format"] != FORMAT:
                raise ValueError(f"format {values['format']}")
            sections = {
                name: Section({key: Figure(**figure) for key, figure in part["figures"].items()}, part["about"])
                for name, part in values["sections"].items()
            }
            return cls(values["model"], sections)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingDataError(f"{path.name} is missing or holds no evaluation.") from error


def aggregate(repeats: Sequence[Mapping[str, float]]) -> dict[str, Figure]:
    """Mean and 95 % interval (Student's t) of each figure over the repeats that have it and give a finite number.

    The interval is of the repeats' randomness: captions, noise, shuffles. The test motions stay the same.
    """
    values: dict[str, list[float]] = {}
    for found in repeats:
        for key, value in found.items():
            if math.isfinite(value):
                values.setdefault(key, []).append(float(value))
    return {key: _figure(np.array(several)) for key, several in values.items()}


def _figure(values: FloatArray) -> Figure:
    count = len(values)
    if count < 2:
        return Figure(float(values.mean()), None, count)
    from scipy.stats import t

    quantile = float(t.ppf(0.5 + CONFIDENCE / 2, count - 1))
    return Figure(float(values.mean()), quantile * float(values.std(ddof=1)) / math.sqrt(count), count)


REPORT, FIGURES = "EVALUATION.md", "evaluation.json"
SECTIONS = ("energy", "paths", "long", "obedience", "quality", "control", "reconstruction", "text")
"""In the order of the report: measures of visible quality first."""


REPORT, FIGURES = "EVALUATION.md", "evaluation.json"
SECTIONS = ("energy", "paths", "long", "obedience", "quality", "control", "reconstruction", "text")
"""In the order of the report: measures of visible quality first."""
