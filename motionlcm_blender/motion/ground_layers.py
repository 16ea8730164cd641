"""Choice of one surface per place where surfaces lie above each other: floor and ceiling, road and bridge."""

from __future__ import annotations

from collections import deque

import numpy as np

from ..array_types import BoolArray, FloatArray

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


def followed_ground(layers: list[list[FloatArray]], way: FloatArray, floor: float, step: float) -> FloatArray:
    """The ground of a figure that starts on a floor and goes along a way.

    The ground of the start is the surface nearest to the floor and not above the figure's head. From there the way, and
    then all other places in the order of their distance from it, keep to the same ground: the highest surface that is
    at most `STEP_UP` above the ground beside it.

    Args:
        layers: (X, Z) heights of the surfaces at each grid point, (K,) metres in descending order, K may be 0.
        way: (N, 2) grid indices of the way, in order; N is at least 1.
        floor: Height of the figure's floor at the start, metres.
        step: Metres between two grid points.

    Returns:
        (X, Z) metres; NaN where there is no surface, or only one above the figure's head.
    """
    shape = len(layers), len(layers[0])
    ground, carried = np.full(shape, np.nan), np.full(shape, np.nan)
    rise = max(STEP_UP, 2.0 * step)

    def reach(i: int, j: int, surface: float | None, height: float) -> None:
        carried[i, j] = height if surface is None else surface
        ground[i, j] = np.nan if surface is None else surface
        waiting.append((i, j))

    waiting: deque[tuple[int, int]] = deque()
    here = i, j = int(way[0, 0]), int(way[0, 1])
    reach(i, j, _at_start(layers[i][j], floor), floor)
    for i, j in way[1:].tolist():
        if np.isnan(carried[i, j]):
            away, height = step * float(np.hypot(i - here[0], j - here[1])), float(carried[here])
            reach(i, j, _beside(layers[i][j], height, max(rise, 2.0 * away)), height)
        here = i, j
    while waiting:
        i, j = waiting.popleft()
        height = float(carried[i, j])
        for k, m in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
            if 0 <= k < shape[0] and 0 <= m < shape[1] and np.isnan(carried[k, m]):
                reach(k, m, _beside(layers[k][m], height, rise), height)
    return ground


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
