"""The tree of an armature's bones in the world, with the values that recognition reads repeatedly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from .description import RigBone, RigDescription
from .names import BoneName, read_names

FULL_COPIES = {"COPY_TRANSFORMS", "COPY_ROTATION", "IK", "STRETCH_TO", "DAMPED_TRACK"}
"""Constraints that hold a bone's rotation: keys on it do not show."""
FEW_CONTROLS = 8
"""A rig with fewer controls than this is one of deforming bones alone."""
CLOSE = 1e-3
"""Of the figure's size: bones closer than this are at one place."""


@dataclass(frozen=True, eq=False)
class Figure:
    """The bones as a tree in the world.

    Attributes:
        bones: As described.
        names: Meanings of their names.
        axes: (3, 3) float64, the armature's axes in the world as columns of unit length.
        heads: (n, 3) float64, world.
        tails: The same of the bones' ends.
        places: The same as tuples.
        parent: Parent's index, -1 for none.
        children: Indices of the children.
        first, last: Descendants of bone b have `first[b] < first[other] <= last[b]`.
        depth: 0 for bones without a parent.
        reach: (n,) length of the longest way from the bone's head to a leaf's head.
        size: Greatest extent of the figure along an axis.
        control_rig: Whether bones for keys lie beside the deforming ones.
        role: (n,) how well a bone serves for keys: 0 in rigs without controls.
    """

    bones: tuple[RigBone, ...]
    names: list[BoneName]
    axes: FloatArray
    heads: FloatArray
    tails: FloatArray
    places: list[tuple[float, float, float]]
    parent: list[int]
    children: list[list[int]]
    first: FloatArray
    last: FloatArray
    depth: list[int]
    reach: list[float]
    size: float
    control_rig: bool
    role: FloatArray

    def is_below(self, bone: int, above: int) -> bool:
        """Whether a bone descends from another."""
        return bool(self.first[above] < self.first[bone] <= self.last[above])

    def ancestors(self, bone: int) -> list[int]:
        """Parents, nearest first."""
        found = []
        while (bone := self.parent[bone]) >= 0:
            found.append(bone)
        return found

    def common(self, bones: Sequence[int]) -> int:
        """The lowest bone that is, or is above, each of some bones; -1 for none."""
        above = bones[0]
        while above >= 0 and not all(each == above or self.is_below(each, above) for each in bones):
            above = self.parent[above]
        return above

    def way(self, above: int, below: int) -> list[int]:
        """Bones between two of which one is above the other (-1: the world), downwards, both left out."""
        found = []
        for bone in self.ancestors(below):
            if bone == above:
                break
            found.append(bone)
        return found[::-1]

    def distance(self, one: int, other: int) -> float:
        """Between the heads of two bones, world."""
        return math.dist(self.places[one], self.places[other])


def figure_of(rig: RigDescription) -> Figure:
    """The tree of an armature's bones in the world."""
    count = len(rig.bones)
    heads, tails = (
        np.array([getattr(bone, end) for bone in rig.bones]).reshape(-1, 3) @ rig.world[:3, :3].T + rig.world[:3, 3]
        for end in ("head", "tail")
    )
    parent = [bone.parent for bone in rig.bones]
    children: list[list[int]] = [[] for _ in range(count)]
    roots: list[int] = []
    for index, above in enumerate(parent):
        (children[above] if above >= 0 else roots).append(index)
    first, last, depth = _order(roots, children)
    lengths = np.linalg.norm(heads - heads[[max(above, 0) for above in parent]], axis=1).tolist()
    reach = [0.0] * count
    for index in range(count - 1, -1, -1):
        if parent[index] >= 0:
            reach[parent[index]] = max(reach[parent[index]], reach[index] + lengths[index])
    names = read_names([bone.name for bone in rig.bones])
    control_rig = _has_controls(rig.bones, names)
    role = _roles(rig.bones, names) if control_rig else np.zeros(count)
    return Figure(
        bones=rig.bones,
        names=names,
        axes=rig.world[:3, :3] / np.maximum(np.linalg.norm(rig.world[:3, :3], axis=0), 1e-30),
        heads=heads,
        tails=tails,
        places=[(x, y, z) for x, y, z in heads.tolist()],
        parent=parent,
        children=children,
        first=first,
        last=last,
        depth=depth,
        reach=reach,
        size=_size(heads, names),
        control_rig=control_rig,
        role=role,
    )


def _order(roots: list[int], children: list[list[int]]) -> tuple[FloatArray, FloatArray, list[int]]:
    first = np.zeros(len(children))
    last = np.zeros(len(children))
    depth = [0] * len(children)
    clock = 0
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        bone, done = stack.pop()
        if done:
            last[bone] = clock
            continue
        clock += 1
        first[bone] = clock
        stack.append((bone, True))
        for child in reversed(children[bone]):
            depth[child] = depth[bone] + 1
            stack.append((child, False))
    return first, last, depth


def _size(heads: FloatArray, names: list[BoneName]) -> float:
    body = [not each.kinds & {"ik", "mechanism"} for each in names]
    kept = heads[body] if sum(body) > 4 else heads
    extent = float(np.max(np.ptp(kept, axis=0))) if len(kept) else 0.0
    return extent if extent > 0.0 else 1.0


def _has_controls(bones: Sequence[RigBone], names: list[BoneName]) -> bool:
    forward = sum("fk" in each.kinds for each in names)
    inverse = sum("ik" in each.kinds for each in names)
    shaped = sum(bone.custom_shape and not bone.deform for bone in bones)
    deforming = sum(bone.deform for bone in bones)
    fewer = deforming < 0.9 * len(bones)
    return (forward >= FEW_CONTROLS and inverse >= 2) or (shaped >= 2 * FEW_CONTROLS and fewer and inverse >= 2)


def _roles(bones: Sequence[RigBone], names: list[BoneName]) -> FloatArray:
    """How well each bone of a control rig serves for keys, about -2 to 1."""
    role = np.zeros(len(bones))
    for index, (bone, name) in enumerate(zip(bones, names, strict=True)):
        score = 0.9 * ("fk" in name.kinds)
        score += 0.45 * bone.custom_shape - 0.5 * bone.hidden
        score -= 0.5 * bone.deform + 0.6 * ("deform" in name.kinds)
        score -= 1.0 * bool(name.kinds & {"mechanism", "tweak", "ik"})
        score -= 0.6 * all(bone.locked_rotation)
        held = any(each.type in FULL_COPIES and each.influence > 0.5 and each.target for each in bone.constraints)
        role[index] = score - (0.2 if "fk" in name.kinds else 0.7) * held
    return role
