"""Walks on paths take the steps that people take at the path's speed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motionlcm_blender.generation.long_motion import fitted_to_path, lengthened
from motionlcm_blender.generation.path_gait import cadence_of, without_path
from motionlcm_blender.generation.pieces import Piece
from motionlcm_blender.generation.postprocessing import postprocess_motion
from motionlcm_blender.generation.request import Hints, Request
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.step_measures import captured_steps_per_minute, step_frames, steps_per_minute
from motionlcm_blender.postprocess.gait_fitting import frames_to_play, gait_times, is_steady, path_speed
from motionlcm_blender.postprocess.path_following import resampled_joints
from tests.synthetic_motion import walk

FRAMES = 120


def line(speed: float, frames: int = FRAMES) -> np.ndarray:
    return np.stack([np.zeros(frames), np.arange(frames) * speed / 20.0], -1)


def hesitating(frames: int) -> np.ndarray:
    """A walk that is played slower and faster by turns."""
    at = np.cumsum(1.0 + 0.45 * np.sin(np.arange(frames) / 9.0))
    return resampled_joints(walk(int(at[-1]) + 3, 1.1).astype(np.float64), at)


def request_for(prompt: str = "a person walks forward", speed: float = 1.1) -> Request:
    return Request(prompt, FRAMES, hints=Hints.ground_path(line(speed)))


@given(speed=st.floats(0.7, 1.6), own=st.floats(0.8, 1.4))
@settings(max_examples=15, deadline=None)
def test_the_cadence_is_that_of_people(speed: float, own: float) -> None:
    joints, path = walk(2 * FRAMES, own).astype(np.float64), line(speed)
    times = gait_times(joints, path, captured_steps_per_minute)
    assert times is not None and (np.diff(times) > 0.0).all() and times[-1] <= len(joints) - 1
    steps = step_frames(joints)
    played = np.interp(steps[steps < times[-1]], times, np.arange(FRAMES))
    wanted = captured_steps_per_minute(speed)
    rate = wanted / steps_per_minute(joints)
    if 0.65 < rate < 1.7:  # within the limits of the playback speed
        assert 1200.0 / np.diff(played).mean() == pytest.approx(wanted, rel=0.1)


def test_steps_become_even() -> None:
    joints = hesitating(220)
    times = gait_times(joints, line(1.1), captured_steps_per_minute)
    assert times is not None
    steps = step_frames(joints)
    before, after = np.diff(steps), np.diff(np.interp(steps[steps < times[-1]], times, np.arange(FRAMES)))
    assert after.std() / after.mean() < 0.5 * before.std() / before.mean()


def test_first_frames_stay_as_they_are() -> None:
    joints = walk(200, 1.0).astype(np.float64)
    times = gait_times(joints, line(1.4), captured_steps_per_minute, begin=19)
    assert times is not None and len(times) == FRAMES
    np.testing.assert_allclose(times[:20], np.arange(20))


def test_what_is_more_than_a_walk_is_left_alone() -> None:
    joints = walk(200, 1.0).astype(np.float64)
    standing = np.repeat(joints[:1], 200, axis=0)
    assert gait_times(standing, line(1.1), captured_steps_per_minute) is None
    stops = np.concatenate([joints[:80], np.repeat(joints[80:81], 120, axis=0)])
    assert gait_times(stops, line(1.1), captured_steps_per_minute) is None
    path = line(1.1)
    path[50:80] = path[50]
    assert not is_steady(path_speed(path)) and gait_times(joints, path, captured_steps_per_minute) is None


def test_only_walks_and_runs_ahead_on_steady_paths_have_a_cadence() -> None:
    request = request_for()
    cadence = cadence_of(request)
    assert cadence is not None and cadence(1.1) == captured_steps_per_minute(1.1)
    run = cadence_of(request_for("a person runs forward", 2.8))
    assert run is not None and run(2.8) == captured_steps_per_minute(2.8, runs=True)
    assert (
        cadence_of(request_for("a person dances")) is None
        and cadence_of(request_for("a person walks backward")) is None
    )
    assert cadence_of(replace(request, hints=None)) is None and cadence_of(replace(request, speed=2.0)) is None
    assert request.hints is not None
    mask, positions = request.hints.mask.copy(), request.hints.positions.copy()
    mask[60, 21], positions[60, 21] = True, (0.2, 1.2, 3.0)
    assert cadence_of(replace(request, hints=Hints(positions, mask))) is None
    shown = without_path(request, 196)
    assert shown.hints is None and shown.frames > FRAMES and without_path(request, 60).frames == FRAMES


def test_a_walk_is_lengthened_by_itself() -> None:
    joints = walk(100, 1.0).astype(np.float64)
    piece = Piece(joints, foot_contacts(joints).astype(np.float64), None)
    longer = lengthened(piece, 230)
    assert longer.frames >= 230 and len(longer.contacts) == longer.frames
    np.testing.assert_allclose(longer.joints[:50], joints[:50], atol=1e-9)
    own = np.linalg.norm(np.diff(joints, axis=0), axis=-1).max()
    assert np.linalg.norm(np.diff(longer.joints, axis=0), axis=-1).max() < 1.5 * own
    short = Piece(joints[:40], piece.contacts[:40], None)
    assert lengthened(short, 80) is short


def test_a_fitted_walk_is_on_its_path_and_as_long() -> None:
    request = request_for(speed=1.3)
    joints = hesitating(160)
    piece = fitted_to_path(request, Piece(joints, foot_contacts(joints).astype(np.float64), None))
    assert piece is not None and piece.frames > FRAMES
    assert frames_to_play(joints, line(1.3), captured_steps_per_minute) > FRAMES
    motion = postprocess_motion(request, piece.joints, piece.contacts, {}, 0.0)
    assert motion.frames == FRAMES and len(motion.contacts) == FRAMES
    assert motion.report["path_mean_cm"] < 2.0
