"""What is done with motions afterwards, on armatures of any family: contact sheet, poses, root bones, recipes, bake."""

from __future__ import annotations

from itertools import pairwise

import bpy
import numpy as np
import pytest
from mathutils import Vector

from tests.blender import stored_armature, test_any_rig
from tests.blender.support import REPOSITORY, add_character, bone_heads, generate, part, refusal, settings
from tests.blender.test_any_rig import MIXAMO, RIGS, build, mixamo_like, mixamo_name, stored_rig, units_of

pytestmark = pytest.mark.each_blender
a_model_that_walks = test_any_rig.a_model_that_walks


def rigify() -> bpy.types.Object:
    """A generated Rigify character that works: IK, switches, deforming bones."""
    file = REPOSITORY / "tests" / "data" / "control_rigs" / "rigify_human_generated.json"
    obj = settings().character = stored_armature.build_rig(file)
    return obj


def unreal() -> bpy.types.Object:
    """A game's skeleton with a root bone on the floor: Unreal's names on our own places."""
    description = stored_rig("mpfb_game_engine")
    return build(description)


def bones_of(obj: bpy.types.Object, *joints: str) -> list[str]:
    return [part("operators.rigs.recognised").read_character(obj).body.mapping.joints[joint][0] for joint in joints]


def joints_on(obj: bpy.types.Object, frames, *joints: str) -> np.ndarray:
    """(J, T, 3) metres of this person."""
    return np.array([bone_heads(obj, bone, frames) for bone in bones_of(obj, *joints)]) / units_of(obj)


def check_ghosts(obj: bpy.types.Object) -> None:
    takes, frames = part("operators.takes.takes").takes_of(obj), np.array([2.0, 11.0, 20.0])
    found = part("operators.takes.ghosts").ghosts_of(takes, obj, bpy.context.scene, {})
    order = {"l_knee": 4, "r_ankle": 8, "l_elbow": 18}
    for action, ghost in zip(takes, found, strict=True):
        bpy.ops.motionlcm.show_take(name=action.name)
        seen = np.array([ghost.at(frame) for frame in frames])
        for joint, at in order.items():
            heads = bone_heads(obj, bones_of(obj, joint)[0], frames)
            assert np.abs(seen[:, at] - heads).max() < 2e-3 * units_of(obj), (action.name, joint)


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize("travel", ["hips", "root"])
def test_ghosts_are_where_the_bones_are(kind: str, travel: str) -> None:
    obj = rigify() if kind == "Rigify" else build(RIGS[kind][0]())
    settings().takes, settings().key_mode, settings().travel = 2, "FITTED", travel
    generate("a person walks forward", seconds=1.5)
    assert bpy.ops.motionlcm.contact_sheet(arrangement="SIDE") == {"FINISHED"}
    assert len(part("operators.takes.contact_sheet").get().open.ghosts) == 2
    part("operators.takes.contact_sheet").close()
    check_ghosts(obj)


@pytest.mark.parametrize("make", [unreal, rigify])
def test_a_root_bone_takes_the_travel(make) -> None:
    obj = make()
    plain = generate("a person walks forward", seconds=2.0)
    frames = range(int(plain.frame_range[0]), int(plain.frame_range[1]) + 1, 5)
    before = joints_on(obj, frames, "l_hip", "r_ankle", "l_wrist")
    settings().travel = "bone"
    action = generate("a person walks forward", seconds=2.0)
    root = part("operators.rigs.recognised").read_character(obj).body.mapping.root
    after = joints_on(obj, frames, "l_hip", "r_ankle", "l_wrist")
    assert np.abs(after - before).max() < 0.025  # each within its tolerance of 10 mm
    travelled = np.ptp(bone_heads(obj, root, frames), axis=0) / units_of(obj)
    assert travelled[:2].max() > 0.8
    pelvis = bones_of(obj, "pelvis")[0]
    curves = [c for c in part("operators.armature.actions").curves_of(obj) if c.data_path.endswith("location")]
    moved = max(np.ptp([p.co.y for p in c.keyframe_points]) for c in curves if f'"{pelvis}"' in c.data_path)
    assert moved < 0.35 * units_of(obj)
    check_ghosts(obj)
    settings().key_mode = "DENSE"
    assert bpy.ops.motionlcm.refit_keys() == {"FINISHED"} and obj.animation_data.action == action
    np.testing.assert_allclose(joints_on(obj, frames, "l_hip", "r_ankle", "l_wrist"), before, atol=0.015)


def test_shots_continue_with_the_travel_in_the_root_bone() -> None:
    """A motion of another kind afterwards does not start where the root bone was left."""
    obj = unreal()
    settings().travel = "bone"
    generate("a person walks forward", seconds=2.0)
    bpy.context.scene.frame_set(40)
    settings().travel = "hips"
    action = generate("a person walks forward", seconds=2.0)
    there = joints_on(obj, [action.frame_range[0]], "l_hip", "r_hip").mean(axis=0)[0]
    assert np.abs(there[:2]).max() < 0.1


def test_a_rig_without_a_root_bone_is_named() -> None:
    obj = build(mixamo_like())
    settings().travel = "bone"
    assert refusal() == f'The armature "{obj.name}" has no bone above its hips: choose Hips or Armature Object.'


@pytest.mark.parametrize("way", ["plain", "fk", "ik"])
def test_the_current_pose_begins_a_shot(way: str) -> None:
    """Of a control rig the visible pose counts, whichever controls hold it."""
    obj = build(mixamo_like()) if way == "plain" else rigify()
    if way == "ik":  # it starts in IK
        hand = obj.pose.bones["hand_ik.L"]
        hand.location = hand.bone.matrix_local.inverted().to_3x3() @ (obj.matrix_world.inverted().to_3x3() @ hand.head)
        hand.location = (0.1, 0.1, 0.2)
        obj.pose.bones["torso"].location = (0.1, 0.0, -0.05)
        names = ["DEF-forearm.L", "DEF-hand.L", "DEF-shin.R", "DEF-foot.R"]
    else:
        arm = obj.pose.bones[mixamo_name("l_shoulder") if way == "plain" else "upper_arm_fk.L"]
        if way == "fk":
            obj.pose.bones["upper_arm_parent.L"]["IK_FK"] = 1.0
        arm.rotation_mode = "XYZ"
        arm.rotation_euler = (0.5, 0.2, -0.3)
        parts = ("l_elbow", "l_wrist", "r_knee", "r_ankle")
        names = [mixamo_name(name) for name in parts] if way == "plain" else ["DEF-forearm.L", "DEF-hand.L"]
    bpy.context.view_layer.update()
    shown = np.array([bone_heads(obj, name, [1])[0] for name in names]) / units_of(obj)
    bpy.ops.motionlcm.add_shot()
    assert bpy.ops.motionlcm.capture_pose() == {"FINISHED"}
    shot = obj.motionlcm.shots[0]
    assert shot.start_pose is not None
    settings().key_mode = "DENSE"
    assert bpy.ops.motionlcm.generate_shots() == {"FINISHED"}
    first = np.array([bone_heads(obj, name, [shot.first])[0] for name in names]) / units_of(obj)
    assert np.abs(first - shown).max() < 0.03


def test_a_recipe_of_one_rig_moves_another() -> None:
    first = build(mixamo_like())
    action = generate("a person walks forward", seconds=2.0, seed=7)
    frames = range(1, 40, 6)
    joints = ("l_knee", "r_wrist", "r_ankle")
    before = joints_on(first, frames, *joints) - joints_on(first, frames, "l_hip")
    for other in (rigify(), add_character()):
        settings().character = other
        assert bpy.ops.motionlcm.regenerate(action=action.name_full) == {"FINISHED"}
        assert other.animation_data.action is not None
        if "mannequin" in other or part("operators.armature.smpl_rig").is_character(other):
            names = ["l_knee", "r_wrist", "r_ankle", "l_hip"]
        else:
            names = bones_of(other, *joints, "l_hip")
        shown = np.array([bone_heads(other, name, frames) for name in names])
        units = part("operators.rigs.recognised").units_per_metre(
            other, part("operators.rigs.recognised").read_character(other)
        )
        limbs = (shown[:3] - shown[3]) / units

        def directions(places: np.ndarray) -> np.ndarray:
            return places / np.linalg.norm(places, axis=-1, keepdims=True)

        off = np.degrees(np.arccos(np.clip((directions(limbs) * directions(before)).sum(-1), -1.0, 1.0)))
        assert off.mean() < 8.0


def test_baked_shots_keep_the_switches() -> None:
    obj = rigify()
    settings().length = 1.0
    for prompt in ("a person walks forward", "a person waves"):
        settings().prompt = prompt
        bpy.ops.motionlcm.add_shot()
    assert bpy.ops.motionlcm.generate_shots() == {"FINISHED"}
    assert bpy.ops.motionlcm.bake_shots() == {"FINISHED"}
    holder = obj.pose.bones["thigh_parent.L"]
    for track in list(obj.animation_data.nla_tracks):
        obj.animation_data.nla_tracks.remove(track)
    bpy.context.view_layer.update()
    assert holder["IK_FK"] == 1.0 and part("operators.armature.take_properties").SWITCHED.is_on(
        obj.animation_data.action
    )
    obj.animation_data.action = None
    bpy.context.view_layer.update()
    assert holder["IK_FK"] == 0.0


@pytest.mark.parametrize(
    ("one", "other"), [("Mixamo", "rigify"), ("rigify ik", "Mixamo"), ("SMPL", "BVH"), ("BVH", "SMPL")]
)
def test_a_motion_moves_to_another_character(one: str, other: str) -> None:
    def make(kind: str) -> bpy.types.Object:
        if kind.startswith("rigify"):
            return rigify()
        return add_character() if kind == "SMPL" else build(RIGS[kind][0]())

    target = make(other)
    source = make(one)
    settings().character = source
    if one == "rigify ik":  # keys of the animator on IK controls: a step forward, with bent knees and a hand raised
        moves = {
            "torso": ((1, (0.0, 0.0, -0.12)),), "hand_ik.L": ((1, (0.0, 0.0, 0.0)), (20, (0.0, 0.0, 0.35))),
            "foot_ik.R": ((1, (0.0, 0.0, 0.0)), (10, (0.0, -0.15, 0.1)), (20, (0.0, -0.3, 0.0))),
        }  # fmt: skip
        for name, keys in moves.items():
            bone = source.pose.bones[name]
            for frame, way in keys:
                bone.location = bone.bone.matrix_local.to_3x3().inverted() @ Vector(way)
                bone.keyframe_insert("location", frame=frame)
    else:
        generate("a person walks forward", seconds=2.0)
    settings().move_to = target
    before = source.animation_data.action
    assert bpy.ops.motionlcm.move_motion() == {"FINISHED"}
    assert source.animation_data.action == before and target.animation_data.action is not None
    rigs = part("operators.rigs.recognised")
    joints = ("hip", "knee", "ankle"), ("shoulder", "elbow", "wrist")
    chains = [(side + a, side + b) for limb in joints for a, b in pairwise(limb) for side in ("l_", "r_")]
    frames, off = [1, 4, 7, 11, 14, 17, 20], []
    names = {}
    for obj in (source, target):
        body = rigs.as_body(obj).body
        if one == "rigify ik" and obj == source:
            body = part("motionlcm_blender.rigs.pose_reading").showing_body(body)
            order = part("motionlcm_blender.motion.skeleton").JOINTS
            names[obj] = {order[each.joint]: body.description.bones[each.bone].name for each in body.bones}
        else:
            names[obj] = {joint: bones[0] for joint, bones in body.mapping.joints.items() if bones}
    for start, end in chains:
        both = []
        for obj in (source, target):
            way = bone_heads(obj, names[obj][end], frames) - bone_heads(obj, names[obj][start], frames)
            both.append(way / np.linalg.norm(way, axis=-1, keepdims=True))
        off.append(np.degrees(np.arccos(np.clip((both[0] * both[1]).sum(-1), -1.0, 1.0))))
    # The feet stay on the floor, so a long step turns the thigh of other proportions most where the heel comes down.
    assert np.mean(off, axis=1).max() < 4.0 and np.max(off) < 7.0, np.round(off, 1)
    if one != "rigify ik":
        assert (
            np.ptp(bone_heads(target, names[target]["l_hip"], [1, 40]), axis=0).max()
            > 0.5 * rigs.as_body(target).body.units_per_metre
        )


def test_moving_needs_a_motion_and_another_armature() -> None:
    source, target = build(mixamo_like()), build(mixamo_like())
    settings().character, settings().move_to = source, target
    assert "has no motion" in refusal(bpy.ops.motionlcm.move_motion)
    settings().move_to = source
    assert "another armature" in refusal(bpy.ops.motionlcm.move_motion)
    assert target.animation_data is None and MIXAMO["hip"] == "UpLeg"


def deforming_joints(obj: bpy.types.Object, frames) -> np.ndarray:
    names = ("DEF-forearm.L", "DEF-hand.L", "DEF-hand.R", "DEF-shin.L", "DEF-shin.R", "DEF-foot.L", "DEF-foot.R")
    return np.array([bone_heads(obj, name, frames) for name in names]) / units_of(obj)


@pytest.mark.parametrize("keys", ["DENSE", "FITTED"])
def test_ik_controls_get_the_keys(keys: str) -> None:
    obj = rigify()
    settings().key_mode = keys
    plain = generate("a person walks forward", seconds=1.5)
    frames = range(1, 36, 4)
    before = deforming_joints(obj, frames)
    assert bpy.ops.motionlcm.key_ik_controls.poll() and bpy.ops.motionlcm.key_ik_controls() == {"FINISHED"}
    action = obj.animation_data.action
    assert action != plain and plain.name in bpy.data.actions
    assert obj.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0 and obj.pose.bones["thigh_parent.L"]["pole_vector"]
    off = np.linalg.norm(deforming_joints(obj, frames) - before, axis=-1)
    # Rigify's IK may stretch a limb by some per cent, which moves elbows and knees.
    assert off.mean() < (0.01 if keys == "DENSE" else 0.015) and off.max() < (0.03 if keys == "DENSE" else 0.05)
    assert off[[1, 2, 5, 6]].max() < (0.002 if keys == "DENSE" else 0.03)
    curves = part("operators.armature.actions").curves_of(obj)
    paths = {curve.data_path for curve in curves}
    for control in ("hand_ik.L", "foot_ik.R", "upper_arm_ik_target.R", "thigh_ik_target.L", "torso"):
        assert f'pose.bones["{control}"].location' in paths
    assert not any("_fk." in path for path in paths if "spine" not in path)
    if keys == "FITTED":
        hands = [len(curve.keyframe_points) for curve in curves if "hand_ik.L" in curve.data_path]
        assert max(hands) < 30
    assert "already" in refusal(bpy.ops.motionlcm.key_ik_controls)
    obj.animation_data.action = plain
    bpy.context.view_layer.update()
    bpy.context.scene.frame_set(5)
    assert obj.pose.bones["thigh_parent.L"]["IK_FK"] == 1.0
    for one in (action, plain):
        bpy.data.actions.remove(one)
    bpy.context.view_layer.update()
    assert obj.pose.bones["thigh_parent.L"]["IK_FK"] == 0.0 and not obj.pose.bones["thigh_parent.L"]["pole_vector"]


def test_fingers_relax_unless_somebody_keyed_them() -> None:
    obj = build(stored_rig("m2m_human"))
    mapping = part("operators.rigs.recognised").read_character(obj).body.mapping
    index, middle, ring = (mapping.fingers["l"][finger][1] for finger in ("index", "middle", "ring"))
    obj.pose.bones[ring].rotation_mode = "QUATERNION"
    obj.pose.bones[ring].rotation_quaternion = (0.9, 0.3, 0.0, 0.0)
    posed = tuple(obj.pose.bones[ring].rotation_quaternion)
    first = generate("a person waves", seconds=1.0)

    def keys(name: str) -> dict[int, list[float]]:
        curves = part("operators.armature.actions").curves_of(obj)
        return {
            curve.array_index: [point.co.y for point in curve.keyframe_points]
            for curve in curves
            if f'"{name}"' in curve.data_path and "rotation" in curve.data_path
        }

    assert len(keys(index)[0]) == 1 and keys(index)[0][0] < 0.995
    assert keys(ring) == {} and tuple(obj.pose.bones[ring].rotation_quaternion) == posed
    bone = obj.pose.bones[middle]
    for frame, turn in ((1, (1.0, 0.0, 0.0, 0.0)), (20, (0.8, 0.6, 0.0, 0.0))):
        bone.rotation_quaternion = turn
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    second = generate("a person waves", seconds=1.0)
    assert second != first and len(keys(middle)[0]) > 10
    np.testing.assert_allclose([keys(middle)[0][0], keys(middle)[0][19]], [1.0, 0.8], atol=1e-3)
    assert len(keys(index)[0]) == 1


def test_what_holds_a_control_rig_is_named() -> None:
    """Constraints of the rig itself are no cause; one that follows another object is."""
    obj = rigify()
    check = part("operators.shots.character_check")
    assert check.find_causes(obj) == []
    target = bpy.data.objects.new("Prop", None)
    bpy.context.scene.collection.objects.link(target)
    one = obj.pose.bones["hand_fk.L"].constraints.new("COPY_ROTATION")
    one.target = target
    sentences = [cause.sentence for cause in check.find_causes(obj)]
    assert len(sentences) == 1 and "hand_fk.L (Copy Rotation)" in sentences[0]
    assert bpy.ops.motionlcm.repair_character(repair="CONSTRAINTS") == {"FINISHED"} and one.mute
    plain = build(mixamo_like())
    limit = plain.pose.bones[mixamo_name("head")].constraints.new("COPY_ROTATION")
    limit.target = target
    settings().character = plain
    assert [cause.repair for cause in check.find_causes(plain)] == ["CONSTRAINTS"]
