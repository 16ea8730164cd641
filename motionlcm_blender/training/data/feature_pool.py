"""Examples as features, one after the other in one array, with their weights; saved as a folder of two files."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np

from ...array_types import FloatArray, IntArray

FEATURES_FILE, INDEX_FILE = "features.npy", "index.json"


@dataclass(frozen=True, eq=False)
class FeaturePool:
    """Features of examples. A subclass adds fields with one entry for each example.

    Attributes:
        features: (sum of frames, 281) float16, not normalised, NaN where head and hands are not known.
        starts: (N + 1,) offsets into the features.
        weights: (N,) how often to draw each example.
    """

    features: FloatArray
    starts: IntArray
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def lengths(self) -> IntArray:
        """(N,) frames."""
        lengths: IntArray = np.diff(self.starts)
        return lengths

    def example(self, index: int) -> FloatArray:
        """(T, 281) float32 features of one example, not normalised."""
        return self.features[self.starts[index] : self.starts[index + 1]].astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the features and an index of everything else.

        Args:
            folder: The folder, which is created if it does not exist.
        """
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / FEATURES_FILE, self.features)
        index = {name: _plain(getattr(self, name)) for name in self._indexed()}
        (folder / INDEX_FILE).write_text(json.dumps(index), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a pool that `save` wrote. The features stay on the disk until an example is read.

        Args:
            folder: The folder of the two files.

        Returns:
            The pool.
        """
        index = json.loads((folder / INDEX_FILE).read_text("utf-8"))
        features = np.load(folder / FEATURES_FILE, mmap_mode="r", allow_pickle=False)
        return cls(features, **{name: cls._read(name, index[name]) for name in cls._indexed()})

    @classmethod
    def _indexed(cls) -> list[str]:
        return [field.name for field in fields(cls) if field.name != "features"]

    @classmethod
    def _read(cls, name: str, value: Any) -> Any:  # noqa: ARG003  subclasses read by name
        """A field from its value in the index."""
        return np.array(value)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
