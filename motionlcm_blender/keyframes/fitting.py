"""Key fitting: few editable keys for a dense clip, with every joint within a tolerance in millimetres.

Each property (a bone's rotation, the root's location) gets its own key times; between keys all of its channels are
cubic polynomials in time, smooth at the keys (`BezierKeys`). For given times the values and slopes at the keys solve a
weighted linear least-squares problem, for all properties at once. The times are searched:

- Where a joint is too far from the dense clip, the bone above it with the largest part in the error gets a key.
- A key is removed if, after its neighbours are refitted, all joints that the bone moves stay within the tolerance; the
  least needed key first.
- Frames with a large error get a larger weight in the next fit, which levels the error and lets more keys be removed
  (Lawson's algorithm for minimax approximation).

The tolerance is not divided among bones in advance: each frame's remaining budget is available to every bone. During
the search, the effect of a bone's rotation on the joints that it moves is linearised; the final result is measured by
forward kinematics of the evaluated curves. A key on every frame reproduces the clip, so a solution always exists.

Metres, Y up. In this module bones are in depth-first order, so that the bones below a bone are one slice; track 0 is
the root's location and track 1 + b the rotation of bone b. "Samples" are the frames of all tracks, one track after the
other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..errors import InvalidRequest
from ..motion.motion import Clip
from ..motion.resampling import resample
from .fit_target import FitTarget, squared_length
from .key_removal import cross, removable_keys
from .keys import ROTATION_MODES, BezierKeys, SparseKeys
from .spline_fit import SplineFit, sum_of_squares

_FIRST_SPACING = 0.35
"""Seconds between keys at the start of the search."""
SEARCH_FPS = 60.0
"""Frames per second at which key times are searched. Motions are generated at 20 frames per second, so more frames show
nothing new; the result is fitted to all frames and measured on all of them."""
SEARCH_TOLERANCE = 0.95
"""Part of the tolerance that the search on fewer frames uses, so that the frames between stay within it."""
LARGEST_STRIDE = 5
"""Frames per frame of the next coarser level. With more, many frames are beyond the tolerance at the finer level, and
keys are added to it one by one: 9.5 s at 480 frames per second took three times as long."""
REWEIGHTS = 4
"""Fits to all frames with other weights, before keys are added."""
_ROUNDS = 4
"""Rounds of the search. Seven leave an eighth fewer keys than four and take twice as long."""
BLAME_THRESHOLD = 0.7
"""A bone gets a key where its part in a joint's error is at least this fraction of the largest part."""


def fit_keys(
    clip: Clip,
    tolerance_mm: float = 10.0,
    first_frame: float = 1.0,
    scene_fps: float | None = None,
    rotation_mode: str | Sequence[str] = "QUATERNION",
    axes: tuple[FloatArray, FloatArray] | None = None,
    loops: bool = False,
) -> SparseKeys:
    """Fit few keys with free Bezier handles whose motion keeps every joint within a tolerance of the clip.

    Args:
        clip: The clip.
        tolerance_mm: Largest distance, millimetres, of any joint (and of any point 10 cm from a bone, relative to its
            parent) from the motion of `dense_keys`, on any scene frame; a quarter of it for joints of a resting foot.
        first_frame: Scene frame of the clip's first frame. The first and the last frame always get keys.
        scene_fps: Frame rate of the scene, to which the clip is resampled; None: the clip's own.
        rotation_mode: "QUATERNION" or "XYZ" (Blender's order, first about X; unwrapped), of all bones or of each.
        axes: Outer and inner, (J, 4) unit quaternions: the channels of bone b are those of outer[b] * rotation *
            inner[b], its rotation in the axes of its pose bone. None: the engine's axes.
        loops: Whether the clip is a loop (`loops.looped`); then both end keys are the clip's with equal slopes.

    Returns:
        The keys.

    Raises:
        InvalidRequest: An argument is invalid, or the clip is empty or has a number that is not finite.
    """
    if not (math.isfinite(tolerance_mm) and tolerance_mm > 0):
        raise InvalidRequest("The tolerance of the keys must be a positive number of millimetres.")
    if not math.isfinite(first_frame):
        raise InvalidRequest("The first frame must be a finite number.")
    modes = (rotation_mode,) * len(clip.skeleton.names) if isinstance(rotation_mode, str) else tuple(rotation_mode)
    if len(modes) != len(clip.skeleton.names) or not set(modes) <= set(ROTATION_MODES):
        raise InvalidRequest(f"Keys can be fitted in the rotation modes {' and '.join(ROTATION_MODES)} only.")
    if clip.frames < 1:
        raise InvalidRequest("The clip has no frames to set keys on.")
    if not (np.isfinite(clip.translation).all() and np.isfinite(clip.rotations).all()):
        raise InvalidRequest("The clip holds a number that is not finite.")
    if scene_fps is not None and scene_fps != clip.fps:
        clip = resample(clip, scene_fps)
    target = FitTarget.of(clip, tolerance_mm / 1000.0, modes, axes, loops and clip.frames > 2)
    fit = _fit_of(clip, target, modes, axes)
    knots, nodes = fit.segments.knots, fit.nodes
    tracks = []
    for track in range(target.tracks):
        mine = fit.segments.track == track
        channels = 3 if track == 0 or target.euler[track - 1] else 4
        times = first_frame + (knots[mine] % target.frames).astype(np.float64)
        tracks.append(BezierKeys.from_slopes(times, nodes[mine, 0, :channels], nodes[mine, 1, :channels]))
    rotations = [tracks[1 + int(place)] for place in np.argsort(target.rig.order)]
    return SparseKeys(
        location=tracks[0],
        rotations=tuple(rotations),
        names=clip.skeleton.names,
        rotation_modes=modes,
        frames=target.frames,
        fps=clip.fps,
        max_error_mm=float(np.sqrt(squared_length(fit.error).max()) * 1000.0),
    )


def _fit_of(
    clip: Clip,
    target: FitTarget,
    modes: tuple[str, ...],
    axes: tuple[FloatArray, FloatArray] | None,
) -> SplineFit:
    """The fit of a clip; at a high frame rate, key times are searched on fewer frames, and refined level by level."""
    stride = int(clip.fps // SEARCH_FPS)
    if stride > LARGEST_STRIDE:
        stride = 4
    if stride < 2 or clip.frames <= 2 * stride:
        return _fewest_keys(target)
    coarse = Clip(clip.fps / stride, clip.translation[::stride], clip.rotations[::stride], clip.skeleton)
    searched = _fit_of(
        coarse, FitTarget.of(coarse, SEARCH_TOLERANCE * target.tolerance, modes, axes, False), modes, axes
    )
    return _at_every_frame(target, searched, stride)


def _fewest_keys(target: FitTarget) -> SplineFit:
    """The fit within the tolerance with the fewest keys that the search finds."""
    # 1. Start from evenly spaced keys.
    fit = SplineFit.of(target, _first_keys(target), np.ones(target.channels.shape[0]))
    best: SplineFit | None = None
    # 2. Rounds: remove keys, add keys where the tolerance is exceeded, increase the weights of large errors (Lawson).
    for _ in range(_ROUNDS):
        if fit.within and (best is None or fit.count < best.count):
            best = fit
        keyed = fit.segments.keyed & ~removable_keys(target, fit)
        if not fit.within:
            keyed |= keys_to_add(target, fit)
        fit = SplineFit.of(target, keyed, reweight(target, fit))
    # 3. Only add keys until the fit is within the tolerance.
    fit = _repaired(target, fit)
    return fit if best is None or (fit.within and fit.count < best.count) else best


def _at_every_frame(target: FitTarget, searched: SplineFit, stride: int) -> SplineFit:
    """The fit to all frames with the key times of a fit to every `stride`-th frame, within the tolerance."""
    frames, found = target.frames, searched.segments.keyed
    keyed = np.zeros((target.tracks, frames), bool)
    keyed[:, : stride * found.shape[1] : stride] = found
    if (frames - 1) % stride:  # the key of the last searched frame moves to the last frame
        keyed[:, stride * (found.shape[1] - 1)] = False
    keyed[:, -1] = True
    weights = searched.weights.reshape(found.shape).repeat(stride, axis=1)
    missing = max(0, frames - weights.shape[1])
    weights = np.pad(weights, ((0, 0), (0, missing)), mode="edge")[:, :frames]
    fit = SplineFit.of(target, keyed, weights.ravel())
    for _ in range(REWEIGHTS):
        if fit.within:
            break
        fit = SplineFit.of(target, keyed, reweight(target, fit))
    return _repaired(target, fit)


def _repaired(target: FitTarget, fit: SplineFit) -> SplineFit:
    """Add keys until the fit is within the tolerance; with a key on every frame it equals the clip."""
    while not fit.within:
        missing = keys_to_add(target, fit)
        if not (missing & ~fit.segments.keyed).any():
            break  # keys on every frame with an error: the rest is rounding
        fit = SplineFit.of(target, fit.segments.keyed | missing, reweight(target, fit))
    return fit


def _first_keys(target: FitTarget) -> BoolArray:
    """(B, N) bool: evenly spaced keys, each moved to a priority frame near it; two keys for tracks without motion."""
    frames = target.frames
    keyed = np.zeros((target.tracks, frames), bool)
    spacing = max(2, round(_FIRST_SPACING * target.fps))
    channels = target.channels.reshape(target.tracks, frames, 4)
    moves = np.ptp(channels, axis=1).max(axis=-1) > 1e-3 * target.tolerance
    keyed[moves, ::spacing] = True
    shift = max(1, spacing // 3)
    for by in [s for distance in range(1, shift + 1) for s in (-distance, distance)]:
        here = keyed & ~target.key_priority
        there = np.roll(target.key_priority, -by, axis=1)
        go = here & there & ~np.roll(keyed, -by, axis=1)
        keyed ^= go
        keyed |= np.roll(go, by, axis=1)
    keyed[:, [0, -1]] = True
    return keyed


def keys_to_add(target: FitTarget, fit: SplineFit) -> BoolArray:
    """Choose frames to key, at most one in each segment, where the tolerance is exceeded.

    Of the bones above a joint with too large an error, those whose own error moves the joint most get a key. If all of
    them have a key there already, the neighbouring frames are keyed as well, which makes the curve exact.

    Args:
        target: The clip to reproduce.
        fit: The current fit.

    Returns:
        (B, N) bool.
    """
    rig, limit = target.rig, target.tolerance**2
    bones, joints = rig.pairs
    far = fit.squared > limit
    blame = np.zeros((target.tracks, target.frames))
    at = np.flatnonzero(far.any(axis=0))
    if len(at):
        error, here = np.moveaxis(fit.error[:, at], -1, 0), far[:, at]
        position = np.moveaxis(target.position[:, at], -1, 0)
        direction = error / np.sqrt(np.maximum(sum_of_squares(error), 1e-30))
        swing = cross(fit.rotation_error[:, :, at][:, bones], position[:, joints] - position[:, bones])
        error_part = (swing * direction[:, joints]).sum(axis=0)
        moved = (error[:, :1] * direction).sum(axis=0)
        most = moved.copy()
        np.maximum.at(most, joints, error_part)
        blame[0, at] = (here & (moved >= BLAME_THRESHOLD * most)).any(axis=0)
        blame[1:, at] = rig.most_of_pairs((here[joints] & (error_part >= BLAME_THRESHOLD * most[joints])).astype(float))
    blame[1:] = np.maximum(blame[1:], fit.squared_rotation_error > limit)
    size = np.concatenate([np.sqrt(fit.squared[:1]), np.sqrt(fit.squared_rotation_error)]) + 1e-30
    score = np.where(fit.segments.keyed, 0.0, blame * size * np.where(target.key_priority, 1.5, 1.0)).ravel()
    highest = np.flatnonzero((score > 0.0) & (score == np.maximum.reduceat(score, fit.segments.knots)[fit.segments.of]))
    highest = highest[np.unique(fit.segments.of[highest], return_index=True)[1]]
    missing = np.zeros(blame.size, bool)
    missing[highest] = True
    missing = missing.reshape(blame.shape)
    if not len(highest):
        missing[0] = far.any(axis=0)
        missing[1:] = rig.most_of_pairs(far[joints].astype(float)) > 0.0
        missing[1:] |= fit.squared_rotation_error > limit
        missing[:, 1:] |= missing[:, :-1].copy()
        missing[:, :-1] |= missing[:, 1:].copy()
    return missing


def reweight(target: FitTarget, fit: SplineFit) -> FloatArray:
    """Compute the sample weights of the next fit: larger where a joint that the track moves has a larger error.

    Args:
        target: The clip to reproduce.
        fit: The current fit.

    Returns:
        (B * N,) weights.
    """
    most = np.empty((target.tracks, target.frames))
    most[0] = fit.squared.max(axis=0)
    most[1:] = np.maximum(target.rig.most_of_pairs(fit.squared[target.rig.pairs[1]]), fit.squared_rotation_error)
    most = np.sqrt(most) / target.tolerance
    most[:, 1:-1] = np.maximum(most[:, 1:-1], 0.7 * np.maximum(most[:, :-2], most[:, 2:]))
    weights = fit.weights.reshape(most.shape) * (0.1 + most)
    weights /= weights.mean(axis=1, keepdims=True)
    return np.clip(weights, 0.02, 50.0).ravel()
