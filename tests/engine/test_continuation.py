"""Motion that goes on from given frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk
from tiny_model import TINY, near_rest, write_tiny_model

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.generation.request import Hints
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.skeleton import HUMANML
from motionlcm_blender.networks.model_folder import write_model_folder
from motionlcm_blender.postprocess.transitions import at_origin, match_start


def turned(joints: np.ndarray, angle: float, away: tuple[float, float]) -> np.ndarray:
    """Somewhere else in the world."""
    cos, sin = np.cos(angle), np.sin(angle)
    moved = joints.copy()
    moved[..., 0] = cos * joints[..., 0] + sin * joints[..., 2] + away[0]
    moved[..., 2] = cos * joints[..., 2] - sin * joints[..., 0] + away[1]
    return moved


def motion(joints: np.ndarray) -> Motion:
    return Motion(joints.astype(np.float32), np.zeros((len(joints), 4), np.float32))


@given(angle=st.floats(-3.0, 3.0), x=st.floats(-20, 20), z=st.floats(-20, 20), height=st.floats(-1, 2))
@settings(max_examples=25, deadline=None)
def test_where_a_motion_was_in_the_world_does_not_matter_but_its_height_does(
    angle: float, x: float, z: float, height: float
) -> None:
    joints = walk(20).astype(np.float64) + [0.0, height, 0.0]
    first = at_origin(joints)
    np.testing.assert_allclose(at_origin(turned(joints, angle, (x, z))), first, atol=1e-6)
    np.testing.assert_allclose(first[..., 1], joints[..., 1], atol=1e-9)
    np.testing.assert_allclose(first[0, 0, [0, 2]], 0.0, atol=1e-9)


def test_the_given_frames_come_back_and_the_seam_is_smooth() -> None:
    given_frames = at_origin(walk(40, speed=1.2))[:12]
    made = walk(60, speed=1.0, turn_rate=0.4).astype(np.float64) + [0.03, 0.0, 0.02]
    result = match_start(made, turned(given_frames, 1.0, (3.0, -2.0)))
    np.testing.assert_allclose(result[:12], given_frames, atol=1e-6)
    np.testing.assert_allclose(result[30:], made[30:], atol=2e-3)
    speeds = np.linalg.norm(np.diff(result, axis=0), axis=-1)
    steps = np.abs(np.diff(speeds, axis=0)).max(-1)
    cut = np.concatenate([given_frames, made[12:]])
    cut_steps = np.abs(np.diff(np.linalg.norm(np.diff(cut, axis=0), axis=-1), axis=0)).max(-1)
    assert steps[9:14].max() < 0.5 * cut_steps[9:14].max()
    lengths = np.linalg.norm(result[:, 1:] - result[:, np.array(HUMANML.parents[1:22])], axis=-1)
    np.testing.assert_allclose(lengths, np.linalg.norm(HUMANML.offsets[1:22], axis=-1)[None].repeat(60, 0), atol=1e-4)


def test_a_motion_already_begun_like_that_is_left_alone() -> None:
    made = at_origin(walk(50))
    np.testing.assert_allclose(match_start(made, made[:15]), made, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 50, 60])
def test_a_start_of_no_use_is_refused(frames: int) -> None:
    with pytest.raises(ValueError, match="at least two frames"):
        match_start(walk(50), walk(60)[:frames])
    with pytest.raises(InvalidRequest, match="go on from"):
        Request("a person walks", 50, start=motion(walk(60)[:frames]))


def test_hints_and_start_are_joined() -> None:
    path = Hints.ground_path(np.linspace([0, 0], [0, 3], 40))
    start = walk(8)
    hints = Request("a person walks", 40, hints=path, start=motion(turned(start, 0.5, (1, 1)))).all_hints
    assert hints is not None
    assert hints.mask[:8].all() and not hints.mask[8:, 1:].any() and hints.mask[8:, 0, [0, 2]].all()
    np.testing.assert_allclose(hints.positions[:8], at_origin(start), atol=1e-5)
    assert Request("a person walks", 40).all_hints is None


def test_generating_from_a_start(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "tiny")
    unable = {**folder.config, "control": {"coordinates": "xz", "joints": [0, 15]}}
    write_model_folder(tmp_path / "unable", unable, folder.weights(), near_rest(), "# Tiny\n")
    plain = MotionLCM.from_folder(tmp_path / "unable", "numpy")
    request = Request("a person walks", 40, seed=2, start=motion(walk(60)[20:30]))
    with pytest.raises(InvalidRequest, match="not trained to go on"):
        plain.generate(request)
    config = {**folder.config, "control": {"coordinates": "xz", "start": True, "joints": [0, 15]}}
    able = write_model_folder(tmp_path / "able", config, folder.weights(), near_rest(), "# Tiny\n")
    model = MotionLCM.from_folder(able.path, "numpy")
    made = model.generate(request)[0]
    np.testing.assert_allclose(made.joints[:10], at_origin(walk(60)[20:30]), atol=1e-5)
    free = model.generate(replace(request, start=None))[0]
    assert np.abs(made.joints[25:] - free.joints[25:]).max() > 1e-3
    wrist = np.zeros((40, 22, 3), bool)
    wrist[3, 20] = True
    with pytest.raises(InvalidRequest, match="left wrist"):
        model.generate(replace(request, start=None, hints=Hints(np.ones((40, 22, 3)), wrist)))
    assert model.architecture == TINY
