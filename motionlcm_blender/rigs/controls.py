"""Trunk, collars and toes of control rigs, by names, kinds and positions of bones: parents do not follow the body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..array_types import FloatArray
from .figure import Figure
from .trunk import Trunk

NEARLY = 0.35
"""Bones whose score is this close to the best belong to one set of controls."""


def control_score(figure: Figure, bone: int, part: str) -> float:
    """How well a bone serves as the control of a part of the body; names that do not fit at all are below zero."""
    fit = figure.names[bone].parts.get(part, 0.0)
    return 2.0 * fit + float(figure.role[bone]) if fit > 0.08 else -10.0


def control_trunk(figure: Figure, hips: Sequence[int], shoulders: Sequence[int]) -> Trunk:
    """Pelvis to head of a control rig.

    Args:
        figure: The bones.
        hips: The two controls of the thighs.
        shoulders: The two controls of the upper arms.
    """
    low = figure.heads[list(hips)].mean(axis=0)
    up = figure.heads[list(shoulders)].mean(axis=0) - low
    trunk_length = float(np.linalg.norm(up))
    up = up / max(trunk_length, 1e-12)
    sure = {"pelvis": 0.7, "spine": 0.7, "neck": 0.8, "head": 0.9}
    head = _set_of(figure, "head")[:1]
    neck = [bone for bone in _set_of(figure, "neck") if bone not in head]
    neck.sort(key=lambda bone: float(figure.heads[bone] @ up))
    above_hips = [bone for bone in _set_of(figure, "spine") if (figure.heads[bone] - low) @ up > 0.02 * trunk_length]
    spine = _spine(figure, above_hips, neck + head, up)
    pelvis = _carrier(figure, spine, low, up, trunk_length)
    if not pelvis:
        pelvis, sure["pelvis"] = tuple(_set_of(figure, "pelvis")[:1]), 0.5
    if not spine:
        sure["spine"] = 0.4
    return Trunk(pelvis, tuple(spine), tuple(neck), tuple(head), sure)


def best_control(figure: Figure, part: str, side: str, sides: Sequence[str], beside: int, reach: float) -> int:
    """The control of a sided part that lies near another bone, -1 for none."""
    near = figure.heads[beside]
    found = [
        (control_score(figure, bone, part) - float(np.linalg.norm(figure.heads[bone] - near)) / reach, -bone)
        for bone in range(len(figure.names))
        if sides[bone] == side and bone != beside
    ]
    score, bone = max(found, default=(-10.0, 0))
    return -bone if score > 0.3 else -1


def _set_of(figure: Figure, part: str) -> list[int]:
    """Controls of a part in the middle whose score is the best or nearly so, best first."""
    scored = [(control_score(figure, bone, part), -bone) for bone, name in enumerate(figure.names) if not name.side]
    best = max(scored, default=(-10.0, 0))[0]
    return [-bone for score, bone in sorted(scored, reverse=True) if score > max(best - NEARLY, 0.3)]


def _spine(figure: Figure, bones: list[int], higher: list[int], up: FloatArray) -> list[int]:
    """The topmost control below neck and head, and those of the others that it hangs from."""
    limit = min((float(figure.heads[bone] @ up) for bone in higher), default=np.inf)
    below = [bone for bone in bones if float(figure.heads[bone] @ up) < limit - 1e-6 * figure.size]
    if not below:
        return []
    top = max(below, key=lambda bone: (round(float(figure.heads[bone] @ up) / figure.size, 4), figure.depth[bone]))
    above = [bone for bone in figure.ancestors(top) if bone in below][::-1]
    return [*(above or [bone for bone in sorted(below, key=lambda b: float(figure.heads[b] @ up)) if bone != top]), top]


def _carrier(figure: Figure, spine: list[int], low: FloatArray, up: FloatArray, length: float) -> tuple[int, ...]:
    """The nearest control above the spine that is not on the floor."""
    for bone in figure.ancestors(spine[0]) if spine else ():
        free = figure.role[bone] > -0.15 and not all(figure.bones[bone].locked_rotation)
        if free and (figure.heads[bone] - low) @ up > -0.6 * length:
            return (bone,)
    return ()
