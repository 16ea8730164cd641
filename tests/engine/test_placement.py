from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic_motion import walk

from motionlcm_blender.errors import InvalidRequest
from motionlcm_blender.motion import rotations
from motionlcm_blender.motion.ground_path import NAMES, named_path, timed
from motionlcm_blender.motion.motion import Clip
from motionlcm_blender.motion.world_transform import (
    Placement,
    blender_to_engine,
    blender_to_engine_rotations,
    canonicalise,
    engine_to_blender,
    engine_to_blender_rotations,
    place_clip,
    place_joints,
    unplace_joints,
)

numbers = st.floats(-50.0, 50.0, allow_subnormal=False)
headings = st.floats(-3.1, 3.1)


def lift(xz: np.ndarray) -> np.ndarray:
    return np.stack([xz[:, 0], np.zeros(len(xz)), xz[:, 1]], axis=-1)


@given(arrays(np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=numbers))
@settings(max_examples=80, deadline=None)
def test_canonicalise_and_place_come_back(xz):
    canonical, placement = canonicalise(xz)
    np.testing.assert_array_equal(canonical[0], 0.0)
    np.testing.assert_allclose(place_joints(lift(canonical), placement)[:, [0, 2]], xz, atol=1e-9)


@given(arrays(np.float64, (5, 22, 3), elements=numbers), arrays(np.float64, 3, elements=numbers), headings)
@settings(max_examples=40, deadline=None)
def test_place_and_unplace_are_inverse_and_rigid(joints, origin, heading):
    placement = Placement(origin, heading)
    placed = place_joints(joints, placement)
    np.testing.assert_allclose(unplace_joints(placed, placement), joints, atol=1e-9)
    np.testing.assert_allclose(
        np.linalg.norm(placed[:, 1:] - placed[:, :-1], axis=-1),
        np.linalg.norm(joints[:, 1:] - joints[:, :-1], axis=-1),
        atol=1e-9,
    )
    np.testing.assert_allclose(placed[..., 1], joints[..., 1] + origin[1], atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@given(origin=arrays(np.float64, 3, elements=numbers), heading=headings)
@settings(max_examples=15, deadline=None)
def test_the_heading_of_a_placed_path_is_found(name, origin, heading):
    path = timed(named_path(name, 6.0), 120)
    origin[1] = 0.0
    placed = place_joints(lift(path), Placement(origin, heading))[:, [0, 2]]
    canonical, placement = canonicalise(placed)
    np.testing.assert_allclose(placement.origin, origin, atol=1e-9)
    assert abs((placement.heading - heading + np.pi) % (2 * np.pi) - np.pi) < np.radians(1.0)
    np.testing.assert_allclose(canonical, path, atol=0.15)


def test_the_heading_withstands_a_trembling_hand():
    rng = np.random.default_rng(1)
    path = timed(named_path("s", 6.0), 120)
    path[0] += 0.0
    trembling = path + rng.normal(0, 0.004, path.shape)
    assert abs(canonicalise(trembling)[1].heading) < np.radians(8)


def test_a_corner_right_after_the_start_does_not_throw_the_heading():
    corner = np.array([[0, 0], [0, 0.2], [2.0, 0.2]])
    steps = np.concatenate([np.linspace(corner[0], corner[1], 5), np.linspace(corner[1], corner[2], 50)[1:]])
    heading = canonicalise(steps)[1].heading
    assert -0.2 < heading < np.pi / 2


def test_a_stationary_path_has_no_heading():
    rng = np.random.default_rng(0)
    assert canonicalise(np.full((30, 2), 3.0))[1].heading == 0.0
    assert canonicalise(3.0 + rng.normal(0, 0.005, (30, 2)))[1].heading == 0.0
    # Standing first, then walking to the left: the heading is that of the walk.
    late = np.concatenate([np.zeros((20, 2)), np.stack([np.linspace(0, 3, 60), np.zeros(60)], axis=-1)])
    assert canonicalise(late)[1].heading == pytest.approx(np.pi / 2, abs=1e-6)


def test_heading_turns_the_front_to_the_left():
    placed = place_joints(np.array([0.0, 1.0, 2.0]), Placement(np.array([1.0, 0.0, 0.0]), np.pi / 2))
    np.testing.assert_allclose(placed, [3.0, 1.0, 0.0], atol=1e-12)


def test_placing_keeps_the_kind_of_number():
    placement = Placement(np.array([1.0, 2.0, 3.0]), 0.5)
    assert place_joints(walk(10), placement).dtype == np.float32
    assert unplace_joints(walk(10), placement).dtype == np.float32


def test_a_placed_clip_is_the_placed_motion():
    rng = np.random.default_rng(3)
    turns = rotations.normalise(rng.normal(size=(6, 24, 4)))
    clip = Clip(20.0, rng.normal(size=(6, 3)), turns)
    placement = Placement(np.array([1.0, 0.2, -3.0]), 1.2)
    placed = place_clip(clip, placement)
    np.testing.assert_allclose(placed.translation, place_joints(clip.translation, placement), atol=1e-12)
    vector = np.array([0.3, 0.5, -0.2])
    tip = clip.translation + rotations.rotate(turns[:, 0], vector)
    np.testing.assert_allclose(
        placed.translation + rotations.rotate(placed.rotations[:, 0], vector), place_joints(tip, placement), atol=1e-9
    )
    np.testing.assert_array_equal(placed.rotations[:, 1:], turns[:, 1:])
    assert placed.fps == clip.fps and placed.skeleton is clip.skeleton
    np.testing.assert_array_equal(clip.rotations, turns)  # the given clip is left alone


@given(arrays(np.float64, (7, 3), elements=numbers), arrays(np.float64, (7, 4), elements=st.floats(-1, 1)))
@settings(max_examples=40, deadline=None)
def test_axes_come_back_and_rotations_agree_with_points(points, raw):
    np.testing.assert_array_equal(engine_to_blender(blender_to_engine(points)), points)
    np.testing.assert_array_equal(blender_to_engine(engine_to_blender(points)), points)
    q = rotations.normalise(raw)
    np.testing.assert_array_equal(engine_to_blender_rotations(blender_to_engine_rotations(q)), q)
    np.testing.assert_allclose(
        blender_to_engine(rotations.rotate(q, points)),
        rotations.rotate(blender_to_engine_rotations(q), blender_to_engine(points)),
        atol=1e-9,
    )


def test_the_axes_are_those_of_the_design():
    np.testing.assert_array_equal(engine_to_blender([[0, 0, 1]]), [[0, -1, 0]])  # the front is Blender's -Y
    np.testing.assert_array_equal(engine_to_blender([[0, 1, 0]]), [[0, 0, 1]])
    np.testing.assert_array_equal(engine_to_blender([[1, 0, 0]]), [[1, 0, 0]])


@pytest.mark.parametrize("bad", [np.zeros((0, 2)), np.zeros(4), np.zeros((4, 3)), np.array([[0, np.nan]])])
def test_bad_paths_are_refused(bad):
    with pytest.raises(InvalidRequest):
        canonicalise(bad)


def test_bad_placements_are_refused():
    with pytest.raises(InvalidRequest):
        Placement(np.array([0.0, np.nan, 0.0]))
    with pytest.raises(InvalidRequest):
        Placement(np.zeros(2))
    with pytest.raises(InvalidRequest):
        Placement(np.zeros(3), float("inf"))
