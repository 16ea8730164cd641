"""Adaptation of a motion on a level floor to uneven ground.

Each foot is raised to the ground where it stands and swings from there to the ground of its next position. The pelvis
follows both, slightly nearer to the lower foot so that its leg reaches. Metres, Y up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray
from ..errors import InvalidRequest
from ..motion.skeleton import L_ANKLE, L_FOOT, R_ANKLE, R_FOOT
from ..motion.smoothing import smooth
from .correction_splines import smoothing_spline
from .foot_lock import FIRM, checked, stance_labels
from .leg_ik import solve_legs

EVEN, STEEPEST = 0.015, 0.6
"""Metres by which ground under a foot may curve and still count as a slope; the largest tilt of a foot, radians."""
CLEARANCE = 0.03
"""Minimum height, metres, of a swinging foot above ground that rises under it."""
_LOOSE = 0.02
"""Weight of the ground's height for a swinging foot, beside `FIRM` for a standing one."""
_LOWER = 0.25
"""Fraction of the height difference of both feet's ground by which the pelvis is nearer to the lower one."""


class Ground(Protocol):
    """Ground with one height at every position."""

    def heights(self, xz: FloatArray) -> FloatArray:
        """Heights (...), metres above the motion's floor, at positions (..., 2), (x, z) in metres, engine axes."""
        ...


@dataclass(frozen=True, eq=False)
class HeightField:
    """Heights on a grid with bilinear interpolation, constant beyond the edges.

    Attributes:
        corner: (2,) x and z of grid[0, 0], metres.
        step: Metres between grid points.
        grid: (X, Z) heights, metres.

    Raises:
        InvalidRequest: Fewer than 2 x 2 heights, or a height that is not finite.
    """

    corner: FloatArray
    step: float
    grid: FloatArray

    def __post_init__(self) -> None:
        grid = np.asarray(self.grid, dtype=np.float64)
        if grid.ndim != 2 or min(grid.shape) < 2 or not np.isfinite(grid).all() or not self.step > 0:
            raise InvalidRequest("The ground must be a grid of at least 2 x 2 finite heights.")
        object.__setattr__(self, "grid", grid)
        object.__setattr__(self, "corner", np.asarray(self.corner, dtype=np.float64))

    def heights(self, xz: FloatArray) -> FloatArray:
        """Heights (...), metres, at positions (..., 2), (x, z) in metres."""
        at = (np.asarray(xz, dtype=np.float64) - self.corner) / self.step
        at = np.clip(at, 0.0, np.array(self.grid.shape) - 1.0)
        low = np.minimum(at.astype(int), np.array(self.grid.shape) - 2)
        part = at - low
        i, j, u, v = low[..., 0], low[..., 1], part[..., 0], part[..., 1]
        g = self.grid
        result: FloatArray = (1 - u) * ((1 - v) * g[i, j] + v * g[i, j + 1]) + u * (
            (1 - v) * g[i + 1, j] + v * g[i + 1, j + 1]
        )
        return result


@dataclass(frozen=True, eq=False)
class PathHeights:
    """Ground with the height of the nearest point of a path: stairs and slopes drawn as a curve.

    Attributes:
        points: (N, 2) x and z, metres.
        levels: (N,) heights, metres.
    """

    points: FloatArray
    levels: FloatArray

    def heights(self, xz: FloatArray) -> FloatArray:
        """Heights (...), metres, at positions (..., 2), (x, z) in metres."""
        flat = np.asarray(xz, dtype=np.float64).reshape(-1, 2)
        start, along = self.points[:-1], np.diff(self.points, axis=0)
        length2 = np.maximum((along**2).sum(-1), 1e-12)
        fraction = np.clip(((flat[:, None] - start) * along).sum(-1) / length2, 0.0, 1.0)
        squared_distance = ((flat[:, None] - start - fraction[..., None] * along) ** 2).sum(-1)
        best = squared_distance.argmin(1)
        part = fraction[np.arange(len(flat)), best]
        found: FloatArray = (1 - part) * self.levels[best] + part * self.levels[best + 1]
        return found.reshape(np.shape(xz)[:-1])


def stand_on(joints: FloatArray, contacts: BoolArray | FloatArray, ground: Ground) -> FloatArray:
    """Move a motion from a level floor onto the ground.

    Bones keep their lengths; the horizontal trajectory is unchanged.

    Args:
        joints: (T, 22, 3) metres, Y up, the floor at 0.
        contacts: (T, 4): l_ankle, l_foot, r_ankle, r_foot; more than 0.5 is contact.
        ground: The ground, in the frame of the joints.

    Returns:
        (T, 22, 3) float64.

    Raises:
        InvalidRequest: A shape does not fit, or a number is not finite.
    """
    source, channels = checked(joints, contacts)
    stands = channels > 0.5
    if len(source) < 3:
        result: FloatArray = source + np.array([0.0, 1.0, 0.0]) * ground.heights(source[:, 0][:, [0, 2]])[:, None, None]
        return result
    rises, tilts = [], []
    for side, (ankle, toe) in enumerate(((L_ANKLE, L_FOOT), (R_ANKLE, R_FOOT))):
        below = ground.heights(0.5 * (source[:, ankle] + source[:, toe])[:, [0, 2]])
        label = stance_labels(stands[:, 2 * side : 2 * side + 2].any(axis=1))
        level = below.copy()
        for stance in range(int(label.max()) + 1):
            level[label == stance] = np.median(below[label == stance])
        tilt = _tilt(ground, source[:, ankle], source[:, toe], label)
        tilts.append(smoothing_spline(tilt[:, None], np.where(label >= 0, FIRM, _LOOSE))[:, 0])
        # In flight the foot need not follow the ground, but must not pass through it.
        usual = float(np.median(level))  # value to which corrections fade
        rise = usual + smoothing_spline((level - usual)[:, None], np.where(label >= 0, FIRM, _LOOSE))[:, 0]
        above = np.minimum(source[:, ankle, 1] - 0.06, source[:, toe, 1])
        lowest = below - np.maximum(above - CLEARANCE, 0.0)
        swing = label < 0
        rise = np.where(swing, np.maximum(rise, lowest), rise)
        rises.append(np.where(swing, smooth(rise, 1.0), rise))
    left, right = rises
    body = smooth(0.5 * (left + right) - _LOWER * np.abs(left - right), 4.0)
    moved = source + np.array([0.0, 1.0, 0.0]) * body[:, None, None]
    ankles, toes = source[:, [L_ANKLE, R_ANKLE]].copy(), source[:, [L_FOOT, R_FOOT]].copy()
    middle = 0.5 * (ankles + toes)
    middle[..., 1] += np.stack(rises, axis=1)
    foot = _pitched(toes - ankles, np.stack(tilts, axis=1))
    ankles = middle - 0.5 * foot
    return solve_legs(moved, ankles, foot, stands[:, 0::2], stands[:, 0::2] | stands[:, 1::2])


def _tilt(ground: Ground, ankle: FloatArray, toe: FloatArray, label: IntArray) -> FloatArray:
    """(T,) tilt of a standing foot, radians, by which the ground rises from heel to toe (T, 3); 0 otherwise.

    label: (T,) stances. The edge of a step is not a slope: there the foot stays level.
    """
    over = [ground.heights(place[:, [0, 2]]) for place in (ankle, 0.5 * (ankle + toe), toe)]
    far = np.maximum(np.linalg.norm((toe - ankle)[:, [0, 2]], axis=-1), 0.05)
    even = np.abs(over[1] - 0.5 * (over[0] + over[2])) < EVEN
    rises = np.where(even, np.arctan2(over[2] - over[0], far), 0.0)
    tilt = np.zeros(len(label))
    for stance in range(int(label.max()) + 1):
        tilt[label == stance] = np.median(rises[label == stance])
    return np.clip(tilt, -STEEPEST, STEEPEST)


def _pitched(foot: FloatArray, tilt: FloatArray) -> FloatArray:
    """Raise the toe of vectors from ankle to toe (..., 3) by tilt (...) radians; lengths are kept."""
    length = np.maximum(np.linalg.norm(foot, axis=-1), 1e-9)
    along = np.maximum(np.linalg.norm(foot[..., [0, 2]], axis=-1), 1e-9)
    angle = np.arctan2(foot[..., 1], along) + tilt
    flat = foot * np.array([1.0, 0.0, 1.0]) * (length * np.cos(angle) / along)[..., None]
    result: FloatArray = flat + np.array([0.0, 1.0, 0.0]) * (length * np.sin(angle))[..., None]
    return result
