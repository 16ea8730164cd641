"""Characters walk to far pins: the path begins where they stand, and is never faster than a walk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from synthetic_motion import walk

from motionlcm_blender import Request
from motionlcm_blender.generation.pin_approach import FAR, approached
from motionlcm_blender.generation.request import Hints
from motionlcm_blender.motion.metrics import pin_errors
from motionlcm_blender.motion.skeleton import FPS, JOINTS
from motionlcm_blender.postprocess.pin_ik import hold_pins, missed_pins
from motionlcm_blender.postprocess.pin_moves import FASTEST_WALK, moves_in_time
from motionlcm_blender.postprocess.transitions import at_origin

from .test_ending import model

WRIST = JOINTS.index("r_wrist")


def pinned(frames: int, x: float, z: float, first: int, joint: int = WRIST, height: float = 1.1) -> Hints:
    positions, mask = np.zeros((frames, 22, 3), np.float32), np.zeros((frames, 22, 3), bool)
    positions[first : first + 4, joint] = (x, height, z)
    mask[first : first + 4, joint] = True
    if joint == 0:
        mask[:, 0, 1] = False
    return Hints(positions, mask)


@given(
    angle=st.floats(-3.1, 3.1),
    distance=st.floats(1.2, 3.0),
    first=st.integers(70, 110),
    joint=st.sampled_from([0, WRIST, 15]),
    speed=st.sampled_from([0.0, 0.3, 0.7, 1.3]),
)
@settings(max_examples=40, deadline=None)
def test_the_path_to_a_pin_is_a_walk(angle: float, distance: float, first: int, joint: int, speed: float) -> None:
    joints = at_origin(walk(130, speed))
    x, z = distance * np.sin(angle), distance * np.cos(angle)
    led = approached(Request("a person walks", 130, hints=pinned(130, x, z, first, joint)), joints)
    assume(led is not None)
    assert led is not None and led.hints is not None
    way = led.hints.root_xz
    assert way is not None
    np.testing.assert_allclose(way[0], joints[0, 0, [0, 2]], atol=1e-6)
    pace = np.linalg.norm(np.diff(way, axis=0), axis=-1) * FPS
    assert pace.max() < FASTEST_WALK + 0.8
    assert np.linalg.norm(way[first] - (x, z)) < (0.05 if joint == 0 else 0.6)
    # It turns in an arc: no corner, and the figure sets off as it faces.
    moving = pace[:first] > 0.02
    if moving.sum() > 1 and speed == 0.0:
        heading = np.unwrap(np.arctan2(*np.diff(way[: first + 1], axis=0)[moving].T))
        assert abs(heading[0]) < 0.6 and np.abs(np.diff(heading)).max() < 0.8


def test_what_was_pinned_stays_pinned_beside_the_path() -> None:
    joints, hints = at_origin(walk(120, 0.0)), pinned(120, 1.5, 1.5, 80)
    led = approached(Request("a person waves", 120, hints=hints), joints)
    assert led is not None and led.hints is not None and led.hints.pins is not None and hints.pins is not None
    for mine, theirs in zip(led.hints.pins, hints.pins, strict=True):
        np.testing.assert_allclose(mine[hints.mask], theirs[hints.mask])
    assert led.hints.pins[1].sum() == hints.mask.sum()


def test_near_pins_and_given_paths_need_no_way() -> None:
    joints = at_origin(walk(100, 1.0))
    near = joints[50, WRIST] + [0.1, 0.1, 0.1]
    request = Request("a person walks", 100, hints=pinned(100, near[0], near[2], 50, height=near[1]))
    assert approached(request, joints) is None
    assert approached(replace(request, hints=None), joints) is None
    line = Hints.ground_path(np.linspace([0, 0], [0, 4], 100))
    far = pinned(100, 3.0, 0.0, 80)
    both = Hints(line.positions + far.positions, line.mask | far.mask)
    assert approached(replace(request, hints=both), joints) is None


@pytest.mark.parametrize("joint", [0, WRIST])
def test_a_pin_that_nobody_walks_to_in_time_is_named_and_moves_nothing(joint: int) -> None:
    joints = at_origin(walk(100, 0.0))
    hints = pinned(100, 4.0, 1.0, 20, joint)
    assert hints.pins is not None
    assert not moves_in_time(joints, *hints.pins)[20:24].any()
    assert approached(Request("a person stands", 100, hints=hints), joints) is None
    made = hold_pins(joints, None, *hints.pins)
    assert np.abs(made[:, 0] - joints[:, 0]).max() < FAR
    (sentence,) = missed_pins(made, *hints.pins)
    assert "walking there takes about 3.4 s" in sentence and "1.0 s" in sentence


@given(x=st.floats(-1.0, 1.0), first=st.integers(20, 90))
@settings(max_examples=20, deadline=None)
def test_a_take_begins_where_it_is_meant_to(x: float, first: int) -> None:
    joints = at_origin(walk(100, 1.0))
    place = joints[first, WRIST] + [x, 0.0, 0.0]
    positions, mask = np.zeros_like(joints), np.zeros(joints.shape, bool)
    positions[first, WRIST], mask[first, WRIST] = place, True
    made = hold_pins(joints, None, positions, mask)
    np.testing.assert_allclose(made[0, 0], joints[0, 0], atol=0.06)
    assert np.nanmax(pin_errors(made, positions, mask)) < 0.02


def test_generating_to_far_pins(tmp_path: Path) -> None:
    tiny = model(tmp_path)
    hints = pinned(120, 2.0, 1.5, 90)
    request = Request("a person walks", 120, seed=3, takes=2, hints=hints)
    for number, take in enumerate(tiny.generate(request)):
        assert np.linalg.norm(take.joints[0, 0, [0, 2]]) < 0.1
        assert (take.request.seed == 3) == (number == 0) and take.request.hints is hints
        assert take.report["pin_max_cm"] < 2.0 and "path_mean_cm" not in take.report and not take.warnings
    # Longer than the model's limit, and with pinned hips, which are met exactly.
    longer = pinned(260, 2.0, 1.5, 200, joint=0)
    (take,) = tiny.generate(Request("a person walks", 260, seed=3, hints=longer))
    np.testing.assert_allclose(take.joints[200:204, 0][:, [0, 2]], [[2.0, 1.5]] * 4, atol=1e-4)
    assert np.linalg.norm(take.joints[0, 0, [0, 2]]) < 0.1
