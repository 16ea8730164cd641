"""More motion from captured motion: mirrored, bent, sped up, reversed, and gaits that go on.

The captured walks are short and straight; users draw long, curved paths. So a gait is looped at two frames of
the same phase and bent along arcs, circles and S-curves. All functions take and give (T, 22, 3) metres, Y up.
"""

from __future__ import annotations

import numpy as np

from ...array_types import FloatArray
from ...motion.skeleton import MIRROR


def mirror(joints: FloatArray) -> FloatArray:
    """Left and right swapped."""
    mirrored = joints[:, list(MIRROR)].copy()
    mirrored[..., 0] *= -1
    return mirrored


def warp_time(joints: FloatArray, speed: float) -> FloatArray:
    """Played `speed` times as fast, linearly interpolated."""
    frames = max(2, round((len(joints) - 1) / speed) + 1)
    at = np.linspace(0, len(joints) - 1, frames)
    low = np.minimum(at.astype(int), len(joints) - 2)
    part = (at - low)[:, None, None].astype(joints.dtype)
    result: FloatArray = joints[low] * (1 - part) + joints[low + 1] * part
    return result


def turned(vectors: FloatArray, angle: FloatArray | float) -> FloatArray:
    """Rotated about +Y by an angle (positive: from +Z towards +X). vectors (..., 3), angle broadcast to (...)."""
    cos, sin = np.cos(angle), np.sin(angle)
    result = np.array(vectors, copy=True)
    result[..., 0] = cos * vectors[..., 0] + sin * vectors[..., 2]
    result[..., 2] = cos * vectors[..., 2] - sin * vectors[..., 0]
    return result


def headings(joints: FloatArray) -> FloatArray:
    """(T,) radians, unwrapped: the angle by which the figure is turned from +Z towards +X, from hips and shoulders."""
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]  # towards the figure's left, +X at rest
    return np.unwrap(np.arctan2(-across[:, 2], across[:, 0]))


def bend(joints: FloatArray, turn_per_metre: FloatArray) -> FloatArray:
    """Bend the path: the figure turns with it and keeps its steps' length.

    turn_per_metre: (T,) radians of turning (towards +X) for each metre travelled.
    """
    ground = joints[:, 0] * np.array([1, 0, 1], joints.dtype)
    steps = np.diff(ground, axis=0)
    smooth = _smoothed(np.linalg.norm(steps, axis=-1))
    angle = np.concatenate([[0.0], np.cumsum(smooth * turn_per_metre[1:])])
    middle = (angle[1:] + angle[:-1]) / 2
    path = np.concatenate([ground[:1], ground[:1] + np.cumsum(turned(steps, middle), 0)])
    bent = turned(joints - ground[:, None], angle[:, None]) + path[:, None]
    result: FloatArray = bent.astype(joints.dtype)
    return result


def _smoothed(values: FloatArray, radius: int = 6) -> FloatArray:
    """Running mean, edges repeated."""
    kernel = np.ones(2 * radius + 1) / (2 * radius + 1)
    return np.convolve(np.pad(values, radius, mode="edge"), kernel, mode="valid")


def _local(joints: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Pose in the facing frame (T, 22, 3), headings (T,), ground positions (T, 3)."""
    ground = joints[:, 0] * np.array([1, 0, 1], joints.dtype)
    angle = headings(joints)
    return turned(joints - ground[:, None], -angle[:, None]), angle, ground


def gait_cycle(
    joints: FloatArray, shortest: int = 12, longest: int = 44, tolerance: float = 0.05
) -> tuple[int, int] | None:
    """Two frames (i, j) of the same phase of a gait, i < j, or None.

    tolerance: metres, mean distance of the joints (and of their velocities over a tenth of a second).
    """
    pose, angle, ground = _local(joints)
    if len(joints) < shortest + 6:
        return None
    velocity = np.gradient(pose, axis=0) * 2.0
    speed = np.gradient(ground, axis=0)
    speed = turned(speed, -angle) * 2.0
    state = np.concatenate([pose.reshape(len(pose), -1), velocity.reshape(len(pose), -1), speed], -1)
    best, found = np.inf, None
    for i in range(2, len(joints) - shortest - 2):
        for j in range(i + shortest, min(len(joints) - 2, i + longest)):
            difference = (state[j] - state[i]).reshape(-1, 3)
            distance = float(np.sqrt((difference**2).sum(-1)).mean())
            if distance < best:
                best, found = distance, (i, j)
    if found is None or best > tolerance:
        return None
    moved = float(np.linalg.norm(ground[found[1]] - ground[found[0]]))
    return found if moved > 0.25 else None


def continue_gait(joints: FloatArray, cycle: tuple[int, int], frames: int, start: int = 0) -> FloatArray:
    """Repeat the cycle until there are `frames` frames, beginning at frame `start`; small seams are faded out."""
    i, j = cycle
    pose, angle, ground = _local(joints)
    order = list(range(start, j + 1))
    poses, angles, steps = (
        [pose[start : j + 1]],
        [np.diff(angle[start : j + 1])],
        [np.diff(ground[start : j + 1], axis=0)],
    )
    local_steps = [turned(steps[0], -angle[start:j])]
    seam = pose[j] - pose[i]
    fade = np.clip(1.0 - np.arange(1, j - i + 1) / min(10.0, j - i), 0.0, 1.0)[:, None, None]
    while len(order) < frames:
        order += list(range(i + 1, j + 1))
        poses.append(pose[i + 1 : j + 1] + seam * fade)
        angles.append(np.diff(angle[i : j + 1]))
        local_steps.append(turned(np.diff(ground[i : j + 1], axis=0), -angle[i:j]))
    turns = np.concatenate(angles)
    drift = (angle[j] - angle[i]) / (j - i)
    turns[j - start :] -= drift  # a straight walk that veered by a degree a cycle would otherwise walk a spiral
    heading = np.concatenate([[0.0], np.cumsum(turns)])
    moved = turned(np.concatenate(local_steps), heading[:-1])
    path = np.concatenate([np.zeros((1, 3)), np.cumsum(moved, 0)])
    whole = turned(np.concatenate(poses), heading[:, None]) + path[:, None]
    result: FloatArray = whole[:frames].astype(joints.dtype)
    return result
