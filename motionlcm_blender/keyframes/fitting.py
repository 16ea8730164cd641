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

from ..array_types import FloatArray
from ..errors import InvalidRequest
from ..motion.motion import Clip
from ..motion.resampling import resample
from .components import sum_of_squares
from .fit_target import FitTarget, Sampling
from .high_rates import fit_every_frame, search_stride
from .key_search import fewest_keys
from .keys import ROTATION_MODES, BezierKeys, SparseKeys
from .spline_fit import SplineFit


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
    sampling = Sampling(tolerance_mm / 1000.0, modes, axes, loops and clip.frames > 2)
    target = sampling.target(clip)
    stride = search_stride(clip, sampling.loops)
    fit = fewest_keys(target) if stride < 2 else fit_every_frame(clip, target, sampling, stride)
    tracks = _bezier_keys(target, fit, first_frame)
    rotations = [tracks[1 + int(place)] for place in np.argsort(target.rig.order)]
    return SparseKeys(
        location=tracks[0],
        rotations=tuple(rotations),
        names=clip.skeleton.names,
        rotation_modes=modes,
        frames=target.frames,
        fps=clip.fps,
        max_error_mm=float(np.sqrt(sum_of_squares(fit.error).max()) * 1000.0),
    )


def _bezier_keys(target: FitTarget, fit: SplineFit, first_frame: float) -> list[BezierKeys]:
    """The keys of each track."""
    segments = fit.segments
    values, slopes = (part.T for part in fit.nodes)
    times = first_frame + (segments.knots % target.frames).astype(np.float64)
    channels = [3, *np.where(target.euler, 3, 4).tolist()]
    return BezierKeys.of_tracks(times, values, slopes, np.flatnonzero(segments.first), channels)
