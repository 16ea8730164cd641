"""In-betweening: bend the trajectory over the floor so that it leads to a given last pose.

The network gets the hands, feet, head and hips of the last frames as hints (`Request.all_hints`) and comes near the
pose. This module distributes the remaining gap over the whole trajectory, where it is least visible;
`transitions.match_end` closes the end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion.motion import Motion
from ..motion.skeleton import FPS
from ..motion.smoothing import smoothstep
from ..motion.world_transform import Placement, place_joints, unplace_joints
from ..postprocess.headings import facing_angles, heading_difference
from .request import Request

SLOWS_SECONDS, SLOWEST = 1.0, 0.08
"""Seconds over which a motion slows down to an end pose that stands, and its share of its own speed at the end."""
STILL = 0.25
"""m/s: an end whose joints move slower than this stands."""
STANDING = 0.3
"""Metres: for a motion with less travel the correction is distributed over time instead of distance."""
TURN_SECONDS = 1.5
"""Seconds before the end over which the figure turns to its final facing, at least."""
CLOSE, CLOSE_TURN = 0.02, 0.05
"""Metres and radians: for smaller gaps the trajectory is not bent; the last pose alone closes them."""


def place_end_pose(end: Motion, joints: FloatArray, path: FloatArray | None) -> Motion:
    """Place an end pose of free position where the motion arrives by itself.

    Args:
        end: The end pose; its first frame is placed at the corresponding frame of the motion.
        joints: (T, 22, 3) metres, the sampled motion.
        path: (T, 2) metres, target of the root on the floor, used instead of the motion's root; or None.

    Returns:
        The end, in the frame of `joints`.
    """
    first = len(joints) - end.frames
    there = joints[first] if path is None else joints[first] + _on_floor(path[first] - joints[first, 0, [0, 2]])
    own = Placement(end.joints[0, 0] * (1.0, 0.0, 1.0), float(facing_angles(end.joints)[0]))
    where = Placement(there[0] * (1.0, 0.0, 1.0), float(facing_angles(joints)[first]))
    return replace(end, joints=place_joints(unplace_joints(end.joints.astype(np.float64), own), where))


def slowed_to_end(request: Request, frames: int) -> FloatArray | None:
    """Find the times at which a motion is played so that it comes to rest where its end stands.

    All of it is played, a little faster before the last second.

    Args:
        request: The request with its end pose.
        frames: Frames of the motion.

    Returns:
        (T,) fractional source frames; None if the end moves, or if a path gives the timing.
    """
    end = request.end
    if end is None or request.has_path or not _stands(end):
        return None
    begin = request.start.frames - 1 if request.start is not None else 0
    first = frames - end.frames
    if first - begin < FPS:
        return None
    seconds = min(SLOWS_SECONDS, 0.3 * (first - begin) / FPS)
    steps = np.arange(begin, first) + 0.5
    speed = 1.0 - (1.0 - SLOWEST) * smoothstep(steps, first - seconds * FPS, first)
    played = np.cumsum(speed) * (first - begin) / speed.sum()
    at = np.arange(frames, dtype=np.float64)
    at[begin + 1 : first + 1] = begin + played
    return np.minimum(at, frames - 1.0)


def _stands(end: Motion) -> bool:
    """Whether an end is a single pose, or frames that hardly move."""
    if end.frames < 2:
        return True
    return float(np.linalg.norm(np.diff(end.joints[:3], axis=0), axis=-1).mean() * FPS) < STILL


def bend_path_to_end(request: Request, joints: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Compute a path and a facing that lead a motion to its end pose.

    A path of the request is kept except for its last part.

    Args:
        request: The request with its end pose.
        joints: (T, 22, 3) metres, the sampled motion, in the frame of the request.

    Returns:
        Path (T, 2), metres, and facing (T,), radians about +Y; None if the motion already arrives there.
    """
    end, frames = request.end, len(joints)
    assert end is not None
    hints, first = request.hints, frames - end.frames
    given = hints.root_xz if hints is not None else None
    own = joints[:, 0][:, [0, 2]]
    path = own if given is None else given.astype(np.float64)
    gap = end.joints[0, 0, [0, 2]] - path[first]
    begin = request.start.frames - 1 if request.start is not None else 0
    weight = _share_of_way(path, begin, first, None if given is None else max(1.0, 2.0 * float(np.linalg.norm(gap))))
    bent = path + weight[:, None] * gap
    bent[first:] = end.joints[:, 0][:, [0, 2]]
    faces = facing_angles(joints)
    goal = facing_angles(end.joints)
    if request.facing is not None:
        facing = np.unwrap(np.asarray(request.facing, np.float64))
    else:
        along = heading_difference(joints, bent)
        if given is None:  # keep the initial facing, then turn to the bent path
            along = along * smoothstep(np.arange(frames), float(begin), begin + FPS * 1.0)
        facing = faces + along
    left = (goal[0] - facing[first] + np.pi) % (2.0 * np.pi) - np.pi
    if given is None and request.facing is None and np.linalg.norm(gap) < CLOSE and abs(left) < CLOSE_TURN:
        return None
    seconds = max(TURN_SECONDS, abs(left) / (0.5 * np.pi))
    facing = facing + left * smoothstep(np.arange(frames), max(begin, first - seconds * FPS), first)
    facing[first:] = facing[first] + goal - goal[0]
    return bent, facing


def _share_of_way(path: FloatArray, begin: int, last: int, seconds: float | None) -> FloatArray:
    """(T,) weights of the correction: 0 up to frame `begin`, 1 from `last` on.

    They rise with the distance travelled or, to keep the earlier part of a path, over the last seconds.
    """
    frames = np.arange(len(path))
    if seconds is not None:
        return smoothstep(frames, max(float(begin), last - seconds * FPS), last)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=-1)
    steps[:begin], steps[last:] = 0.0, 0.0
    gone = np.concatenate([[0.0], np.cumsum(steps)])
    if gone[-1] < STANDING:
        return smoothstep(frames, float(begin), last)
    fraction: FloatArray = gone / gone[-1]
    return fraction


def _on_floor(xz: FloatArray) -> FloatArray:
    return np.array([xz[0], 0.0, xz[1]])
