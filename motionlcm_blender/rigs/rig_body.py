"""The body of a mapped armature: proportions in the T-pose, and the bones with which it turns.

Engine axes (Y up, facing +Z) and metres of this body, in which its legs are as long as those of `SMPL`, unless armature
space is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InvalidRequest
from ..motion.skeleton import JOINTS, PARENTS, SMPL, Skeleton
from ..motion.world_transform import Placement
from .description import RigDescription, RigMapping
from .mapped_joints import CHEST, HIPS, SHARING, TRUNK, MappedJoints, mapped_joints
from .rest_alignment import RestAlignment, align_rest_pose, t_pose_offsets

ENGINE_TO_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Converts engine axes to Blender's: (x, y, z) -> (x, -z, y)."""
EVEN = 0.01
"""Largest relative difference of an armature's scale along its axes. A sheared body has no proper rotations."""


@dataclass(frozen=True)
class TurningBone:
    """A bone of the mapping.

    Attributes:
        bone: Index in `RigDescription.bones`.
        joint: The joint as which it turns.
        share: The part of the turn from the joint `since` to its own that the bone has made, 0..1.
        since: The joint from which a chain of several bones turns; -1 for none.
        parent: Index in `RigBody.bones` of the bone with which it turns at rest, -1: with the armature object.
        follows: Whether it turns with that parent; otherwise it only moves with it.
        moves: Whether it is placed by keys of its location.
    """

    bone: int
    joint: int
    share: float = 1.0
    since: int = -1
    parent: int = -1
    follows: bool = True
    moves: bool = False


@dataclass(frozen=True, eq=False)
class RigBody:
    """A mapped armature as a body that performs motions.

    Attributes:
        description: The armature.
        mapping: Its mapping.
        skeleton: The 24 joints of `SMPL` with this body's proportions. Joints without bones lie on the next joint.
        alignment: Its rest pose beside the T-pose.
        bones: The bones of the mapping, parents first; the first one is the pelvis's.
        stiff: Joints of the trunk that turn as the pelvis does, because the legs hang from their bones.
        has_trunk: Whether there is a bone between pelvis and collars; otherwise the chest turns with the pelvis.
    """

    description: RigDescription
    mapping: RigMapping
    skeleton: Skeleton
    alignment: RestAlignment
    bones: tuple[TurningBone, ...]
    stiff: tuple[int, ...]
    has_trunk: bool

    @property
    def units_per_metre(self) -> float:
        """Scene units in a metre of this body, with the armature object's present scale."""
        return object_scale(self.description) * self.alignment.size

    def standing_place(self) -> Placement:
        """Where the rest pose stands in the world: the floor under the middle of its hips, and where it faces.

        A rest pose that is no pose of a body stands at the armature object's origin.
        """
        axes, world = self.alignment.axes, self.description.world
        if self.mapping.rest_pose == "zero":
            return Placement(world[[0, 2, 1], 3] * [1.0, 1.0, -1.0] / self.units_per_metre, 0.0)
        point = self.alignment.points[list(HIPS)].mean(0)
        on_floor = point + (self.alignment.floor - point @ axes[:, 1]) * axes[:, 1]
        place = world[:3, :3] @ on_floor + world[:3, 3]
        front = world[:3, :3] @ axes[:, 2]
        level = float(np.hypot(front[0], front[1])) > 0.1 * float(np.linalg.norm(front))
        heading = float(np.arctan2(front[0], -front[1])) if level else 0.0
        return Placement(np.array([place[0], place[2], -place[1]]) / self.units_per_metre, heading)


def rig_body(description: RigDescription, mapping: RigMapping) -> RigBody:
    """Read the body of a mapped armature.

    Args:
        description: The armature.
        mapping: Which bones turn as SMPL's joints do.

    Returns:
        The body.

    Raises:
        InvalidRequest: The mapping lacks a bone, the armature is mirrored, scaled unevenly or to nothing, or its
            pelvis cannot move.
    """
    object_scale(description)
    joints = mapped_joints(description, mapping)
    for joint in (0, *(JOINTS.index(name) for name in mapping.apart)):
        placed = [description.bones[bone] for bone in joints.bones[joint][:1]]
        held = next((bone.name for bone in placed if bone.connected and bone.parent >= 0), None)
        if held is not None:
            raise InvalidRequest(
                f'In the armature "{description.name}" the bone "{held}" cannot move: switch "Connected" off.'
            )
    alignment = align_rest_pose(description, mapping, joints)
    skeleton = Skeleton(SMPL.names, SMPL.parents, t_pose_offsets(alignment))
    bones = _turning_bones(description, mapping, joints)
    return RigBody(
        description, mapping, skeleton, alignment, bones, _stiff_joints(bones, joints.has_trunk), joints.has_trunk
    )


def object_scale(description: RigDescription) -> float:
    """Scale of an armature object in the world.

    Raises:
        InvalidRequest: The scale is zero, negative or uneven.
    """
    matrix, name = description.world[:3, :3], description.name
    determinant = float(np.linalg.det(matrix))
    scale = abs(determinant) ** (1.0 / 3.0)
    if not np.isfinite(scale) or scale < 1e-9:
        raise InvalidRequest(f'The armature "{name}" has a scale of zero.')
    if determinant < 0.0:
        raise InvalidRequest(f'The armature "{name}" is mirrored by a negative scale: apply its scale first.')
    if np.abs(matrix.T @ matrix / scale**2 - np.eye(3)).max() > 2.0 * EVEN:
        raise InvalidRequest(f'The armature "{name}" is scaled unevenly: apply its scale first.')
    return float(scale)


def _turning_bones(description: RigDescription, mapping: RigMapping, joints: MappedJoints) -> tuple[TurningBone, ...]:
    """The bones of the mapping in an order in which parents come first."""
    place = {chain[at]: (joint, at) for joint, chain in enumerate(joints.bones) for at in range(len(chain))}
    pelvis = joints.bones[0][0]
    found: list[TurningBone] = []
    numbers: dict[int, int] = {}
    waiting = [pelvis, *(bone for bone in sorted(place) if bone != pelvis)]
    held_up = 0
    while waiting:
        bone = waiting.pop(0)
        joint, at = place[bone]
        parent, follows = _parent_of(description, mapping, joints, bone, joint, at, place)
        if parent >= 0 and parent not in numbers and held_up <= len(waiting):
            waiting.append(bone)
            held_up += 1
            continue
        held_up = 0
        chain = joints.bones[joint]
        shares = joint in SHARING and len(chain) > 1
        if at > 0 and not shares:
            continue  # the first bone of a limb's chain takes the whole turn
        numbers[bone] = len(found)
        found.append(
            TurningBone(
                bone,
                joint,
                (at + 1) / len(chain) if shares else 1.0,
                _joint_before(joints, joint) if shares else -1,
                numbers.get(parent, -1),
                follows,
                joint == 0 or JOINTS[joint] in mapping.apart,
            )
        )
    return tuple(found)


def _parent_of(
    description: RigDescription,
    mapping: RigMapping,
    joints: MappedJoints,
    bone: int,
    joint: int,
    at: int,
    place: dict[int, tuple[int, int]],
) -> tuple[int, bool]:
    """The mapped bone with which a bone turns, -1 for none, and whether it turns with it.

    In a control rig constraints carry a limb that hangs from elsewhere: there the mapping names the parent.
    """
    follows, parent, carried = True, bone, False
    while parent >= 0:
        each = description.bones[parent]
        follows &= each.use_inherit_rotation or each.parent < 0
        carried |= any(constraint.influence > 0.0 for constraint in each.constraints)
        parent = each.parent
        if parent in place:
            break
    expected = joints.bones[joint][at - 1] if at > 0 else _expected_parent(joints, joint)
    if parent != expected and joint != 0 and JOINTS[joint] not in mapping.apart and (mapping.switches or carried):
        return expected, True
    return parent, follows


def _expected_parent(joints: MappedJoints, joint: int) -> int:
    above = _joint_before(joints, joint)
    return joints.bones[above][-1] if above >= 0 else -1


def _joint_before(joints: MappedJoints, joint: int) -> int:
    """The next joint towards the pelvis that has bones, -1 for none."""
    above = PARENTS[joint]
    while above >= 0 and not joints.bones[above]:
        above = PARENTS[above]
    return above


def _stiff_joints(bones: tuple[TurningBone, ...], has_trunk: bool) -> tuple[int, ...]:
    """Joints of the trunk from whose bones a leg hangs, and those below them; all of it without bones of a trunk."""
    if not has_trunk:
        return TRUNK
    highest = -1
    for each in bones:
        if each.joint not in HIPS:
            continue
        above = each.parent
        while above >= 0:
            if bones[above].joint in TRUNK:
                highest = max(highest, TRUNK.index(bones[above].joint))
            above = bones[above].parent
    return tuple(joint for joint in TRUNK[: highest + 1] if joint != CHEST)
