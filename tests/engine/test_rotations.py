"""Quaternion functions against SciPy's, and their invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation, Slerp

from motionlcm_blender.motion import rotations as rot

numbers = st.floats(-1.0, 1.0, allow_nan=False, width=64)
directions = arrays(np.float64, (5, 3), elements=numbers).filter(lambda v: (np.linalg.norm(v, axis=-1) > 1e-3).all())
quaternions = (
    arrays(np.float64, (5, 4), elements=numbers)
    .filter(lambda q: (np.linalg.norm(q, axis=-1) > 1e-2).all())
    .map(rot.normalise)
)


def scipy_rotation(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(np.roll(q, -1, axis=-1))


def same_rotation(a: np.ndarray, b: np.ndarray, tolerance: float = 1e-7) -> bool:
    return bool((rot.angle_of(rot.multiply(rot.inverse(a), b)) < tolerance).all())


@given(quaternions, quaternions, directions)
def test_product_inverse_and_turning_agree_with_scipy(a: np.ndarray, b: np.ndarray, v: np.ndarray) -> None:
    ours, theirs = rot.multiply(a, b), scipy_rotation(a) * scipy_rotation(b)
    np.testing.assert_allclose(rot.to_matrix(ours), theirs.as_matrix(), atol=1e-12)
    np.testing.assert_allclose(rot.rotate(a, v), scipy_rotation(a).apply(v), atol=1e-12)
    np.testing.assert_allclose(rot.rotate(rot.inverse(a), rot.rotate(a, v)), v, atol=1e-12)


@given(quaternions)
def test_matrices_and_six_d_come_back(q: np.ndarray) -> None:
    matrix = rot.to_matrix(q)
    np.testing.assert_allclose(matrix, scipy_rotation(q).as_matrix(), atol=1e-12)
    assert same_rotation(rot.from_matrix(matrix), q)
    six = rot.to_six_d(q)
    np.testing.assert_allclose(six[:, :3], matrix[:, :, 0], atol=1e-14)
    np.testing.assert_allclose(six[:, 3:], matrix[:, :, 1], atol=1e-14)
    assert same_rotation(rot.from_six_d(six), q)


@given(arrays(np.float64, (5, 6), elements=numbers))
def test_six_d_of_any_numbers_is_a_rotation(six: np.ndarray) -> None:
    q = rot.from_six_d(six)
    np.testing.assert_allclose(np.linalg.norm(q, axis=-1), 1.0, atol=1e-12)
    first = six[:, :3]
    length = np.linalg.norm(first, axis=-1)
    for frame in np.flatnonzero(length > 1e-3):
        np.testing.assert_allclose(rot.to_matrix(q)[frame, :, 0], first[frame] / length[frame], atol=1e-6)


@given(directions, directions)
def test_between_turns_one_direction_into_the_other_the_short_way(a: np.ndarray, b: np.ndarray) -> None:
    q = rot.between(a, b)
    np.testing.assert_allclose(np.linalg.norm(q, axis=-1), 1.0, atol=1e-12)
    a, b = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (a, b))
    np.testing.assert_allclose(rot.rotate(q, a), b, atol=1e-6)
    angle = 2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    np.testing.assert_allclose(rot.angle_of(q), angle, atol=1e-6)


@given(directions, st.floats(0.0, 1e-6))
def test_between_is_safe_for_opposite_directions(a: np.ndarray, nudge: float) -> None:
    b = -a + nudge * np.array([0.3, -0.5, 0.8])
    b /= np.linalg.norm(b, axis=-1, keepdims=True)
    np.testing.assert_allclose(rot.rotate(rot.between(a, b), a), b * np.linalg.norm(a, axis=-1)[:, None], atol=1e-6)


@given(directions, st.floats(-6.0, 6.0))
def test_axis_and_angle(axis: np.ndarray, angle: float) -> None:
    axis_length = np.linalg.norm(axis, axis=-1, keepdims=True)
    expected = Rotation.from_rotvec(axis / axis_length * angle).as_matrix()
    np.testing.assert_allclose(rot.to_matrix(rot.from_axis_angle(axis, angle)), expected, atol=1e-9)
    np.testing.assert_allclose(rot.to_matrix(rot.from_axis_angle(axis, np.full(5, angle))), expected, atol=1e-9)


def test_axes_are_where_the_unit_vectors_go() -> None:
    q = rot.from_axes([0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0])
    np.testing.assert_allclose(rot.rotate(q, [0.0, 0.0, 1.0]), [1.0, 0.0, 0.0], atol=1e-12)


@given(quaternions, quaternions, st.floats(0.0, 1.0))
def test_slerp_agrees_with_scipy(a: np.ndarray, b: np.ndarray, t: float) -> None:
    between = rot.angle_of(rot.multiply(rot.inverse(a), b))
    for i in np.flatnonzero(between < np.pi - 1e-3):  # at 180 degrees either way is right
        expected = Slerp([0.0, 1.0], scipy_rotation(np.stack([a[i], b[i]])))(t).as_matrix()
        np.testing.assert_allclose(rot.to_matrix(rot.slerp(a[i], b[i], t)), expected, atol=1e-6)
    assert same_rotation(rot.slerp(a, b, 0.0), a)
    assert same_rotation(rot.slerp(a, b, 1.0), b)


def test_slerp_of_almost_equal_rotations_is_precise() -> None:
    a, b = rot.from_axis_angle([0.0, 1.0, 0.0], 0.3), rot.from_axis_angle([0.0, 1.0, 0.0], 0.3 + 1e-7)
    half = rot.from_axis_angle([0.0, 1.0, 0.0], 0.3 + 0.5e-7)
    np.testing.assert_allclose(rot.slerp(a, b, 0.5), half, atol=1e-15)


@given(arrays(np.float64, (9, 2, 4), elements=numbers), arrays(np.bool_, (9, 2)))
def test_continuous_only_flips_signs_and_leaves_no_jump(q: np.ndarray, flips: np.ndarray) -> None:
    q = rot.normalise(q) * np.where(flips, -1.0, 1.0)[..., None]
    smooth = rot.continuous(q)
    assert ((smooth[1:] * smooth[:-1]).sum(-1) >= -1e-12).all()
    np.testing.assert_array_equal(np.abs(smooth), np.abs(q))
    np.testing.assert_array_equal(smooth[0], q[0])


@given(quaternions, directions)
def test_twist_is_what_turns_about_the_axis(q: np.ndarray, axis: np.ndarray) -> None:
    twist = rot.twist_about(q, axis)
    np.testing.assert_allclose(rot.rotate(twist, axis), axis, atol=1e-9)
    swing = rot.multiply(q, rot.inverse(twist))
    unit_axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
    np.testing.assert_allclose((swing[:, 1:] * unit_axis).sum(-1), 0.0, atol=1e-6)
    np.testing.assert_allclose(rot.rotate(q, axis), rot.rotate(swing, axis), atol=1e-9)


def test_twist_of_a_known_turn() -> None:
    q = rot.multiply(rot.from_axis_angle([1.0, 0.0, 0.0], 0.7), rot.from_axis_angle([0.0, 1.0, 0.0], -1.1))
    np.testing.assert_allclose(rot.twist_about(q, [0, 2, 0]), rot.from_axis_angle([0.0, 1.0, 0.0], -1.1), atol=1e-12)


@pytest.mark.parametrize("function", [rot.normalise, rot.from_six_d])
def test_zeros_stand_for_no_rotation(function: object) -> None:
    width = 4 if function is rot.normalise else 6
    np.testing.assert_allclose(function(np.zeros(width)), rot.IDENTITY)  # type: ignore[operator]


def test_between_zero_vectors_is_no_rotation() -> None:
    np.testing.assert_allclose(rot.between([0.0, 0.0, 0.0], [0.0, 1.0, 0.0]), rot.IDENTITY)


@given(quaternions, st.integers(0, 1000))
def test_best_fit_finds_the_rotation_of_a_rigid_body(q: np.ndarray, seed: int) -> None:
    points = np.random.default_rng(seed).standard_normal((4, 3))
    turned = rot.rotate(q[:, None], points)
    assert same_rotation(rot.best_fit(points, turned), q, 1e-6)
    assert same_rotation(rot.best_fit(points, turned, [1.0, 2.0, 3.0, 4.0]), q, 1e-6)
    assert same_rotation(rot.best_fit(points[:3], turned[0, :3]), q[0], 1e-6)


def test_best_fit_agrees_with_scipy_on_noisy_points() -> None:
    rng = np.random.default_rng(4)
    points, weights = rng.standard_normal((5, 3)), rng.uniform(0.5, 2.0, 5)
    after = rot.rotate(rot.from_axis_angle([1.0, 2.0, -1.0], 2.0), points) + rng.normal(0.0, 0.2, (5, 3))
    expected, _ = Rotation.align_vectors(after, points, weights)
    np.testing.assert_allclose(rot.to_matrix(rot.best_fit(points, after, weights)), expected.as_matrix(), atol=1e-9)


@given(quaternions, quaternions, arrays(np.float64, (7, 5, 4), elements=numbers))
def test_one_matrix_is_two_products(left: np.ndarray, right: np.ndarray, q: np.ndarray) -> None:
    once = rot.apply_matrices(rot.product_matrices(left, right), q)
    np.testing.assert_allclose(once, rot.multiply(rot.multiply(left, q), right), atol=1e-12)
