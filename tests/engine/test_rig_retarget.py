"""Motions on bodies of made-up armatures: directions, feet, path, hands, whatever the rest pose and the bones' axes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.resampling import resample
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import JOINTS, SMPL
from motionlcm_blender.motion.world_transform import Placement, blender_to_engine, place_clip
from motionlcm_blender.rigs.bone_channels import bone_channels
from motionlcm_blender.rigs.bone_keys import bone_clip, fit_bone_keys
from motionlcm_blender.rigs.description import RigDescription, RigMapping
from motionlcm_blender.rigs.euler_orders import quaternions_of
from motionlcm_blender.rigs.rig_body import RigBody, rig_body
from motionlcm_blender.rigs.rig_feet import find_stances
from motionlcm_blender.rigs.rig_resampling import resample_on_feet
from motionlcm_blender.rigs.rig_retarget import retarget_to_body
from tests import rig_samples
from tests.rig_samples import J, proportions, rest_turns, rig, zero_pose_rig
from tests.synthetic_motion import gestures, walk

LIMBS = (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
A_POSE = {"lowered": 0.75, "spread": 0.12, "bent": 0.5}


def walking(frames: int = 60) -> Motion:
    joints = walk(frames, speed=1.1, turn_rate=0.2)
    return Motion(joints, foot_contacts(joints).astype(np.float32))


def gesturing() -> Motion:
    joints = gestures(50)[0]
    return Motion(joints, foot_contacts(joints).astype(np.float32))


def performed(description: RigDescription, mapping: RigMapping, motion: Motion, **options):
    """Joints (T, 22, 3) of the posed armature in engine axes, metres of the body; and the body."""
    body = rig_body(description, mapping)
    clip = retarget_to_body(motion, body, **options)
    channels = bone_channels(clip, body)
    heads, turns = rig_samples.pose(description, channels)
    joints = np.full((clip.frames, len(JOINTS), 3), np.nan)
    for joint, name in enumerate(JOINTS):
        if mapping.joints[name]:
            joints[:, joint] = blender_to_engine(heads[mapping.joints[name][0]]) / body.units_per_metre
    return joints, body, turns


def limb_error(joints: np.ndarray, expected: np.ndarray, limbs=LIMBS) -> float:
    """Largest mean angle, degrees, between limbs and those of the expected joints."""
    worst = 0.0
    for start, end in limbs:
        for side in ("l_", "r_"):
            ours, theirs = (j[:, J[side + end]] - j[:, J[side + start]] for j in (joints, expected))
            worst = max(worst, float(np.degrees(rot.angle_of(rot.between(ours, theirs))).mean()))
    return worst


def on_smpl(motion: Motion) -> np.ndarray:
    return forward_kinematics(retarget(motion, SMPL))[:, : len(JOINTS)]


RIGS = {
    "T": lambda: rig(),
    "A": lambda: rig(turns=rest_turns(**A_POSE), rest_pose="A"),
    "arms down": lambda: rig(turns=rest_turns(1.4), rest_pose="arms down"),
    "X along": lambda: rig(turns=rest_turns(**A_POSE), x_along=True, rest_pose="A"),
    "FBX": lambda: rig(turns=rest_turns(**A_POSE), fbx=True, x_along=True, rest_pose="A"),
    "zero": zero_pose_rig,
    "no toes": lambda: rig(without=("l_foot", "r_foot")),
    "few bones": lambda: rig(without=("spine1", "spine2", "neck", "l_collar", "r_collar")),
    "no trunk": lambda: rig(without=("spine1", "spine2", "spine3")),
}


@pytest.mark.parametrize("kind", RIGS)
def test_limbs_point_where_those_of_smpl_do(kind: str) -> None:
    description, mapping = RIGS[kind]()
    for motion in (walking(), gesturing()):
        joints, _, _ = performed(description, mapping, motion)
        expected = on_smpl(motion)
        assert limb_error(joints, expected, LIMBS[2:]) < 0.1
    joints, _, _ = performed(description, mapping, walking())
    assert limb_error(joints, on_smpl(walking())) < 5.0


@pytest.mark.parametrize("kind", RIGS)
def test_feet_are_planted_on_the_floor(kind: str) -> None:
    description, mapping = RIGS[kind]()
    motion = walking()
    joints, body, _ = performed(description, mapping, motion)
    stances = find_stances(motion, on_smpl(motion))
    for side, letter in enumerate("lr"):
        flat = stances.flat[:, side]
        assert flat.sum() > 15
        ankle, toe = joints[:, J[f"{letter}_ankle"]], joints[:, J[f"{letter}_foot"]]
        assert np.abs(ankle[flat, 1] - body.alignment.heights[side, 0]).max() < 0.01
        both = flat[1:] & flat[:-1]
        assert np.linalg.norm(np.diff(ankle[:, [0, 2]], axis=0), axis=-1)[both].max() < 0.003
        if mapping.joints[f"{letter}_foot"]:
            assert np.abs(toe[flat, 1] - body.alignment.heights[side, 1]).max() < 0.01
            assert toe[:, 1].min() > body.alignment.heights[side, 1] - 0.01


@pytest.mark.parametrize("kind", ["T", "FBX", "zero"])
def test_the_pelvis_stays_on_the_path(kind: str) -> None:
    description, mapping = RIGS[kind]()
    motion = walking()
    body = rig_body(description, mapping)
    clip = retarget_to_body(motion, body, on_path=True)
    assert np.abs(clip.translation[:, [0, 2]] - motion.joints[:, 0][:, [0, 2]]).max() < 1e-6
    joints, _, _ = performed(description, mapping, motion, on_path=True)
    middle = joints[:, [J["l_hip"], J["r_hip"]]].mean(1)
    assert np.abs(middle - clip.translation)[:, [0, 2]].max() < 0.03  # the hips hang 8 cm below, and tilt


def test_a_and_t_pose_give_the_same_figure() -> None:
    offsets, motion = proportions(), gesturing()
    t_pose, t_mapping = rig(offsets, fingers=True)
    a_pose, a_mapping = rig(offsets, rest_turns(**A_POSE), fingers=True, rest_pose="A")
    one, _, _ = performed(t_pose, t_mapping, motion)
    two, _, _ = performed(a_pose, a_mapping, motion)
    assert np.abs(one - two).max() < 0.005
    tips = [hand_tips(*each, motion) for each in ((t_pose, t_mapping), (a_pose, a_mapping))]
    assert np.abs(tips[0] - tips[1]).max() < 0.01


def hand_tips(description: RigDescription, mapping: RigMapping, motion: Motion) -> np.ndarray:
    """Heads of the outer finger bones relative to their wrists."""
    body = rig_body(description, mapping)
    heads, _ = rig_samples.pose(description, bone_channels(retarget_to_body(motion, body), body))
    found = [heads[f"{s}{f} 1"] - heads[f"bone {s}wrist"] for s in ("l_", "r_") for f in rig_samples.FINGERS]
    return np.stack(found, axis=1)


def off_rest(body: RigBody, joint: str, wanted: np.ndarray) -> float:
    """Degrees between a joint's turn from rest to the T-pose and the wanted one."""
    turn = body.alignment.turns[J[joint]]
    return float(np.degrees(rot.angle_of(rot.multiply(rot.inverse(wanted), turn))))


def test_a_bent_limb_shows_its_twist() -> None:
    turns = rest_turns(**A_POSE)
    twist = rot.from_axis_angle((1.0, 0.0, 0.0), 0.5)
    for joint in ("l_shoulder", "l_elbow", "l_wrist"):  # the elbow bends in a plane half a radian off
        arm = turns[J["l_shoulder"]]
        about = rot.multiply(rot.multiply(arm, twist), rot.inverse(arm))
        if joint != "l_shoulder":
            turns[J[joint]] = rot.multiply(about, turns[J[joint]])
    turns[J["l_shoulder"]] = rot.multiply(about, turns[J["l_shoulder"]])
    body = rig_body(*rig(turns=turns, rest_pose="A"))
    upright = body.alignment.turns[0]
    for joint in ("l_shoulder", "l_elbow", "r_shoulder", "r_elbow"):
        assert off_rest(body, joint, rot.multiply(rot.inverse(turns[J[joint]]), upright)) < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_joints_of_a_zero_pose_are_aligned_by_the_trunk(seed: int) -> None:
    description, mapping = zero_pose_rig()
    turn = rot.normalise(np.random.default_rng(seed).normal(size=4))  # the axes of the file, which may be any
    bones = {b.name: {"head": rot.rotate(turn, b.head), "matrix": rot.to_matrix(turn)} for b in description.bones}
    mapping = replace(mapping, up=rot.rotate(turn, mapping.up))
    body = rig_body(rig_samples.changed(description, bones), mapping)
    for joint in ("pelvis", "l_hip", "r_hip", "l_knee", "r_knee", "l_ankle", "r_ankle"):
        frame = rot.from_matrix(rig_samples.zero_pose_frames(proportions())[J[joint]])
        assert off_rest(body, joint, rot.multiply(frame, rot.inverse(turn))) < 2.5
    skeleton = body.skeleton
    for side in ("l_", "r_"):
        for joint in ("shoulder", "elbow", "wrist", "knee", "ankle"):
            ours, smpl = (np.asarray(each.offsets)[J[side + joint]] for each in (skeleton, SMPL))
            assert np.degrees(rot.angle_of(rot.between(ours, smpl))) < 0.1


def test_palms_of_a_rest_pose_that_looks_forward_are_found() -> None:
    turns = rest_turns()
    for side in ("l_", "r_"):  # thumbs up, palms forward
        turns[J[side + "wrist"]] = rot.from_axis_angle((1.0, 0.0, 0.0), -0.5 * np.pi)
    motion = gesturing()
    plain, turned = rig(fingers=True), rig(turns=turns, fingers=True)
    assert np.abs(hand_tips(*plain, motion) - hand_tips(*turned, motion)).max() < 0.005
    body = rig_body(*turned)
    quarter = rot.from_axis_angle((1.0, 0.0, 0.0), 0.25 * np.pi)  # the forearm makes half of the turn
    assert off_rest(body, "l_elbow", rot.multiply(quarter, body.alignment.turns[0])) < 1.0


@pytest.mark.parametrize("kind", ["T", "FBX"])
def test_the_world_may_be_elsewhere(kind: str) -> None:
    description, mapping = RIGS[kind]()
    motion = walking()
    body = rig_body(description, mapping)
    clip = place_clip(retarget_to_body(motion, body), Placement(np.array([1.0, 0.3, -2.0]), 0.7))
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    moved = np.eye(4)
    moved[:3, :3], moved[:3, 3] = turn @ description.world[:3, :3], (3.0, -1.0, 0.5)
    here, there = (
        rig_samples.pose(description, bone_channels(clip, body, world), world)[0]
        for world in (description.world, moved)
    )
    for name in here:
        assert np.abs(here[name] - there[name]).max() < 1e-6


def chained() -> tuple[RigDescription, RigMapping]:
    """A rig with three bones of the spine for one joint."""
    description, mapping = rig(turns=rest_turns(**A_POSE), rest_pose="A")
    joined = {"spine1": (), "spine2": (), "spine3": ("bone spine1", "bone spine2", "bone spine3")}
    return description, replace(mapping, joints=dict(mapping.joints) | joined)


def test_bones_between_stay_at_rest_and_chains_share_the_turn() -> None:
    description, _ = chained()
    _, mapping = rig()
    motion = gesturing()
    _, _, turns = performed(*chained(), motion)
    pelvis, chest = (turns[f"bone {name}"] for name in ("pelvis", "spine3"))
    whole = rot.angle_of(rot.multiply(rot.inverse(pelvis), chest))
    for number, name in enumerate(("spine1", "spine2", "spine3"), start=1):
        part = rot.angle_of(rot.multiply(rot.inverse(pelvis), turns[f"bone {name}"]))
        assert np.abs(part - whole * number / 3.0).max() < 1e-6
    without = replace(mapping, joints=dict(mapping.joints) | {"spine2": ()})
    channels = bone_channels(retarget_to_body(motion, rig_body(description, without)), rig_body(description, without))
    assert "bone spine2" in channels.resting and "bone spine2" not in channels.rotations


def test_a_joint_without_a_bone_gives_its_turn_to_the_next_one() -> None:
    motion = gesturing()
    description, mapping = rig(without=("spine1", "spine2"))
    _, _, few = performed(description, mapping, motion)
    whole = rig()
    _, _, all_ = performed(*whole, motion)
    for name in ("spine3", "head", "l_wrist"):
        off = rot.angle_of(rot.multiply(rot.inverse(few[f"bone {name}"]), all_[f"bone {name}"]))
        assert off.max() < 1e-6


def test_a_foot_apart_is_moved_to_its_ankle() -> None:
    description, mapping = rig()
    loose = rig_samples.changed(description, {f"bone {s}_ankle": {"parent": -1} for s in "lr"})
    apart = replace(mapping, apart=("l_ankle", "r_ankle"))
    motion = walking()
    one, _, _ = performed(description, mapping, motion)
    two, _, _ = performed(loose, apart, motion)
    assert np.nanmax(np.abs(one - two)) < 1e-6


@pytest.mark.parametrize("change", [{"use_inherit_rotation": False}, {"use_local_location": False}])
@pytest.mark.parametrize("bone", ["bone pelvis", "bone l_shoulder", "bone l_knee", "bone spine2"])
def test_settings_of_inheritance_make_no_difference(bone: str, change: dict[str, object]) -> None:
    description, mapping = rig(turns=rest_turns(**A_POSE), rest_pose="A")
    motion = walking()
    one, _, _ = performed(description, mapping, motion)
    two, _, _ = performed(rig_samples.changed(description, {bone: change}), mapping, motion)
    assert np.abs(one - two).max() < 1e-6


def test_a_pose_above_the_pelvis_is_kept() -> None:
    description, mapping = rig()
    body = rig_body(description, mapping)
    clip = retarget_to_body(walking(), body)
    above = np.eye(4)
    above[:3, :3] = 2.0 * rot.to_matrix(rot.from_axis_angle((0.2, 1.0, 0.3), 0.8))
    above[:3, 3] = (0.3, -0.2, 0.5)
    channels = bone_channels(clip, body, above=above)
    plain = bone_channels(clip, body)
    rest = description.bones[0]
    for frame in (0, 20, 40):
        matrix = np.eye(4)
        matrix[:3, :3] = rest.matrix
        matrix[:3, 3] = rest.head
        local = np.eye(4)
        local[:3, :3] = rot.to_matrix(channels.rotations[rest.name][frame])
        local[:3, 3] = channels.locations[rest.name][frame]
        plain_local = np.eye(4)
        plain_local[:3, :3] = rot.to_matrix(plain.rotations[rest.name][frame])
        plain_local[:3, 3] = plain.locations[rest.name][frame]
        posed, wanted = above @ matrix @ local, matrix @ plain_local
        assert np.abs(posed[:3, 3] - wanted[:3, 3]).max() < 1e-6
        assert np.abs(posed[:3, :3] / 2.0 - wanted[:3, :3]).max() < 1e-6


def test_in_a_control_rig_the_mapping_names_the_bone_above() -> None:
    description, mapping = rig()
    motion = gesturing()
    plain = bone_channels(retarget_to_body(motion, rig_body(description, mapping)), rig_body(description, mapping))
    loose = rig_samples.changed(description, {f"bone {s}_shoulder": {"parent": -1} for s in "lr"})
    control = replace(mapping, switches=(rig_samples.switch("bone l_wrist", "IK_FK"),))
    body = rig_body(loose, control)
    channels = bone_channels(retarget_to_body(motion, body), body)
    for name, turns in plain.rotations.items():
        assert np.abs(turns - channels.rotations[name]).max() < 1e-9
    assert channels.resting == ()


def test_a_leg_that_hangs_from_the_spine_does_not_move_with_it() -> None:
    description, mapping = rig()
    spine = next(n for n, bone in enumerate(description.bones) if bone.name == "bone spine1")
    order = [n for n in range(len(description.bones)) if n not in (1, 2)]
    order = [0, spine, 1, 2, *(n for n in order if n not in (0, spine))]
    place = {old: new for new, old in enumerate(order)}
    bones = []
    for old in order:
        bone = description.bones[old]
        parent = spine if old in (1, 2) else bone.parent
        bones.append(replace(bone, parent=-1 if parent < 0 else place[parent]))
    hung = replace(description, bones=tuple(bones))
    body = rig_body(hung, mapping)
    assert body.stiff == (J["spine1"],)
    joints, _, turns = performed(hung, mapping, walking())
    assert np.abs(turns["bone pelvis"] - turns["bone spine1"]).max() < 1e-6
    _, _, apart = performed(description, mapping, walking())
    whole = rot.multiply(rot.inverse(apart["bone pelvis"]), apart["bone spine1"])
    lean = rot.multiply(rot.inverse(apart["bone pelvis"]), turns["bone pelvis"])
    assert np.abs(rot.angle_of(lean) - 0.5 * rot.angle_of(whole)).max() < 1e-3
    stances = find_stances(walking(), on_smpl(walking()))
    flat = stances.flat[:, 0]
    both = flat[1:] & flat[:-1]
    assert np.linalg.norm(np.diff(joints[:, J["l_ankle"]], axis=0), axis=-1)[both].max() < 0.003


def test_pins_are_met_on_a_body_with_long_arms() -> None:
    offsets = proportions()
    for side in ("l_", "r_"):
        offsets[[J[side + "elbow"], J[side + "wrist"]]] *= 1.25
    motion = walking()
    wanted = np.array(motion.joints, np.float64)
    mask = np.zeros(wanted.shape, bool)
    for joint, frame in ((J["l_wrist"], 20), (J["r_wrist"], 40), (J["head"], 50)):
        mask[frame, joint] = True
        wanted[frame, joint] += (0.02, 0.05, 0.05)
    description, mapping = rig(offsets, rest_turns(**A_POSE), rest_pose="A")
    missed, _, _ = performed(description, mapping, motion)
    joints, _, _ = performed(description, mapping, motion, pins=(wanted, mask))
    before, after = (np.linalg.norm((j - wanted), axis=-1)[mask[..., 0]] for j in (missed, joints))
    assert before.max() > 0.05 and after.max() < 0.01


def test_feet_keep_their_size_of_step_in_a_body_with_broad_hips() -> None:
    offsets = proportions()
    offsets[J["l_hip"], 0] = 0.7
    offsets[J["r_hip"], 0] = -0.7
    motion = walking()
    joints, body, _ = performed(*rig(offsets), motion)
    stances = find_stances(motion, on_smpl(motion))
    for side, letter in enumerate("lr"):
        flat = stances.flat[:, side]
        both = flat[1:] & flat[:-1]
        ankle = joints[:, J[f"{letter}_ankle"]]
        assert np.linalg.norm(np.diff(ankle, axis=0), axis=-1)[both].max() < 0.003
        assert np.abs(ankle[flat, 1] - body.alignment.heights[side, 0]).max() < 0.01


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.diag([-1.0, 1.0, 1.0]), "mirrored"),
        (np.diag([1.0, 1.5, 1.0]), "unevenly"),
        (np.zeros((3, 3)), "scale of zero"),
    ],
)
def test_scales_without_proper_rotations_are_refused(matrix: np.ndarray, words: str) -> None:
    description, mapping = rig()
    world = np.eye(4)
    world[:3, :3] = matrix
    with pytest.raises(InvalidRequest, match=words) as caught:
        rig_body(replace(description, world=world), mapping)
    assert str(caught.value).count(".") == 1


def test_incomplete_mappings_are_refused() -> None:
    description, mapping = rig()
    with pytest.raises(InvalidRequest, match="left knee"):
        rig_body(description, replace(mapping, joints=dict(mapping.joints) | {"l_knee": ()}))
    with pytest.raises(InvalidRequest, match='no bone "elsewhere"'):
        rig_body(description, replace(mapping, joints=dict(mapping.joints) | {"head": ("elsewhere",)}))


def test_bones_that_must_move_and_cannot_are_refused() -> None:
    description, mapping = rig()
    connected = rig_samples.changed(description, {"bone l_ankle": {"connected": True}})
    rig_body(connected, mapping)
    with pytest.raises(InvalidRequest, match='"bone l_ankle" cannot move'):
        rig_body(connected, replace(mapping, apart=("l_ankle",)))


def test_a_body_stands_where_its_armature_does() -> None:
    description, mapping = rig(fbx=True)
    world = description.world.copy()
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # -Y to +X
    world[:3, :3], world[:3, 3] = turn @ world[:3, :3], (2.0, 3.0, 0.5)
    moved = replace(description, world=world)
    body: RigBody = rig_body(moved, replace(mapping, facing=np.array([1.0, 0.0, 0.0])))
    place = body.standing_place()
    assert place.origin * body.units_per_metre == pytest.approx([2.0, 0.5, -3.0], abs=1e-6)
    assert place.heading == pytest.approx(0.5 * np.pi)


@pytest.mark.parametrize("kind", ["A", "FBX", "no toes", "few bones", "chain"])
@pytest.mark.parametrize("mode", ["QUATERNION", "ZXY"])
def test_few_keys_keep_the_pose_within_the_tolerance(kind: str, mode: str) -> None:
    description, mapping = chained() if kind == "chain" else RIGS[kind]()
    modes = {bone.name: {"rotation_mode": mode} for bone in description.bones}
    description = rig_samples.changed(description, modes)
    body = rig_body(description, mapping)
    clip = retarget_to_body(walking(40), body)
    above = np.eye(4)
    above[:3, 3] = (0.1, 0.2, 0.3)
    bones = bone_clip(clip, body, above=above)
    assert bones is not None
    keys = fit_bone_keys(bones, 10.0, 1.0)
    dense = bone_channels(clip, body, above=above)
    frames = 1.0 + np.arange(clip.frames)
    location = keys.location.evaluate(frames)
    scale = np.linalg.norm(description.world[:3, 0]) / body.units_per_metre
    assert np.abs(location - dense.locations["bone pelvis"]).max() * scale < 0.01
    assert keys.rotations.keys() == dense.rotations.keys() and keys.max_error_mm < 10.0
    count = 0
    for name, own in keys.rotations.items():
        played = own.evaluate(frames)
        played = rot.normalise(played) if mode == "QUATERNION" else quaternions_of(played, mode)
        off = rot.angle_of(rot.multiply(rot.inverse(played), dense.rotations[name]))
        assert np.degrees(off).max() < 8.0
        count += own.count
    assert count < 0.7 * clip.frames * len(keys.rotations)


@pytest.mark.parametrize("kind", ["A", "FBX", "zero", "no trunk", "few bones", "chain"])
def test_the_clip_of_bones_has_the_channels_of_the_bones(kind: str) -> None:
    description, mapping = chained() if kind == "chain" else RIGS[kind]()
    body = rig_body(description, mapping)
    clip = retarget_to_body(gesturing(), body)
    above = np.eye(4)
    above[:3, :3] = rot.to_matrix(rot.from_axis_angle((1.0, 0.3, 0.2), 0.5))
    bones, channels = bone_clip(clip, body, above=above), bone_channels(clip, body, above=above)
    assert bones is not None
    for number, name in enumerate(bones.bones):
        if not name:
            continue
        turns = rot.multiply(rot.multiply(bones.outer[number], bones.clip.rotations[:, number]), bones.inner[number])
        assert rot.angle_of(rot.multiply(rot.inverse(turns), channels.rotations[name])).max() < 1e-6
    location = bones.clip.translation @ bones.matrix.T + bones.offset
    assert np.abs(location - channels.locations["bone pelvis"]).max() < 1e-6 * np.abs(location).max()


def feet_apart(mode: str = "QUATERNION"):
    description, mapping = rig(turns=rest_turns(0.7), x_along=True, rest_pose="A", mode=mode)
    loose = rig_samples.changed(description, {"bone l_ankle": {"parent": -1}, "bone r_ankle": {"parent": -1}})
    return rig_body(loose, replace(mapping, apart=("l_ankle", "r_ankle")))


@pytest.mark.parametrize("mode", ["QUATERNION", "YZX"])
def test_feet_that_hang_apart_get_few_keys_of_their_own(mode: str) -> None:
    body = feet_apart(mode)
    clip = retarget_to_body(walking(60), body)
    above = np.eye(4)
    above[:3, :3] = rot.to_matrix(rot.from_axis_angle((1.0, 0.3, 0.2), 0.5))
    above[:3, 3] = 0.1, 0.2, -0.3
    bones, channels = bone_clip(clip, body, above=above), bone_channels(clip, body, above=above)
    assert bones is not None and [tree.bones[0] for tree in bones.apart] == ["bone l_ankle", "bone r_ankle"]
    for tree in bones.apart:
        assert tree.bones[1].startswith("bone") and tree.bones[1].endswith("_foot")
        location = tree.clip.translation @ tree.matrix.T + tree.offset
        assert np.abs(location - channels.locations[tree.bones[0]]).max() < 1e-6
        for number, name in enumerate(tree.bones):
            turns = rot.multiply(rot.multiply(tree.outer[number], tree.clip.rotations[:, number]), tree.inner[number])
            assert rot.angle_of(rot.multiply(rot.inverse(turns), channels.rotations[name])).max() < 1e-6
    keys = fit_bone_keys(bones, 10.0, 1.0)
    assert set(keys.rotations) == set(channels.rotations) and len(keys.locations) == 2
    assert keys.max_error_mm < 15.0 and keys.count < 0.6 * keys.dense_count
    for name, own in keys.locations.items():
        shown = own.evaluate(np.arange(1.0, 61.0))
        assert np.abs(shown - channels.locations[name]).max() < 0.015


def test_a_rig_whose_bones_are_no_trees_needs_all_keys() -> None:
    description, mapping = rig()
    loose = rig_samples.changed(description, {"bone l_shoulder": {"use_inherit_rotation": False}})
    body = rig_body(loose, mapping)
    assert bone_clip(retarget_to_body(walking(30), body), body) is None


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0])
def test_feet_stay_between_the_frames_of_the_motion(fps: float) -> None:
    description, mapping = RIGS["A"]()
    motion = walking()
    body = rig_body(description, mapping)
    clip = retarget_to_body(motion, body)
    stances = find_stances(motion, on_smpl(motion))
    plain, held = resample(clip, fps), resample_on_feet(clip, fps, stances)
    assert held.frames == plain.frames and np.abs(held.translation - plain.translation).max() == 0.0
    at = np.arange(held.frames) * 20.0 / fps
    inside = at <= clip.frames - 1
    low, high = (np.minimum(way(at).astype(int), clip.frames - 1) for way in (np.floor, np.ceil))
    slides = []
    for each in (plain, held):
        joints = forward_kinematics(each)
        worst = 0.0
        for side, letter in enumerate("lr"):
            flat = stances.flat[low, side] & stances.flat[high, side] & inside
            flat &= stances.labels[low, side] == stances.labels[high, side]
            both = flat[1:] & flat[:-1]
            steps = np.linalg.norm(np.diff(joints[:, J[f"{letter}_ankle"]], axis=0), axis=-1)
            worst = max(worst, float(steps[both].max()))
        slides.append(worst)
    assert slides[1] < 0.001 and slides[1] < 0.5 * slides[0]
    turns = rot.angle_of(rot.multiply(rot.inverse(plain.rotations), held.rotations))
    assert np.degrees(turns).max() < 5.0
