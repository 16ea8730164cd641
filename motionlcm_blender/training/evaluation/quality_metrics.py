"""How the generated motion moves, beside captured motion of the same captions and lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...array_types import FloatArray
from ...generation.request import DEFAULT_STEPS, Request
from ...motion.metrics import floor_penetration, foot_skate, jerk, skating_ratio
from ...motion.skeleton import HUMANML, PARENTS
from .held_out_motions import TestMotion
from .measured_model import Measured
from .motion_measures import joints_of

SMALLEST_REAL = 1e-3
"""In each figure's own unit: no ratio to captured motion is given below it (its feet do not sink in at all)."""


def bone_length_deviation(joints: FloatArray) -> float:
    """Metres: how far each bone's length is from the skeleton's, mean over frames and bones. joints: (T, 22, 3)."""
    joints = np.asarray(joints, dtype=np.float64)
    lengths = np.linalg.norm(joints[:, 1:] - joints[:, list(PARENTS[1:])], axis=-1)
    return float(np.abs(lengths - HUMANML.bone_lengths[1:]).mean())


def motion_figures(joints: FloatArray) -> dict[str, float]:
    """The figures of one motion by name, the unit in the name. joints: (T, 22, 3) metres at 20 fps, floor at 0."""
    return {
        "jerk_m_s3": jerk(joints),
        "foot_skate_cm_s": foot_skate(joints),
        "skating_ratio": skating_ratio(joints),
        "floor_penetration_cm": 100.0 * floor_penetration(joints),
        "bone_length_deviation_cm": 100.0 * bone_length_deviation(joints),
    }


def measure(
    model: Measured, motions: Sequence[TestMotion], repeat: int, limit: int = 64, steps: int = DEFAULT_STEPS
) -> dict[str, float]:
    """Means over up to `limit` motions, drawn by `repeat`, of generated motion and of the captured one.

    Each is generated from one of its captions at its own length. Names: `quality/KIND/FIGURE` with KIND raw (of the
    network alone), final (with the engine's post-processing) and real; `quality/ratio/KIND/FIGURE` is the mean of raw
    or final divided by that of real, left out where the captured motion has (almost) none of it.
    Raises ValueError without motions.
    """
    if not motions:
        raise ValueError("There is no motion to compare with.")
    generator = np.random.default_rng([repeat, 3])
    rows: dict[str, list[dict[str, float]]] = {"raw": [], "final": [], "real": []}
    for k in generator.permutation(len(motions))[:limit]:
        motion = motions[k]
        caption = motion.captions[int(generator.integers(len(motion.captions)))]
        request = Request(caption, motion.frames, seed=int(generator.integers(2**31)), steps=steps)
        rows["raw"].append(motion_figures(joints_of(model.features(request)[0])))
        rows["final"].append(motion_figures(model.generate(request)[0].joints))
        rows["real"].append(motion_figures(motion.joints))
    figures = {
        f"quality/{kind}/{name}": float(np.mean([row[name] for row in made]))
        for kind, made in rows.items()
        for name in made[0]
    }
    for kind in ("raw", "final"):
        for name in rows["real"][0]:
            real = figures[f"quality/real/{name}"]
            if real >= SMALLEST_REAL:
                figures[f"quality/ratio/{kind}/{name}"] = figures[f"quality/{kind}/{name}"] / real
    return figures
