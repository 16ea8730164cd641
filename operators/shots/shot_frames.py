"""Frames of shots as plain numbers: arrange, drag, snap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BODY, LEFT, RIGHT = "BODY", "LEFT", "RIGHT"

Frames = list[tuple[int, int]]


def arranged(old: Frames, index: int, first: int, last: int) -> Frames:
    """The frames of all shots after one shot gets other frames. Adjoining shots stay adjoining; shots never overlap.

    Earlier shots stay; the changed shot starts after them; later shots move along.
    """
    if index > 0:
        allowed = max(first, old[index - 1][1])
        first, last = allowed, last + allowed - first
    new = [*old[:index], (first, max(last, first + 1))]
    for number in range(index + 1, len(old)):
        met = old[number][0] == old[number - 1][1]
        begin = new[-1][1] if met else max(old[number][0], new[-1][1])
        new.append((begin, begin + old[number][1] - old[number][0]))
    return new


def is_seam(old: Frames, index: int, part: str, locked: Sequence[bool] = ()) -> bool:
    """Whether the left end of a shot is also the end of the previous shot, so that both can be dragged together."""
    met = part == LEFT and index > 0 and old[index][0] == old[index - 1][1]
    return met and not any(locked[index - 1 : index + 1])


def dragged(old: Frames, index: int, part: str, by: int, locked: Sequence[bool] = ()) -> Frames:
    """The frames of all shots after a part of one shot was dragged by a number of frames.

    Dragging a seam of two shots changes only these two. locked: one value per shot; a locked shot can be moved, but
    keeps its length.
    """
    first, last = old[index]
    if part == BODY or (locked and locked[index]):
        return arranged(old, index, first + by, last + by)
    if part == RIGHT:
        return arranged(old, index, first, max(last + by, first + 1))
    seam = min(first + by, last - 1)
    if is_seam(old, index, part, locked):
        seam = max(seam, old[index - 1][0] + 1)
        return [*old[: index - 1], (old[index - 1][0], seam), (seam, last), *old[index + 1 :]]
    if index > 0:
        seam = max(seam, old[index - 1][1])
    return arranged(old, index, seam, last)


def snapped(by: float, edges: Sequence[int], targets: Iterable[float], reach: float) -> int:
    """The integer frames nearest to `by`, or the shift that puts a dragged edge on a target within reach."""
    best, away = round(by), reach
    for target in targets:
        for edge in edges:
            if abs(target - edge - by) <= away:
                best, away = round(target) - edge, abs(target - edge - by)
    return best
