"""Key fitting at high frame rates: key times are searched on fewer frames, and the curves measured on all of them.

Motions are generated at 20 frames per second, so more frames show nothing new. The keys found on every k-th frame, with
their values and slopes, are curves for all frames. Where they exceed the tolerance on a frame between, `key_insertion`
inserts keys. So the cost depends on the seconds of a motion, and little on its frames.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from ..motion.motion import Clip
from .fit_target import FitTarget, Sampling
from .key_insertion import with_inserted_keys
from .key_search import fewest_keys, refitted, reweight
from .spline_fit import Segments, SplineFit

SEARCH_FPS = 40.0
"""Lowest number of frames per second at which key times are searched: twice as many as motions are generated at. At 30
the curves are too far from the clip between the searched frames on three times as many frames."""
SEARCH_TOLERANCE = 0.97
"""Part of the tolerance that the search on fewer frames uses, so that the frames between stay within it."""
REWEIGHTS = 4
"""Fits to all frames with other weights, before keys are added."""


def search_stride(clip: Clip, loops: bool) -> int:
    """Number of frames from one searched frame to the next; 1: all frames are searched.

    The frames of a loop are searched in steps that lead to its last frame.
    """
    stride = int(clip.fps // SEARCH_FPS)
    if stride < 2 or clip.frames <= 2 * stride:
        return 1
    if not loops:
        return stride
    return next(step for step in range(stride, 0, -1) if (clip.frames - 1) % step == 0)


def fit_every_frame(clip: Clip, target: FitTarget, sampling: Sampling, stride: int) -> SplineFit:
    """Fit keys to every `stride`-th frame of a clip so that all frames are within the tolerance.

    Args:
        clip: The clip.
        target: The clip to reproduce, all frames.
        sampling: How the clip is sampled.
        stride: Frames from one searched frame to the next.

    Returns:
        The fit on all frames.
    """
    coarse = replace(sampling, tolerance=SEARCH_TOLERANCE * sampling.tolerance).target(_every(clip, stride))
    coarse = replace(coarse, joint_weight=_largest_nearby(target.joint_weight, stride, coarse.frames))
    searched = fewest_keys(coarse)
    fit = with_inserted_keys(target, _on_all_frames(target, searched, stride))
    return fit if fit.within else _fitted_to_all(target, searched, stride)


def _every(clip: Clip, stride: int) -> Clip:
    """Every `stride`-th frame. A last frame that is none of them is extrapolated to the next one."""
    translation, rotations = clip.translation[::stride], clip.rotations[::stride]
    beyond = -(clip.frames - 1) % stride
    if beyond:
        last, before = clip.translation[-1], clip.translation[-2]
        turned = rot.slerp(clip.rotations[-2], clip.rotations[-1], np.full(clip.rotations.shape[1], 1.0 + beyond))
        translation = np.concatenate([translation, (last + beyond * (last - before))[None]])
        rotations = np.concatenate([rotations, turned[None]])
    return Clip(clip.fps / stride, translation, rotations, clip.skeleton)


def _largest_nearby(weights: FloatArray, stride: int, count: int) -> FloatArray:
    """(J, count) largest of weights (J, N) up to `stride` frames from each searched frame."""
    padded = np.pad(weights, ((0, 0), (stride, stride * count - weights.shape[1])), mode="edge")
    between: FloatArray = padded.reshape(len(weights), count + 1, stride).max(axis=2)
    at = weights[:, np.minimum(np.arange(count) * stride, weights.shape[1] - 1)]
    return np.maximum(np.maximum(between[:, :-1], between[:, 1:]), at)


def _on_all_frames(target: FitTarget, searched: SplineFit, stride: int) -> SplineFit:
    """The curves of a fit to every `stride`-th frame, measured on all frames and cut at the last one."""
    frames, count = target.frames, searched.segments.keyed.shape[1]
    last = searched.segments.last
    nodes = searched.nodes * np.array([1.0, 1.0 / stride]).reshape(2, 1, 1)
    at = stride * (searched.segments.knots % count)
    end = np.flatnonzero(last)
    begin = end - 1
    length = (at[end] - at[begin]).astype(np.float64)
    u = (frames - 1 - at[begin]) / length
    v = 1.0 - u
    (left, left_slope), (right, right_slope) = nodes[..., begin], nodes[..., end]
    value = (1.0 + 2.0 * u) * v * v * left + u * u * (3.0 - 2.0 * u) * right
    value += length * u * v * (v * left_slope - u * right_slope)
    slope = 6.0 * u * v / length * (right - left) + v * (v - 2.0 * u) * left_slope + u * (u - 2.0 * v) * right_slope
    nodes[0][:, end], nodes[1][:, end] = value, slope
    keyed = np.zeros((target.tracks, frames), bool)
    keyed[searched.segments.track, np.minimum(at, frames - 1)] = True
    return SplineFit.measured(target, Segments.at(keyed), nodes, searched.weights)


def _fitted_to_all(target: FitTarget, searched: SplineFit, stride: int) -> SplineFit:
    """The fit to all frames with the key times of a fit to every `stride`-th frame, within the tolerance."""
    frames, found = target.frames, searched.segments.keyed
    keyed = np.zeros((target.tracks, frames), bool)
    track, frame = np.nonzero(found)
    keyed[track, np.minimum(stride * frame, frames - 1)] = True
    weights = searched.weights.reshape(found.shape).repeat(stride, axis=1)
    fit = SplineFit.of(target, keyed, weights[:, :frames].ravel())
    for _ in range(REWEIGHTS):
        if fit.within:
            break
        fit = SplineFit.of(target, keyed, reweight(target, fit))
    return refitted(target, fit)
