"""Few keys for the bones of an armature: the key fitting of `keyframes` on the bones of a mapping.

The fitting works on a clip whose joints are the mapping's bones, with rotations in the axes of the pose bones. So keys
are few and errors are measured for the bones that there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from ..array_types import FloatArray, IntArray
from ..keyframes.fitting import fit_keys
from ..keyframes.keys import BezierKeys
from ..motion import rotations as rot
from ..motion.motion import Clip
from ..motion.skeleton import JOINTS, Skeleton
from .bone_channels import rotation_of, to_armature_turn
from .euler_orders import ORDERS, as_xyz
from .mapped_joints import ANKLES, TOES
from .rig_body import ENGINE_TO_WORLD, RigBody, TurningBone
from .rig_retarget import clip_of, positions, world_rotations


@dataclass(frozen=True, eq=False)
class BoneClip:
    """A clip whose joints are the bones of a mapping.

    Attributes:
        clip: The bones as joints, named after SMPL's where a bone completes a joint's turn. Its translation is the
            place of the pelvis's bone.
        bones: Name of each joint's bone; "" for toes without a bone.
        orders: Euler order of each bone, "" for other rotation modes.
        outer: (N, 4) quaternions: outer * rotation * inner is the rotation of the pose bone.
        inner: (N, 4) quaternions, see `outer`.
        matrix: (3, 3), with `offset` the map from the translation to the location of the first bone.
        offset: (3,) Blender units.
        apart: The same of each bone that is placed by its location, with the bones below it, which the clip leaves out.
    """

    clip: Clip
    bones: tuple[str, ...]
    orders: tuple[str, ...]
    outer: FloatArray
    inner: FloatArray
    matrix: FloatArray
    offset: FloatArray
    apart: tuple[BoneClip, ...] = ()


@dataclass(frozen=True)
class BoneKeys:
    """Few keys of pose bones, in the rotation mode of each bone.

    Attributes:
        location: Keys of the location of the pelvis's bone.
        rotations: Bone name -> keys of its quaternion, or of its Euler angles about X, Y and Z.
        max_error_mm: Largest distance of any joint on any frame from its place in the clip, millimetres of the body.
        keys_per_second: Keys per second of motion, over all bones and locations.
        frames: Number of frames of the clip.
        locations: Bone name -> keys of its location, of other bones that are placed by it.
    """

    location: BezierKeys
    rotations: dict[str, BezierKeys]
    max_error_mm: float
    keys_per_second: float
    frames: int
    locations: dict[str, BezierKeys] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of keys of all bones and locations; the channels of one property count once."""
        return self.location.count + sum(k.count for k in (*self.rotations.values(), *self.locations.values()))

    @property
    def dense_count(self) -> int:
        """The value of `count` with a key on every frame."""
        return self.frames * (1 + len(self.rotations) + len(self.locations))


def bone_clip(
    clip: Clip,
    body: RigBody,
    world: FloatArray | None = None,
    above: FloatArray | None = None,
    units_per_metre: float | None = None,
) -> BoneClip | None:
    """Express a clip by the bones of a mapping; arguments as for `bone_channels`.

    Returns:
        The clip; None if a bone is placed by its location under a bone that turns, or does not inherit rotation, so
        that the bones are no trees.
    """
    if any((each.parent < 0) != each.moves or not each.follows for each in body.bones[1:]):
        return None
    matrix = np.asarray(body.description.world if world is None else world, dtype=np.float64)
    parent_pose = np.eye(4) if above is None else np.asarray(above, dtype=np.float64)
    joints = world_rotations(clip)
    outside = rot.multiply(rot.inverse(rotation_of(parent_pose[:3, :3])), to_armature_turn(matrix))
    units = body.units_per_metre if units_per_metre is None else units_per_metre
    places = positions(clip.translation, joints, clip.skeleton)

    def tree_clip(root: int, apart: tuple[BoneClip, ...] = ()) -> BoneClip:
        numbers = [number for number in range(len(body.bones)) if _root_of(body, number) == root]
        tree = [*_mapped_bones(body, numbers, outside), *_missing_toes(body, numbers)]
        turned = np.stack([each.turn(joints) for each in tree], axis=1)
        first, alignment = body.bones[root], body.alignment
        head = body.description.bones[first.bone].head
        beside = rot.rotate(alignment.turns[first.joint], head - alignment.points[first.joint]) / alignment.size
        skeleton = Skeleton(
            tuple(each.joint for each in tree),
            tuple(each.parent for each in tree),
            np.array([each.offset for each in tree]),
        )
        return BoneClip(
            clip_of(turned, places[:, first.joint] + rot.rotate(turned[:, 0], beside), clip.fps, skeleton),
            tuple(each.bone for each in tree),
            tuple(each.mode if each.mode in ORDERS else "" for each in tree),
            np.array([each.outer for each in tree]),
            np.array([each.inner for each in tree]),
            *location_map(body, matrix, parent_pose, units, root),
            apart,
        )

    roots = [number for number, each in enumerate(body.bones) if each.parent < 0]
    return tree_clip(0, tuple(tree_clip(root) for root in roots[1:]))


def _root_of(body: RigBody, number: int) -> int:
    """The first bone of the tree that a bone of the mapping is in."""
    while body.bones[number].parent >= 0:
        number = body.bones[number].parent
    return number


@dataclass(frozen=True, eq=False)
class _TreeBone:
    """A joint of a `BoneClip`: a bone of the mapping, or toes without a bone ("")."""

    joint: str
    parent: int
    offset: FloatArray
    turning: TurningBone
    bone: str = ""
    mode: str = "QUATERNION"
    outer: FloatArray = field(default_factory=lambda: rot.IDENTITY)
    inner: FloatArray = field(default_factory=lambda: rot.IDENTITY)

    def turn(self, joints: FloatArray) -> FloatArray:
        """(T, 4) world rotation from those of SMPL's joints (T, 24, 4)."""
        each, now = self.turning, joints[:, self.turning.joint]
        if each.since < 0 or each.share >= 1.0:
            return now
        return rot.slerp(joints[:, each.since], now, np.full(len(now), each.share))


def _mapped_bones(body: RigBody, numbers: list[int], outside: FloatArray) -> list[_TreeBone]:
    """Bones of the mapping that are a tree. outside: (4,) rotation from engine axes to the space above it."""
    bones, alignment = body.description.bones, body.alignment
    found: list[_TreeBone] = []
    taken: set[str] = set()
    for number in numbers:
        each = body.bones[number]
        bone, joint = bones[each.bone], JOINTS[each.joint]
        rest = rot.from_matrix(bone.matrix)
        before, offset = outside, np.zeros(3)
        if each.parent >= 0:
            parent = body.bones[each.parent]
            before = rot.inverse(alignment.turns[parent.joint])
            apart = bone.head - bones[parent.bone].head
            offset = rot.rotate(alignment.turns[parent.joint], apart) / alignment.size
        name = joint if each.share >= 1.0 and joint not in taken else f"{joint} {number}"
        taken.add(name)
        outer = rot.multiply(rot.inverse(rest), before)
        inner = rot.multiply(alignment.turns[each.joint], rest)
        above = numbers.index(each.parent) if each.parent >= 0 else -1
        found.append(_TreeBone(name, above, offset, each, bone.name, bone.rotation_mode, outer, inner))
    return found


def _missing_toes(body: RigBody, numbers: list[int]) -> list[_TreeBone]:
    """Toes of feet of a tree without a toe bone: resting feet are found by their toes."""
    present = {each.joint for each in body.bones}
    joints = [body.bones[number].joint for number in numbers]
    return [
        _TreeBone(JOINTS[toe], joints.index(ankle), np.asarray(body.skeleton.offsets)[toe], TurningBone(-1, toe))
        for ankle, toe in zip(ANKLES, TOES, strict=True)
        if toe not in present and ankle in joints
    ]


def location_map(
    body: RigBody, matrix: FloatArray, parent_pose: FloatArray, units: float, number: int = 0
) -> tuple[FloatArray, FloatArray]:
    """Matrix (3, 3) and offset (3,) from the place of the pelvis's bone, engine metres, to its location.

    Args:
        body: The body.
        matrix: (4, 4) the armature object's matrix_world.
        parent_pose: (4, 4) pose of the pelvis's parent relative to its rest, armature space.
        units: Scene units in a metre of the place.
        number: Index in `body.bones` of another bone that hangs from no bone of the mapping.

    Returns:
        The map: matrix @ place + offset is the location.
    """
    bone = body.description.bones[body.bones[number].bone]
    axes = parent_pose[:3, :3] @ bone.matrix
    if not bone.use_local_location:
        axes = np.eye(3) if bone.parent < 0 else parent_pose[:3, :3] @ body.description.bones[bone.parent].matrix
    to_bone = np.linalg.inv(axes) @ np.linalg.inv(matrix[:3, :3])
    carried = matrix[:3, :3] @ (parent_pose[:3, :3] @ bone.head + parent_pose[:3, 3]) + matrix[:3, 3]
    return to_bone @ ENGINE_TO_WORLD * units, -1.0 * (to_bone @ carried)


def fit_bone_keys(bones: BoneClip, tolerance_mm: float, first_frame: float, loops: bool = False) -> BoneKeys:
    """Fit few keys to the bones of an armature.

    Args:
        bones: The clip, at the scene's frame rate.
        tolerance_mm: Largest distance of any joint from its place in the clip, millimetres of the body.
        first_frame: Scene frame of the clip's first frame.
        loops: Whether the clip is a loop.

    Returns:
        The keys.

    Raises:
        InvalidRequest: As `fit_keys`.
    """
    outer, inner = bones.outer.copy(), bones.inner.copy()
    for number, order in enumerate(bones.orders):
        if order:
            relabel = as_xyz(order)[0]
            outer[number] = rot.multiply(relabel, outer[number])
            inner[number] = rot.multiply(inner[number], rot.inverse(relabel))
    modes = tuple("XYZ" if order else "QUATERNION" for order in bones.orders)
    keys = fit_keys(bones.clip, tolerance_mm, first_frame, rotation_mode=modes, axes=(outer, inner), loops=loops)
    rotations: dict[str, BezierKeys] = {}
    for name, order, own in zip(bones.bones, bones.orders, keys.rotations, strict=True):
        if order:
            _, about, sign = as_xyz(order)
            own = own.mapped(partial(_reordered, back=np.argsort(about), sign=sign))
        if name:
            rotations[name] = own
    location = keys.location.mapped(lambda v: v @ bones.matrix.T + bones.offset)
    alone = BoneKeys(location, rotations, keys.max_error_mm, keys.keys_per_second, keys.frames)
    others = [(tree.bones[0], fit_bone_keys(tree, tolerance_mm, first_frame, loops)) for tree in bones.apart]
    if not others:
        return alone
    return BoneKeys(
        location,
        rotations | {bone: turned for _, other in others for bone, turned in other.rotations.items()},
        max(alone.max_error_mm, *(other.max_error_mm for _, other in others)),
        alone.keys_per_second + sum(other.keys_per_second for _, other in others),
        alone.frames,
        {bone: other.location for bone, other in others},
    )


def _reordered(angles: FloatArray, back: IntArray, sign: float) -> FloatArray:
    result: FloatArray = sign * angles[:, back]
    return result
