"""Choice of one surface per place where surfaces lie above each other: floor and ceiling, road and bridge."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np

from ..array_types import BoolArray, FloatArray, IntArray

STEP_UP = 0.6
"""Metres by which a surface may rise to the next place and still be the same ground; a higher one is another storey, a
table or a roof."""
BODY_HEIGHT = 1.6
"""Metres above the feet within which a surface at the start counts as the ground and not as a ceiling."""


def solid_tops(heights: FloatArray, up: BoolArray) -> FloatArray:
    """The surfaces of one place on which a figure can stand: without undersides of slabs and blocks.

    Args:
        heights: (K,) heights in descending order.
        up: (K,) bool, whether the surface faces up. A mesh may be inside out, so this decides only for pairs.

    Returns:
        (L,) the remaining heights in descending order.
    """
    if len(heights) < 2:
        return heights
    underside = np.concatenate([[False], up[:-1] & ~up[1:]])
    return heights[~underside]


def stands_inside(heights: FloatArray, up: BoolArray, floor: float) -> bool:
    """Whether a figure stands inside of a closed mesh whose faces look out, such as a cube that is used as a room.

    Args:
        heights: (K,) heights of all surfaces at the figure's place, metres, in descending order.
        up: (K,) bool, whether the surface faces up.
        floor: Height of the figure's floor, metres.

    Returns:
        True if each surface to stand on is above the figure's head, and a face that looks down is near its feet.
    """
    tops = solid_tops(heights, up)
    below = heights[~up]
    under = bool(len(below)) and float(np.abs(below - floor).min()) <= STEP_UP
    return under and bool(len(tops)) and float(tops.min()) > floor + BODY_HEIGHT


def followed_ground(
    layers: Sequence[Sequence[FloatArray | None]], way: IntArray, floor: float, step: float
) -> FloatArray:
    """The ground of a figure that starts on a floor and goes along a way.

    The ground of the start is the surface nearest to the floor and not above the figure's head. From there the way, and
    then all other places in the order of their distance from it, keep to the same ground: the highest surface that is
    at most `STEP_UP` above the ground beside it.

    Args:
        layers: (X, Z) heights of the surfaces at each grid point, (K,) metres in descending order, K may be 0. None
            where nothing was sampled; the way lies on sampled points.
        way: (N, 2) grid indices of the way, in order; N is at least 1.
        floor: Height of the figure's floor at the start, metres.
        step: Metres between two grid points.

    Returns:
        (X, Z) metres; NaN where there is no surface, or only one above the figure's head, or where nothing was sampled.
    """
    single = _single_surface(layers, way, floor)
    if single is not None:
        return single
    shape = len(layers), len(layers[0])
    ground, carried = np.full(shape, np.nan), np.full(shape, np.nan)
    rise = max(STEP_UP, 2.0 * step)

    def sampled(i: int, j: int) -> FloatArray:
        heights = layers[i][j]
        assert heights is not None  # points without samples are not visited
        return heights

    def reach(i: int, j: int, surface: float | None, height: float) -> None:
        carried[i, j] = height if surface is None else surface
        ground[i, j] = np.nan if surface is None else surface
        waiting.append((i, j))

    waiting: deque[tuple[int, int]] = deque()
    here = i, j = int(way[0, 0]), int(way[0, 1])
    reach(i, j, _at_start(sampled(i, j), floor), floor)
    for i, j in way[1:].tolist():
        if np.isnan(carried[i, j]):
            away, height = step * float(np.hypot(i - here[0], j - here[1])), float(carried[here])
            reach(i, j, _beside(sampled(i, j), height, max(rise, 2.0 * away)), height)
        here = i, j
    while waiting:
        i, j = waiting.popleft()
        height = float(carried[i, j])
        for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if not (0 <= k < shape[0] and 0 <= m < shape[1]) or not np.isnan(carried[k, m]):
                continue
            heights = layers[k][m]
            if heights is not None:
                reach(k, m, _beside(heights, height, rise), height)
    return ground


def _single_surface(layers: Sequence[Sequence[FloatArray | None]], way: IntArray, floor: float) -> FloatArray | None:
    """(X, Z) the only surface of each sampled point; None unless there is one at most and no search is needed."""
    flat = list(chain.from_iterable(layers))
    ones = [heights for heights in flat if heights is not None and len(heights)]
    if not ones or set(map(len, ones)) != {1}:
        return None
    values = np.full(len(flat), np.nan)
    values[[heights is not None and len(heights) > 0 for heights in flat]] = np.concatenate(ones)
    ground: FloatArray = values.reshape(len(layers), len(layers[0]))
    holes = any(heights is not None and not len(heights) for heights in flat)
    return ground if _needs_no_search(ground, way, floor, holes) else None


def _needs_no_search(ground: FloatArray, way: IntArray, floor: float, holes: bool) -> bool:
    """Whether the only surfaces (X, Z) are the ground as they are, in whatever order the points are reached.

    NaN: nothing was sampled, or there is no surface. holes: whether there are points without a surface. Without holes
    each point is reached from its neighbours, so that no step may rise above a head. With holes the height from before
    the hole counts, so that no surface may be higher than a head above any other.
    """
    along = ground[way[:, 0], way[:, 1]]
    lowest = min(float(np.nanmin(ground)), floor if np.isnan(along[0]) else np.inf)
    if float(np.nanmax(ground)) - lowest <= BODY_HEIGHT:
        return True
    steps = (np.diff(ground, axis=0).ravel(), np.diff(ground, axis=1).ravel(), np.diff(along))
    return not holes and not (any((np.abs(each) > BODY_HEIGHT).any() for each in steps) or np.isnan(along).any())


class SampledHeights:
    """Heights of surfaces at points of a grid without end, each sampled once."""

    def __init__(self) -> None:
        self._first = np.zeros(2, int)
        """Grid point of the first row and column of the arrays."""
        self._single = np.empty((0, 0))
        """The only surface of a point; NaN where there is another number of surfaces, or no sample."""
        self._number = np.empty((0, 0), np.int8)
        """Number of surfaces, 2 for more; -1 where there is no sample."""
        self._several: dict[tuple[int, int], FloatArray] = {}
        """Heights of points with more surfaces than one."""

    @property
    def size(self) -> int:
        """Number of grid points that the samples take memory for."""
        return int(self._single.size)

    def ground(
        self,
        first: IntArray,
        near: BoolArray,
        way: IntArray,
        floor: float,
        step: float,
        sample: Callable[[int, int], FloatArray],
    ) -> FloatArray:
        """The ground as of `followed_ground`, sampled where no earlier call has a sample.

        Args:
            first: (2,) grid point of the first row and column of `near`.
            near: (X, Z) the points to sample.
            way: (N, 2) indices of the way in `near`, in order; the way lies on points to sample.
            floor: As for `followed_ground`.
            step: As for `followed_ground`.
            sample: Called with a grid point; returns its heights (K,) in descending order.

        Returns:
            (X, Z) metres; NaN as of `followed_ground`.
        """
        self._cover(first, near.shape)
        low = first - self._first
        part = slice(low[0], low[0] + near.shape[0]), slice(low[1], low[1] + near.shape[1])
        single, number = self._single[part], self._number[part]
        for i, j in np.argwhere(near & (number < 0)).tolist():
            at = int(first[0]) + i, int(first[1]) + j
            heights = sample(*at)
            if len(heights) == 1:
                single[i, j] = heights[0]
            number[i, j] = min(len(heights), 2)
            if len(heights) > 1:
                self._several[at] = heights
        ground, found = np.where(near, single, np.nan), set(np.unique(number[near]).tolist())
        if found in ({1}, {0, 1}) and _needs_no_search(ground, way, floor, 0 in found):
            return ground
        layers: list[list[FloatArray | None]] = [[None] * near.shape[1] for _ in range(near.shape[0])]
        for i, j in np.argwhere(near).tolist():
            several = self._several.get((int(first[0]) + i, int(first[1]) + j))
            layers[i][j] = single[i, j : j + 1][: number[i, j]] if several is None else several
        return followed_ground(layers, way, floor, step)

    def _cover(self, first: IntArray, shape: tuple[int, ...]) -> None:
        """Make room for the points of a grid."""
        low, high = np.array(first), first + shape
        if self.size:
            low, high = np.minimum(low, self._first), np.maximum(high, self._first + self._single.shape)
            if (low == self._first).all() and (high - low == self._single.shape).all():
                return
        single, number = np.full(high - low, np.nan), np.full(high - low, -1, np.int8)
        i, j = self._first - low if self.size else (0, 0)
        rows, columns = self._single.shape
        single[i : i + rows, j : j + columns] = self._single
        number[i : i + rows, j : j + columns] = self._number
        self._first, self._single, self._number = low, single, number


def near_way(way: IntArray, shape: tuple[int, int], reach: float) -> BoolArray:
    """The grid points near a way.

    Args:
        way: (N, 2) grid indices of the way.
        shape: Size of the grid.
        reach: Distance up to which a point is near, in grid steps.

    Returns:
        Bool of that shape.
    """
    side = np.arange(-int(reach), int(reach) + 1)
    disc = np.stack(np.meshgrid(side, side, indexing="ij"), -1).reshape(-1, 2)
    disc = disc[(disc**2).sum(-1) <= reach**2]
    rows, columns = np.divmod(np.unique(way[:, 0] * shape[1] + way[:, 1]), shape[1])
    at = (rows[:, None] + disc[:, 0]).ravel(), (columns[:, None] + disc[:, 1]).ravel()
    inside = (at[0] >= 0) & (at[0] < shape[0]) & (at[1] >= 0) & (at[1] < shape[1])
    near = np.zeros(shape, bool)
    near[at[0][inside], at[1][inside]] = True
    return near


def _at_start(heights: FloatArray, floor: float) -> float | None:
    """The surface under a figure whose feet are at the floor; None without a surface."""
    if not len(heights):
        return None
    under = heights[heights <= floor + BODY_HEIGHT]
    return float(under[np.abs(under - floor).argmin()] if len(under) else heights[-1])


def _beside(heights: FloatArray, height: float, rise: float) -> float | None:
    """The surface that continues the ground beside it; None if there is none, or only above the figure's head."""
    within = heights[heights <= height + BODY_HEIGHT]
    if not len(within):
        return None
    under = within[within <= height + rise]
    return float(under[0] if len(under) else within[-1])
