"""Legs and arms by names: of all bones that could be the three joints of a limb, those that fit together best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from .figure import CLOSE, Figure

LEG, ARM = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")
RATIO = {LEG: 1.0, ARM: 1.1}
"""Upper bone to lower bone."""
LEAST_FIT = 0.08
"""Share from 0 to 1: a limb that fits less is no candidate."""
MOST_CANDIDATES = 12
"""Limbs of a kind that are compared; the number of combinations grows with their product."""
SECOND = 0.6
"""Decrease of the fit of a bone below another that fits the same joint: the second half of a limb bone in two, or a
hand below a wrist."""
SHAPE_BONUS = 0.5
"""Increase of the confidence if hierarchy and lengths agree with the name."""


@dataclass(frozen=True)
class Limb:
    """The three joints of a leg or an arm.

    Attributes:
        bones: Bones of thigh, shin and foot, or of upper arm, forearm and hand.
        score: The sum of how well each fits and how well they fit together.
        margin: Difference of score to the next best candidate, for each of the three.
        fits: How well the name of each fits, 0 to 1.
    """

    bones: tuple[int, int, int]
    score: float
    margin: tuple[float, float, float]
    fits: tuple[float, float, float]


def named_limb(
    figure: Figure,
    kind: tuple[str, str, str],
    side: str,
    sides: Sequence[str],
    shape: Sequence[tuple[int, float]],
) -> Limb | None:
    """The limb whose names, places and parents agree best.

    Args:
        figure: The bones.
        kind: LEG or ARM.
        side: "l" or "r".
        sides: Each bone's side, by name or place.
        shape: For each joint the bone that hierarchy and lengths take for it, and how sure they are, 0 to 1; empty if
            they found none.

    Returns:
        None if one of the joints has no candidate.
    """
    guesses = list(shape) or [(-1, 0.0)] * 3
    lists = [_candidates(figure, part, side, sides, *guess) for part, guess in zip(kind, guesses, strict=True)]
    if not all(lists):
        return None
    bones = [np.array([bone for bone, _ in each]) for each in lists]
    fits = [np.array([fit for _, fit in each]) for each in lists]
    upper, upper_length = _between(figure, bones[0], bones[1])
    lower, lower_length = _between(figure, bones[1], bones[2])
    ratio = np.log(np.maximum(upper_length, 1e-12))[:, :, None] - np.log(np.maximum(lower_length, 1e-12))[None]
    together = upper[:, :, None] + lower[None] - 0.5 * np.log1p(((ratio - np.log(RATIO[kind])) / 0.35) ** 2)
    total = together + fits[0][:, None, None] + fits[1][None, :, None] + fits[2][None, None]
    best = np.unravel_index(int(np.argmax(total)), total.shape)
    margins = []
    for axis, at in enumerate(best):
        others = np.delete(total.max(axis=tuple(each for each in range(3) if each != axis)), at)
        margins.append(float(total[best] - others.max()) if len(others) else 3.0)
    chosen = [int(bones[axis][at]) for axis, at in enumerate(best)]
    named = [figure.names[bone].parts.get(part, 0.0) for bone, part in zip(chosen, kind, strict=True)]
    return Limb(
        (chosen[0], chosen[1], chosen[2]),
        float(total[best]),
        (margins[0], margins[1], margins[2]),
        (named[0], named[1], named[2]),
    )


def _candidates(
    figure: Figure, part: str, side: str, sides: Sequence[str], guess: int, sure: float
) -> list[tuple[int, float]]:
    found = []
    for bone, name in enumerate(figure.names):
        fit = name.parts.get(part, 0.0)
        if (fit > LEAST_FIT and sides[bone] == side) or bone == guess:
            agrees = guess >= 0 and same_place(figure, bone, guess)
            found.append((bone, 2.0 * fit + float(figure.role[bone]) + SHAPE_BONUS * sure * agrees))
    found.sort(key=lambda each: (-each[1], each[0]))
    kept = found[:MOST_CANDIDATES]
    there = {bone: figure.names[bone].parts.get(part, 0.0) for bone, _ in kept}
    return [(bone, fit - SECOND * _is_second(figure, bone, there)) for bone, fit in kept]


def same_place(figure: Figure, one: int, other: int) -> bool:
    """Whether two bones are one, or start at one place."""
    return one == other or figure.distance(one, other) < CLOSE * figure.size


def _is_second(figure: Figure, bone: int, there: Mapping[int, float]) -> bool:
    """Whether a bone above fits the same joint no worse: the second half of a limb bone in two."""
    return any(other != bone and fit >= there[bone] and figure.is_below(bone, other) for other, fit in there.items())


def _between(figure: Figure, upper: FloatArray, lower: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How well each of one list goes with each of another below it, and the distances: (m, n) each."""
    first, last, depth = figure.first, figure.last, np.array(figure.depth)
    below = (first[upper][:, None] < first[lower][None]) & (first[lower][None] <= last[upper][:, None])
    above = (first[lower][None] < first[upper][:, None]) & (first[upper][:, None] <= last[lower][None])
    steps = depth[lower][None] - depth[upper][:, None]
    apart = 0.2 if figure.control_rig else 1.2
    score = np.where(below, -0.04 * (steps - 1), -apart)
    score = np.where(above | (upper[:, None] == lower[None]), -6.0, score)
    distance = np.linalg.norm(figure.heads[upper][:, None] - figure.heads[lower][None], axis=2)
    score = np.where(distance < 5.0 * CLOSE * figure.size, score - 3.0, score)
    score = score - 1.5 * np.maximum(0.0, distance / figure.size - 0.4)
    return score, distance
