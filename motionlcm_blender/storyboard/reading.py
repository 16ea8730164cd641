"""Reading of storyboards from JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidRequest
from ..export.motion_files import check_fps
from ..files.json_fields import (
    as_number,
    fields_of,
    flag_in,
    list_in,
    number_in,
    quoted,
    shown_value,
    text_in,
    whole_in,
)
from ..motion.ground_path import NAMES, named_path
from .storyboard import (
    DEFAULT_FPS,
    FARTHEST,
    FIRST_FRAME,
    LAST_FRAME,
    VERSION,
    VERSION_FIELD,
    Place,
    Storyboard,
    StoryCharacter,
    StoryPath,
    StoryPin,
    StoryShot,
)
from .text import fail_at, shot_name

THINNING = 8
"""Every so many points of a named shape are kept, so that the curve can be edited by hand."""


def read_storyboard(file: str | os.PathLike[str]) -> Storyboard:
    """Read a storyboard from a JSON file.

    Raises:
        InvalidRequest: The file is not a storyboard; the sentence names character and shot.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InvalidRequest(f"There is no storyboard {path}.") from None
    except OSError as error:
        raise InvalidRequest(f"The storyboard {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise InvalidRequest(f"The storyboard {path} is not text in UTF-8.") from None
    return storyboard_from_text(text)


def storyboard_from_text(text: str) -> Storyboard:
    """Read a storyboard from JSON text; errors as in `read_storyboard`."""
    try:
        content = json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The storyboard is not valid JSON: line {error.lineno}, {error.msg}.") from None
    except InvalidRequest:
        raise
    except (ValueError, RecursionError):  # a number with thousands of digits; endless brackets
        raise InvalidRequest("The storyboard is not valid JSON.") from None
    return storyboard_from(content)


def storyboard_from(content: Any) -> Storyboard:
    """Read a storyboard from parsed JSON; errors as in `read_storyboard`."""
    where = "The storyboard"
    if not isinstance(content, dict) or VERSION_FIELD not in content:
        raise InvalidRequest(f'This is no storyboard: it must hold {{"{VERSION_FIELD}": {VERSION}, ...}}.')
    if content[VERSION_FIELD] != VERSION or isinstance(content[VERSION_FIELD], bool):
        raise InvalidRequest(
            f"The storyboard is of version {shown_value(content[VERSION_FIELD])}; version {VERSION} is known here."
        )
    given = fields_of(content, where, (VERSION_FIELD, "characters"), ("fps", "paths"), hidden=(VERSION_FIELD,))
    fps = number_in(given, "fps", where, DEFAULT_FPS)
    check_fps(fps)
    paths = given.get("paths", {})
    if not isinstance(paths, dict):
        raise InvalidRequest(f'{where}: "paths" must be {{"name": {{...}}, ...}}.')
    characters = list_in(given, "characters", where)
    return Storyboard(
        tuple(_character(value, number, fps) for number, value in enumerate(characters, 1)),
        fps,
        {name: _path(value, f"Path {quoted(name)}") for name, value in paths.items()},
    )


def _path(value: Any, where: str) -> StoryPath:
    try:
        if isinstance(value, dict) and "shape" in value:
            given = fields_of(value, where, ("shape", "metres"), ("at", "facing"))
            if given["shape"] not in NAMES:
                shape = shown_value(given["shape"])
                raise InvalidRequest(f"There is no shape {shape}: choose one of {', '.join(NAMES)}.")
            metres = number_in(given, "metres", where)
            if not metres <= FARTHEST:
                raise InvalidRequest(f"{metres:g} metres are too long a path.")
            return _shape(given["shape"], metres, _place_in(given, "at", where), number_in(given, "facing", where, 0.0))
        given = fields_of(value, where, ("points",), ("cyclic", "weights"))
        points = tuple(_place(point, "points", where) for point in list_in(given, "points", where))
        weights = None
        if given.get("weights") is not None:
            weights = tuple(as_number(weight, "weights", where) for weight in list_in(given, "weights", where))
        return StoryPath(points, flag_in(given, "cyclic", where), weights)
    except InvalidRequest as error:
        fail_at(where, error)


def _shape(name: str, metres: float, at: Place, facing: float) -> StoryPath:
    """A named shape with a given start and direction."""
    if not math.isfinite(facing):
        raise InvalidRequest('"facing" must be a number of degrees.')
    path = named_path(name, metres)
    points = path.points * (1.0, -1.0)
    if len(points) > 2:
        kept = points[::THINNING]
        points = kept if path.cyclic or (len(points) - 1) % THINNING == 0 else np.concatenate([kept, points[-1:]])
    cos, sin = math.cos(math.radians(facing)), math.sin(math.radians(facing))
    turned = points @ np.array([[cos, sin], [-sin, cos]]) + at[:2]
    return StoryPath(tuple((float(x), float(y), at[2]) for x, y in turned), path.cyclic)


def _character(value: Any, number: int, fps: float) -> StoryCharacter:
    where = f"Character {number}"
    given = fields_of(value, where, ("name",), ("at", "facing", "scale", "shots"))
    name = text_in(given, "name", where)
    where = f"Character {quoted(name)}"
    shots: list[StoryShot] = []
    for place, shot in enumerate(list_in(given, "shots", where, ()), 1):
        shots.append(_shot(shot, shot_name(name, place), shots[-1].last if shots else FIRST_FRAME, fps))
    try:
        return StoryCharacter(
            name,
            _place_in(given, "at", where),
            number_in(given, "facing", where, 0.0),
            number_in(given, "scale", where, 1.0),
            tuple(shots),
        )
    except InvalidRequest as error:
        fail_at(where, error)


def _shot(value: Any, where: str, begin: int, fps: float) -> StoryShot:
    """Read a shot; `begin` is its first frame if it has none of its own."""
    known = ("first", "last", "seconds", "seed", "locked", "path", "part", "pins", "takes")
    given = fields_of(value, where, ("prompt",), known)
    if "seconds" in given:
        if "last" in given:
            raise InvalidRequest(f'{where} has both "seconds" and "last": give one of them.')
        first = whole_in(given, "first", where, begin)
        seconds = number_in(given, "seconds", where)
        if not 0.0 < seconds <= LAST_FRAME / fps:
            raise InvalidRequest(f"{where}: {seconds:g} seconds are no length of a shot.")
        last = first + max(1, round(seconds * fps))
    elif "first" in given and "last" in given:
        first, last = whole_in(given, "first", where), whole_in(given, "last", where)
    else:
        raise InvalidRequest(f'{where} has no length: give "seconds", or "first" and "last" frame.')
    part = tuple(as_number(fraction, "part", where) for fraction in list_in(given, "part", where, (0.0, 1.0)))
    if len(part) != 2:
        raise InvalidRequest(f'{where}: "part" must be two numbers from 0 to 1, such as [0, 0.5].')
    pins = tuple(
        _pin(pin, f"{where}, pin {number}", first, last, fps)
        for number, pin in enumerate(list_in(given, "pins", where, ()), 1)
    )
    try:
        return StoryShot(
            text_in(given, "prompt", where),
            first,
            last,
            whole_in(given, "seed", where, 0),
            flag_in(given, "locked", where),
            None if given.get("path") is None else text_in(given, "path", where),
            part,
            pins,
            whole_in(given, "takes", where, 1),
        )
    except InvalidRequest as error:
        fail_at(where, error)


def _pin(value: Any, where: str, first: int, last: int, fps: float) -> StoryPin:
    """Read a pin: on scene frames, in seconds from the start of the shot, or during the whole shot first..last."""
    given = fields_of(value, where, ("joint", "at"), ("first", "last", "from", "to"))
    in_frames, in_seconds = {"first", "last"} & set(given), {"from", "to"} & set(given)
    if in_frames and in_seconds:
        raise InvalidRequest(f'{where}: give "first" and "last" frame, or "from" and "to" in seconds, not both.')
    if in_seconds:
        times = number_in(given, "from", where, 0.0), number_in(given, "to", where, (last - first) / fps)
        if not all(abs(time) <= LAST_FRAME for time in times):
            raise InvalidRequest(f"{where}: its seconds are outside the shot.")
        held = first + round(times[0] * fps), first + round(times[1] * fps)
    else:
        held = whole_in(given, "first", where, first), whole_in(given, "last", where, last)
    try:
        return StoryPin(text_in(given, "joint", where), _place_in(given, "at", where), *held)
    except InvalidRequest as error:
        fail_at(where, error)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"The storyboard contains {quoted(double)} twice in one place.")
    return found


def _place_in(given: Mapping[str, Any], name: str, where: str) -> Place:
    return _place(given[name], name, where) if name in given else (0.0, 0.0, 0.0)


def _place(value: Any, name: str, where: str) -> Place:
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise InvalidRequest(f'{where}: in "{name}" a place must be [x, y] or [x, y, z], not {shown_value(value)}.')
    x, y, z = (as_number(number, name, where) for number in (*value, *[0.0] * (3 - len(value))))
    return x, y, z
