"""Scenes that animators reported for other tools: what is linked, hidden, scaled, shared or edited by hand."""

from __future__ import annotations

import math
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler, Quaternion

from tests.blender.support import (
    add_character,
    bone_heads,
    generate,
    panel_status,
    part,
    poly_curve,
    settings,
)


def takes():
    return part("operators.takes.takes").takes_of(settings().character)


@pytest.fixture
def linked_collection(tmp_path: Path):
    """A collection of another file, linked into the scene; it is the active collection."""
    cube = bpy.data.objects.new("Set", bpy.data.meshes.new("Set"))
    source = bpy.data.collections.new("Linked Set")
    source.objects.link(cube)
    file = tmp_path / "set.blend"
    bpy.data.libraries.write(str(file), {source})
    bpy.data.collections.remove(source)
    with bpy.data.libraries.load(str(file), link=True) as (_, wanted):
        wanted.collections = ["Linked Set"]
    collection = wanted.collections[0]
    bpy.context.scene.collection.children.link(collection)
    bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection.children[collection.name]
    assert bpy.context.collection.library is not None
    return collection


def test_nothing_is_put_into_a_linked_collection(linked_collection) -> None:
    scene = bpy.context.scene
    assert bpy.ops.motionlcm.add_character() == {"FINISHED"}
    assert bpy.ops.motionlcm.add_pin() == {"FINISHED"}
    assert bpy.ops.motionlcm.draw_path() == {"FINISHED"}
    bpy.ops.object.mode_set(mode="OBJECT")
    part("operators.api").add_path("Way", [(0, 0), (1, 0)])
    ours = [obj for obj in bpy.data.objects if obj.library is None and obj.name != "Set"]
    assert len(ours) >= 5 and all(obj.name in scene.collection.objects for obj in ours)


@pytest.mark.parametrize("scale", (0.01, 0.001, 1.0, 100.0))
def test_pins_have_the_same_size_in_all_units(scale: float) -> None:
    bpy.context.scene.unit_settings.system, bpy.context.scene.unit_settings.scale_length = "METRIC", scale
    bpy.ops.motionlcm.add_pin()
    target = settings().pins[0].target
    assert target.empty_display_size * scale == pytest.approx(0.06, rel=1e-3)


@pytest.mark.parametrize("mode", ("XYZ", "QUATERNION", "AXIS_ANGLE", "ZXY"))
def test_delta_transforms_do_not_move_the_root_motion(mode: str) -> None:
    character = add_character()
    character.rotation_mode = mode
    character.delta_location, character.delta_scale = (2.0, 3.0, 0.5), (1.5, 1.5, 1.5)
    character.delta_rotation_euler = Euler((0.0, 0.0, math.radians(60.0)))
    character.delta_rotation_quaternion = Quaternion((0.0, 0.0, 1.0), math.radians(60.0))
    settings().travel = "root"
    path = poly_curve([(1.0, 1.0), (1.0, -3.0)])
    generate(path=path, seconds=4.0)
    pelvis = bone_heads(character, "pelvis", (1, 48, 96))[:, :2]
    assert np.abs(pelvis[:, 0] - 1.0).max() < 0.35
    assert np.linalg.norm(pelvis[0] - [1.0, 1.0]) < 0.35 and np.linalg.norm(pelvis[-1] - [1.0, -3.0]) < 0.35


def test_stepping_to_another_take_of_a_foreign_action_is_refused_in_a_sentence() -> None:
    first = add_character()
    settings().takes = 2
    action = generate()
    second = add_character()
    second.animation_data_create().action = action
    if hasattr(action, "slots"):
        second.animation_data.action_slot = action.slots[0]
    assert settings().character == second != first
    for operator in (bpy.ops.motionlcm.step_take, bpy.ops.motionlcm.accept_take, bpy.ops.motionlcm.reject_take):
        assert operator() == {"CANCELLED"}
        assert "another character" in panel_status().message
    assert len([a for a in bpy.data.actions if a.name.startswith("MotionLCM")]) == 2


def test_shots_of_scripts_know_their_frame_rate() -> None:
    character = add_character()
    scene = bpy.context.scene
    scene.render.fps = 24
    part("operators.api").add_shot(character, "a person walks", 2.0)
    shot_list = part("operators.shots.shot_list")
    assert not shot_list.of_another_rate(scene, character)
    scene.render.fps = 60
    assert shot_list.of_another_rate(scene, character)


@pytest.mark.skipif(bpy.app.version < (4, 4, 0), reason="Actions have no slots")
@pytest.mark.parametrize("named", (True, False))
def test_a_pose_is_read_from_the_slot_of_the_character(named: bool) -> None:
    character = add_character()
    pose = bpy.data.actions.new("Shared")
    strip = pose.layers.new("Layer").strips.new(type="KEYFRAME")
    camera = pose.slots.new(id_type="OBJECT", name="Camera")
    strip.channelbag(camera, ensure=True).fcurves.new("location", index=0).keyframe_points.insert(1, 5.0)
    other = pose.slots.new(id_type="OBJECT", name="Villain")
    bag = strip.channelbag(other, ensure=True)
    if named:  # a second character in the same Action, with more curves
        for index in range(4):
            curve = bag.fcurves.new('pose.bones["l_hip"].rotation_quaternion', index=index)
            curve.keyframe_points.insert(1, float(index == 0))
    own = pose.slots.new(id_type="OBJECT", name=character.name if named else "Rig")
    curve = strip.channelbag(own, ensure=True).fcurves.new('pose.bones["r_elbow"].rotation_quaternion', index=3)
    curve.keyframe_points.insert(1, 0.5)
    holder = part("operators.armature.actions").holder_of(pose, character)
    assert [curve.data_path for curve in holder.fcurves] == ['pose.bones["r_elbow"].rotation_quaternion']
    api = part("operators.api")
    api.add_shot(character, "a person walks", 2.0, start_pose=pose)
    assert len(api.generate(character)) == 1
