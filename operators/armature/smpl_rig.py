"""An armature as the engine's skeleton, and a clip as the pose of its bones.

Three spaces occur here. Engine: metres, Y up, facing +Z. World: Blender's, Z up, in scene units. Armature: the armature
object's own space, in which poses are stored. The object may be moved, rotated and scaled in the world.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import bpy
import numpy as np
from mathutils import Matrix

from ...motionlcm_blender.errors import InvalidRequest
from ...motionlcm_blender.motion import rotations
from ...motionlcm_blender.motion.motion import Clip
from ...motionlcm_blender.motion.rest_pose import straightened
from ...motionlcm_blender.motion.skeleton import JOINTS, SMPL, Skeleton

ENGINE_TO_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Converts engine axes to Blender's: (x, y, z) -> (x, -z, y)."""

_NAME_PREFIXES = ("m_avg_", "f_avg_", "n_avg_", "avg_")
EVEN = 0.01
"""Largest relative difference of an armature's scale along its axes. A sheared body has no proper rotations."""


@dataclass(frozen=True, eq=False)
class Rig:
    """An armature with SMPL bones.

    bones: the bone of each joint of the skeleton, None for a missing hand.
    skeleton: the armature's bones in a T-pose, in engine axes, at the size of a person.
    size: armature units per metre of that person.
    axes: (3, 3) rotation from engine axes to armature space.
    to_t_pose: (24, 4) quaternions in engine axes: rotation of each joint's bone from the armature's rest pose to the
        T-pose; the identity if the rest pose is a T-pose.
    rests: (4, 4) rest matrices of the joints' bones in armature space, (24, 4, 4); the identity for a missing hand.
    between: bones between those of two joints.
    controls: whether the bones are controls of a control rig.
    """

    bones: tuple[str | None, ...]
    skeleton: Skeleton
    size: float
    axes: np.ndarray
    to_t_pose: np.ndarray
    rests: np.ndarray
    between: tuple[str, ...] = ()
    controls: bool = False

    @property
    def heads(self) -> np.ndarray:
        """(N, 3) rest places of the joints' bones in armature space, without missing hands; the pelvis first."""
        return self.rests[[name is not None for name in self.bones], :3, 3]


def is_character(obj: bpy.types.Object | None) -> bool:
    """Whether the object is an armature with SMPL bones."""
    return obj is not None and obj.type == "ARMATURE" and set(JOINTS) <= set(_joint_bones(obj))


def read_rig(obj: bpy.types.Object) -> Rig:
    """Read an armature's rest pose. The bones may have any axes of their own.

    Further bones (root, fingers, jaw, eyes, twists) are allowed and follow their parent. Raises InvalidRequest if the
    object is no armature with SMPL bones, or its bones have an unsuitable hierarchy.
    """
    if obj.type != "ARMATURE":
        raise InvalidRequest(
            f'"{obj.name}" is not an armature: choose an armature with SMPL bones, or press Add Character.'
        )
    found = _joint_bones(obj)
    missing = [name for name in JOINTS if name not in found]
    if missing:
        raise InvalidRequest(
            f'The armature "{obj.name}" has no SMPL bone {missing[0]}'
            f"{f' (and {len(missing) - 1} more)' if missing[1:] else ''}: choose one with bones named like L_Hip or "
            "left_hip, or press Add Character."
        )
    _check_bones(obj, found)
    heads = {name: np.array(obj.data.bones[bone].head_local, np.float64) for name, bone in found.items()}
    axes = _body_axes(heads, obj.name)
    leg, own_leg = (_leg_length(h) for h in (heads, dict(zip(SMPL.names, SMPL.rest, strict=True))))
    size = leg / own_leg
    if abs(size - 1.0) < 1e-4:
        size = 1.0
    offsets = np.array(SMPL.offsets)
    for joint, (name, parent) in enumerate(zip(SMPL.names, SMPL.parents, strict=True)):
        if parent >= 0 and name in heads:
            offsets[joint] = (heads[name] - heads[SMPL.names[parent]]) @ axes / size
    same = np.abs(offsets - SMPL.offsets).max() < 1e-5
    skeleton, turns = straightened(SMPL if same else Skeleton(SMPL.names, SMPL.parents, offsets))
    bones = tuple(found.get(name) for name in SMPL.names)
    rests = np.array([np.eye(4) if bone is None else obj.data.bones[bone].matrix_local for bone in bones], np.float64)
    return Rig(bones, skeleton, size, axes, turns, rests, _between(obj, bones))


def units_per_metre(obj: bpy.types.Object, rig: Rig) -> float:
    """Scene units per metre of the engine for this character: 1 unless the character is scaled.

    The scale of a bone above the pelvis is included. Raises InvalidRequest if the object has a zero, a negative or an
    uneven scale.
    """
    assert rig.bones[0] is not None
    matrix = (np.array(obj.matrix_world, np.float64) @ _inherited(obj, rig.bones[0]))[:3, :3]
    determinant = np.linalg.det(matrix)
    scale = abs(determinant) ** (1.0 / 3.0)
    if not np.isfinite(scale) or scale < 1e-9:
        raise InvalidRequest(f'The armature "{obj.name}" has a scale of zero.')
    if determinant < 0.0:
        raise InvalidRequest(
            f'The armature "{obj.name}" is mirrored by a negative scale: {_scale_to_apply(obj)} first.'
        )
    if np.abs(matrix.T @ matrix / scale**2 - np.eye(3)).max() > 2.0 * EVEN:
        raise InvalidRequest(f'The armature "{obj.name}" is scaled unevenly: {_scale_to_apply(obj)} first.')
    return float(scale * rig.size)


def _scale_to_apply(obj: bpy.types.Object) -> str:
    """What to do about a scale that is negative or uneven: the end of a sentence."""
    owner: bpy.types.Object | None = obj
    while owner is not None:
        scale = owner.matrix_basis.to_scale()
        if owner.matrix_basis.determinant() < 0.0 or max(scale) - min(scale) > EVEN * max(map(abs, scale)):
            break
        owner = owner.parent
    return "apply its scale" if owner in (None, obj) else f'apply the scale of its parent "{owner.name}"'


def standing_place(obj: bpy.types.Object, rig: Rig) -> tuple[np.ndarray, float]:
    """The place of the armature object's rest pose: the floor under the pelvis (3,) in world space, and the heading in
    radians, 0 for facing -Y, counter-clockwise seen from above."""
    matrix = np.array(obj.matrix_world, np.float64)
    world = rig.heads @ matrix[:3, :3].T + matrix[:3, 3]
    pelvis = world[0]
    front = matrix[:3, :3] @ rig.axes[:, 2]
    heading = float(np.arctan2(front[0], -front[1])) if np.hypot(front[0], front[1]) > 1e-9 else 0.0
    return np.array([pelvis[0], pelvis[1], world[:, 2].min()]), heading


@dataclass(frozen=True, eq=False)
class Pose:
    """A clip as the channels of pose bones.

    location: (K, 3) of the pelvis bone. rotations: bone name -> (K, 4) quaternions, w first. root: name of the pelvis
    bone. still: ancestors and intermediate bones that must not move: bone name -> location (3,), quaternion (4,), scale
    (3,).
    """

    root: str
    location: np.ndarray
    rotations: dict[str, np.ndarray]
    still: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class BoneAxes:
    """The linear maps from a clip's numbers to those of pose bones.

    location of the root's bone: matrix (3, 3) @ translation + offset (3,). rotations: bone name -> joint, and the
    quaternions (4,) left and right of the clip's rotation. joints, maps: (B,) the same joints, and (B, 4, 4) the
    matrices of the products with left and right.
    """

    root: str
    matrix: np.ndarray
    offset: np.ndarray
    turns: dict[str, tuple[int, np.ndarray, np.ndarray]]
    joints: np.ndarray
    maps: np.ndarray


def bone_axes(obj: bpy.types.Object, rig: Rig, units_per_metre: float, above_rests: bool = False) -> BoneAxes:
    """The linear maps for the object at its current place.

    units: scene units per metre of the character. above_rests: bones above the hips count as resting, except for the
    scale of the topmost bone; otherwise their current pose is used.
    """
    root_name = rig.bones[0]
    assert root_name is not None
    above = _scale_above(obj, root_name) if above_rests else _pose_above(obj, root_name)
    return _axes_at(rig, np.array(obj.matrix_world, np.float64).tobytes(), above.tobytes(), units_per_metre)


@lru_cache(maxsize=2)
def _axes_at(rig: Rig, world: bytes, above_pose: bytes, units_per_metre: float) -> BoneAxes:
    """The same for a place of the object and a pose of the bone above the hips, matrices (4, 4) of float64 each. The
    latest answer is kept, because previews of Live use it many times a second."""
    matrix, above = (np.frombuffer(part).reshape(4, 4) for part in (world, above_pose))
    object_turn, above_turn = (
        rotations.from_matrix(np.array(Matrix(part).to_quaternion().to_matrix(), np.float64))
        for part in (matrix, above)
    )
    axes_turn = rotations.from_matrix(rig.axes)
    world_turn = rotations.from_matrix(ENGINE_TO_WORLD)
    inverse = np.linalg.inv(matrix @ above)
    to_bone = rig.rests[0, :3, :3].T
    place = to_bone @ inverse[:3, :3] @ ENGINE_TO_WORLD * units_per_metre
    offset = to_bone @ (inverse[:3, 3] - rig.rests[0, :3, 3])

    outside = rotations.inverse(rotations.multiply(object_turn, above_turn))
    found = [(joint, name) for joint, name in enumerate(rig.bones) if name is not None]
    joints = np.array([joint for joint, _ in found])
    rests = rotations.from_matrix(rig.rests[joints, :3, :3])
    # A rotation of the clip is relative to the T-pose, a rotation of the bone to its own rest pose.
    parents = rig.to_t_pose[np.array(SMPL.parents)[joints]]
    left = rotations.multiply(axes_turn, rotations.inverse(parents))
    left[joints == 0] = rotations.multiply(outside, world_turn)
    left = rotations.multiply(rotations.inverse(rests), left)
    right = rotations.multiply(rotations.multiply(rig.to_t_pose[joints], rotations.inverse(axes_turn)), rests)
    turns = {name: (joint, left[k], right[k]) for k, (joint, name) in enumerate(found)}
    root_name = rig.bones[0]
    assert root_name is not None
    return BoneAxes(root_name, place, offset, turns, joints, rotations.product_matrices(left, right))


def pose_channels(
    clip: Clip, obj: bpy.types.Object, rig: Rig, units_per_metre: float, above_rests: bool = False
) -> Pose:
    """The channels of the pose bones with which the character performs the clip in the world.

    clip: placed in the world, in engine axes and metres of this character. units: scene units per metre. The armature
    object may be moved, tilted or scaled: the clip's floor remains level. above_rests: see `bone_axes`; other channels
    then animate these bones.
    """
    axes = bone_axes(obj, rig, units_per_metre, above_rests)
    local = rotations.apply_matrices(axes.maps, clip.rotations[:, axes.joints])
    local = rotations.continuous(rotations.normalise(local))
    channels = {name: local[:, k] for k, name in enumerate(axes.turns)}
    location = clip.translation @ axes.matrix.T + axes.offset
    return Pose(axes.root, location, channels, _still_bones(obj, rig, above_rests))


def _pose_above(obj: bpy.types.Object, bone_name: str) -> np.ndarray:
    """(4, 4) transform of the bone above the pelvis, if there is one, relative to its rest pose."""
    parent = obj.pose.bones[bone_name].parent
    if parent is None:
        return np.eye(4)
    return np.array(parent.matrix @ parent.bone.matrix_local.inverted(), np.float64)


def _inherited(obj: bpy.types.Object, bone_name: str) -> np.ndarray:
    """(4, 4) as `_pose_above`, with the rotation and scale that the bone inherits: a bone may leave out the scale."""
    bone = obj.pose.bones[bone_name]
    if bone.parent is None:
        return np.eye(4)
    rest, above = bone.bone.matrix_local, bone.parent
    posed = bone.bone.convert_local_to_pose(
        Matrix(), rest, parent_matrix=above.matrix, parent_matrix_local=above.bone.matrix_local
    )
    return np.array(posed @ rest.inverted(), np.float64)


def _scale_above(obj: bpy.types.Object, bone_name: str) -> np.ndarray:
    """(4, 4) as `_pose_above`, for bones above at rest except for the scale of the topmost bone."""
    above = obj.pose.bones[bone_name].parent_recursive
    if not above:
        return np.eye(4)
    rest = above[-1].bone.matrix_local
    return np.array(rest @ Matrix.LocRotScale(None, None, above[-1].scale) @ rest.inverted(), np.float64)


def _still_bones(
    obj: bpy.types.Object, rig: Rig, above_rests: bool = False
) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The current pose of the bones above the pelvis, and the rest pose of bones between two joints.

    Another Action may have keyed these bones. Without keys of their own they would keep its last pose, or continue to
    move where it still plays in the NLA.
    """
    still: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    assert rig.bones[0] is not None
    resting = np.zeros(3), np.array([1.0, 0.0, 0.0, 0.0]), np.ones(3)
    above_hips = obj.pose.bones[rig.bones[0]].parent_recursive
    for above in above_hips[:-1] if above_rests else above_hips:
        place, turn, scale = above.matrix_basis.decompose()
        still[above.name] = resting if above_rests else (np.array(place), np.array(turn), np.array(scale))
    return still | dict.fromkeys(rig.between, resting)


def _between(obj: bpy.types.Object, bones: Sequence[str | None]) -> tuple[str, ...]:
    """The bones between those of two joints. bones: of the joints."""
    found: dict[str, None] = {}
    for joint in bones[1:]:
        for bone in obj.data.bones[joint].parent_recursive if joint is not None else ():
            if bone.name in bones:
                break
            found[bone.name] = None
    return tuple(found)


def _check_bones(obj: bpy.types.Object, found: dict[str, str]) -> None:
    """Raises InvalidRequest if the bones of the joints do not have SMPL's hierarchy, or do not follow their parents."""
    names = {bone: joint for joint, bone in found.items()}
    for joint, parent in zip(SMPL.names, SMPL.parents, strict=True):
        if joint not in found:
            continue
        bone = obj.data.bones[found[joint]]
        above = next((each.name for each in bone.parent_recursive if each.name in names), None)
        expected = SMPL.names[parent] if parent >= 0 else None
        if (None if above is None else names[above]) != expected:
            place = (
                f'must be a child of "{found[expected]}"' if expected is not None else "must not be a child of a joint"
            )
            raise InvalidRequest(f'In the armature "{obj.name}" the bone "{bone.name}" {place}, as in SMPL.')
        for each in (bone, *bone.parent_recursive):
            if each.name == above:
                break
            if each.parent is not None and not each.use_inherit_rotation:
                raise InvalidRequest(
                    f'In the armature "{obj.name}" the bone "{each.name}" does not inherit rotation: '
                    'switch "Inherit Rotation" on.'
                )
    root = obj.data.bones[found["pelvis"]]
    if root.parent is not None and (root.use_connect or not root.use_local_location):
        option = 'switch "Connected" off' if root.use_connect else 'switch "Local Location" on'
        raise InvalidRequest(f'In the armature "{obj.name}" the bone "{root.name}" cannot move: {option}.')


def joint_of(bone_name: str) -> str:
    """The joint of a bone with one of the usual spellings of SMPL's bone names; empty for other bones.

    Left and right are `L_` and `left_`. Capitals, `.`, `-` or a space for `_`, a namespace (`body:L_Hip`), and the
    prefixes of SMPL's FBX files (`m_avg_`, `f_avg_`) are ignored.
    """
    name = bone_name.rpartition(":")[2].lower().replace(".", "_").replace("-", "_").replace(" ", "_")
    for prefix in _NAME_PREFIXES:
        name = name.removeprefix(prefix)
    name = name.replace("left_", "l_", 1).replace("right_", "r_", 1)
    return name if name in SMPL.names else ""


def _joint_bones(obj: bpy.types.Object) -> dict[str, str]:
    """Joint name -> bone name."""
    found: dict[str, str] = {}
    for bone in obj.data.bones:
        joint = joint_of(bone.name)
        if joint:
            found.setdefault(joint, bone.name)
    return found


def _leg_length(heads: dict[str, np.ndarray]) -> float:
    pairs = (("l_hip", "l_knee"), ("l_knee", "l_ankle"), ("r_hip", "r_knee"), ("r_knee", "r_ankle"))
    return float(sum(np.linalg.norm(heads[b] - heads[a]) for a, b in pairs)) / 2.0


def _body_axes(heads: dict[str, np.ndarray], name: str) -> np.ndarray:
    """(3, 3) with the body's left, up and front in armature space as columns; nearly exact axes are rounded to exact
    ones."""
    left = heads["l_hip"] - heads["r_hip"]
    up = heads["head"] - heads["pelvis"]
    if np.linalg.norm(np.cross(left, up)) < 1e-9 or _leg_length(heads) < 1e-9:
        raise InvalidRequest(f'The armature "{name}" has no body shape: all its bones lie at one point or on one line.')
    left = left / np.linalg.norm(left)
    up = up - left * (up @ left)
    up = up / np.linalg.norm(up)
    axes = np.stack([left, up, np.cross(left, up)], axis=1)
    snapped = np.round(axes)
    return snapped if np.abs(axes - snapped).max() < 0.25 and np.linalg.det(snapped) > 0.5 else axes
