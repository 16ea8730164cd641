"""Scene times of the model's frames, and places of objects at these times.

With *Time Stretching* (Output properties) Blender shows the keys of frame k at frame k * new / old of the timeline.
Frames in this module are frames of keys; only the animator's timeline values (current frame, start, markers, pins) are
timeline frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import bpy

from .evaluation import evaluated_object

if TYPE_CHECKING:
    import numpy as np

FURTHEST = 1_048_574
"""Blender's last frame, and with a minus sign its first one (MAXFRAME in its source)."""


def frames_of(seconds: float) -> int:
    """Model frames for a length in seconds. Raises InvalidRequest if the model cannot generate this number."""
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
    """Scene frames per model frame (20 per second)."""
    from ...motionlcm_blender.motion.skeleton import FPS

    return float(scene.render.fps / scene.render.fps_base / FPS)


def stretch(scene: bpy.types.Scene) -> float:
    """Timeline frames per frame of keys: 1 without time stretching."""
    return float(scene.render.frame_map_new / scene.render.frame_map_old)


def playhead(scene: bpy.types.Scene) -> int:
    """The frame of keys at the playhead."""
    return round(scene.frame_current / stretch(scene))


def start_of_motion(scene: bpy.types.Scene, start: str) -> int:
    """The first frame of keys that is shown at or after the start that the panel names: CURRENT_FRAME, or the scene's
    first frame."""
    shown = scene.frame_current if start == "CURRENT_FRAME" else scene.frame_start
    return math.ceil(shown / stretch(scene) - 1e-6)


def check_range(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Raises InvalidRequest if frames of keys are beyond the frames of Blender's timeline."""
    from ...motionlcm_blender.errors import InvalidRequest

    low, high = (round(frame * stretch(scene)) for frame in (first, last))
    if low < -FURTHEST or high > FURTHEST:
        raise InvalidRequest(
            f"The motion would be on frames {low} to {high}: Blender's timeline ends on frame {FURTHEST} "
            f"and begins on frame {-FURTHEST}."
        )


def make_room(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Extend the scene's frame range to these frames of keys."""
    scene.frame_start = min(scene.frame_start, math.floor(first * stretch(scene)))
    scene.frame_end = max(scene.frame_end, math.ceil(last * stretch(scene)))


def show_within(scene: bpy.types.Scene, first: float, last: float) -> None:
    """Move the playhead into a written range, two frames of keys, if it is outside."""
    low, high = math.floor(first * stretch(scene)), math.ceil(last * stretch(scene))
    scene.frame_set(scene.frame_current if low <= scene.frame_current <= high else low)


def moments(scene: bpy.types.Scene, frames: int, first_frame: float) -> np.ndarray:
    """(frames,) fractional frames of keys of the model's frames, if the first model frame is at `first_frame`."""
    import numpy as np

    return first_frame + np.arange(frames) * scene_frames_each(scene)


def may_move(obj: bpy.types.Object) -> bool:
    """Whether the object's place may depend on the frame."""
    pulled = obj.parent is not None or len(obj.constraints) > 0 or obj.rigid_body is not None
    return obj.animation_data is not None or pulled


def may_change(obj: bpy.types.Object) -> bool:
    """Whether the object's place or shape may depend on the frame."""
    data = obj.data
    keyed = data is not None and (data.animation_data is not None or getattr(data, "shape_keys", None) is not None)
    return keyed or may_move(obj) or len(obj.modifiers) > 0


def shown_at(context: bpy.types.Context, at: Iterable[float]) -> Iterator[float]:
    """Step the scene through the moments, frames of keys. At the end the previous frame is restored, also after an
    exception."""
    scene = context.scene
    shown, shown_part = scene.frame_current, scene.frame_subframe
    try:
        for moment in at:
            _show(scene, moment)
            context.view_layer.update()
            yield moment
    finally:
        scene.frame_set(shown, subframe=shown_part)


@contextmanager
def at_frame(scene: bpy.types.Scene, frame: float, needed: bool = True) -> Iterator[None]:
    """Show a frame of keys for a while, also if it is the current frame: values without a key may differ from it.

    needed: whether the values to read depend on the frame.
    """
    shown, shown_part = scene.frame_current, scene.frame_subframe
    if not needed:
        yield
        return
    try:
        _show(scene, frame)
        yield
    finally:
        scene.frame_set(shown, subframe=shown_part)


def _show(scene: bpy.types.Scene, frame: float) -> None:
    shows = float(frame) * stretch(scene)
    whole = math.floor(shows)
    scene.frame_set(whole, subframe=shows - whole)


def place_now(context: bpy.types.Context, obj: bpy.types.Object) -> np.ndarray:
    """(3,) world location of the object's origin in the current scene state, constraints and parents applied.

    Raises InvalidRequest if Blender does not evaluate the object.
    """
    import numpy as np

    return np.array(evaluated_object(context, obj).matrix_world.translation, np.float64)


def places_at(context: bpy.types.Context, obj: bpy.types.Object, at: np.ndarray) -> np.ndarray:
    """(N, 3) world locations of the object's origin at moments (N,); without stepping if the object cannot move.

    Raises InvalidRequest if Blender does not evaluate the object.
    """
    import numpy as np

    if not may_move(obj) or len(at) == 0:
        return np.repeat(place_now(context, obj)[None], len(at), axis=0)
    simulated = _frames_to_simulate(context.scene, obj, float(np.max(at)))
    moments_to_show = (*simulated, *(float(moment) for moment in at))
    found = [place_now(context, obj) for _ in shown_at(context, moments_to_show)]
    return np.array(found[len(simulated) :]).reshape(-1, 3)


def _frames_to_simulate(scene: bpy.types.Scene, obj: bpy.types.Object, last: float) -> tuple[float, ...]:
    """Frames of keys to show in order before the object can be read: Blender calculates rigid bodies frame by frame
    from the start of their cache, and has no values between two frames before."""
    world = scene.rigidbody_world
    if world is None or not world.enabled or world.point_cache.is_baked or not _is_simulated(obj):
        return ()
    end = min(math.ceil(last * stretch(scene)), world.point_cache.frame_end)
    return tuple(frame / stretch(scene) for frame in range(world.point_cache.frame_start, end + 1))


def _is_simulated(obj: bpy.types.Object, depth: int = 8) -> bool:
    """Whether a rigid body moves the object, directly or as a parent or a target of constraints."""
    if obj.rigid_body is not None or depth == 0:
        return obj.rigid_body is not None
    above = [obj.parent, *(getattr(constraint, "target", None) for constraint in obj.constraints)]
    return any(_is_simulated(each, depth - 1) for each in above if each is not None)


def rate_of(scene: bpy.types.Scene) -> float:
    """Frames per second."""
    return float(scene.render.fps / scene.render.fps_base)
