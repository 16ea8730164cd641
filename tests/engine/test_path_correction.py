from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.ground_path import GroundPath, named_path, timed
from motionlcm_blender.motion.metrics import foot_skate, jerk, path_error
from motionlcm_blender.motion.skeleton import FOOT_JOINTS, PARENTS
from motionlcm_blender.motion.world_transform import Placement, place_joints
from motionlcm_blender.postprocess.foot_lock import FootLock, lock_feet_from_contacts
from motionlcm_blender.postprocess.headings import heading_difference
from motionlcm_blender.postprocess.path_following import face_direction, follow_path, matching_times

FRAMES = 120
TIME = np.arange(FRAMES) / 20.0
L_KNEE, L_ANKLE, L_HIP = 4, 7, 1


def onto_path(joints: np.ndarray, contacts: np.ndarray | None, xz: np.ndarray) -> np.ndarray:
    return follow_path(joints, contacts, xz).joints.astype(np.float32)


def lock_feet(joints: np.ndarray, contacts: np.ndarray | None = None) -> np.ndarray:
    return lock_feet_from_contacts(joints, contacts).joints.astype(np.float32)


def root(joints: np.ndarray) -> np.ndarray:
    return joints[:, 0][:, [0, 2]].astype(np.float64)


def bones(joints: np.ndarray) -> np.ndarray:
    joints = joints.astype(np.float64)
    return np.linalg.norm(joints[:, 1:] - joints[:, PARENTS[1:]], axis=-1)


def facing(joints: np.ndarray) -> np.ndarray:
    across = (joints[:, 1] - joints[:, 2]).astype(np.float64)
    return np.arctan2(-across[:, 2], across[:, 0])


def wrapped(angle: np.ndarray) -> np.ndarray:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def travel(xz: np.ndarray) -> np.ndarray:
    step = np.gradient(xz, axis=0)
    return np.arctan2(step[:, 0], step[:, 1])


def carried(joints: np.ndarray, xz: np.ndarray) -> np.ndarray:
    """The plain way: turn and set the figure onto the path, and let the feet slide."""
    turn = heading_difference(joints.astype(np.float64), xz)
    out = joints.astype(np.float64)
    local = out - out[:, :1] * (1, 0, 1)
    for t in range(len(out)):
        out[t] = place_joints(local[t], Placement(np.array([xz[t, 0], 0.0, xz[t, 1]]), turn[t]))
    return out


def backwards(frames: int = FRAMES) -> np.ndarray:
    joints = walk(frames, 1.1)[::-1].copy()
    joints[..., [0, 2]] -= joints[:1, :1][..., [0, 2]]
    return joints


def swaying(joints: np.ndarray) -> np.ndarray:
    """With a pelvis that swings from side to side and wobbles more than a person's."""
    sway = 0.03 * np.sin(2 * np.pi * 0.9 * np.arange(len(joints)) / 20)
    out = joints.copy()
    out[..., 0] += sway[:, None].astype(np.float32)
    return lock_feet(out, foot_contacts(joints))


DRIFT = np.stack([0.5 * np.sin(TIME), 0.35 * np.sin(0.7 * TIME)], axis=-1)
WALK = walk(FRAMES, 1.2)
CASES = {
    "drifted": (WALK, root(WALK) + DRIFT),
    "too fast": (WALK, root(WALK) * 0.7),
    "much too fast": (WALK, root(WALK) * 0.5),
    "too slow": (WALK, root(WALK) * 1.25),
    "circle": (WALK, timed(named_path("circle", 6.5), FRAMES)),
    "s": (WALK, timed(named_path("s", 6.5), FRAMES)),
    "eight": (WALK, timed(named_path("eight", 7.0), FRAMES)),
    "turning wrongly": (walk(FRAMES, 1.2, 0.5), timed(named_path("s", 7.0), FRAMES)),
    "backwards": (backwards(), timed(named_path("quarter", 6.0), FRAMES)),
    "running": (walk(FRAMES, 2.5), timed(named_path("s", 14.0), FRAMES)),
    "with a stop": (
        WALK,
        timed(GroundPath(np.array([[0, 0], [0, 3], [0, 6.0]]), weights=np.array([1, 0, 1.0])), FRAMES),
    ),
    "swaying": (swaying(WALK), timed(named_path("quarter", 7.0), FRAMES)),
    "corner": (WALK, timed(GroundPath(np.array([[0, 0], [0, 3], [3, 3.0]])), FRAMES)),
    "there and back": (WALK, timed(GroundPath(np.array([[0, 0], [0, 3], [0, 0.1]])), FRAMES)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_pelvis_keeps_to_the_path_and_bones_keep_their_length(case):
    joints, xz = CASES[case]
    out = onto_path(joints, foot_contacts(joints).astype(np.float32), xz)
    assert out.shape == joints.shape and out.dtype == np.float32
    error = path_error(out, xz)
    assert error.mean < 0.02
    assert error.max < 0.05
    np.testing.assert_allclose(bones(out), bones(joints)[:1].repeat(FRAMES, 0), atol=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_feet_slide_no_more_than_before_and_far_less_than_carried_along(case):
    joints, xz = CASES[case]
    contacts = foot_contacts(joints).astype(np.float32)
    out = onto_path(joints, contacts, xz)
    # The synthetic walk hardly skates at all (3 cm/s; captured walks: 10 to 15 cm/s).
    assert foot_skate(out) < foot_skate(joints) + 3.0
    on_path = carried(joints, xz)
    at = np.rint(matching_times(root(joints), xz)).astype(int)
    assert foot_skate(out, contacts[at]) < 0.4 * foot_skate(on_path, contacts)
    assert jerk(out) < 1.4 * jerk(joints)


@pytest.mark.parametrize("case", ["drifted", "circle", "s", "eight", "turning wrongly", "swaying", "running"])
def test_the_body_faces_the_way_it_goes(case):
    joints, xz = CASES[case]
    away = wrapped(facing(onto_path(joints, None, xz)) - travel(xz))
    assert np.abs(away).mean() < np.radians(9)
    assert np.abs(away[5:-5]).max() < np.radians(25)


def test_a_walk_backwards_stays_backwards():
    joints, xz = CASES["backwards"]
    away = wrapped(facing(onto_path(joints, None, xz)) - travel(xz) - np.pi)
    assert np.abs(away).max() < np.radians(20)


def test_the_stride_is_fitted_to_the_path():
    joints, xz = CASES["too fast"]
    out = onto_path(joints, None, xz)
    # Every step is put down along the path in the order of walking; none of them far from the pelvis.
    feet = out[:, [10, 11]][..., [0, 2]]
    assert np.linalg.norm(feet - out[:, :1][..., [0, 2]], axis=-1).max() < 0.75
    assert (np.diff(feet[..., 1], axis=0) > -0.02).all()


def test_knees_still_bend_forwards():
    for case in ("drifted", "too slow", "circle"):
        joints, xz = CASES[case]
        out = onto_path(joints, None, xz).astype(np.float64)
        leg = out[:, L_ANKLE] - out[:, L_HIP]
        along = leg / np.linalg.norm(leg, axis=-1, keepdims=True)
        knee = out[:, L_KNEE] - out[:, L_HIP]
        bend = knee - (knee * along).sum(-1, keepdims=True) * along
        heading = facing(out)
        ahead = bend[:, 0] * np.sin(heading) + bend[:, 2] * np.cos(heading)
        assert (ahead > -0.005).all()


def test_a_motion_that_is_on_its_path_hardly_changes():
    out = onto_path(WALK, None, root(WALK))
    assert np.linalg.norm(out - WALK, axis=-1).max() < 0.1  # swinging feet are raised to clear the floor
    standing = walk(FRAMES, 0.0)
    np.testing.assert_allclose(onto_path(standing, None, np.zeros((FRAMES, 2))), standing, atol=1e-4)


def test_a_figure_that_only_stands_is_made_to_step():
    standing = walk(FRAMES, 0.0)
    contacts = np.ones((FRAMES, 4), np.float32)
    for xz in (timed(named_path("line", 5.0), FRAMES), timed(named_path("quarter", 6.0), FRAMES)):
        out = onto_path(standing, contacts, xz)
        assert path_error(out, xz).max < 0.05
        np.testing.assert_allclose(bones(out), bones(standing), atol=1e-3)
        feet = out[:, [10, 11]].astype(np.float64)
        still = np.linalg.norm(np.diff(feet[..., [0, 2]], axis=0), axis=-1) < 0.008
        assert (still.mean(axis=0) > 0.3).all()  # each foot stands a good part of the time,
        assert still.any(axis=1).mean() > 0.7  # one or the other nearly always,
        assert feet[..., 1].max() > 0.04  # and they are lifted between.
        assert np.abs(wrapped(facing(out) - travel(xz))).max() < np.radians(15)


@given(
    st.floats(0.5, 1.8),
    st.floats(-0.6, 0.6),
    st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4),
    st.floats(0.6, 1.3),
    st.integers(20, 120),
)
@settings(max_examples=25, deadline=None)
def test_any_drift_is_corrected(speed, turn_rate, wave, scale, frames):
    joints = walk(frames, speed, turn_rate)
    t = np.arange(frames) / 20
    drift = np.stack([wave[0] * np.sin(t + wave[1]), wave[2] * np.sin(0.7 * t + wave[3])], axis=-1)
    xz = root(joints) * scale + drift - drift[:1]
    out = onto_path(joints, None, xz)
    assert np.isfinite(out).all()
    error = path_error(out, xz)
    assert error.mean < 0.02 and error.max < 0.05
    np.testing.assert_allclose(bones(out), bones(joints)[:1].repeat(frames, 0), atol=1e-3)
    assert out[..., 1].min() > -0.045  # long steps in a bend dip their toes


@given(st.floats(-3.0, 3.0), st.floats(-5.0, 5.0), st.floats(-5.0, 5.0), st.sampled_from(["drifted", "s", "backwards"]))
@settings(max_examples=15, deadline=None)
def test_where_in_the_world_does_not_matter(heading, x, z, case):
    joints, xz = CASES[case]
    placement = Placement(np.array([x, 0.0, z]), heading)
    flat = np.stack([xz[:, 0], 0 * xz[:, 0], xz[:, 1]], axis=-1)
    contacts = foot_contacts(joints)
    there = onto_path(place_joints(joints, placement), contacts, place_joints(flat, placement)[:, [0, 2]])
    away = np.linalg.norm(there - place_joints(onto_path(joints, contacts, xz), placement), axis=-1)
    # Rounding may tip a frame over the threshold of standing, which moves one foot a little.
    assert away.mean() < 1e-4 and away.max() < 0.02


@given(st.floats(0.3, 2.5), st.floats(0.3, 2.5), st.floats(0.0, 0.9), st.integers(10, 196))
@settings(max_examples=40, deadline=None)
def test_matching_times_rise_within_bounds(speed, drawn, ease, frames):
    t = np.linspace(0, 1, frames)
    own = np.stack([0 * t, speed * (frames - 1) / 20 * t], axis=-1)
    path = np.stack([0 * t, drawn * (frames - 1) / 20 * ((1 - ease) * t + ease * t * t)], axis=-1)
    at = matching_times(own, path)
    assert at[0] == 0.0 and at[-1] <= frames - 1
    assert np.diff(at).min() > 0.4 and np.diff(at).max() < 1.5
    progress = path[:, 1] / path[-1, 1]
    shown = np.interp(at, np.arange(frames), own[:, 1])
    assert np.abs(shown / shown[-1] - progress).max() <= np.abs(t - progress).max() + 1e-9


def test_times_are_matched_when_the_network_starts_late():
    late = np.concatenate([np.zeros(15), np.arange(FRAMES - 15) * 0.06])
    own, path = np.stack([0 * late, late], axis=-1), np.stack([0 * TIME, np.linspace(0, 6, FRAMES)], axis=-1)
    at = matching_times(own, path)
    shown = np.interp(at, np.arange(FRAMES), late)
    share, before = shown / shown[-1] - path[:, 1] / 6, late / late[-1] - path[:, 1] / 6
    assert np.abs(share).max() < 0.75 * np.abs(before).max()
    assert np.abs(share).mean() < 0.5 * np.abs(before).mean()


def test_lock_feet_holds_slid_feet_and_the_pelvis_goes_as_the_legs_walk():
    slid = WALK.copy()
    slid[..., 0] += (0.15 * TIME).astype(np.float32)[:, None]
    slid[..., 2] += (0.06 * np.sin(3 * TIME)).astype(np.float32)[:, None]
    contacts = foot_contacts(WALK).astype(np.float32)
    before = foot_skate(slid, contacts)
    for given_contacts in (contacts, None):
        out = lock_feet(slid, given_contacts)
        assert before > 14
        assert foot_skate(out, contacts) < 3.5
        drift = out[:, 0][:, [0, 2]] - WALK[:, 0][:, [0, 2]]
        assert np.linalg.norm(drift, axis=-1).max() < 0.1 * np.linalg.norm(slid[-1, 0] - WALK[-1, 0])
        np.testing.assert_allclose(bones(out), bones(slid), atol=1e-3)
        upper = [3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]
        pose, before_pose = (x[:, upper] - x[:, :1] for x in (out, slid))
        np.testing.assert_allclose(pose, before_pose, atol=1e-5)
        assert np.abs(out[:, upper, 1] - slid[:, upper, 1]).max() < 0.061  # at most the dip of the pelvis


def test_lock_feet_without_contact_changes_nothing():
    np.testing.assert_allclose(lock_feet(WALK, np.zeros((FRAMES, 4))), WALK, atol=1e-6)


def test_wrong_contacts_do_no_harm():
    # Contact claimed on every frame: swinging feet are too fast to be standing, but for the first of their way.
    out = lock_feet(WALK, np.ones((FRAMES, 4), np.float32))
    assert np.linalg.norm(out - WALK, axis=-1).max() < 0.03 * np.linalg.norm(WALK[-1, 0] - WALK[0, 0])
    rng = np.random.default_rng(0)
    out = lock_feet(WALK, rng.random((FRAMES, 4)).astype(np.float32))
    assert np.isfinite(out).all()
    np.testing.assert_allclose(bones(out), bones(WALK), atol=1e-3)


def test_a_flight_is_left_in_the_air():
    jump = walk(60, 0.0)
    flight = np.clip(np.sin(np.pi * (np.arange(60) - 20) / 12), 0, None) * (
        (np.arange(60) >= 20) & (np.arange(60) <= 32)
    )
    jump[..., 1] += (0.4 * flight).astype(np.float32)[:, None]
    out = onto_path(jump, None, np.stack([np.zeros(60), 0.02 * np.arange(60)], axis=-1))
    assert out[26, [10, 11], 1].min() > 0.3
    np.testing.assert_allclose(out[26, 0, 1], jump[26, 0, 1], atol=5e-3)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 9])
def test_the_shortest_clips_pass(frames):
    joints = walk(frames, 1.0)
    xz = root(joints) + (0.3, 0.0)
    out = onto_path(joints, None, xz)
    assert out.shape == joints.shape and np.isfinite(out).all()
    assert path_error(out, xz).max < 0.05
    np.testing.assert_allclose(bones(out), bones(joints), atol=1e-3)
    assert lock_feet(joints).shape == joints.shape


def test_what_does_not_fit_is_refused_in_a_sentence():
    good = np.zeros((FRAMES, 2))
    broken = WALK.copy()
    broken[3, 4, 1] = np.nan
    for joints, contacts, xz in (
        (WALK[:, :21], None, good),
        (WALK, None, good[:-1]),
        (WALK, None, np.zeros((FRAMES, 3))),
        (WALK, None, np.full((FRAMES, 2), np.nan)),
        (WALK, np.zeros((FRAMES, 2)), good),
        (broken, None, good),
        (WALK[:0], None, good[:0]),
    ):
        with pytest.raises(InvalidRequest, match=r"\.$"):
            onto_path(joints, contacts, xz)
    with pytest.raises(InvalidRequest):
        lock_feet(broken)


def test_the_input_is_left_alone():
    joints, xz = WALK.copy(), root(WALK) + DRIFT
    contacts = foot_contacts(joints).astype(np.float32)
    kept = contacts.copy()
    onto_path(joints, contacts, xz)
    np.testing.assert_array_equal(joints, WALK)
    np.testing.assert_array_equal(contacts, kept)


def test_held_feet_slide_by_less_than_two_millimetres_a_frame():
    slid = WALK.astype(np.float64) + np.stack([0.1 * TIME, 0 * TIME, 0.05 * np.sin(2 * TIME)], -1)[:, None]
    planted = lock_feet_from_contacts(slid, foot_contacts(WALK))
    feet = planted.joints[:, FOOT_JOINTS][..., [0, 2]]
    both = planted.stands[1:] & planted.stands[:-1]
    step = np.linalg.norm(np.diff(feet, axis=0), axis=-1)[both]
    assert both.mean() > 0.3
    assert step.mean() < 0.002
    on_path = follow_path(slid, foot_contacts(WALK), root(WALK))
    assert on_path.stands.any(1).mean() > 0.8


def test_feet_that_hover_are_brought_to_the_floor():
    hovering = WALK.copy()
    hovering[40:60, [7, 10], 1] += 0.03
    planted = lock_feet_from_contacts(hovering, foot_contacts(WALK))
    stands = planted.stands[:, 1].copy()
    stands[:38] = stands[62:] = False
    assert stands.any()
    assert np.abs(planted.joints[stands, 10, 1] - np.percentile(WALK[:, 10, 1], 5)).max() < 0.02


@pytest.mark.parametrize("lock", FootLock)
def test_lock_modes_on_a_jump(lock):
    jump = walk(60, 0.0).astype(np.float64)
    flight = 0.4 * np.clip(np.sin(np.pi * (np.arange(60) - 20) / 12), 0, None) * (np.abs(np.arange(60) - 26) <= 6)
    jump[..., 1] += flight[:, None]
    contacts = np.repeat(flight[:, None] < 0.01, 4, axis=1)
    for planted in (
        lock_feet_from_contacts(jump, contacts, lock),
        follow_path(jump, contacts, np.zeros((60, 2)), lock),
    ):
        height = planted.joints[:, [10, 11], 1].min(1) - np.percentile(jump[:, [10, 11], 1], 5)
        assert (height.max() < 0.06) if lock is FootLock.GROUND else (height.max() > 0.3)
        assert planted.stands.any() == (lock is not FootLock.OFF)


@given(st.floats(-3.0, 3.0), st.floats(-1.0, 1.0))
@settings(max_examples=20, deadline=None)
def test_the_figure_faces_the_requested_direction(start, rate):
    wanted = start + rate * TIME
    path = root(WALK)
    for planted in (
        follow_path(WALK, None, path, facing=wanted),
        face_direction(WALK, None, wanted),
    ):
        away = wrapped(facing(planted.joints) - wanted)
        assert np.abs(away).mean() < 0.12
        np.testing.assert_allclose(planted.joints[:, 0][:, [0, 2]], path, atol=0.045)
        np.testing.assert_allclose(bones(planted.joints), bones(WALK), atol=1e-3)


def test_facing_must_fit_the_motion():
    with pytest.raises(InvalidRequest, match="one angle for each"):
        face_direction(WALK, None, np.zeros(3))
