"""Quality measures of a motion: path error, foot skate, floor penetration, smoothness, self-penetration.

All functions take joints (T, 22, 3), metres, Y up, in HumanML3D's order, at 20 fps unless `fps` is given.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..errors import InvalidRequest
from .foot_contacts import floor_height, foot_contacts
from .motion import Motion
from .self_penetration import overlap
from .skeleton import FOOT_JOINTS, FPS, L_FOOT, R_FOOT

SKATE_HEIGHT = 0.05
"""Metres above the floor below which a foot counts as standing."""
SKATE_STEP = 0.025
"""Metres a frame at 20 fps from which a standing foot slides."""


class PathError(NamedTuple):
    """Horizontal distances, metres."""

    mean: float
    max: float


def path_error(joints: FloatArray, xz: FloatArray) -> PathError:
    """Horizontal distance from the pelvis to its position on a timed path.

    Args:
        joints: (T, 22, 3) metres, Y up.
        xz: (T, 2) metres, (x, z) for each frame.

    Returns:
        Mean and maximum over the frames.

    Raises:
        InvalidRequest: The path has another number of frames or another shape.
    """
    root, xz = _root_and_path(joints, xz)
    if len(root) != len(xz):
        raise InvalidRequest(f"The path has {len(xz)} frames, the motion {len(root)}.")
    distance = np.linalg.norm(root - xz, axis=-1)
    return PathError(float(distance.mean()), float(distance.max()))


def distance_to_curve(joints: FloatArray, xz: FloatArray) -> PathError:
    """Horizontal distance from the pelvis to the nearest point of a polyline, whatever the timing.

    Args:
        joints: (T, 22, 3) metres, Y up.
        xz: (N, 2) metres, vertices (x, z) of the polyline.

    Returns:
        Mean and maximum over the frames.

    Raises:
        InvalidRequest: The path has another shape.
    """
    root, xz = _root_and_path(joints, xz)
    if len(xz) == 1:
        xz = np.repeat(xz, 2, axis=0)
    start, along = xz[:-1], np.diff(xz, axis=0)
    length2 = np.maximum((along**2).sum(-1), 1e-18)
    offset = root[:, None] - start[None]
    fraction = np.clip((offset * along).sum(-1) / length2, 0.0, 1.0)
    distance = np.linalg.norm(offset - fraction[..., None] * along, axis=-1).min(axis=1)
    return PathError(float(distance.mean()), float(distance.max()))


def foot_skate(joints: FloatArray, contacts: BoolArray | FloatArray | None = None, fps: float = FPS) -> float:
    """Mean horizontal speed of foot joints during contact.

    A step from one frame to the next counts if the joint is in contact on both.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4): l_ankle, l_foot, r_ankle, r_foot; more than 0.5 is contact. None: `foot_contacts`.
        fps: Frames per second.

    Returns:
        cm/s; 0 without any contact.

    Raises:
        InvalidRequest: `contacts` has another shape.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, FOOT_JOINTS][..., [0, 2]]
    touching = foot_contacts(joints, fps) if contacts is None else np.asarray(contacts, dtype=np.float64) > 0.5
    if touching.shape != feet.shape[:2]:
        raise InvalidRequest("Contacts must be given as frames x 4 foot joints.")
    both = touching[1:] & touching[:-1]
    if not both.any():
        return 0.0
    return float(np.linalg.norm(np.diff(feet, axis=0), axis=-1)[both].mean() * fps * 100.0)


def skating_ratio(joints: FloatArray, fps: float = FPS) -> float:
    """Fraction of frames in which a foot slides.

    A foot slides if it is below 5 cm before and after a step of more than 2.5 cm at 20 fps, as in GMD (Karunratanakul
    et al. 2023), with heights above the motion's own floor.

    Args:
        joints: (T, 22, 3) metres, Y up.
        fps: Frames per second.

    Returns:
        0..1.
    """
    feet = np.asarray(joints, dtype=np.float64)[:, [L_FOOT, R_FOOT]]
    if len(feet) < 2:
        return 0.0
    low = feet[..., 1] - floor_height(joints) < SKATE_HEIGHT
    far = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) * (fps / FPS) > SKATE_STEP
    return float((far & low[1:] & low[:-1]).any(axis=1).mean())


def floor_penetration(joints: FloatArray, floor: float = 0.0) -> float:
    """Mean depth of the lowest joint below the floor.

    Args:
        joints: (T, 22, 3) metres, Y up.
        floor: Height of the floor, metres.

    Returns:
        Metres, mean over all frames; frames above the floor count as 0.
    """
    return float(np.maximum(floor - np.asarray(joints, dtype=np.float64)[..., 1].min(axis=1), 0.0).mean())


def jerk(joints: FloatArray, fps: float = FPS) -> float:
    """Mean norm of the third derivative of all joint positions.

    Args:
        joints: (T, J, 3) metres.
        fps: Frames per second.

    Returns:
        m/s3; 0 for fewer than four frames.
    """
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(joints, n=3, axis=0), axis=-1).mean() * fps**3)


def held_skate(joints: FloatArray, contacts: FloatArray, fps: float = FPS) -> float:
    """Mean slide of foot joints per frame at 20 fps during the motion's own contacts.

    Args:
        joints: (T, 22, 3) metres, Y up.
        contacts: (T, 4): l_ankle, l_foot, r_ankle, r_foot; more than 0.5 is contact.
        fps: Frames per second.

    Returns:
        Millimetres per frame; 0 without any contact.
    """
    return foot_skate(joints, contacts, fps) * 10.0 / FPS


def twitch(joints: FloatArray, fps: float = FPS) -> float:
    """99th percentile of the knees' angular acceleration, which pops of a foot lock increase.

    Args:
        joints: (T, 22, 3) metres.
        fps: Frames per second.

    Returns:
        rad/s2; 0 for fewer than three frames.
    """
    joints = np.asarray(joints, dtype=np.float64)
    if len(joints) < 3:
        return 0.0
    angles = []
    for hip, knee, ankle in ((1, 4, 7), (2, 5, 8)):
        thigh, shin = joints[:, hip] - joints[:, knee], joints[:, ankle] - joints[:, knee]
        size = np.linalg.norm(thigh, axis=-1) * np.linalg.norm(shin, axis=-1)
        angles.append(np.arccos(np.clip((thigh * shin).sum(-1) / np.maximum(size, 1e-9), -1.0, 1.0)))
    return float(np.percentile(np.abs(np.diff(np.stack(angles, 1), n=2, axis=0)), 99) * fps**2)


def pin_errors(joints: FloatArray, positions: FloatArray, mask: BoolArray) -> FloatArray:
    """Distance from each pinned joint to its pin, over the coordinates that are pinned.

    Args:
        joints: (T, 22, 3) metres.
        positions: (T, 22, 3) metres, in the frame of `joints`.
        mask: (T, 22, 3) bool, the pinned coordinates.

    Returns:
        (T, 22) metres; NaN where nothing is pinned.
    """
    mask = np.asarray(mask, bool)
    offset = np.where(mask, np.asarray(joints, np.float64) - positions, 0.0)
    return np.where(mask.any(-1), np.linalg.norm(offset, axis=-1), np.nan)


def quality(
    motion: Motion, xz: FloatArray | None = None, pins: tuple[FloatArray, BoolArray] | None = None
) -> dict[str, float]:
    """Compute all measures of a motion.

    The floor is the plane y = 0. `foot_skate_cm_s` and `skating_ratio` detect contacts from the positions, so that
    motions of any source compare; `held_skate_mm` uses the motion's own contacts. `overlap_cm` is the mean depth of
    self-penetration over the frames, `overlap_share` the fraction of frames deeper than 1 cm.

    Args:
        motion: The motion.
        xz: (T, 2) metres, the path to follow.
        pins: Positions and mask, (T, 22, 3) each, as in `Hints`.

    Returns:
        Values by name; the name ends with the unit.

    Raises:
        InvalidRequest: The path does not fit the motion.
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
        pin_distance = pin_errors(joints, *pins)
        if np.isfinite(pin_distance).any():
            figures |= {
                "pin_mean_cm": float(np.nanmean(pin_distance)) * 100.0,
                "pin_max_cm": float(np.nanmax(pin_distance)) * 100.0,
            }
    return figures


def _root_and_path(joints: FloatArray, xz: FloatArray) -> tuple[FloatArray, FloatArray]:
    root = np.asarray(joints, dtype=np.float64)[:, 0][:, [0, 2]]
    xz = np.asarray(xz, dtype=np.float64)
    if xz.ndim != 2 or xz.shape[1] != 2 or len(xz) == 0:
        raise InvalidRequest("A ground path must give x and z for each frame.")
    return root, xz
