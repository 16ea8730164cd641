"""How the head turns on the chest and the hands on the forearms, which 22 joint positions cannot express.

The bundled model has 18 features for it behind HumanML3D's 263: for head, left hand and right hand the first two
columns of the rotation matrix, 3 numbers each (6D; Zhou et al., CVPR 2019). A rotation is relative to the parent body
part (chest, forearm), in the axes of the rest pose (Y up, facing +Z): it is the identity in the T-pose. The published
models have none of this.
"""

from __future__ import annotations

import numpy as np

from . import rotations as rot
from .features import FEATURES

PARTS: tuple[str, str, str] = ("head", "l_hand", "r_hand")
WIDTH = 6 * len(PARTS)
"""Features of one frame."""
FEATURES_WITH_HEAD_HANDS = FEATURES + WIDTH
HEAD_HANDS = slice(FEATURES, FEATURES_WITH_HEAD_HANDS)
"""Where they stand in the features of a frame."""

_MIRRORED_PARTS = [part * 6 + number for part in (0, 2, 1) for number in range(6)]
_MIRRORED_SIGNS = np.array([1.0, -1.0, -1.0, -1.0, 1.0, 1.0] * len(PARTS), np.float32)
"""A rotation R seen in a mirror at the plane x = 0 is M R M with M = diag(-1, 1, 1)."""


def to_features(head_hands: np.ndarray) -> np.ndarray:
    """Rotations as features.

    Args:
        head_hands: (..., 3, 4) unit quaternions (w, x, y, z) of head, left and right hand; NaN where not known.

    Returns:
        (..., 18) float32; NaN where not known.
    """
    six: np.ndarray = rot.to_six_d(head_hands)
    return six.reshape(*six.shape[:-2], WIDTH).astype(np.float32)


def from_features(features: np.ndarray) -> np.ndarray:
    """Features of any length, as a network makes them, to rotations.

    Args:
        features: (..., 18), not normalised.

    Returns:
        (..., 3, 4) float64 unit quaternions (w, x, y, z).
    """
    features = np.asarray(features, dtype=np.float64)
    quaternions: np.ndarray = rot.from_six_d(features.reshape(*features.shape[:-1], len(PARTS), 6))
    return quaternions


def from_motion_features(features: np.ndarray) -> np.ndarray | None:
    """(..., T, 3, 4) float32 rotations of whole frames (..., T, 281); None for a model without them (263)."""
    if features.shape[-1] < FEATURES_WITH_HEAD_HANDS:
        return None
    return from_features(features[..., HEAD_HANDS]).astype(np.float32)


def mirrored_rotations(head_hands: np.ndarray) -> np.ndarray:
    """Rotations (..., 3, 4) of the motion with left and right swapped."""
    result: np.ndarray = head_hands[..., [0, 2, 1], :] * np.array([1.0, 1.0, -1.0, -1.0], head_hands.dtype)
    return result


def blended(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """From `first` (weight 0) to `second` (weight 1), rotations (T, 3, 4) each; weight: (T,)."""
    result: np.ndarray = rot.slerp(first, second, np.asarray(weight)[:, None])
    return result


def resampled(head_hands: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 4) at fractional frames `at` (K,): (K, 3, 4)."""
    low = np.clip(np.floor(at).astype(int), 0, len(head_hands) - 1)
    high = np.minimum(low + 1, len(head_hands) - 1)
    return blended(head_hands[low], head_hands[high], at - low)


def mirrored(features: np.ndarray) -> np.ndarray:
    """Features (..., 18) of the motion with left and right swapped."""
    result: np.ndarray = features[..., _MIRRORED_PARTS] * _MIRRORED_SIGNS
    return result
