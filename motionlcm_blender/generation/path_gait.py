"""Walks and runs on a path: sampled without the path, and played so that their steps fit its speed.

A network that is shown a path walks at a cadence of its own, hesitates, and hardly swings its arms. Without a path it
walks as it was trained to. A walk needs nothing of a path but its speed, which `postprocess.gait_fitting` gives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from ..motion.step_measures import captured_steps_per_minute
from ..postprocess.gait_fitting import is_steady, path_speed
from ..text.gait import is_run, is_walk
from ..text.travel_direction import FORWARD, travel_direction
from .request import Request

LONGER = 1.25
"""Frames to sample for each frame of the path: people may step faster than the network."""


def cadence_of(request: Request) -> Callable[[float], float] | None:
    """Steps a minute of captured motion by speed, m/s, for a request whose walk or run follows a path.

    Args:
        request: The request.

    Returns:
        The function; None: the prompt names neither or does not travel forward, the path stops on its way, or pins or
        an end are met at given times.
    """
    hints = request.hints
    if hints is None or hints.root_xz is None or hints.pins is not None:
        return None
    if request.end is not None or request.refine or request.speed != 1.0:
        return None
    text = request.caption or request.prompt
    walks, runs = is_walk(text), is_run(text)
    if not (walks or runs) or travel_direction(text) != FORWARD:
        return None
    begin = 0 if request.start is None else request.start.frames - 1
    path = np.asarray(hints.root_xz, np.float64)[begin:]
    if len(path) < 8 or not is_steady(path_speed(path)):
        return None
    return partial(captured_steps_per_minute, runs=runs)


def without_path(request: Request, longest: int) -> Request:
    """The request that the network gets for a walk on a path.

    Args:
        request: A request with a `cadence_of`.
        longest: Largest number of frames that the model samples at a time.
    """
    frames = max(request.frames, min(longest, int(np.ceil(LONGER * request.frames))))
    return replace(free_walk(request), frames=frames)


def free_walk(request: Request) -> Request:
    """A request without its path and facing. The caption does not scale its noise, because the path sets the speed."""
    return replace(request, hints=None, facing=None, caption_liveliness=False)
