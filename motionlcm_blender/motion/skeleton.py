"""Skeleton definitions: HumanML3D's 22 joints and the 24-bone SMPL armature.

Coordinates here and in the whole engine: metres, Y up, the figure faces +Z, its left is +X. The rest pose is a T-pose
with proportions of our own (medians over the actors of the training data); no measurement comes from the licensed SMPL
body model, only its joint names and order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray

JOINTS: tuple[str, ...] = (
    "pelvis", "l_hip", "r_hip", "spine1", "l_knee", "r_knee", "spine2", "l_ankle", "r_ankle", "spine3",
    "l_foot", "r_foot", "neck", "l_collar", "r_collar", "head", "l_shoulder", "r_shoulder",
    "l_elbow", "r_elbow", "l_wrist", "r_wrist",
)  # fmt: skip
JOINT_COUNT = len(JOINTS)
PARENTS: tuple[int, ...] = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)
CHAINS: tuple[tuple[int, ...], ...] = (
    (0, 2, 5, 8, 11), (0, 1, 4, 7, 10), (0, 3, 6, 9, 12, 15), (9, 14, 17, 19, 21), (9, 13, 16, 18, 20),
)  # fmt: skip
MIRROR: tuple[int, ...] = (0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20)
"""MIRROR[j] is the joint on the other side of the body."""

L_ANKLE, R_ANKLE, L_FOOT, R_FOOT = 7, 8, 10, 11
CONTROLLED_JOINTS: tuple[int, ...] = (0, 10, 11, 15, 20, 21)
"""Pelvis, feet, head, wrists: the joints of OmniControl (Xie et al. 2024) and of the published motion ControlNets."""
FOOT_JOINTS: tuple[int, int, int, int] = (L_ANKLE, L_FOOT, R_ANKLE, R_FOOT)
"""In the order of the four contact features (HumanML3D)."""

FPS = 20.0
"""The frame rate of the model's motion."""
MAX_FRAMES = 196
"""The longest clip that the model generates: 9.8 s."""
MIN_FRAMES = 8

_OFFSETS = {
    "pelvis": (0.0, 0.0, 0.0),
    "l_hip": (0.090, -0.080, 0.0), "l_knee": (0.0, -0.400, 0.0), "l_ankle": (0.0, -0.420, -0.015),
    "l_foot": (0.0, -0.055, 0.125),
    "spine1": (0.0, 0.118, -0.010), "spine2": (0.0, 0.118, 0.0), "spine3": (0.0, 0.116, 0.004),
    "neck": (0.0, 0.150, -0.010), "head": (0.0, 0.110, 0.020),
    "l_collar": (0.075, 0.080, -0.010), "l_shoulder": (0.115, 0.030, -0.010),
    "l_elbow": (0.285, 0.0, 0.0), "l_wrist": (0.245, 0.0, 0.0), "l_hand": (0.085, 0.0, 0.0),
}  # fmt: skip


def _offset(name: str) -> tuple[float, float, float]:
    if name.startswith("r_"):
        x, y, z = _OFFSETS["l_" + name[2:]]
        return (-x, y, z)
    return _OFFSETS[name]


@dataclass(frozen=True, eq=False)
class Skeleton:
    """A tree of joints in its rest pose.

    Attributes:
        names: Joint names, parents first.
        parents: Index of each joint's parent, -1 for the root.
        offsets: (J, 3) float64, metres: position of each joint relative to its parent in the rest pose (Y up, facing
            +Z).
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: FloatArray

    @property
    def rest(self) -> FloatArray:
        """(J, 3) rest positions, metres, pelvis at the origin."""
        positions = np.array(self.offsets, dtype=np.float64)
        for joint, parent in enumerate(self.parents):
            if parent >= 0:
                positions[joint] = positions[parent] + self.offsets[joint]
        return positions

    @property
    def bone_lengths(self) -> FloatArray:
        """(J,) bone lengths, metres; 0 for the root."""
        result: FloatArray = np.linalg.norm(self.offsets, axis=-1)
        return result

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.names)


HUMANML = Skeleton(JOINTS, PARENTS, np.array([_offset(n) for n in JOINTS]))
"""The 22 joints that the model generates, in our rest pose."""

SMPL = Skeleton(
    (*JOINTS, "l_hand", "r_hand"),
    (*PARENTS, 20, 21),
    np.array([_offset(n) for n in (*JOINTS, "l_hand", "r_hand")]),
)
"""The 24-joint SMPL armature; the two hands follow the wrists (the model has no hands)."""

PELVIS_HEIGHT = float(-(HUMANML.rest[:, 1].min()))
"""Metres from the floor to the pelvis when the rest pose stands on the floor."""
