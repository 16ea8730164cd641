"""Motion longer than the model makes at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk
from tiny_model import TINY, write_tiny_model

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import Cancelled, InvalidRequest
from motionlcm_blender.generation.request import Hints
from motionlcm_blender.motion.metrics import path_error
from motionlcm_blender.motion.motion import Motion
from motionlcm_blender.motion.skeleton import HUMANML
from motionlcm_blender.motion.world_transform import place_joints
from motionlcm_blender.postprocess.transitions import aligned, at_origin, crossfaded, placement_of
from tests.repeated import assert_same_motion


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MotionLCM:
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder, replace(TINY))
    file = folder / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["frames"]["max"] = 60
    file.write_text(json.dumps(config), "utf-8")
    return MotionLCM.from_folder(folder, "numpy")


@given(angle=st.floats(-3.0, 3.0), x=st.floats(-9.0, 9.0), z=st.floats(-9.0, 9.0))
@settings(max_examples=20, deadline=None)
def test_a_motion_moved_about_is_laid_back_onto_itself(angle: float, x: float, z: float) -> None:
    joints = walk(60, turn_rate=0.5).astype(np.float64)
    cos, sin = np.cos(angle), np.sin(angle)
    moved = joints.copy()
    moved[..., 0] = cos * joints[..., 0] + sin * joints[..., 2] + x
    moved[..., 2] = cos * joints[..., 2] - sin * joints[..., 0] + z
    np.testing.assert_allclose(aligned(moved, joints[:20]), joints, atol=1e-6)
    where = placement_of(moved)
    np.testing.assert_allclose(place_joints(at_origin(moved), where), moved, atol=1e-6)


def test_a_crossfade_begins_as_the_one_and_ends_as_the_other() -> None:
    first, second = walk(20).astype(np.float64), walk(20, speed=0.8).astype(np.float64)
    mixed = crossfaded(first, second)
    lengths = np.linalg.norm(mixed[:, 1:] - mixed[:, np.array(HUMANML.parents[1:22])], axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(lengths[:1], lengths.shape), atol=1e-6)
    assert np.abs(mixed[0] - first[0]).max() < 0.02 and np.abs(mixed[-1] - second[-1]).max() < 0.02


def test_a_long_motion_is_one_motion(model: MotionLCM) -> None:
    request = Request("a person walks", 150, seed=3, takes=2)
    shares: list[float] = []
    made = model.generate(request, lambda share, what: shares.append(share))
    assert [m.seed for m in made] == [3, 4] and made[0].report["pieces"] >= 4
    assert shares == sorted(shares)
    for motion in made:
        assert motion.joints.shape == (150, 22, 3) and motion.contacts.shape == (150, 4)
        speed = np.linalg.norm(np.diff(motion.joints, axis=0), axis=-1).max()
        assert np.isfinite(motion.joints).all() and speed < 0.6
    again = model.generate(replace(request, seed=4, takes=1))[0]
    assert_same_motion(again.joints, made[1].joints, 1e-3)
    assert np.abs(again.joints - made[0].joints).max() > 1e-2


def test_a_long_motion_keeps_to_its_path_and_its_start(model: MotionLCM) -> None:
    angle = np.linspace(0.0, 3.0, 130)
    path = 2.5 * np.stack([1.0 - np.cos(angle), np.sin(angle)], -1)
    made = model.generate(Request("a person walks", 130, hints=Hints.ground_path(path)))[0]
    error = path_error(made.joints, path)
    assert error.mean < 0.02 and error.max < 0.05
    assert {"path_mean_cm", "network_path_mean_cm", "foot_skate_cm_s", "seconds"} <= set(made.report)
    given_frames = walk(12)
    start = Motion(given_frames, np.zeros((12, 4), np.float32))
    on = model.generate(Request("a person walks", 130, start=start))[0]
    np.testing.assert_allclose(on.joints[:12], at_origin(given_frames), atol=1e-4)


def test_pins_of_any_piece_are_met(model: MotionLCM) -> None:
    positions, mask = np.zeros((130, 22, 3), np.float32), np.zeros((130, 22, 3), bool)
    free = model.generate(Request("a person walks", 130))[0]
    positions[110, 21] = free.joints[110, 21] + [0.05, 0.05, 0.0]
    mask[110, 21] = True
    made = model.generate(Request("a person walks", 130, hints=Hints(positions, mask)))[0]
    assert made.report["pin_max_cm"] < 2.0


def test_a_long_motion_can_be_cancelled_and_needs_no_control_of_first_frames(model: MotionLCM, tmp_path: Path) -> None:
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        model.generate(Request("a person walks", 150), cancel=lambda: next(calls) > 1)
    config = write_tiny_model(tmp_path).config
    del config["control"]["start"]
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    simple = MotionLCM.from_folder(tmp_path, "numpy")
    assert simple.generate(Request("a person walks", 300))[0].frames == 300
    start = Motion(walk(12), np.zeros((12, 4), np.float32))
    with pytest.raises(InvalidRequest, match="go on from an earlier motion"):
        simple.generate(Request("a person walks", 300, start=start))
