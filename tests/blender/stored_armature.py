"""An armature built from a rig file, with its constraints, drivers, collections and custom properties.

The files in tests/data/control_rigs are complete; those in tests/data/rigs lack drivers and settings of constraints.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import bpy
from mathutils import Matrix

BONE_DEFAULTS = {
    "use_connect": False, "use_inherit_rotation": True, "inherit_scale": "FULL", "use_deform": True,
    "use_local_location": True, "use_relative_parent": False, "hide": False,
}  # fmt: skip


def load(path: str | Path) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def build_rig(path: str | Path | dict, constraints: bool = True, drivers: bool = True) -> bpy.types.Object:
    """The armature of a rig file (or of one that `load` has read), linked to the scene."""
    rig = path if isinstance(path, dict) else load(path)
    data = bpy.data.armatures.new(rig["object"]["data_name"])
    armature = bpy.data.objects.new(rig["object"]["name"], data)
    bpy.context.scene.collection.objects.link(armature)
    for other in list(bpy.context.view_layer.objects.selected):
        if other is not None:  # removed, and the view layer not yet updated
            other.select_set(False)
    bpy.context.view_layer.objects.active = armature
    armature.select_set(True)
    armature.matrix_world = Matrix(rig["object"]["matrix_world"])

    bpy.ops.object.mode_set(mode="EDIT")
    made = {}
    for entry in rig["bones"]:  # parents come first
        bone = data.edit_bones.new(entry["name"])
        if bone.name != entry["name"]:
            raise ValueError(f"Blender renamed {entry['name']!r} to {bone.name!r}")
        bone.head, bone.tail, bone.roll = entry["head"], entry["tail"], entry["roll"]
        made[entry["name"]] = bone
    for entry in rig["bones"]:
        bone = made[entry["name"]]
        if entry["parent"] is not None:
            bone.parent = made[entry["parent"]]
        bone.use_connect = entry.get("use_connect", False)
    bpy.ops.object.mode_set(mode="OBJECT")
    if len(data.bones) != len(rig["bones"]):
        raise ValueError(f"Blender dropped bones: {set(made) - set(data.bones.keys())}")

    _collections(rig, data)
    for entry in rig["bones"]:
        bone, pose = data.bones[entry["name"]], armature.pose.bones[entry["name"]]
        for name, default in BONE_DEFAULTS.items():
            if name == "hide" and bpy.app.version >= (5, 0, 0):
                pose.hide = entry.get("hide", False)
            elif name != "use_connect":
                setattr(bone, name, entry.get(name, default))
        pose.rotation_mode = entry.get("rotation_mode", "QUATERNION")
        for name, value in entry.get("pose", {}).items():
            with contextlib.suppress(AttributeError, TypeError):
                setattr(pose, name, value)
        for name, prop in entry.get("properties", {}).items():
            pose[name] = prop["value"]
            try:
                ui = {k: prop[k] for k in ("default", "min", "max", "soft_min", "soft_max") if prop.get(k) is not None}
                if ui:
                    pose.id_properties_ui(name).update(**ui)
            except (TypeError, KeyError, ValueError, OverflowError):
                pass
    for name, prop in rig["object"].get("properties", {}).items():
        armature[name] = prop["value"]
    for name, prop in rig["object"].get("data_properties", {}).items():
        data[name] = prop["value"]
    if constraints:
        for entry in rig["bones"]:
            for each in entry.get("constraints", ()):
                _constraint(armature, armature.pose.bones[entry["name"]], each)
        if drivers:
            for each in rig.get("drivers", ()):
                _driver(armature, each)
    bpy.context.view_layer.update()
    return armature


def _collections(rig: dict, data: bpy.types.Armature) -> None:
    made = []
    for entry in rig.get("collections", ()):
        parent = made[entry["parent"]] if entry.get("parent") is not None else None
        one = data.collections.new(entry["name"], parent=parent)
        one.is_visible = entry.get("visible", True)
        made.append(one)
    for entry in rig["bones"]:
        for index in entry.get("collections", ()):
            made[index].assign(data.bones[entry["name"]])


def _constraint(armature: bpy.types.Object, pose: bpy.types.PoseBone, entry: dict) -> None:
    one = pose.constraints.new(entry["type"])
    one.name = entry["name"]
    for target in entry.get("targets", ()):
        new = one.targets.new()
        new.target = armature if target["target"] == "self" else None
        new.subtarget = target["subtarget"]
        new.weight = target.get("weight", 1.0)
    if entry.get("target") == "self":
        one.target = armature
        one.subtarget = entry.get("subtarget", "")
    if entry.get("pole_target") == "self":
        one.pole_target = armature
        one.pole_subtarget = entry.get("pole_subtarget", "")
    for name, value in entry.get("settings", {}).items():
        with contextlib.suppress(AttributeError, TypeError):
            setattr(one, name, value)
    for name in ("influence", "mute"):
        if name in entry:
            setattr(one, name, entry[name])


def _driver(armature: bpy.types.Object, entry: dict) -> None:
    owner = armature if entry.get("on", "object") == "object" else armature.data
    try:
        index = entry.get("index")
        curve = owner.driver_add(entry["path"]) if index is None else owner.driver_add(entry["path"], index)
    except (TypeError, ValueError):
        return
    driver = curve.driver
    driver.type = entry["type"]
    for each in entry["variables"]:
        one = driver.variables.new()
        one.name, one.type = each["name"], each["type"]
        for target, wanted in zip(one.targets, each["targets"], strict=False):
            if one.type == "SINGLE_PROP":
                target.id_type = wanted.get("id_type", "OBJECT")
            target.id = armature if wanted.get("id_type", "OBJECT") == "OBJECT" else armature.data
            for name in ("data_path", "bone_target", "transform_type", "transform_space", "rotation_mode"):
                if name in wanted:
                    setattr(target, name, wanted[name])
    if driver.type == "SCRIPTED":
        driver.expression = entry["expression"]
    while curve.modifiers:
        curve.modifiers.remove(curve.modifiers[0])
    for point in entry.get("points", ()):
        curve.keyframe_points.insert(point[0], point[1]).interpolation = "LINEAR"
    for coefficients in entry.get("polynomials", ()):
        generator = curve.modifiers.new("GENERATOR")
        generator.poly_order = len(coefficients) - 1
        generator.coefficients = coefficients
