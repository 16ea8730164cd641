"""What else moves or holds a character: it is overruled, or named before a generation and repaired by a button."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from tests.blender.support import add_character, bone_heads, generate, panel_status, part, poly_curve, settings

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


@pytest.mark.parametrize("how", ["moved", "muted", "scaled", "removed"])
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
    else:
        strips.remove(strip)
    assert causes() == ["STRIPS"] and "Shot 3" in check().causes[0].sentence
    bpy.ops.motionlcm.repair_character(repair="STRIPS")
    assert causes() == [] and len(tracks(three)[0].strips) == 3
