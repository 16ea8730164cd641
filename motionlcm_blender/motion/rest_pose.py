"""Conversion of rest poses with lowered arms or spread legs to a T-pose.

Retargeting assumes a T-pose, which defines how limbs bend and where palms point. This module straightens the limbs of
other rest poses and returns the rotations, so that the code that writes bones can undo them. Metres, Y up, the figure
faces +Z.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from . import rotations as rot
from .skeleton import JOINTS, Skeleton

_J = {name: index for index, name in enumerate(JOINTS)}
_ARMS = ((_J["l_shoulder"], _J["l_elbow"], _J["l_wrist"]), (_J["r_shoulder"], _J["r_elbow"], _J["r_wrist"]))
_LEGS = ((_J["l_hip"], _J["l_knee"], _J["l_ankle"]), (_J["r_hip"], _J["r_knee"], _J["r_ankle"]))
_STRAIGHT = {
    _ARMS[0]: (1.0, 0.0, 0.0), _ARMS[1]: (-1.0, 0.0, 0.0), _LEGS[0]: (0.0, -1.0, 0.0), _LEGS[1]: (0.0, -1.0, 0.0),
}  # fmt: skip
"""Direction of both bones of a limb in a T-pose."""

AS_IT_IS = np.radians(20.0)
"""Limbs within this angle of a T-pose count as being in one: SMPL's own arms hang by some degrees."""


def straightened(skeleton: Skeleton) -> tuple[Skeleton, FloatArray]:
    """Straighten the limbs of a skeleton to a T-pose.

    Args:
        skeleton: Its first 22 joints are those of `JOINTS`, in any rest pose with the trunk upright.

    Returns:
        The skeleton in a T-pose (the same object if its limbs are within 20 degrees of one), and (J, 4) quaternions
        (w, x, y, z) in engine axes: the rotation of each joint's bones from the given rest pose to the T-pose. Hands
        rotate with their forearms; feet keep their orientation on the floor.

    Raises:
        ValueError: The skeleton has other joints.
    """
    if skeleton.names[: len(JOINTS)] != JOINTS:
        raise ValueError("the skeleton's first 22 joints must be those of the model")
    offsets = np.asarray(skeleton.offsets, dtype=np.float64)
    rotations = np.broadcast_to(rot.IDENTITY, (len(skeleton), 4)).copy()
    for (root, middle, end), straight in _STRAIGHT.items():
        upper, lower = rot.unit(offsets[middle], straight), rot.unit(offsets[end], straight)
        if min(upper @ straight, lower @ straight) > np.cos(AS_IT_IS):
            continue
        rotations[root] = rot.between(upper, straight)
        rotations[middle] = rot.multiply(rot.between(rot.rotate(rotations[root], lower), straight), rotations[root])
        if (root, middle, end) in _ARMS:
            rotations[end] = rotations[middle]
            for joint in range(len(JOINTS), len(skeleton)):
                if skeleton.parents[joint] == end:
                    rotations[joint] = rotations[end]
    if (rotations == rot.IDENTITY).all():
        return skeleton, rotations
    # A joint's offset belongs to its parent's bone, so it rotates with the parent.
    turned = offsets.copy()
    children = np.arange(1, len(skeleton))
    turned[children] = rot.rotate(rotations[[skeleton.parents[joint] for joint in children]], offsets[children])
    return Skeleton(skeleton.names, skeleton.parents, turned), rotations
