"""Retargeting of a clip, whose rotations are known, to the body of any humanoid armature.

Metres, Y up.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.foot_contacts import foot_contacts, stance_mask
from ..motion.motion import Clip, Motion
from ..motion.resampling import resample
from ..motion.retarget import forward_kinematics
from ..motion.skeleton import JOINT_COUNT, SMPL
from ..smpl.body_parameters import with_proportions
from .mapped_joints import ANKLES, HIPS, KNEES, TOES
from .rig_body import RigBody
from .rig_feet import find_stances, without_steps
from .rig_resampling import resample_on_feet
from .rig_retarget import retarget_to_body

_LEGS = [0, *HIPS, *KNEES, *ANKLES, *TOES]
_SAME = 1e-4
"""Metres by which the proportions of a body may differ from those of a clip that it performs as it is."""
_SMPL_ANKLE = 0.055
"""Metres of the ankle above the toe joint of `SMPL`, standing."""
_STRAIGHT = 0.998
"""Part of its length to which a standing leg stretches at most where the clip's leg does: the legs of rest poses and of
keyed poses are straight."""
_PLANTED_FPS = 30.0
"""Highest frame rate at which feet are planted: what smooths the legs counts frames of about 20 a second."""


def retarget_clip_to_body(
    clip: Clip, body: RigBody, *, source_heights: FloatArray | None = None, lock: bool = True
) -> Clip:
    """Compute the turns of a body's joints with which it performs a clip.

    World rotations are kept; feet stand on this body's floor, level at y = 0, where they stand in the clip. Above 30
    frames per second, feet are planted at a fraction of the rate, and pelvis and legs are resampled; spine, head and
    arms keep their rotations on every frame.

    Args:
        clip: A clip of the joints of `SMPL`, in metres in which its legs are as long as those of `SMPL`.
        body: The body of a mapped armature.
        source_heights: (2, 2) metres above the floor of ankle and toe joint (columns) of the feet of the clip's body,
            standing; None: the clip performs on the proportions of `SMPL` before it is moved.
        lock: Whether standing feet are held in place and put onto the floor.

    Returns:
        A clip on `body.skeleton` at the clip's frame rate. A clip of a body of these proportions is unchanged.
    """
    if np.abs(clip.skeleton.offsets - body.skeleton.offsets)[:JOINT_COUNT].max() < _SAME:
        return replace(clip, skeleton=body.skeleton)
    rise: FloatArray | float = _SMPL_ANKLE
    if source_heights is None:
        source = with_proportions(clip, SMPL)
    else:
        rise = source_heights[:, 0] - source_heights[:, 1]
        source = replace(clip, translation=clip.translation - [0.0, float(source_heights[:, 1].mean()), 0.0])
    parts = math.ceil(clip.fps / _PLANTED_FPS - 1e-6)
    if parts <= 1 or not lock or clip.frames < 2 * parts:
        return retarget_to_body(_motion(source, rise), body, lock=lock, source=source, straight=_STRAIGHT)
    slow = resample(source, clip.fps / parts)
    motion = _motion(slow, rise)
    planted = retarget_to_body(motion, body, source=slow, straight=_STRAIGHT)
    legs = resample_on_feet(planted, clip.fps, find_stances(motion, motion.joints))
    whole = retarget_to_body(_motion(source, rise), body, lock=False, source=source)
    rotations = np.array(whole.rotations)
    rotations[:, _LEGS] = legs.rotations[: clip.frames, _LEGS]
    return replace(whole, translation=legs.translation[: clip.frames], rotations=rot.continuous(rotations))


def _motion(source: Clip, rise: FloatArray | float) -> Motion:
    """The joints of a clip, with its contacts. rise: metres of the ankles above the toe joints of standing feet."""
    joints = forward_kinematics(source)[:, :JOINT_COUNT]
    soles = joints.copy()  # contacts are found by the heights of soles
    soles[:, list(ANKLES), 1] -= rise - _SMPL_ANKLE
    contacts = stance_mask(soles, foot_contacts(soles, source.fps).astype(np.float64), source.fps)
    contacts = without_steps(contacts, joints, source.fps)
    return Motion(joints.astype(np.float32), contacts.astype(np.float32), source.fps)
