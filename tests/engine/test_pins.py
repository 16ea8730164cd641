"""Pinned joints are met, bones keep their lengths, and other joints stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion.metrics import foot_skate, pin_errors
from motionlcm_blender.motion.skeleton import FPS, HUMANML, JOINTS, PARENTS, PELVIS_HEIGHT
from motionlcm_blender.motion.world_transform import Placement, place_joints
from motionlcm_blender.postprocess.pin_ik import CLOSE, hold_pins, missed_pins, pin_warnings
from tests.synthetic_motion import walk

J = {name: index for index, name in enumerate(JOINTS)}
SETS_OFF_BY = 15
"""Frames after which a figure reaches pins near its way."""
HANDS_FEET_HEAD = ("l_wrist", "r_wrist", "head", "l_foot", "r_foot")


def lengths(joints: np.ndarray) -> np.ndarray:
    return np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)


def pins(joints: np.ndarray, *wanted: tuple[str, range, tuple[float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Positions and mask: joints by name, on frames, moved from where they are in the middle of these."""
    positions, mask = np.zeros_like(joints), np.zeros(joints.shape, bool)
    for name, frames, offset in wanted:
        positions[frames, J[name]] = joints[frames[len(frames) // 2], J[name]] + np.array(offset)
        mask[frames, J[name]] = True
    return positions, mask


@given(
    st.sampled_from(HANDS_FEET_HEAD),
    st.integers(0, 99),
    st.integers(1, 8),
    st.floats(-0.12, 0.12),
    st.floats(-0.1, 0.2),
    st.floats(-0.12, 0.12),
    st.floats(0.0, 1.6),
)
@example("l_wrist", 6, 6, 0.0, 0.0, 0.0625, 1.5)
@settings(max_examples=60, deadline=None)
def test_a_pin_within_reach_is_met(
    name: str, first: int, length: int, x: float, y: float, z: float, speed: float
) -> None:
    joints = walk(108, speed=speed).astype(np.float64)
    up = abs(y) if "foot" in name else -abs(y) if name == "head" else y
    positions, mask = pins(joints, (name, range(first, first + length), (x, up, z)))
    made = hold_pins(joints, None, positions, mask)
    missed = bool(np.nanmax(pin_errors(made, positions, mask)) >= CLOSE)
    # A figure that walks cannot stop in its first frames, because it begins where it is meant to begin.
    assert not missed or 0 < first < SETS_OFF_BY
    assert missed == bool(missed_pins(made, positions, mask))
    np.testing.assert_allclose(lengths(made), lengths(joints), atol=1e-9)
    far = np.abs(np.arange(108) - first) > length + 60
    ground = np.array([1.0, 0.0, 1.0])  # the figure may have been brought nearer, and goes on from there
    pose, before = (x[far] - x[far, :1] * ground for x in (made, joints))
    legs = [J[f"{side}_{part}"] for side in "lr" for part in ("knee", "ankle", "foot")]
    np.testing.assert_allclose(np.delete(pose, legs, axis=1), np.delete(before, legs, axis=1), atol=0.05)


def test_several_pins_at_once() -> None:
    joints = walk(100, speed=0.0).astype(np.float64)
    positions, mask = pins(
        joints,
        ("l_wrist", range(40, 60), (0.0, 0.5, 0.3)),
        ("r_wrist", range(45, 70), (0.0, 0.4, 0.2)),
        ("head", range(50, 52), (0.05, -0.15, 0.05)),
        ("l_foot", range(50, 60), (0.0, 0.25, 0.2)),
    )
    made = hold_pins(joints, None, positions, mask)
    assert np.nanmax(pin_errors(made, positions, mask)) < CLOSE
    right = [J["r_ankle"], J["r_foot"]]
    np.testing.assert_allclose(made[:, right], joints[:, right], atol=0.01)  # the foot it stands on stays


def test_a_pin_far_away_brings_the_figure_there_with_its_feet_on_the_floor() -> None:
    joints = walk(120).astype(np.float64)
    positions, mask = pins(joints, ("r_wrist", range(60, 64), (1.5, 0.2, 1.0)))
    made = hold_pins(joints, None, positions, mask)
    assert np.nanmax(pin_errors(made, positions, mask)) < CLOSE
    assert foot_skate(made) < foot_skate(joints) + 5.0
    stayed = hold_pins(joints, None, positions, mask, may_move=False)
    assert np.abs(stayed[:, 0] - joints[:, 0]).max() < 0.3
    assert len(missed_pins(stayed, positions, mask)) == 1


def test_pelvis_passes_through_its_pins_and_goes_on_from_the_last() -> None:
    joints = walk(100).astype(np.float64)
    positions, mask = np.zeros_like(joints), np.zeros(joints.shape, bool)
    for frame, aside in ((0, 0.0), (40, 0.4), (80, -0.3)):
        positions[frame, 0] = joints[frame, 0] + [aside, 0, 0]
        mask[frame, 0, [0, 2]] = True
    made = hold_pins(joints, None, positions, mask)
    assert np.nanmax(pin_errors(made, positions, mask)) < 1e-6
    np.testing.assert_allclose(made[80:, 0, 0] - joints[80:, 0, 0], -0.3, atol=1e-6)
    assert np.abs(np.diff(made[:, 0, 0] - joints[:, 0, 0])).max() < 0.05


def test_nothing_pinned_changes_nothing() -> None:
    joints = walk(40).astype(np.float64)
    none = np.zeros(joints.shape, bool)
    np.testing.assert_array_equal(hold_pins(joints, None, joints, none), joints)
    everything = np.ones(joints.shape, bool)
    np.testing.assert_allclose(hold_pins(joints, None, joints, everything), joints, atol=1e-6)


@given(st.floats(-3.0, 3.0), st.floats(-4.0, 4.0))
@settings(max_examples=15, deadline=None)
def test_turning_and_moving_everything_turns_and_moves_the_result(heading: float, away: float) -> None:
    joints = walk(90, speed=0.8).astype(np.float64)
    hand, foot = ("r_wrist", range(40, 50), (0.1, 0.3, 0.2)), ("l_foot", range(20, 22), (0.0, 0.2, 0.1))
    positions, mask = pins(joints, hand, foot)
    placement = Placement(origin=np.array([away, 0.0, -away]), heading=heading)
    moved = place_joints(hold_pins(joints, None, positions, mask), placement)
    placed = hold_pins(place_joints(joints, placement), None, place_joints(positions, placement), mask)
    np.testing.assert_allclose(placed, moved, atol=0.02)  # slopes of fading corrections are limited by axis


def test_what_cannot_be_is_named_before_and_after_and_still_tried() -> None:
    joints = walk(100, speed=0.0).astype(np.float64)
    positions, mask = pins(joints, ("l_wrist", range(50, 51), (0.0, 5.0, 0.0)))
    (before,) = pin_warnings(positions, mask)
    assert "left wrist" in before and "m up" in before
    made = hold_pins(joints, None, positions, mask)
    (after,) = missed_pins(made, positions, mask)
    assert "left wrist" in after and "2.5 s" in after
    assert made[50, J["l_wrist"], 1] > made[50, J["head"], 1] + 0.2  # it reaches up all the same
    step = np.linalg.norm(np.diff(made, axis=0), axis=-1).max() * FPS
    assert step < 12.0  # and does not jump there

    fast, given = pins(joints, ("r_wrist", range(10, 11), (0, 0, 0)), ("r_wrist", range(12, 13), (2.0, 0, 0)))
    assert "20 m/s" in pin_warnings(fast, given)[0]
    low, given = pins(joints, ("r_foot", range(10, 11), (0, -0.5, 0)))
    assert "below the floor" in pin_warnings(low, given)[0]


def test_numbers_that_are_none_are_refused() -> None:
    joints = walk(20).astype(np.float64)
    joints[3, 5, 1] = np.nan
    with pytest.raises(InvalidRequest, match="not finite"):
        hold_pins(joints, None, joints, np.ones(joints.shape, bool))


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("head", (0.0, -0.15, 0.0)),
        ("head", (0.05, -0.4, 0.1)),
        ("l_wrist", (-0.2, 0.0, 0.0)),
        ("r_foot", (0.0, 0.2, 0.0)),
    ],
)
def test_a_body_that_stands_straight_can_still_shorten(name: str, offset: tuple[float, float, float]) -> None:
    """In the rest pose legs, arms and spine are straight: no turning of a joint shortens them to first order."""
    joints = np.repeat(HUMANML.rest[None, :22], 60, axis=0) + [0.0, PELVIS_HEIGHT, 0.0]
    positions, mask = pins(joints, (name, range(30, 33), offset))
    made = hold_pins(joints, None, positions, mask)
    assert np.nanmax(pin_errors(made, positions, mask)) < CLOSE
    np.testing.assert_allclose(lengths(made), lengths(joints), atol=1e-9)
    if name != "r_foot":
        np.testing.assert_allclose(made[:, [7, 8, 10, 11]], joints[:, [7, 8, 10, 11]], atol=0.02)
    if name == "head":  # knees come forward
        assert (made[31, [4, 5], 2] > joints[31, [4, 5], 2] + 0.05).all()


def test_a_figure_that_went_to_one_pin_comes_back_for_the_next() -> None:
    joints = walk(100, speed=0.0).astype(np.float64)
    far = ("r_wrist", range(30, 34), (-0.8, 0.2, 0.3))
    positions, mask = pins(joints, far, ("head", range(70, 74), (0.0, -0.05, 0.0)))
    made = hold_pins(joints, None, positions, mask)
    assert np.nanmax(pin_errors(made, positions, mask)) < CLOSE
    assert np.abs(made[32, 0, 0] - joints[32, 0, 0]) > 0.1 > np.abs(made[72, 0, 0] - joints[72, 0, 0])
