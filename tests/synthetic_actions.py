"""Single actions made by formula: a figure that stands, turns, kicks, raises an arm or a knee, jumps.

60 frames (jumps 100), (T, 22, 3) metres, Y up, facing +Z in the first frame.
"""

from __future__ import annotations

import numpy as np

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.skeleton import JOINTS, PELVIS_HEIGHT
from tests.synthetic_motion import pose

_X, _Y, _Z = np.eye(3)
J = {name: index for index, name in enumerate(JOINTS)}


def about(axis: np.ndarray, angles: np.ndarray) -> np.ndarray:
    return rot.from_axis_angle(np.broadcast_to(axis, (len(angles), 3)), angles)


def still(frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Root (T, 3) and local rotations (T, 22, 4) of a figure that stands, arms hanging."""
    local = np.zeros((frames, 22, 4))
    local[..., 0] = 1.0
    local[:, J["l_shoulder"]] = about(_Z, np.full(frames, -1.3))
    local[:, J["r_shoulder"]] = about(_Z, np.full(frames, 1.3))
    return np.tile([0.0, PELVIS_HEIGHT, 0.0], (frames, 1)), local


def bump(frames: int, middle: int, half: int) -> np.ndarray:
    """(T,) 0, a smooth rise to 1 at the middle frame, and back to 0."""
    away = np.clip(np.abs(np.arange(frames) - middle) / half, 0.0, 1.0)
    return 0.5 + 0.5 * np.cos(np.pi * away)


def standing() -> np.ndarray:
    return pose(*still())


def turning(degrees: float) -> np.ndarray:
    root, local = still()
    local[:, 0] = about(_Y, np.radians(degrees) * np.clip((np.arange(60) - 15) / 30, 0, 1))
    return pose(root, local)


def kicking(half: int = 6) -> np.ndarray:
    """The left leg swings forward to 80 degrees and back, `half` frames each way."""
    root, local = still()
    local[:, J["l_hip"]] = about(_X, -np.radians(80) * bump(60, 30, half))
    return pose(root, local)


def raising_arm() -> np.ndarray:
    root, local = still()
    local[:, J["l_shoulder"]] = about(_Z, -1.3 + 2.3 * bump(60, 30, 15))
    return pose(root, local)


def raising_knee() -> np.ndarray:
    root, local = still()
    local[:, J["l_hip"]] = about(_X, -1.5 * bump(60, 30, 20))
    local[:, J["l_knee"]] = about(_X, 1.5 * bump(60, 30, 20))
    return pose(root, local)


def jumping(times: int, height: float = 0.25) -> np.ndarray:
    """Straight up and down, a third of a second in the air each time."""
    root, local = still(100)
    rise = sum((height * bump(100, 20 + 25 * k, 5) for k in range(times)), np.zeros(100))
    root[:, 1] += rise
    return pose(root, local)
