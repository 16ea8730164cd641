"""Motion on armatures as SMPL's and SMPL-X's Blender add-ons make them, and on others like them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Quaternion, Vector

from tests.blender.published_rigs import (
    SMPLX_JOINTS,
    build,
    random_heads,
    smpl_armature,
    smpl_names,
    smplx_armature,
    smplx_parents,
)
from tests.blender.support import bone_heads, generate, part, refusal, settings, turning_clip, write_clip

MILLIMETRE = 1e-3
MODES = ("QUATERNION", "XYZ", "YZX", "AXIS_ANGLE")


def expected_heads(armature: bpy.types.Object, clip) -> np.ndarray:
    """(frames, joints, 3) where the engine's forward kinematics has them, in the world."""
    rig = part("operators.armature.smpl_rig")
    positions = part("motionlcm_blender.motion.retarget").forward_kinematics(clip)
    units = rig.units_per_metre(armature, rig.read_rig(armature))
    return part("motionlcm_blender.motion.world_transform").engine_to_blender(positions) * units


def farthest_off(armature: bpy.types.Object, clip) -> float:
    """Metres of the character between the evaluated bones and the engine's joints, at most."""
    rig = part("operators.armature.smpl_rig")
    read = rig.read_rig(armature)
    expected, frames = expected_heads(armature, clip), [1, clip.frames]
    off = [
        np.linalg.norm(bone_heads(armature, bone, frames) - expected[[0, -1], joint], axis=-1).max()
        for joint, bone in enumerate(read.bones)
        if bone is not None
    ]
    return max(off) / rig.units_per_metre(armature, read)


def shuffled_modes(armature: bpy.types.Object, rng: np.random.Generator) -> None:
    for bone in armature.pose.bones:
        bone.rotation_mode = MODES[rng.integers(len(MODES))]


def random_place(rng: np.random.Generator) -> Matrix:
    return Matrix.LocRotScale(
        Vector(rng.uniform(-5, 5, 3)), Euler(rng.uniform(-3, 3, 3)), Vector((rng.uniform(0.3, 2.5),) * 3)
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("bones", ["along z", "along y", "any"])
@pytest.mark.parametrize("make", [smpl_armature, smplx_armature])
def test_bones_stand_where_the_engine_places_them(make, bones, seed):
    """Random proportions, rest axes, object transforms, rotation modes, arms lowered by up to 80 degrees."""
    rng = np.random.default_rng(seed)
    lowered, spread = (0.0, 0.0) if seed % 2 == 0 else (rng.uniform(0.4, 1.4), rng.uniform(0.0, 0.45))
    turn = Quaternion(rng.standard_normal(4)).normalized().to_matrix() if seed >= 4 else None
    armature = make(rng, bones=bones, lowered=lowered, spread=spread, turn_data=turn)
    if seed:
        shuffled_modes(armature, rng)
        armature.matrix_world = random_place(rng) @ armature.matrix_world
    armature.pose.bones["root"].matrix_basis = random_place(rng) if seed >= 2 else Matrix.Identity(4)
    bpy.context.view_layer.update()
    clip = turning_clip(part("operators.armature.smpl_rig").read_rig(armature).skeleton, seed=seed)
    write_clip(armature, clip)
    assert farthest_off(armature, clip) < MILLIMETRE


@pytest.mark.parametrize("prefix", ["m_avg_", "f_avg_", "", "SMPL:m_avg_"])
def test_smpl_spellings(prefix):
    read = part("operators.armature.smpl_rig").read_rig(smpl_armature(np.random.default_rng(1), prefix=prefix))
    assert read.bones[0] == f"{prefix}Pelvis" and read.bones[22:] == (f"{prefix}L_Hand", f"{prefix}R_Hand")


def test_smplx_joints_are_found_and_hands_are_not_required():
    armature = smplx_armature(np.random.default_rng(1))
    read = part("operators.armature.smpl_rig").read_rig(armature)
    assert read.bones == (*SMPLX_JOINTS[:22], None, None)
    np.testing.assert_allclose(read.axes, np.eye(3), atol=1e-6)
    assert part("operators.armature.smpl_rig").standing_place(armature, read)[1] == pytest.approx(0.0, abs=1e-6)


def test_fingers_jaw_and_eyes_are_left_as_they_are_posed():
    armature = smplx_armature(np.random.default_rng(2))
    armature.pose.bones["left_index1"].rotation_quaternion = Quaternion((0, 0, 1), 0.8)
    clip = turning_clip(part("operators.armature.smpl_rig").read_rig(armature).skeleton)
    write_clip(armature, clip)
    bpy.context.scene.frame_set(5)
    assert armature.pose.bones["left_index1"].rotation_quaternion.angle == pytest.approx(0.8, abs=1e-5)
    assert armature.pose.bones["jaw"].matrix_basis == Matrix.Identity(4)
    keyed = {curve.data_path for curve in part("operators.armature.actions").curves_of(armature)}
    assert not any(name in path for path in keyed for name in ("index", "jaw", "eye"))


@pytest.mark.parametrize("lowered", [0.3, 0.8, 1.4, 0.5 * np.pi])
def test_a_rest_pose_with_lowered_arms_is_seen_as_a_t_pose(lowered):
    """The same body modelled with its arms lowered ends up in the same pose, palms and all."""
    skeleton = part("motionlcm_blender.motion.skeleton").SMPL
    retarget = part("motionlcm_blender.motion.retarget")
    clip = turning_clip(skeleton, seed=3)
    joints = retarget.forward_kinematics(clip)[:, :22].astype(np.float32)
    motion = part("motionlcm_blender.motion.motion").Motion(joints, np.zeros((clip.frames, 4), np.float32))
    places, turns = [], []
    for angle in (0.0, lowered):
        armature = own_body(heads_of(skeleton, angle))
        write_clip(armature, retarget.retarget(motion, part("operators.armature.smpl_rig").read_rig(armature).skeleton))
        places.append([bone_heads(armature, bone, [7])[0] for bone in ("L_Wrist", "R_Wrist", "R_Foot")])
        turns.append([turned_from_rest(armature, bone) for bone in ("L_Wrist", "R_Elbow", "L_Foot")])
    np.testing.assert_allclose(places[0], places[1], atol=MILLIMETRE)
    # What hung at rest is turned further by as much, in the plane of the body.
    for level, hung, angle in zip(*turns, (lowered, -lowered, 0.0), strict=True):
        np.testing.assert_allclose(hung, level @ np.array(Matrix.Rotation(angle, 3, "Z")), atol=5e-3)


def turned_from_rest(armature: bpy.types.Object, bone: str) -> np.ndarray:
    """(3, 3) in armature space, on the frame shown."""
    return np.array((armature.pose.bones[bone].matrix @ armature.data.bones[bone].matrix_local.inverted()).to_3x3())


def heads_of(skeleton, lowered: float) -> np.ndarray:
    """(24, 3) our own body with lowered arms, engine axes, without a random part."""
    heads = np.array(skeleton.rest) + [0.0, 1.0, 0.0]
    for side, joints in ((1.0, (18, 20, 22)), (-1.0, (19, 21, 23))):
        c, s = np.cos(-side * lowered), np.sin(-side * lowered)
        turn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        pivot = heads[skeleton.parents[joints[0]]].copy()
        for joint in joints:
            heads[joint] = pivot + turn @ (heads[joint] - pivot)
    return heads


def own_body(heads: np.ndarray) -> bpy.types.Object:
    parents = part("motionlcm_blender.motion.skeleton").SMPL.parents
    armature = build(smpl_names(""), parents, heads, np.random.default_rng(4), bones="any")
    armature.rotation_euler = Euler((np.pi / 2, 0, 0))
    bpy.context.view_layer.update()
    return armature


def test_a_keyed_root_bone_does_not_carry_the_motion_off():
    """Another Action keyed the root; ours holds it where it was when it was written, whatever plays before."""
    armature = smplx_armature(np.random.default_rng(5))
    root = armature.pose.bones["root"]
    for frame, place in ((1, 0.0), (10, 4.0)):
        root.location = (place, 0, 0)
        root.keyframe_insert("location", frame=frame)
    before = armature.animation_data.action
    bpy.context.scene.frame_set(5)
    clip = turning_clip(part("operators.armature.smpl_rig").read_rig(armature).skeleton)
    write_clip(armature, clip)
    assert farthest_off(armature, clip) < MILLIMETRE
    ours, slot = armature.animation_data.action, getattr(armature.animation_data, "action_slot", None)
    armature.animation_data.action = before
    bpy.context.scene.frame_set(10)
    armature.animation_data.action = ours
    if slot is not None:
        armature.animation_data.action_slot = slot
    assert farthest_off(armature, clip) < MILLIMETRE


def test_a_bone_between_two_joints_is_held_still():
    armature = smplx_armature(np.random.default_rng(6))
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = armature.data.edit_bones
    twist = bones.new("left_forearm_twist")
    twist.head, twist.tail = bones["left_elbow"].head, bones["left_elbow"].head + Vector((0.1, 0.02, 0))
    twist.parent, bones["left_wrist"].parent = bones["left_elbow"], twist
    bpy.ops.object.mode_set(mode="OBJECT")
    armature.pose.bones["left_forearm_twist"].rotation_mode = "XYZ"
    armature.pose.bones["left_forearm_twist"].rotation_euler = (1, 2, 0)
    clip = turning_clip(part("operators.armature.smpl_rig").read_rig(armature).skeleton)
    write_clip(armature, clip)
    assert farthest_off(armature, clip) < MILLIMETRE


@pytest.mark.each_blender
@pytest.mark.parametrize("keys", ["DENSE", "FITTED"])
@pytest.mark.parametrize("make", [smpl_armature, smplx_armature])
def test_generate_writes_the_motion_it_made(make, keys):
    armature = make(np.random.default_rng(8), bones="any", lowered=0.7)
    root = armature.pose.bones["root"]
    root.rotation_quaternion, root.location = Quaternion((1, 2, 3), 0.7), (0.5, 0.6, 0.7)
    settings().character, settings().key_mode, settings().key_tolerance = armature, keys, 5.0
    bpy.context.view_layer.update()
    action = generate(seconds=1.0)
    result = part("operators.generation.write_actions").recent_results.find(action)[1]
    off = farthest_off(armature, result.clip)
    assert off < (MILLIMETRE if keys == "DENSE" else 6e-3)


def edited(armature: bpy.types.Object, change) -> None:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    change(armature.data.edit_bones)
    bpy.ops.object.mode_set(mode="OBJECT")
    settings().character = armature


def knee_on_the_pelvis(bones) -> None:
    bones["left_knee"].parent = bones["pelvis"]


def pelvis_loose(bones) -> None:
    bones["left_hip"].parent = None


def elbow_stiff(bones) -> None:
    bones["right_elbow"].use_inherit_rotation = False


def pelvis_connected(bones) -> None:
    bones["root"].tail = bones["pelvis"].head
    bones["pelvis"].use_connect = True


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (knee_on_the_pelvis, '"left_knee" must be a child of "left_hip"'),
        (pelvis_loose, '"left_hip" must be a child of "pelvis"'),
        (elbow_stiff, '"right_elbow" does not inherit rotation'),
        (pelvis_connected, 'switch "Connected" off'),
    ],
)
def test_bones_that_cannot_be_moved_are_named(change, sentence):
    edited(smplx_armature(np.random.default_rng(9)), change)
    assert sentence in refusal()


@pytest.mark.parametrize(("scale", "sentence"), [((1, 1, 1.5), "unevenly"), ((-1, 1, 1), "mirrored")])
def test_scales_that_cannot_be_followed_are_named(scale, sentence):
    armature = smpl_armature(np.random.default_rng(10))
    armature.scale = scale
    settings().character = armature
    assert sentence in refusal()


def test_our_own_conventions_are_those_published():
    """55 joints, each finger of three, from the wrist."""
    assert len(SMPLX_JOINTS) == len(smplx_parents()) == 55
    assert SMPLX_JOINTS[smplx_parents()[SMPLX_JOINTS.index("right_thumb1")]] == "right_wrist"
    assert SMPLX_JOINTS[smplx_parents()[SMPLX_JOINTS.index("left_ring3")]] == "left_ring2"
    assert random_heads(55, np.random.default_rng(0)).shape == (55, 3)
