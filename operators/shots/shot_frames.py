"""Frames of shots as plain numbers: arranged, dragged, snapped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BODY, LEFT, RIGHT = "BODY", "LEFT", "RIGHT"

Frames = list[tuple[int, int]]


def arranged(old: Frames, index: int, first: int, last: int) -> Frames:
    """The frames of all shots when one is given others: what met still meets, and nothing overlaps.

    Those before it stay; it stays behind them, and those after it move along.
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
    """Whether the left end of a shot is also the end of the one before it, and may be moved as such."""
    met = part == LEFT and index > 0 and old[index][0] == old[index - 1][1]
    return met and not any(locked[index - 1 : index + 1])


def dragged(old: Frames, index: int, part: str, by: int, locked: Sequence[bool] = ()) -> Frames:
    """The frames of all shots when a part of one was dragged so many frames.

    Where two shots meet the seam is dragged and all else stays. locked: of each shot; a locked one can be moved, but
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
    """Whole frames nearest to `by`; those that bring one of the dragged edges upon a target within reach, if any."""
    best, away = round(by), reach
    for target in targets:
        for edge in edges:
            if abs(target - edge - by) <= away:
                best, away = round(target) - edge, abs(target - edge - by)
    return best
