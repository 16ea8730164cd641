"""Path following: move a motion exactly onto its path.

The network follows a path only roughly: its root drifts, its speed differs, its heading lags. The steps, in this
order: retime the motion so that its progress matches the path's; rotate it by the difference between its own direction
of travel and the path's; move it onto the path with its natural sway; lock the feet. Only differences are applied, so
a figure that walks backwards or sideways still does. Lengths in metres, Y up, 20 fps.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..errors import InvalidRequest
from ..motion import banded_solver
from ..motion.foot_contacts import joined_stances, run_stances, stance_mask
from ..motion.skeleton import FPS, JOINT_COUNT, PARENTS
from ..motion.smoothing import smooth, smooth_curved
from .foot_lock import FootLock, FootLockResult, checked, lock_feet, on_floor
from .headings import SWAY_SIGMA, TRAVEL_SIGMA, heading_difference, path_headings, turn_to

FARTHEST, FARTHEST_MEAN = 0.042, 0.016
"""Largest and mean distance of the pelvis from the path, metres."""
SLOWEST_WARP, FASTEST_WARP = 0.7, 1.4
"""Limits of the playback speed of the body's motion."""
LEAST_WARP = 0.5
"""Frames: a motion whose progress never differs from the path's by more keeps its own timing."""
TRAVEL, SLOWEST_TRAVEL = 0.5, 0.3
"""Metres, and mean speed in m/s: motions and paths below either do not travel and keep their timing."""
SHORT_STEPS = 0.8
"""Ratio of path to walked distance down to which steps are only shortened; below it they also become slower."""

LEAN, MOST_ASIDE, LEAN_SIGMA = 0.3, 4.0, 5.0
"""Captured figures lean by this share of the angle that would balance them in the curve; m/s2 up to which they do;
frames of smoothing."""
UPPER_BODY = [joint for joint in range(JOINT_COUNT) if joint not in (0, 1, 2, 4, 5, 7, 8, 10, 11)]

_STIFFNESS = 80.0
"""Weight of the correction's squared velocity, beside the squared distance from the path."""
_SMOOTHNESS = 400.0
"""The same of its squared acceleration."""
_KNOT_SPACING = 4
"""Frames between two knots of the correction."""


def follow_path(
    joints: FloatArray,
    contacts: BoolArray | FloatArray | None,
    xz: FloatArray,
    lock: FootLock = FootLock.AUTO,
    facing: FloatArray | None = None,
    travel: float = 0.0,
    keep_timing: bool = False,
) -> FootLockResult:
    """Move a motion onto a path and lock its feet.

    The pelvis is within 1.6 cm of the path on average and 4.2 cm at most; bones keep their lengths.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4) in 0..1: l_ankle, l_foot, r_ankle, r_foot. None: detected from the positions.
        xz: (T, 2) metres, target of the pelvis on the floor on each frame, in the frame of the joints.
        lock: Mode of the foot lock.
        facing: (T,) radians about +Y, 0 along +Z, rising towards +X: target facing. None: along the path.
        travel: Radians about +Y from facing to travel that the prompt means (`heading_difference`).
        keep_timing: Play the motion as it is (`gait_fitting`), whatever the difference of its progress.

    Returns:
        Corrected joints and locked feet.

    Raises:
        InvalidRequest: A shape does not fit, or a number is not finite.
    """
    source, touching = checked(joints, contacts)
    path = np.asarray(xz, dtype=np.float64)
    if path.shape != (len(source), 2):
        raise InvalidRequest(f"The path must give x and z for each of the {len(source)} frames.")
    if not np.isfinite(path).all():
        raise InvalidRequest("The path holds a number that is not finite.")
    if len(source) < 4:
        return FootLockResult(_placed(source, path, np.zeros(len(source))), touching > 0.5)

    runs = run_stances(source)
    if lock is not FootLock.OFF:
        source, touching = on_floor(source, np.maximum(touching, runs), lock)
    stands = joined_stances(stance_mask(source, touching), source, touching) | runs
    at = np.arange(len(source), dtype=np.float64) if keep_timing else matching_times(source[:, 0][:, [0, 2]], path)
    if np.abs(at - np.arange(len(at))).max() > LEAST_WARP:
        source, stands = resampled_joints(source, at), stands[np.rint(at).astype(int)]
    turn = heading_difference(source, path, travel) if facing is None else turn_to(source, facing)
    sway = _about_y(_sway(source[:, 0][:, [0, 2]]), turn)
    root = path + _limited(smooth(path, 2.0) - path + sway)
    placed = _placed(source, root, turn)
    if facing is None:
        placed = leaned_into_curves(placed, path)
    if lock is FootLock.OFF:
        return FootLockResult(placed, np.zeros(stands.shape, bool))
    return lock_feet(placed, stands, turn)


def leaned_into_curves(joints: FloatArray, path: FloatArray) -> FloatArray:
    """Lean the trunk into the curves of a path, because the motion was made along a line.

    Args:
        joints: (T, 22, 3) metres, Y up, on the path.
        path: (T, 2) metres, target of the pelvis on the floor.

    Returns:
        (T, 22, 3) metres; pelvis and legs stay.
    """
    going = np.gradient(smooth(path, TRAVEL_SIGMA), axis=0) * FPS
    heading = path_headings(path)
    speed = np.linalg.norm(going, axis=-1)
    aside = speed * np.gradient(smooth(heading, LEAN_SIGMA)) * FPS  # m/s2 to the figure's left
    angle = LEAN * np.arctan2(np.clip(aside, -MOST_ASIDE, MOST_ASIDE), 9.81)
    angle = smooth(angle, LEAN_SIGMA)[:, None]
    left = np.stack([np.cos(heading), np.zeros_like(heading), -np.sin(heading)], -1)[:, None]
    up = np.array([0.0, 1.0, 0.0])
    result = joints.copy()
    arm = joints[:, UPPER_BODY] - joints[:, :1]
    height, side = arm[..., 1], (arm * left).sum(-1)
    turned_height = np.cos(angle) * height - np.sin(angle) * side
    turned_side = np.sin(angle) * height + np.cos(angle) * side
    moved = (turned_height - height)[..., None] * up + (turned_side - side)[..., None] * left
    result[:, UPPER_BODY] += moved
    return result


def matching_times(root: FloatArray, path: FloatArray) -> FloatArray:
    """Compute the time warp with which progress along the root's trajectory matches the path's.

    A smooth compromise: the motion is never played slower than 0.7 or faster than 1.4 times its own speed.

    Args:
        root: (T, 2) metres, trajectory of the pelvis on the floor.
        path: (T, 2) metres, target positions.

    Returns:
        (T,) increasing source frames from 0 to at most T - 1; 0, 1, 2, ... where a warp gains nothing.
    """
    frames = len(root)
    index = np.arange(frames, dtype=np.float64)
    walked, drawn = _progress(root), _progress(path)
    least = SLOWEST_TRAVEL * (frames - 1) / FPS
    if min(walked[-1], drawn[-1]) < max(TRAVEL, least):
        return index
    ratio = drawn[-1] / walked[-1]
    if not 0.3 < ratio < 3.0:
        return index
    pace = min(1.0, max(SLOWEST_WARP, np.sqrt(ratio / SHORT_STEPS)))
    end = pace * (frames - 1)
    scale = drawn[-1] / np.interp(end, index, walked)
    # Gauss-Newton on u = time - even time, piecewise linear between knots: the residual is the difference of progress
    # (in frames of mean speed); penalties keep u small and smooth, and u is zero at both ends.
    even = pace * index
    unit = drawn[-1] / (frames - 1)
    speed = np.gradient(walked) * scale / unit
    before, fraction, penalty = _knots(frames)
    knots: FloatArray = np.zeros(penalty.shape[1])
    for _ in range(4):
        u = _between(knots, before, fraction)
        time = np.clip(even + u, 0.0, frames - 1.0)
        slope = np.interp(time, index, speed)
        residual = (drawn - scale * np.interp(time, index, walked)) / unit
        left, to_right = slope * (1.0 - fraction), slope * fraction
        matrix = penalty.copy()
        matrix[0] += _gathered(left**2, to_right**2, before, len(knots))
        matrix[1] += _gathered(left * to_right, None, before, len(knots))
        gain = residual + slope * u
        right = _gathered(left * gain, to_right * gain, before, len(knots))
        knots[1:-1] = banded_solver.solve_banded(matrix[:, 1:-1], right[1:-1])
    u = _between(knots, before, fraction)
    rate = np.diff(even + u)
    for _ in range(8):
        rate = np.clip(rate, SLOWEST_WARP * pace, FASTEST_WARP)
        rate = rate * (end / rate.sum())
    result: FloatArray = np.minimum(np.concatenate([[0.0], np.cumsum(rate)]), frames - 1.0)
    return result


def face_direction(
    joints: FloatArray, contacts: BoolArray | FloatArray | None, facing: FloatArray, lock: FootLock = FootLock.AUTO
) -> FootLockResult:
    """Rotate a motion without a path to a target facing and lock its feet.

    The pelvis keeps its trajectory over the floor.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4) in 0..1, or None: detected from the positions.
        facing: (T,) radians about +Y, as in `follow_path`.
        lock: Mode of the foot lock.

    Returns:
        Corrected joints and locked feet.

    Raises:
        InvalidRequest: A shape does not fit, or a number is not finite.
    """
    source, touching = checked(joints, contacts)
    if lock is not FootLock.OFF:
        source, touching = on_floor(source, touching, lock)
    stands, turn = stance_mask(source, touching), turn_to(source, facing)
    placed = _placed(source, source[:, 0][:, [0, 2]], turn)
    if lock is FootLock.OFF:
        return FootLockResult(placed, np.zeros(stands.shape, bool))
    return lock_feet(placed, stands, turn)


def _progress(root: FloatArray) -> FloatArray:
    """(T,) metres travelled, without sway."""
    steps = np.linalg.norm(np.diff(smooth(root, TRAVEL_SIGMA), axis=0), axis=-1)
    return np.concatenate([[0.0], np.cumsum(steps)])


@lru_cache(maxsize=16)
def _knots(frames: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Even knots for piecewise linear functions.

    Returns the knot before each frame (T,), the fraction of the way to the next knot (T,) in 0..1, and the bands (3, K)
    of the penalty on first and second differences.
    """
    count = max(3, (frames - 1) // _KNOT_SPACING + 1)
    apart = (frames - 1.0) / (count - 1.0)
    before = np.minimum((np.arange(frames) / apart).astype(int), count - 2)
    penalty = _SMOOTHNESS / apart**3 * banded_solver.squared_differences(count, 2)
    penalty[:2] += _STIFFNESS / apart * banded_solver.squared_differences(count, 1)
    return before, np.arange(frames) / apart - before, penalty


def _between(knots: FloatArray, before: IntArray, fraction: FloatArray) -> FloatArray:
    """(T,) values of the piecewise linear function with knot values (K,)."""
    result: FloatArray = (1.0 - fraction) * knots[before] + fraction * knots[before + 1]
    return result


def _gathered(first: FloatArray, second: FloatArray | None, before: IntArray, count: int) -> FloatArray:
    """(K,) sums over frames: `first` to the knot before each frame, `second` to the knot after it."""
    result = np.bincount(before, first, count).astype(np.float64, copy=False)
    return result if second is None else result + np.bincount(before + 1, second, count)


def _sway(root: FloatArray) -> FloatArray:
    """(T, 2) metres: motion of the pelvis about its own smoothed trajectory with each step."""
    return root - smooth_curved(root, SWAY_SIGMA)


def _limited(offset: FloatArray) -> FloatArray:
    """(T, 2) offsets from the path, shortened smoothly to the allowed distance."""
    size = np.linalg.norm(offset, axis=-1, keepdims=True)
    limited = offset * (FARTHEST * np.tanh(size / FARTHEST) / np.maximum(size, 1e-9))
    mean = np.linalg.norm(limited, axis=-1).mean()
    result: FloatArray = limited * min(1.0, FARTHEST_MEAN / max(mean, 1e-9))
    return result


def _placed(joints: FloatArray, root: FloatArray, turn: FloatArray) -> FloatArray:
    """Rotate the figure about its pelvis by turn (T,) and move it to root (T, 2) on the floor."""
    out = joints.copy()
    local = joints[..., [0, 2]] - joints[:, :1, [0, 2]]
    out[..., [0, 2]] = _about_y(local, turn[:, None]) + root[:, None]
    return out


def resampled_joints(joints: FloatArray, at: FloatArray) -> FloatArray:
    """Sample joints at fractional frames; bones are interpolated by direction and length, so that none shrinks.

    Args:
        joints: (T, 22, 3) metres.
        at: (K,) frame numbers.

    Returns:
        (K, 22, 3) metres.
    """
    bones = joints.copy()
    bones[:, 1:] -= joints[:, PARENTS[1:]]
    last = len(joints) - 1
    before = np.clip(np.floor(at).astype(int), 0, last)
    t = (at - before)[:, None, None]
    p0, p1 = bones[np.maximum(before - 1, 0)], bones[before]
    p2, p3 = bones[np.minimum(before + 1, last)], bones[np.minimum(before + 2, last)]
    # Catmull-Rom interpolation keeps the speed continuous.
    between = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    length = np.linalg.norm(p1, axis=-1) * (1 - t[..., 0]) + np.linalg.norm(p2, axis=-1) * t[..., 0]
    got = np.linalg.norm(between, axis=-1)
    between[:, 1:] *= (length / np.maximum(got, 1e-9))[:, 1:, None]
    result: FloatArray = np.einsum("jk,tkc->tjc", _LINEAGE, between)
    return result


def _lineage() -> FloatArray:
    """(22, 22): row j is 1 for the bones between the root and joint j."""
    matrix = np.eye(JOINT_COUNT)
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            matrix[joint] += matrix[parent]
    return matrix


_LINEAGE = _lineage()


def _about_y(xz: FloatArray, angle: FloatArray) -> FloatArray:
    """(..., 2) x and z rotated about +Y."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * xz[..., 0] + sin * xz[..., 1], cos * xz[..., 1] - sin * xz[..., 0]], axis=-1)
