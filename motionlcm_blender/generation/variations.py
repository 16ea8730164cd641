"""Variations of takes: towards another seed, mirrored, faster or slower."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeVar

import numpy as np

from ..array_types import FloatArray
from ..motion.head_hands import mirrored_rotations
from ..motion.motion import Motion
from ..motion.skeleton import MIRROR
from .request import Hints, Request

AnyMotion = TypeVar("AnyMotion", bound=Motion)


def another_take(request: Request, take: int) -> Request:
    """Request of one take alone: the take is added to its seed, or to that of the last blend."""
    if not request.blends:
        return replace(request, seed=request.seed + take, takes=1)
    last = replace(request.blends[-1], towards=request.blends[-1].towards + take)
    return replace(request, blends=(*request.blends[:-1], last), takes=1)


def blended(own: FloatArray, other: FloatArray, weight: float) -> FloatArray:
    """Interpolate two samples of unit normal noise on the arc, so that the result is unit normal noise.

    Args:
        own: Noise at weight 0, any shape.
        other: Noise at weight 1, of the same shape.
        weight: 0..1.

    Returns:
        Noise of the same shape.
    """
    angle = 0.5 * math.pi * weight
    mixed: FloatArray = (math.cos(angle) * own + math.sin(angle) * other).astype(own.dtype)
    return mixed


def mirrored_joints(joints: FloatArray) -> FloatArray:
    """Swap left and right at the plane x = 0; (..., 22, 3)."""
    swapped: FloatArray = joints[..., list(MIRROR), :] * np.array([-1.0, 1.0, 1.0], joints.dtype)
    return swapped


def mirrored_motion(motion: AnyMotion) -> AnyMotion:
    """Swap left and right of a motion; its `request` stays."""
    contacts = motion.contacts[:, [2, 3, 0, 1]]
    rotations = None if motion.head_hands is None else mirrored_rotations(motion.head_hands)
    return replace(motion, joints=mirrored_joints(motion.joints), contacts=contacts, head_hands=rotations)


def mirrored_request(request: Request) -> Request:
    """Mirror a request, so that its motions, mirrored, are those of `request`."""
    hints = request.hints
    if hints is not None:
        hints = replace(hints, positions=mirrored_joints(hints.positions), mask=hints.mask[:, list(MIRROR)])
    facing = None if request.facing is None else -np.asarray(request.facing, np.float64)
    start = None if request.start is None else mirrored_motion(request.start)
    end = None if request.end is None else mirrored_motion(request.end)
    return replace(request, mirror=False, hints=hints, facing=facing, start=start, end=end)


def faster(request: Request, speed: float) -> Request:
    """Request whose motion is `speed` times as fast, in fewer frames; slower below 1.

    Args:
        request: The request.
        speed: Factor on its speed.

    Returns:
        The faster request.

    Raises:
        InvalidRequest: The motion gets too short or long, or has a start or an end, which cannot be retimed.
    """
    frames = max(1, round((request.frames - 1) / speed) + 1)
    return _resampled(request, frames, request.speed * speed)


def retimed_request(request: Request) -> Request:
    """Request for the frames that a motion of `request` with another speed is resampled from.

    Path, pins and facing are resampled to the same times. A start cannot be retimed.
    """
    return _resampled(request, round((request.frames - 1) * request.speed) + 1, 1.0)


def _resampled(request: Request, frames: int, speed: float) -> Request:
    """The request with another number of frames; path, pins and facing are resampled to them."""
    at = np.linspace(0.0, request.frames - 1.0, frames)
    hints = None if request.hints is None else _hints_at(request.hints, at)
    facing = None
    if request.facing is not None:
        facing = np.interp(at, np.arange(request.frames), np.unwrap(np.asarray(request.facing, np.float64)))
    return replace(request, frames=frames, speed=speed, hints=hints, facing=facing)


def _hints_at(hints: Hints, at: FloatArray) -> Hints:
    """Hints at fractional frames `at` (K,): interpolated between two given positions, else the nearest one."""
    low = np.minimum(at.astype(int), hints.frames - 1)
    high = np.minimum(low + 1, hints.frames - 1)
    part = (at - low)[:, None, None]
    nearest = np.rint(at).astype(int)
    both = hints.mask[low] & hints.mask[high]
    between = (1.0 - part) * hints.positions[low] + part * hints.positions[high]
    mask = hints.mask[nearest].copy()
    kept = np.rint(np.interp(np.arange(hints.frames), at, np.arange(len(at)))).astype(int)
    positions = np.where(both, between, hints.positions[nearest])
    for frame in np.flatnonzero(hints.mask.any((1, 2))):  # played faster, a pin of a single frame must not be lost
        fresh = hints.mask[frame] & ~mask[kept[frame]]
        positions[kept[frame]][fresh], mask[kept[frame]] = hints.positions[frame][fresh], mask[kept[frame]] | fresh
    return replace(hints, positions=positions.astype(np.float32), mask=mask)
