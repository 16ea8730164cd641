"""Pelvis, spine, neck and head of a rig whose bones have the parents of the body's parts.

Where legs and arms are known, the hierarchy is the best evidence: the pelvis is the common ancestor of both halves, the
spine is the chain from the pelvis to the parent of the arms, the neck the chain from there to the head. Names show
where the neck starts and which bone is the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..array_types import FloatArray
from .figure import CLOSE, Figure

LOWEST_HEAD, HIGHEST_HEAD = 0.18, 0.5
"""Of the trunk's length from hips to shoulders: a bone less far above the shoulders may be a neck, one further above is
the top of a skull."""
SHORT_TIP = 0.75
"""Of the bone before: a last bone that begins nearer is a tip on the head, because bones of one neck are alike."""
NOT_TRUNK = {"tip", "helper", "finger", "face", "other", "ik", "mechanism", "twist", "tweak"}


@dataclass(frozen=True)
class Trunk:
    """Bones of the trunk, lowest first, and how sure each part is, 0 to 1."""

    pelvis: tuple[int, ...]
    spine: tuple[int, ...]
    neck: tuple[int, ...]
    head: tuple[int, ...]
    sure: dict[str, float]


def plain_trunk(figure: Figure, hips: Sequence[int], shoulders: Sequence[int]) -> Trunk:
    """Pelvis to head of a rig without controls.

    Args:
        figure: The bones.
        hips: The two bones of the thighs.
        shoulders: The two bones of the upper arms.
    """
    sure = {}
    chest = figure.common(shoulders)
    up = _up(figure, hips, shoulders)
    head, sure["head"] = _head(figure, chest, [*hips, *shoulders], up)
    ends = [*hips, *shoulders] if head < 0 else [*hips, *shoulders, head]
    pelvis = figure.common(ends)
    sure["pelvis"] = 0.95 if pelvis >= 0 else 0.3
    if pelvis < 0:
        pelvis = _named_pelvis(figure, hips)
    top = head if head >= 0 else chest
    way = figure.way(pelvis, top) + ([chest] if head < 0 and chest != pelvis and chest >= 0 else [])
    start, sure["neck"] = _neck_start(figure, way, chest, bool(head >= 0))
    pelvis, way, start = _down_to_hips(figure, pelvis, way, start, hips)
    carriers = {*figure.ancestors(chest), chest} if chest >= 0 else set()
    spine = [bone for bone in way[:start] if _is_trunk(figure, bone, bone in carriers)]
    spine = _without_folds(figure, spine, pelvis, up)
    sure["spine"] = min(0.95, sure["neck"] + 0.1) if spine else 0.6
    neck = way[start:]
    if head >= 0 and figure.names[head].parts.get("neck", 0.0) > 0.3 > figure.names[head].parts.get("head", 0.0):
        sure["neck"] = sure["head"] = 0.45
        if not neck:
            neck, head = [head], -1
    chosen = (pelvis,) if pelvis >= 0 else ()
    return Trunk(chosen, tuple(spine), tuple(neck), (head,) if head >= 0 else (), sure)


def spread(spine: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """A spine's bones shared out among SMPL's three: the top one to spine3, the lowest of two or more to spine1."""
    bones = tuple(spine)
    if len(bones) < 3:
        return (bones[:1] if len(bones) == 2 else ()), (), bones[-1:]
    third, more = divmod(len(bones), 3)
    low, middle = third + (more == 2), third
    return bones[:low], bones[low : low + middle], bones[low + middle :]


def _up(figure: Figure, hips: Sequence[int], shoulders: Sequence[int]) -> FloatArray:
    up = figure.heads[list(shoulders)].mean(axis=0) - figure.heads[list(hips)].mean(axis=0)
    length = float(np.linalg.norm(up))
    return np.asarray(up / length) if length > CLOSE * figure.size else np.array([0.0, 0.0, 1.0])


def _named_pelvis(figure: Figure, hips: Sequence[int]) -> int:
    """Where nothing carries both halves: the bone named so, or what carries the legs."""
    legs = figure.common(hips)
    best = max(range(len(figure.names)), key=lambda bone: figure.names[bone].parts.get("pelvis", 0.0))
    return best if figure.names[best].parts.get("pelvis", 0.0) > 0.5 else legs


def _down_to_hips(
    figure: Figure, pelvis: int, way: list[int], start: int, hips: Sequence[int]
) -> tuple[int, list[int], int]:
    """Takes the bone above the one that carries all for the pelvis where legs hang from the lowest of the spine."""
    above = figure.parent[pelvis] if pelvis >= 0 else -1
    if above < 0 or figure.names[pelvis].parts.get("pelvis", 0.0) > 0.3:
        return pelvis, way, start
    named = figure.names[above].parts.get("pelvis", 0.0) > 0.5
    unnamed = not figure.names[above].parts and not figure.names[pelvis].parts
    low = figure.heads[list(hips)].mean(axis=0)
    distances = [float(np.linalg.norm(figure.heads[bone] - low)) for bone in (above, pelvis)]
    nearer = unnamed and len(figure.children[above]) == 1 and distances[0] < 0.9 * distances[1]
    if named or nearer:
        return above, [pelvis, *way], start + 1
    return pelvis, way, start


def _is_trunk(figure: Figure, bone: int, carries_arms: bool) -> bool:
    """Whether a bone between pelvis and neck is one of the spine.

    carries_arms: the arms hang from it, so that a word such as bust or mid names the trunk.
    """
    name = figure.names[bone]
    if name.parts.get("pelvis", 0.0) > max(0.5, name.parts.get("spine", 0.0)):
        return False
    strange = name.kinds & NOT_TRUNK
    if carries_arms:
        strange -= {"other", "finger"}
    return not strange or bool(name.parts.keys() & {"spine", "neck", "pelvis"})


def _head(figure: Figure, chest: int, limbs: Sequence[int], up: FloatArray) -> tuple[int, float]:
    """The head's bone and how sure it is, -1 for none."""
    named = []
    for bone, name in enumerate(figure.names):
        fit = name.parts.get("head", 0.0)
        if fit > 0.3 and not name.side and (chest < 0 or figure.is_below(bone, chest) or figure.parent[chest] < 0):
            named.append((fit - 0.02 * figure.depth[bone], bone))
    if named:
        fit, bone = max(named)
        return bone, 0.98 if fit > 0.5 else 0.75
    for start in (chest, figure.parent[chest] if chest >= 0 else -1):
        if start >= 0 and (chain := _upwards(figure, start, limbs, up)):
            return _head_of(figure, chain, limbs, up)
    return -1, 0.4


def _upwards(figure: Figure, start: int, limbs: Sequence[int], up: FloatArray) -> list[int]:
    """The chain from a bone of the trunk that leads highest and carries no limb: until it forks or ends."""
    best, chain = -np.inf, []
    for kid in figure.children[start]:
        if any(limb == kid or figure.is_below(limb, kid) for limb in limbs):
            continue
        inside = [bone for bone in range(len(figure.parent)) if bone == kid or figure.is_below(bone, kid)]
        if figure.names[kid].kinds & {"other", "helper", "ik", "mechanism", "twist"}:
            continue
        aside = float(np.linalg.norm(_across(figure.heads[kid] - figure.heads[start], up)))
        height = float(np.max(figure.heads[inside] @ up)) - aside
        if height > best:
            best, chain = height, [kid]
    while chain:
        bone = chain[-1]
        kids = figure.children[bone]
        if not kids or (len(chain) > 1 and _is_fork(figure, bone, up)) or len(chain) > 12:
            break
        straight = [(float((figure.heads[kid] - figure.heads[bone]) @ up), kid) for kid in kids]
        if len(chain) == 1 and _is_fork(figure, bone, up) and len(kids) > 3:
            break
        chain.append(max(straight)[1])
    return chain


def _across(vector: FloatArray, up: FloatArray) -> FloatArray:
    return np.asarray(vector - (vector @ up) * up)


def _is_fork(figure: Figure, bone: int, up: FloatArray) -> bool:
    """Whether a bone carries a pair, such as eyes, or much besides the one straight above."""
    kids = figure.children[bone]
    aside = [np.linalg.norm(_across(figure.heads[kid] - figure.heads[bone], up)) for kid in kids]
    return len(kids) > 1 and sum(float(length) > 0.01 * figure.size for length in aside) >= 2


def _head_of(figure: Figure, chain: list[int], limbs: Sequence[int], up: FloatArray) -> tuple[int, float]:
    """Which bone of the chain is the head: the fork, or before a last bone that is but the top of the skull."""
    while len(chain) > 1 and (
        figure.distance(chain[-1], chain[-2]) < 0.015 * figure.size or "face" in figure.names[chain[-1]].kinds
    ):
        chain = chain[:-1]
    low, high = figure.heads[list(limbs[:2])].mean(axis=0), figure.heads[list(limbs[2:4])].mean(axis=0)
    height = float((figure.heads[chain[-1]] - high) @ up) / max(float((high - low) @ up), 1e-12)
    if figure.children[chain[-1]] or len(chain) == 1:
        return chain[-1], 0.8 if height > LOWEST_HEAD else 0.45
    before = chain[-3] if len(chain) > 2 else figure.parent[chain[0]]
    last, step = figure.distance(chain[-1], chain[-2]), figure.distance(chain[-2], before)
    if "tip" in figure.names[chain[-1]].kinds or height > HIGHEST_HEAD or last > 1.4 * step:
        return chain[-2], 0.65
    if len(chain) > 2 and last < SHORT_TIP * step:
        return chain[-2], 0.45
    return chain[-1], 0.6


def _neck_start(figure: Figure, way: list[int], chest: int, has_head: bool) -> tuple[int, float]:
    """Index in the way from pelvis to head where the neck starts, and how sure it is."""
    fits = [figure.names[bone].parts for bone in way]
    named = [at for at, parts in enumerate(fits) if parts.get("neck", 0.0) > 0.3]
    named = named or [at for at, bone in enumerate(way) if "neck" in figure.names[bone].words]
    at = way.index(chest) if chest in way else len(way) - 1
    start = at + 1
    if named:
        first = named[0]
        while first > start and not fits[first - 1]:
            first -= 1
        return first, 0.98 if first == named[0] else 0.8
    if not has_head or not way:
        return len(way), 0.8
    while start < len(way) and fits[start].get("spine", 0.0) > 0.5 and "spine" not in figure.names[way[start]].words:
        start += 1
    if start == len(way) and at >= 1 and "spine" not in fits[at] and _arms_at_once(figure, way, at):
        return at, 0.5
    return start, 0.85 if any(fits) else 0.6


def _arms_at_once(figure: Figure, way: list[int], at: int) -> bool:
    """Whether the bone that the arms hang from is short: a neck that carries the collars."""
    whole = sum(figure.distance(one, other) for one, other in pairwise(way))
    kids = figure.children[way[at]]
    nearest = min((figure.distance(way[at], kid) for kid in kids), default=0.0)
    return at + 1 == len(way) and nearest < 0.06 * max(whole, 1e-9)


def _without_folds(figure: Figure, spine: list[int], pelvis: int, up: FloatArray) -> list[int]:
    """The spine without bones that lead back down and up again over another."""
    kept = list(spine)
    at = 0
    while at + 1 < len(kept):
        step = float((figure.heads[kept[at + 1]] - figure.heads[kept[at]]) @ up)
        if step < -0.02 * figure.size and pelvis >= 0 and len(kept) > 2:
            del kept[at : at + 2]
            at = max(0, at - 1)
        else:
            at += 1
    return kept
