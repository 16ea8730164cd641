"""What is stored on an armature about its mapping: what was recognised, and what the animator chose."""

from __future__ import annotations

import json
from functools import lru_cache

import bpy

from ..armature import take_properties

UNSURE = 0.5
"""Confidence below which a joint is shown as unsure."""

Joints = dict[str, tuple[float, tuple[str, ...]]]
"""Joint -> confidence and bones."""


@lru_cache(maxsize=16)
def _joints_in(text: str) -> Joints:
    try:
        return {str(joint): (float(sure), tuple(map(str, bones))) for joint, (sure, *bones) in json.loads(text).items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def joints_of(obj: bpy.types.Object) -> Joints:
    """What was recognised or chosen for each joint of an armature; empty before it was looked at."""
    return _joints_in(take_properties.RIG_JOINTS.read(obj))


def chosen_of(obj: bpy.types.Object) -> dict[str, tuple[str, ...]]:
    """The bones that the animator chose, by joints."""
    try:
        stored = json.loads(take_properties.RIG_CHOSEN.read(obj) or "{}")
        return {str(joint): tuple(map(str, bones)) for joint, bones in stored.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def store_joints(obj: bpy.types.Object, joints: Joints) -> None:
    """Store what was recognised, for the panel."""
    text = json.dumps({joint: [round(sure, 3), *bones] for joint, (sure, bones) in joints.items()})
    if take_properties.RIG_JOINTS.read(obj) != text:
        take_properties.RIG_JOINTS.write(obj, text)


def has_mapping(obj: bpy.types.Object | None) -> bool:
    """Whether an armature has a mapping that can be corrected: any that is no character by SMPL's bone names."""
    if obj is None or obj.type != "ARMATURE":
        return False
    return take_properties.RIG_JOINTS.is_on(obj)
