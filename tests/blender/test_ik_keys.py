"""Key IK Controls on rigs other than Rigify: CloudRig, and rigs of no family whose IK constraints show the controls."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest

from tests import rig_samples
from tests.blender import stored_armature, test_any_rig
from tests.blender.support import REPOSITORY, bone_heads, generate, part, settings
from tests.blender.test_any_rig import mixamo_name

pytestmark = pytest.mark.each_blender
a_model_that_walks = test_any_rig.a_model_that_walks
FRAMES = range(1, 36, 4)
LIMBS = {"ankle": ("hip", "knee", "foot"), "wrist": ("shoulder", "elbow", "")}


def cloudrig() -> bpy.types.Object:
    obj = stored_armature.build_rig(REPOSITORY / "tests" / "data" / "control_rigs" / "cloudrig_human.json")
    settings().character = obj
    return obj


def own_rig(poles: bool) -> bpy.types.Object:
    """One chain of bones for FK and IK, as animators make it by hand.

    With poles: arms and legs; the controls turn hands and feet, and a constraint chooses what carries the left foot's.
    Without poles: legs alone, whose feet point at a second control, as in MikuMikuDance.
    """
    description, _ = rig_samples.rig(turns=rig_samples.rest_turns(0.7, bent=0.2))
    bones = tuple(replace(bone, name=mixamo_name(bone.name.removeprefix("bone "))) for bone in description.bones)
    obj = test_any_rig.test_rigs.build(replace(description, bones=bones))
    limbs = [(side + end, *parts) for end, parts in LIMBS.items() for side in ("l_", "r_") if poles or end == "ankle"]
    bpy.ops.object.mode_set(mode="EDIT")
    edit = obj.data.edit_bones
    for end, _, middle, toe in limbs:
        bone = edit[mixamo_name(end)]
        edit[mixamo_name(end[:2] + middle)].tail = bone.head
        if toe:
            bone.tail = edit[mixamo_name(end[:2] + toe)].head
        control = edit.new(f"{end} IK control")
        control.head, control.tail, control.roll = bone.head, bone.tail, bone.roll
        other = edit.new(f"{end} pole" if poles else f"{end} IK toe")
        ahead = -0.5 if middle == "knee" else 0.5
        other.head = edit[mixamo_name(end[:2] + middle)].head if poles else bone.tail
        other.head.y += ahead if poles else 0.0
        other.tail = (other.head.x, other.head.y, other.head.z + 0.1)
        other.parent = None if poles else control
    bpy.ops.object.mode_set(mode="OBJECT")
    for end, _, middle, _ in limbs:
        one = obj.pose.bones[mixamo_name(end[:2] + middle)].constraints.new("IK")
        one.target, one.subtarget, one.chain_count = obj, f"{end} IK control", 2
        turned = obj.pose.bones[mixamo_name(end)].constraints.new("COPY_ROTATION" if poles else "IK")
        turned.target, turned.subtarget = obj, f"{end} IK control" if poles else f"{end} IK toe"
        if poles:
            one.pole_target, one.pole_subtarget = obj, f"{end} pole"
        else:
            turned.chain_count = 1
    if poles:
        carried = obj.pose.bones["l_ankle IK control"].constraints.new("CHILD_OF")
        carried.target, carried.subtarget = obj, mixamo_name("pelvis")
        carried.inverse_matrix = obj.data.bones[mixamo_name("pelvis")].matrix_local.inverted()
    bpy.context.view_layer.update()
    settings().character = obj
    return obj


RIGS = {
    "CloudRig": (
        cloudrig, ("IK-Wrist.L", "IK-Foot.R", "POLE-UpperArm.R", "POLE-Thigh.L"), "FK-",
        ("DEF-Forearm_1.L", "DEF-Knee_1.R", "DEF-Wrist.L", "DEF-Foot.R", "DEF-Toes.L"),
    ),
    "poles": (
        lambda: own_rig(True), ("l_wrist IK control", "l_ankle IK control", "r_ankle pole"), "mixamorig:LeftLeg",
        tuple(map(mixamo_name, ("l_knee", "r_elbow", "l_ankle", "r_wrist", "l_foot"))),
    ),
    "no poles": (
        lambda: own_rig(False), ("l_ankle IK control", "r_ankle IK toe"), "",
        tuple(map(mixamo_name, ("l_knee", "r_knee", "l_ankle", "r_ankle", "l_foot"))),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("keys", ["DENSE", "FITTED"])
def test_ik_controls_get_the_keys(kind: str, keys: str) -> None:
    make, controls, gone, shown = RIGS[kind]
    obj = make()
    switches = part("operators.rigs.recognised").read_character(obj).body.mapping.switches
    assert switches
    settings().key_mode = keys
    plain = generate("a person walks forward", seconds=1.5)
    units = test_any_rig.units_of(obj)
    before = np.array([bone_heads(obj, name, FRAMES) for name in shown]) / units
    assert bpy.ops.motionlcm.key_ik_controls.poll() and bpy.ops.motionlcm.key_ik_controls() == {"FINISHED"}
    action = obj.animation_data.action
    assert action != plain
    off = np.linalg.norm(np.array([bone_heads(obj, name, FRAMES) for name in shown]) / units - before, axis=-1)
    limits = {"DENSE": (0.001, 0.006), "FITTED": (0.01, 0.04)}[keys]
    assert off.mean() < limits[0] and off.max() < limits[1], np.round(1000 * off.max(axis=1), 1)
    curves = part("operators.armature.actions").curves_of(obj)
    paths = {curve.data_path for curve in curves}
    assert all(f'pose.bones["{control}"].location' in paths for control in controls)
    if gone:
        limbs = ("Thigh", "Knee", "Foot", "Arm", "Wrist", "LeftLeg")
        turned = [path for path in paths if "rotation" in path]
        assert not any(gone in path and any(word in path for word in limbs) for path in turned)
    if keys == "FITTED":
        assert max(len(curve.keyframe_points) for curve in curves if controls[1] in curve.data_path) < 36
    obj.animation_data.action = None
    bpy.context.view_layer.update()
    bone = obj.pose.bones[switches[0].bone]
    assert (bone[switches[0].prop] if switches[0].prop else bone.constraints[0].influence) == 1.0


def test_a_limb_without_ik_stays_with_its_fk_controls() -> None:
    """Only the legs have IK constraints: the arms keep their keys, and no other switch is turned."""
    obj = own_rig(False)
    mapping = part("operators.rigs.recognised").read_character(obj).body.mapping
    assert [limb.end for limb in mapping.ik] == ["l_ankle", "r_ankle"]
    assert all(
        limb.kept == tuple(mixamo_name(limb.end[:2] + joint) for joint in ("hip", "knee", "ankle"))
        for limb in mapping.ik
    )
    generate("a person walks forward", seconds=1.5)
    assert bpy.ops.motionlcm.key_ik_controls() == {"FINISHED"}
    paths = {curve.data_path for curve in part("operators.armature.actions").curves_of(obj)}
    assert f'pose.bones["{mixamo_name("l_elbow")}"].rotation_quaternion' in paths
