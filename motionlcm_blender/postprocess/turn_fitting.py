"""A turn made as wide as the prompt names it.

The network turns too far or not far enough: on "a person turns left" by 214 to 234 degrees in four takes, on "turns
around" by 146 to 185. When it turns to the named side, the change of its heading is scaled.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..motion.smoothing import smoothstep
from .headings import facing_angles
from .leg_ik import rotated_about_y

LEAST = np.radians(30.0)
"""A motion that turns by less is left as it is."""
SCALES = (0.24, 2.0)
"""Limits of the factor of a turn."""
CLOSE = 0.08
"""A turn this near to the named one, as a share, is left as it is."""
FADE = 10
"""Frames from the first one, which stays, to the first with the whole difference."""


def turn_difference(joints: FloatArray, angle: float, side: int) -> FloatArray | None:
    """Rotation of each frame that makes the turn of a motion as wide as named.

    Args:
        joints: (T, 22, 3) metres, Y up.
        angle: Radians of the named turn, above 0.
        side: 1 to the left, -1 to the right, 0: as the motion turns.

    Returns:
        (T,) radians about +Y, 0 on the first frame; None if the motion does not turn, turns to the other side, is too
        far from the named turn, or fits it.
    """
    facing = facing_angles(joints)
    turned = float(facing[-5:].mean() - facing[:3].mean())
    if abs(turned) < LEAST or (side and np.sign(turned) != side):
        return None
    scale = angle / abs(turned)
    if abs(scale - 1.0) < CLOSE or not SCALES[0] <= scale <= SCALES[1]:
        return None
    fade = smoothstep(np.arange(len(facing)), 0.0, FADE)
    difference: FloatArray = (scale - 1.0) * (facing - facing[:3].mean()) * fade
    return difference


def turned(joints: FloatArray, difference: FloatArray) -> FloatArray:
    """Rotate each frame about its pelvis, and the way of the pelvis with it.

    Args:
        joints: (T, 22, 3) metres, Y up.
        difference: (T,) radians about +Y.

    Returns:
        (T, 22, 3) float64 metres; the first pelvis stays.
    """
    joints = np.asarray(joints, np.float64)
    root = joints[:, :1]
    result = rotated_about_y(joints - root * [1.0, 0.0, 1.0], difference[:, None])
    steps = rotated_about_y(np.diff(root, axis=0), 0.5 * (difference[1:] + difference[:-1])[:, None])
    way = np.concatenate([root[:1], root[:1] + np.cumsum(steps, axis=0)])
    result[..., [0, 2]] += way[..., [0, 2]]
    return result
