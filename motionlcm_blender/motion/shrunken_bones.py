"""Directions of bones that a network has shrunk: short bones point nowhere for sure.

A network that is unsure of a fast arm puts its joints at the mean of the possible places, so the bones get short, and
a short bone turns by large angles from frame to frame. Given its full length again, its end would jump. The direction
of such a bone is taken from the frames around it: bones are averaged as vectors, so longer, surer ones count more.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from .skeleton import HUMANML, JOINT_COUNT, JOINTS, PARENTS, Skeleton
from .smoothing import smoothstep

SHORT = (0.6, 0.2)
"""Shares of a bone's length above which its own direction counts alone, and below which only that of all around it.

Bones a little short are left as they are: on captions of test clips the elbows then accelerate as captured ones do
(99th percentiles, mean over takes: 57 rad/s2, captured 56), and wrists keep more of their speed than with (0.95, 0.45),
which leaves the elbows 42 rad/s2.
"""
WIDTHS = (1.0, 2.0, 4.0)
"""Frames, standard deviations of the means over time; the narrowest is taken in which a bone is not short."""
TURNS_OVER, TURN_SIGMA = (0.2, 0.6), 2.5
"""Shares of the full length between which even a mean bone is too short to point, and frames over which it turns."""
STEADIED = tuple(JOINTS.index(f"{side}_{part}") for side in "lr" for part in ("shoulder", "elbow", "wrist", "foot"))


def steady_short_bones(joints: FloatArray, skeleton: Skeleton = HUMANML) -> FloatArray:
    """Turn shrunken arm and foot bones to the direction that they have over the frames around.

    Args:
        joints: (T, 22, 3) metres.
        skeleton: Source of the full bone lengths.

    Returns:
        (T, 22, 3) float64; each bone keeps its length, other bones keep their direction.
    """
    joints = np.asarray(joints, np.float64)
    if len(joints) < 3:
        return joints
    bones = joints[:, 1:] - joints[:, list(PARENTS[1:])]
    full = skeleton.bone_lengths[:JOINT_COUNT]
    length = np.sqrt(np.einsum("tjc,tjc->tj", bones, bones))
    short = [joint for joint in STEADIED if length[:, joint - 1].min() < SHORT[0] * full[joint]]
    if short:
        at = np.array(short) - 1
        steady = _steadied(bones[:, at], full[short][:, None])
        size = _lengths(steady)
        bones[:, at] = np.where(size > 1e-9, steady * length[:, at, None] / np.maximum(size, 1e-9), bones[:, at])
    result = joints.copy()
    for joint in range(1, JOINT_COUNT):
        result[:, joint] = result[:, PARENTS[joint]] + bones[:, joint - 1]
    return result


def _steadied(bones: FloatArray, full: FloatArray) -> FloatArray:
    """(T, n, 3) bones with each wider mean over time mixed in where all narrower ones are short.

    full: (n, 1) metres, full lengths.
    """
    result = bones.copy()
    for width in WIDTHS:
        unsure = 1.0 - smoothstep(_lengths(result) / full, SHORT[1], SHORT[0])
        result = (1.0 - unsure) * result + unsure * _mean(bones, width)
    # Where the mean itself is short, the bone turns over: its direction is spread over some frames.
    size = _lengths(result)
    turns_over = _mean(1.0 - smoothstep(size / full, *TURNS_OVER), TURN_SIGMA)
    turns_over = np.minimum(2.0 * turns_over, 1.0)
    direction = result / np.maximum(size, 1e-9)
    mixed: FloatArray = (1.0 - turns_over) * direction + turns_over * _mean(direction, TURN_SIGMA)
    return mixed


def _lengths(bones: FloatArray) -> FloatArray:
    """(T, n, 1) lengths of bones (T, n, 3)."""
    result: FloatArray = np.sqrt(np.einsum("tjc,tjc->tj", bones, bones))[..., None]
    return result


def _mean(values: FloatArray, sigma: float) -> FloatArray:
    """Gaussian mean over time of (T, ...); the end values are repeated beyond the ends."""
    frames, reach = len(values), int(3.0 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate([values[:1].repeat(reach, axis=0), values, values[-1:].repeat(reach, axis=0)])
    result = np.zeros_like(values)
    for shift, share in enumerate(kernel / kernel.sum()):
        result += share * padded[shift : shift + frames]
    return result
