"""Names, types and limits of the fields of a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..array_types import FloatArray
from ..errors import InvalidRequest
from ..files.json_fields import finite_float
from ..generation.request import LONGEST_PROMPT
from ..motion.skeleton import JOINT_COUNT

LONGEST_TEXT = LONGEST_PROMPT
LARGEST_NUMBER = 1e9
"""Upper limit of every position, time and frame of a recipe."""
LARGEST_SEED, LARGEST_BLENDED = 2**62, 2**53
"""Seeds of blends are stored as floats, which are exact up to here."""


def require(holds: bool, sentence: str) -> None:
    """Raise InvalidRequest with the sentence unless the condition holds."""
    if not holds:
        raise InvalidRequest(sentence)


@dataclass(frozen=True)
class _Field:
    """A field. kind: type of the value. shape: shape of an array, None for any length."""

    kind: type
    needed: bool = False
    shape: tuple[int | None, ...] = ()


def _array(*shape: int | None, needed: bool = False) -> _Field:
    return _Field(np.ndarray, needed, shape)


FIELDS: dict[str, _Field] = {
    "prompt": _Field(str, True), "frames": _Field(int, True), "seed": _Field(int, True), "steps": _Field(int, True),
    "seconds": _Field(float, True), "first_frame": _Field(int, True), "origin": _array(3, needed=True),
    "heading": _Field(float, True), "units_per_metre": _Field(float, True),
    "scene_fps": _Field(float), "guidance": _Field(float), "feet": _Field(str), "refine": _Field(bool),
    "mirror": _Field(bool), "speed": _Field(float), "liveliness": _Field(float),
    "gestures": _Field(bool), "sequence": _Field(bool), "rewrite": _Field(bool),
    "caption_liveliness": _Field(bool),
    "blends": _array(None, 2), "facing": _array(None),
    "path": _Field(str), "path_xz": _array(None, 2), "pins": _array(None, 5),
    "ground": _Field(str), "ground_corner": _array(2), "ground_step": _Field(float), "ground_grid": _array(None, None),
    "ground_points": _array(None, 2), "ground_levels": _array(None),
    "standing": _array(4), "travel": _Field(str), "loop": _Field(bool), "key_tolerance": _Field(float),
    "start": _array(None, JOINT_COUNT, 3), "start_contacts": _array(None, 4),
    "end": _array(None, JOINT_COUNT, 3), "end_anywhere": _Field(bool),
    "landing_translation": _array(3), "landing_turns": _array(None, 4),
    "seam_frame": _Field(int), "seam_translation": _array(3), "seam_turns": _array(None, 4),
    "scene_frames": _Field(int),
    "model": _Field(str), "model_sha256": _Field(str), "licence": _Field(str), "attribution": _Field(str),
    "version": _Field(str),
}  # fmt: skip
"""The fields of a recipe by name.

Pins are rows of frame, joint and position in the motion's frame; standing is a position and a heading; blends are rows
of seed and weight.
"""
COLUMNS = "ground_columns"
"""Number of columns of the ground's grid, which flat values do not show."""


def checked_value(name: str, value: Any) -> Any:
    """Convert a value to the field's type and shape.

    Raises:
        InvalidRequest: The value does not fit.
    """
    field = FIELDS[name]
    if field.kind is np.ndarray:
        return _checked_array(name, value, field.shape)
    if field.kind is str:
        require(isinstance(value, str), f'The recipe\'s "{name}" must be text.')
        require(len(value) <= LONGEST_TEXT, f'The recipe\'s "{name}" is longer than {LONGEST_TEXT} letters.')
        return value
    if field.kind is bool:
        require(isinstance(value, bool), f'The recipe\'s "{name}" must be true or false.')
        return value
    require(finite_float(value) is not None, f'The recipe\'s "{name}" must be a finite number.')
    if field.kind is int:
        require(float(value).is_integer(), f'The recipe\'s "{name}" must be a whole number.')
        most = LARGEST_SEED if name == "seed" else LARGEST_NUMBER
        require(abs(value) <= most, f'The recipe\'s "{name}" is too large.')
        return int(value)
    require(abs(value) <= LARGEST_NUMBER, f'The recipe\'s "{name}" is too large.')
    return float(value)


def _checked_array(name: str, value: Any, shape: tuple[int | None, ...]) -> FloatArray:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise ValueError
        array = array.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        raise InvalidRequest(f'The recipe\'s "{name}" must be a list of numbers.') from None
    fits = array.ndim == len(shape) and all(
        size > 0 if wanted is None else size == wanted for size, wanted in zip(array.shape, shape, strict=True)
    )
    sizes = " x ".join("any" if size is None else str(size) for size in shape)
    require(fits, f'The recipe\'s "{name}" must be {sizes} numbers.')
    require(bool(np.isfinite(array).all()), f'The recipe\'s "{name}" holds a number that is not finite.')
    most = LARGEST_BLENDED if name == "blends" else LARGEST_NUMBER
    require(bool(np.abs(array).max() <= most), f'The recipe\'s "{name}" holds a number that is too large.')
    return array


def member_of(kind: type[Any], name: str, value: str) -> Any:
    """Member of an Enum by the value of a recipe's field; InvalidRequest if there is none."""
    known = [member.value for member in kind]
    require(value in known, f'The recipe\'s "{name}" must be one of {", ".join(known)}.')
    return kind(value)
