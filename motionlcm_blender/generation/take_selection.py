"""Takes worth choosing among: of more samples than takes, those that differ most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..array_types import FloatArray
from ..motion.visible_measures import body_speeds
from ..text.motion_kinds import captured_body_speed
from .request import LIVELIEST, TAMEST, Request
from .variations import another_take

EXTRA = 4
"""Samples for each take."""
LIVELINESS = (1.0, 1.2, 1.35)
"""Factors on the noise of one sample after the other."""
TOO_LIVELY = 1.4
"""A sample is left out if its body moves faster than captured motion, or than the other samples, by this factor."""
MOST_SAMPLES = 32
"""Samples of one batch."""
_STEP = 4
"""Frames between the frames that are compared."""
_TRAVEL = 0.5
"""Weight of a metre of travel over the floor beside a metre between joints."""


def sample_count(takes: int) -> int:
    """Number of samples to draw for a number of takes; a single take is the sample of its seed."""
    return takes if takes < 2 else max(takes, min(EXTRA * takes, MOST_SAMPLES))


def samples_of(request: Request, caption_factor: float = 1.0) -> list[Request]:
    """Requests of the single takes from which those of a request are chosen.

    The first is the take of the request's own seed. The others have the seeds after it and, one after the other, more
    noise: a network that was trained on few motions of a kind makes these motions alike and tame.

    Args:
        request: A request for any number of takes.
        caption_factor: The factor on the noise of all samples that comes from the caption (`caption_liveliness`). The
            noise of a sample after the first is the larger one of its own factor and the caption's, so that takes of
            quiet captions differ too and takes of lively captions do not become wild.
    """
    if request.blends:
        return [another_take(request, k) for k in range(request.takes)]
    count = sample_count(request.takes)
    # The noise of a sample is the product of both factors; that of the first is the caption's alone.
    own = [LIVELINESS[k % len(LIVELINESS)] for k in range(count)]
    factors = [max(factor, caption_factor) / caption_factor if k else 1.0 for k, factor in enumerate(own)]
    return [
        replace(another_take(request, k), liveliness=min(max(request.liveliness * factor, TAMEST), LIVELIEST))
        for k, factor in enumerate(factors)
    ]


def chosen_takes(request: Request, joints: FloatArray) -> list[int]:
    """Choose the takes of a request: those that differ most among the samples that do not move too much.

    Args:
        request: The request.
        joints: (samples, T, 22, 3) metres, Y up, each in its own first frame's frame, in the order of `samples_of`.

    Returns:
        Indices of the chosen samples, rising; always with 0.
    """
    speeds = np.array([body_speeds(each).mean() for each in joints])
    usual = np.median(speeds if request.blends else speeds[:: len(LIVELINESS)])  # samples with the least noise
    most = TOO_LIVELY * max(float(usual), captured_body_speed(request.prompt) or 0.0)
    fits = np.flatnonzero((speeds <= most) | (np.arange(len(speeds)) == 0))
    if len(fits) < request.takes:
        fits = np.sort(np.argsort(np.where(np.arange(len(speeds)) == 0, 0.0, speeds), kind="stable")[: request.takes])
    return [int(fits[k]) for k in most_different(np.asarray(joints)[fits], request.takes)]


def most_different(joints: FloatArray, count: int) -> list[int]:
    """Choose takes that differ: the first, then again and again the one that is farthest from those chosen.

    Greedy farthest-point selection (Gonzalez 1985).

    Args:
        joints: (samples, T, 22, 3) metres, Y up, each in its own first frame's frame.
        count: Number of takes, at most the number of samples.

    Returns:
        Indices of the chosen samples, rising; always with 0.
    """
    shown = np.asarray(joints, np.float64)[:, ::_STEP]
    local = shown - shown[:, :, :1] * (1.0, 0.0, 1.0)
    travel = shown[:, :, 0, [0, 2]]
    chosen = [0]
    nearest = np.full(len(shown), np.inf)
    while len(chosen) < count:
        apart = np.linalg.norm(local - local[chosen[-1]], axis=-1).mean((1, 2))
        apart += _TRAVEL * np.linalg.norm(travel - travel[chosen[-1]], axis=-1).mean(1)
        nearest = np.minimum(nearest, apart)
        nearest[chosen] = -1.0
        chosen.append(int(nearest.argmax()))
    return sorted(chosen)
