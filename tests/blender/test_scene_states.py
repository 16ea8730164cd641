"""Scenes that animators reported for other tools: what is linked, hidden, scaled, shared or edited by hand."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Euler, Quaternion

from tests.blender import linked_files
from tests.blender.support import (
    add_character,
    bone_heads,
    generate,
    panel_status,
    part,
    poly_curve,
    refusal,
    settings,
    takes,
)


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


@pytest.mark.parametrize("scale", [0.01, 0.001, 1.0, 100.0])
def test_pins_have_the_same_size_in_all_units(scale: float) -> None:
    bpy.context.scene.unit_settings.system, bpy.context.scene.unit_settings.scale_length = "METRIC", scale
    bpy.ops.motionlcm.add_pin()
    target = settings().pins[0].target
    assert target.empty_display_size * scale == pytest.approx(0.06, rel=1e-3)


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION", "AXIS_ANGLE", "ZXY"])
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


def test_shots_of_scripts_store_their_frame_rate() -> None:
    character = add_character()
    scene = bpy.context.scene
    scene.render.fps = 24
    part("operators.api").add_shot(character, "a person walks", 2.0)
    shot_list = part("operators.shots.shot_list")
    assert not shot_list.of_another_rate(scene, character)
    scene.render.fps = 60
    assert shot_list.of_another_rate(scene, character)


@pytest.mark.skipif(bpy.app.version < (4, 4, 0), reason="Actions have no slots")
@pytest.mark.parametrize("named", [True, False])
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


def mesh(vertices, faces, name: str = "Ground") -> bpy.types.Object:
    data = bpy.data.meshes.new(name)
    data.from_pydata(vertices, [], faces)
    obj = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def level(height: float, size: float = 8.0):
    return [(-size, -size, height), (size, -size, height), (size, size, height), (-size, size, height)]


def feet(character: bpy.types.Object, frames) -> np.ndarray:
    """Heights of the lower foot on these frames."""
    return np.minimum(*(bone_heads(character, bone, frames)[:, 2] for bone in ("l_foot", "r_foot")))


@pytest.mark.parametrize("with_path", [True, False])
def test_indoors_the_character_walks_on_the_floor(with_path: bool) -> None:
    character = add_character()
    settings().ground = mesh(level(0.0) + level(2.6), [(0, 1, 2, 3), (7, 6, 5, 4)])
    generate(path=poly_curve([(0.0, 0.0), (0.0, -3.0)]) if with_path else None, seconds=3.0)
    assert np.abs(feet(character, (3, 30, 60))).max() < 0.3


def test_the_upper_storey_is_the_ground_of_a_character_that_stands_there() -> None:
    character = add_character()
    character.location.z = 2.6
    settings().ground = mesh(level(0.0) + level(2.6), [(0, 1, 2, 3), (7, 6, 5, 4)])
    generate(seconds=2.0)
    assert np.abs(feet(character, (3, 30)) - 2.6).max() < 0.3


def test_instances_of_geometry_nodes_are_ground() -> None:
    source, character = mesh(level(0.5), [(0, 1, 2, 3)], "Source"), add_character()
    target = mesh([], [])
    group = bpy.data.node_groups.new("Instances", "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    output, info = group.nodes.new("NodeGroupOutput"), group.nodes.new("GeometryNodeObjectInfo")
    info.inputs["Object"].default_value, info.inputs["As Instance"].default_value = source, True
    group.links.new(info.outputs["Geometry"], output.inputs[0])
    target.modifiers.new("Nodes", "NODES").node_group = group
    settings().ground = target
    generate(seconds=2.0)
    assert np.abs(feet(character, (3, 30)) - 0.5).max() < 0.3


def moving_empty(name: str = "Target") -> bpy.types.Object:
    empty = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(empty)
    for frame, y in ((1, 0.0), (60, -3.0)):
        empty.location = (0.0, y, 1.0)
        empty.keyframe_insert("location", frame=frame)
    return empty


def disable(obj: bpy.types.Object, how: str) -> None:
    """Take an object out of what Blender evaluates."""
    scene = bpy.context.scene
    if how == "monitor icon":
        obj.hide_viewport = True
    elif how == "keyed":
        obj.hide_viewport = True
        obj.keyframe_insert("hide_viewport", frame=1)
    elif how == "other scene":
        bpy.data.scenes.new("Other").collection.objects.link(obj)
        scene.collection.objects.unlink(obj)
    elif how == "deleted":
        scene.collection.objects.unlink(obj)
    else:
        collection = bpy.data.collections.new("Props")
        scene.collection.children.link(collection)
        collection.objects.link(obj)
        scene.collection.objects.unlink(obj)
        if how == "excluded":
            bpy.context.view_layer.layer_collection.children["Props"].exclude = True
        else:
            collection.hide_viewport = True
    bpy.context.view_layer.update()


HOWS = ("monitor icon", "keyed", "excluded", "disabled collection", "other scene", "deleted")


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", ["curve", "object", "pin", "facing", "ground"])
def test_what_blender_does_not_evaluate_is_named(how: str, kind: str) -> None:
    add_character()
    chosen = settings()
    obj = {
        "curve": lambda: poly_curve([(0.0, 0.0), (0.0, -3.0)], name="Target"),
        "ground": lambda: mesh(level(0.0), [(0, 1, 2, 3)], "Target"),
    }.get(kind, moving_empty)()
    if kind in ("curve", "object"):
        chosen.path = obj
    elif kind == "pin":
        pin = chosen.pins.add()
        pin.target, pin.joint, pin.first, pin.last = obj, "r_wrist", 5, 10
    elif kind == "facing":
        chosen.facing, chosen.facing_object = "OBJECT", obj
    else:
        chosen.ground = obj
    disable(obj, how)
    sentence = refusal()
    assert "one point" not in sentence and "does not move between" not in sentence
    reasons = {
        "monitor icon": "monitor icon", "keyed": "disabled", "excluded": "Props", "disabled collection": "Props",
        "other scene": "scene", "deleted": "scene",
    }  # fmt: skip
    assert reasons[how] in sentence


@pytest.mark.parametrize("kind", ["eye", "hidden layer collection"])
def test_what_is_only_hidden_is_read(kind: str) -> None:
    path = moving_empty()
    if kind == "eye":
        path.hide_set(True)
    else:
        collection = bpy.data.collections.new("Props")
        bpy.context.scene.collection.children.link(collection)
        collection.objects.link(path)
        bpy.context.scene.collection.objects.unlink(path)
        bpy.context.view_layer.layer_collection.children["Props"].hide_viewport = True
    character = add_character()
    generate(path=path, seconds=2.4)
    assert bone_heads(character, "pelvis", (58,))[0, 1] < -2.0


def test_a_rigid_body_is_read_as_it_rolls() -> None:
    scene = bpy.context.scene
    bpy.ops.rigidbody.world_add()
    ball = mesh(level(0.0, 0.2) + level(0.4, 0.2), [(0, 1, 2, 3), (7, 6, 5, 4), (0, 1, 5, 4), (2, 3, 7, 6)], "Ball")
    ball.location.z = 50.0
    bpy.context.view_layer.objects.active = ball
    bpy.ops.rigidbody.object_add()
    places = part("operators.scene.scene_time").places_at(bpy.context, ball, np.array([1.0, 13.5, 25.0]))
    assert scene.frame_current == 1
    drops = places[0, 2] - places[:, 2]
    assert drops[1] == pytest.approx(0.5 * 9.81 * (12.5 / 24) ** 2, rel=0.2)
    assert drops[2] == pytest.approx(0.5 * 9.81, rel=0.2)


@pytest.mark.parametrize("frame", [1, 50])
def test_a_path_on_a_moving_ship_is_read_at_the_start_of_the_motion(frame: int) -> None:
    ship, character = moving_empty("Ship"), add_character()
    for number, x in ((1, 0.0), (60, 20.0)):
        ship.location = (x, 0.0, 0.0)
        ship.keyframe_insert("location", frame=number)
    path = poly_curve([(0.0, 0.0), (0.0, -3.0)])
    path.parent = ship
    bpy.context.scene.frame_set(frame)
    generate(path=path, seconds=2.4)
    assert any("moves" in warning for warning in panel_status().warnings)
    assert np.abs(bone_heads(character, "pelvis", (2, 30, 58))[:, 0]).max() < 0.5


@pytest.mark.parametrize("frame", [1, 50])
def test_a_character_on_a_ship_starts_where_the_ship_is_at_the_start(frame: int) -> None:
    ship, character = moving_empty("Ship"), add_character()
    for number, x in ((1, 0.0), (60, 20.0)):
        ship.location = (x, 0.0, 0.0)
        ship.keyframe_insert("location", frame=number)
    character.parent = ship
    bpy.context.scene.frame_set(frame)
    generate(path=poly_curve([(0.0, 0.0), (0.0, -3.0)]), seconds=2.4)
    assert np.abs(bone_heads(character, "pelvis", (1,))[0, :2]).max() < 0.3


def test_a_moving_ground_is_read_at_the_start_of_the_motion_and_named() -> None:
    character, ground = add_character(), mesh(level(0.0), [(0, 1, 2, 3)])
    for frame, height in ((1, 0.0), (60, 2.0)):
        ground.location.z = height
        ground.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(40)
    settings().ground = ground
    generate(seconds=2.4)
    assert any("moves" in warning for warning in panel_status().warnings)
    assert np.abs(feet(character, (3, 30))).max() < 0.3


def copy_of(character: bpy.types.Object) -> bpy.types.Object:
    """Shift-D, as scripts do it: the Action is shared."""
    copy = character.copy()
    bpy.context.scene.collection.objects.link(copy)
    settings().character = copy
    return copy


def test_accept_on_a_copy_keeps_the_takes_of_the_original() -> None:
    original = add_character()
    settings().takes = 3
    generate()
    three = {action.name for action in takes()}
    assert len(three) == 3
    copy = copy_of(original)
    with contextlib.suppress(RuntimeError):
        bpy.ops.motionlcm.accept_take()
    assert three <= {action.name for action in bpy.data.actions}
    assert copy["motionlcm_id"] != original["motionlcm_id"]
    settings().character = original
    assert {action.name for action in takes()} == three
    bpy.ops.motionlcm.step_take(step=1)
    assert original.animation_data.action.name in three


def test_a_copy_generates_takes_of_its_own() -> None:
    original = add_character()
    generate()
    copy = copy_of(original)
    copy.animation_data.action = copy.animation_data.action.copy()  # as Shift-D does by default
    settings().takes = 2
    generate(seed=8)
    assert len(takes()) == 2
    settings().character = original
    assert len(takes()) == 1 and original.animation_data.action in takes()


def test_removing_a_shot_of_a_copy_keeps_the_motion_of_the_original() -> None:
    original = add_character()
    api = part("operators.api")
    api.add_shot(original, "a person walks", 2.0)
    [action] = api.generate(original)
    action.use_fake_user = False
    name = action.name
    copy = copy_of(original)
    assert len(copy.motionlcm.shots) == 1
    bpy.ops.motionlcm.remove_shot()
    assert name in bpy.data.actions and original.motionlcm.shots[0].action == bpy.data.actions[name]


@pytest.fixture
def overridden(tmp_path: Path):
    """A character of another file as a library override."""
    return linked_files.overridden(linked_files.link_hero(tmp_path, lambda _: None))


@pytest.mark.parametrize("system", [True, False])
def test_a_library_override_has_shots_and_takes_that_are_saved(overridden, system: bool, tmp_path: Path) -> None:
    overridden.override_library.is_system_override = system
    settings().character, settings().takes = overridden, 3
    generate()
    names = {action.name for action in takes()}
    assert len(names) == 3
    api = part("operators.api")
    character = linked_files.reopened(tmp_path / "scene.blend")
    settings().character = character
    assert {action.name for action in takes()} == names
    assert bpy.ops.motionlcm.step_take(step=1) == {"FINISHED"}
    settings().takes = 1
    assert bpy.ops.motionlcm.add_shot() == {"FINISHED"}
    api.add_shot(character, "a person waves", 2.0)
    assert len(api.generate(character)) == 2
    character = linked_files.reopened(tmp_path / "scene.blend")
    assert [shot.state for shot in character.motionlcm.shots] == ["DONE", "DONE"]
    assert [strip.action for strip in character.animation_data.nla_tracks[0].strips] == [
        shot.action for shot in character.motionlcm.shots
    ]
    bpy.ops.motionlcm.remove_shot()
    api.bake(character)
    assert len(linked_files.reopened(tmp_path / "scene.blend").motionlcm.shots) == 1


def test_two_overrides_of_one_character_have_takes_of_their_own(overridden) -> None:
    settings().character = overridden
    generate()
    mine = overridden.animation_data.action
    other = overridden.copy()
    bpy.context.scene.collection.objects.link(other)
    settings().character = other
    generate(seed=9)
    assert mine not in takes() and len(takes()) == 1
    settings().character = overridden
    assert takes() == [mine]


def test_bones_renamed_in_edit_mode_are_read_before_it_is_left() -> None:
    character = add_character()
    bpy.context.view_layer.objects.active = character
    bpy.ops.object.mode_set(mode="EDIT")
    character.data.edit_bones["l_knee"].name = "left_knee"
    generate(seconds=2.0)
    assert not panel_status().error
    character.data.edit_bones["left_knee"].name = "Shin"
    generate(seconds=2.0)  # no SMPL armature any more, but a person still
    assert not panel_status().error
    bpy.ops.object.mode_set(mode="OBJECT")


def test_bones_moved_in_edit_mode_are_read_before_it_is_left() -> None:
    character = add_character()
    bpy.context.view_layer.objects.active = character
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in character.data.edit_bones:
        bone.head, bone.tail = 1.5 * bone.head, 1.5 * bone.tail
    generate(path=poly_curve([(0.0, 0.0), (0.0, -3.0)]), seconds=2.4)
    bpy.ops.object.mode_set(mode="OBJECT")
    lowest = feet(character, (2, 30, 58)).min(axis=-1)
    assert np.abs(lowest).max() < 0.1


@pytest.mark.parametrize("inward", [False, True])
def test_a_cube_is_a_room_for_a_character_inside_of_it(inward: bool) -> None:
    faces = [(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    room = mesh(level(0.0, 3.0) + level(2.5, 3.0), [face[::-1] for face in faces] if inward else faces)
    character = add_character()
    settings().ground = room
    generate(path=poly_curve([(0.0, 1.0), (0.0, -1.5)]), seconds=2.4)
    assert np.abs(feet(character, (3, 30))).max() < 0.3


@pytest.mark.parametrize("frame", [-20, 900_000])
def test_motions_start_on_any_frame(frame: int) -> None:
    bpy.context.scene.frame_end = 1_000_000
    bpy.context.scene.frame_set(frame)
    settings().start = "CURRENT_FRAME"
    character = add_character()
    generate(path=poly_curve([(0.0, 0.0), (0.0, -3.0)]), seconds=2.4)
    assert bone_heads(character, "pelvis", (frame + 57,))[0, 1] < -2.5


@pytest.mark.parametrize(
    "name", ["a/b\\\\c\"d'", "\N{PEDESTRIAN}" * 15, "\u00e9" * 31, '[0]"].location', "%s{0}{name}", "a\nb"]
)
def test_names_of_any_letters(name: str) -> None:
    character, path = add_character(), poly_curve([(0.0, 0.0), (0.0, -3.0)])
    character.name = path.name = name
    generate(path=path, seconds=2.4)
    assert not panel_status().error
    api = part("operators.api")
    api.add_shot(character, f"a person walks {name}", 2.0, path=path)
    [action] = api.generate(character)
    assert character.animation_data.nla_tracks[0].strips[0].action == action
