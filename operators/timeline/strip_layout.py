"""Places of the strips in a timeline, the strip under the mouse, and the result of dragging.

Plain numbers; this module needs no window and does not use Blender.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..shots.shot_frames import BODY, LEFT, RIGHT

FULL, THIN, GAP = 22.0, 11.0, 2.0
"""Height of the chosen character's strips, of other strips, and of the gap between two rows, in pixels at scale 1."""
LOWEST = 12.0
"""Height of the chosen character's strips in a low region."""
RULER = 23.0
"""Height of the frame numbers at the top of the region."""
GRIP, NARROWEST = 7.0, 18.0
"""Width of an end that can be dragged, and smallest width of a strip with such ends."""
MOST = 0.5
"""Fraction of the region's height that strips may use."""
REACH = 12.0
"""Pixels at scale 1 within which a frame snaps."""


@dataclass(frozen=True)
class View:
    """The visible part of a region: `start` is the frame at its left border, `scale` the pixels per frame, both for
    frames of the timeline; `bottom` is the lower edge of the strips; `unit` is a pixel at scale 1; see `scene_time` for
    stretch."""

    start: float
    scale: float
    width: float
    height: float
    bottom: float = 0.0
    unit: float = 1.0
    stretch: float = 1.0

    def x(self, frame: float) -> float:
        """The pixel of a frame of keys."""
        return (frame * self.stretch - self.start) * self.scale

    def frame(self, x: float) -> float:
        """The fractional frame of keys at a pixel."""
        return (x / self.scale + self.start) / self.stretch


class Row(NamedTuple):
    """The shots of one character, `low` to `high` in pixels. owner: identifies the character, whatever its name."""

    character: str
    owner: int
    frames: Sequence[tuple[int, int]]
    low: float
    high: float


class Strip(NamedTuple):
    """One shot as a rectangle, with the indices of its row and its shot."""

    row: int
    shot: int
    left: float
    low: float
    right: float
    high: float


class Hit(NamedTuple):
    """The shot under the mouse, by row and index, and its part: the body or one of its ends."""

    row: int
    shot: int
    part: str


def least_height(bottom: float, unit: float) -> float:
    """Height in pixels from which a region shows strips; for bottom and unit see `View`."""
    return bottom + (2.0 * GAP + LOWEST + RULER) * unit


def rows_of(view: View, characters: Iterable[tuple[str, int, Sequence[tuple[int, int]]]]) -> list[Row]:
    """The rows from bottom to top: a full row for the first character, thin rows for the others, as many as fit.

    characters: name, identity and frames of shots of each.
    """
    rows: list[Row] = []
    low, top = view.bottom + GAP * view.unit, view.height - (RULER + GAP) * view.unit
    if view.height < least_height(view.bottom, view.unit):
        return rows
    for name, owner, frames in characters:
        high = low + THIN * view.unit if rows else min(low + FULL * view.unit, top)
        if rows and high > MOST * view.height:
            break
        rows.append(Row(name, owner, frames, low, high))
        low = high + GAP * view.unit
    return rows


def strips_of(view: View, rows: Sequence[Row]) -> list[Strip]:
    """The visible strips."""
    strips = []
    for number, row in enumerate(rows):
        for index, (first, last) in enumerate(row.frames):
            left, right = view.x(first), view.x(last)
            if right > 0.0 and left < view.width:
                strips.append(Strip(number, index, left, row.low, max(right, left + 1.0), row.high))
    return strips


def hit(view: View, rows: Sequence[Row], x: float, y: float) -> Hit | None:
    """The strip at a pixel, and its part. Where two shots adjoin, each has its own end."""
    for number, row in enumerate(rows):
        if not row.low <= y < row.high:
            continue
        for strip in strips_of(view, [row]):
            if strip.left <= x < strip.right:
                part = BODY
                if number == 0 and strip.right - strip.left >= NARROWEST * view.unit:
                    part = LEFT if x < strip.left + GRIP * view.unit else part
                    part = RIGHT if x >= strip.right - GRIP * view.unit else part
                return Hit(number, strip.shot, part)
    return None
