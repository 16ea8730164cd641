"""Takes out of takes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_motion import walk
from tiny_model import write_tiny_model

from motionlcm_blender import MotionLCM, Request
from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.generation.request import Blend, Hints
from motionlcm_blender.generation.variations import (
    blended,
    mirrored_joints,
    mirrored_motion,
    mirrored_request,
    retimed_request,
)
from motionlcm_blender.motion.metrics import path_error
from motionlcm_blender.motion.motion import Motion
from tests.repeated import JOINTS_M


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> MotionLCM:
    return MotionLCM.from_folder(write_tiny_model(tmp_path_factory.mktemp("tiny")).path, "numpy")


def distance(a: Motion, b: Motion) -> float:
    return float(np.linalg.norm(a.joints - b.joints, axis=-1).mean())


@given(share=st.floats(0.0, 1.0), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_blended_noise_is_noise(share: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    own, other = generator.standard_normal((2, 40, 64))
    mixed = blended(own, other, share)
    assert abs(mixed.std() - 1.0) < 0.1
    np.testing.assert_allclose(blended(own, other, 0.0), own)
    np.testing.assert_allclose(blended(own, other, 1.0), other, atol=1e-12)


def test_a_take_is_varied_by_little_and_by_much_and_ends_as_the_other(model: MotionLCM) -> None:
    request = Request("a person walks", 40, seed=5)
    own, other = (model.generate(replace(request, seed=s))[0] for s in (5, 9))
    away = [
        distance(own, model.generate(replace(request, blends=(Blend(9, share),)))[0]) for share in (0.0, 0.1, 0.5, 1.0)
    ]
    assert away[0] < JOINTS_M and away[0] < away[1] < away[2]
    last = model.generate(replace(request, blends=(Blend(9, 1.0),)))[0]
    assert distance(last, other) < JOINTS_M
    several = model.generate(replace(request, takes=2, blends=(Blend(8, 0.3),)))
    single = model.generate(replace(request, blends=(Blend(9, 0.3),)))[0]
    assert distance(several[1], single) < JOINTS_M
    twice = model.generate(replace(request, blends=(Blend(9, 0.3), Blend(5, 0.0))))[0]
    np.testing.assert_allclose(twice.joints, single.joints, atol=JOINTS_M)
    assert single.request == replace(request, blends=(Blend(9, 0.3),)) and single.seed == 5
    with pytest.raises(InvalidRequest, match="weight from 0 to 1"):
        Blend(1, 1.5)


@given(seed=st.integers(0, 50))
@settings(max_examples=10, deadline=None)
def test_mirrored_twice_is_the_same(seed: int) -> None:
    joints = walk(20, turn_rate=0.3).astype(np.float32)
    np.testing.assert_array_equal(mirrored_joints(mirrored_joints(joints)), joints)
    contacts = np.random.default_rng(seed).random((20, 4)).astype(np.float32)
    motion = Motion(joints, contacts)
    again = mirrored_motion(mirrored_motion(motion))
    np.testing.assert_array_equal(again.contacts, contacts)


def test_a_mirrored_take_keeps_to_the_requested_path(model: MotionLCM) -> None:
    angle = np.linspace(0.0, 1.5, 60)
    path = 2.0 * np.stack([1.0 - np.cos(angle), np.sin(angle)], -1)
    request = Request("a person walks", 60, seed=2, hints=Hints.ground_path(path), facing=angle)
    made = model.generate(replace(request, mirror=True))[0]
    assert path_error(made.joints, path).mean < 0.02
    plain = model.generate(replace(mirrored_request(request), mirror=False))[0]
    np.testing.assert_allclose(mirrored_joints(plain.joints), made.joints, atol=1e-6)
    assert made.request is not None and made.request.mirror


@pytest.mark.parametrize("speed", [0.5, 1.5, 2.0])
def test_faster_and_slower_keep_length_path_and_pins(model: MotionLCM, speed: float) -> None:
    path = np.stack([np.zeros(60), np.linspace(0.0, 2.0, 60)], -1)
    hints = Hints.ground_path(path)
    positions, mask = hints.positions.copy(), hints.mask.copy()
    positions[41, 21], mask[41, 21] = [-0.3, 1.1, path[41, 1] + 0.2], True
    request = Request("a person walks", 60, seed=2, hints=Hints(positions, mask), speed=speed)
    inner = retimed_request(request)
    assert inner.frames == round(59 * speed) + 1 and inner.speed == 1.0
    assert inner.hints is not None and inner.hints.mask[:, 21].any()
    made = model.generate(request)[0]
    assert made.joints.shape == (60, 22, 3) and made.report["pin_max_cm"] < 2.0
    assert path_error(made.joints, path).mean < 0.02
    with pytest.raises(InvalidRequest, match="speed of a motion"):
        Request("a person walks", 60, speed=9.0)
    with pytest.raises(InvalidRequest, match="goes on"):
        Request("a person walks", 60, speed=2.0, start=Motion(walk(10), np.zeros((10, 4), np.float32)))
