"""The start and end of a shot: in the poses of its neighbours, or in a pose Action that the animator chose.

A pose is an Action, like Blender's own pose assets. A pose from *Use Current Pose* also stores its place on the floor;
any other Action gives the pose only.
"""

# No `from __future__ import annotations` here, as in `shot_list`.
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.export.clip_output import EndPose, StartPose
from ...motionlcm_blender.generation.request import START_FRAMES
from ...motionlcm_blender.motion.foot_contacts import foot_contacts
from ...motionlcm_blender.motion.motion import Clip, Motion
from ...motionlcm_blender.motion.skeleton import FOOT_JOINTS, FPS
from ...motionlcm_blender.motion.smoothing import smoothstep
from ...motionlcm_blender.motion.world_transform import (
    Placement,
    canonicalise,
    initial_heading,
    place_clip,
    place_joints,
    unplace_joints,
)
from ...motionlcm_blender.postprocess.terrain import Ground
from ...motionlcm_blender.postprocess.transitions import placement_of
from ..armature.action_match import CHANNELS, EULER
from ..armature.actions import bone_path, holder_of
from ..armature.interference import listed_names
from ..armature.pose_reading import joints_of
from ..armature.smpl_rig import Rig
from ..armature.take_properties import GROUND, ORIGIN, PATH, PLACED
from ..rigs.body_reading import bones_of, read_clip
from ..rigs.recognised import BodyRig

if TYPE_CHECKING:
    from collections.abc import Iterable

    import bpy

    from .shot_list import MotionLCMShot

TAIL = 5
"""Frames of the next shot that belong to the end, so that the motion reaches the seam at the right speed."""
ONTO_PATH = 1.0
"""Metres per second, and shortest duration in seconds, of the transition to a path that starts at another place."""
UNEVEN = 0.1
"""Metres by which a shot must end above or below its floor to count as climbing, where the ground allows it."""
NEAR, NEAR_TURN = 1.0, 1.0
"""Metres and radians by which the start of a shot may move before its end pose is dropped."""


@dataclass(frozen=True, eq=False)
class Beginning:
    """The start of a shot.

    start: the start frames, over the model's level floor. placement: place of the motion's coordinate frame in the
    world. seam: the pose from which the Action starts. way: (n, 2) the root's places in the world on these frames.
    """

    start: Motion
    placement: Placement
    seam: StartPose
    way: np.ndarray


@dataclass(frozen=True, eq=False)
class Ending:
    """The end of a shot. joints: (n, 22, 3) in the world, the shot's last frame and the first frames after it."""

    joints: np.ndarray
    landing: EndPose

    @property
    def tail(self) -> int:
        return len(self.joints) - 1

    @property
    def anywhere(self) -> bool:
        return self.landing.translation is None

    def seen_from(self, placement: Placement, ground: Ground | None) -> Motion:
        """The end as input of the model: in the motion's coordinate frame, over a level floor."""
        joints = self.joints.copy()
        if ground is not None and not self.anywhere:
            joints[..., 1] -= ground.heights(joints[:, 0][:, [0, 2]])[:, None]
        joints = unplace_joints(joints, placement)
        return Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32))


def start_after(
    earlier: "MotionLCMShot",
    character: "bpy.types.Object",
    rig: Rig | BodyRig,
    units_per_metre: float,
    scene_frames_per_model_frame: float,
    on_ground: bool,
) -> Beginning:
    """The last second, at most, of an earlier shot as it is in the timeline.

    on_ground: whether a ground mesh is chosen, so that its heights must be subtracted later.
    """
    count = min(START_FRAMES, int((earlier.last - earlier.first) / scene_frames_per_model_frame + 1e-6) + 1)
    at = earlier.last - scene_frames_per_model_frame * np.arange(max(count, 2))[::-1]
    clip = read_clip(earlier.action, np.maximum(at, earlier.first), character, rig, units_per_metre)
    joints = joints_of(clip)
    lowest = float(joints[:, FOOT_JOINTS, 1].min())
    origin = ORIGIN.read(earlier.action)
    floor = origin[1] if origin else lowest
    may_climb = bool(GROUND.read(earlier.action) or PATH.read(earlier.action))
    if may_climb and not on_ground and abs(lowest - floor) > UNEVEN:
        floor = lowest
    return _beginning(clip, joints, floor)


def start_in_pose(
    pose: "bpy.types.Action",
    character: "bpy.types.Object",
    rig: Rig | BodyRig,
    units_per_metre: float,
    rest_placement: Placement,
    path: np.ndarray | None,
) -> Beginning:
    """A start pose at rest: at its stored place, or else at the start of the path (T, 2), or at the character's place.

    Raises InvalidRequest if the Action has no pose of the character.
    """
    clip = _posed(pose, character, rig, units_per_metre, 2)
    joints = joints_of(clip)
    if not PLACED.read(pose):
        there = rest_placement
        if path is not None:
            there = Placement(canonicalise(path)[1].origin, initial_heading(path))
        move = _from_to(placement_of(joints), there)
        clip, joints = place_clip(clip, move), place_joints(joints, move)
    return _beginning(clip, joints, float(rest_placement.origin[1]))


def end_before(
    following: "MotionLCMShot",
    character: "bpy.types.Object",
    rig: Rig | BodyRig,
    units_per_metre: float,
    scene_frames_per_model_frame: float,
) -> Ending:
    """The first frames of a later shot as it is in the timeline."""
    tail = min(TAIL, int((following.last - following.first) / scene_frames_per_model_frame + 1e-6))
    at = following.first + scene_frames_per_model_frame * np.arange(tail + 1)
    clip = read_clip(following.action, at, character, rig, units_per_metre)
    return Ending(joints_of(clip), EndPose(clip.translation[0], clip.rotations[0], following.uid))


def end_in_pose(
    pose: "bpy.types.Action", character: "bpy.types.Object", rig: Rig | BodyRig, units_per_metre: float
) -> Ending:
    """An end pose. Raises InvalidRequest if the Action has no pose of the character."""
    clip = _posed(pose, character, rig, units_per_metre, 1)
    return Ending(joints_of(clip), EndPose(clip.translation[0] if PLACED.read(pose) else None, clip.rotations[0]))


def hardly_moved(
    beginning: Beginning,
    shot: "MotionLCMShot",
    character: "bpy.types.Object",
    rig: Rig | BodyRig,
    units_per_metre: float,
    scene_frames_per_model_frame: float,
) -> bool:
    """Whether the start of a generated shot changed by little only."""
    old = read_clip(
        shot.action, shot.first + scene_frames_per_model_frame * np.arange(2), character, rig, units_per_metre
    )
    was, now = placement_of(joints_of(old)), beginning.placement
    turned = (was.heading - now.heading + np.pi) % (2.0 * np.pi) - np.pi
    moved = np.linalg.norm(old.translation[0, [0, 2]] - beginning.way[-1])
    return bool(moved < NEAR and abs(turned) < NEAR_TURN)


def lowered(motion: Motion, by: np.ndarray) -> Motion:
    """The motion without the heights (T,): the model is trained on level ground only."""
    joints = motion.joints.copy()
    joints[..., 1] -= by[:, None].astype(np.float32)
    return Motion(joints, motion.contacts)


def joined_path(way: np.ndarray, path: np.ndarray) -> tuple[np.ndarray, float]:
    """The root's places (n, 2) at the end of an earlier shot and, from its last frame on, a gradual transition to the
    path (T, 2).

    Also returns the distance in metres to the start of the path.
    """
    gap = way[-1] - path[0]
    away = float(np.linalg.norm(gap))
    duration = max(1.0, 1.5 * away / ONTO_PATH) * FPS
    left = 1.0 - smoothstep(np.arange(len(path)), 0.0, min(duration, len(path) - 1.0))
    return np.concatenate([way[:-1], path + left[:, None] * gap]), away


def _beginning(clip: Clip, joints: np.ndarray, floor: float) -> Beginning:
    where = placement_of(joints)
    joints = joints - [0.0, floor, 0.0]
    motion = Motion(joints.astype(np.float32), foot_contacts(joints).astype(np.float32))
    placement = Placement(np.array([where.origin[0], floor, where.origin[2]]), where.heading)
    seam = StartPose(clip.frames - 1, clip.translation[-1], clip.rotations[-1])
    return Beginning(motion, placement, seam, clip.translation[:, [0, 2]])


def _posed(
    pose: "bpy.types.Action", character: "bpy.types.Object", rig: Rig | BodyRig, units_per_metre: float, frames: int
) -> Clip:
    _check_pose(pose, character, bones_of(rig))
    return read_clip(pose, np.full(frames, pose.frame_range[0]), character, rig, units_per_metre)


def _check_pose(pose: "bpy.types.Action", character: "bpy.types.Object", bones: "Iterable[str]") -> None:
    """Raises InvalidRequest if the Action has no keys that move these bones, keys of another rotation mode, or values
    that are not finite."""
    holder = holder_of(pose, character)
    keyed: dict[str, set[str]] = {}
    curves = {} if holder is None else {(curve.data_path, curve.array_index): curve for curve in holder.fcurves}
    for path, _ in curves:
        prefix, _, channel = path.rpartition(".")
        keyed.setdefault(prefix, set()).add(channel)
    idle, moves, named = [], False, f'The Action "{pose.name}"'
    for bone in bones:
        channels = keyed.get(bone_path(bone).removesuffix("."), set())
        own = CHANNELS.get(character.pose.bones[bone].rotation_mode, EULER)
        moves |= bool(channels & {own, "location"})
        if own not in channels and channels & {*CHANNELS.values(), EULER}:
            idle.append(bone)
        for (path, _), curve in curves.items():
            if channels and path.startswith(bone_path(bone)) and not math.isfinite(curve.evaluate(pose.frame_range[0])):
                raise InvalidRequest(f'{named} has a value that is not finite, in the bone "{bone}".')
    if idle:
        raise InvalidRequest(
            f'{named} has keys of another rotation mode than that of these bones of "{character.name}": '
            f"{listed_names(idle)}."
        )
    if not moves:
        raise InvalidRequest(f'{named} has no pose of "{character.name}".')


def _from_to(here: Placement, there: Placement) -> Placement:
    """The transform on the floor from one placement to another."""
    turn = Placement(np.zeros(3), there.heading - here.heading)
    away = there.origin - place_joints(here.origin, turn)
    return Placement(away * (1.0, 0.0, 1.0), turn.heading)
