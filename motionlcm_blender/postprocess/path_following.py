"""Path following: move a motion exactly onto its path.

The network follows a path only roughly: its root drifts, its speed differs, its heading lags. The steps, in this
order: retime the motion so that its progress matches the path's; rotate it by the difference between its own direction
of travel and the path's; move it onto the path with its natural sway; lock the feet. Only differences are applied, so
a figure that walks backwards or sideways still does. Lengths in metres, Y up, 20 fps.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..array_types import BoolArray, ComplexArray, FloatArray, IntArray
from ..errors import InvalidRequest
from ..motion import banded_solver
from ..motion.foot_contacts import stance_mask
from ..motion.skeleton import FPS, JOINT_COUNT, PARENTS
from ..motion.smoothing import smooth, smooth_curved, smoothstep
from .foot_lock import FootLock, FootLockResult, checked, lock_feet, on_floor

FARTHEST, FARTHEST_MEAN = 0.042, 0.016
"""Largest and mean distance of the pelvis from the path, metres."""
SLOWEST_WARP, FASTEST_WARP = 0.7, 1.4
"""Limits of the playback speed of the body's motion."""
LEAST_WARP = 0.5
"""Frames: a motion whose progress never differs from the path's by more keeps its own timing."""
MOVING = (0.2, 0.35)
"""m/s below which a direction of travel is meaningless, and above which it has full weight."""
TRAVEL, SLOWEST_TRAVEL = 0.5, 0.3
"""Metres, and mean speed in m/s: motions and paths below either do not travel and keep their timing."""
SHORT_STEPS = 0.8
"""Ratio of path to walked distance down to which steps are only shortened; below it they also become slower."""

_TRAVEL_SIGMA = 6.0
_SWAY_SIGMA = 8.0
_TURN_SIGMA = 5.0
_STIFFNESS = 80.0
_SMOOTHNESS = 400.0
_KNOT_SPACING = 4


def follow_path(
    joints: FloatArray,
    contacts: BoolArray | FloatArray | None,
    xz: FloatArray,
    lock: FootLock = FootLock.AUTO,
    facing: FloatArray | None = None,
) -> FootLockResult:
    """Move a motion onto a path and lock its feet.

    The pelvis is within 1.6 cm of the path on average and 4.2 cm at most; bones keep their lengths.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4) in 0..1: l_ankle, l_foot, r_ankle, r_foot. None: detected from the positions.
        xz: (T, 2) metres, target of the pelvis on the floor on each frame, in the frame of the joints.
        lock: Mode of the foot lock.
        facing: (T,) radians about +Y, 0 along +Z, rising towards +X: target facing. None: along the path.

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

    if lock is not FootLock.OFF:
        source, touching = on_floor(source, touching, lock)
    stands = stance_mask(source, touching)
    at = matching_times(source[:, 0][:, [0, 2]], path)
    if np.abs(at - np.arange(len(at))).max() > LEAST_WARP:
        source, stands = resampled_joints(source, at), stands[np.rint(at).astype(int)]
    turn = heading_difference(source, path) if facing is None else turn_to(source, facing)
    sway = _about_y(_sway(source[:, 0][:, [0, 2]]), turn)
    root = path + _limited(smooth(path, 2.0) - path + sway)
    placed = _placed(source, root, turn)
    if lock is FootLock.OFF:
        return FootLockResult(placed, np.zeros(stands.shape, bool))
    return lock_feet(placed, stands, turn)


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


def heading_difference(joints: FloatArray, path: FloatArray) -> FloatArray:
    """Rotation with which the figure travels along the path as it travelled along its own trajectory.

    Measured where both move; interpolated smoothly where either stands. A figure that never moves is rotated with the
    path from the path's first heading on.

    Args:
        joints: (T, 22, 3) metres, Y up.
        path: (T, 2) metres, target of the pelvis on the floor.

    Returns:
        (T,) radians about +Y.
    """
    own, own_weight = _direction(joints[:, 0][:, [0, 2]])
    drawn, drawn_weight = _direction(path)
    weight = own_weight * drawn_weight
    difference = drawn * own.conj()
    if weight.sum() < 5.0:
        if drawn_weight.sum() < 5.0:
            return np.zeros(len(path))
        facing = _facing(joints)
        difference, weight = drawn * (facing * facing[0].conj()).conj(), drawn_weight
        difference = difference * (drawn[np.argmax(drawn_weight > 0.5)]).conj()
    measured = np.flatnonzero(weight > 0.5 * weight.max())
    # Unwrapped over the measured frames, so that turning back on the spot takes the time of the gap.
    return smooth(np.interp(np.arange(len(path)), measured, np.unwrap(np.angle(difference[measured]))), _TURN_SIGMA)


def facing_angles(joints: FloatArray) -> FloatArray:
    """Facing direction of hips and shoulders without the sway of each step.

    Args:
        joints: (T, 22, 3) metres, Y up.

    Returns:
        (T,) radians about +Y, 0 along +Z, unwrapped: the `facing` of `follow_path`.
    """
    own = np.unwrap(np.angle(_facing(np.asarray(joints, np.float64))))
    return smooth_curved(own, _SWAY_SIGMA) if len(own) > 8 else own


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


def turn_to(joints: FloatArray, facing: FloatArray) -> FloatArray:
    """Rotation to a target facing that keeps the figure's own sway of the hips.

    Args:
        joints: (T, 22, 3) metres, Y up.
        facing: (T,) radians about +Y.

    Returns:
        (T,) radians about +Y.

    Raises:
        InvalidRequest: `facing` is not one finite angle for each frame.
    """
    wanted = np.asarray(facing, dtype=np.float64)
    if wanted.shape != (len(joints),) or not np.isfinite(wanted).all():
        raise InvalidRequest(f"The direction to face must be one angle for each of the {len(joints)} frames.")
    turn = np.unwrap(wanted) - facing_angles(joints)
    result: FloatArray = turn - 2.0 * np.pi * np.round(turn[0] / (2.0 * np.pi))
    return result


def _progress(root: FloatArray) -> FloatArray:
    """(T,) metres travelled, without sway."""
    steps = np.linalg.norm(np.diff(smooth(root, _TRAVEL_SIGMA), axis=0), axis=-1)
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


def _direction(xz: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """Direction of travel (T,) as unit complex numbers z + i x, and its weight (T,) in 0..1."""
    velocity = np.gradient(smooth(xz, _TRAVEL_SIGMA), axis=0) * FPS
    complex_velocity = velocity[:, 1] + 1j * velocity[:, 0]
    speed = np.abs(complex_velocity)
    return complex_velocity / np.maximum(speed, 1e-9), smoothstep(speed, *MOVING)


def _facing(joints: FloatArray) -> ComplexArray:
    """(T,) facing direction of hips and shoulders, as unit complex numbers z + i x."""
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]
    forward = across[:, 0] - 1j * across[:, 2]
    result: ComplexArray = forward / np.maximum(np.abs(forward), 1e-9)
    return result


def _sway(root: FloatArray) -> FloatArray:
    """(T, 2) metres: motion of the pelvis about its own smoothed trajectory with each step."""
    return root - smooth_curved(root, _SWAY_SIGMA)


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
