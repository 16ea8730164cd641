"""Fits the numbers of `motion/elbow_prior.py`: how straight arms would bend, from clips with known rotations.

    python -m motionlcm_blender.training.elbow_prior_fit FOLDER

prints them. FOLDER holds rotations.npz (see `captured_rotations`). Held-out actors are left out, and so are test clips,
if FOLDER has a splits.json that names any.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.body_fit import onto_rig
from ..motion.elbow_prior import mirrored, mirrored_axis, observed
from ..motion.skeleton import HUMANML, JOINTS, PARENTS
from ..motion.torso_fit import trunk_pose
from .data.captured_rotations import CapturedClip, captured_clips, held_out_actors

RIDGE = 1e-3
"""Times the total weight: keeps the guess modest where few clips have been."""
STRAIGHT = 0.1
"""An arm counts by 1 / (sine of its bend + STRAIGHT)^2: straight ones need the guess, bent ones show their plane."""
BENT = 0.5
"""Sine of the bend from which on an arm's plane shows the elbow's axis in the upper arm."""


def fit(clips: Sequence[CapturedClip]) -> FloatArray:
    """(7, 3) coefficients for `elbow_prior`, of clips with known rotations.

    The axis to be found is the captured rotation of the upper arm applied to the elbow's axis at rest, which is where
    the planes of the bent arm put it. Left arms and mirrored right ones are fitted together.
    """
    samples = [_sample(clip, side) for clip in clips for side in "lr"]
    seen, hinge, weight = (np.concatenate(part) for part in zip(*samples, strict=True))
    weighted = seen * weight[:, None]
    normal = weighted.T @ seen + RIDGE * weight.sum() * np.eye(seen.shape[1])
    return np.linalg.solve(normal, weighted.T @ hinge)


def _sample(clip: CapturedClip, side: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The regressors (T, 7), the elbow's axis (T, 3) and the weight (T,), of one arm of a clip."""
    shoulder, elbow, wrist = (JOINTS.index(f"{side}_{name}") for name in ("shoulder", "elbow", "wrist"))
    joints = onto_rig(clip.positions)
    world, _ = trunk_pose(joints, HUMANML)
    to_collar = rot.inverse(world[:, PARENTS[shoulder]])
    upper, lower = (rot.unit(joints[:, b] - joints[:, a], 0.0) for a, b in ((shoulder, elbow), (elbow, wrist)))
    plane = np.cross(upper, lower)
    bend = np.linalg.norm(plane, axis=-1)
    bent = bend >= min(BENT, float(bend.max()))
    in_bone = rot.rotate(rot.inverse(clip.rotations[bent, shoulder]), plane[bent])
    at_rest = rot.unit(in_bone.sum(axis=0), (0.0, -1.0, 0.0))
    hinge = rot.rotate(to_collar, rot.rotate(clip.rotations[:, shoulder], at_rest))
    upper, lower = rot.rotate(to_collar, upper), rot.rotate(to_collar, lower)
    if side == "r":
        upper, lower, hinge = mirrored(upper), mirrored(lower), mirrored_axis(hinge)
    return observed(upper, lower), hinge, 1.0 / (bend + STRAIGHT) ** 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit, and print the numbers as the engine's module holds them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="holds rotations.npz")
    folder = parser.parse_args(arguments).folder
    clips = captured_clips(folder)
    splits = folder / "splits.json"
    test = set(json.loads(splits.read_text(encoding="utf-8"))["test"]) if splits.is_file() else set()
    left_out = held_out_actors(clips)
    rows = fit([clip for clip in clips if clip.actor not in left_out and clip.name not in test])
    print("COEFFICIENTS = np.array([")
    for row in rows:
        print(f"    [{', '.join(f'{number:.3f}' for number in row)}],")
    print("])")


if __name__ == "__main__":
    main()
