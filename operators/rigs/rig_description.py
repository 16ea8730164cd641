"""An armature object as the engine's plain description."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...motionlcm_blender.rigs.description import BoneConstraint, RigBone, RigDescription

REST = (("head_local", 3), ("tail_local", 3), ("matrix_local", 16))
"""Properties of a bone that are its rest pose, and their numbers of values."""
FLAGS = ("use_deform", "hide", "use_inherit_rotation", "use_connect", "use_local_location")


def describe_rig(obj: bpy.types.Object) -> RigDescription:
    """Describe an armature at rest, with the object's matrix_world as last evaluated."""
    bones = obj.data.bones
    index = {bone.name: number for number, bone in enumerate(bones)}
    visible = {collection.name: _is_visible(collection) for collection in obj.data.collections_all}
    heads, tails, matrices = (_numbers(bones, name, count) for name, count in REST)
    axes = matrices.reshape(-1, 4, 4)[:, :3, :3].transpose(0, 2, 1)
    made = tuple(
        _bone(obj, bone, index, visible, *places) for bone, *places in zip(bones, heads, tails, axes, strict=True)
    )
    scale = bpy.context.scene.unit_settings.scale_length
    return RigDescription(obj.name, made, np.array(obj.matrix_world, np.float64), float(scale))


def armature_state(obj: bpy.types.Object) -> tuple[Any, ...]:
    """What an armature's description depends on, as a value to compare; much faster than the description.

    Limits, weights of several targets and values of custom properties are left out: no mapping depends on these.
    """
    bones, poses = obj.data.bones, obj.pose.bones
    floats = b"".join(_numbers(bones, name, count).tobytes() for name, count in REST)
    flags = b"".join(_flags_of(bones, name) for name in FLAGS)
    return (
        obj.session_uid,
        obj.data.session_uid,
        obj.name,
        tuple(obj.matrix_world.translation) + tuple(map(tuple, obj.matrix_world.to_3x3())),
        bpy.context.scene.unit_settings.scale_length,
        tuple((bone.name, bone.parent and bone.parent.name) for bone in bones),
        hash((floats, flags, _flags_of(poses, "lock_rotation", 3), _flags_of(poses, "lock_location", 3))),
        tuple(
            (pose.rotation_mode, getattr(pose, "hide", False), pose.custom_shape is None, *pose.keys())
            for pose in poses
        ),
        tuple(_constraint_state(each) for pose in poses for each in pose.constraints),
        tuple((each.name, _is_visible(each)) for each in obj.data.collections_all),
    )


def _constraint_state(one: Any) -> tuple[Any, ...]:
    targets = tuple(each.subtarget for each in getattr(one, "targets", ()))
    ends = (getattr(one, name, None) for name in ("subtarget", "pole_subtarget", "chain_count"))
    return one.name, one.type, one.mute, one.influence, targets, *ends


def _flags_of(bones: Any, name: str, count: int = 1) -> bytes:
    values = np.empty(len(bones) * count, bool)
    bones.foreach_get(name, values)
    return values.tobytes()


def _numbers(bones: Any, name: str, count: int) -> np.ndarray:
    """(N, count) float64 of a property of all bones, read at once: an armature may have thousands of bones."""
    values = np.empty(len(bones) * count, np.float32)
    bones.foreach_get(name, values)
    return values.reshape(-1, count).astype(np.float64)


def _bone(
    obj: bpy.types.Object,
    bone: bpy.types.Bone,
    index: dict[str, int],
    visible: dict[str, bool],
    head: np.ndarray,
    tail: np.ndarray,
    axes: np.ndarray,
) -> RigBone:
    pose = obj.pose.bones[bone.name]
    collections = tuple(collection.name for collection in bone.collections)
    unseen = bool(collections) and not any(visible[name] for name in collections)
    return RigBone(
        name=bone.name,
        parent=-1 if bone.parent is None else index[bone.parent.name],
        head=head,
        tail=tail,
        matrix=axes,
        deform=bone.use_deform,
        hidden=bool(unseen or bone.hide or getattr(pose, "hide", False)),
        use_inherit_rotation=bone.use_inherit_rotation,
        inherit_scale=bone.inherit_scale,
        connected=bone.use_connect,
        locked_rotation=_flags(pose.lock_rotation),
        locked_location=_flags(pose.lock_location),
        rotation_mode=pose.rotation_mode,
        collections=collections,
        constraints=tuple(_constraint(each) for each in pose.constraints),
        properties={name: _property(pose, name) for name in pose.keys() if _is_number(pose[name])},  # noqa: SIM118
        use_local_location=bone.use_local_location,
        custom_shape=pose.custom_shape is not None,
    )


def _constraint(one: Any) -> BoneConstraint:
    weighted = [(each.weight, each.subtarget) for each in getattr(one, "targets", ()) if each.subtarget]
    single = getattr(one, "subtarget", "")
    targets = tuple(name for _, name in weighted) or ((single,) if single else ())
    target = max(weighted, key=lambda each: each[0])[1] if weighted else single
    influence = 0.0 if one.mute else float(one.influence)
    pole, chain = getattr(one, "pole_subtarget", ""), int(getattr(one, "chain_count", 0))
    return BoneConstraint(one.type, target, influence, one.name, targets, pole, chain)


def _property(pose: bpy.types.PoseBone, name: str) -> tuple[Any, Any, Any]:
    limits = pose.id_properties_ui(name).as_dict()
    return pose[name], limits.get("min"), limits.get("max")


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float))


def _is_visible(collection: Any) -> bool:
    return bool(collection.is_visible_effectively)


def _flags(values: Any) -> tuple[bool, bool, bool]:
    return bool(values[0]), bool(values[1]), bool(values[2])
