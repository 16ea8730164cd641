"""Quaternions to Euler angles in any of Blender's orders, unwrapped over time."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.euler_angles import euler_angles, euler_quaternions

ORDERS = ("XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX")


def ordered_euler_angles(quaternions: FloatArray, order: str) -> FloatArray:
    """Convert quaternions to Euler angles in an order, without jumps from frame to frame.

    Args:
        quaternions: (T, ..., 4) unit quaternions (w, x, y, z).
        order: Axes from the first rotation to the last, such as "ZXY", as in Blender.

    Returns:
        (T, ..., 3) radians about X, Y and Z.
    """
    relabel, about, sign = as_xyz(order)
    seen = rot.multiply(rot.multiply(relabel, quaternions), rot.inverse(relabel))
    result: FloatArray = sign * euler_angles(seen)[..., np.argsort(about)]
    return result


def quaternions_of(angles: FloatArray, order: str) -> FloatArray:
    """Convert Euler angles (..., 3) about X, Y and Z, radians, in an order to unit quaternions (..., 4)."""
    relabel, about, sign = as_xyz(order)
    seen = euler_quaternions(sign * np.asarray(angles)[..., about])
    return rot.multiply(rot.multiply(rot.inverse(relabel), seen), relabel)


def as_xyz(order: str) -> tuple[FloatArray, list[int], float]:
    """The change of axes (4,) after which an order is XYZ, the axis of each of the three angles, and their sign.

    Orders like XZY need reversed axes; otherwise the change of axes would be a reflection.
    """
    about = ["XYZ".index(axis) for axis in order]
    matrix = np.eye(3)[about]
    sign = float(np.round(np.linalg.det(matrix)))
    return rot.from_matrix(sign * matrix), about, sign
