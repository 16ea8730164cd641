"""Rotations of head and hands relative to chest and forearms, which 22 joint positions cannot express.

The bundled model has 18 features for these rotations after HumanML3D's 263: for head, left hand and right hand the
first two columns of the rotation matrix, 3 numbers each (6D; Zhou et al., CVPR 2019). A rotation is relative to the
parent body part (chest, forearm), in the axes of the rest pose (Y up, facing +Z): the identity in the T-pose. The
published models do not have these features.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from . import rotations as rot
from .features import FEATURES

PARTS: tuple[str, str, str] = ("head", "l_hand", "r_hand")
WIDTH = 6 * len(PARTS)
"""Number of features per frame."""
FEATURES_WITH_HEAD_HANDS = FEATURES + WIDTH
HEAD_HANDS = slice(FEATURES, FEATURES_WITH_HEAD_HANDS)
"""Position of these features among the features of a frame."""

_MIRRORED_PARTS = [part * 6 + number for part in (0, 2, 1) for number in range(6)]
_MIRRORED_SIGNS = np.array([1.0, -1.0, -1.0, -1.0, 1.0, 1.0] * len(PARTS), np.float32)
"""Mirroring a rotation R at the plane x = 0 gives M R M with M = diag(-1, 1, 1)."""


def to_features(head_hands: FloatArray) -> FloatArray:
    """Convert rotations to features.

    Args:
        head_hands: (..., 3, 4) unit quaternions (w, x, y, z) of head, left and right hand; NaN where unknown.

    Returns:
        (..., 18) float32; NaN where unknown.
    """
    six: FloatArray = rot.to_six_d(head_hands)
    return six.reshape(*six.shape[:-2], WIDTH).astype(np.float32)


def from_features(features: FloatArray) -> FloatArray:
    """Convert features to rotations; the 6D columns may have any length.

    Args:
        features: (..., 18), not normalised by the statistics of the data.

    Returns:
        (..., 3, 4) float64 unit quaternions (w, x, y, z).
    """
    features = np.asarray(features, dtype=np.float64)
    quaternions: FloatArray = rot.from_six_d(features.reshape(*features.shape[:-1], len(PARTS), 6))
    return quaternions


def from_motion_features(features: FloatArray) -> FloatArray | None:
    """Read the rotations of head and hands from the features of whole frames.

    Args:
        features: (..., T, 281) or, of a model without these rotations, (..., T, 263); not normalised.

    Returns:
        (..., T, 3, 4) float32 unit quaternions (w, x, y, z), or None for 263 features.
    """
    if features.shape[-1] < FEATURES_WITH_HEAD_HANDS:
        return None
    return from_features(features[..., HEAD_HANDS]).astype(np.float32)


def mirrored_rotations(head_hands: FloatArray) -> FloatArray:
    """Swap left and right.

    Args:
        head_hands: (..., 3, 4) unit quaternions.

    Returns:
        (..., 3, 4) unit quaternions of the mirrored motion.
    """
    result: FloatArray = head_hands[..., [0, 2, 1], :] * np.array([1.0, 1.0, -1.0, -1.0], head_hands.dtype)
    return result


def blended(first: FloatArray, second: FloatArray, weight: FloatArray) -> FloatArray:
    """Blend two sequences of rotations.

    Args:
        first: (T, 3, 4) unit quaternions, the result where `weight` is 0.
        second: (T, 3, 4) unit quaternions, the result where `weight` is 1.
        weight: (T,) in 0..1.

    Returns:
        (T, 3, 4) unit quaternions.
    """
    result: FloatArray = rot.slerp(first, second, np.asarray(weight)[:, None])
    return result


def resampled(head_hands: FloatArray, at: FloatArray) -> FloatArray:
    """Interpolate rotations at fractional frames.

    Args:
        head_hands: (T, 3, 4) unit quaternions.
        at: (K,) frame numbers.

    Returns:
        (K, 3, 4) unit quaternions.
    """
    low = np.clip(np.floor(at).astype(int), 0, len(head_hands) - 1)
    high = np.minimum(low + 1, len(head_hands) - 1)
    return blended(head_hands[low], head_hands[high], at - low)


def mirrored(features: FloatArray) -> FloatArray:
    """Swap left and right.

    Args:
        features: (..., 18), not normalised.

    Returns:
        (..., 18) features of the mirrored motion.
    """
    result: FloatArray = features[..., _MIRRORED_PARTS] * _MIRRORED_SIGNS
    return result
