"""Rest poses that are no T-pose: an armature modelled with lowered arms or spread legs, seen as one with a T-pose.

Retargeting counts on a T-pose: it knows how the limbs of one bend and where its palms look. So the limbs of another
rest pose are turned straight here, and the turns are kept: whoever writes the bones undoes them. Metres, Y up, the
figure faces +Z.
"""

from __future__ import annotations

import numpy as np

from . import rotations as rot
from .skeleton import JOINTS, Skeleton

_J = {name: index for index, name in enumerate(JOINTS)}
_ARMS = ((_J["l_shoulder"], _J["l_elbow"], _J["l_wrist"]), (_J["r_shoulder"], _J["r_elbow"], _J["r_wrist"]))
_LEGS = ((_J["l_hip"], _J["l_knee"], _J["l_ankle"]), (_J["r_hip"], _J["r_knee"], _J["r_ankle"]))
_STRAIGHT = {
    _ARMS[0]: (1.0, 0.0, 0.0), _ARMS[1]: (-1.0, 0.0, 0.0), _LEGS[0]: (0.0, -1.0, 0.0), _LEGS[1]: (0.0, -1.0, 0.0),
}  # fmt: skip
"""Where both bones of a limb point in a T-pose."""

AS_IT_IS = np.radians(20.0)
"""Limbs whose bones are this near to a T-pose count as being in one: SMPL's own arms hang by some degrees."""


def straightened(skeleton: Skeleton) -> tuple[Skeleton, np.ndarray]:
    """The same bones in a T-pose, and how far each was turned for it.

    skeleton: its first 22 joints are those of `JOINTS`, in any rest pose with the trunk upright.
    Returns the skeleton, itself if its limbs are within 20 degrees of a T-pose, and (J, 4) quaternions in engine axes:
    the turn of each joint's bones from the given rest pose to the T-pose. Hands turn with their forearms; feet keep
    their place on the floor.
    Raises ValueError for another skeleton.
    """
    if skeleton.names[: len(JOINTS)] != JOINTS:
        raise ValueError("the skeleton's first 22 joints must be those of the model")
    offsets = np.asarray(skeleton.offsets, dtype=np.float64)
    turns = np.broadcast_to(rot.IDENTITY, (len(skeleton), 4)).copy()
    for (root, middle, end), straight in _STRAIGHT.items():
        upper, lower = rot.unit(offsets[middle], straight), rot.unit(offsets[end], straight)
        if min(upper @ straight, lower @ straight) > np.cos(AS_IT_IS):
            continue
        turns[root] = rot.between(upper, straight)
        turns[middle] = rot.multiply(rot.between(rot.rotate(turns[root], lower), straight), turns[root])
        if (root, middle, end) in _ARMS:
            turns[end] = turns[middle]
            for joint in range(len(JOINTS), len(skeleton)):
                if skeleton.parents[joint] == end:
                    turns[joint] = turns[end]
    if (turns == rot.IDENTITY).all():
        return skeleton, turns
    # A joint's offset hangs from its parent's bones, so it turns with them.
    turned = offsets.copy()
    children = np.arange(1, len(skeleton))
    turned[children] = rot.rotate(turns[[skeleton.parents[joint] for joint in children]], offsets[children])
    return Skeleton(skeleton.names, skeleton.parents, turned), turns
