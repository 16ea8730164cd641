"""From a motion in its own frame to the clip that is written: ground, bones, place, rate, and what part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..motion.motion import Clip, Motion
from ..motion.resampling import resample
from ..motion.retarget import retarget
from ..motion.skeleton import Skeleton
from ..motion.world_transform import Placement, place_joints, unplace_joints
from ..postprocess.terrain import Ground, stand_on
from ..postprocess.transitions import begin_in_pose, end_in_pose


@dataclass(frozen=True, eq=False)
class StartPose:
    """Where a motion goes on from an earlier one.

    frame: the motion's frame (20 a second) from which it is written; those before it are the earlier one's.
    translation (3,), turns (J, 4): the pose of the character there, placed in the world, as a clip has it.
    """

    frame: int
    translation: np.ndarray
    turns: np.ndarray


@dataclass(frozen=True, eq=False)
class EndPose:
    """The pose in which a motion ends, where what is written of it ends.

    translation (3,), turns (J, 4): placed in the world, as a clip has them; without a translation only the limbs are
    asked for, wherever the hips are. of: the identity of the shot that begins so, or empty.
    """

    translation: np.ndarray | None
    turns: np.ndarray
    of: str = ""


def on_ground(motion: Motion, placement: Placement, ground: Ground) -> Motion:
    """The motion set onto the ground, still in its own frame."""
    floor = np.array([0.0, placement.origin[1], 0.0])
    placed = stand_on(place_joints(motion.joints, placement) - floor, motion.contacts, ground)
    joints = unplace_joints(placed + floor, placement).astype(np.float32)
    return replace(motion, joints=joints)


def on_skeleton(motion: Motion, skeleton: Skeleton, on_path: bool) -> Clip:
    """The motion on a character's bones. On a path the pelvis keeps to it, whatever the length of the legs."""
    clip = retarget(motion, skeleton)
    if not on_path:
        return clip
    translation = np.array(clip.translation)
    translation[:, [0, 2]] = motion.joints[:, 0][:, [0, 2]]
    return replace(clip, translation=translation)


def written_part(
    clip: Clip, fps: float, seam: StartPose | None, frames: int | None, landing: EndPose | None = None
) -> Clip:
    """The clip at another rate, from the seam on, which it meets exactly; at most so many frames of that rate, the last
    of which is in the pose of the landing."""
    clip = resample(clip, fps, begin=0 if seam is None else seam.frame)
    if frames is not None:
        clip = replace(clip, translation=clip.translation[:frames], rotations=clip.rotations[:frames])
    if seam is not None:
        clip = begin_in_pose(clip, seam.translation, seam.turns)
    if landing is not None:
        translation, turns = landing.translation, landing.turns.copy()
        if translation is None:
            translation, turns[0] = clip.translation[-1], clip.rotations[-1, 0]
        clip = end_in_pose(clip, translation, turns)
    return clip
