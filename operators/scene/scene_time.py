"""Moments of the scene at which the model's frames fall, and where objects are then.

With *Time Stretching* (Output properties) Blender shows the keys of frame k at frame k * new / old of the timeline.
Frames here are those of keys; only what the animator says on the timeline (current frame, start, markers, pins) is in
its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    import numpy as np


def frames_of(seconds: float) -> int:
    """Frames of the model for a length in seconds. Raises InvalidRequest if it cannot make that many."""
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.generation.request import MAX_CHAINED_FRAMES
    from ...motionlcm_blender.motion.skeleton import FPS, MIN_FRAMES

    frames = round(seconds * FPS)
    if frames > MAX_CHAINED_FRAMES:
        raise InvalidRequest(
            f"{seconds:.1f} s is too long: {MAX_CHAINED_FRAMES / FPS:.0f} s at most are generated at once."
        )
    if frames < MIN_FRAMES:
        raise InvalidRequest(f"{seconds:.1f} s is too short: the model makes at least {MIN_FRAMES / FPS:.1f} s.")
    return frames


def scene_frames_each(scene: bpy.types.Scene) -> float:
    """Scene frames for each frame of the model (20 a second)."""
    from ...motionlcm_blender.motion.skeleton import FPS

    return float(scene.render.fps / scene.render.fps_base / FPS)


def stretch(scene: bpy.types.Scene) -> float:
    """Frames of the timeline for each frame of keys: 1 without time stretching."""
    return float(scene.render.frame_map_new / scene.render.frame_map_old)


def playhead(scene: bpy.types.Scene) -> int:
    """The frame of keys that the playhead is on."""
    return round(scene.frame_current / stretch(scene))


def make_room(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Let the scene's range hold these frames of keys."""
    scene.frame_start = min(scene.frame_start, math.floor(first * stretch(scene)))
    scene.frame_end = max(scene.frame_end, math.ceil(last * stretch(scene)))


def show_within(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Show what was written between two frames of keys: the playhead goes there if it is elsewhere."""
    low, high = math.floor(first * stretch(scene)), math.ceil(last * stretch(scene))
    scene.frame_set(scene.frame_current if low <= scene.frame_current <= high else low)


def moments(scene: bpy.types.Scene, frames: int, first_frame: float) -> np.ndarray:
    """(frames,) frames of keys, not whole, on which the model's frames fall if the first falls on `first_frame`."""
    import numpy as np

    return first_frame + np.arange(frames) * scene_frames_each(scene)


def may_move(obj: bpy.types.Object) -> bool:
    """Whether the object's place may depend on the frame."""
    pulled = obj.parent is not None or len(obj.constraints) > 0 or obj.rigid_body is not None
    return obj.animation_data is not None or pulled


def shown_at(context: bpy.types.Context, at: Iterable[float]) -> Iterator[float]:
    """Show the scene at each moment, frames of keys, in turn; afterwards, whatever happens, at the one shown before."""
    scene = context.scene
    shown, shown_part = scene.frame_current, scene.frame_subframe
    try:
        for moment in at:
            shows = float(moment) * stretch(scene)
            whole = math.floor(shows)
            scene.frame_set(whole, subframe=shows - whole)
            context.view_layer.update()
            yield moment
    finally:
        scene.frame_set(shown, subframe=shown_part)


def place_now(context: bpy.types.Context, obj: bpy.types.Object) -> np.ndarray:
    """(3,) where the object's origin is in the world as the scene is shown, constraints and parents applied."""
    import numpy as np

    evaluated = obj.evaluated_get(context.evaluated_depsgraph_get())
    return np.array(evaluated.matrix_world.translation, np.float64)


def places_at(context: bpy.types.Context, obj: bpy.types.Object, at: np.ndarray) -> np.ndarray:
    """(N, 3) where the object's origin is in the world at moments (N,); without stepping if it cannot move."""
    import numpy as np

    if not may_move(obj):
        return np.repeat(place_now(context, obj)[None], len(at), axis=0)
    return np.array([place_now(context, obj) for _ in shown_at(context, at)]).reshape(-1, 3)


def rate_of(scene: bpy.types.Scene) -> float:
    """Frames a second."""
    return float(scene.render.fps / scene.render.fps_base)
