"""An armature object as the engine's plain description."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from ...motionlcm_blender.rigs.description import BoneConstraint, RigBone, RigDescription


def describe_rig(obj: bpy.types.Object) -> RigDescription:
    """Describe an armature at rest, with the object's matrix_world as last evaluated."""
    bones = obj.data.bones
    index = {bone.name: number for number, bone in enumerate(bones)}
    visible = {collection.name: _is_visible(collection) for collection in obj.data.collections_all}
    made = tuple(_bone(obj, bone, index, visible) for bone in bones)
    scale = bpy.context.scene.unit_settings.scale_length
    return RigDescription(obj.name, made, np.array(obj.matrix_world, np.float64), float(scale))


def _bone(obj: bpy.types.Object, bone: bpy.types.Bone, index: dict[str, int], visible: dict[str, bool]) -> RigBone:
    pose = obj.pose.bones[bone.name]
    collections = tuple(collection.name for collection in bone.collections)
    unseen = bool(collections) and not any(visible[name] for name in collections)
    return RigBone(
        name=bone.name,
        parent=-1 if bone.parent is None else index[bone.parent.name],
        head=np.array(bone.head_local, np.float64),
        tail=np.array(bone.tail_local, np.float64),
        matrix=np.array(bone.matrix_local.to_3x3(), np.float64),
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
