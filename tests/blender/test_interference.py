"""What else moves or holds a character: it is overruled, or named before a generation and repaired by a button."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.support import add_character, bone_heads, generate, panel_status, part, poly_curve, refusal, settings

WAY = [(0.0, 0.0), (0.0, -3.0)]
FRAMES = (2, 30, 58)


def check():
    return part("operators.shots.character_check").get()


def causes() -> list[str]:
    check().refresh(bpy.context)
    return [cause.repair for cause in check().causes]


def off_path(character: bpy.types.Object) -> float:
    return float(np.abs(bone_heads(character, "pelvis", FRAMES)[:, 0]).max())


def users_action(character: bpy.types.Object, *paths: str) -> bpy.types.Action:
    """An Action of the animator's with keys that move these channels, as the active Action."""
    for frame, value in ((1, 0.0), (60, 1.0)):
        for path in paths:
            owner, _, name = path.rpartition(".")
            target = character.path_resolve(owner) if owner else character
            for index in range(3):
                vector = getattr(target, name)
                vector[index] = value + (1.0 if name == "scale" else 0.0)
            target.keyframe_insert(name, frame=frame)
    action = character.animation_data.action
    action.name = "User"
    return action


def push(character: bpy.types.Object, action: bpy.types.Action) -> bpy.types.NlaTrack:
    track = character.animation_data.nla_tracks.new()
    track.name = "User Track"
    track.strips.new("User", 1, action)
    character.animation_data.action = None
    return track


def bones(character: bpy.types.Object) -> np.ndarray:
    """Heads of some bones, relative to the pelvis, on some frames."""
    heads = [bone_heads(character, name, FRAMES) for name in ("pelvis", "l_ankle", "r_wrist", "head")]
    return np.array([head - heads[0] for head in heads[1:]])


@pytest.fixture
def untouched():
    """Bones of a fresh character with the same motion."""
    character = add_character()
    generate(path=poly_curve(WAY), seconds=2.4)
    found = bones(character)
    for obj in (*character.children, character):
        bpy.data.objects.remove(obj)
    return found


CHANNELS = ('pose.bones["l_knee"].location', 'pose.bones["spine3"].scale', 'pose.bones["pelvis"].scale')


@pytest.mark.parametrize("where", ["pose", "earlier Action", "strip below"])
@pytest.mark.parametrize("keys", ["DENSE", "FITTED"])
def test_location_and_scale_of_other_bones_do_not_stay(untouched, where: str, keys: str) -> None:
    character = add_character()
    if where == "pose":
        character.pose.bones["l_knee"].location = (0.0, 0.11, 0.0)
        character.pose.bones["spine3"].scale = (1.3, 1.3, 1.3)
        character.pose.bones["head"].scale = (2.0, 2.0, 2.0)
    else:
        action = users_action(character, *CHANNELS)
        bpy.context.scene.frame_set(40)
        if where == "strip below":
            push(character, action)
    settings().key_mode = keys
    generate(path=poly_curve(WAY), seconds=2.4)
    assert np.abs(bones(character) - untouched).max() < (1e-3 if keys == "DENSE" else 0.04)


def test_a_fresh_character_gets_no_further_channels() -> None:
    character = add_character()
    generate(seconds=2.0)
    paths = {curve.data_path for curve in part("operators.armature.actions").curves_of(character)}
    assert not any(path.endswith("scale") for path in paths)
    assert [path for path in paths if path.endswith("location")] == ['pose.bones["pelvis"].location']


def test_a_track_that_moves_the_object_is_named_and_muted() -> None:
    character = add_character()
    track = push(character, users_action(character, "location"))
    bpy.context.scene.frame_set(1)
    generate(path=poly_curve(WAY), seconds=2.4)
    assert any('"User Track"' in warning for warning in panel_status().warnings)
    assert off_path(character) > 0.5 and causes() == ["TRACKS"]
    bpy.ops.motionlcm.repair_character(repair="TRACKS")
    character.location = (0.0, 0.0, 0.0)
    assert track.mute and causes() == [] and off_path(character) < 0.4


def test_a_track_on_solo_is_named_and_ended() -> None:
    character = add_character()
    track = push(character, users_action(character, 'pose.bones["l_knee"].location'))
    track.is_solo = True
    generate(path=poly_curve(WAY), seconds=2.4)
    assert any("solo" in warning for warning in panel_status().warnings) and causes() == ["SOLO"]
    bpy.ops.motionlcm.repair_character(repair="SOLO")
    assert causes() == [] and np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0


def test_influence_and_blending_are_named_and_reset() -> None:
    character = add_character()
    push(character, users_action(character, 'pose.bones["l_knee"].location'))
    character.animation_data.action_influence, character.animation_data.action_blend_type = 0.3, "ADD"
    generate(path=poly_curve(WAY), seconds=2.4)
    assert any("0.30" in warning for warning in panel_status().warnings) and causes() == ["BLENDING"]
    bpy.ops.motionlcm.repair_character(repair="BLENDING")
    assert causes() == [] and np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0


@pytest.mark.parametrize("what", ["NLA_OFF", "SOLO"])
def test_shots_that_cannot_play_are_named(what: str) -> None:
    character = add_character()
    track = push(character, users_action(character, 'pose.bones["l_knee"].location'))
    if what == "NLA_OFF":
        character.animation_data.use_nla = False
    else:
        track.is_solo = True
    api = part("operators.api")
    api.add_shot(character, "a person walks", 2.4, path=poly_curve(WAY))
    settings().character = character
    bpy.ops.motionlcm.generate_shots()
    assert panel_status().warnings and causes() == [what]
    bpy.ops.motionlcm.repair_character(repair=what)
    assert causes() == [] and np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0


def test_constraints_of_bones_are_named_and_muted() -> None:
    character = add_character()
    target = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(target)
    target.location = (3.0, 3.0, 3.0)
    copy = character.pose.bones["pelvis"].constraints.new("COPY_LOCATION")
    copy.target = target
    ik = character.pose.bones["r_wrist"].constraints.new("IK")
    ik.target, ik.chain_count = target, 3
    muted = character.pose.bones["head"].constraints.new("COPY_ROTATION")
    muted.target, muted.mute = target, True
    generate(path=poly_curve(WAY), seconds=2.4)
    [warning] = [w for w in panel_status().warnings if "Constraints" in w]
    assert "pelvis" in warning and "r_wrist" in warning and "head" not in warning
    assert causes() == ["CONSTRAINTS"]
    bpy.ops.motionlcm.repair_character(repair="CONSTRAINTS")
    assert copy.mute and ik.mute and causes() == [] and off_path(character) < 0.4


def test_drivers_of_bones_are_named_and_muted() -> None:
    character = add_character()
    driver = character.pose.bones["l_elbow"].driver_add("rotation_quaternion", 1)
    driver.driver.expression = "0.5"
    generate(seconds=2.0)
    assert any("l_elbow" in warning for warning in panel_status().warnings) and causes() == ["DRIVERS"]
    bpy.ops.motionlcm.repair_character(repair="DRIVERS")
    assert causes() == [] and driver.mute


def mover(name: str = "Cart", channel: str = "location") -> bpy.types.Object:
    """An empty whose location or scale is animated."""
    obj = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(obj)
    for frame, value in ((1, 0.0), (60, 5.0)):
        setattr(obj, channel, (value, 0.0, 0.0) if channel == "location" else (1.0 + value,) * 3)
        obj.keyframe_insert(channel, frame=frame)
    bpy.context.scene.frame_set(1)
    return obj


@pytest.mark.parametrize("kind", ["COPY_LOCATION", "CHILD_OF", "TRACK_TO"])
def test_constraints_of_the_object_are_named_and_muted(kind: str) -> None:
    character = add_character()
    constraint = character.constraints.new(kind)
    constraint.target = mover()
    generate(path=poly_curve(WAY), seconds=2.4)
    assert any(constraint.name in warning for warning in panel_status().warnings)
    assert causes() == ["OBJECT_CONSTRAINTS"]
    bpy.ops.motionlcm.repair_character(repair="OBJECT_CONSTRAINTS")
    character.location, character.rotation_euler = (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    assert constraint.mute and causes() == [] and off_path(character) < 0.4


def test_constraints_without_effect_are_no_cause() -> None:
    character, target = add_character(), mover()
    resting = bpy.data.objects.new("Resting", None)
    bpy.context.scene.collection.objects.link(resting)
    for obj, values in ((target, {"mute": True}), (target, {"influence": 0.0}), (resting, {})):
        constraint = character.constraints.new("COPY_LOCATION")
        constraint.target = obj
        for name, value in values.items():
            setattr(constraint, name, value)
    character.pose.bones["l_knee"].constraints.new("LIMIT_ROTATION")
    assert causes() == []


@pytest.mark.parametrize("how", ["driver", "strip"])
def test_a_bone_constraint_that_is_switched_on_later_is_named(how: str) -> None:
    character = add_character()
    constraint = character.pose.bones["pelvis"].constraints.new("COPY_LOCATION")
    constraint.target, constraint.influence = mover(), 0.0
    if how == "driver":
        constraint.driver_add("influence").driver.expression = "frame > 10"
    else:
        constraint.keyframe_insert("influence", frame=1)
        constraint.influence = 1.0
        constraint.keyframe_insert("influence", frame=10)
        push(character, character.animation_data.action)
    bpy.context.scene.frame_set(1)
    generate(seconds=2.0)
    assert any("pelvis" in warning for warning in panel_status().warnings)
    bpy.context.scene.frame_set(1)
    assert causes() == ["CONSTRAINTS"]


@pytest.mark.parametrize("keyed", [False, True])
def test_a_switch_of_a_rig_counts_if_it_is_on_or_has_keys(keyed: bool) -> None:
    character, rig = add_character(), bpy.data.objects.new("Switches", None)
    rig["ik"] = 0.0
    constraint = character.pose.bones["l_elbow"].constraints.new("COPY_ROTATION")
    constraint.target = mover()
    driver = constraint.driver_add("influence").driver
    driver.type = "SUM"
    target = driver.variables.new().targets[0]
    target.id, target.data_path = rig, '["ik"]'
    if keyed:
        rig.keyframe_insert('["ik"]', frame=1)
    bpy.context.view_layer.update()
    assert causes() == (["CONSTRAINTS"] if keyed else [])
    rig["ik"] = 1.0
    rig.update_tag()
    constraint.influence = 1.0
    assert causes() == ["CONSTRAINTS"]


@pytest.mark.parametrize("how", ["keys", "scale keys", "driver", "parent of the parent", "bone", "vertex", "body"])
def test_parents_that_may_move_are_named(how: str) -> None:
    character = add_character()
    if how in ("keys", "scale keys"):
        parent = mover(channel="location" if how == "keys" else "scale")
    elif how == "parent of the parent":
        parent = bpy.data.objects.new("Cart", None)
        bpy.context.scene.collection.objects.link(parent)
        parent.parent = mover("Ship")
    elif how == "bone":
        parent = add_character()
        generate(seconds=2.0)
        settings().character = character
    else:
        bpy.ops.mesh.primitive_plane_add()
        parent = bpy.context.object
        if how == "driver":
            parent.driver_add("location", 0).driver.expression = "frame / 12"
        elif how == "vertex":
            parent.modifiers.new("Wave", "WAVE")
        else:
            bpy.ops.rigidbody.world_add()
            bpy.ops.rigidbody.object_add()
    character.parent = parent
    if how in ("bone", "vertex"):
        character.parent_type, character.parent_bone = how.upper(), "pelvis" if how == "bone" else ""
    generate(seconds=2.0)
    assert any(f'The parent "{parent.name}"' in warning for warning in panel_status().warnings)
    check().refresh(bpy.context)
    assert [cause.repair for cause in check().causes] == [""] and parent.name in check().causes[0].sentence


def test_a_parent_that_rests_is_no_cause() -> None:
    character, parent = add_character(), bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.keyframe_insert("empty_display_size", frame=1)
    character.parent = parent
    generate(seconds=2.0)
    assert causes() == [] and panel_status().warnings == ()


@pytest.mark.parametrize(("scale", "words"), [((2.0, 1.0, 1.0), "unevenly"), ((-1.0, 1.0, 1.0), "mirrored")])
def test_a_scale_of_a_parent_names_the_parent(scale: tuple[float, ...], words: str) -> None:
    character, parent = add_character(), bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.scale, character.parent = scale, parent
    sentence = refusal()
    assert words in sentence and 'its parent "Cart"' in sentence


def test_the_scale_at_the_start_of_the_motion_counts() -> None:
    lengths = []
    for frame in (1, 50):
        character = add_character()
        character.parent = mover(channel="scale")
        bpy.context.scene.frame_set(frame)
        generate(path=poly_curve(WAY), seconds=2.4)
        lengths.append(bone_heads(character, "pelvis", (1,))[0])
    np.testing.assert_allclose(lengths[0], lengths[1], atol=0.02)


def test_a_pelvis_that_does_not_inherit_scale_stands_on_the_floor() -> None:
    character = add_character()
    bpy.context.view_layer.objects.active = character
    bpy.ops.object.mode_set(mode="EDIT")
    root = character.data.edit_bones.new("root")
    root.head, root.tail = (0.0, 0.0, 0.0), (0.0, 0.3, 0.0)
    character.data.edit_bones["pelvis"].parent = root
    bpy.ops.object.mode_set(mode="OBJECT")
    character.pose.bones["root"].scale = (2.0, 2.0, 2.0)
    character.data.bones["pelvis"].inherit_scale = "NONE"
    generate(path=poly_curve(WAY), seconds=2.4)
    feet = np.array([bone_heads(character, bone, FRAMES)[:, 2] for bone in ("l_foot", "r_foot")])
    assert np.abs(feet.min(axis=0)).max() < 0.15 and off_path(character) < 0.4


def test_drivers_of_the_object_are_named_and_muted() -> None:
    character = add_character()
    curve = character.driver_add("location", 0)
    curve.driver.expression = "frame / 12"
    generate(seconds=2.0)
    assert any("driver" in warning for warning in panel_status().warnings) and causes() == ["OBJECT_DRIVERS"]
    bpy.ops.motionlcm.repair_character(repair="OBJECT_DRIVERS")
    assert curve.mute and causes() == []


def test_a_track_over_the_shots_is_named_and_muted() -> None:
    character, api = add_character(), part("operators.api")
    action = users_action(character, 'pose.bones["pelvis"].location')
    character.animation_data.action = None
    api.add_shot(character, "a person walks", 2.4, path=poly_curve(WAY))
    api.generate(character)
    track = push(character, action)
    bpy.context.scene.frame_set(1)
    assert causes() == ["COVER"]
    bpy.ops.motionlcm.repair_character(repair="COVER")
    assert track.mute and causes() == [] and np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0
    track.mute = False
    track.strips[0].blend_type = "ADD"  # a layer that the animator meant
    assert causes() == []


def test_another_slot_of_a_strip_moves_nothing() -> None:
    if bpy.app.version < (4, 4, 0):
        pytest.skip("Actions have no slots")
    character = add_character()
    action = users_action(character, 'pose.bones["l_knee"].location')
    camera = action.slots.new(id_type="OBJECT", name="Camera")
    bag = action.layers[0].strips[0].channelbag(camera, ensure=True)
    bag.fcurves.new("location", index=0).keyframe_points.insert(1, 5.0)
    push(character, action)
    assert causes() == []


# Keys that no longer reach the bones.


def test_the_rest_position_is_named_and_left() -> None:
    character = add_character()
    assert causes() == []
    generate(path=poly_curve(WAY), seconds=2.4)
    character.data.pose_position = "REST"
    assert causes() == ["REST"]
    bpy.ops.motionlcm.repair_character(repair="REST")
    assert causes() == [] and np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0


def test_a_lost_slot_is_named_and_assigned() -> None:
    if bpy.app.version < (4, 4, 0):
        pytest.skip("Actions have no slots")
    character = add_character()
    generate(path=poly_curve(WAY), seconds=2.4)
    character.animation_data.action_slot = None
    assert causes() == ["SLOT"]
    bpy.ops.motionlcm.repair_character(repair="SLOT")
    assert causes() == [] and np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0


@pytest.mark.parametrize("in_shots", [False, True])
def test_changed_rotation_modes_are_named_and_restored(in_shots: bool) -> None:
    character, api = add_character(), part("operators.api")
    if in_shots:
        api.add_shot(character, "a person walks", 2.4)
        api.generate(character)
    else:
        generate(seconds=2.4)
    before = bone_heads(character, "l_ankle", FRAMES)
    for bone in character.pose.bones:
        bone.rotation_mode = "XYZ"
    assert causes() == ["ROTATION_MODES"]
    bpy.ops.motionlcm.repair_character(repair="ROTATION_MODES")
    assert causes() == []
    np.testing.assert_allclose(bone_heads(character, "l_ankle", FRAMES), before, atol=1e-5)


def test_keys_of_euler_angles_cannot_be_restored_but_are_named() -> None:
    character = add_character()
    character.pose.bones["l_knee"].rotation_mode = "ZXY"
    generate(seconds=2.0)
    character.pose.bones["l_knee"].rotation_mode = "QUATERNION"
    assert causes() == [""] and "again" in check().causes[0].sentence


def test_the_rotation_mode_of_a_travelling_object_counts() -> None:
    character = add_character()
    character.rotation_mode, settings().travel = "QUATERNION", "root"
    generate(seconds=2.0)
    assert causes() == []
    character.rotation_mode = "XYZ"
    assert causes() == ["ROTATION_MODES"]
    bpy.ops.motionlcm.repair_character(repair="ROTATION_MODES")
    assert character.rotation_mode == "QUATERNION" and causes() == []


def test_keys_of_renamed_bones_are_named_and_renamed() -> None:
    character = add_character()
    settings().takes = 2
    generate(seconds=2.4)
    character.data.bones["l_knee"].name = "left_knee"  # Blender renames keys of the active Action alone
    assert causes() == []
    bpy.ops.motionlcm.step_take()
    still = bone_heads(character, "left_knee", FRAMES)
    assert causes() == ["BONE_NAMES"] and "l_knee" in check().causes[0].sentence
    bpy.ops.motionlcm.repair_character(repair="BONE_NAMES")
    assert causes() == []
    turned = bone_heads(character, "l_ankle", FRAMES)
    assert np.abs(bone_heads(character, "left_knee", FRAMES) - still).max() < 1e-5
    assert np.abs(np.diff(turned - still, axis=0)).max() > 0.01


def test_a_character_by_itself_has_no_causes() -> None:
    add_character()
    assert causes() == []
    generate(seconds=2.0)
    assert causes() == [] and panel_status().warnings == ()


# Shots whose strips, tracks or Actions were edited by hand.


@pytest.fixture
def three():
    character, api = add_character(), part("operators.api")
    for prompt in ("a person walks", "a person stands", "a person waves"):
        api.add_shot(character, prompt, 2.0)
    api.generate(character)
    return character


def tracks(character: bpy.types.Object) -> list[bpy.types.NlaTrack]:
    return list(character.animation_data.nla_tracks)


def test_a_deleted_action_leaves_no_second_track(three) -> None:
    bpy.data.actions.remove(three.motionlcm.shots[0].action)
    assert three.motionlcm.shots[0].state == "EMPTY"
    part("operators.api").generate(three)
    [track] = tracks(three)
    assert [strip.action for strip in track.strips] == [shot.action for shot in three.motionlcm.shots]
    three.motionlcm.shot_index = 2
    bpy.ops.motionlcm.remove_shot()
    [track] = tracks(three)
    assert len(track.strips) == 2


def test_strips_of_the_animator_survive_on_a_track_of_their_own(three) -> None:
    [track] = tracks(three)
    action = bpy.data.actions.new("Mine")
    track.strips.new("Mine", 400, action)
    part("operators.shots.nla_track").lay(three)
    names = {each.name: [strip.action.name for strip in each.strips] for each in tracks(three)}
    assert names.pop("Mine") == ["Mine"] and len(names) == 1 and len(next(iter(names.values()))) == 3


def test_a_renamed_track_stays_the_track_of_the_shots(three) -> None:
    tracks(three)[0].name = "My walk"
    part("operators.shots.nla_track").lay(three)
    [track] = tracks(three)
    assert track.name == "My walk" and len(track.strips) == 3


def test_a_removed_track_is_named_and_laid_again(three) -> None:
    three.animation_data.nla_tracks.remove(tracks(three)[0])
    assert causes() == ["STRIPS"] and "Shot 1" in check().causes[0].sentence
    assert bpy.ops.motionlcm.generate_shots() == {"FINISHED"}
    assert "Shot 1" in panel_status().message and causes() == []
    assert len(tracks(three)[0].strips) == 3


@pytest.mark.parametrize(
    "how", ["moved", "muted", "scaled", "removed", "influence", "added", "own time", "repeated", "cut", "no slot"]
)
def test_strips_changed_by_hand_are_named_and_restored(three, how: str) -> None:
    strips = tracks(three)[0].strips
    strip = strips[2]
    if how == "moved":
        strip.frame_end += 50
        strip.frame_start += 50
    elif how == "muted":
        strip.mute = True
    elif how == "scaled":
        strip.scale = 2.0
    elif how == "influence":
        strip.use_animated_influence = True
    elif how == "added":
        strip.blend_type = "ADD"
    elif how == "own time":
        strip.use_animated_time = True
    elif how == "repeated":
        strip.repeat = 2.0
    elif how == "cut":
        strip.action_frame_start += 10
    elif how == "no slot":
        if bpy.app.version < (4, 4, 0):
            pytest.skip("Actions have no slots")
        strip.action_slot = None
    else:
        strips.remove(strip)
    assert causes() == ["STRIPS"] and "Shot 3" in check().causes[0].sentence
    bpy.ops.motionlcm.repair_character(repair="STRIPS")
    assert causes() == [] and len(tracks(three)[0].strips) == 3


def test_a_muted_track_of_the_shots_is_named_and_shown_again(three) -> None:
    tracks(three)[0].mute = True
    assert causes() == ["STRIPS"] and "2 more" in check().causes[0].sentence
    bpy.ops.motionlcm.repair_character(repair="STRIPS")
    assert causes() == [] and not tracks(three)[0].mute


def test_a_renamed_track_with_one_shot_stays_the_track_of_the_shots() -> None:
    character, api = add_character(), part("operators.api")
    api.add_shot(character, "a person walks", 2.0)
    api.generate(character)
    tracks(character)[0].name = "Mine"
    api.add_shot(character, "a person waves", 2.0)
    api.generate(character)
    [track] = tracks(character)
    assert track.name == "Mine" and len(track.strips) == 2


def test_strips_joined_to_a_meta_strip_are_laid_again_without_a_ghost(three) -> None:
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    area.type = "NLA_EDITOR"
    region = next(each for each in area.regions if each.type == "WINDOW")
    bpy.context.view_layer.objects.active = three
    three.select_set(True)
    for strip in tracks(three)[0].strips:
        strip.select = True
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=area, region=region):
        bpy.ops.nla.meta_add()
    assert [strip.type for strip in tracks(three)[0].strips] == ["META"] and causes() == ["STRIPS"]
    bpy.ops.motionlcm.repair_character(repair="STRIPS")
    [track] = tracks(three)
    assert [strip.type for strip in track.strips] == ["CLIP"] * 3 and causes() == []


def test_a_shot_whose_action_has_several_slots_plays_the_slot_of_the_character() -> None:
    if bpy.app.version < (4, 4, 0):
        pytest.skip("Actions have no slots")
    character = add_character()
    action = generate(path=poly_curve(WAY), seconds=2.4)
    camera = action.slots.new(id_type="OBJECT", name="Camera")
    action.layers[0].strips[0].channelbag(camera, ensure=True)
    part("operators.api").add_shot(character, "a person walks", 2.4)
    character.motionlcm.shots[0].action = action
    character.animation_data.action = None
    part("operators.shots.nla_track").lay(character)
    assert tracks(character)[0].strips[0].action_slot.name_display == "MotionLCM"
    assert np.ptp(bone_heads(character, "pelvis", FRAMES)[:, 1]) > 2.0


def tweak(character: bpy.types.Object) -> None:
    track = tracks(character)[0]
    character.animation_data.nla_tracks.active = track
    track.strips[0].select = True
    character.animation_data.use_tweak_mode = True


def test_tweak_mode_refuses_what_would_remove_the_tweaked_strip(three) -> None:
    settings().character = three
    tweak(three)
    for name in (
        "generate", "show_shot", "bake_shots", "split_shot", "join_shots", "remove_shot", "move_shot", "duplicate_shot",
        "accept_take", "retime_shot",
    ):  # fmt: skip
        assert "tweak mode" in refusal(getattr(bpy.ops.motionlcm, name)), name
    three.motionlcm.shots[0].prompt = "a person runs"  # names the strip; leaves tweak mode
    assert not three.animation_data.use_tweak_mode and len(tracks(three)[0].strips) == 3


def test_tweak_mode_refuses_other_takes() -> None:
    character = add_character()
    settings().takes = 2
    generate(seconds=2.0)
    bpy.ops.motionlcm.push_take()
    generate(seconds=2.0, seed=9)
    tweak(character)
    for name in ("step_take", "push_take", "accept_take", "vary_take", "refit_keys"):
        assert "tweak mode" in refusal(getattr(bpy.ops.motionlcm, name)), name
    present = character.animation_data.action
    other = next(action for action in bpy.data.actions if action != present)
    part("operators.takes.contact_sheet").choose(bpy.context, other)
    assert "tweak mode" in panel_status().message and character.animation_data.action == present
