"""The drawn path as the network sees it: straight, with the progress of the drawn one.

A network that was trained on little captured walking along curves follows a curve badly: the figure looks elsewhere,
and its arms stop swinging. It walks well along a line. So the network is shown the path straightened, in the direction
in which the prompt travels, and the post-processing bends the result (`postprocess.path_following`).

Everything that is given at a place (pins, an end pose) is moved with the path: its position relative to the path's
point and direction on its frame stays.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..motion.skeleton import FPS
from ..motion.smoothing import smooth
from ..postprocess.headings import path_headings
from ..text.travel_direction import travel_direction
from .request import Hints, Request

SHORTEST = 0.5
"""Metres: a shorter path is shown as it is drawn."""
_CORNER_SIGMA = 2.0
"""Frames over which corners are rounded before the progress along the path is measured."""


def straightened_path(request: Request) -> FloatArray | None:
    """Compute the straight path that the network is shown.

    Args:
        request: A request with a path on the floor; with a start, the path begins with the start's own positions.

    Returns:
        (T, 2) metres, x and z of the pelvis in the frame of the network's motion; None: the request has no path, or
        one too short to have a direction.
    """
    path = None if request.hints is None else request.hints.root_xz
    if path is None:
        return None
    return _straight(request, np.asarray(path, np.float64))


def straightened_hints(request: Request) -> Hints | None:
    """Compute the hints that the network is shown: those of the request, with the path straightened.

    A position with x or z alone keeps its height only, because one coordinate cannot be rotated with the path.

    Args:
        request: The request.

    Returns:
        The hints in the frame of the network's motion, including start and end; None if there are none.
    """
    hints = request.all_hints
    straight = straightened_path(request)
    if hints is None or straight is None or request.hints is None or request.hints.root_xz is None:
        return hints
    path = np.asarray(request.hints.root_xz, np.float64)
    first = _first_frame(request)
    drawn, shown = path_headings(path), path_headings(straight)
    turn = (shown - drawn)[first:]
    positions, mask = hints.positions.astype(np.float64), hints.mask.copy()
    both = mask[first:, :, 0] & mask[first:, :, 2]
    mask[first:, :, 0] = mask[first:, :, 2] = both
    offset = positions[first:, :, [0, 2]] - path[first:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = cos * offset[..., 0] + sin * offset[..., 1]
    z = cos * offset[..., 1] - sin * offset[..., 0]
    positions[first:, :, 0] = x + straight[first:, None, 0]
    positions[first:, :, 2] = z + straight[first:, None, 1]
    return Hints(np.where(mask, positions, 0.0).astype(np.float32), mask)


def _first_frame(request: Request) -> int:
    """First frame of the straight part: the frames of a start are shown as they are."""
    return 0 if request.start is None else request.start.frames - 1


def _straight(request: Request, path: FloatArray) -> FloatArray | None:
    first = _first_frame(request)
    rounded = smooth(path[first:], _CORNER_SIGMA) if len(path) - first > 4 else path[first:]
    steps = np.linalg.norm(np.diff(rounded, axis=0), axis=-1)
    if steps.sum() < max(SHORTEST, 0.05 * len(path) / FPS):
        return None
    if request.start is None:
        heading = travel_direction(request.prompt)
    else:
        heading = float(path_headings(path)[min(first + 2, len(path) - 1)])
    along = np.concatenate([[0.0], np.cumsum(steps)])
    straight = path.copy()
    straight[first:] = path[first] + along[:, None] * np.array([np.sin(heading), np.cos(heading)])
    return straight
