"""Replay of recipes: the motion as it is written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..motion.motion import Motion
from ..motion.skeleton import FPS, JOINT_COUNT, SMPL

if TYPE_CHECKING:
    from ..export.motion_files import Shot
from .recipe import Recipe


def shot_of(motion: Motion, recipe: Recipe, fps: float) -> Shot:
    """Make the shot of a motion generated from a recipe: placed, on its ground, from its seam on, looped.

    On the engine's own skeleton, with the travel in the hips.

    Args:
        motion: The motion.
        recipe: Its recipe.
        fps: Frame rate of the file.

    Returns:
        The shot.

    Raises:
        InvalidRequest: The frame rate is not possible.
    """
    from ..export.clip_output import on_ground, on_skeleton, written_part
    from ..export.motion_files import Shot, check_fps
    from ..motion.loops import looped
    from ..motion.retarget import forward_kinematics
    from ..motion.world_transform import place_clip
    from ..postprocess.foot_lock import FootLock
    from ..postprocess.loop_feet import hold_loop_feet

    check_fps(fps)
    if recipe.ground is not None:
        motion = on_ground(motion, recipe.placement, recipe.ground)
    clip = place_clip(on_skeleton(motion, SMPL, recipe.path_xz is not None), recipe.placement)
    frames = frames_at(recipe, fps)
    clip = written_part(clip, fps, recipe.seam, frames, recipe.landing)
    if recipe.loop:
        clip = looped(clip)
        if recipe.ground is None and recipe.request.feet is not FootLock.OFF:
            clip = hold_loop_feet(clip)
    joints = forward_kinematics(clip)[:, :JOINT_COUNT].astype(np.float32)
    path = None
    if recipe.path_xz is not None and not recipe.loop:
        first = 0 if recipe.seam is None else recipe.seam.frame
        at = first + np.arange(clip.frames) * (FPS / fps)
        model = np.arange(len(recipe.path_xz))
        path = np.stack([np.interp(at, model, recipe.path_xz[:, k]) for k in (0, 1)], axis=1).astype(np.float32)
    return Shot(joints, clip, recipe.request.prompt, recipe.request.seed, path, recipe.request.liveliness)


def frames_at(recipe: Recipe, fps: float) -> int | None:
    """Largest number of frames at a frame rate, which may differ from the recipe's own; None: no limit."""
    if recipe.scene_frames is None or fps == recipe.scene_fps:
        return recipe.scene_frames
    return max(2, round((recipe.scene_frames - 1) * fps / recipe.scene_fps) + 1)
