"""Typed access to the fields of a JSON object, with one sentence for each error."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidRequest


def quoted(text: str) -> str:
    """Quote text for a sentence."""
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{clean if len(clean) <= 40 else clean[:37] + "..."}"'


def number_text(value: float) -> str:
    """Format a number for a sentence."""
    return "a number of very many digits" if isinstance(value, int) and abs(value) > 10**15 else f"{value}"


def fields_of(
    value: Any, where: str, required: Sequence[str], optional: Sequence[str], hidden: Sequence[str] = ()
) -> dict[str, Any]:
    """Check the fields of a JSON object.

    Args:
        value: The object.
        where: Its description, which starts the sentence of an error.
        required: Names of required fields.
        optional: Names of optional fields.
        hidden: Names of optional fields that no sentence lists.

    Returns:
        The object.

    Raises:
        InvalidRequest: It is not an object, or a field is missing or unknown.
    """
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where} must be {{...}}, not {shown_value(value)}.")
    missing = [name for name in required if name not in value]
    if missing:
        raise InvalidRequest(f"{where} lacks {quoted(missing[0])}.")
    unknown = [name for name in value if name not in (*required, *optional)]
    if unknown:
        raise InvalidRequest(
            f"{where} holds something unknown, {quoted(unknown[0])}: it may have "
            f"{', '.join(name for name in (*required, *optional) if name not in hidden)}."
        )
    return value


def list_in(given: Mapping[str, Any], name: str, where: str, default: Sequence[Any] | None = None) -> Sequence[Any]:
    """Read a list field; InvalidRequest if it is of another kind."""
    value = given[name] if name in given or default is None else default
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f'{where}: "{name}" must be a list [...], not {shown_value(value)}.')
    return value


def text_in(given: Mapping[str, Any], name: str, where: str) -> str:
    """Read a text field; InvalidRequest if it is of another kind."""
    if not isinstance(given[name], str):
        raise InvalidRequest(f'{where}: "{name}" must be text, not {shown_value(given[name])}.')
    value: str = given[name]
    return value


def flag_in(given: Mapping[str, Any], name: str, where: str) -> bool:
    """Read a boolean field, by default False; InvalidRequest if it is of another kind."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f'{where}: "{name}" must be true or false, not {shown_value(value)}.')
    return value


def whole_in(given: Mapping[str, Any], name: str, where: str, default: int | None = None) -> int:
    """Read a field with a whole number; InvalidRequest if it is of another kind."""
    value = given[name] if name in given or default is None else default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f'{where}: "{name}" must be a whole number, not {shown_value(value)}.')
    return value


def number_in(given: Mapping[str, Any], name: str, where: str, default: float | None = None) -> float:
    """Read a field with a finite number; InvalidRequest if it is of another kind."""
    return as_number(given[name] if name in given or default is None else default, name, where)


def as_number(value: Any, name: str, where: str) -> float:
    """Convert a JSON value to a finite number; InvalidRequest if it is none."""
    number = finite_float(value)
    if number is not None:
        return number
    raise InvalidRequest(f'{where}: "{name}" must be a finite number, not {shown_value(value)}.')


def shown_value(value: Any) -> str:
    """Format a JSON value for a sentence."""
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else number_text(value) if not isinstance(value, bool) else str(value).lower()


def finite_float(value: Any) -> float | None:
    """Convert a JSON value to a finite float; None if it is not a number, not finite or too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
