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
    rests = [rot.from_matrix(body.description.bones[each.bone].matrix) for each in body.bones]
    parent_turn = rotation_of(parent_pose[:3, :3])
    rotations: dict[str, FloatArray] = {}
    for number, each in enumerate(body.bones):
        carried = turned[each.parent] if each.parent >= 0 else parent_turn
        if not each.follows:
            carried = rot.IDENTITY
        local = rot.multiply(rot.inverse(carried), turned[number])
        basis = rot.multiply(rot.multiply(rot.inverse(rests[number]), local), rests[number])
        rotations[body.description.bones[each.bone].name] = rot.continuous(rot.normalise(basis))
    locations = _locations(clip, body, matrix, parent_pose, turned, units)
    return BoneChannels(rotations, locations, _resting(body))


def _turns_from_rest(clip: Clip, body: RigBody, matrix: FloatArray) -> list[FloatArray]:
    """(T, 4) turn of each bone of the mapping from its rest pose, in armature space."""
    to_armature = to_armature_turn(matrix)
    joints = world_rotations(clip)
    turned = []
    for each in body.bones:
        now = joints[:, each.joint]
        if each.since >= 0 and each.share < 1.0:
            now = rot.slerp(joints[:, each.since], now, np.full(len(now), each.share))
        turned.append(rot.multiply(rot.multiply(to_armature, now), body.alignment.turns[each.joint]))
    return turned


def _locations(
    clip: Clip, body: RigBody, matrix: FloatArray, parent_pose: FloatArray, turned: list[FloatArray], units: float
) -> dict[str, FloatArray]:
    """Locations of the pelvis's bone and of the bones that are placed; armature space is reached through `matrix`."""
    bones, points = body.description.bones, body.alignment.points
    inverse = np.linalg.inv(matrix)

    def to_armature(places: FloatArray) -> FloatArray:
        result: FloatArray = (places @ ENGINE_TO_WORLD.T * units) @ inverse[:3, :3].T + inverse[:3, 3]
        return result

    heads: list[FloatArray] = []
    locations: dict[str, FloatArray] = {}
    placed = None
    for number, each in enumerate(body.bones):
        bone = bones[each.bone]
        carried = _carried(body, each, turned, heads, parent_pose)
        if not each.moves:
            heads.append(carried)
            continue
        if number == 0:
            head = to_armature(clip.translation) + rot.rotate(turned[0], bone.head - points[0])
        else:
            if placed is None:
                placed = positions(clip.translation, world_rotations(clip), clip.skeleton)
            head = to_armature(placed[:, each.joint]) + rot.rotate(turned[number], bone.head - points[each.joint])
        heads.append(head)
        turn = turned[each.parent] if each.parent >= 0 else rotation_of(parent_pose[:3, :3])
        scale = 1.0 if each.parent >= 0 else np.cbrt(np.linalg.det(parent_pose[:3, :3]))
        axes = (
            rot.multiply(turn, rot.from_matrix(bone.matrix))
            if bone.use_local_location
            else _parent_axes(body, each, turn)
        )
        locations[bone.name] = rot.rotate(rot.inverse(axes), head - carried) / scale
    return locations


def _carried(
    body: RigBody, each: TurningBone, turned: list[FloatArray], heads: list[FloatArray], parent_pose: FloatArray
) -> FloatArray:
    """(T, 3) where a bone's head is without a location of its own, armature space."""
    bones = body.description.bones
    head = bones[each.bone].head
    if each.parent < 0:
        still: FloatArray = parent_pose[:3, :3] @ head + parent_pose[:3, 3]
        return np.broadcast_to(still, (len(turned[0]), 3))
    rest = head - bones[body.bones[each.parent].bone].head
    result: FloatArray = heads[each.parent] + rot.rotate(turned[each.parent], rest)
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
