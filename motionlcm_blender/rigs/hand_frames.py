"""The way a hand points and where its thumb is, from the bones of its fingers. Armature space."""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from .description import RigDescription

FEWEST_FINGERS = 3
"""Number of chains below a hand from which the plane of its palm is known."""
_DEEPEST = 4
"""Bones between the wrist's and those from which the fingers fork."""


def hand_frame(description: RigDescription, wrist: int) -> tuple[FloatArray | None, FloatArray | None]:
    """Find where a hand points and on which side its thumb is.

    Args:
        description: The armature.
        wrist: Index of the hand's bone.

    Returns:
        Unit vector (3,) from the wrist towards the fingers and unit vector (3,) across the palm towards the thumb,
        perpendicular to the first; None for what the bones do not show.
    """
    children: dict[int, list[int]] = {}
    for number, bone in enumerate(description.bones):
        children.setdefault(bone.parent, []).append(number)
    start = description.bones[wrist].head
    forks = wrist
    for _ in range(_DEEPEST):
        chains = [child for child in children.get(forks, ()) if children.get(child)]
        if len(chains) != 1:
            break
        forks = chains[0]
    points = np.array([description.bones[children[chain][0]].head - start for chain in chains]).reshape(-1, 3)
    points = points[np.linalg.norm(points, axis=-1) > 1e-6 * max(1e-9, float(np.abs(start).max()))]
    if not len(points):
        return None, None
    if len(points) < FEWEST_FINGERS:
        return rot.unit(points.mean(0), (0.0, 1.0, 0.0)), None
    thumb = _thumb(points)
    fingers = np.delete(points, thumb, axis=0)
    ahead = rot.unit(fingers.mean(0), (0.0, 1.0, 0.0))
    spread = fingers - fingers.mean(0)
    spread = spread - (spread @ ahead)[:, None] * ahead
    across = np.linalg.svd(spread)[2][0]
    towards = points[thumb] - fingers.mean(0)
    across = across * (1.0 if across @ towards > 0.0 else -1.0)
    across = across - (across @ ahead) * ahead
    return ahead, rot.unit(across, (1.0, 0.0, 0.0))


def _thumb(points: FloatArray) -> int:
    """The chain that lies least far out along the hand, seen from the wrist."""
    ahead = rot.unit(points.mean(0), (0.0, 1.0, 0.0))
    cosines = rot.unit(points, ahead) @ ahead
    reach = points @ ahead / max(float(np.linalg.norm(points, axis=-1).max()), 1e-9)
    return int((cosines + reach).argmin())
