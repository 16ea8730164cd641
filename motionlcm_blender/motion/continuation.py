"""A motion that begins exactly with given frames: what the network leaves open is closed over half a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from . import rotations as rot
from .features import facing, onto_skeleton

FADE_FRAMES = 10
"""Frames after the given ones over which the difference fades out."""


def at_origin(joints: ArrayLike) -> np.ndarray:
    """The same motion with its first root at the XZ origin and facing +Z in the first frame; heights stay.

    joints: (T, 22, 3) metres. Returns float64 of the same shape.
    """
    joints = np.asarray(joints, dtype=np.float64)
    origin = joints[0, 0] * (1.0, 0.0, 1.0)
    return rot.rotate(facing(joints[:1], smooth=False)[0], joints - origin)


def begin_with(joints: ArrayLike, start: ArrayLike, fade: int = FADE_FRAMES) -> np.ndarray:
    """Let a motion begin with the frames of another.

    joints: (T, 22, 3) metres, a motion made to begin like `start`; start: (n, 22, 3), n < T, from anywhere.
    The first n frames of the result are those of `start`, put with the first root at the XZ origin and facing +Z; after
    them the difference in position and in velocity at the seam fades out smoothly, bone lengths kept.
    Returns (T, 22, 3) float64. Raises ValueError if `start` is not shorter than the motion or has fewer than 2 frames.
    """
    made, given = np.asarray(joints, dtype=np.float64), at_origin(start)
    count = len(given)
    if not 2 <= count < len(made):
        raise ValueError("The start must have at least two frames and fewer than the motion.")
    away = given[-1] - made[count - 1]
    drift = away - (given[-2] - made[count - 2])
    after = np.arange(1, len(made) - count + 1)
    part = np.clip(1.0 - after / (fade + 1.0), 0.0, 1.0)
    smooth = part * part * (3.0 - 2.0 * part)
    result = made.copy()
    # The difference goes on for a moment as it was going, so that speeds do not jump, and dies away.
    carried = away + drift * (after * part)[:, None, None]
    result[count:] += smooth[:, None, None] * carried
    result[count:] = _with_lengths_of(result[count:], made[count:])
    result[:count] = given
    return result


def _with_lengths_of(joints: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Bones of `joints` in their directions, as long as those of the standard skeleton; the root stays."""
    fixed: np.ndarray = onto_skeleton(joints, ratio=1.0)
    fixed += joints[:, :1] - fixed[:, :1]
    return fixed
