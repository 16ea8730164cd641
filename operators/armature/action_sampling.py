"""Evaluate the curves of an Action at given frames, without stepping the scene."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Euler, Quaternion

from ...motionlcm_blender.motion import rotations
from .actions import holder_of

Curves = dict[tuple[str, int], bpy.types.FCurve]
"""F-curves by data path and index, without muted ones."""
UNTURNED = {"rotation_quaternion": (1.0, 0.0, 0.0, 0.0), "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0)}


def curves_in(action: bpy.types.Action, obj: bpy.types.Object | None = None) -> Curves:
    """The F-curves of one of our Actions, or of any Action for this object."""
    holder = holder_of(action, obj)
    return {} if holder is None else {(c.data_path, c.array_index): c for c in holder.fcurves if not c.mute}


def values(curves: Curves, path: str, unset: Sequence[float], at: np.ndarray) -> np.ndarray:
    """(N, C) values of a property on frames of keys at (N,). unset: (C,) the value where there is no curve."""
    moments = at.tolist()
    columns = np.empty((len(unset), len(at)))
    for index, value in enumerate(unset):
        curve = curves.get((path, index))
        columns[index] = value if curve is None else list(map(curve.evaluate, moments))
    return columns.T


def turns(curves: Curves, prefix: str, mode: str, at: np.ndarray, unset: bpy.types.Object | None = None) -> np.ndarray:
    """(N, 4) unit quaternions, w first, of a rotation channel. prefix: of its RNA path; unset: the owner whose rotation
    replaces missing curves; None: the identity."""
    name = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")
    still = UNTURNED.get(name, (0.0, 0.0, 0.0)) if unset is None else getattr(unset, name)
    rows = values(curves, prefix + name, still, at)
    if mode == "AXIS_ANGLE":
        rows = np.array([Quaternion(row[1:], row[0]) for row in rows])
    elif mode != "QUATERNION":
        rows = np.array([Euler(row, mode).to_quaternion() for row in rows])
    return rotations.normalise(rows)
