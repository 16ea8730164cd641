"""Loops close without a jump, and travel taken apart comes together again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.keyframes.fitting import fit_keys
from motionlcm_blender.motion.euler_angles import euler_quaternions
from motionlcm_blender.motion.foot_contacts import foot_contacts, stance_mask
from motionlcm_blender.motion.loop_search import takes_whole_strides, touchdowns
from motionlcm_blender.motion.loops import find_loop, headings, joined_travel, looped, split_travel
from motionlcm_blender.motion.metrics import foot_skate
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.resampling import resample
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.world_transform import Placement, place_clip
from motionlcm_blender.postprocess.loop_feet import hold_loop_feet, with_legs
from motionlcm_blender.postprocess.stitching import body_speed
from tests.synthetic_motion import gestures, walk


def clip_of(joints: np.ndarray) -> Clip:
    return retarget(Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32)))


@given(st.floats(0.0, 2.0), st.floats(-1.5, 1.5), st.integers(3, 90))
@settings(max_examples=20, deadline=None)
def test_travel_taken_apart_comes_together_again(speed: float, turn_rate: float, frames: int) -> None:
    clip = clip_of(walk(frames, speed, turn_rate))
    split = split_travel(clip)
    again = joined_travel(split)
    np.testing.assert_allclose(forward_kinematics(again), forward_kinematics(clip), atol=1e-9)
    if frames > 40:
        assert np.abs(split.clip.translation[:, [0, 2]]).max() < 0.1  # only the sway is left
        assert np.abs(headings(split.clip)).max() < 0.2


def test_in_place_where_it_walks_does_not_matter() -> None:
    clip = clip_of(walk(80, 1.2, 0.5))
    moved = place_clip(clip, Placement(np.array([3.0, 0.0, -2.0]), 1.1))
    here, there = (forward_kinematics(split_travel(c).clip) for c in (clip, moved))
    np.testing.assert_allclose(here, there, atol=1e-6)


@pytest.mark.parametrize("joints", [walk(120, 1.3), walk(120, 1.0, 0.4), gestures(140, seed=4)[0]])
def test_a_loop_repeats_without_a_jump(joints: np.ndarray) -> None:
    clip = clip_of(joints)
    loop = looped(clip)
    positions = forward_kinematics(loop)
    step = loop.translation[-1] - loop.translation[0]
    np.testing.assert_allclose(step[1], 0.0, atol=1e-9)
    np.testing.assert_allclose(positions[-1], positions[0] + step, atol=1e-6)  # a pure shift from round to round
    rounds = np.concatenate([positions[:-1], positions[:-1] + step, positions + 2 * step])
    accelerations = np.linalg.norm(np.diff(rounds, n=2, axis=0), axis=-1).max(1) * 400
    source = np.linalg.norm(np.diff(forward_kinematics(clip), n=2, axis=0), axis=-1).max(1) * 400
    seam = len(loop.translation) - 1
    assert accelerations[seam - 3 : seam + 2].max() < 1.5 * np.percentile(source, 99) + 5.0
    same_sign = (loop.rotations[:-1] * loop.rotations[1:]).sum(-1)
    assert (same_sign > 0).all()


@pytest.mark.parametrize("joints", [walk(120, 1.3), walk(160, 0.9, 0.9), gestures(140, seed=4)[0], walk(44, 1.2)])
def test_a_loop_taken_apart_is_loops_again(joints: np.ndarray) -> None:
    loop = looped(clip_of(joints))
    split = split_travel(loop, loops=True)
    figure, way = split.clip, loop.translation[-1] - loop.translation[0]
    np.testing.assert_allclose(figure.translation[-1], figure.translation[0], atol=1e-12)
    np.testing.assert_allclose(np.abs(figure.rotations[-1]), np.abs(figure.rotations[0]), atol=1e-12)
    np.testing.assert_allclose(split.ground[-1] - split.ground[0], way, atol=1e-12)
    rounds = (split.heading[-1] - split.heading[0]) / (2.0 * np.pi)
    assert rounds == pytest.approx(round(rounds), abs=1e-9)
    np.testing.assert_allclose(forward_kinematics(joined_travel(split)), forward_kinematics(loop), atol=1e-9)
    # The way has no corner where it begins again.
    bends = np.linalg.norm(np.diff(np.concatenate([split.ground, split.ground[1:] + way]), n=2, axis=0), axis=-1)
    assert bends[loop.frames - 2] <= 1.01 * np.delete(bends, loop.frames - 2).max()


def whole_turn() -> Clip:
    """Two seconds on a circle: it ends as it began, but turned by once around."""
    clip = clip_of(walk(61, 1.0, 2.0 * np.pi / 2.0))
    return looped(clip, 0, 40)


@pytest.mark.parametrize("travels", [True, False])
@pytest.mark.parametrize("mode", ["QUATERNION", "XYZ"])
@pytest.mark.parametrize("which", range(3))
def test_fitted_keys_of_a_loop_meet_exactly(which: int, mode: str, travels: bool) -> None:
    loop = whole_turn() if which == 2 else looped(clip_of((walk(120, 1.3), gestures(140, seed=4)[0])[which]))
    clip = loop if travels else split_travel(loop, loops=True).clip
    keys = fit_keys(clip, 10.0, rotation_mode=mode, loops=True)
    assert keys.max_error_mm <= 10.0
    assert keys.count < 1.15 * fit_keys(clip, 10.0, rotation_mode=mode).count + 10
    place = keys.location.values
    np.testing.assert_allclose(place[-1] - place[0], clip.translation[-1] - clip.translation[0], atol=1e-12)
    np.testing.assert_allclose(*place[[0, -1], slice(1, 2) if travels else slice(None)], atol=1e-12)
    for track in (keys.location, *keys.rotations):
        first, last = track.values[[0, -1]]
        begins = 3.0 * (track.right[0, :, 1] - first) / (track.times[1] - track.times[0])
        ends = 3.0 * (last - track.left[-1, :, 1]) / (track.times[-1] - track.times[-2])
        way = np.ones(len(first))  # a quaternion may come as the other one, angles as the other triple
        if mode == "QUATERNION" and track is not keys.location:
            way = np.sign(first @ last) * way
            np.testing.assert_allclose(last, way * first, atol=1e-12)
        elif track is not keys.location:
            way[1] = np.sign(np.cos(first[1]) * np.cos(last[1]))
            assert abs(euler_quaternions(first) @ euler_quaternions(last)) == pytest.approx(1.0, abs=1e-12)
        np.testing.assert_allclose(ends, way * begins, atol=1e-9)


def test_a_walk_is_looped_over_whole_strides() -> None:
    joints = walk(120, 1.2)
    loop = looped(clip_of(joints))
    travelled = np.linalg.norm((loop.translation[-1] - loop.translation[0])[[0, 2]])
    assert travelled == pytest.approx(1.2 * (loop.frames - 1) / 20, rel=0.05)


def test_what_cannot_be_looped_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="too short to loop"):
        looped(clip_of(walk(15)))
    with pytest.raises(InvalidRequest, match="no stretch"):
        looped(clip_of(walk(60)), 50, 40)
    first, last = find_loop(clip_of(walk(60)))
    assert 0 <= first < last < 60


def positions_of(clip: Clip) -> np.ndarray:
    return forward_kinematics(clip)[:, :22]


def rounds_of(loop: Clip, count: int = 3) -> np.ndarray:
    """Joints of several rounds of a loop."""
    joints, step = positions_of(loop), loop.translation[-1] - loop.translation[0]
    return np.concatenate([joints[:-1] + k * step for k in range(count)])


def test_a_loop_is_not_taken_from_the_quiet_part() -> None:
    lively, _ = gestures(100, seed=4)
    still = np.repeat(lively[-1:], 80, axis=0)
    clip = clip_of(np.concatenate([still[:20], lively, still]))
    loop = looped(clip)
    assert body_speed(positions_of(loop)) > 0.8 * body_speed(positions_of(clip))


@given(st.floats(0.6, 1.6), st.floats(-0.6, 0.6), st.integers(90, 150))
@settings(max_examples=15, deadline=None)
def test_both_feet_take_as_many_steps(speed: float, turn_rate: float, frames: int) -> None:
    joints = rounds_of(looped(clip_of(walk(frames, speed, turn_rate))), 9)
    steps = touchdowns(stance_mask(joints, foot_contacts(joints)))
    once = len(joints) // 9
    for first in range(once, 5 * once, 7):
        left, right = steps[first + 3 * once] - steps[first]
        assert left == right > 0


def feet_down(left: str, right: str) -> np.ndarray:
    """(T, 4) from two rows of # (stands) and . (swings)."""
    rows = [np.array([letter == "#" for letter in row]) for row in (left, right)]
    return np.stack([rows[0], rows[0], rows[1], rows[1]], 1)


def test_flicker_is_no_step() -> None:
    steps = touchdowns(feet_down("####.....####..####......####", "....#....####....#......#####"))
    assert steps[-1].tolist() == [2, 2]
    assert touchdowns(feet_down("##..##..", "......#."), 60.0)[-1].tolist() == [0, 0]


def test_whole_strides_are_counted_over_the_seam() -> None:
    assert takes_whole_strides(feet_down("####......######", ".....#####......"))
    assert takes_whole_strides(feet_down(".....######.....", "#####......#####"))
    assert not takes_whole_strides(feet_down("####......######", "####....####...."))
    assert takes_whole_strides(feet_down("################", "####....####...."))  # one foot stays


@given(st.floats(0.0, 1.6), st.sampled_from([20.0, 24.0, 30.0, 60.0]), st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_standing_feet_of_a_loop_do_not_slide(speed: float, fps: float, seed: int) -> None:
    joints = walk(110, speed)
    joints[:, :, 0] += 0.04 * np.sin(np.arange(110) * 0.013 * (seed + 3))[:, None]  # no two strides are alike
    loop = looped(resample(clip_of(joints), fps))
    held = hold_loop_feet(loop)
    step = held.translation[-1] - held.translation[0]
    np.testing.assert_allclose(step, loop.translation[-1] - loop.translation[0], atol=1e-6)
    np.testing.assert_allclose(positions_of(held)[-1], positions_of(held)[0] + step, atol=1e-6)
    assert foot_skate(rounds_of(held), fps=fps) <= foot_skate(rounds_of(loop), fps=fps) + 1.0
    upper = [joint for joint in range(22) if joint not in (0, 1, 2, 4, 5, 7, 8, 10, 11)]
    before, after = (x[:, upper] - x[:, :1] for x in (positions_of(loop), positions_of(held)))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_a_foot_that_never_leaves_the_floor_is_where_it_was_after_a_round() -> None:
    joints = walk(120, 0.0)
    swing = 0.2 * np.sin(np.arange(120) * 0.3)[:, None].astype(np.float32)
    joints[:, 18:22, 2] += swing
    joints[..., 0] += np.linspace(0.0, 0.3, len(joints))[:, None].astype(np.float32)  # it drifts
    loop = looped(clip_of(joints))
    np.testing.assert_allclose((loop.translation[-1] - loop.translation[0])[[0, 2]], 0.0, atol=1e-6)
    assert foot_skate(rounds_of(hold_loop_feet(loop))) < 0.5 < foot_skate(joints)


def test_legs_turned_to_their_own_place_stay() -> None:
    clip = clip_of(walk(60, 1.2, 0.3))
    again = with_legs(clip, positions_of(clip))
    np.testing.assert_allclose(positions_of(again), positions_of(clip), atol=1e-9)
    np.testing.assert_allclose(np.abs((again.rotations * clip.rotations).sum(-1)), 1.0, atol=1e-9)
