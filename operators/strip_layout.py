"""Where the strips of shots lie in the timeline, in pixels: what drawing and the mouse have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HEIGHT, THIN, GAP = 22.0, 9.0, 3.0
"""Pixels at a scale of 1: the strips of the chosen character, of others, and between them."""
BOTTOM, MARKERS = 20.0, 26.0
"""Pixels below the strips: the scroll bar and, where there are any, the markers."""
EDGE = 6.0
"""Pixels on both sides of an end within which the mouse takes hold of it."""
NEAR = 9.0
"""Pixels within which a strip that is dragged jumps to a marker, the playhead, or another shot's end."""
BODY, LEFT, RIGHT = "BODY", "LEFT", "RIGHT"


@dataclass(frozen=True)
class Strip:
    """A shot as it lies in the timeline. index: in its character's list; the others are pixels of the region."""

    index: int
    left: float
    right: float
    bottom: float
    top: float


def band(scale: float, markers: bool) -> float:
    """The lower edge of the chosen character's strips."""
    return (BOTTOM + (MARKERS if markers else 0.0)) * scale


def laid_out(
    frames: Sequence[tuple[int, int]], to_x: Callable[[float], float], width: float, bottom: float, height: float
) -> list[Strip]:
    """Those strips that are in sight. frames: first and last of each shot; to_x: from a frame to a pixel; width: of the
    region."""
    strips = []
    for index, (first, last) in enumerate(frames):
        left, right = to_x(first), to_x(last)
        if right >= 0.0 and left <= width:
            strips.append(Strip(index, left, max(right, left + 2.0), bottom, bottom + height))
    return strips


def under(strips: Iterable[Strip], x: float, y: float, scale: float) -> tuple[int, str] | None:
    """The strip under the mouse and the part of it; None if there is none.

    Where two strips meet, the end of the one that the mouse is over is meant. An end takes at most a third of a strip,
    so that short ones can be moved as well.
    """
    best: tuple[float, int, str] | None = None
    for strip in strips:
        if not strip.bottom <= y <= strip.top:
            continue
        edge = min(EDGE * scale, (strip.right - strip.left) / 3.0)
        outside = max(strip.left - x, x - strip.right)
        if outside > EDGE * scale:
            continue
        part = BODY
        if x < strip.left + edge:
            part = LEFT
        elif x > strip.right - edge:
            part = RIGHT
        if best is None or outside < best[0]:
            best = (outside, strip.index, part)
    return None if best is None else best[1:]


def snapped(frame: int, targets: Iterable[int], pixels_each: float, scale: float) -> int:
    """The nearest target within reach, or the frame itself. pixels_each: of a frame."""
    reach = NEAR * scale / max(pixels_each, 1e-6)
    near = [target for target in targets if abs(target - frame) <= reach]
    return min(near, key=lambda target: abs(target - frame), default=frame)


def dragged(part: str, first: int, last: int, by: int) -> tuple[int, int]:
    """First and last frame of a shot whose middle or end was dragged by so many frames; it keeps at least one."""
    if part == LEFT:
        return min(first + by, last - 1), last
    if part == RIGHT:
        return first, max(last + by, first + 1)
    return first + by, last + by


def snap_drag(
    part: str, first: int, last: int, by: int, targets: Sequence[int], pixels_each: float, scale: float
) -> int:
    """How far to drag so that an end of the shot lies on a target, if one is near."""
    ends = {LEFT: (first,), RIGHT: (last,), BODY: (first, last)}[part]
    moves = [snapped(end + by, targets, pixels_each, scale) - end for end in ends]
    return min((move for move in moves if move != by), key=lambda move: abs(move - by), default=by)
