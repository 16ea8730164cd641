"""The state of the contact sheet: the open sheet, and what it keeps until the next file."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ..scene.handles import Handle
    from .ghosts import Ghost, GhostCache


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
    drawing failed. batches: parts of the picture that later redraws reuse, with the data they depend on. redraw_ms:
    durations of the latest redraws, without Blender's own part.
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
    batches: dict[str, tuple[object, Any]] = field(default_factory=dict)
    redraw_ms: deque[float] = field(default_factory=lambda: deque(maxlen=120))

    def joints(self, frame: float) -> np.ndarray:
        """(N, 22, 3) of all ghosts at their drawn places, on a frame of keys."""
        import numpy as np

        assert self.offsets is not None
        return np.array([ghost.at(frame) for ghost in self.ghosts]) + self.offsets[:, None].astype(np.float32)


@dataclass
class ContactSheetState:
    """What the contact sheet keeps between two calls.

    open: the open sheet. colours: the colour of a take by its session id, so that a take keeps its colour when it is
    starred or sorted, or the sheet is opened again. ghosts: the ghosts that were read.
    """

    open: Sheet | None = None
    colours: dict[int, int] = field(default_factory=dict)
    ghosts: GhostCache = field(default_factory=dict)

    def assign_colours(self, uids: Sequence[int]) -> None:
        """Give each take a colour that no other of these takes has."""
        if not any(uid in self.colours for uid in uids):
            self.colours.clear()
        for uid in uids:
            if uid not in self.colours:
                taken = {self.colours[other] for other in uids if other in self.colours}
                self.colours[uid] = next(number for number in range(len(uids)) if number not in taken)
