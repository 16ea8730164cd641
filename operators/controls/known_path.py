"""The path of previews: what was made of a curve is kept while its points and their timing stay the same.

While the seed or a pin changes, the path is read and compared, and not timed again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ...motionlcm_blender.motion.world_transform import Placement
from ...motionlcm_blender.recipes.recipe import hints_of

if TYPE_CHECKING:
    from ...motionlcm_blender.generation.request import Hints

T = TypeVar("T")


class KnownPath:
    """The latest trajectory and the hints that were made of it. Nobody changes either."""

    def __init__(self) -> None:
        self._made: tuple[Any, Any] | None = None
        self._hints: tuple[np.ndarray, bytes, Hints | None] | None = None

    def trajectory(self, read: Any, make: Callable[[], T]) -> T:
        """The trajectory of what was read of a curve: the latest one, or a new one. read: plain values, to compare."""
        if self._made is None or self._made[0] != read:
            self._made = read, make()
        made: T = self._made[1]
        return made

    def hints(
        self, path_xz: np.ndarray | None, pinned: tuple[np.ndarray, np.ndarray] | None, placement: Placement
    ) -> Hints | None:
        """As `hints_of`, for the array of a trajectory."""
        if path_xz is None or pinned is not None:
            return hints_of(path_xz, pinned, placement)
        place = placement.origin.tobytes() + np.float64(placement.heading).tobytes()
        if self._hints is None or self._hints[0] is not path_xz or self._hints[1] != place:
            self._hints = path_xz, place, hints_of(path_xz, None, placement)
        return self._hints[2]
