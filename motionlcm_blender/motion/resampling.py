"""Resampling of clips to another frame rate.

The model works at 20 frames per second, scenes at 24, 30, 60 or 23.976.
"""

from __future__ import annotations

import math

import numpy as np

from ..array_types import FloatArray, IntArray
from ..errors import InvalidRequest
from . import rotations as rot
from .motion import Clip


def resampled_frames(frames: int, from_fps: float, to_fps: float) -> int:
    """Number of frames that `resample` returns: the last one is at or after the end, by less than one frame."""
    return max(1, math.ceil((frames - 1) / from_fps * to_fps - 1e-6) + 1)


def resample(clip: Clip, fps: float, smooth: bool = True, begin: int = 0) -> Clip:
    """Sample a clip at another frame rate: frame k is the time k / fps.

    The last frame falls at the clip's end or, where the rates do not divide, less than one frame after it, in the
    clip's last pose; no motion is lost. At the clip's own times its values are unchanged.

    Args:
        clip: The clip.
        fps: Frames per second of the result.
        smooth: Interpolate with cubic (Catmull-Rom) curves, for positions and for quaternions, which are normalised
            afterwards. On motion capture reduced to half its rate this halves both the error and the foot skate of
            linear interpolation and slerp, which are used otherwise.
        begin: The frame of the clip that becomes the first; the frames before it only shape the curve.

    Returns:
        The clip at `fps`.

    Raises:
        InvalidRequest: `fps` is not a positive, finite number.
    """
    if not (math.isfinite(fps) and fps > 0):
        raise InvalidRequest("The frame rate must be a positive number of frames per second.")
    if clip.frames < 2:
        return Clip(fps, clip.translation.copy(), clip.rotations.copy(), clip.skeleton)
    rotations = rot.continuous(clip.rotations)
    at = begin + np.arange(resampled_frames(clip.frames - begin, clip.fps, fps)) * (clip.fps / fps)
    at = np.minimum(at, clip.frames - 1)
    before = np.minimum(at.astype(np.int64), clip.frames - 2)
    part = at - before
    if smooth:
        return Clip(
            fps,
            _cubic(np.asarray(clip.translation, dtype=np.float64), before, part),
            rot.continuous(rot.normalise(_cubic(rotations, before, part))),
            clip.skeleton,
        )
    translation = clip.translation[before] + part[:, None] * (clip.translation[before + 1] - clip.translation[before])
    turned = rot.slerp(rotations[before], rotations[before + 1], part[:, None])
    return Clip(fps, translation, rot.continuous(turned), clip.skeleton)


def _cubic(values: FloatArray, before: IntArray, part: FloatArray) -> FloatArray:
    """Cubic Hermite curve through values (T, ...) with slopes from both neighbours, at frames before + part."""
    slopes = np.gradient(values, axis=0)
    u = part.reshape(-1, *[1] * (values.ndim - 1))
    after = before + 1
    result: FloatArray = (
        (2 * u**3 - 3 * u**2 + 1) * values[before]
        + (u**3 - 2 * u**2 + u) * slopes[before]
        + (3 * u**2 - 2 * u**3) * values[after]
        + (u**3 - u**2) * slopes[after]
    )
    return result
