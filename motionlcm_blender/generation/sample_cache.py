"""Walks that were sampled without their path, kept for requests that differ in their path alone.

A walk on a path is sampled without the path (`path_gait`). While the path is dragged, prompt, seed and length stay, so
the network would sample the same walk again for each state of the path, and long motion would be stitched again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

MOST_WALKS = 4
"""Number of walks that are kept; one of a minute takes 0.8 MB."""

W = TypeVar("W")


class SampleCache:
    """Walks by their request without a path. The least recently used ones are dropped."""

    def __init__(self, most: int = MOST_WALKS) -> None:
        """Make an empty cache.

        Args:
            most: Number of walks that are kept.
        """
        self._most = most
        self._walks: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], W]) -> W:
        """Return a walk, made at the first use.

        Args:
            key: The request, equal for equal walks.
            make: Makes the walk; nobody may change its arrays.

        Returns:
            The walk.
        """
        if key not in self._walks:
            self._walks[key] = make()
            if len(self._walks) > self._most:
                self._walks.popitem(last=False)
        self._walks.move_to_end(key)
        walk: W = self._walks[key]
        return walk
