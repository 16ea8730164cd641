"""Transforms between world and motion frame, and between Blender's axes and the engine's.

The model generates motion that starts at the origin facing +Z; a `Placement` is the position and heading of that frame
in the world. Engine axes: Y up, the figure faces +Z, left is +X. Blender: Z up, the figure faces -Y. Engine (x, y, z)
equals Blender (X, Z, -Y); the change of axes is a rotation without mirroring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from . import rotations
from .motion import Clip

HEADING_DISTANCE = 0.3
"""Metres from the start of a path over which its initial heading is measured."""
STATIONARY = 0.05
"""Metres: a path that stays within this distance of its start has no heading."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Position and heading of a motion's canonical frame in the world.

    Attributes:
        origin: (3,) float64, metres, engine axes: the motion's own origin.
        heading: Radians about +Y: the motion's +Z becomes (sin heading, 0, cos heading).

    Raises:
        InvalidRequest: The origin is not three finite numbers, or the heading is not finite.
    """

    origin: FloatArray
    heading: float = 0.0

    def __post_init__(self) -> None:
        origin = np.array(self.origin, dtype=np.float64)
        if origin.shape != (3,) or not np.isfinite(origin).all() or not math.isfinite(self.heading):
            raise InvalidRequest("A placement needs an origin of three finite numbers and a finite heading.")
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "heading", float(self.heading))

    @property
    def rotation(self) -> FloatArray:
        """(4,) quaternion (w, x, y, z) about +Y."""
        return np.array([math.cos(0.5 * self.heading), 0.0, math.sin(0.5 * self.heading), 0.0])


def canonicalise(xz: FloatArray) -> tuple[FloatArray, Placement]:
    """Transform a timed path to the model's frame.

    The heading is that of the path as it leaves its start, fitted over the first 0.3 m so that jitter of a drawn path
    has no effect; a path that stays within 5 cm has heading 0.

    Args:
        xz: (T, 2) metres, engine axes (x, z), one point per frame.

    Returns:
        The path with its first point at the origin and its initial heading along +Z, (T, 2) float64, metres, and the
        placement that transforms it (and the motion) back.

    Raises:
        InvalidRequest: The path has another shape or contains NaN.
    """
    xz = np.asarray(xz, dtype=np.float64)
    if xz.ndim != 2 or xz.shape[1] != 2 or len(xz) == 0:
        raise InvalidRequest("A ground path must give x and z for each frame.")
    if not np.isfinite(xz).all():
        raise InvalidRequest("The path holds a number that is not finite.")
    placement = Placement(np.array([xz[0, 0], 0.0, xz[0, 1]]), initial_heading(xz))
    flat = np.stack([xz[:, 0], np.zeros(len(xz)), xz[:, 1]], axis=-1)
    canonical = unplace_joints(flat, placement)[:, [0, 2]]
    canonical[0] = 0.0
    return canonical, placement


def initial_heading(xz: FloatArray) -> float:
    """Heading of the first 0.3 m of a path.

    Args:
        xz: (T, 2) metres, engine axes (x, z).

    Returns:
        Radians about +Y from +Z; 0 for a stationary path.
    """
    xz = np.asarray(xz, dtype=np.float64)
    offset = xz - xz[0]
    far = np.linalg.norm(offset, axis=-1)
    if far.max() < STATIONARY:
        return 0.0
    beyond = np.nonzero(far >= min(HEADING_DISTANCE, far.max()))[0][0]
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xz[: beyond + 1], axis=0), axis=-1))])
    # Sample evenly along the arc, so that neither timing nor the spacing of points has an effect.
    s = np.linspace(0.0, arc[-1], 33)
    points = np.stack([np.interp(s, arc, offset[: beyond + 1, axis]) for axis in (0, 1)], axis=-1)
    chord = points[-1]
    # Use the tangent of a fitted parabola, and the chord where a corner makes the parabola unreliable.
    powers = np.stack([s, s**2])
    tangent = np.linalg.solve(powers @ powers.T, powers @ points)[0]
    cosine = tangent @ chord / max(float(np.linalg.norm(tangent) * np.linalg.norm(chord)), 1e-12)
    x, z = tangent if cosine > math.cos(math.radians(40.0)) else chord
    return math.atan2(x, z)


def place_joints(joints: FloatArray, placement: Placement) -> FloatArray:
    """Transform points from the motion's frame to the world.

    Args:
        joints: (..., 3) metres, engine axes.
        placement: The motion's frame.

    Returns:
        (..., 3) metres, of the dtype of `joints`.
    """
    joints = np.asarray(joints)
    x, y, z = _turned(joints, placement.heading)
    moved = np.stack([x, y, z], axis=-1) + placement.origin
    return moved.astype(joints.dtype if joints.dtype.kind == "f" else np.float64, copy=False)


def unplace_joints(joints: FloatArray, placement: Placement) -> FloatArray:
    """Transform points from the world to the motion's frame: the inverse of `place_joints`.

    Args:
        joints: (..., 3) metres, engine axes.
        placement: The motion's frame.

    Returns:
        (..., 3) metres, of the dtype of `joints`.
    """
    joints = np.asarray(joints)
    x, y, z = _turned(joints - placement.origin, -placement.heading)
    moved = np.stack([x, y, z], axis=-1)
    return moved.astype(joints.dtype if joints.dtype.kind == "f" else np.float64, copy=False)


def place_clip(clip: Clip, placement: Placement) -> Clip:
    """Transform a clip from the motion's frame to the world: only the root changes."""
    turned = np.array(clip.rotations, dtype=np.float64)
    turned[:, 0] = rotations.multiply(placement.rotation, turned[:, 0])
    translation = place_joints(np.asarray(clip.translation, dtype=np.float64), placement)
    return replace(clip, translation=translation, rotations=turned)


def blender_to_engine(points: FloatArray) -> FloatArray:
    """Convert points or vectors (..., 3) from Blender's axes to the engine's: (X, Y, Z) to (X, Z, -Y)."""
    points = np.asarray(points)
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def engine_to_blender(points: FloatArray) -> FloatArray:
    """Convert points or vectors (..., 3) from the engine's axes to Blender's: (x, y, z) to (x, -z, y)."""
    points = np.asarray(points)
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def blender_to_engine_rotations(quaternions: FloatArray) -> FloatArray:
    """Convert quaternions (..., 4) (w, x, y, z) from Blender's axes to the engine's."""
    q = np.asarray(quaternions)
    return np.stack([q[..., 0], q[..., 1], q[..., 3], -q[..., 2]], axis=-1)


def engine_to_blender_rotations(quaternions: FloatArray) -> FloatArray:
    """Convert quaternions (..., 4) (w, x, y, z) from the engine's axes to Blender's."""
    q = np.asarray(quaternions)
    return np.stack([q[..., 0], q[..., 1], -q[..., 3], q[..., 2]], axis=-1)


def _turned(points: FloatArray, heading: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Coordinates of points (..., 3) rotated about +Y."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    cos, sin = math.cos(heading), math.sin(heading)
    return cos * x + sin * z, y, cos * z - sin * x
