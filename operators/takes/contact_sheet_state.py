"""The state of the open contact sheet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ..scene.handles import Handle
    from .ghosts import Ghost


@dataclass(frozen=True)
class Shown:
    """A take on the sheet. colour: index of its colour, which stays with the take. facts: lines of its card."""

    uid: int
    colour: int
    label: str
    facts: tuple[str, ...]
    starred: bool
    present: bool


@dataclass
class Sheet:
    """The open sheet. Drawing reads this state only, never Blender's data, which an undo may have freed.

    axis: (3,) the row's direction. offsets: (N, 3) from a ghost's place to its drawn place. size: scale of the figures
    relative to a person. version: changes with the ghosts and their places. stale: whether a change happened; edited:
    session ids of Actions whose keys may have changed, None for all. looked: time of the last check. broken: whether
    drawing failed.
    """

    arrangement: str
    scene: Handle
    character: Handle
    axis: np.ndarray
    shown: list[Shown] = field(default_factory=list)
    ghosts: list[Ghost] = field(default_factory=list)
    offsets: np.ndarray | None = None
    size: float = 1.0
    hovered: int | None = None
    version: int = 0
    stale: bool = True
    edited: set[int] | None = None
    looked: float = 0.0
    broken: bool = False
    handles: list[Any] = field(default_factory=list)

    def joints(self, frame: float) -> np.ndarray:
        """(N, 22, 3) of all ghosts at their drawn places, on a frame of keys."""
        import numpy as np

        assert self.offsets is not None
        return np.array([ghost.at(frame) for ghost in self.ghosts]) + self.offsets[:, None].astype(np.float32)
