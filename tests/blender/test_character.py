"""Add Character, and armatures that others have made."""

from __future__ import annotations

import bpy
import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from mathutils import Euler, Matrix, Quaternion, Vector

from tests.blender.support import add_character, bone_heads, part, refusal, settings, turning_clip, write_clip


def mannequin_of(armature: bpy.types.Object) -> bpy.types.Object:
    return next(child for child in armature.children if child.type == "MESH")


def evaluated_vertices(obj: bpy.types.Object) -> np.ndarray:
    evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    evaluated.to_mesh_clear()
    return points.reshape(-1, 3)


def test_character_has_the_24_smpl_bones_standing_on_the_floor():
    armature = add_character()
    skeleton = part("motionlcm_blender.motion.skeleton").SMPL
    assert {bone.name for bone in armature.data.bones} == set(skeleton.names) and len(armature.data.bones) == 24
    for name, parent in zip(skeleton.names, skeleton.parents, strict=True):
        bone = armature.data.bones[name]
        assert (bone.parent.name if bone.parent else None) == (skeleton.names[parent] if parent >= 0 else None)
        assert bone.length > 0.02
    heads = np.array([bone.head_local for bone in armature.data.bones])
    assert abs(heads[:, 2].min()) < 1e-6
    left, toes = armature.data.bones["l_hip"].head_local, armature.data.bones["l_foot"].head_local
    assert left.x > 0 and toes.y < 0  # faces -Y, its left is +X
    assert settings().character == armature and bpy.context.active_object == armature


def test_mannequin_is_whole_and_every_vertex_is_held():
    body = mannequin_of(add_character())
    names = [group.name for group in body.vertex_groups]
    bones = {bone.name for bone in settings().character.data.bones}
    assert set(names) <= bones and len(names) >= 22
    for vertex in body.data.vertices:
        assert sum(g.weight for g in vertex.groups) == pytest.approx(1.0, abs=0.01)
    points = evaluated_vertices(body)
    assert -0.005 < points[:, 2].min() < 0.005 and 1.6 < points[:, 2].max() < 1.9
    assert body.motionlcm.armature == settings().character


@pytest.mark.parametrize("bone", ["l_elbow", "r_knee", "head", "spine2", "l_foot", "r_hand"])
def test_mannequin_follows_each_bone(bone):
    armature = add_character()
    body = mannequin_of(armature)
    before = evaluated_vertices(body)
    armature.pose.bones[bone].rotation_quaternion = Quaternion((1, 0, 0), 0.8)
    bpy.context.view_layer.update()
    moved = np.linalg.norm(evaluated_vertices(body) - before, axis=1)
    assert moved.max() > 0.02
    assert (moved < 1e-5).any()


def test_two_characters_share_materials_and_are_their_own():
    first = add_character()
    second = add_character()
    assert first != second and settings().character == second
    assert mannequin_of(first).data.materials[0] == mannequin_of(second).data.materials[0]


def test_character_in_a_scene_of_centimetres_is_as_tall_as_a_person():
    bpy.context.scene.unit_settings.scale_length = 0.01
    armature = add_character()
    assert bone_heads(armature, "head", [1])[0, 2] == pytest.approx(152.2, abs=10)


def test_picking_the_mannequin_chooses_its_armature():
    armature = add_character()
    settings().character = None
    settings().character = mannequin_of(armature)
    assert settings().character == armature


def test_generate_finds_the_only_character_by_itself():
    armature = add_character()
    settings().character = None
    settings().length = 1.0
    bpy.ops.motionlcm.generate()
    assert settings().character == armature


def test_without_a_character_the_sentence_offers_one():
    assert "press Add Character" in refusal()


def test_other_armatures_are_refused_by_name():
    data = bpy.data.armatures.new("Rig")
    rig = bpy.data.objects.new("Rig", data)
    bpy.context.scene.collection.objects.link(rig)
    settings().character = rig
    assert '"Rig" cannot be the character' in refusal()


PLACES = {
    "at the origin": Matrix.Identity(4),
    "moved": Matrix.Translation((3, -2, 1)),
    "turned": Euler((0, 0, 2.1)).to_matrix().to_4x4(),
    "leaning and scaled": Matrix.LocRotScale(Vector((1, 2, 3)), Euler((0.4, -0.3, 1.1)), Vector((1.7,) * 3)),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
def test_bones_stand_where_the_engine_places_them(place, mode):
    """The heads of the evaluated bones equal the engine's forward kinematics, wherever the armature object is."""
    armature = add_character()
    armature.matrix_world = PLACES[place]
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    bpy.context.view_layer.update()
    rig = part("operators.armature.smpl_rig")
    read = rig.read_rig(armature)
    assert read.size == 1.0 and read.skeleton is part("motionlcm_blender.motion.skeleton").SMPL
    clip = turning_clip(read.skeleton)
    write_clip(armature, clip)
    expected = part("motionlcm_blender.motion.retarget").forward_kinematics(clip) * rig.units_per_metre(armature, read)
    expected = part("motionlcm_blender.motion.world_transform").engine_to_blender(expected)
    for joint, bone in enumerate(read.skeleton.names):
        heads = bone_heads(armature, bone, [1, 5, 12])
        np.testing.assert_allclose(heads, expected[[0, 4, 11], joint], atol=2e-4)


@hypothesis.given(st.tuples(*[st.floats(-50, 50)] * 3), st.tuples(*[st.floats(-3.1, 3.1)] * 3), st.floats(0.01, 100))
@hypothesis.settings(
    max_examples=12, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_every_place_turn_and_size_of_the_object(location, turn, scale):
    armature = settings().character or add_character()
    armature.matrix_world = Matrix.LocRotScale(Vector(location), Euler(turn), Vector((scale,) * 3))
    bpy.context.view_layer.update()
    rig = part("operators.armature.smpl_rig")
    read = rig.read_rig(armature)
    clip = turning_clip(read.skeleton, 4)
    write_clip(armature, clip)
    expected = part("motionlcm_blender.motion.retarget").forward_kinematics(clip) * rig.units_per_metre(armature, read)
    expected = part("motionlcm_blender.motion.world_transform").engine_to_blender(expected)
    for joint in (0, 11, 15, 21):
        heads = bone_heads(armature, read.skeleton.names[joint], [1, 4])
        np.testing.assert_allclose(heads, expected[[0, 3], joint], atol=1e-3 * max(1.0, scale))


def foreign_armature() -> bpy.types.Object:
    """As other tools export SMPL: in centimetres, Y up, the object scaled and turned, other names, a root bone."""
    skeleton = part("motionlcm_blender.motion.skeleton").SMPL
    data = bpy.data.armatures.new("SMPL")
    armature = bpy.data.objects.new("SMPL", data)
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    root = data.edit_bones.new("root")
    root.head, root.tail = (0, 0, 0), (0, 20, 0)
    for joint, parent in enumerate(skeleton.parents[:22]):
        short = skeleton.names[joint]
        name = {"l": f"m_avg_L_{short[2:].title()}", "r": f"m_avg_R_{short[2:].title()}"}.get(
            short[0] if short[1] == "_" else "", f"m_avg_{short.title()}"
        )
        bone = data.edit_bones.new(name)
        bone.head = Vector(100 * 1.2 * (skeleton.rest[joint] + [0, 1.0, 0]))
        bone.tail = bone.head + Vector((3, 5, 1))
        bone.roll = 0.3 * joint
        bone.parent = data.edit_bones[parent + 1] if parent >= 0 else root
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.matrix_world = Matrix.LocRotScale(Vector((1, 1, 0)), Euler((np.pi / 2, 0, 0.5)), Vector((0.01,) * 3))
    bpy.context.view_layer.update()
    return armature


def test_foreign_smpl_armature_is_read_and_moved_right():
    armature = foreign_armature()
    rig = part("operators.armature.smpl_rig")
    read = rig.read_rig(armature)
    assert read.size == pytest.approx(120, rel=1e-4)
    assert rig.units_per_metre(armature, read) == pytest.approx(1.2, rel=1e-4)
    np.testing.assert_allclose(read.axes, np.eye(3))
    place, heading = rig.standing_place(armature, read)
    assert heading == pytest.approx(0.5, abs=1e-6)
    np.testing.assert_allclose(place[:2], [1, 1], atol=1e-5)
    for bone in armature.pose.bones:
        bone.rotation_mode = "QUATERNION"
    armature.pose.bones["root"].rotation_quaternion = Quaternion((1, 2, 3), 0.7)
    armature.pose.bones["root"].location = (5, 6, 7)
    bpy.context.view_layer.update()
    clip = turning_clip(read.skeleton)
    write_clip(armature, clip)
    expected = part("motionlcm_blender.motion.retarget").forward_kinematics(clip) * 1.2
    expected = part("motionlcm_blender.motion.world_transform").engine_to_blender(expected)
    for joint, bone in enumerate(read.bones):
        if bone is not None:
            heads = bone_heads(armature, bone, [1, 12])
            np.testing.assert_allclose(heads, expected[[0, 11], joint], atol=1e-3)
