"""Shapes of paths that prompts name: zigzags, squares, back and forth, around a corner.

Points are (x, z) in engine axes, metres: +Z is ahead of the figure, +X is its left. A path begins at the origin, heads
along +Z, and bends to the left first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from .ground_path import NAMES, SHORTEST, GroundPath, named_path

SHAPES: tuple[str, ...] = ("circle", "eight", "s", "square", "zigzag", "weave", "back and forth", "u turn", "corner")
"""The shapes that `shaped_path` accepts."""
TURN = 0.3
"""Metres: radius of a turn back."""
BEND = 0.45
"""Metres: radius of a bend."""
_LEG = 3.2
"""Metres from one turn to the next on a path back and forth."""
_ZIGZAG, _SLANT = 2.0, math.radians(40.0)
"""Metres from bend to bend of a zigzag, and its angle to the straight line."""
_WAVE, _SWING = 5.0, math.radians(45.0)
"""Metres of a whole wave of a path that weaves, and its largest angle to the straight line."""
_POINTS = 513


def shaped_path(shape: str, length_m: float, to_right: bool = False) -> GroundPath:
    """Create a path of a shape.

    Args:
        shape: One of `SHAPES`.
        length_m: Length, metres.
        to_right: Bend to the right first.

    Returns:
        The path.

    Raises:
        InvalidRequest: There is no such shape, or the length is not a positive number.
    """
    if shape not in SHAPES:
        raise InvalidRequest(f'There is no path of the shape "{shape}": choose one of {", ".join(SHAPES)}.')
    if not math.isfinite(length_m) or length_m < SHORTEST:
        raise InvalidRequest(f"A path must be longer than {SHORTEST * 100:.0f} cm.")
    if shape in NAMES:
        path = named_path(shape, length_m)
        return GroundPath(path.points * _side(to_right), path.cyclic)
    along = np.linspace(0.0, length_m, _POINTS)
    middle = 0.5 * (along[1:] + along[:-1])
    angles = _SWING * np.sin(2.0 * np.pi * middle / _WAVE) if shape == "weave" else _headings(shape, length_m, middle)
    steps = np.stack([np.sin(angles), np.cos(angles)], axis=-1) * (length_m / (_POINTS - 1))
    return GroundPath(np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)]) * _side(to_right))


def _side(to_right: bool) -> FloatArray:
    return np.array([-1.0 if to_right else 1.0, 1.0])


def _headings(shape: str, length: float, along: FloatArray) -> FloatArray:
    """Radians at each place, positive to the left, of straight pieces with arcs between them."""
    if shape == "back and forth":
        legs = max(2, round(length / _LEG))
        turns = [(length * k / legs, math.pi * (-1.0) ** k, TURN) for k in range(1, legs)]
    elif shape == "u turn":
        turns = [(0.5 * length, math.pi, TURN)]
    elif shape == "corner":
        turns = [(0.45 * length, 0.5 * math.pi, BEND)]
    elif shape == "square":
        turns = [(0.25 * length * k, 0.5 * math.pi, BEND) for k in (1, 2, 3)]
    else:  # a zigzag: a short straight piece, half a bend, then whole ones
        count = max(1, int((length - 0.3 * _ZIGZAG) / _ZIGZAG))
        turns = [(0.3 * _ZIGZAG, _SLANT, BEND)]
        turns += [(_ZIGZAG * (0.3 + k), 2.0 * _SLANT * (-1.0) ** k, BEND) for k in range(1, count + 1)]
    return _arcs(turns, along)


def _arcs(turns: Sequence[tuple[float, float, float]], along: FloatArray) -> FloatArray:
    """The heading after arcs. turns: metres of the middle, radians, radius of each."""
    heading = np.zeros_like(along)
    for middle, angle, radius in turns:
        half = 0.5 * abs(angle) * radius
        heading = heading + angle * np.clip((along - middle + half) / (2.0 * half), 0.0, 1.0)
    return heading
