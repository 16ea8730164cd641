"""What the open contact sheet shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ..scene.handles import Handle
    from .ghosts import Ghost


@dataclass(frozen=True)
class Shown:
    """A take on the sheet. colour: which one; it stays with the take. facts: lines for who points at it."""

    uid: int
    colour: int
    label: str
    facts: tuple[str, ...]
    starred: bool
    present: bool


@dataclass
class Sheet:
    """What is open. Drawing reads this and nothing of Blender's data, which an undo may have taken away.

    axis: (3,) the row's direction. offsets: (N, 3) from a ghost's place to where it is drawn. size: of the figures,
    times a person. version: changes with the ghosts and where they stand. stale: something was changed; edited: session
    ids of Actions whose keys may be others, None for any. looked: when that was asked. broken: it could not be drawn.
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
        """(N, 22, 3) of all ghosts where they are drawn, on a frame of keys."""
        import numpy as np

        assert self.offsets is not None
        return np.array([ghost.at(frame) for ghost in self.ghosts]) + self.offsets[:, None].astype(np.float32)
