"""The SMPL family of body models: shape, joints and linear blend skinning.

Written from the equations of Loper, Mahmood, Romero, Pons-Moll and Black, "SMPL: A Skinned Multi-Person Linear Model",
ACM Transactions on Graphics 34(6), 2015. The `smplx` package does the same, but needs PyTorch and has a non-commercial
licence, so it cannot be a part of this project; where it is installed, a test compares both. Neither can the models
themselves be a part: users get them after agreeing to their licence. An armature with vertex groups is skinned without
the pose-dependent shapes (the paper's B_P); *Bake Pose Corrections* adds these as shape keys.

Metres, Y up, the figure faces +Z, its left is +X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray, IntArray
from ..motion import rotations as rot
from ..motion.skeleton import JOINTS, PARENTS, SMPL

SHAPES = 10
"""Number of shape directions that are used: the first ones explain the most variance."""

_FINGERS = tuple(f"{finger}{k}" for finger in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3))
_HANDS = tuple(f"{side}_{finger}" for side in ("left", "right") for finger in _FINGERS)


def _finger_parents(first: int) -> tuple[int, ...]:
    """Parents of the finger joints, each finger a chain of three from the wrist; `first` is the first index."""
    return tuple(
        20 + hand if k % 3 == 0 else first + 15 * hand + k - 1 for hand in (0, 1) for k in range(len(_FINGERS))
    )


@dataclass(frozen=True)
class BodyKind:
    """A member of the family.

    Attributes:
        name: Its name.
        names: Names of its joints, the first 22 as in `JOINTS`.
        parents: Index of each joint's parent, -1 for the root.
    """

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
"""The members by number of joints. Joint names beyond the body are those of SMPL-X's own armatures."""


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A skinned body without a pose, with J joints, V vertices and F faces.

    Attributes:
        kind: The joints.
        template: (V, 3) float64, metres: vertices of the mean shape.
        shape_directions: (V, 3, S) float64, metres per unit of a shape parameter, S at most 10.
        regressor: (J, V) float64: joints as linear combinations of vertices.
        weights: (V, J) float64: skinning weights; rows sum to one.
        faces: (F, 3) int64, vertex indices, counter-clockwise seen from outside.
        pose_directions: (V, 3, 9 (J - 1)) float32, metres per unit of a pose feature (`pose_features`); None if they
            were not read.
    """

    kind: BodyKind
    template: FloatArray
    shape_directions: FloatArray
    regressor: FloatArray
    weights: FloatArray
    faces: IntArray
    pose_directions: FloatArray | None = None


def shaped_vertices(model: BodyModel, betas: FloatArray) -> FloatArray:
    """Compute the vertices of a shape: the mean shape plus the directions times betas, equations 8 and 12.

    Args:
        model: The body model.
        betas: At most S shape parameters.

    Returns:
        (V, 3) metres.
    """
    betas = np.asarray(betas, dtype=np.float64)
    return np.asarray(model.template + model.shape_directions[..., : len(betas)] @ betas)


def joint_positions(model: BodyModel, vertices: FloatArray) -> FloatArray:
    """Compute the joints of a shaped body, equation 10.

    Args:
        model: The body model.
        vertices: (V, 3) metres.

    Returns:
        (J, 3) metres.
    """
    return np.asarray(model.regressor @ vertices)


def joint_directions(model: BodyModel) -> FloatArray:
    """Derivative of the joints by the shape parameters: (J, 3, S) metres per unit."""
    result: FloatArray = np.einsum("jv,vcs->jcs", model.regressor, model.shape_directions)
    return result


def pose_features(rotations: FloatArray) -> FloatArray:
    """The numbers that the pose-dependent shapes are multiplied with: R - I of each joint but the root, equation 9.

    Args:
        rotations: (..., J, 4) unit quaternions (w, x, y, z), local to the parent joint, relative to the rest pose.

    Returns:
        (..., 9 (J - 1)), rows of the matrices one after the other.
    """
    matrices = rot.to_matrix(np.asarray(rotations)[..., 1:, :]) - np.eye(3)
    return matrices.reshape(*matrices.shape[:-3], -1)


def pose_corrections(model: BodyModel, rotations: FloatArray) -> FloatArray:
    """What a pose adds to the vertices of the shaped body before skinning, equation 9.

    Args:
        model: The body model, with its pose directions.
        rotations: (J, 4) unit quaternions (w, x, y, z), local to the parent joint, relative to the rest pose.

    Returns:
        (V, 3) metres.

    Raises:
        ValueError: The pose directions were not read.
    """
    if model.pose_directions is None:
        raise ValueError("the body model was read without its pose directions")
    return np.asarray(model.pose_directions @ pose_features(rotations))


def skinned_vertices(
    model: BodyModel, vertices: FloatArray, joints: FloatArray, rotations: FloatArray, root: FloatArray
) -> FloatArray:
    """Linear blend skinning, equations 2 to 4.

    Args:
        model: The body model.
        vertices: (V, 3) metres, of the shaped body.
        joints: (J, 3) metres, its joints.
        rotations: (J, 4) unit quaternions (w, x, y, z), local to the parent joint, relative to the rest pose.
        root: (3,) metres, position of the pelvis.

    Returns:
        (V, 3) metres.
    """
    world = np.array(rotations, dtype=np.float64)
    place = np.zeros((len(joints), 3))
    place[0] = root
    for joint, parent in enumerate(model.kind.parents):
        if parent >= 0:
            place[joint] = place[parent] + rot.rotate(world[parent], joints[joint] - joints[parent])
            world[joint] = rot.multiply(world[parent], world[joint])
    moved = rot.rotate(world[None], vertices[:, None] - joints[None]) + place[None]
    result: FloatArray = np.einsum("vj,vjc->vc", model.weights, moved)
    return result
