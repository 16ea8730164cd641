"""Stitching: find where one motion goes on best as another, and join them there.

A motion graph of two motions (Kovar, Gleicher and Pighin, Motion Graphs, SIGGRAPH 2002): the frames that look and move
alike are joined, with the second motion moved over the floor and rotated about +Y to fit, and crossfaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from ..motion.skeleton import FPS
from ..motion.smoothing import smooth
from .transitions import aligned, crossfaded

SEAM = 16
"""Frames of a crossfade: 0.8 s."""
VELOCITY, TRAVEL, TURN = 0.12, 0.25, 0.1
"""Seconds by which velocities of joints and of the pelvis count beside positions, and metres for a turn of 1 rad/s."""


APART, NEAR = 4, 6
"""Frames between seams among which one is chosen, and frames around a seam on which its jerk is measured."""
SEAM_MARGIN = 2.0
"""Frames before and after a crossfade that belong to its seam."""


@dataclass(frozen=True)
class Seam:
    """A place to join two motions.

    Attributes:
        before: First frame of the crossfade in the earlier motion.
        after: First frame of the crossfade in the later motion.
        cost: Metres, mean difference of poses and movements over the crossfade.
    """

    before: int
    after: int
    cost: float


def best_seams(
    earlier: FloatArray,
    later: FloatArray,
    before: tuple[int, int],
    after: tuple[int, int],
    count: int = 1,
    length: int = SEAM,
) -> list[Seam]:
    """Find the pairs of frames from which two motions are most alike for the length of a crossfade.

    Args:
        earlier: (T, 22, 3) metres, Y up.
        later: (K, 22, 3) metres, Y up.
        before: First and last frame of the earlier motion at which the crossfade may begin.
        after: First and last frame of the later motion at which the crossfade may begin.
        count: Number of seams.
        length: Frames of the crossfade.

    Returns:
        The seams with the smallest costs, the best first, each some frames from the others in the earlier motion.

    Raises:
        ValueError: A motion ends before the crossfade does.
    """
    if before[0] > before[1] or before[1] + length > len(earlier):
        raise ValueError("The earlier motion ends before the crossfade does.")
    if after[0] > after[1] or after[1] + length > len(later):
        raise ValueError("The later motion ends before the crossfade does.")
    first = _description(earlier)[before[0] : before[1] + length]
    second = _description(later)[after[0] : after[1] + length]
    squared = (first**2).sum(-1)[:, None] + (second**2).sum(-1)[None] - 2.0 * first @ second.T
    distance = np.sqrt(np.maximum(squared, 0.0) / earlier.shape[1])
    rows, columns = before[1] - before[0] + 1, after[1] - after[0] + 1
    cost = np.zeros((rows, columns))
    for k in range(length):
        cost += distance[k : k + rows, k : k + columns]
    found: list[Seam] = []
    while len(found) < count and np.isfinite(cost).any():
        row, column = (int(k) for k in np.unravel_index(int(cost.argmin()), cost.shape))
        found.append(Seam(before[0] + row, after[0] + column, float(cost[row, column] / length)))
        cost[max(0, row - APART) : row + APART + 1] = np.inf
    return found


def seam_jerk(earlier: FloatArray, later: FloatArray, seam: Seam) -> float:
    """Jerk that joining two motions at a seam gives: the largest mean over the joints near the seam, m/s3."""
    first, after = max(0, seam.before - NEAR), seam.after + SEAM + NEAR
    near = Seam(seam.before - first, seam.after, seam.cost)
    return float(_jerk(stitched(earlier[first : seam.before + SEAM], later[:after], near)).max())


def usual_jerk(joints: FloatArray) -> float:
    """99th percentile over time of the mean jerk of the joints (T, 22, 3), m/s3."""
    return float(np.percentile(_jerk(joints), 99))


def joint_jerk(joints: FloatArray) -> float:
    """Largest jerk of any joint of (T, 22, 3), m/s3: a knee that snaps is hardly seen in a mean over the joints."""
    return float(np.linalg.norm(np.diff(np.asarray(joints, np.float64), n=3, axis=0), axis=-1).max() * FPS**3)


def stitched(earlier: FloatArray, later: FloatArray, seam: Seam, length: int = SEAM) -> FloatArray:
    """Join two motions at a seam.

    Args:
        earlier: (T, 22, 3) metres, Y up; its frames after the crossfade are dropped.
        later: (K, 22, 3) metres, Y up; its frames before the crossfade are dropped.
        seam: Where.
        length: Frames of the crossfade.

    Returns:
        (seam.before + K - seam.after, 22, 3) metres, in the frame of `earlier`.
    """
    shared = earlier[seam.before : seam.before + length]
    following = aligned(later[seam.after :], shared)
    return np.concatenate([earlier[: seam.before], crossfaded(shared, following[:length]), following[length:]])


def seam_jerk_share(joints: FloatArray, seams: Sequence[tuple[int, int]]) -> float:
    """Largest jerk at seams beside what is usual on both sides.

    Args:
        joints: (T, 22, 3) metres at one rate, the whole motion.
        seams: First and last frame of each crossfade; both the same where two motions meet.

    Returns:
        Largest over the seams of the largest mean jerk of all joints within the seam, divided by the 99th percentile
        outside of all seams of its livelier side; 0 without seams, or if a side has no frame.
    """
    if len(joints) < 8 or not seams:
        return 0.0
    jerk = _jerk(joints) / FPS**3
    frame = np.arange(len(jerk)) + 1.5  # a third difference belongs to the middle of its four frames
    near = np.zeros(len(jerk), bool)
    for first, last in seams:
        near |= (frame > first - SEAM_MARGIN) & (frame < last + SEAM_MARGIN)
    shares = [0.0]
    for number, (first, last) in enumerate(seams):
        earliest = seams[number - 1][1] if number else 0
        latest = seams[number + 1][0] if number + 1 < len(seams) else len(joints)
        here = (frame > first - SEAM_MARGIN) & (frame < last + SEAM_MARGIN)
        sides = (
            jerk[~near & (frame >= earliest) & (frame < first)],
            jerk[~near & (frame > last) & (frame <= latest)],
        )
        usual = [float(np.percentile(side, 99)) for side in sides if len(side)]
        if usual and here.any():
            shares.append(float(jerk[here].max()) / max(*usual, 1e-3))
    return max(shares)


def _jerk(joints: FloatArray) -> FloatArray:
    """(T - 3,) m/s3, mean over the joints."""
    mean: FloatArray = np.linalg.norm(np.diff(np.asarray(joints, np.float64), n=3, axis=0), axis=-1).mean(-1) * FPS**3
    return mean


def body_speed(joints: FloatArray) -> float:
    """Mean speed of the joints relative to the pelvis, m/s, of (T, 22, 3) metres at 20 fps."""
    local = joints - joints[:, :1]
    return float(np.linalg.norm(np.diff(local, axis=0), axis=-1).mean() * FPS) if len(local) > 1 else 0.0


def pose_description(joints: FloatArray) -> FloatArray:
    """(T, n) metres: the pose of each frame (T, 22, 3), seen from the figure."""
    return _seen_from_figure(joints)[0].reshape(len(joints), -1)


def moving_description(joints: FloatArray) -> FloatArray:
    """(T, n) metres: how each frame of joints (T, 22, 3) moves, seen from the figure, beside `pose_description`."""
    joints = np.asarray(joints, np.float64)
    local, heading = _seen_from_figure(joints)
    ground = joints[:, 0] * (1.0, 0.0, 1.0)
    cos, sin = np.cos(heading), np.sin(heading)
    travel = np.gradient(smooth(ground, 2.0) if len(ground) > 4 else ground, axis=0) * FPS
    travel = np.stack([cos * travel[:, 0] - sin * travel[:, 2], sin * travel[:, 0] + cos * travel[:, 2]], -1)
    turn = np.gradient(heading) * FPS
    moving = np.gradient(local, axis=0) * FPS
    # Travel and turn are those of the whole figure, so they count as often as there are joints.
    count = np.sqrt(joints.shape[1])
    parts = (VELOCITY * moving.reshape(len(joints), -1), count * TRAVEL * travel, count * TURN * turn[:, None])
    return np.concatenate(parts, axis=1)


def _description(joints: FloatArray) -> FloatArray:
    """(T, n) metres: pose and movement of each frame, seen from the figure."""
    return np.concatenate([pose_description(joints), moving_description(joints)], axis=1)


def _seen_from_figure(joints: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, 22, 3) metres, each frame with the pelvis above the origin and facing +Z; (T,) radians, its heading."""
    joints = np.asarray(joints, np.float64)
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]
    heading = np.unwrap(np.arctan2(-across[:, 2], across[:, 0]))
    cos, sin = np.cos(heading)[:, None], np.sin(heading)[:, None]
    offset = joints - joints[:, :1] * (1.0, 0.0, 1.0)
    x, z = cos * offset[..., 0] - sin * offset[..., 2], sin * offset[..., 0] + cos * offset[..., 2]
    return np.stack([x, offset[..., 1], z], -1), heading
