"""Linear prediction of the bend axis of a nearly straight arm, fitted to motion capture.

Joint positions do not show the twist of a straight arm, but anatomy limits it: relative to the chest, an arm that
hangs, reaches or points has its elbow on a certain side. A ridge regression predicts the elbow's axis from the
directions of upper arm and forearm. On actors outside the training data its mean error is 13 degrees where the elbow
is bent by 15 to 20 degrees, and 19 to 37 degrees where it is straighter. Swinging the arm from a T-pose without twist
has errors of 22 and of 58 to 69 degrees. `training/elbow_prior_fit.py` computes the coefficients.

Legs need no such prediction: the foot shows where the knee points.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray

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
"""Rows: constant 1, direction of the upper arm (x, y, z), direction of the forearm. Columns: axis of the left elbow."""

_MIRRORED = np.array([-1.0, 1.0, 1.0])
_MIRRORED_AXIS = np.array([1.0, -1.0, -1.0])
"""A reflection reverses the sense of rotation about an axis as well."""


def expected_hinges(upper: FloatArray, lower: FloatArray) -> FloatArray:
    """Predict the axes about which the left and the right elbow bend.

    Args:
        upper: (T, 2, 3) unit directions of the left and right upper arm, in the collar's frame, relative to the rest
            pose.
        lower: (T, 2, 3) unit directions of the left and right forearm, in the same frames.

    Returns:
        (T, 2, 3) axes in the same frames, not normalised: a shorter axis is a less certain prediction.
    """
    left = observed(upper[:, 0], lower[:, 0]) @ COEFFICIENTS
    right = observed(mirrored(upper[:, 1]), mirrored(lower[:, 1])) @ COEFFICIENTS
    return np.stack([left, mirrored_axis(right)], axis=1)


def observed(upper: FloatArray, lower: FloatArray) -> FloatArray:
    """Inputs of the regression for a left arm.

    Args:
        upper: (T, 3) unit directions of the upper arm, in the collar's frame.
        lower: (T, 3) unit directions of the forearm.

    Returns:
        (T, 7): constant 1, upper, lower.
    """
    return np.concatenate([np.ones((len(upper), 1)), upper, lower], axis=-1)


def mirrored(direction: FloatArray) -> FloatArray:
    """Mirror directions (..., 3) at the plane between left (+X) and right."""
    result: FloatArray = direction * _MIRRORED
    return result


def mirrored_axis(axis: FloatArray) -> FloatArray:
    """Mirror rotation axes (..., 3) at the plane between left (+X) and right."""
    result: FloatArray = axis * _MIRRORED_AXIS
    return result
