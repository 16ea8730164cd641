"""Detection of self-penetration, with limbs, trunk and head as capsules.

A capsule is the line between two joints with a radius. Pairs that share a joint always overlap there and are excluded.
The radii are slightly less than a body's, so that arms that rest against it do not count. Metres.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from .skeleton import JOINTS

_J = {name: index for index, name in enumerate(JOINTS)}
CAPSULES: dict[str, tuple[str, str, float]] = {
    "trunk": ("pelvis", "neck", 0.09), "head": ("neck", "head", 0.08),
    "l_upper_arm": ("l_shoulder", "l_elbow", 0.035), "r_upper_arm": ("r_shoulder", "r_elbow", 0.035),
    "l_forearm": ("l_elbow", "l_wrist", 0.03), "r_forearm": ("r_elbow", "r_wrist", 0.03),
    "l_thigh": ("l_hip", "l_knee", 0.06), "r_thigh": ("r_hip", "r_knee", 0.06),
    "l_shin": ("l_knee", "l_ankle", 0.04), "r_shin": ("r_knee", "r_ankle", 0.04),
}  # fmt: skip
_PAIRS: tuple[tuple[str, str], ...] = (
    ("l_forearm", "trunk"), ("r_forearm", "trunk"), ("l_forearm", "head"), ("r_forearm", "head"),
    ("l_forearm", "r_forearm"), ("l_forearm", "r_upper_arm"), ("r_forearm", "l_upper_arm"),
    ("l_forearm", "l_thigh"), ("l_forearm", "r_thigh"), ("r_forearm", "l_thigh"), ("r_forearm", "r_thigh"),
    ("l_shin", "r_shin"), ("l_shin", "r_thigh"), ("r_shin", "l_thigh"),
)  # fmt: skip


def overlap(joints: FloatArray) -> FloatArray:
    """Depth of the deepest self-penetration on each frame.

    Args:
        joints: (T, 22, 3) joint positions, metres.

    Returns:
        (T,) metres, 0 for none.
    """
    joints = np.asarray(joints, dtype=np.float64)
    ends = {name: (joints[:, _J[a]], joints[:, _J[b]]) for name, (a, b, _) in CAPSULES.items()}
    depth = [CAPSULES[one][2] + CAPSULES[two][2] - segment_distance(*ends[one], *ends[two]) for one, two in _PAIRS]
    result: FloatArray = np.maximum(np.max(depth, axis=0), 0.0)
    return result


def segment_distance(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> FloatArray:
    """Smallest distance between line segments.

    Args:
        a: (..., 3) start of the first segment.
        b: (..., 3) end of the first segment.
        c: (..., 3) start of the second segment.
        d: (..., 3) end of the second segment.

    Returns:
        (...) distance, in the unit of the points.
    """
    apart, _, _ = segments_apart(a, b, c, d)
    distance: FloatArray = np.sqrt((apart * apart).sum(-1))
    return distance


def segments_apart(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Nearest points of line segments (Ericson 2005, "Real-Time Collision Detection", section 5.1.9).

    Args:
        a: (..., 3) start of the first segment.
        b: (..., 3) end of the first segment.
        c: (..., 3) start of the second segment.
        d: (..., 3) end of the second segment.

    Returns:
        Vector (..., 3) from the nearest point of the second segment to that of the first, and the places (...) of both
        points on their segments, 0..1.
    """
    u, v, w = b - a, d - c, a - c
    uu, vv, uv = (u * u).sum(-1), (v * v).sum(-1), (u * v).sum(-1)
    uw, vw = (u * w).sum(-1), (v * w).sum(-1)
    tiny = 1e-12
    determinant = uu * vv - uv * uv
    s = np.clip(np.where(determinant > tiny, uv * vw - uw * vv, 0.0) / np.maximum(determinant, tiny), 0.0, 1.0)
    t = (uv * s + vw) / np.maximum(vv, tiny)
    clipped = np.clip(t, 0.0, 1.0)
    # Where the nearest point of cd is an end, recompute the point of ab nearest to that end.
    again = np.clip((uv * clipped - uw) / np.maximum(uu, tiny), 0.0, 1.0)
    s = np.where(t != clipped, again, s)
    apart = w + s[..., None] * u - clipped[..., None] * v
    return apart, s, clipped
