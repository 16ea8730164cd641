"""Which side of the body each bone is on, by its name, by its place, and by what its mirror image is called."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from .figure import Figure
from .names import BoneName
from .pose import forward_of
from .shape import ShapeLimbs

SIDES = ("l", "r")
LIMB_PARTS = {"hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist"}
ASIDE = 0.01
"""Of the figure's size: bones nearer to the middle are on no side."""
MIRRORED = 0.015
"""Of the figure's size: how far a bone may lie from another's mirror image."""
MIRRORED_FIT = 0.8
"""How well a bone fits what its mirror image is called."""


def sides_by_name(figure: Figure) -> tuple[Figure, list[str]]:
    """Each bone's side by names; a bone whose name has no side gets the side opposite to its mirror image's.

    Args:
        figure: The bones.

    Returns:
        The figure, with the names that were taken over, and each bone's side: "l", "r" or "".
    """
    sides = [name.side for name in figure.names]
    found = _left_by_names(figure)
    if found is None:
        return figure, sides
    left, middle = found
    aside = (figure.heads - middle) @ left / figure.size
    names = list(figure.names)
    for bone, name in enumerate(names):
        if not name.side and name.parts.keys() & LIMB_PARTS and abs(aside[bone]) > ASIDE:
            sides[bone] = "l" if aside[bone] > 0.0 else "r"
    blank = [b for b, n in enumerate(names) if not n.parts and not n.kinds and abs(aside[b]) > ASIDE]
    named = [b for b, n in enumerate(names) if sides[b] and n.parts.keys() & LIMB_PARTS]
    if blank and named:
        images = figure.heads[blank] - 2.0 * figure.size * aside[blank, None] * left
        distances = np.linalg.norm(images[:, None] - figure.heads[named][None], axis=2) / figure.size
        for bone, row in zip(blank, distances, strict=True):
            near = [(float(row[at]), other) for at, other in enumerate(named) if row[at] < MIRRORED]
            near = [each for each in near if figure.depth[each[1]] == figure.depth[bone]]
            if near:
                sides[bone] = "r" if sides[min(near)[1]] == "l" else "l"
                names[bone] = _image(figure.names[min(near)[1]], sides[bone])
        figure = replace(figure, names=names)
    return figure, sides


def sides_by_shape(figure: Figure, shape: ShapeLimbs) -> tuple[list[str], bool]:
    """Each bone's side by its place, left and right by where feet, knees and elbows point; whether that is sure."""
    hips, shoulders = [leg[0] for leg in shape.legs], [arm[0] for arm in shape.arms]
    low, high = figure.heads[hips].mean(axis=0), figure.heads[shoulders].mean(axis=0)
    up = (high - low) / max(float(np.linalg.norm(high - low)), 1e-12)
    forward, sure = forward_of(figure, up, shape.leg_ways, shape.legs, shape.arms)
    left = figure.heads[shoulders[0]] - figure.heads[shoulders[1]]
    if left @ np.cross(up, forward) < 0.0:
        left = -left
    length = float(np.linalg.norm(left))
    if length == 0.0:
        return [""] * len(figure.names), False
    aside = (figure.heads - low) @ (left / length) / figure.size
    return ["l" if each > ASIDE else "r" if each < -ASIDE else "" for each in aside], sure


def _image(name: BoneName, side: str) -> BoneName:
    parts = {part: MIRRORED_FIT * fit for part, fit in name.parts.items()}
    return BoneName(side, parts, name.kinds, name.words, name.numbers)


def _left_by_names(figure: Figure) -> tuple[FloatArray, FloatArray] | None:
    """The figure's left, of unit length, and its middle, from limb bones called alike on both sides."""
    places: dict[tuple[object, ...], dict[str, list[int]]] = defaultdict(lambda: {"l": [], "r": []})
    for bone, name in enumerate(figure.names):
        if name.side and name.parts.keys() & LIMB_PARTS:
            places[name.words, name.numbers][name.side].append(bone)
    pairs = [(each["l"][0], each["r"][0]) for each in places.values() if len(each["l"]) == len(each["r"]) == 1]
    if not pairs:
        ends = [[bone for each in places.values() for bone in each[side]] for side in SIDES]
        if not all(ends):
            return None
        one, other = (figure.heads[bones].mean(axis=0, keepdims=True) for bones in ends)
    else:
        one, other = (figure.heads[[pair[at] for pair in pairs]] for at in range(2))
    left = (one - other).sum(axis=0)
    length = float(np.linalg.norm(left))
    return (left / length, ((one + other) / 2.0).mean(axis=0)) if length > 0.0 else None
