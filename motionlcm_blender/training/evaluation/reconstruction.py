"""How well the VAE keeps a motion: the mean joint error (MPJPE) of what comes back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...generation.pipeline import MotionLCM
from ...motion.body_fit import onto_rig
from ...motion.features import canonical, features_from_joints
from ...motion.skeleton import MAX_FRAMES
from ..data.motion_data import MotionData
from .generation import reconstruct
from .held_out_motions import SHORTEST
from .motion_measures import joints_of


def whole_clips(data: MotionData, test: bool, limit: int | None = None, seed: int = 0) -> list[FloatArray]:
    """Features, not normalised, (up to 196, 263) each: every clip of a split, cut into pieces of 196 frames.

    limit: at most so many clips, drawn from `seed`. A last piece shorter than 20 frames is left out.
    Raises TrainingDataError if the split is empty.
    """
    names = sorted(n for n, joints in data.clips.items() if (n in data.test) == test and len(joints) > SHORTEST)
    if limit is not None and limit < len(names):
        names = sorted(np.random.default_rng(seed).permutation(names)[:limit].tolist())
    pieces = []
    for name in names:
        joints = onto_rig(data.clips[name])
        pieces += [
            features_from_joints(canonical(joints[first : first + MAX_FRAMES + 1]))
            for first in range(0, len(joints) - SHORTEST, MAX_FRAMES)
        ]
    if not pieces:
        raise TrainingDataError(f"The {'test' if test else 'train'} clips are all too short to be reconstructed.")
    return pieces


def measure_reconstruction(
    model: MotionLCM, features: Sequence[FloatArray], generator: np.random.Generator | None = None
) -> dict[str, float]:
    """Mean joint errors in millimetres over all frames of all pieces.

    "mpjpe_mm": in the world, so that a drift of the root counts. "mpjpe_root_mm": the pelvis of each frame taken off
    on both sides, the usual MPJPE of the field (as in MLD, Chen et al. 2023). "pelvis_mm": of the pelvis alone.
    generator: None: the posterior's mean; else a draw from it.
    """
    made = reconstruct(model, features, generator)
    world, local, pelvis = [], [], []
    for before, after in zip(features, made, strict=True):
        true, found = joints_of(before), joints_of(after)
        world.append(np.linalg.norm(found - true, axis=-1).mean(-1))
        pelvis.append(np.linalg.norm(found[:, 0] - true[:, 0], axis=-1))
        local.append(np.linalg.norm((found - found[:, :1]) - (true - true[:, :1]), axis=-1).mean(-1))
    return {
        "mpjpe_mm": 1000.0 * float(np.concatenate(world).mean()),
        "mpjpe_root_mm": 1000.0 * float(np.concatenate(local).mean()),
        "pelvis_mm": 1000.0 * float(np.concatenate(pelvis).mean()),
    }
