"""A clip as plain arrays of keys, one list of times for all bones, ready to be written in bulk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import rotations as rot
from .clips import Clip
from .resampling import resample


@dataclass(frozen=True)
class Keys:
    """Keys of an armature.

    times: (K,) float64, scene frames, rising, not necessarily whole.
    location: (K, 3) float64, metres, engine axes (Y up): the root joint's position, not relative to its rest position.
    rotations: (bones, K, 4) float64 unit quaternions (w, x, y, z), engine axes, local to the parent and relative to
        the rest pose, no sign flips along K.
    names: the bones' names, in the order of `rotations`; the first is the root.
    """

    times: np.ndarray
    location: np.ndarray
    rotations: np.ndarray
    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many moments are keyed."""
        return int(self.times.shape[0])


def dense_keys(clip: Clip, first_frame: float = 1.0, scene_fps: float | None = None) -> Keys:
    """One key on every scene frame, beginning at `first_frame`.

    scene_fps: the scene's frame rate, by default the clip's own; the clip is resampled to it by time.
    Raises InvalidRequest when scene_fps is not a positive, finite number.
    """
    if scene_fps is not None and scene_fps != clip.fps:
        clip = resample(clip, scene_fps)
    return Keys(
        times=first_frame + np.arange(clip.frames, dtype=np.float64),
        location=np.array(clip.translation, dtype=np.float64),
        rotations=np.ascontiguousarray(np.swapaxes(rot.continuous(clip.rotations), 0, 1)),
        names=clip.skeleton.names,
    )
