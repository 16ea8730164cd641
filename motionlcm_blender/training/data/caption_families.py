"""What a caption is mainly about, so that training sees every kind of action often enough (caption_families.toml)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...array_types import FloatArray, StringArray
from .motion_data import Segment

FILE = Path(__file__).parents[1] / "configs" / "caption_families.toml"
OTHER = "other"


@dataclass(frozen=True)
class Families:
    """The families, in the order in which they are tried.

    Attributes:
        names: Name of each family.
        patterns: Pattern of its captions.
        shares: Its share of the draws.
        going: Pattern of captions that mean a gait.
        other_share: Share of captions that fit no family.
    """

    names: tuple[str, ...]
    patterns: tuple[re.Pattern[str], ...]
    shares: tuple[float, ...]
    going: re.Pattern[str]
    other_share: float


def read_families(path: Path = FILE) -> Families:
    """The families of a TOML file."""
    values = tomllib.loads(path.read_text("utf-8"))
    rows = values["family"]
    return Families(
        tuple(row["name"] for row in rows),
        tuple(_words(row["words"]) for row in rows),
        tuple(float(row["share"]) for row in rows),
        _words(values["going"]),
        float(values["other_share"]),
    )


def _words(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(words)})", re.I)


FAMILIES = read_families()


def family(segment: Segment) -> str:
    """The family of a captioned segment."""
    text = segment.captions[0]
    for name, pattern in zip(FAMILIES.names, FAMILIES.patterns, strict=True):
        if name == "prop":
            if segment.prop and pattern.search(" ".join(segment.captions)):
                return name
        elif name == "style":
            styled = pattern.search(text) or any(pattern.search(tag) for tag in segment.tags)
            if styled and FAMILIES.going.search(" ".join((text, *segment.tags))):
                return name
        elif pattern.search(text):
            return name
    return OTHER


def balanced_weights(
    families: Sequence[str] | StringArray, weights: FloatArray, shares: dict[str, float]
) -> FloatArray:
    """Weights scaled so that each family gets its share of all draws.

    Args:
        families: name of each example's family.
        weights: (N,) how often to draw it beside others of the family.
        shares: by family; families without examples leave their share to the others.

    Returns:
        (N,) weights that sum to 1.
    """
    names = np.array(families)
    result: FloatArray = np.zeros(len(weights))
    for name, share in shares.items():
        rows = names == name
        total = weights[rows].sum()
        if total > 0:
            result[rows] = share * weights[rows] / total
    result /= result.sum()
    return result


def captured_shares() -> dict[str, float]:
    """Share of each family among what was captured, as it was chosen."""
    return dict(zip(FAMILIES.names, FAMILIES.shares, strict=True)) | {OTHER: FAMILIES.other_share}
