"""Retargeting: joints come back, twist is the limb's own, nothing flips, feet stay on the floor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import HUMANML, JOINTS, MIRROR, SMPL, Skeleton
from tests.synthetic_motion import J, gestures, pose, walk

LIMBS = ("l_shoulder", "r_shoulder", "l_hip", "r_hip")


def motion_of(joints: np.ndarray) -> Motion:
    return Motion(np.asarray(joints, np.float32), np.zeros((len(joints), 4), np.float32))


def world_rotations(clip: Clip) -> np.ndarray:
    world = np.array(clip.rotations)
    for joint, parent in enumerate(clip.skeleton.parents):
        if parent >= 0:
            world[:, joint] = rot.multiply(world[:, parent], world[:, joint])
    return world


def steps_degrees(q: np.ndarray) -> np.ndarray:
    """(T-1, ...) how far rotations (T, ..., 4) turn from frame to frame."""
    return np.degrees(rot.angle_of(rot.multiply(rot.inverse(q[:-1]), q[1:])))


def error_mm(clip: Clip, joints: np.ndarray) -> np.ndarray:
    return 1000.0 * np.linalg.norm(forward_kinematics(clip)[:, :22] - joints, axis=-1)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 100), st.integers(0, 10_000), st.sampled_from([HUMANML, SMPL]))
def test_any_pose_comes_back(frames: int, seed: int, skeleton: Skeleton) -> None:
    joints, _ = gestures(frames, seed)
    clip = retarget(motion_of(joints), skeleton)
    assert clip.translation.shape == (frames, 3) and clip.rotations.shape == (frames, len(skeleton), 4)
    assert clip.fps == 20.0 and clip.skeleton is skeleton
    assert error_mm(clip, joints).max() < 0.1
    np.testing.assert_allclose(clip.translation, joints[:, 0], atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 100), st.integers(0, 10_000))
def test_quaternions_are_unit_and_never_flip(frames: int, seed: int) -> None:
    rotations = retarget(motion_of(gestures(frames, seed)[0])).rotations
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1.0, atol=1e-9)
    assert ((rotations[1:] * rotations[:-1]).sum(-1) > 0.0).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_rotations_of_bent_limbs_are_those_that_made_them(seed: int) -> None:
    """Trunk, hips, knees, shoulders and elbows: full rotations, twist included."""
    joints, local = gestures(80, seed)
    clip = retarget(motion_of(joints), HUMANML)
    ours, truth = world_rotations(clip), world_rotations(Clip(20.0, clip.translation, local, HUMANML))
    for name in ("pelvis", "spine3", *LIMBS, "l_knee", "r_knee", "l_elbow", "r_elbow"):
        error = np.degrees(rot.angle_of(rot.multiply(rot.inverse(truth[:, J[name]]), ours[:, J[name]])))
        assert error.max() < 6.0, name
    for name in ("l_ankle", "r_ankle"):  # a bend of the ankle alone; a foot's roll cannot be seen
        error = np.degrees(rot.angle_of(rot.multiply(rot.inverse(truth[:, J[name]]), ours[:, J[name]])))
        assert error.max() < 6.0, name


def test_knees_and_elbows_are_hinges() -> None:
    clip = retarget(motion_of(walk(80)))
    for name, axis in (("l_knee", [1, 0, 0]), ("r_knee", [1, 0, 0]), ("l_elbow", [0, 1, 0]), ("r_elbow", [0, 1, 0])):
        other = np.delete(clip.rotations[:, J[name], 1:], np.argmax(axis), axis=-1)
        assert np.abs(other).max() < 0.02, name


@settings(max_examples=10, deadline=None)
@given(st.floats(0.0, 2.5), st.floats(-1.5, 1.5))
def test_no_bone_turns_faster_than_the_walk(speed: float, turn: float) -> None:
    clip = retarget(motion_of(walk(100, speed, turn)))
    assert steps_degrees(clip.rotations).max() < (50.0 if speed > 1.5 else 35.0)


def straight_arm_that_bends_elsewhere(straight: int, between: float) -> np.ndarray:
    """(T, 22, 3): the left elbow bends, straightens, and bends again with the upper arm turned by `between` radians."""
    local = np.zeros((40 + straight, 22, 4))
    local[..., 0] = 1.0
    bend = np.concatenate([np.linspace(1.0, 0.0, 20), np.zeros(straight), np.linspace(0.0, 1.0, 20)])
    twist = np.where(np.arange(len(bend)) < 20 + straight // 2, 0.0, between)
    local[:, J["l_shoulder"]] = rot.from_axis_angle([1.0, 0.0, 0.0], twist)
    local[:, J["l_elbow"]] = rot.from_axis_angle([0.0, -1.0, 0.0], bend)
    return pose(np.zeros((len(bend), 3)), local)


@pytest.mark.parametrize("between", [0.0, 0.7, -1.5, 2.8])
def test_a_straight_limb_carries_its_twist_evenly_from_one_plane_to_the_next(between: float) -> None:
    joints = straight_arm_that_bends_elsewhere(20, between)
    clip = retarget(motion_of(joints), HUMANML)
    assert error_mm(clip, joints).max() < 0.1
    upper = clip.rotations[:, J["l_shoulder"]]
    steps = steps_degrees(upper)
    assert steps.max() < np.degrees(abs(between)) / 20 * 2.0 + 1.2
    turned = np.degrees(rot.angle_of(rot.multiply(rot.inverse(upper[5]), upper[-5])))
    assert abs(turned - np.degrees(abs(between))) < 3.0


def test_a_straight_arm_with_trembling_points_does_not_spin() -> None:
    """Two millimetres of noise turn the plane of a straight arm by any angle; the bone must not follow."""
    local = np.zeros((100, 22, 4))
    local[..., 0] = 1.0
    local[:, J["l_shoulder"]] = rot.from_axis_angle([0.0, 0.0, 1.0], np.linspace(-1.3, 1.3, 100))
    joints = pose(np.zeros((100, 3)), local) + np.random.default_rng(0).normal(0.0, 0.002, (100, 22, 3))
    clip = retarget(motion_of(joints))
    assert (
        steps_degrees(clip.rotations[:, [J["l_shoulder"], J["r_shoulder"], J["l_hip"]]]).max() < 15.0
    )  # mostly the collar's own trembling


def test_a_straight_leg_faces_where_its_foot_points() -> None:
    local = np.zeros((30, 22, 4))
    local[..., 0] = 1.0
    local[:, J["l_hip"]] = rot.from_axis_angle([0.0, 1.0, 0.0], 0.6)
    clip = retarget(motion_of(pose(np.zeros((30, 3)), local)), HUMANML)
    error = rot.angle_of(rot.multiply(rot.inverse(local[:, J["l_hip"]]), clip.rotations[:, J["l_hip"]]))
    assert np.degrees(error).max() < 25.0  # without the foot it would be 34


def test_an_arm_swung_through_the_opposite_of_its_rest_direction_does_not_flip() -> None:
    """Straight across the body and beyond: the shortest swing from the rest pose is undefined there."""
    local = np.zeros((60, 22, 4))
    local[..., 0] = 1.0
    sweep = rot.from_axis_angle([0.0, -1.0, 0.0], np.linspace(0.0, 1.25 * np.pi, 60))
    local[:, J["l_shoulder"]] = rot.multiply(rot.from_axis_angle([0.0, 0.0, 1.0], 0.02), sweep)
    clip = retarget(motion_of(pose(np.zeros((60, 3)), local)), HUMANML)
    assert steps_degrees(clip.rotations[:, J["l_shoulder"]]).max() < 1.5 * 1.25 * 180.0 / 59


def test_hands_follow_the_wrists() -> None:
    clip = retarget(motion_of(gestures(30, 1)[0]), SMPL)
    np.testing.assert_allclose(clip.rotations[:, 22:], np.broadcast_to(rot.IDENTITY, (30, 2, 4)), atol=1e-12)
    joints = forward_kinematics(clip)
    forearm, hand = joints[:, 20] - joints[:, 18], joints[:, 22] - joints[:, 20]
    cosine = (forearm * hand).sum(-1) / np.linalg.norm(forearm, axis=-1) / np.linalg.norm(hand, axis=-1)
    np.testing.assert_allclose(cosine, 1.0, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.5, 1.6))
def test_other_sizes_scale_the_travel_and_stand_on_the_floor(scale: float) -> None:
    other = replace(HUMANML, offsets=HUMANML.offsets * scale)
    source = walk(60, 1.0, 0.2, skeleton=other)
    clip = retarget(motion_of(source))
    joints = forward_kinematics(clip)
    np.testing.assert_allclose(joints[..., 1].min(), source[..., 1].min(), atol=2e-3)
    ratio = 1.0 if abs(1.0 / scale - 1.0) <= 0.03 else 1.0 / scale
    expected = ratio * (source[-1, 0, [0, 2]] - source[0, 0, [0, 2]])
    np.testing.assert_allclose(clip.translation[-1, [0, 2]] - clip.translation[0, [0, 2]], expected, atol=1e-4)
    # The same pose, larger or smaller: feet that stood still stand still.
    if ratio != 1.0:
        assert error_mm(clip, source * ratio).max() < 1.0


def test_legs_that_almost_match_keep_the_travel() -> None:
    other = replace(HUMANML, offsets=HUMANML.offsets * 1.02)
    source = walk(60, 1.0, skeleton=other)
    clip = retarget(motion_of(source))
    np.testing.assert_allclose(clip.translation[:, [0, 2]], source[:, 0, [0, 2]], atol=1e-6)


def test_a_motion_that_starts_elsewhere_stays_there() -> None:
    joints = rot.rotate(rot.from_axis_angle([0, 1, 0], 2.0), walk(40, 1.0)) + [3.0, 0.0, -7.0]
    clip = retarget(motion_of(joints))
    assert error_mm(clip, joints).max() < 0.1


def test_noise_of_the_size_a_network_makes_is_followed_closely() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.005, (80, 22, 3))
    clip = retarget(motion_of(walk(80) + noise))
    assert error_mm(clip, walk(80)).mean() < 15.0
    assert steps_degrees(clip.rotations[:, [J[name] for name in LIMBS]]).max() < 45.0


def test_points_that_fall_together_give_finite_rotations() -> None:
    joints = walk(20)
    joints[5:8] = joints[5:8, :1]
    clip = retarget(motion_of(joints))
    assert np.isfinite(clip.rotations).all() and np.isfinite(clip.translation).all()


def test_another_skeleton_is_refused() -> None:
    wrong = Skeleton(JOINTS[::-1], HUMANML.parents, HUMANML.offsets)
    with pytest.raises(ValueError, match="joints"):
        retarget(motion_of(walk(10)), wrong)


@pytest.mark.parametrize("shape", [(0, 22, 3), (10, 21, 3), (10, 66)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        retarget(motion_of(np.zeros(shape)))


def test_forward_kinematics_of_the_rest_pose() -> None:
    rotations = np.broadcast_to(rot.IDENTITY, (1, 24, 4))
    clip = Clip(20.0, np.array([[1.0, 2.0, 3.0]]), rotations, SMPL)
    np.testing.assert_allclose(forward_kinematics(clip)[0], SMPL.rest + [1.0, 2.0, 3.0], atol=1e-12)
    np.testing.assert_array_equal(rotations, np.broadcast_to(rot.IDENTITY, (1, 24, 4)))  # left as it was


def bent_gestures(seed: int) -> np.ndarray:
    return gestures(60, seed)[0].astype(np.float64)


def degrees_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(rot.angle_of(rot.multiply(rot.inverse(a), b)))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(-3.1, 3.1), st.floats(-5.0, 5.0), st.booleans())
def test_turned_and_moved_motion_gives_the_same_pose(seed: int, yaw: float, away: float, straight: bool) -> None:
    joints = straight_arm_that_bends_elsewhere(20, 1.0) if straight else bent_gestures(seed)
    turn = rot.from_axis_angle([0.0, 1.0, 0.0], yaw)
    before = retarget(motion_of(joints))
    after = retarget(motion_of(rot.rotate(turn, joints) + [away, 0.0, 2.0 * away]))
    assert degrees_apart(before.rotations[:, 1:], after.rotations[:, 1:]).max() < 0.1
    assert degrees_apart(rot.multiply(turn, before.rotations[:, 0]), after.rotations[:, 0]).max() < 0.1
    moved = rot.rotate(turn, before.translation) + [away, 0.0, 2.0 * away]
    np.testing.assert_allclose(after.translation, moved, atol=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_mirrored_motion_gives_the_mirrored_pose(seed: int, straight: bool) -> None:
    joints = straight_arm_that_bends_elsewhere(20, 1.0) if straight else bent_gestures(seed)
    before = retarget(motion_of(joints), HUMANML)
    after = retarget(motion_of((joints * [-1.0, 1.0, 1.0])[:, list(MIRROR)]), HUMANML)
    # A rotation in the mirror: the axis is mirrored and turns the other way.
    mirrored = (before.rotations * [1.0, 1.0, -1.0, -1.0])[:, list(MIRROR)]
    assert degrees_apart(mirrored, after.rotations).max() < 0.1


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_motion_played_backwards_gives_the_same_poses(seed: int, straight: bool) -> None:
    joints = straight_arm_that_bends_elsewhere(20, 1.0) if straight else bent_gestures(seed)
    before, after = retarget(motion_of(joints)), retarget(motion_of(joints[::-1]))
    # Travel is kept about the first frame, so the same legs are needed for the same place; they are, here.
    # The head leads turns, so it is the only bone that depends on the direction of time.
    others = [joint for joint, name in enumerate(SMPL.names) if name != "head"]
    assert degrees_apart(before.rotations[::-1], after.rotations)[:, others].max() < 1.0
    np.testing.assert_allclose(before.translation[::-1], after.translation, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.5, 2.0))
def test_a_larger_figure_in_the_same_pose_gives_the_same_rotations(seed: int, scale: float) -> None:
    joints = bent_gestures(seed)
    before, after = retarget(motion_of(joints)), retarget(motion_of(scale * joints))
    assert degrees_apart(before.rotations, after.rotations).max() < 0.1


def test_a_straight_arm_that_hangs_throughout_would_bend_forwards() -> None:
    """Hanging arms with palms to the thighs: the elbow's axis points outwards, not along the body as in a T-pose."""
    local = np.zeros((200, 22, 4))
    local[..., 0] = 1.0
    local[:, J["l_shoulder"]] = rot.from_axis_angle([0.0, 0.0, 1.0], -1.5)
    local[:, J["r_shoulder"]] = rot.from_axis_angle([0.0, 0.0, 1.0], 1.5)
    world = world_rotations(retarget(motion_of(pose(np.zeros((200, 3)), local))))
    for side, sign in (("l", 1.0), ("r", -1.0)):
        hinge = rot.rotate(world[:, J[f"{side}_shoulder"]], [0.0, -sign, 0.0])
        forwards = np.cross(hinge, [0.0, -1.0, 0.0])
        assert (forwards[:, 2] > 0.6).all()


def test_an_arm_goes_to_what_people_do_after_a_while_of_being_straight() -> None:
    short, long = (
        retarget(motion_of(straight_arm_that_bends_elsewhere(frames, 0.0)), HUMANML).rotations[:, J["l_shoulder"]]
        for frames in (10, 200)
    )
    middle_of_short, middle_of_long = (float(degrees_apart(q[0], q[len(q) // 2])) for q in (short, long))
    assert middle_of_short < 10.0 < middle_of_long
    assert middle_of_long < 80.0


def another_trunk() -> Skeleton:
    """Hips ahead of and further below the pelvis joint, collars at the neck: as some capture systems have them."""
    offsets = np.array(HUMANML.offsets)
    offsets[[J["l_hip"], J["r_hip"]], 1:] = [-0.11, 0.05]
    offsets[[J["l_collar"], J["r_collar"]], 1] = 0.02
    offsets[[J["l_shoulder"], J["r_shoulder"]], 1] = 0.09
    return replace(HUMANML, offsets=offsets)


def test_a_trunk_of_another_shape_turns_no_limb() -> None:
    """The rotations of the limbs are those of the same motion with our trunk, and the hips keep their way."""
    local = gestures(80, 3)[1]
    local[:, J["l_collar"]] = local[:, J["r_collar"]] = rot.IDENTITY  # a collar's swing is about another centre there
    root = np.zeros((80, 3))
    clip = retarget(motion_of(pose(root, local, another_trunk())), HUMANML)
    ours, truth = world_rotations(clip), world_rotations(Clip(20.0, clip.translation, local, HUMANML))
    for name in (*LIMBS, "l_knee", "r_knee", "l_elbow", "r_elbow"):
        assert np.median(degrees_apart(truth[:, J[name]], ours[:, J[name]])) < 8.0, name
    theirs = pose(root, local, another_trunk())[:, [J["l_hip"], J["r_hip"]]].mean(1)
    hips = forward_kinematics(clip)[:, [J["l_hip"], J["r_hip"]]].mean(1)
    np.testing.assert_allclose(hips[:, [0, 2]] - hips[:1, [0, 2]], theirs[:, [0, 2]] - theirs[:1, [0, 2]], atol=1e-3)
