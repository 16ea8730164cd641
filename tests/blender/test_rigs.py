"""Motions written onto armatures of any family: what Blender shows is what the engine computed."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion

from tests import rig_samples
from tests.blender.support import part
from tests.rig_samples import J, rest_turns, rig, zero_pose_rig
from tests.synthetic_motion import walk

pytestmark = pytest.mark.each_blender
FIRST = 5


def build(description) -> bpy.types.Object:
    """An armature object from a description."""
    data = bpy.data.armatures.new(description.name)
    obj = bpy.data.objects.new(description.name, data)
    bpy.context.scene.collection.objects.link(obj)
    bpy.context.view_layer.objects.active = obj
    obj.matrix_world = Matrix(description.world)
    bpy.ops.object.mode_set(mode="EDIT")
    made = []
    for bone in description.bones:
        one = data.edit_bones.new(bone.name)
        one.head, one.tail = bone.head, bone.tail
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = bone.matrix, bone.head
        one.matrix = Matrix(matrix)
        one.parent = made[bone.parent] if bone.parent >= 0 else None
        made.append(one)
    bpy.ops.object.mode_set(mode="OBJECT")
    for bone in description.bones:
        data.bones[bone.name].use_inherit_rotation = bone.use_inherit_rotation
        data.bones[bone.name].use_local_location = bone.use_local_location
        obj.pose.bones[bone.name].rotation_mode = bone.rotation_mode
    bpy.context.view_layer.update()
    return obj


def motion(frames: int = 24):
    joints = walk(frames, speed=1.1, turn_rate=0.3)
    contacts = part("motionlcm_blender.motion.foot_contacts").foot_contacts(joints)
    return part("motionlcm_blender.motion.motion").Motion(joints, contacts.astype(np.float32))


def engine_mapping(mapping):
    """The mapping as the extension's own class."""
    kinds = part("motionlcm_blender.rigs.description")
    values = {name: getattr(mapping, name) for name in kinds.RigMapping.__dataclass_fields__}
    values["switches"] = tuple(kinds.FkSwitch(s.bone, s.prop, s.constraint, s.value) for s in mapping.switches)
    return kinds.RigMapping(**values)


def written(obj: bpy.types.Object, mapping):
    """A walk written onto an armature: its body, its clip, what was written."""
    description = part("operators.rigs.rig_description").describe_rig(obj)
    body = part("motionlcm_blender.rigs.rig_body").rig_body(description, engine_mapping(mapping))
    clip = part("motionlcm_blender.rigs.rig_retarget").retarget_to_body(motion(), body)
    done = part("operators.rigs.apply_motion").write_motion(obj, body, clip, FIRST, "A walk", {})
    return body, clip, done


def shown(obj: bpy.types.Object, names: list[str], frames: int) -> np.ndarray:
    """(T, N, 3) heads of bones in the world, as evaluated."""
    heads = []
    for frame in range(frames):
        bpy.context.scene.frame_set(FIRST + frame)
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads.append([evaluated.matrix_world @ evaluated.pose.bones[name].head for name in names])
    return np.array(heads)


def expected(body, clip) -> np.ndarray:
    """(T, 22, 3) joints of the clip in the world."""
    retargeting = part("motionlcm_blender.rigs.rig_retarget")
    joints = retargeting.positions(clip.translation, retargeting.world_rotations(clip), clip.skeleton)[:, :22]
    return part("motionlcm_blender.motion.world_transform").engine_to_blender(joints) * body.units_per_metre


RIGS = {
    "T": lambda: rig(),
    "A, X along, FBX": lambda: rig(turns=rest_turns(0.7, 0.1, 0.4), x_along=True, fbx=True, rest_pose="A"),
    "zero": zero_pose_rig,
    "Euler": lambda: rig(turns=rest_turns(0.7), mode="YZX", rest_pose="A"),
    "axis and angle": lambda: rig(mode="AXIS_ANGLE"),
}


@pytest.mark.parametrize("kind", RIGS)
def test_the_armature_shows_the_clip(kind: str) -> None:
    description, mapping = RIGS[kind]()
    obj = build(description)
    body, clip, done = written(obj, mapping)
    names = [mapping.joints[joint][0] for joint in list(J)[1:]]
    heads = shown(obj, names, clip.frames)
    assert obj.animation_data.action == done.action and done.switches == {}
    assert np.abs(heads - expected(body, clip)[:, 1:]).max() < 1e-3 * body.units_per_metre


@pytest.mark.parametrize("setting", ["use_inherit_rotation", "use_local_location"])
@pytest.mark.parametrize("bone", ["bone pelvis", "bone l_shoulder", "bone r_ankle"])
def test_settings_of_inheritance_make_no_difference(bone: str, setting: str) -> None:
    description, mapping = rig(turns=rest_turns(0.7), rest_pose="A")
    root = replace(description.bones[0], name="root", parent=-1, matrix=description.bones[3].matrix)
    bones = (root, *(replace(each, parent=each.parent + 1) for each in description.bones))
    description = rig_samples.changed(replace(description, bones=bones), {bone: {setting: False}})
    obj = build(description)
    turned = obj.pose.bones["root"]
    turned.rotation_mode = "QUATERNION"
    turned.rotation_quaternion = Quaternion((0.9, 0.1, 0.3, -0.2)).normalized()
    turned.location = (0.1, -0.2, 0.3)
    bpy.context.view_layer.update()
    body, clip, _ = written(obj, mapping)
    heads = shown(obj, [mapping.joints[joint][0] for joint in list(J)[1:]], clip.frames)
    assert np.abs(heads - expected(body, clip)[:, 1:]).max() < 1e-3


def test_euler_keys_have_no_jumps() -> None:
    description, mapping = rig(turns=rest_turns(0.7), mode="ZXY", rest_pose="A")
    obj = build(description)
    written(obj, mapping)
    curves = [c for c in part("operators.armature.actions").curves_of(obj) if c.data_path.endswith("rotation_euler")]
    assert len(curves) == 3 * 22
    for curve in curves:
        values = np.array([point.co.y for point in curve.keyframe_points])
        assert np.abs(np.diff(values)).max() < 1.0


def test_switches_are_set_keyed_and_put_back() -> None:
    description, mapping = rig()
    obj = build(description)
    hand, knee = obj.pose.bones["bone l_wrist"], obj.pose.bones["bone r_knee"]
    hand["IK_FK"], hand["Count"] = 0.25, 3
    one = knee.constraints.new("LIMIT_ROTATION")
    one.name, one.influence = 'the "limit"', 0.75
    switches = (
        rig_samples.switch("bone l_wrist", "IK_FK", value=1.0), rig_samples.switch("bone l_wrist", "Count", value=0.0),
        rig_samples.switch("bone r_knee", constraint="*", value=0.0), rig_samples.switch("bone l_wrist", "Gone"),
        rig_samples.switch("no bone", "Gone"),
    )  # fmt: skip
    _, _, done = written(obj, replace(mapping, switches=switches))
    paths = {
        'pose.bones["bone l_wrist"]["IK_FK"]': (0.25, 1.0), 'pose.bones["bone l_wrist"]["Count"]': (3.0, 0.0),
        'pose.bones["bone r_knee"].constraints["the \\"limit\\""].influence': (0.75, 0.0),
    }  # fmt: skip
    assert done.switches == paths
    keyed = {c.data_path: c for c in part("operators.armature.actions").curves_of(obj) if c.data_path in paths}
    assert keyed.keys() == paths.keys()
    for path, (_, now) in paths.items():
        assert [tuple(point.co) for point in keyed[path].keyframe_points] == [(float(FIRST), now)]
    hand["IK_FK"], one.influence = 0.0, 1.0
    bpy.context.scene.frame_set(FIRST + 3)
    assert (hand["IK_FK"], hand["Count"], one.influence) == (1.0, 0, 0.0)
    obj.animation_data.action = None
    assert part("operators.rigs.switches").put_back(obj, done.switches) == []
    assert (hand["IK_FK"], hand["Count"], one.influence) == (0.25, 3, 0.75)
    del hand["IK_FK"]
    assert part("operators.rigs.switches").put_back(obj, done.switches) == ['pose.bones["bone l_wrist"]["IK_FK"]']


def test_what_an_earlier_motion_left_is_put_to_rest() -> None:
    description, mapping = rig()
    obj = build(description)
    obj.pose.bones["bone spine2"].rotation_quaternion = (0.7, 0.7, 0.0, 0.0)
    obj.pose.bones["bone l_knee"].location = (0.0, 0.3, 0.0)
    without = replace(mapping, joints=dict(mapping.joints) | {"spine2": ()})
    body, clip, _ = written(obj, without)
    heads = shown(obj, ["bone l_ankle", "bone head"], clip.frames)
    wanted = expected(body, clip)[:, [J["l_ankle"], J["head"]]]
    assert np.abs(heads - wanted).max() < 1e-3


def test_the_description_is_that_of_the_armature() -> None:
    description, _ = rig(turns=rest_turns(0.7), x_along=True, fbx=True, mode="XZY", rest_pose="A")
    obj = build(description)
    seen = part("operators.rigs.rig_description").describe_rig(obj)
    assert [bone.name for bone in seen.bones] == [bone.name for bone in description.bones] or len(seen.bones) == 22
    by_name = {bone.name: bone for bone in seen.bones}
    for bone in description.bones:
        one = by_name[bone.name]
        assert np.abs(one.head - bone.head).max() < 1e-3 and np.abs(one.matrix - bone.matrix).max() < 1e-5
        assert one.rotation_mode == "XZY"
        above = None if one.parent < 0 else seen.bones[one.parent].name
        assert above == (None if bone.parent < 0 else description.bones[bone.parent].name)
        assert one.parent < list(by_name).index(bone.name)
    assert np.abs(seen.world - description.world).max() < 1e-6


@pytest.mark.parametrize("kind", ["A, X along, FBX", "Euler", "axis and angle"])
def test_few_keys_show_the_clip(kind: str) -> None:
    description, mapping = RIGS[kind]()
    obj = build(description)
    writing = part("operators.rigs.apply_motion")
    seen = part("operators.rigs.rig_description").describe_rig(obj)
    body = part("motionlcm_blender.rigs.rig_body").rig_body(seen, engine_mapping(mapping))
    clip = part("motionlcm_blender.rigs.rig_retarget").retarget_to_body(motion(), body)
    keys = writing.fitted_keys(obj, body, clip, 10.0, FIRST)
    writing.write_motion(obj, body, clip, FIRST, "A walk", {}, keys=keys)
    names = [mapping.joints[joint][0] for joint in list(J)[1:]]
    heads = shown(obj, names, clip.frames)
    assert np.abs(heads - expected(body, clip)[:, 1:]).max() < 0.012 * body.units_per_metre
    curves = part("operators.armature.actions").curves_of(obj)
    assert max(len(c.keyframe_points) for c in curves if c.data_path.endswith("location")) < clip.frames
