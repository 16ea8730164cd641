"""Euler angles in all of Blender's orders."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
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
