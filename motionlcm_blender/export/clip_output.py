"""From a motion in its own frame to the clip that is written: ground, bones, placement, frame rate, range of frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..array_types import FloatArray
from ..motion.motion import Clip, Motion
from ..motion.resampling import resample
from ..motion.retarget import retarget
from ..motion.skeleton import Skeleton
from ..motion.world_transform import Placement, place_joints, unplace_joints
from ..postprocess.terrain import Ground, stand_on
from ..postprocess.transitions import begin_in_pose, end_in_pose


@dataclass(frozen=True, eq=False)
class StartPose:
    """The pose in which a motion continues an earlier one.

    Attributes:
        frame: The motion's frame (at 20 fps) from which it is written; earlier frames are the earlier motion's.
        translation: (3,) root position of the character there, in the world, as in `Clip`.
        rotations: (J, 4) unit quaternions of the character there, as in `Clip`.
    """

    frame: int
    translation: FloatArray
    rotations: FloatArray


@dataclass(frozen=True, eq=False)
class EndPose:
    """The pose in which the written part of a motion ends.

    Attributes:
        translation: (3,) root position in the world, as in `Clip`; None: only the limbs are given, not the root.
        rotations: (J, 4) unit quaternions, as in `Clip`.
        of: Identity of the shot that starts in this pose, or empty.
    """

    translation: FloatArray | None
    rotations: FloatArray
    of: str = ""


def on_ground(motion: Motion, placement: Placement, ground: Ground) -> Motion:
    """Move the motion onto the ground; it stays in its own frame.

    Args:
        motion: The motion.
        placement: The motion's frame in the world.
        ground: The ground, in the world.

    Returns:
        The moved motion.
    """
    floor = np.array([0.0, placement.origin[1], 0.0])
    placed = stand_on(place_joints(motion.joints, placement) - floor, motion.contacts, ground)
    joints = unplace_joints(placed + floor, placement).astype(np.float32)
    return replace(motion, joints=joints)


def on_skeleton(motion: Motion, skeleton: Skeleton, on_path: bool) -> Clip:
    """Retarget the motion to a character's skeleton; on a path the pelvis stays on it, whatever the legs' length."""
    clip = retarget(motion, skeleton)
    if not on_path:
        return clip
    translation = np.array(clip.translation)
    translation[:, [0, 2]] = motion.joints[:, 0][:, [0, 2]]
    return replace(clip, translation=translation)


def written_part(
    clip: Clip,
    fps: float,
    seam: StartPose | None,
    frames: int | None,
    landing: EndPose | None = None,
    sampled: Callable[..., Clip] = resample,
) -> Clip:
    """Resample a clip and cut the part that is written.

    Args:
        clip: The clip.
        fps: Frame rate of the result.
        seam: The pose in which the result starts, or None.
        frames: Largest number of frames of the result, or None.
        landing: The pose in which the result ends, or None.
        sampled: `resample`, or another function of the same arguments.

    Returns:
        The part to write.
    """
    clip = sampled(clip, fps, begin=0 if seam is None else seam.frame)
    if frames is not None:
        clip = replace(clip, translation=clip.translation[:frames], rotations=clip.rotations[:frames])
    if seam is not None:
        clip = begin_in_pose(clip, seam.translation, seam.rotations)
    if landing is not None:
        translation, turns = landing.translation, landing.rotations.copy()
        if translation is None:
            translation, turns[0] = clip.translation[-1], clip.rotations[-1, 0]
        clip = end_in_pose(clip, translation, turns)
    return clip
