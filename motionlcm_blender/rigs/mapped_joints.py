"""The bones of SMPL's joints in one armature: indices, positions at rest, and which bone hangs from which.

Armature space (Blender units) throughout.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from ..motion.skeleton import JOINT_COUNT, JOINTS
from .description import RigDescription, RigMapping

J = {name: index for index, name in enumerate(JOINTS)}
TRUNK = (J["spine1"], J["spine2"], J["spine3"])
CHEST, NECK, HEAD = J["spine3"], J["neck"], J["head"]
COLLARS, SHOULDERS, ELBOWS, WRISTS = (
    tuple(J[side + name] for side in ("l_", "r_")) for name in ("collar", "shoulder", "elbow", "wrist")
)
HIPS, KNEES, ANKLES, TOES = (
    tuple(J[side + name] for side in ("l_", "r_")) for name in ("hip", "knee", "ankle", "foot")
)
NEEDED = (0, *HIPS, *KNEES, *ANKLES, *SHOULDERS, *ELBOWS)
"""Joints without whose bones no motion can be put onto a rig."""
SHARING = (*TRUNK, NECK)
"""Joints whose chain of bones shares the turn evenly. Elsewhere the first bone of a chain takes all of it."""


@dataclass(frozen=True, eq=False)
class MappedJoints:
    """The bones of SMPL's joints in one armature.

    Attributes:
        bones: Indices in `RigDescription.bones` of each of the 22 joints, lowest first; the topmost bone of the trunk
            is spine3's.
        points: (22, 3) positions of the joints at rest; of a joint without bones that of the next joint further out,
            or of the chest's parent. Of a chain that shares a turn, the mean of its heads: to first order, turning
            about it moves what hangs from the chain as the shared turn does.
        has_trunk: Whether there is a bone between pelvis and collars.
    """

    bones: tuple[tuple[int, ...], ...]
    points: FloatArray
    has_trunk: bool


def mapped_joints(description: RigDescription, mapping: RigMapping) -> MappedJoints:
    """Find the bones of a mapping in an armature.

    Args:
        description: The armature.
        mapping: Its mapping.

    Returns:
        The bones and the rest positions of the joints.

    Raises:
        InvalidRequest: A bone of the mapping is not in the armature, or a joint that no motion does without has none.
    """
    index = {bone.name: number for number, bone in enumerate(description.bones)}
    bones: list[tuple[int, ...]] = []
    for joint in JOINTS:
        names = mapping.joints.get(joint, ())
        missing = next((name for name in names if name not in index), None)
        if missing is not None:
            raise InvalidRequest(f'The armature "{description.name}" has no bone "{missing}": correct its mapping.')
        bones.append(tuple(index[name] for name in names))
    without = next((JOINTS[joint] for joint in NEEDED if not bones[joint]), None)
    if without is not None:
        readable = without.replace("l_", "left ").replace("r_", "right ")
        raise InvalidRequest(f'The armature "{description.name}" has no bone for the {readable}: complete its mapping.')
    spine = [joint for joint in TRUNK if bones[joint]]
    if spine and spine[-1] != CHEST:
        bones[CHEST], bones[spine[-1]] = bones[spine[-1]], ()
    return MappedJoints(tuple(bones), _points(description, bones), bool(spine))


def _points(description: RigDescription, bones: list[tuple[int, ...]]) -> FloatArray:
    points = np.full((JOINT_COUNT, 3), np.nan)
    for joint, chain in enumerate(bones):
        heads = [description.bones[bone].head for bone in chain]
        if heads:
            points[joint] = np.mean(heads, axis=0) if joint in SHARING else heads[0]
    for wrist, elbow in zip(WRISTS, ELBOWS, strict=True):
        if not bones[wrist]:
            points[wrist] = description.bones[bones[elbow][0]].tail
    for ankle, toe in zip(ANKLES, TOES, strict=True):
        if not bones[toe]:
            points[toe] = points[ankle]  # replaced by `rest_alignment`, which computes the facing
    spine = zip(TRUNK[1::-1], TRUNK[:0:-1], strict=True)
    for joint, outward in ((HEAD, NECK), (NECK, HEAD), *zip(COLLARS, SHOULDERS, strict=True), *spine):
        if np.isnan(points[joint]).any():
            points[joint] = points[outward]
    if np.isnan(points[CHEST]).any():  # no trunk: the arms hang from the pelvis
        points[list(TRUNK)] = points[0]
    if np.isnan(points[HEAD]).any():
        points[[NECK, HEAD]] = points[list(SHOULDERS)].mean(0)
    return points
