"""Resampling of a body's clip to the scene's frame rate, with standing feet held between the frames of the motion.

A curve through rotations does not keep a foot in place between two frames on which it stands: at 24 frames per second a
fast hip moves it by several millimetres.
"""

from __future__ import annotations

import numpy as np

from ..motion.motion import Clip
from ..motion.resampling import resample
from ..motion.skeleton import JOINT_COUNT
from ..postprocess.leg_ik import place_feet
from .mapped_joints import ANKLES, TOES
from .rig_feet import Stances, turn_legs
from .rig_retarget import clip_of, positions, world_rotations


def resample_on_feet(clip: Clip, fps: float, stances: Stances, begin: int = 0) -> Clip:
    """Sample a clip of a body at another frame rate; see `resample`.

    Args:
        clip: A clip on a body's skeleton, as `retarget_to_body` returns it, placed anywhere.
        fps: Frames per second of the result.
        stances: The stances on the frames of `clip`, as `find_stances` finds them in the motion.
        begin: The frame of the clip that becomes the first.

    Returns:
        The clip at `fps`. Between two frames of one stance, a foot goes straight from its place on one to its place on
        the other.
    """
    result = resample(clip, fps, begin=begin)
    if fps == clip.fps or clip.frames < 2:
        return result
    at = np.minimum(begin + np.arange(result.frames) * (clip.fps / fps), clip.frames - 1)
    low = np.minimum(at.astype(np.int64), clip.frames - 2)
    part = (at - low)[:, None, None]
    held = (stances.labels[low] >= 0) & (stances.labels[low] == stances.labels[low + 1])
    rows = np.flatnonzero(held.any(1))
    if not len(rows):
        return result
    skeleton, sides = clip.skeleton, held[..., None]
    known = positions(clip.translation, world_rotations(clip), skeleton)
    world = world_rotations(result)
    joints = positions(result.translation, world, skeleton)[:, :JOINT_COUNT]
    ankles, toes = (
        np.where(sides, (1.0 - part) * known[low][:, ends] + part * known[low + 1][:, ends], joints[:, ends])
        for ends in (list(ANKLES), list(TOES))
    )
    solved = place_feet(joints[rows], ankles[rows], toes[rows])
    turned = world[rows]
    turn_legs(turned, skeleton.offsets, solved, solved[:, list(TOES)] - solved[:, list(ANKLES)])
    world[rows] = turned
    return clip_of(world, result.translation, fps, skeleton)
