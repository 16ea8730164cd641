"""Places of an object on many frames from its F-curves, without showing these frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .dependencies import OBJECT_TRANSFORMS, animated_paths, curves_played, may_be_moved, playing_strips

if TYPE_CHECKING:
    import numpy as np


def places_from_curves(obj: bpy.types.Object, at: np.ndarray) -> np.ndarray | None:
    """(N, 3) world locations of the object's origin on frames of keys (N,).

    None if more than the F-curves of its own location decides them: moving parents, constraints, drivers, the NLA,
    physics.
    """
    import numpy as np

    data, parent = obj.animation_data, obj.parent
    if obj.rigid_body is not None or any(not each.mute for each in obj.constraints):
        return None
    if parent is not None and (obj.parent_type not in ("OBJECT", "ARMATURE") or may_be_moved(parent)):
        return None
    driven = {curve.data_path for curve in data.drivers} if data is not None else set()
    if driven & set(OBJECT_TRANSFORMS) or any(True for _ in playing_strips(data)):
        return None
    if any(path.startswith("delta_") for path in animated_paths(obj)):
        return None
    places = np.repeat(np.array(obj.location, np.float64)[None], len(at), axis=0)
    for curve in curves_played(data) if data is not None else ():
        if curve.data_path == "location":
            places[:, curve.array_index] = [curve.evaluate(float(frame)) for frame in at]
    places += np.array(obj.delta_location, np.float64)
    if parent is None:
        return places
    matrix = np.array(parent.matrix_world @ obj.matrix_parent_inverse, np.float64)
    placed: np.ndarray = places @ matrix[:3, :3].T + matrix[:3, 3]
    return placed
