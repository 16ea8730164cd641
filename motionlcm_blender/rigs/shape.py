"""Legs and arms without names: pairs of like branches, their lengths, and how they hang from the trunk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..array_types import FloatArray, IntArray
from .figure import CLOSE, Figure
from .limbs import ARM, LEG

LEAST_LIMB = 0.1
"""Of the figure's size: shorter branches are no limbs."""
ALIKE = 0.12
"""Greatest difference of lengths between branches of a pair, as a logarithm."""
LONGER = math.exp(ALIKE)
LONGEST_WAY = 14
"""Most bones of a chain that is followed."""
MOST_PAIRS = 10
"""Pairs of limbs that are tried with one another, and pairs from one bone that are looked at."""
STRANGE = {"other", "face", "finger"}
PARTS_OF = {LEG: {"hip", "knee", "ankle", "foot"}, ARM: {"collar", "shoulder", "elbow", "wrist"}}


@dataclass(frozen=True, eq=False)
class BranchPair:
    """Two branches of like lengths from one bone: `way` is the longest way down each."""

    origin: int
    ways: tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class ShapeLimbs:
    """Legs and arms, found by hierarchy and lengths.

    Attributes:
        legs: For each of the two sides hip, knee and ankle, and the bones after them on the longest way.
        arms: For each of the two sides shoulder, elbow and wrist.
        leg_ways: The longest ways that the legs were found on.
        score: The higher, the more like a human; above about -4 for those.
        margin: Difference of score to the next best candidate with other limbs.
    """

    legs: tuple[tuple[int, int, int], tuple[int, int, int]]
    arms: tuple[tuple[int, int, int], tuple[int, int, int]]
    leg_ways: tuple[tuple[int, ...], tuple[int, ...]]
    score: float
    margin: float


def shape_limbs(figure: Figure) -> ShapeLimbs | None:
    """The two legs and two arms that look most like a human's, or None where there are not two pairs."""
    pairs = _pairs(figure)
    legs, arms = _likeliest(figure, pairs, LEG), _likeliest(figure, pairs, ARM)
    found = []
    for leg, leg_score, leg_at in legs:
        for arm, arm_score, arm_at in arms:
            if leg is not arm and not _one_in_other(figure, leg, arm):
                score = leg_score + arm_score + _together(figure, leg, leg_at, arm, arm_at)
                found.append((score, leg, leg_at, arm, arm_at))
    if not found:
        return None
    found.sort(key=lambda each: -each[0])
    score, leg, leg_at, arm, arm_at = found[0]
    others = [each[0] for each in found[1:] if each[1] is not leg or each[3] is not arm]
    return ShapeLimbs(
        (_bones(leg.ways[0], leg_at), _bones(leg.ways[1], leg_at)),
        (_bones(arm.ways[0], arm_at), _bones(arm.ways[1], arm_at)),
        leg.ways,
        score,
        score - others[0] if others else 5.0,
    )


def _likeliest(
    figure: Figure, pairs: list[BranchPair], kind: tuple[str, str, str]
) -> list[tuple[BranchPair, float, tuple[int, int, int]]]:
    found = [(pair, *_best_joints(figure, pair, kind)) for pair in pairs]
    return sorted(found, key=lambda each: -each[1])[:MOST_PAIRS]


def _bones(way: tuple[int, ...], at: tuple[int, int, int]) -> tuple[int, int, int]:
    return way[at[0]], way[at[1]], way[at[2]]


def _pairs(figure: Figure) -> list[BranchPair]:
    """Branches of like lengths that start at one bone, longest first."""
    least = LEAST_LIMB * figure.size
    roots = [bone for bone, above in enumerate(figure.parent) if above < 0]
    found = []
    for origin, kids in [(-1, roots), *enumerate(figure.children)]:
        if len(kids) < 2:
            continue
        long = [kid for kid in kids if figure.reach[kid] >= least]
        body = [kid for kid in long if not figure.names[kid].kinds & STRANGE]
        long = body if len(body) > 1 else long
        ways = {kid: _way(figure, kid) for kid in long}
        here = []
        long.sort(key=lambda kid: figure.reach[kid])
        for one, other in combinations(long, 2):
            if figure.reach[other] < figure.reach[one] * LONGER and _alike(figure, ways[one], ways[other]):
                length = min(len(ways[one]), len(ways[other]))
                here.append((figure.reach[one], BranchPair(origin, (ways[one][:length], ways[other][:length]))))
        here.sort(key=lambda each: -each[0])
        found += here[:MOST_PAIRS]
    found.sort(key=lambda each: -each[0])
    return [pair for _, pair in found[: 4 * MOST_PAIRS]]


def _way(figure: Figure, bone: int) -> tuple[int, ...]:
    way = [bone]
    while figure.children[bone] and len(way) < LONGEST_WAY:
        here = bone
        bone = max(figure.children[here], key=lambda kid: figure.reach[kid] + figure.distance(kid, here))
        way.append(bone)
    return tuple(way)


def _alike(figure: Figure, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if min(len(one), len(other)) < 3:
        return False
    for a, b, next_a, next_b in zip(one[:3], other[:3], one[1:4], other[1:4], strict=False):
        lengths = figure.distance(a, next_a), figure.distance(b, next_b)
        if max(lengths) > 0.02 * figure.size and max(lengths) > LONGER * min(lengths):
            return False
    return True


def _best_joints(figure: Figure, pair: BranchPair, kind: tuple[str, str, str]) -> tuple[float, tuple[int, int, int]]:
    """The three bones of the way whose lengths are most like a limb's; the score, their places on the way."""
    way = pair.ways[0]
    places = figure.heads[list(way)]
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    triples = np.array(list(combinations(range(len(way)), 3)))
    i, j, k = triples.T
    upper, lower = _length(places, i, j), _length(places, j, k)
    tiny = 1e-9 * figure.size
    whole = upper + lower + tiny
    ratio = np.log((upper + tiny) / (lower + tiny)) - (0.0 if kind == LEG else 0.1)
    score = -0.6 * np.log1p((ratio / (0.3 if kind == LEG else 0.2)) ** 2)
    score -= 3.0 * ((along[k] - along[i]) / whole - 1.0)
    before = along[i] / whole
    after = (along[-1] - along[k]) / whole
    if kind == LEG:
        score -= np.log1p((np.maximum(0.0, before - 0.2) / 0.12) ** 2) + np.log1p(
            (np.maximum(0.0, after - 0.4) / 0.12) ** 2
        )
        score += 0.4 * (after > 0.08)
        score += 0.6 * (1.0 - np.maximum(0.0, _turn(places, j, k, np.minimum(k + 1, len(way) - 1))))
    else:
        score -= np.log1p((np.maximum(0.0, before - 0.5) / 0.2) ** 2) + np.log1p(
            (np.maximum(0.0, after - 0.5) / 0.15) ** 2
        )
        fans = np.array([_fan(figure, bone) for bone in way])
        score += 0.4 * (np.array([len(figure.children[bone]) for bone in way])[k] >= 2)
        score += 1.0 * (fans[k] >= 3) - 1.0 * (fans[i] >= 3) - 1.0 * (fans[j] >= 3)
    score -= 0.8 * (1.0 - _turn(places, i, j, k))
    width = np.linalg.norm(places - figure.heads[list(pair.ways[1])], axis=1)
    least, spread = (0.16, 0.08) if kind == LEG else (0.4, 0.15)
    score -= np.log1p((np.maximum(0.0, least - width[i] / whole) / spread) ** 2)
    score -= 0.15 * i
    if figure.names[way[0]].kinds & STRANGE:
        score -= 2.0
    hints = [bool(figure.names[bone].parts.keys() & PARTS_OF[kind]) for bone in way]
    score += 0.4 * min(3, sum(hints))
    best = int(np.argmax(score))
    return float(score[best]), (int(i[best]), int(j[best]), int(k[best]))


def _length(places: FloatArray, one: IntArray, other: IntArray) -> FloatArray:
    length: FloatArray = np.linalg.norm(places[other] - places[one], axis=1)
    return length


def _turn(places: FloatArray, one: IntArray, middle: IntArray, other: IntArray) -> FloatArray:
    """Cosine of the turn at the middle point; 1 where two points are one."""
    first, second = places[middle] - places[one], places[other] - places[middle]
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    dot = np.einsum("ij,ij->i", first, second)
    return np.where(lengths > 0.0, dot / np.maximum(lengths, 1e-30), 1.0)


def _fan(figure: Figure, bone: int) -> int:
    """Branches of two bones or more: fingers at a hand."""
    return sum(bool(figure.children[kid]) for kid in figure.children[bone])


def _one_in_other(figure: Figure, leg: BranchPair, arm: BranchPair) -> bool:
    starts = [way[0] for way in (*leg.ways, *arm.ways)]
    return len(set(starts)) < 4 or any(
        one == other or figure.is_below(one, other) for one in (leg.origin, arm.origin) for other in starts if one >= 0
    )


def _together(
    figure: Figure, leg: BranchPair, leg_at: tuple[int, int, int], arm: BranchPair, arm_at: tuple[int, int, int]
) -> float:
    """How well a pair of legs and a pair of arms make one body."""
    hips, _, ankles = (figure.heads[[way[at] for way in leg.ways]] for at in leg_at)
    shoulders, _, wrists = (figure.heads[[way[at] for way in arm.ways]] for at in arm_at)
    leg_length = float(np.linalg.norm(ankles - hips, axis=1).mean()) + 1e-9
    arm_length = float(np.linalg.norm(wrists - shoulders, axis=1).mean()) + 1e-9
    up = shoulders.mean(axis=0) - hips.mean(axis=0)
    trunk = float(np.linalg.norm(up)) + 1e-9
    up = up / trunk
    down = (ankles - hips).mean(axis=0) @ up / leg_length
    score = -0.5 * np.log1p((np.log(trunk / leg_length / 0.55) / 0.5) ** 2)
    score -= 0.5 * np.log1p((np.log(arm_length / leg_length / 0.65) / 0.35) ** 2)
    score -= 1.0 * (1.0 + float(down)) - 0.3 * float(up[2])
    if arm.origin >= 0 and leg.origin >= 0 and arm.origin != leg.origin and figure.is_below(leg.origin, arm.origin):
        score -= 3.0
    if arm.origin == leg.origin:
        score -= 1.0
    if trunk < CLOSE * figure.size:
        score -= 3.0
    fans = max(_fan(figure, bone) for bone in (*leg.ways[0], *arm.ways[0][:1]))
    return float(score) - 0.5 * (fans >= 4)
