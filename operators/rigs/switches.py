"""Set the switches that make the keyed controls of a rig active (FK instead of IK), and restore them.

A switch is a custom property of a bone, or the influence of a constraint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np

from ...motionlcm_blender.rigs.description import FkSwitch
from ..armature.actions import Channel, bone_path


def set_switches(obj: bpy.types.Object, switches: Sequence[FkSwitch]) -> dict[str, tuple[float, float]]:
    """Set all switches of a rig.

    Returns:
        RNA path of each switch -> value before and value now. A switch that the rig does not have is left out.
    """
    report: dict[str, tuple[float, float]] = {}
    for switch in switches:
        for path, owner, name in _owners(obj, switch):
            before = _read(owner, name)
            _write(owner, name, switch.value)
            report[path] = (before, _read(owner, name))
    obj.update_tag(refresh={"OBJECT", "DATA"})
    return report


def put_back(obj: bpy.types.Object, report: Mapping[str, Sequence[float]]) -> list[str]:
    """Give switches the values from before `set_switches`; returns the paths that are no longer there."""
    missing = []
    for path, (before, _) in report.items():
        owner, name = _owner_of(obj, path)
        if owner is None:
            missing.append(path)
            continue
        _write(owner, name, before)
    obj.update_tag(refresh={"OBJECT", "DATA"})
    return missing


def switch_channels(report: Mapping[str, Sequence[float]]) -> list[Channel]:
    """One key on the first frame for each switch, so that it keeps its value during the motion."""
    return [Channel(path, np.array([[value]]), _bone_of(path)) for path, (_, value) in report.items()]


def influence_path(bone: str, constraint: str) -> str:
    """RNA path of a constraint's influence."""
    return f'{bone_path(bone)}constraints["{bpy.utils.escape_identifier(constraint)}"].influence'


def _owners(obj: bpy.types.Object, switch: FkSwitch) -> list[tuple[str, Any, str]]:
    """RNA path, owner and name of what a switch sets; the name of a custom property is in brackets."""
    bone = obj.pose.bones.get(switch.bone)
    if bone is None:
        return []
    prefix = bone_path(switch.bone).removesuffix(".")
    if switch.prop:
        if switch.prop not in bone:
            return []
        name = f'["{bpy.utils.escape_identifier(switch.prop)}"]'
        return [(prefix + name, bone, switch.prop)]
    chosen = [one for one in bone.constraints if switch.constraint in ("*", one.name)]
    return [(influence_path(bone.name, one.name), one, "influence") for one in chosen]


def _owner_of(obj: bpy.types.Object, path: str) -> tuple[Any, str]:
    for bone in obj.pose.bones:
        prefix = bone_path(bone.name).removesuffix(".")
        if not path.startswith(prefix):
            continue
        for name in bone.keys():  # noqa: SIM118  not iterable
            if path == f'{prefix}["{bpy.utils.escape_identifier(name)}"]':
                return bone, name
        for one in bone.constraints:
            if path == influence_path(bone.name, one.name):
                return one, "influence"
    return None, ""


def _read(owner: Any, name: str) -> float:
    return float(owner.influence if isinstance(owner, bpy.types.Constraint) else owner[name])


def _write(owner: Any, name: str, value: float) -> None:
    if isinstance(owner, bpy.types.Constraint):
        owner.influence = value
    else:
        owner[name] = type(owner[name])(value)


def _bone_of(path: str) -> str:
    """The name of the bone in an RNA path, as the group of its curves."""
    inside = path.removeprefix('pose.bones["')
    end = 0
    while end < len(inside) and inside[end] != '"':
        end += 2 if inside[end] == "\\" else 1
    return bpy.utils.unescape_identifier(inside[:end])
