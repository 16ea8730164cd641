"""HumanML3D features: the golden vectors, the round trip, and the definition of each group."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.features import (
    FEATURES,
    SLICES,
    canonical,
    facing,
    features_from_joints,
    gaussian_smooth,
    joints_from_features,
    onto_skeleton,
)
from motionlcm_blender.motion.skeleton import CHAINS, HUMANML, PARENTS, Skeleton
from tests.repeated import assert_same_output
from tests.synthetic_motion import gestures, walk

GOLDEN = Path(__file__).parent / "data" / "golden_v2.npz"
walks = st.builds(
    lambda frames, speed, turn: canonical(walk(frames, speed, turn)),
    st.integers(2, 120),
    st.floats(0.0, 2.5),
    st.floats(-2.5, 2.5),
)
gesturing = st.builds(
    lambda frames, seed: canonical(gestures(frames, seed)[0]), st.integers(2, 120), st.integers(0, 10_000)
)


def test_slices_cover_every_feature_once() -> None:
    covered = np.concatenate([np.arange(FEATURES)[part] for part in SLICES.values()])
    np.testing.assert_array_equal(covered, np.arange(FEATURES))


def test_golden_joints() -> None:
    golden = np.load(GOLDEN)
    joints = joints_from_features(golden["features"])
    assert joints.dtype == np.float32
    expected = golden["joints_from_features"]
    assert np.abs(joints - expected).max() < 1e-4 * np.abs(expected).max()
    assert_same_output(joints_from_features(golden["features"][1]), joints[1], 1e-6)


@settings(max_examples=25, deadline=None)
@given(walks | gesturing)
def test_joints_come_back(joints: np.ndarray) -> None:
    features = features_from_joints(joints)
    assert features.shape == (len(joints) - 1, FEATURES) and features.dtype == np.float32
    assert np.isfinite(features).all()
    np.testing.assert_allclose(joints_from_features(features), joints[:-1], atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(gesturing)
def test_rotations_rebuild_the_bones_along_the_chains(joints: np.ndarray) -> None:
    """6D rotations, composed along each chain from the facing quaternion, point the raw directions at the children."""
    features = features_from_joints(joints)
    local = rot.from_six_d(features[:, SLICES["rotations"]].reshape(len(features), 21, 6).astype(np.float64))
    q = facing(joints)
    q[0] = rot.IDENTITY
    raw = {1: (1, 0, 0), 2: (-1, 0, 0), 10: (0, 0, 1), 11: (0, 0, 1), 13: (1, 0, 0), 14: (-1, 0, 0), 15: (0, 0, 1)}
    for chain in CHAINS:
        world = q[:-1]
        for parent, child in itertools.pairwise(chain):
            world = rot.multiply(world, local[:, child - 1])
            up = 1.0 if child in (3, 6, 9, 12) else -1.0
            bone = joints[:-1, child] - joints[:-1, parent]
            bone /= np.linalg.norm(bone, axis=-1, keepdims=True)
            np.testing.assert_allclose(rot.rotate(world, raw.get(child, (0.0, up, 0.0))), bone, atol=1e-4)


def test_a_turn_to_the_left_has_the_sign_and_size_of_half_the_angle() -> None:
    rate = 0.5  # radians per second, to the left: the heading grows about +Y
    features = features_from_joints(canonical(walk(200, 1.0, rate)))
    middle = features[90:110, 0]  # away from the ends, which the smoothing holds still
    np.testing.assert_allclose(middle, -0.5 * rate / 20.0, atol=1e-5)


def test_turning_past_the_back_keeps_the_sign() -> None:
    yaw = features_from_joints(canonical(walk(400, 1.0, 1.2)))[1:, 0]
    assert (yaw < 0.0).all()
    assert np.abs(yaw).max() < 0.5 * 1.2 / 20.0 + 2e-3


def test_a_straight_walk_in_numbers() -> None:
    joints = canonical(walk(120, 1.2))
    features = features_from_joints(joints)
    np.testing.assert_allclose(features[1:, 0], 0.0, atol=2e-3)
    np.testing.assert_allclose(features[1:, SLICES["root_velocity"]], [[0.0, 0.06]] * 118, atol=2e-3)
    np.testing.assert_allclose(features[:, 3], joints[:-1, 0, 1], atol=1e-6)
    velocities = features[:, SLICES["velocities"]].reshape(-1, 22, 3)
    steps = np.linalg.norm(joints[1:] - joints[:-1], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(velocities, axis=-1), steps, atol=1e-6)


def test_contacts_are_feet_that_stand() -> None:
    joints = walk(120, 1.2)
    features = features_from_joints(canonical(joints))
    contacts = features[:, SLICES["contacts"]]
    assert set(np.unique(contacts)) == {0.0, 1.0}
    for column, joint in enumerate((7, 10, 8, 11)):
        step = np.linalg.norm(joints[1:, joint] - joints[:-1, joint], axis=-1)
        clear = np.abs(step**2 - 0.002) > 1e-6  # on the threshold itself rounding decides
        assert clear.mean() > 0.9
        np.testing.assert_array_equal(contacts[clear, column], step[clear] ** 2 < 0.002)
    assert 0.4 < contacts.mean() < 0.8


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200), st.floats(0.5, 30.0), st.integers(0, 1000))
def test_smoothing_is_scipys(frames: int, sigma: float, seed: int) -> None:
    values = np.random.default_rng(seed).standard_normal((frames, 3))
    expected = gaussian_filter1d(values, sigma, axis=0, mode="nearest", truncate=4.0)
    np.testing.assert_allclose(gaussian_smooth(values, sigma), expected, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(walks | gesturing, st.floats(-3.1, 3.1), st.floats(-5, 5), st.floats(-5, 5), st.floats(-2, 2))
def test_canonical_undoes_any_placement(joints: np.ndarray, yaw: float, x: float, z: float, y: float) -> None:
    placed = rot.rotate(rot.from_axis_angle([0, 1, 0], yaw), joints) + [x, y, z]
    back = canonical(placed)
    np.testing.assert_allclose(back, joints, atol=1e-6)
    np.testing.assert_allclose(back[0, 0, [0, 2]], 0.0, atol=1e-12)
    assert abs(back[..., 1].min()) < 1e-12
    np.testing.assert_allclose(facing(back[:1], smooth=False)[0], rot.IDENTITY, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(-3.1, 3.1))
def test_facing_turns_the_figure_to_plus_z(yaw: float) -> None:
    placed = rot.rotate(rot.from_axis_angle([0, 1, 0], yaw), walk(30, 1.0))
    heading = rot.from_axis_angle([0, 1, 0], yaw)
    for smooth in (True, False):
        forward = rot.rotate(heading, [0.0, 0.0, 1.0])
        np.testing.assert_allclose(rot.rotate(facing(placed, smooth), forward), [[0, 0, 1]] * 30, atol=0.06)


def test_lying_on_the_side_keeps_the_last_heading() -> None:
    joints = walk(40, 0.0).astype(np.float64)
    joints[20:] = rot.rotate(rot.from_axis_angle([0, 0, 1], np.pi / 2), joints[20:])
    joints[20:, [1, 2, 16, 17], 0] = 0.0  # across is exactly vertical now
    q = facing(joints, smooth=False)
    assert np.isfinite(q).all()
    np.testing.assert_allclose(np.abs(q[:, 0]), 1.0, atol=1e-3)
    assert np.isfinite(features_from_joints(joints)).all()


@settings(max_examples=15, deadline=None)
@given(st.floats(0.6, 1.5), st.integers(0, 100))
def test_onto_skeleton_keeps_directions_floor_and_paces(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    other = Skeleton(HUMANML.names, HUMANML.parents, HUMANML.offsets * scale * rng.uniform(0.9, 1.1, (22, 1)))
    source = walk(60, 1.0, 0.3, skeleton=other).astype(np.float64)
    moved = onto_skeleton(source)
    parents = list(PARENTS[1:])
    bones, before = moved[:, 1:] - moved[:, parents], source[:, 1:] - source[:, parents]
    lengths = np.linalg.norm(bones, axis=-1)
    np.testing.assert_allclose(lengths, np.broadcast_to(HUMANML.bone_lengths[1:], lengths.shape), atol=1e-6)
    before /= np.linalg.norm(before, axis=-1, keepdims=True)
    np.testing.assert_allclose(bones / lengths[..., None], before, atol=1e-6)
    assert abs(moved[..., 1].min() - source[..., 1].min()) < 1e-9
    ratio = HUMANML.bone_lengths[[4, 5, 7, 8]].sum() / other.bone_lengths[[4, 5, 7, 8]].sum()
    np.testing.assert_allclose(moved[:, 0, [0, 2]], source[:, 0, [0, 2]] * ratio, atol=1e-5)


def test_onto_its_own_skeleton_changes_nothing() -> None:
    joints, _ = gestures(40, 3)
    np.testing.assert_allclose(onto_skeleton(joints), joints, atol=1e-5)


@pytest.mark.parametrize("shape", [(0, 22, 3), (1, 22, 3), (5, 21, 3), (5, 66)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        features_from_joints(np.zeros(shape))


def test_wrong_feature_width_is_refused() -> None:
    with pytest.raises(ValueError, match="263"):
        joints_from_features(np.zeros((4, 251)))
