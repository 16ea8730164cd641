"""The direction to face, in the motion's coordinate frame."""

from __future__ import annotations

import bpy
import numpy as np

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion.world_transform import Placement
from ..scene.evaluation import is_in_scene
from ..scene.scene_time import moments, places_at
from .trajectory import on_floor


def facing_of(
    context: bpy.types.Context,
    path_xz: np.ndarray | None,
    frames: int,
    first_frame: int,
    placement: Placement,
    units_per_metre: float,
) -> np.ndarray | None:
    """(frames,) radians in the motion's coordinate frame: the facing of the scene's settings; None: along the motion.

    For an object, the direction starts at the path or, without a path, at the start place. Raises InvalidRequest if no
    object is chosen.
    """
    scene, chosen = context.scene, context.scene.motionlcm
    if chosen.facing == "WAY":
        return None
    if chosen.facing == "FIXED":
        return np.full(frames, chosen.facing_angle - placement.heading)
    target = chosen.facing_object
    if target is None or not is_in_scene(scene, target):
        raise InvalidRequest("Facing needs an object of this scene: choose one as the target.")
    at = moments(scene, frames, first_frame)
    places = on_floor(places_at(context, target, at), units_per_metre)
    own = np.broadcast_to(placement.origin[[0, 2]], (frames, 2)) if path_xz is None else path_xz
    away = places - own
    near = np.linalg.norm(away, axis=-1) < 0.05  # above the object there is no direction: keep the previous one
    angle = np.arctan2(away[:, 0], away[:, 1])
    if near.all():
        return None
    last_seen = np.maximum.accumulate(np.where(near, int(np.argmin(near)), np.arange(frames)))
    return np.unwrap(angle[last_seen]) - placement.heading
