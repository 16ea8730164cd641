"""Rigs with a known right answer, and what of an answer is right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from motionlcm_blender.motion.skeleton import JOINTS
from motionlcm_blender.rigs.description import RigDescription, read_rig_json

FOLDER = Path(__file__).parent / "data" / "rigs"
RIGS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
HUMANOIDS = tuple(name for name in RIGS if not name.startswith("not_humanoid"))


@cache
def answer(name: str) -> dict[str, Any]:
    """The file of a rig, with the right mapping."""
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@cache
def rig(name: str) -> RigDescription:
    """The rig as recognition gets it."""
    return read_rig_json(FOLDER / f"{name}.json")


def renamed(description: RigDescription, names: Mapping[str, str]) -> RigDescription:
    """The rig with other bone names."""
    bones = [
        replace(
            bone,
            name=names[bone.name],
            constraints=tuple(
                replace(
                    each,
                    target=names.get(each.target, each.target),
                    targets=tuple(names.get(target, target) for target in each.targets),
                )
                for each in bone.constraints
            ),
        )
        for bone in description.bones
    ]
    return replace(description, bones=tuple(bones))


def wrong_joints(name: str, joints: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Joints whose bones are neither the right ones nor among the alternatives.

    Every sharing of the spine's bones among spine1 to spine3 is right that keeps their order and gives the topmost to
    spine3.
    """
    right = answer(name)
    spine = joints["spine1"] + joints["spine2"] + joints["spine3"]
    shared = spine == tuple(right["spine_chain"]) and joints["spine3"][-1:] == spine[-1:]
    wrong = []
    for joint in JOINTS:
        also = right.get("alternatives", {}).get(joint, [])
        good = [_bones(right["mapping"][joint]), *map(tuple, also)]
        if joints[joint] not in good and not (joint.startswith("spine") and shared):
            wrong.append(joint)
    return wrong


def _bones(entry: str | list[str] | None) -> tuple[str, ...]:
    return () if entry is None else (entry,) if isinstance(entry, str) else tuple(entry)
