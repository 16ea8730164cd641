"""Headings: where a figure faces, in which direction it travels, and the rotation that turns it along a path.

Angles are radians about +Y, 0 along +Z, rising towards +X. Lengths in metres, Y up, 20 fps.
"""

from __future__ import annotations

import numpy as np

from ..array_types import ComplexArray, FloatArray
from ..errors import InvalidRequest
from ..motion.skeleton import FPS
from ..motion.smoothing import smooth, smooth_curved, smoothstep

MOVING = (0.2, 0.35)
"""m/s below which a direction of travel is meaningless, and above which it has full weight."""
PULL, PULL_WITHIN = 0.65, (0.6, 1.2)
"""Share of the difference between the figure's own angle of travel and the prompt's by which the figure is turned.

The share fades out over the second range of differences, radians: a figure that plainly travels otherwise keeps its
angle.
"""

TRAVEL_SIGMA, SWAY_SIGMA = 6.0, 8.0
"""Frames of smoothing: of travel, and of the sway of hips."""
DIRECTION_SIGMA, TURN_SIGMA = 4.0, 3.0
"""Frames of smoothing of the direction of travel and of rotations: more, and figures look out of tight curves."""


def heading_difference(joints: FloatArray, path: FloatArray, travel: float = 0.0) -> FloatArray:
    """Rotation with which the figure travels along the path as it travelled along its own trajectory.

    The angle between facing and travel is the figure's own, so that a figure that walks backwards or sideways still
    does. Where the path moves and the figure hardly does, the angle of the frames around is used. Where the path
    stands, the rotation is interpolated, and the figure may turn on the spot.

    Args:
        joints: (T, 22, 3) metres, Y up.
        path: (T, 2) metres, target of the pelvis on the floor.
        travel: Radians about +Y from facing to travel that the prompt means.

    Returns:
        (T,) radians about +Y.
    """
    _, drawn_weight = _direction(path)
    if drawn_weight.sum() < 5.0:
        return np.zeros(len(path))
    facing = facing_angles(joints)
    wanted = path_headings(path) - travel_angles(joints, facing, drawn_weight, travel)
    turn = wanted - facing
    measured = np.flatnonzero(drawn_weight > 0.5 * drawn_weight.max())
    # Unwrapped over the measured frames, so that turning back on the spot takes the time of the gap.
    turn = smooth(np.interp(np.arange(len(path)), measured, np.unwrap(turn[measured])), TURN_SIGMA)
    result: FloatArray = turn - 2.0 * np.pi * np.round(turn[measured[0]] / (2.0 * np.pi))
    return result


def travel_angles(joints: FloatArray, facing: FloatArray, counts: FloatArray, travel: float = 0.0) -> FloatArray:
    """Angle from facing to the direction of travel, interpolated where the figure hardly moves.

    The angle of the motion is moved two thirds of the way to `travel`, if it is not far from it.

    Args:
        joints: (T, 22, 3) metres, Y up.
        facing: (T,) radians about +Y, from `facing_angles`.
        counts: (T,) 0..1, weights of the frames.
        travel: Radians about +Y from facing to travel that the prompt means; the angle of a figure that never moves.

    Returns:
        (T,) radians about +Y, smooth.
    """
    own, weight = _direction(joints[:, 0][:, [0, 2]])
    weight = weight * counts
    if weight.sum() < 5.0:
        return np.full(len(joints), travel)
    measured = np.flatnonzero(weight > 0.5 * weight.max())
    angle = np.unwrap(np.angle(own[measured] * np.exp(-1j * facing[measured])))
    off = np.angle(np.exp(1j * (angle - travel)))
    angle = angle - PULL * off * (1.0 - smoothstep(np.abs(off), *PULL_WITHIN))
    return smooth(np.interp(np.arange(len(joints)), measured, angle), TRAVEL_SIGMA)


def path_headings(path: FloatArray) -> FloatArray:
    """Direction of a path, interpolated where the path stands.

    Args:
        path: (T, 2) metres, x and z for each frame.

    Returns:
        (T,) radians about +Y, 0 along +Z, rising towards +X, unwrapped; 0 for a path that never moves.
    """
    direction, weight = _direction(np.asarray(path, np.float64))
    if weight.max() <= 0.0:
        return np.zeros(len(path))
    moving = np.flatnonzero(weight > 0.5 * weight.max())
    return np.interp(np.arange(len(path)), moving, np.unwrap(np.angle(direction[moving])))


def facing_angles(joints: FloatArray) -> FloatArray:
    """Facing direction of hips and shoulders without the sway of each step.

    Args:
        joints: (T, 22, 3) metres, Y up.

    Returns:
        (T,) radians about +Y, 0 along +Z, unwrapped: the `facing` of `follow_path`.
    """
    own = np.unwrap(np.angle(_facing(np.asarray(joints, np.float64))))
    return smooth_curved(own, SWAY_SIGMA) if len(own) > 8 else own


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


def _direction(xz: FloatArray) -> tuple[ComplexArray, FloatArray]:
    """Direction of travel (T,) as unit complex numbers z + i x, and its weight (T,) in 0..1."""
    velocity = np.gradient(smooth(xz, DIRECTION_SIGMA), axis=0) * FPS
    complex_velocity = velocity[:, 1] + 1j * velocity[:, 0]
    speed = np.abs(complex_velocity)
    return complex_velocity / np.maximum(speed, 1e-9), smoothstep(speed, *MOVING)


def _facing(joints: FloatArray) -> ComplexArray:
    """(T,) facing direction of hips and shoulders, as unit complex numbers z + i x."""
    across = joints[:, 1] - joints[:, 2] + joints[:, 16] - joints[:, 17]
    forward = across[:, 0] - 1j * across[:, 2]
    result: ComplexArray = forward / np.maximum(np.abs(forward), 1e-9)
    return result
