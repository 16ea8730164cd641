"""Which way a nearly straight arm would bend: what captured people do, as a linear guess.

Joint positions do not show the twist of a straight arm. People are not free in it, though: seen from the chest, an arm
that hangs, reaches or points has its elbow on a certain side. A ridge regression from the directions of upper arm and
forearm to the axis of the elbow says where. On actors whose motion it was not fitted to, it is off by 13 degrees where
the elbow is bent by 15 to 20, and by 19 to 37 where it is straighter; swinging the arm from a T-pose without twist, by
22 and by 58 to 69. `training/elbow_prior_fit.py` makes the numbers.

Legs need nothing of the kind: the foot shows where the knee points.
"""

from __future__ import annotations

import numpy as np

COEFFICIENTS = np.array(
    [
        [-0.582, -0.211, 0.471],
        [0.367, -0.320, 0.094],
        [0.339, 0.039, 0.208],
        [-0.159, 0.206, -0.187],
        [0.156, 0.286, 0.395],
        [0.002, -0.115, 0.082],
        [-0.061, 0.048, -0.369],
    ]
)
"""Rows: 1, direction of the upper arm (x, y, z), direction of the forearm; columns: axis of the left elbow."""

_MIRRORED = np.array([-1.0, 1.0, 1.0])
_MIRRORED_AXIS = np.array([1.0, -1.0, -1.0])
"""A mirror that swaps left and right turns the sense of rotation about an axis as well."""


def expected_hinges(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """(T, 2, 3): the axis about which the left and the right elbow are expected to bend.

    upper, lower: (T, 2, 3) unit directions of upper arm and forearm, left and right, seen from the collar, relative to
    the rest pose. The result is in the same frames and not of length 1: the shorter, the less sure the guess.
    """
    left = observed(upper[:, 0], lower[:, 0]) @ COEFFICIENTS
    right = observed(mirrored(upper[:, 1]), mirrored(lower[:, 1])) @ COEFFICIENTS
    return np.stack([left, mirrored_axis(right)], axis=1)


def observed(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """(T, 7): what the regression sees of a left arm, from the directions (T, 3) of its bones."""
    return np.concatenate([np.ones((len(upper), 1)), upper, lower], axis=-1)


def mirrored(direction: np.ndarray) -> np.ndarray:
    """A direction (..., 3) in the mirror that swaps left (+X) and right."""
    return direction * _MIRRORED


def mirrored_axis(axis: np.ndarray) -> np.ndarray:
    """An axis of rotation (..., 3) in the mirror that swaps left (+X) and right."""
    return axis * _MIRRORED_AXIS
