"""The SMPL family of body models: shape, joints and linear blend skinning.

Written from the equations of Loper, Mahmood, Romero, Pons-Moll and Black, "SMPL: A Skinned Multi-Person Linear Model",
ACM Transactions on Graphics 34(6), 2015. The `smplx` package does the same, but needs PyTorch and is under a
non-commercial licence, so it can be no part of this one; nor can the models themselves, which stay with whoever has
agreed to their licence. Pose-dependent blend shapes (the paper's B_P) are left out: an armature with vertex groups is
skinned without them.

Metres, Y up, the figure faces +Z, its left is +X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..motion import rotations as rot
from ..motion.skeleton import JOINTS, PARENTS, SMPL

SHAPES = 10
"""How many shape directions are used: the first ones say the most."""

_FINGERS = tuple(f"{finger}{k}" for finger in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3))
_HANDS = tuple(f"{side}_{finger}" for side in ("left", "right") for finger in _FINGERS)


def _finger_parents(first: int) -> tuple[int, ...]:
    """Each finger is a chain of three from the wrist. first: index of the first finger joint."""
    return tuple(
        20 + hand if k % 3 == 0 else first + 15 * hand + k - 1 for hand in (0, 1) for k in range(len(_FINGERS))
    )


@dataclass(frozen=True)
class BodyKind:
    """A member of the family. names: of its joints, the first 22 as in `JOINTS`; parents: of each, -1 for the root."""

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]


KINDS: dict[int, BodyKind] = {
    24: BodyKind("SMPL", SMPL.names, SMPL.parents),
    52: BodyKind("SMPL-H", (*JOINTS, *_HANDS), (*PARENTS, *_finger_parents(22))),
    55: BodyKind(
        "SMPL-X",
        (*JOINTS, "jaw", "left_eye_smplhf", "right_eye_smplhf", *_HANDS),
        (*PARENTS, 15, 15, 15, *_finger_parents(25)),
    ),
}
"""By the number of joints. The names beyond the body are those of SMPL-X's own armatures."""


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A skinned body without a pose.

    kind: which joints it has (J).
    template: (V, 3) float64, metres: the vertices of the mean shape.
    shape_directions: (V, 3, S) float64, metres for each unit of a shape parameter, S at most 10.
    regressor: (J, V) float64: joints are sums of vertices.
    weights: (V, J) float64: how much each joint moves each vertex; rows sum to one.
    faces: (F, 3) int64, vertex indices, counter-clockwise seen from outside.
    """

    kind: BodyKind
    template: np.ndarray
    shape_directions: np.ndarray
    regressor: np.ndarray
    weights: np.ndarray
    faces: np.ndarray


def shaped_vertices(model: BodyModel, betas: np.ndarray) -> np.ndarray:
    """(V, 3) metres: the mean shape plus the directions times betas (at most S numbers), equations 8 and 12."""
    betas = np.asarray(betas, dtype=np.float64)
    return np.asarray(model.template + model.shape_directions[..., : len(betas)] @ betas)


def joint_positions(model: BodyModel, vertices: np.ndarray) -> np.ndarray:
    """(J, 3) metres: where the joints of a shaped body (V, 3) are, equation 10."""
    return np.asarray(model.regressor @ vertices)


def joint_directions(model: BodyModel) -> np.ndarray:
    """(J, 3, S) metres for each unit of a shape parameter: joints are linear in them, as vertices are."""
    return np.einsum("jv,vcs->jcs", model.regressor, model.shape_directions)


def skinned_vertices(
    model: BodyModel, vertices: np.ndarray, joints: np.ndarray, rotations: np.ndarray, root: np.ndarray
) -> np.ndarray:
    """(V, 3) metres: linear blend skinning, equations 2 to 4.

    vertices: (V, 3) of the shaped body; joints: (J, 3) its joints; rotations: (J, 4) unit quaternions, w first, of each
    joint in its parent's frame, relative to the rest pose; root: (3,) where the pelvis goes.
    """
    world = np.array(rotations, dtype=np.float64)
    place = np.zeros((len(joints), 3))
    place[0] = root
    for joint, parent in enumerate(model.kind.parents):
        if parent >= 0:
            place[joint] = place[parent] + rot.rotate(world[parent], joints[joint] - joints[parent])
            world[joint] = rot.multiply(world[parent], world[joint])
    moved = rot.rotate(world[None], vertices[:, None] - joints[None]) + place[None]
    return np.einsum("vj,vjc->vc", model.weights, moved)
