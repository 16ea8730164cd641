"""Mean and standard deviation of features and of control hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import FloatArray
from ...motion.features import FEATURES, SLICES, joints_from_features
from ...motion.head_hands import FEATURES_WITH_HEAD_HANDS


@dataclass(frozen=True, eq=False)
class Normalisation:
    """mean, std (281,) of features; hint_mean, hint_std (22, 3) of global joint positions; float32."""

    mean: FloatArray
    std: FloatArray
    hint_mean: FloatArray
    hint_std: FloatArray

    def as_dict(self) -> dict[str, FloatArray]:
        """The arrays by name, as they are saved."""
        return {"mean": self.mean, "std": self.std, "hint_mean": self.hint_mean, "hint_std": self.hint_std}

    def beginning_with(self, first: Normalisation) -> Normalisation:
        """Replace the statistics by those of other weights; features that those weights do not have keep theirs."""
        count = len(first.mean)
        return Normalisation(
            np.concatenate([first.mean, self.mean[count:]]),
            np.concatenate([first.std, self.std[count:]]),
            first.hint_mean,
            first.hint_std,
        )


_GROUPS = (*SLICES.values(), *(slice(first, first + 6) for first in range(FEATURES, FEATURES_WITH_HEAD_HANDS, 6)))


def normalisation_of(features: FloatArray, motions: Sequence[FloatArray]) -> Normalisation:
    """Statistics of training motion.

    Args:
        features: (frames, 263 or 281), not normalised, NaN where head and hands are not known; std is averaged inside
            each group of features (MODEL.md section 1).
        motions: features (T, 281) of motions that begin at the origin, for the statistics of hints.
    """
    mean, std = np.nanmean(features, 0, dtype=np.float64), np.nanstd(features, 0, dtype=np.float64)
    for group in _GROUPS:
        if group.stop <= len(std):
            std[group] = std[group].mean()
    # A feature that is never known or never changes is left as it is.
    mean, std = np.nan_to_num(mean), np.where(np.nan_to_num(std) > 0, std, 1.0)
    joints = np.concatenate([joints_from_features(motion[:, :FEATURES]) for motion in motions])
    hint_std = joints.std(0, dtype=np.float64)
    hint_std = np.maximum(hint_std, hint_std.mean(0, keepdims=True))
    return Normalisation(
        mean.astype(np.float32), std.astype(np.float32), joints.mean(0).astype(np.float32), hint_std.astype(np.float32)
    )
