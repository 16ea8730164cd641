"""Feet that corrections have carried below the floor are raised to it. Metres, Y up."""

from __future__ import annotations

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..motion.skeleton import FOOT_JOINTS, FPS
from ..motion.smoothing import smooth, smoothstep
from .leg_ik import ANKLES, TOES, place_feet

SINKS = 0.01
"""Metres below the floor up to which a foot stays as it is."""
CLEAR, SWINGS = 0.04, (0.3, 0.9)
"""Metres above the floor to which a foot is raised that moves faster than the second speed, m/s."""
WINDOW, SIGMA = 5, 1.5
"""Frames around a foot below the floor that are raised like it, and the smoothing of that."""


def raise_feet_to_floor(joints: FloatArray, free: BoolArray) -> FloatArray:
    """Raise feet that are below y = 0.

    Args:
        joints: (T, 22, 3) metres, Y up.
        free: (T, 2) bool, left and right foot, the frames on which a foot may be moved.

    Returns:
        (T, 22, 3) float64; bones keep their lengths, and only legs move.
    """
    joints = np.asarray(joints, np.float64)
    lowest = joints[:, FOOT_JOINTS, 1].reshape(len(joints), 2, 2).min(-1)
    depth = np.where(free, np.maximum(-lowest - SINKS, 0.0), 0.0)
    if not depth.any():
        return joints
    if len(joints) > 4:  # a foot that swings does not drag over the floor
        pace = np.linalg.norm(np.gradient(joints[:, TOES][..., [0, 2]], axis=0), axis=-1) * FPS
        depth = depth + np.where(depth > 0.0, CLEAR * smoothstep(smooth(pace, 1.0), *SWINGS), 0.0)
    padded = np.pad(depth, ((WINDOW // 2, WINDOW // 2), (0, 0)), mode="edge")
    widest = np.lib.stride_tricks.sliding_window_view(padded, WINDOW, axis=0).max(-1)
    lift = np.maximum(smooth(widest, SIGMA), depth) if len(joints) > 4 else depth
    up = np.where(free, lift, 0.0)[..., None] * np.array([0.0, 1.0, 0.0])
    moved = (lift > 1e-5).any(1)
    result = joints.copy()
    result[moved] = place_feet(joints[moved], (joints[:, ANKLES] + up)[moved], (joints[:, TOES] + up)[moved])
    return result
