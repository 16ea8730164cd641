"""What was sampled without hints, kept for requests that differ in their path alone.

A walk on a path is sampled without the path (`path_gait`). While the path is dragged, prompt, seed and length stay, so
the network would sample the same features again for each state of the path, and long motion would be stitched again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from ..array_types import FloatArray

MOST_BYTES = 16 * 2**20
"""Bytes of features that are kept: ten seconds take 0.2 MB, a minute in segments of four candidates each about 6 MB."""


MOST_WALKS = 4
"""Number of walks that are kept; one of a minute takes 0.8 MB."""

W = TypeVar("W")


class SampleCache:
    """Features by the input of the networks, and walks by their request. The least recently used ones are dropped."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Make an empty cache.

        Args:
            most_bytes: Sum of the sizes of all kept features.
        """
        self._most = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[Hashable, FloatArray] = OrderedDict()
        self._walks: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, arrays: Sequence[FloatArray], values: Hashable, sample: Callable[[], FloatArray]) -> FloatArray:
        """Return the features of an input, sampled at the first use.

        Args:
            arrays: The arrays of the input: text tokens and noise.
            values: The numbers of the input: frames and guidance scale.
            sample: Samples the features of this input.

        Returns:
            The features; the cache keeps this array, so it is not writable.
        """
        key = (values, *((array.shape, _digest(array)) for array in arrays))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        features = sample()
        features.flags.writeable = False
        self._kept[key] = features
        self._bytes += features.nbytes
        while self._bytes > self._most:
            self._bytes -= self._kept.popitem(last=False)[1].nbytes
        return features

    def walk(self, key: Hashable, make: Callable[[], W]) -> W:
        """Return the walk of a request without a path, made at the first use.

        Args:
            key: The request.
            make: Makes the walk; nobody may change its arrays.

        Returns:
            The walk.
        """
        if key not in self._walks:
            self._walks[key] = make()
            if len(self._walks) > MOST_WALKS:
                self._walks.popitem(last=False)
        self._walks.move_to_end(key)
        walk: W = self._walks[key]
        return walk


def _digest(values: FloatArray) -> bytes:
    return hashlib.sha1(values.tobytes(), usedforsecurity=False).digest()
