"""Typed fields of a JSON object, each refusal one sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidRequest


def quoted(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{clean if len(clean) <= 40 else clean[:37] + "..."}"'


def number_text(value: float) -> str:
    return "a number of very many digits" if isinstance(value, int) and abs(value) > 10**15 else f"{value}"


def fields_of(
    value: Any, where: str, required: Sequence[str], optional: Sequence[str], hidden: Sequence[str] = ()
) -> dict[str, Any]:
    """The fields of an object, with nothing missing and nothing unknown. hidden: fields that no sentence proposes."""
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
    value = given[name] if name in given or default is None else default
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f'{where}: "{name}" must be a list [...], not {shown_value(value)}.')
    return value


def text_in(given: Mapping[str, Any], name: str, where: str) -> str:
    if not isinstance(given[name], str):
        raise InvalidRequest(f'{where}: "{name}" must be text, not {shown_value(given[name])}.')
    value: str = given[name]
    return value


def flag_in(given: Mapping[str, Any], name: str, where: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f'{where}: "{name}" must be true or false, not {shown_value(value)}.')
    return value


def whole_in(given: Mapping[str, Any], name: str, where: str, default: int | None = None) -> int:
    value = given[name] if name in given or default is None else default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f'{where}: "{name}" must be a whole number, not {shown_value(value)}.')
    return value


def number_in(given: Mapping[str, Any], name: str, where: str, default: float | None = None) -> float:
    return as_number(given[name] if name in given or default is None else default, name, where)


def as_number(value: Any, name: str, where: str) -> float:
    number = finite_float(value)
    if number is not None:
        return number
    raise InvalidRequest(f'{where}: "{name}" must be a finite number, not {shown_value(value)}.')


def shown_value(value: Any) -> str:
    """A value of JSON in a sentence."""
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    if isinstance(value, str):
        return quoted(value)
    return "null" if value is None else number_text(value) if not isinstance(value, bool) else str(value).lower()


def finite_float(value: Any) -> float | None:
    """A value of JSON as a number; None if it is none, or is not finite, or too large for one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
