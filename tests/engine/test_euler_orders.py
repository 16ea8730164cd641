"""Euler angles in all of Blender's orders."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.euler_angles import euler_angles
from motionlcm_blender.rigs.euler_orders import ORDERS, ordered_euler_angles, quaternions_of


@pytest.mark.parametrize("order", ORDERS)
def test_angles_are_about_the_axes_in_their_order(order: str) -> None:
    angles = np.array([0.3, -0.5, 0.7])
    turn = rot.IDENTITY
    for axis in order:
        number = "XYZ".index(axis)
        turn = rot.multiply(rot.from_axis_angle(np.eye(3)[number], angles[number]), turn)
    assert ordered_euler_angles(turn[None, None], order)[0, 0] == pytest.approx(angles)
    assert rot.angle_of(rot.multiply(rot.inverse(turn), quaternions_of(angles, order))) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("order", ORDERS)
def test_angles_go_on_beyond_half_a_turn(order: str) -> None:
    axis = np.array([0.2, 1.0, 0.1])
    turns = rot.from_axis_angle(np.tile(axis, (90, 1)), np.linspace(0.0, 4.0 * np.pi, 90))
    angles = ordered_euler_angles(turns, order)
    assert np.abs(np.diff(angles, axis=0)).max() < 1.2
    off = rot.angle_of(rot.multiply(rot.inverse(turns), quaternions_of(angles, order)))
    assert off.max() < 1e-6


def test_the_way_through_a_gimbal_lock_is_that_of_frame_after_frame() -> None:
    """Bones whose angles never cross take a short way; it must give what the long way gives."""
    generator = np.random.default_rng(5)
    axes = generator.normal(size=(40, 3))
    steps = rot.from_axis_angle(np.repeat(axes[None], 60, axis=0), generator.uniform(0.0, 0.4, (60, 40)))
    turns = [rot.normalise(generator.normal(size=(40, 4)))]
    for step in steps:
        turns.append(rot.multiply(step, turns[-1]))
    angles = euler_angles(np.array(turns))
    alone = np.stack([euler_angles(np.array(turns)[:, k]) for k in range(40)], axis=1)
    np.testing.assert_allclose(angles, alone, atol=1e-9)
    expected = angles[:1]
    for turn in turns[1:]:
        one = euler_angles(turn[None])[0]
        other = one * [1.0, -1.0, 1.0] + np.pi
        options = np.stack([way + 2.0 * np.pi * np.round((expected[-1] - way) / (2.0 * np.pi)) for way in (one, other)])
        nearest = np.abs(options - expected[-1]).sum(axis=-1).argmin(axis=0)
        expected = np.concatenate([expected, options[nearest, np.arange(40)][None]])
    np.testing.assert_allclose(angles, expected, atol=1e-6)
    assert (np.abs(angles[:, :, 1]) > 0.5 * np.pi).any(), "some cross a quarter turn about Y"
