"""Coming to a given last pose (in-betweening): the way over the floor is bent so that it leads there.

The network is shown the hands, feet, head and hips of the last frames (`Request.all_hints`) and comes near; what is
left open is closed here over the whole way, where it is least seen, and at the very end by `transitions.match_end`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..motion.motion import Motion
from ..motion.skeleton import FPS
from ..motion.smoothing import smoothstep
from ..motion.world_transform import Placement, place_joints, unplace_joints
from ..postprocess.path_following import facing_angles, heading_difference
from .request import Request

STANDING = 0.3
"""Metres: a motion that goes no farther is brought to its end by time, not by the way it has gone."""
TURN_SECONDS = 1.5
"""In the last so many seconds the figure turns to where it shall face at the end, at least."""
CLOSE, CLOSE_TURN = 0.02, 0.05
"""Metres and radians that need no bending of the way: the last pose alone closes them."""


def place_end_pose(end: Motion, joints: np.ndarray, path: np.ndarray | None) -> Motion:
    """An end that may be anywhere, put where a motion (T, 22, 3) gets by itself: as its first frame of those is there.

    path: (T, 2) where the root will be, which counts more than where the motion has it.
    """
    first = len(joints) - end.frames
    there = joints[first] if path is None else joints[first] + _on_floor(path[first] - joints[first, 0, [0, 2]])
    own = Placement(end.joints[0, 0] * (1.0, 0.0, 1.0), float(facing_angles(end.joints)[0]))
    where = Placement(there[0] * (1.0, 0.0, 1.0), float(facing_angles(joints)[first]))
    return replace(end, joints=place_joints(unplace_joints(end.joints.astype(np.float64), own), where))


def bend_path_to_end(request: Request, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Path (T, 2) metres and facing (T,) radians on which a motion (T, 22, 3) gets to where its end is; None if it is
    there already. The path asked for, if there is one, is kept but for its last part."""
    end, frames = request.end, len(joints)
    assert end is not None
    hints, first = request.hints, frames - end.frames
    given = hints.root_xz if hints is not None else None
    own = joints[:, 0][:, [0, 2]]
    path = own if given is None else given.astype(np.float64)
    gap = end.joints[0, 0, [0, 2]] - path[first]
    begin = request.start.frames - 1 if request.start is not None else 0
    share = _share_of_way(path, begin, first, None if given is None else max(1.0, 2.0 * float(np.linalg.norm(gap))))
    bent = path + share[:, None] * gap
    bent[first:] = end.joints[:, 0][:, [0, 2]]
    faces = facing_angles(joints)
    goal = facing_angles(end.joints)
    if request.facing is not None:
        facing = np.unwrap(np.asarray(request.facing, np.float64))
    else:
        along = heading_difference(joints, bent)
        if given is None:  # it begins as it did, and turns into the bent way
            along = along * smoothstep(np.arange(frames), float(begin), begin + FPS * 1.0)
        facing = faces + along
    left = (goal[0] - facing[first] + np.pi) % (2.0 * np.pi) - np.pi
    if given is None and request.facing is None and np.linalg.norm(gap) < CLOSE and abs(left) < CLOSE_TURN:
        return None
    seconds = max(TURN_SECONDS, abs(left) / (0.5 * np.pi))
    facing = facing + left * smoothstep(np.arange(frames), max(begin, first - seconds * FPS), first)
    facing[first:] = facing[first] + goal - goal[0]
    return bent, facing


def _share_of_way(path: np.ndarray, begin: int, last: int, seconds: float | None) -> np.ndarray:
    """(T,) 0 up to frame `begin`, 1 from `last` on: as the way is gone, or over the last seconds of a path that is to
    be kept before."""
    frames = np.arange(len(path))
    if seconds is not None:
        return smoothstep(frames, max(float(begin), last - seconds * FPS), last)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=-1)
    steps[:begin], steps[last:] = 0.0, 0.0
    gone = np.concatenate([[0.0], np.cumsum(steps)])
    if gone[-1] < STANDING:
        return smoothstep(frames, float(begin), last)
    share: np.ndarray = gone / gone[-1]
    return share


def _on_floor(xz: np.ndarray) -> np.ndarray:
    return np.array([xz[0], 0.0, xz[1]])
