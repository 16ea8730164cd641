"""Between the scene and the model: where the motion starts and heads, and Blender's axes.

The model makes motion that starts at the origin facing +Z; a `Placement` says where that is in the world.
Engine axes: Y up, the figure faces +Z, left is +X. Blender: Z up, the figure faces -Y.
Engine (x, y, z) is Blender (X, Z, -Y); this turn is a rotation, no mirroring.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InvalidRequest
from . import rotations
from .motion import Clip

HEADING_DISTANCE = 0.3
"""Metres from the start of a path over which its initial heading is measured."""
STATIONARY = 0.05
"""Metres: a path that never gets further than this from its start has no heading."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the canonical frame of a motion lies in the world.

    origin: (3,) float64, metres, engine axes: where the motion's own origin is.
    heading: radians about +Y: the motion's +Z becomes (sin heading, 0, cos heading).
    """

    origin: np.ndarray
    heading: float = 0.0

    def __post_init__(self) -> None:
        origin = np.array(self.origin, dtype=np.float64)
        if origin.shape != (3,) or not np.isfinite(origin).all() or not math.isfinite(self.heading):
            raise InvalidRequest("A placement needs an origin of three finite numbers and a finite heading.")
        object.__setattr__(self, "origin", origin)
        object.__setattr__(self, "heading", float(self.heading))

    @property
    def rotation(self) -> np.ndarray:
        """(4,) quaternion, w first, about +Y."""
        return np.array([math.cos(0.5 * self.heading), 0.0, math.sin(0.5 * self.heading), 0.0])


def canonicalise(xz: np.ndarray) -> tuple[np.ndarray, Placement]:
    """Bring a timed path into the model's frame.

    xz: (T, 2) metres, engine axes (x, z), one point a frame. Returns the path with its first point at the origin
    and its initial heading along +Z, (T, 2) float64, and the placement that takes it (and the motion) back.
    The heading is that of the path as it leaves its start, fitted over the first 0.3 m so that a trembling hand
    does not count; a path that stays within 5 cm has heading 0. Raises InvalidRequest on a wrong shape or NaN.
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


def initial_heading(xz: np.ndarray) -> float:
    """Radians about +Y from +Z of a path's first 0.3 m. xz: (T, 2) metres. 0 if the path is stationary."""
    xz = np.asarray(xz, dtype=np.float64)
    away = xz - xz[0]
    far = np.linalg.norm(away, axis=-1)
    if far.max() < STATIONARY:
        return 0.0
    beyond = np.nonzero(far >= min(HEADING_DISTANCE, far.max()))[0][0]
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xz[: beyond + 1], axis=0), axis=-1))])
    # Evenly along the arc, so that neither timing nor the spacing of points counts.
    s = np.linspace(0.0, arc[-1], 33)
    points = np.stack([np.interp(s, arc, away[: beyond + 1, axis]) for axis in (0, 1)], axis=-1)
    chord = points[-1]
    # A straight start: the chord. A bent one: the tangent of the parabola through it, which a corner would throw off.
    fit, *_ = np.linalg.lstsq(np.stack([s, s**2], axis=-1), points, rcond=None)
    tangent = fit[0]
    cosine = tangent @ chord / max(float(np.linalg.norm(tangent) * np.linalg.norm(chord)), 1e-12)
    x, z = tangent if cosine > math.cos(math.radians(40.0)) else chord
    return math.atan2(x, z)


def place_joints(joints: np.ndarray, placement: Placement) -> np.ndarray:
    """Take points from the motion's frame to the world. joints: (..., 3) metres; same shape and kind of number."""
    joints = np.asarray(joints)
    x, y, z = _turned(joints, placement.heading)
    moved = np.stack([x, y, z], axis=-1) + placement.origin
    return moved.astype(joints.dtype if joints.dtype.kind == "f" else np.float64, copy=False)


def unplace_joints(joints: np.ndarray, placement: Placement) -> np.ndarray:
    """Take points from the world to the motion's frame: the inverse of `place_joints`. joints: (..., 3) metres."""
    joints = np.asarray(joints)
    x, y, z = _turned(joints - placement.origin, -placement.heading)
    moved = np.stack([x, y, z], axis=-1)
    return moved.astype(joints.dtype if joints.dtype.kind == "f" else np.float64, copy=False)


def place_clip(clip: Clip, placement: Placement) -> Clip:
    """Take a clip from the motion's frame to the world: only the root moves and turns."""
    turned = np.array(clip.rotations, dtype=np.float64)
    turned[:, 0] = rotations.multiply(placement.rotation, turned[:, 0])
    translation = place_joints(np.asarray(clip.translation, dtype=np.float64), placement)
    return replace(clip, translation=translation, rotations=turned)


def blender_to_engine(points: np.ndarray) -> np.ndarray:
    """Points or vectors (..., 3) from Blender's axes to the engine's: (X, Y, Z) -> (X, Z, -Y)."""
    points = np.asarray(points)
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)


def engine_to_blender(points: np.ndarray) -> np.ndarray:
    """Points or vectors (..., 3) from the engine's axes to Blender's: (x, y, z) -> (x, -z, y)."""
    points = np.asarray(points)
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def blender_to_engine_rotations(quaternions: np.ndarray) -> np.ndarray:
    """The same turns (..., 4), w first, written in the engine's axes instead of Blender's."""
    q = np.asarray(quaternions)
    return np.stack([q[..., 0], q[..., 1], q[..., 3], -q[..., 2]], axis=-1)


def engine_to_blender_rotations(quaternions: np.ndarray) -> np.ndarray:
    """The same turns (..., 4), w first, written in Blender's axes instead of the engine's."""
    q = np.asarray(quaternions)
    return np.stack([q[..., 0], q[..., 1], -q[..., 3], q[..., 2]], axis=-1)


def _turned(points: np.ndarray, heading: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates of points (..., 3) turned about +Y."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    cos, sin = math.cos(heading), math.sin(heading)
    return cos * x + sin * z, y, cos * z - sin * x
