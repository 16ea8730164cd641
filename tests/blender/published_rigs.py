"""Armatures of our own making that follow the published conventions of SMPL's and SMPL-X's Blender add-ons.

Bone names, hierarchy, the root bone, bones that all point one way, and an object turned by 90 degrees about X are
theirs; the proportions are drawn at random.
"""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector

from tests.blender.support import part

_SIDES = ("left", "right")
SMPLX_JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye_smplhf",
    "right_eye_smplhf",
    *(f"{side}_{finger}{k}" for side in _SIDES for finger in ("index", "middle", "pinky", "ring", "thumb")
      for k in (1, 2, 3)),
)  # fmt: skip


def smpl_names(prefix: str = "m_avg_") -> tuple[str, ...]:
    """SMPL's 24 names as its FBX files spell them: m_avg_Pelvis, m_avg_L_Hip, ..."""
    names = part("motionlcm_blender.motion.skeleton").SMPL.names
    return tuple(prefix + "_".join(word.capitalize() for word in name.split("_")) for name in names)


def smplx_parents() -> tuple[int, ...]:
    """Parents of SMPL-X's 55 joints: the body's, jaw and eyes on the head, each finger a chain from the wrist."""
    body = part("motionlcm_blender.motion.skeleton").PARENTS
    fingers = [
        20 + hand if k == 0 else 25 + 15 * hand + 3 * f + k - 1 for hand in (0, 1) for f in range(5) for k in range(3)
    ]
    return (*body, 15, 15, 15, *fingers)


def random_heads(count: int, rng: np.random.Generator, lowered: float = 0.0, spread: float = 0.0) -> np.ndarray:
    """(count, 3) rest joints in engine axes, metres, of a body of random proportions standing on y = 0.

    lowered, spread: radians by which the arms hang below a T-pose and the legs stand apart.
    """
    skeleton = part("motionlcm_blender.motion.skeleton").SMPL
    parents = list(skeleton.parents) if count == 24 else list(smplx_parents())
    offsets = np.zeros((count, 3))
    known = 24 if count == 24 else 22
    offsets[:known] = skeleton.offsets[:known] * rng.uniform(0.85, 1.2, (known, 1))
    offsets[1:known] += rng.normal(0.0, 0.008, (known - 1, 3))
    offsets[known:] = rng.normal(0.0, 0.02, (count - known, 3))

    def turned(joints: tuple[int, ...], angle: float) -> None:
        c, s = np.cos(angle), np.sin(angle)
        for joint in joints:
            offsets[joint] = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ offsets[joint]

    turned((18, 20), -lowered)
    turned((19, 21), lowered)
    if count == 24:
        turned((22,), -lowered)
        turned((23,), lowered)
    turned((4, 7), spread)
    turned((5, 8), -spread)
    heads = offsets.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            heads[joint] = heads[parent] + offsets[joint]
    heads[:, 1] -= heads[:22, 1].min()
    return heads


def build(
    names: tuple[str, ...],
    parents: tuple[int, ...],
    heads: np.ndarray,
    rng: np.random.Generator,
    bones: str = "along z",
    turn_data: Matrix | None = None,
    root: str | None = "root",
) -> bpy.types.Object:
    """An armature in the scene. heads: (n, 3), engine axes, which the armature's own are unless turn_data (3, 3) is
    given. bones: "along z", "along y" with a fixed small length, or "any": other directions and rolls for each.
    """
    turn = Matrix.Identity(3) if turn_data is None else turn_data
    data = bpy.data.armatures.new("SMPL")
    armature = bpy.data.objects.new("SMPL", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    made = []
    if root is not None:
        first = data.edit_bones.new(root)
        first.head, first.tail = (0, 0, 0), turn @ Vector((0, 0.1, 0))
    for name, parent, head in zip(names, parents, heads, strict=True):
        bone = data.edit_bones.new(name)
        bone.head = turn @ Vector(head)
        away = {"along z": (0, 0, 0.1), "along y": (0, 0.1, 0), "any": rng.normal(0.0, 0.1, 3)}[bones]
        bone.tail = bone.head + Vector(away)
        bone.roll = rng.uniform(-3, 3) if bones == "any" else 0.0
        if parent >= 0:
            bone.parent = made[parent]
        elif root is not None:
            bone.parent = first
        made.append(bone)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    return armature


def smpl_armature(rng: np.random.Generator, **shape) -> bpy.types.Object:
    lowered, spread = shape.pop("lowered", 0.0), shape.pop("spread", 0.0)
    prefix = shape.pop("prefix", "m_avg_")
    parents = part("motionlcm_blender.motion.skeleton").SMPL.parents
    return build(smpl_names(prefix), parents, random_heads(24, rng, lowered, spread), rng, **shape)


def smplx_armature(rng: np.random.Generator, **shape) -> bpy.types.Object:
    """Y-up data under an object turned by 90 degrees about X."""
    lowered, spread = shape.pop("lowered", 0.0), shape.pop("spread", 0.0)
    armature = build(SMPLX_JOINTS, smplx_parents(), random_heads(55, rng, lowered, spread), rng, **shape)
    armature.rotation_euler = Euler((np.pi / 2, 0, 0))
    bpy.context.view_layer.update()
    return armature
