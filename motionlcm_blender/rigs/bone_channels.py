"""From a clip of a body to the channels of its armature's pose bones.

A bone's channels are relative to its rest pose in its parent's pose, as Blender has them: `rotation_quaternion` in the
bone's own axes, `location` in these axes or, without Local Location, in the parent's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.motion import Clip
from .rig_body import ENGINE_TO_WORLD, RigBody, TurningBone
from .rig_retarget import positions, world_rotations


@dataclass(frozen=True, eq=False)
class BoneChannels:
    """The channels of an armature's pose bones for each frame of a clip.

    Attributes:
        rotations: Bone name -> (T, 4) unit quaternions (w, x, y, z) without sign flips.
        locations: Bone name -> (T, 3) Blender units, of the pelvis's bone and of those that are placed.
        resting: Bones between those of the mapping, which stay at rest.
    """

    rotations: dict[str, FloatArray]
    locations: dict[str, FloatArray]
    resting: tuple[str, ...] = field(default=())


def bone_channels(
    clip: Clip,
    body: RigBody,
    world: FloatArray | None = None,
    above: FloatArray | None = None,
    units_per_metre: float | None = None,
) -> BoneChannels:
    """Compute the channels with which an armature performs a clip in the world.

    Args:
        clip: A clip on `body.skeleton`, placed in the world, in engine axes and metres of this body.
        body: The body.
        world: (4, 4) the armature object's matrix_world; None: that of the description.
        above: (4, 4) pose of the pelvis's parent relative to its rest, armature space; None: at rest.
        units_per_metre: Scene units in a metre of the clip; None: those of the body.

    Returns:
        The channels.
    """
    matrix = np.asarray(body.description.world if world is None else world, dtype=np.float64)
    units = body.units_per_metre if units_per_metre is None else units_per_metre
    parent_pose = np.eye(4) if above is None else np.asarray(above, dtype=np.float64)
    turned = _turns_from_rest(clip, body, matrix)
    rests = rot.from_matrix(np.array([body.description.bones[each.bone].matrix for each in body.bones]))
    parents = np.array([each.parent for each in body.bones])
    carried = turned[:, parents]
    carried[:, parents < 0] = rotation_of(parent_pose[:3, :3])
    carried[:, [not each.follows for each in body.bones]] = rot.IDENTITY
    local = rot.multiply(rot.inverse(carried), turned)
    basis = rot.apply_matrices(rot.product_matrices(rot.inverse(rests), rests), local)
    basis = rot.continuous(rot.normalise(basis))
    rotations = {body.description.bones[each.bone].name: basis[:, k] for k, each in enumerate(body.bones)}
    locations = _locations(clip, body, matrix, parent_pose, turned, units)
    return BoneChannels(rotations, locations, _resting(body))


def _turns_from_rest(clip: Clip, body: RigBody, matrix: FloatArray) -> FloatArray:
    """(T, B, 4) turns of the bones of the mapping from their rest pose, in armature space."""
    joints = world_rotations(clip)
    now = joints[:, [each.joint for each in body.bones]]
    for number, each in enumerate(body.bones):
        if each.since >= 0 and each.share < 1.0:
            now[:, number] = rot.slerp(joints[:, each.since], now[:, number], np.full(len(now), each.share))
    rests = np.array([body.alignment.turns[each.joint] for each in body.bones])
    return rot.apply_matrices(rot.product_matrices(to_armature_turn(matrix), rests), now)


def _locations(
    clip: Clip, body: RigBody, matrix: FloatArray, parent_pose: FloatArray, turned: FloatArray, units: float
) -> dict[str, FloatArray]:
    """Locations of the pelvis's bone and of the bones that are placed; armature space is reached through `matrix`."""
    bones, points = body.description.bones, body.alignment.points
    inverse = np.linalg.inv(matrix)

    def to_armature(places: FloatArray) -> FloatArray:
        result: FloatArray = (places @ ENGINE_TO_WORLD.T * units) @ inverse[:3, :3].T + inverse[:3, 3]
        return result

    above_turn = rotation_of(parent_pose[:3, :3])
    heads: dict[int, FloatArray] = {}
    locations: dict[str, FloatArray] = {}
    placed = None
    for number in _needed(body):
        each = body.bones[number]
        bone = bones[each.bone]
        carried = _carried(body, each, turned, heads, parent_pose)
        if not each.moves:
            heads[number] = carried
            continue
        if number == 0:
            head = to_armature(clip.translation) + rot.rotate(turned[:, 0], bone.head - points[0])
        else:
            if placed is None:
                placed = positions(clip.translation, world_rotations(clip), clip.skeleton)
            offset = bone.head - points[each.joint]
            head = to_armature(placed[:, each.joint]) + rot.rotate(turned[:, number], offset)
        heads[number] = head
        turn = turned[:, each.parent] if each.parent >= 0 else above_turn
        scale = 1.0 if each.parent >= 0 else np.cbrt(np.linalg.det(parent_pose[:3, :3]))
        axes = (
            rot.multiply(turn, rot.from_matrix(bone.matrix))
            if bone.use_local_location
            else _parent_axes(body, each, turn)
        )
        locations[bone.name] = rot.rotate(rot.inverse(axes), head - carried) / scale
    return locations


def _needed(body: RigBody) -> list[int]:
    """The bones whose place is needed: those that have a location, and what carries them; parents first."""
    needed: set[int] = set()
    for number, each in enumerate(body.bones):
        at = number if each.moves else -1
        while at >= 0 and at not in needed:
            needed.add(at)
            at = body.bones[at].parent
    return sorted(needed)


def _carried(
    body: RigBody, each: TurningBone, turned: FloatArray, heads: dict[int, FloatArray], parent_pose: FloatArray
) -> FloatArray:
    """(T, 3) where a bone's head is without a location of its own, armature space."""
    bones = body.description.bones
    head = bones[each.bone].head
    if each.parent < 0:
        still: FloatArray = parent_pose[:3, :3] @ head + parent_pose[:3, 3]
        return np.broadcast_to(still, (len(turned), 3))
    rest = head - bones[body.bones[each.parent].bone].head
    result: FloatArray = heads[each.parent] + rot.rotate(turned[:, each.parent], rest)
    return result


def _parent_axes(body: RigBody, each: TurningBone, turn: FloatArray) -> FloatArray:
    """Axes of a location without Local Location: those of the posed parent bone, or the armature's."""
    parent = body.description.bones[each.bone].parent
    if parent < 0:
        return rot.IDENTITY
    return rot.multiply(turn, rot.from_matrix(body.description.bones[parent].matrix))


def _resting(body: RigBody) -> tuple[str, ...]:
    """Bones above those of the mapping, up to the next one; none in a control rig, where constraints place them."""
    if body.mapping.switches:
        return ()
    bones = body.description.bones
    mapped = {each.bone for each in body.bones}
    found: list[str] = []
    for each in body.bones[1:]:
        above = bones[each.bone].parent
        while above >= 0 and above not in mapped:
            if bones[above].name not in found and _hangs_from(body, above, mapped):
                found.append(bones[above].name)
            above = bones[above].parent
    return tuple(found)


def _hangs_from(body: RigBody, bone: int, mapped: set[int]) -> bool:
    while bone >= 0:
        if bone in mapped:
            return True
        bone = body.description.bones[bone].parent
    return False


def to_armature_turn(world: FloatArray) -> FloatArray:
    """(4,) rotation from engine axes to the space of an armature object with matrix_world (4, 4)."""
    return rot.multiply(rot.inverse(rotation_of(world[:3, :3])), rot.from_matrix(ENGINE_TO_WORLD))


def rotation_of(matrix: FloatArray) -> FloatArray:
    """(4,) rotation of a (3, 3) matrix with an even scale."""
    return rot.from_matrix(matrix / np.cbrt(np.linalg.det(matrix)))
