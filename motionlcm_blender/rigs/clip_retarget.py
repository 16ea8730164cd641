"""Retargeting of a clip, whose rotations are known, to the body of any humanoid armature.

Metres, Y up.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..motion import rotations as rot
from ..motion.motion import Clip, Motion
from ..motion.resampling import resample
from ..motion.retarget import forward_kinematics
from ..motion.skeleton import JOINT_COUNT, SMPL
from ..smpl.body_parameters import with_proportions
from .mapped_joints import ANKLES, HIPS, KNEES, TOES
from .rig_body import RigBody
from .rig_feet import find_stances
from .rig_resampling import resample_on_feet
from .rig_retarget import retarget_to_body

_LEGS = [0, *HIPS, *KNEES, *ANKLES, *TOES]
_SAME = 1e-4
"""Metres by which the proportions of a body may differ from those of a clip that it performs as it is."""
_PLANTED_FPS = 30.0
"""Highest frame rate at which feet are planted: what smooths the legs counts frames of about 20 a second."""


def retarget_clip_to_body(clip: Clip, body: RigBody, *, lock: bool = True) -> Clip:
    """Compute the turns of a body's joints with which it performs a clip.

    Above 30 frames per second, feet are planted at a fraction of the rate, and pelvis and legs are resampled; spine,
    head and arms keep their rotations on every frame.

    Args:
        clip: A clip of the joints of `SMPL`, in metres in which its legs are as long as those of `SMPL`.
        body: The body of a mapped armature.
        lock: Whether standing feet are held in place and put onto the floor.

    Returns:
        A clip on `body.skeleton` at the clip's frame rate. A clip of a body of these proportions is unchanged.
    """
    if np.abs(clip.skeleton.offsets - body.skeleton.offsets)[:JOINT_COUNT].max() < _SAME:
        return replace(clip, skeleton=body.skeleton)
    source = with_proportions(clip, SMPL)
    parts = math.ceil(clip.fps / _PLANTED_FPS - 1e-6)
    if parts <= 1 or not lock or clip.frames < 2 * parts:
        return retarget_to_body(_motion(source), body, lock=lock, source=source)
    slow = resample(source, clip.fps / parts)
    motion = _motion(slow)
    planted = retarget_to_body(motion, body, source=slow)
    legs = resample_on_feet(planted, clip.fps, find_stances(motion, motion.joints))
    whole = retarget_to_body(_motion(source), body, lock=False, source=source)
    rotations = np.array(whole.rotations)
    rotations[:, _LEGS] = legs.rotations[: clip.frames, _LEGS]
    return replace(whole, translation=legs.translation[: clip.frames], rotations=rot.continuous(rotations))


def _motion(source: Clip) -> Motion:
    """The joints of a clip of `SMPL`, without contacts."""
    joints = forward_kinematics(source)[:, :JOINT_COUNT]
    return Motion(joints.astype(np.float32), np.zeros((source.frames, 4), np.float32), source.fps)
