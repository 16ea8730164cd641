"""Captured clips whose bone rotations are known, not only their joints: what retargeting is fitted to and judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...motion.skeleton import JOINT_COUNT

FILE = "rotations.npz"
HELD_OUT_EVERY = 4


@dataclass(frozen=True, eq=False)
class CapturedClip:
    """One clip of one actor, 20 frames a second.

    name: ACTOR_TAKE, as the CMU database names its clips.
    positions: (T, 22, 3) metres, Y up.
    rotations: (T, 22, 4) unit quaternions (w, x, y, z): world rotation of the bone that starts at the joint, relative
        to `rest`.
    rest: (22, 3) metres, positions of the actor's own rest pose, facing +Z; arms out, legs 20 degrees apart.
    """

    name: str
    positions: FloatArray
    rotations: FloatArray
    rest: FloatArray

    @property
    def actor(self) -> str:
        """Clips of one actor share a skeleton and its rest pose."""
        return self.name.rsplit("_", 1)[0]


def captured_clips(folder: Path) -> list[CapturedClip]:
    """The clips of FOLDER/rotations.npz, by name: arrays CLIP/positions, CLIP/rotations and CLIP/rest.

    Raises TrainingDataError if the file is missing or an array has another shape.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        raise TrainingDataError(f"{path} is missing: it holds the clips whose rotations are known.")
    clips = []
    with np.load(path) as arrays:
        for name in sorted({key.split("/")[0] for key in arrays.files}):
            try:
                p, r, rest = (np.asarray(arrays[f"{name}/{k}"], np.float64) for k in ("positions", "rotations", "rest"))
            except KeyError as error:
                raise TrainingDataError(f"{path}: {name} needs positions, rotations and rest.") from error
            frames = len(p)
            if p.shape != (frames, JOINT_COUNT, 3) or r.shape != (frames, JOINT_COUNT, 4) or rest.shape != p.shape[1:]:
                raise TrainingDataError(f"{path}: {name} has arrays of other shapes than (T, {JOINT_COUNT}, 3 or 4).")
            clips.append(CapturedClip(name, p, r, rest))
    return clips


def held_out_actors(clips: Sequence[CapturedClip]) -> frozenset[str]:
    """Every fourth actor, by name: nothing is fitted to their clips."""
    actors = sorted({clip.actor for clip in clips})
    return frozenset(actors[HELD_OUT_EVERY // 2 :: HELD_OUT_EVERY])
