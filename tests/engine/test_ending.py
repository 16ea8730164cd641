"""Motion that comes to a given last pose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk
from tiny_model import near_rest, write_tiny_model

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.generation.inbetweening import bend_path_to_end, place_end_pose, slowed_to_end
from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import Hints
from motionlcm_blender.generation.variations import mirrored_joints
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.skeleton import HUMANML
from motionlcm_blender.networks.model_folder import write_model_folder
from motionlcm_blender.postprocess.floor_clearance import raise_feet_to_floor
from motionlcm_blender.postprocess.headings import facing_angles
from motionlcm_blender.postprocess.leg_ik import place_feet
from motionlcm_blender.postprocess.transitions import at_origin, match_end, match_start

from .test_continuation import motion, turned


def model(tmp_path: Path) -> MotionLCM:
    folder = write_tiny_model(tmp_path / "tiny")
    config = {**folder.config, "control": {"coordinates": "xz", "start": True, "joints": [0, 10, 11, 15, 20, 21]}}
    return MotionLCM.from_folder(
        write_model_folder(tmp_path / "able", config, folder.weights(), near_rest(), "# Tiny\n").path, "numpy"
    )


def test_the_given_frames_come_back_and_the_motion_comes_into_them_smoothly() -> None:
    made = at_origin(walk(60, speed=1.0))
    end = made[-5:] + [0.06, 0.0, -0.04]
    result = match_end(made, end)
    np.testing.assert_allclose(result[-5:], end, atol=1e-9)
    np.testing.assert_allclose(result[:30], made[:30], atol=2e-3)
    jumps = np.linalg.norm(np.diff(result, n=2, axis=0), axis=-1).max(1)
    cut = np.linalg.norm(np.diff(np.concatenate([made[:-5], end]), n=2, axis=0), axis=-1).max(1)
    assert jumps[53:55].max() < 0.5 * cut[53:55].max()
    lengths = np.linalg.norm(result[:, 1:] - result[:, np.array(HUMANML.parents[1:22])], axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm(HUMANML.offsets[1:22], axis=-1)[None].repeat(60, 0), atol=1e-4)


def test_begin_and_end_are_each_other_seen_backwards() -> None:
    made, end = at_origin(walk(50)), at_origin(walk(60, turn_rate=0.3))[:6]
    np.testing.assert_allclose(match_start(made, end, 12), match_end(made[::-1], end[::-1], 12)[::-1], atol=1e-9)


@given(x=st.floats(-2, 2), z=st.floats(-2, 2), angle=st.floats(-3, 3), frames=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_the_bent_way_begins_as_it_did_and_ends_at_the_end(x: float, z: float, angle: float, frames: int) -> None:
    joints = at_origin(walk(80))
    end = motion(turned(joints[-frames:] - joints[-1, 0] * (1.0, 0.0, 1.0), angle, (x, z)))
    led = bend_path_to_end(Request("a person walks", 80, end=end), joints)
    if led is None:
        return
    path, facing = led
    np.testing.assert_allclose(path[0], joints[0, 0, [0, 2]], atol=1e-9)
    np.testing.assert_allclose(path[-frames:], end.joints[:, 0][:, [0, 2]], atol=1e-5)
    assert abs(facing[0] - facing_angles(joints)[0]) < 1e-6
    away = facing[-frames:] - facing_angles(end.joints)
    np.testing.assert_allclose(np.cos(away), 1.0, atol=1e-6)
    # Nowhere faster than twice the gap spread over the way, beside its own speed.
    own = np.linalg.norm(np.diff(joints[:, 0][:, [0, 2]], axis=0), axis=-1)
    gap = np.linalg.norm(end.joints[0, 0, [0, 2]] - joints[-frames, 0, [0, 2]])
    assert np.linalg.norm(np.diff(path[: 80 - frames + 1], axis=0), axis=-1).max() < own.max() + 4.0 * gap / 79 + 1e-6


def test_an_end_that_may_be_anywhere_lies_where_the_motion_gets() -> None:
    joints = at_origin(walk(60))
    far = motion(turned(joints[-4:], 1.0, (30.0, -9.0)))
    laid = place_end_pose(far, joints, None)
    np.testing.assert_allclose(laid.joints[0, 0, [0, 2]], joints[56, 0, [0, 2]], atol=1e-4)
    np.testing.assert_allclose(laid.joints[..., 1], far.joints[..., 1], atol=1e-5)
    path = np.linspace([0, 0], [1, 5], 60)
    np.testing.assert_allclose(place_end_pose(far, joints, path).joints[0, 0, [0, 2]], path[56], atol=1e-4)


def test_generating_towards_an_end(tmp_path: Path) -> None:
    tiny = model(tmp_path)
    end = motion(turned(at_origin(walk(60))[20:23], 0.8, (0.5, 1.0)))
    request = Request("a person walks", 60, seed=2, end=end)
    for varied in (
        request,
        replace(request, hints=Hints.ground_path(np.linspace([0, 0], [0.2, 1.2], 60))),
        replace(request, start=motion(walk(60)[20:30])),
        replace(request, takes=2, mirror=True),
        replace(request, frames=260),
    ):
        made = tiny.generate(varied)
        assert len(made) == varied.takes
        for take in made:
            np.testing.assert_allclose(take.joints[-3:], end.joints, atol=1e-4)
    # Mirrored, it is the mirror image of the motion towards the mirrored pose.
    other = tiny.generate(replace(request, end=motion(mirrored_joints(end.joints))))[0]
    again = tiny.generate(replace(request, mirror=True))[0]
    np.testing.assert_allclose(again.joints, mirrored_joints(other.joints), atol=1e-4)


def test_generating_towards_a_pose_anywhere(tmp_path: Path) -> None:
    tiny = model(tmp_path)
    end = motion(turned(at_origin(walk(60))[20:21], 0.8, (50.0, 10.0)))
    for frames in (60, 260):
        request = Request("a person walks", frames, seed=2, end=end, end_anywhere=True, takes=2)
        for number, take in enumerate(tiny.generate(request)):
            last = take.joints[-1] - take.joints[-1, 0] * (1.0, 0.0, 1.0)
            np.testing.assert_allclose(last[:, 1], end.joints[-1][:, 1], atol=1e-4)
            assert np.linalg.norm(take.joints[-1, 0] - end.joints[-1, 0]) > 20.0
            assert take.request is not None and take.request.seed == 2 + number and take.request.end_anywhere


def test_an_end_of_no_use_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="to end in"):
        Request("a person walks", 50, end=motion(walk(60)[:50]))
    with pytest.raises(InvalidRequest, match="to end in"):
        Request("a person walks", 50, start=motion(walk(60)[:20]), end=motion(walk(60)[:30]))
    broken = walk(3)
    broken[0, 0, 0] = np.nan
    with pytest.raises(InvalidRequest, match="not finite"):
        Request("a person walks", 50, end=motion(broken))
    with pytest.raises(InvalidRequest, match="faster or slower"):
        Request("a person walks", 50, end=motion(walk(3)), speed=2.0)
    with pytest.raises(ValueError, match="at least one frame"):
        match_end(walk(10), walk(10))


@given(
    x=st.floats(-1.0, 1.0), z=st.floats(0.0, 3.0), angle=st.floats(-1.5, 1.5), frame=st.integers(0, 60),
    crouch=st.floats(0.0, 0.3), speed=st.floats(0.0, 1.6),
)  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_a_motion_comes_to_rest_in_a_pose_and_stays_above_the_floor(
    x: float, z: float, angle: float, frame: int, crouch: float, speed: float
) -> None:
    joints = at_origin(walk(90, speed))
    pose = turned(joints[frame : frame + 1] - joints[frame, 0] * (1.0, 0.0, 1.0), angle, (x, z))
    feet = pose[:, [7, 8, 10, 11]].copy()
    pose[..., 1] -= crouch
    pose = place_feet(pose, feet[:, :2], feet[:, 2:])
    request = Request("a person walks", 90, end=motion(pose))
    made = postprocess_motion(request, joints, foot_contacts(joints).astype(np.float32), {}, 0.0).joints
    np.testing.assert_allclose(made[-1], pose[0], atol=1e-4)
    assert made[:-1, [7, 8, 10, 11], 1].min() > min(-0.01, float(pose[..., 1].min()) - 0.01)
    pace = np.linalg.norm(np.diff(made[:, 0][:, [0, 2]], axis=0), axis=-1) * 20.0
    assert pace[-1] < max(0.35, 0.5 * pace.max())


def test_times_of_a_motion_that_slows_down() -> None:
    end = motion(walk(2)[:1])
    times = slowed_to_end(Request("a person walks", 90, end=end), 90)
    assert times is not None
    assert times[0] == 0.0 and times[-1] == pytest.approx(89.0)
    steps = np.diff(times)
    assert (steps > 0.0).all() and steps[-1] < 0.15 and steps[:60].max() < 1.25
    # After a start it begins with its own speed; what moves at the end, or has a path, keeps its time.
    late = slowed_to_end(Request("a person walks", 90, start=motion(walk(20)), end=end), 90)
    assert late is not None
    np.testing.assert_allclose(late[:20], np.arange(20))
    assert slowed_to_end(Request("a person walks", 90, end=motion(walk(4, 1.2))), 90) is None
    path = Hints.ground_path(np.linspace([0, 0], [0, 4], 90))
    assert slowed_to_end(Request("a person walks", 90, end=end, hints=path), 90) is None


def test_feet_below_the_floor_are_raised_and_nothing_else_moves() -> None:
    joints = walk(80, 1.0).astype(np.float64)
    assert raise_feet_to_floor(joints, np.ones((80, 2), bool)) is not None
    sunk = joints.copy()
    sunk[30:40, [7, 10], 1] -= 0.06
    made = raise_feet_to_floor(sunk, np.ones((80, 2), bool))
    assert made[:, [7, 8, 10, 11], 1].min() > -0.02
    np.testing.assert_allclose(made[:20], sunk[:20], atol=1e-9)
    others = [joint for joint in range(22) if joint not in (4, 5, 7, 8, 10, 11)]
    np.testing.assert_allclose(made[:, others], sunk[:, others], atol=1e-12)
    kept = raise_feet_to_floor(sunk, np.zeros((80, 2), bool))
    np.testing.assert_array_equal(kept, sunk)
