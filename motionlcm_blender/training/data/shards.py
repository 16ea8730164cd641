"""Training data made in parts, each in a process of its own.

A part has a random generator of its own, so the result depends on the number of parts and not on the number of cores.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from .motion_data import MotionData

T = TypeVar("T")
_makers: list[Callable[[int], Any]] = []
"""What the processes call; they inherit it, so it needs no pickling."""


def part_of(data: MotionData, shard: int, shards: int) -> MotionData:
    """Every so many-th clip with its segments.

    Args:
        data: Captured motion with captions.
        shard: Number of the part, from 0.
        shards: Number of parts.

    Returns:
        The part.
    """
    names = list(data.clips)[shard::shards]
    chosen = set(names)
    return MotionData(
        {name: data.clips[name] for name in names},
        tuple(segment for segment in data.segments if segment.clip in chosen),
        data.test,
        {name: turns for name, turns in data.head_hands.items() if name in chosen},
        data.coarse,
    )


def made_in_processes(make: Callable[[int], T], shards: int) -> list[T]:
    """make(0) to make(shards - 1), at once on as many cores as there are.

    Where processes cannot be forked (Windows; macOS, where forks of a process with threads are unsafe), one after the
    other in this process.

    Args:
        make: Called with the number of a part. What it returns must be picklable.
        shards: Number of parts.

    Returns:
        The results in order.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    if min(cores, shards) == 1:
        return [make(shard) for shard in range(shards)]
    _makers.append(make)
    try:
        with ProcessPoolExecutor(min(cores, shards), multiprocessing.get_context("fork")) as processes:
            return list(processes.map(_call, range(shards)))
    finally:
        _makers.pop()


def _call(shard: int) -> Any:
    return _makers[-1](shard)
