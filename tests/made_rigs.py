"""Humanoid rigs made from lists of names: one line a bone, `name < parent @ place`, in the order of an outliner.

Places are SMPL's joints, a point between two of them (`l_hip:l_knee:0.5`), or a joint and a shift (`head+0,0,0.2`).
Lines with `{s}` are made twice, once for each side. The positions are this project's own: an A-pose of the skeleton
that everything else is tested on, in Blender's axes (Z up, facing -Y, its left is +X).
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from motionlcm_blender.motion.skeleton import HUMANML, JOINTS, PARENTS
from motionlcm_blender.rigs.description import RigBone, RigDescription, rest_axes


@cache
def made_rigs() -> dict[str, dict[str, Any]]:
    """Name -> sides, bones, the right answer, and where it is known only by its family's file, `by_family`."""
    found: dict[str, dict[str, Any]] = {}
    for file in ("made_rigs.json", "more_made_rigs.json"):
        found |= json.loads((Path(__file__).parent / "data" / file).read_text(encoding="utf-8"))
    return found


def rig_of_names(name: str) -> RigDescription:
    """One of the rigs in made_rigs.json; where `deforming` is a word, bones without it are controls with a shape."""
    one = made_rigs()[name]
    made = made_rig(
        name, "\n".join(one["bones"]), tuple(one["sides"]), one.get("arms_below", 40.0), one.get("turn", 0.0)
    )
    if not (word := one.get("deforming")):
        return made
    bones = [replace(bone, deform=word in bone.name, custom_shape=word not in bone.name) for bone in made.bones]
    return replace(made, bones=tuple(bones))


def joint_places(arms_below: float = 40.0, height: float = 0.95) -> dict[str, np.ndarray]:
    """Joint -> (3,), metres, Z up, facing -Y; arms the given degrees below level."""
    places: dict[str, np.ndarray] = {}
    turn = np.radians(arms_below)
    for at, name in enumerate(JOINTS):
        outwards = 1.0 if name.startswith("l_") else -1.0
        x, y, z = HUMANML.offsets[at]
        if name[2:] in ("elbow", "wrist"):
            x, y = x * np.cos(turn), y - abs(x) * np.sin(turn)
        above = places[JOINTS[PARENTS[at]]] if PARENTS[at] >= 0 else np.array([0.0, 0.0, height])
        places[name] = above + np.array([x, -z, y])
        if name[2:] == "wrist":
            reach = np.array([np.cos(turn) * outwards, 0.0, -np.sin(turn)])
            for number, finger in enumerate(("thumb", "index", "middle", "ring", "pinky")):
                base = places[name] + reach * (0.03 if finger == "thumb" else 0.09)
                base = base + np.array([0.0, -0.03 + 0.018 * number, 0.0])
                for step in range(4):
                    places[f"{name[:2]}{finger}{step + 1}"] = base + reach * 0.025 * step
    return places


def _place(text: str, places: dict[str, np.ndarray]) -> np.ndarray:
    name, _, shift = text.partition("+")
    if ":" in name:
        one, other, part = name.split(":")
        found = places[one] * (1.0 - float(part)) + places[other] * float(part)
    else:
        found = places[name]
    return found + np.array([float(each) for each in shift.split(",")]) if shift else found


def made_rig(
    name: str, lines: str, sides: tuple[str, str], arms_below: float = 40.0, turn: float = 0.0
) -> RigDescription:
    """A rig from lines `name < parent @ place`.

    Args:
        name: Of the armature.
        lines: The bones; `{s}` is the side, in names and places.
        sides: What `{s}` is in names, left and right.
        arms_below: Degrees of the arms below level.
        turn: Degrees by which the object is turned about Z.
    """
    places = joint_places(arms_below)
    made: list[tuple[str, str, np.ndarray]] = []
    pending = [line.strip() for line in lines.strip().splitlines() if line.strip()]
    for line in pending:
        for side, word in zip("lr", sides, strict=True) if "{s}" in line else (("", ""),):
            bone, _, rest = line.partition(" @ ")
            own, _, parent = bone.partition("<")
            where = rest.replace("{s}", side)
            if side == "r" and "+" in where:
                at, _, shift = where.partition("+")
                x, y, z = shift.split(",")
                where = f"{at}+{-float(x)},{y},{z}"
            made.append((own.strip().replace("{s}", word), parent.strip().replace("{s}", word), _place(where, places)))
    index: dict[str, int] = {}
    bones = []
    for bone, parent, head in made:
        tail = head + np.array([0.0, 0.0, 0.05])
        index[bone] = len(bones)
        bones.append(RigBone(bone, index[parent] if parent else -1, head, tail, rest_axes(tail - head, 0.0)))
    world = np.eye(4)
    angle = np.radians(turn)
    world[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return RigDescription(name, tuple(bones), world)
