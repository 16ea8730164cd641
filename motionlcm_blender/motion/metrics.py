"""Numbers that tell how good a motion is: does it keep to its path, do its feet slide, is it smooth.

All of them take joints (T, 22, 3), metres, Y up, in HumanML3D's order, at 20 fps unless told.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InvalidRequest
from .foot_contacts import floor_height, foot_contacts
from .motion import Motion
from .self_penetration import overlap
from .skeleton import FOOT_JOINTS, FPS, L_FOOT, R_FOOT

SKATE_HEIGHT = 0.05
SKATE_STEP = 0.025


class PathError(NamedTuple):
    """Distances on the floor, metres."""

    mean: float
    max: float


def path_error(joints: np.ndarray, xz: np.ndarray) -> PathError:
    """Distance on the floor from the pelvis to where it should be on that frame. xz: (T, 2) metres."""
    root, xz = _root_and_path(joints, xz)
    if len(root) != len(xz):
        raise InvalidRequest(f"The path has {len(xz)} frames, the motion {len(root)}.")
    away = np.linalg.norm(root - xz, axis=-1)
    return PathError(float(away.mean()), float(away.max()))


def distance_to_curve(joints: np.ndarray, xz: np.ndarray) -> PathError:
    """Distance on the floor from the pelvis to the nearest place of the polyline xz (N, 2), whatever the timing."""
    root, xz = _root_and_path(joints, xz)
    if len(xz) == 1:
        xz = np.repeat(xz, 2, axis=0)
    start, along = xz[:-1], np.diff(xz, axis=0)
    length2 = np.maximum((along**2).sum(-1), 1e-18)
    offset = root[:, None] - start[None]
    share = np.clip((offset * along).sum(-1) / length2, 0.0, 1.0)
    away = np.linalg.norm(offset - share[..., None] * along, axis=-1).min(axis=1)
    return PathError(float(away.mean()), float(away.max()))


def foot_skate(joints: np.ndarray, contacts: np.ndarray | None = None, fps: float = FPS) -> float:
    """Mean horizontal speed, cm/s, of foot joints while in contact; 0 if there is no contact.

    contacts: (T, 4), l_ankle, l_foot, r_ankle, r_foot, more than 0.5 is contact; None: `foot_contacts`.
    A step from one frame to the next counts if the joint is in contact on both.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS][..., [0, 2]]
    touching = foot_contacts(joints, fps) if contacts is None else np.asarray(contacts) > 0.5
    if touching.shape != feet.shape[:2]:
        raise InvalidRequest("Contacts must be given as frames x 4 foot joints.")
    both = touching[1:] & touching[:-1]
    if not both.any():
        return 0.0
    return float(np.linalg.norm(np.diff(feet, axis=0), axis=-1)[both].mean() * fps * 100.0)


def skating_ratio(joints: np.ndarray, fps: float = FPS) -> float:
    """Share of frames in which either foot slides: below 5 cm before and after a step of more than 2.5 cm at 20 fps.

    As in GMD (Karunratanakul et al. 2023), with heights above the motion's own floor.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, [L_FOOT, R_FOOT]]
    if len(feet) < 2:
        return 0.0
    low = feet[..., 1] - floor_height(joints) < SKATE_HEIGHT
    far = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * (fps / FPS) > SKATE_STEP
    return float((far & low[1:] & low[:-1]).any(axis=1).mean())


def floor_penetration(joints: np.ndarray, floor: float = 0.0) -> float:
    """Metres: how far the lowest joint is below the floor, mean over all frames (0 where it is above)."""
    return float(np.maximum(floor - np.asarray(joints, dtype=np.float64)[..., 1].min(axis=1), 0.0).mean())


def jerk(joints: np.ndarray, fps: float = FPS) -> float:
    """Mean size of the third derivative of all joint positions, m/s3; 0 for fewer than four frames."""
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(joints, n=3, axis=0), axis=-1).mean() * fps**3)


def held_skate(joints: np.ndarray, contacts: np.ndarray, fps: float = FPS) -> float:
    """Millimetres per frame at 20 fps by which foot joints slide over the floor while they are said to stand.

    contacts: (T, 4), l_ankle, l_foot, r_ankle, r_foot, more than 0.5 is contact. 0 where nothing stands.
    """
    return foot_skate(joints, contacts, fps) * 10.0 / FPS


def twitch(joints: np.ndarray, fps: float = FPS) -> float:
    """rad/s2: the 99th percentile of the knees' angular acceleration, which pops of a foot lock raise."""
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 3:
        return 0.0
    angles = []
    for hip, knee, ankle in ((1, 4, 7), (2, 5, 8)):
        thigh, shin = joints[:, hip] - joints[:, knee], joints[:, ankle] - joints[:, knee]
        size = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        angles.append(np.arccos(np.clip((thigh * shin).sum(-1) / np.maximum(size, 1e-9), -1.0, 1.0)))
    return float(np.percentile(np.abs(np.diff(np.stack(angles, 1), n=2, axis=0)), 99) * fps**2)


def pin_errors(joints: np.ndarray, positions: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(T, 22) metres from each pinned joint to its pin, over the coordinates that are given; NaN where nothing is."""
    mask = np.asarray(mask, bool)
    away = np.where(mask, np.asarray(joints, np.float64) - positions, 0.0)
    return np.where(mask.any(-1), np.linalg.norm(away, axis=-1), np.nan)


def quality(
    motion: Motion, xz: np.ndarray | None = None, pins: tuple[np.ndarray, np.ndarray] | None = None
) -> dict[str, float]:
    """All figures of a motion by name, their unit in the name.

    xz: (T, 2) metres, the path it should keep to; pins: positions and mask (T, 22, 3) as in `Hints`.
    The floor is the plane y = 0. `foot_skate_cm_s` and `skating_ratio` tell contacts from the positions, so that
    motions from anywhere compare; `held_skate_mm` is of the motion's own contacts. `overlap_cm` is the mean over the
    frames of how deep limbs run through the body, `overlap_share` how many frames they do by a centimetre or more.
    """
    joints = motion.joints
    deep = overlap(joints)
    figures = {
        "foot_skate_cm_s": foot_skate(joints, fps=motion.fps),
        "held_skate_mm": held_skate(joints, motion.contacts, motion.fps),
        "skating_ratio": skating_ratio(joints, fps=motion.fps),
        "floor_penetration_cm": floor_penetration(joints) * 100.0,
        "jerk_m_s3": jerk(joints, fps=motion.fps),
        "knee_twitch_rad_s2": twitch(joints, motion.fps),
        "overlap_cm": float(deep.mean()) * 100.0,
        "overlap_share": float((deep > 0.01).mean()),
    }
    if xz is not None:
        error, curve = path_error(joints, xz), distance_to_curve(joints, xz)
        figures |= {
            "path_mean_cm": error.mean * 100.0,
            "path_max_cm": error.max * 100.0,
            "curve_mean_cm": curve.mean * 100.0,
            "curve_max_cm": curve.max * 100.0,
        }
    if pins is not None:
        away = pin_errors(joints, *pins)
        if np.isfinite(away).any():
            figures |= {"pin_mean_cm": float(np.nanmean(away)) * 100.0, "pin_max_cm": float(np.nanmax(away)) * 100.0}
    return figures


def _root_and_path(joints: np.ndarray, xz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    root = np.asarray(joints, dtype=np.float64)[:, 0][:, [0, 2]]
    xz = np.asarray(xz, dtype=np.float64)
    if xz.ndim != 2 or xz.shape[1] != 2 or len(xz) == 0:
        raise InvalidRequest("A ground path must give x and z for each frame.")
    return root, xz
