"""A storyboard: several characters, what each does shot after shot, and the paths they walk, as one JSON file.

Places are in metres in Blender's axes (Z up), directions in degrees seen from above: 0 is Blender's front (-Y), growing
counter-clockwise. Frames are the scene's. The file's form is described in docs/USAGE.md.
"""

from __future__ import annotations

import json
import math
import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from .chaining import OVERLAP
from .errors import InvalidRequest
from .export import check_fps, write_aside
from .motion.paths import NAMES, GroundPath, named_path
from .motion.skeleton import FPS, MIN_FRAMES
from .request import MAX_CHAINED_FRAMES

VERSION = 1
VERSION_FIELD = "motionlcm_storyboard"
DEFAULT_FPS = 24.0
FIRST_FRAME = 1
PIN_JOINTS = ("l_wrist", "r_wrist", "l_foot", "r_foot", "head", "pelvis")
MAX_SEED = 2**31 - 1
MOST_TAKES = 32
LAST_FRAME = 1_000_000
"""Blender's timeline ends a little after this."""
FARTHEST = 100_000.0
"""Metres from the origin."""
LONGEST_NAME = 63
"""Bytes of a name in Blender."""
THINNING = 8
"""Every so many points of a named shape are kept, so that the curve can be edited by hand."""

Place = tuple[float, float, float]


@dataclass(frozen=True)
class StoryPath:
    """A line on the floor. points: places; cyclic: the last joins the first; weights: relative speed at each point."""

    points: tuple[Place, ...]
    cyclic: bool = False
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for place in self.points:
            _check_place(place)
        self.ground()

    def ground(self) -> GroundPath:
        """The same in the engine's axes. Raises InvalidRequest if it is no path."""
        floor = np.array(self.points, np.float64).reshape(-1, 3)[:, :2] * (1.0, -1.0)
        return GroundPath(floor, self.cyclic, None if self.weights is None else np.array(self.weights))

    def part(self, begin: float, end: float) -> StoryPath:
        """The stretch between two shares, 0 to 1, of its length on the floor. Raises InvalidRequest if it has none."""
        points = np.array(self.points, np.float64)
        weights = np.array(self.weights if self.weights is not None else [1.0] * len(points))
        if self.cyclic:
            points, weights = np.concatenate([points, points[:1]]), np.append(weights, weights[0])
        way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, :2], axis=0), axis=-1))])
        low, high = begin * way[-1], end * way[-1]
        at = np.concatenate([[low], way[(way > low) & (way < high)], [high]])
        cut = np.stack([np.interp(at, way, points[:, axis]) for axis in range(3)], axis=-1)
        cut_weights = None if self.weights is None else tuple(np.interp(at, way, weights).tolist())
        return StoryPath(tuple((float(x), float(y), float(z)) for x, y, z in cut), weights=cut_weights)


@dataclass(frozen=True)
class StoryPin:
    """A part of the body held at a place. joint: one of PIN_JOINTS; first, last: frames of the scene."""

    joint: str
    at: Place
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.joint not in PIN_JOINTS:
            raise InvalidRequest(f"There is no joint {_quoted(self.joint)}: choose one of {', '.join(PIN_JOINTS)}.")
        _check_place(self.at)
        if self.last < self.first:
            raise InvalidRequest(f"It ends on frame {self.last}, before it begins ({self.first}).")


@dataclass(frozen=True)
class StoryShot:
    """What a character does from one frame to another.

    path: name of a path of the storyboard. part: which stretch of it, shares of its length. takes: how many
    are made to choose from. Raises InvalidRequest on values that no shot can have.
    """

    prompt: str
    first: int
    last: int
    seed: int = 0
    locked: bool = False
    path: str | None = None
    part: tuple[float, float] = (0.0, 1.0)
    pins: tuple[StoryPin, ...] = ()
    takes: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.takes <= MOST_TAKES:
            raise InvalidRequest(f"The number of takes must be 1 to {MOST_TAKES}, not {_number(self.takes)}.")
        if not self.prompt.strip():
            raise InvalidRequest("The prompt is empty: say what the character should do.")
        _check_text(self.prompt, "The prompt")
        if not -LAST_FRAME <= self.first < self.last <= LAST_FRAME:
            raise InvalidRequest(
                f"Frames {self.first} to {self.last} are no shot: it must end after it begins, and before {LAST_FRAME}."
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise InvalidRequest(f"The seed must be 0 to {MAX_SEED}, not {_number(self.seed)}.")
        if not 0.0 <= self.part[0] < self.part[1] <= 1.0:
            raise InvalidRequest("The part of a path must be two rising numbers from 0 to 1, such as [0, 0.5].")
        if self.path is None and self.part != (0.0, 1.0):
            raise InvalidRequest("It has a part of a path, but no path.")
        for number, pin in enumerate(self.pins, 1):
            if not (self.first <= pin.first and pin.last <= self.last):
                raise InvalidRequest(
                    f"Pin {number} is on frames {pin.first} to {pin.last}, outside the shot "
                    f"({self.first} to {self.last})."
                )


@dataclass(frozen=True)
class StoryCharacter:
    """Who, where, and the shots in order of time. facing: degrees; scale: 1 is life size."""

    name: str
    at: Place = (0.0, 0.0, 0.0)
    facing: float = 0.0
    scale: float = 1.0
    shots: tuple[StoryShot, ...] = ()

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_place(self.at)
        if not (math.isfinite(self.facing) and abs(self.facing) <= 36000.0):
            raise InvalidRequest("The facing must be a number of degrees.")
        if not (math.isfinite(self.scale) and 0.01 <= self.scale <= 100.0):
            raise InvalidRequest(f"The scale must be 0.01 to 100, not {self.scale:g}.")
        for number, (one, two) in enumerate(zip(self.shots[:-1], self.shots[1:], strict=True), 2):
            if two.first < one.last:
                raise InvalidRequest(
                    f"Shot {number} begins on frame {two.first}, before shot {number - 1} ends ({one.last})."
                )


@dataclass(frozen=True)
class Storyboard:
    """Everything a file holds. Raises InvalidRequest, naming character and shot, if it does not fit together."""

    characters: tuple[StoryCharacter, ...]
    fps: float = DEFAULT_FPS
    paths: Mapping[str, StoryPath] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_fps(self.fps)
        if not self.characters:
            raise InvalidRequest("The storyboard has no characters.")
        for name in self.paths:
            _check_name(name)
        seen = set()
        for character in self.characters:
            if character.name in seen:
                raise InvalidRequest(f"Two characters are called {_quoted(character.name)}: give each its own name.")
            seen.add(character.name)
            for number, shot in enumerate(character.shots, 1):
                try:
                    self._check_shot(shot)
                except InvalidRequest as error:
                    _fail(_shot_of(character.name, number), error)

    def _check_shot(self, shot: StoryShot) -> None:
        seconds = (shot.last - shot.first) / self.fps
        frames = math.ceil(seconds * FPS - 1e-6) + 1
        longest = MAX_CHAINED_FRAMES - OVERLAP
        if not MIN_FRAMES <= frames <= longest:
            raise InvalidRequest(
                f"Frames {shot.first} to {shot.last} are {seconds:.1f} s; "
                f"a shot is {(MIN_FRAMES - 1) / FPS:.2f} to {(longest - 1) / FPS:.1f} s long."
            )
        if shot.path is None:
            return
        if shot.path not in self.paths:
            known = f"the storyboard's are {', '.join(map(_quoted, self.paths))}" if self.paths else "it has none"
            raise InvalidRequest(f"There is no path {_quoted(shot.path)}: {known}.")
        if shot.part != (0.0, 1.0):
            self.paths[shot.path].part(*shot.part)

    def at_fps(self, fps: float) -> Storyboard:
        """The same in time at another frame rate. Raises InvalidRequest if a shot becomes too short for it."""
        check_fps(fps)

        def moved(frame: int) -> int:
            return FIRST_FRAME + round((frame - FIRST_FRAME) * fps / self.fps)

        characters = []
        for character in self.characters:
            shots = []
            for number, shot in enumerate(character.shots, 1):
                pins = tuple(replace(pin, first=moved(pin.first), last=moved(pin.last)) for pin in shot.pins)
                try:
                    shots.append(replace(shot, first=moved(shot.first), last=moved(shot.last), pins=pins))
                except InvalidRequest as error:
                    _fail(_shot_of(character.name, number), error)
            characters.append(replace(character, shots=tuple(shots)))
        return replace(self, fps=fps, characters=tuple(characters))


# reading


def read_storyboard(file: str | os.PathLike[str]) -> Storyboard:
    """Read a JSON file. Raises InvalidRequest, in one sentence that names the character and shot."""
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
    """The same of JSON text."""
    try:
        content = json.loads(text, object_pairs_hook=_without_doubles)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"The storyboard is not valid JSON: line {error.lineno}, {error.msg}.") from None
    except InvalidRequest:
        raise
    except (ValueError, RecursionError):  # a number of thousands of digits; brackets without end
        raise InvalidRequest("The storyboard is not valid JSON.") from None
    return storyboard_from(content)


def storyboard_from(content: Any) -> Storyboard:
    """The same of what JSON text holds."""
    where = "The storyboard"
    if not isinstance(content, dict) or VERSION_FIELD not in content:
        raise InvalidRequest(f'This is no storyboard: it must hold {{"{VERSION_FIELD}": {VERSION}, ...}}.')
    if content[VERSION_FIELD] != VERSION or isinstance(content[VERSION_FIELD], bool):
        raise InvalidRequest(
            f"The storyboard is of version {_shown(content[VERSION_FIELD])}; version {VERSION} is known here."
        )
    given = _fields(content, where, (VERSION_FIELD, "characters"), ("fps", "paths"))
    fps = _number_in(given, "fps", where, DEFAULT_FPS)
    check_fps(fps)
    paths = given.get("paths", {})
    if not isinstance(paths, dict):
        raise InvalidRequest(f'{where}: "paths" must be {{"name": {{...}}, ...}}.')
    characters = _list_in(given, "characters", where)
    return Storyboard(
        tuple(_character(value, number, fps) for number, value in enumerate(characters, 1)),
        fps,
        {name: _path(value, f"Path {_quoted(name)}") for name, value in paths.items()},
    )


def _path(value: Any, where: str) -> StoryPath:
    try:
        if isinstance(value, dict) and "shape" in value:
            given = _fields(value, where, ("shape", "metres"), ("at", "facing"))
            if given["shape"] not in NAMES:
                raise InvalidRequest(f"There is no shape {_shown(given['shape'])}: choose one of {', '.join(NAMES)}.")
            metres = _number_in(given, "metres", where)
            if not metres <= FARTHEST:
                raise InvalidRequest(f"{metres:g} metres are too long a path.")
            return _shape(
                given["shape"], metres, _place_in(given, "at", where), _number_in(given, "facing", where, 0.0)
            )
        given = _fields(value, where, ("points",), ("cyclic", "weights"))
        points = tuple(_place(point, "points", where) for point in _list_in(given, "points", where))
        weights = None
        if given.get("weights") is not None:
            weights = tuple(_as_number(weight, "weights", where) for weight in _list_in(given, "weights", where))
        return StoryPath(points, _flag_in(given, "cyclic", where), weights)
    except InvalidRequest as error:
        _fail(where, error)


def _shape(name: str, metres: float, at: Place, facing: float) -> StoryPath:
    """A named shape that begins at a place in a direction."""
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
    given = _fields(value, where, ("name",), ("at", "facing", "scale", "shots"))
    name = _text_in(given, "name", where)
    where = f"Character {_quoted(name)}"
    shots: list[StoryShot] = []
    for place, shot in enumerate(_list_in(given, "shots", where, ()), 1):
        shots.append(_shot(shot, _shot_of(name, place), shots[-1].last if shots else FIRST_FRAME, fps))
    try:
        return StoryCharacter(
            name,
            _place_in(given, "at", where),
            _number_in(given, "facing", where, 0.0),
            _number_in(given, "scale", where, 1.0),
            tuple(shots),
        )
    except InvalidRequest as error:
        _fail(where, error)


def _shot(value: Any, where: str, begin: int, fps: float) -> StoryShot:
    """begin: the frame on which it starts if it does not say so."""
    known = ("first", "last", "seconds", "seed", "locked", "path", "part", "pins", "takes")
    given = _fields(value, where, ("prompt",), known)
    if "seconds" in given:
        if "last" in given:
            raise InvalidRequest(f'{where} has both "seconds" and "last": give one of them.')
        first = _whole_in(given, "first", where, begin)
        seconds = _number_in(given, "seconds", where)
        if not 0.0 < seconds <= LAST_FRAME / fps:
            raise InvalidRequest(f"{where}: {seconds:g} seconds are no length of a shot.")
        last = first + max(1, round(seconds * fps))
    elif "first" in given and "last" in given:
        first, last = _whole_in(given, "first", where), _whole_in(given, "last", where)
    else:
        raise InvalidRequest(f'{where} has no length: give "seconds", or "first" and "last" frame.')
    part = tuple(_as_number(share, "part", where) for share in _list_in(given, "part", where, (0.0, 1.0)))
    if len(part) != 2:
        raise InvalidRequest(f'{where}: "part" must be two numbers from 0 to 1, such as [0, 0.5].')
    pins = tuple(
        _pin(pin, f"{where}, pin {number}", first, last, fps)
        for number, pin in enumerate(_list_in(given, "pins", where, ()), 1)
    )
    try:
        return StoryShot(
            _text_in(given, "prompt", where),
            first,
            last,
            _whole_in(given, "seed", where, 0),
            _flag_in(given, "locked", where),
            None if given.get("path") is None else _text_in(given, "path", where),
            part,
            pins,
            _whole_in(given, "takes", where, 1),
        )
    except InvalidRequest as error:
        _fail(where, error)


def _pin(value: Any, where: str, first: int, last: int, fps: float) -> StoryPin:
    """On frames of the scene, at seconds after the shot begins, or as long as the shot, first to last."""
    given = _fields(value, where, ("joint", "at"), ("first", "last", "from", "to"))
    in_frames, in_seconds = {"first", "last"} & set(given), {"from", "to"} & set(given)
    if in_frames and in_seconds:
        raise InvalidRequest(f'{where}: give "first" and "last" frame, or "from" and "to" in seconds, not both.')
    if in_seconds:
        times = _number_in(given, "from", where, 0.0), _number_in(given, "to", where, (last - first) / fps)
        if not all(abs(time) <= LAST_FRAME for time in times):
            raise InvalidRequest(f"{where}: its seconds are outside the shot.")
        held = first + round(times[0] * fps), first + round(times[1] * fps)
    else:
        held = _whole_in(given, "first", where, first), _whole_in(given, "last", where, last)
    try:
        return StoryPin(_text_in(given, "joint", where), _place_in(given, "at", where), *held)
    except InvalidRequest as error:
        _fail(where, error)


# writing


def storyboard_content(board: Storyboard) -> dict[str, Any]:
    """What the JSON file holds; `storyboard_from` makes the same storyboard of it."""
    return {
        VERSION_FIELD: VERSION,
        "fps": _short(board.fps),
        "paths": {name: _path_content(path) for name, path in board.paths.items()},
        "characters": [
            {
                "name": character.name,
                "at": _short_place(character.at),
                "facing": _short(character.facing),
                "scale": _short(character.scale),
                "shots": [_shot_content(shot) for shot in character.shots],
            }
            for character in board.characters
        ],
    }


def write_storyboard(board: Storyboard, file: str | os.PathLike[str]) -> None:
    """Write it as JSON, under another name first. Raises MotionLCMError if it cannot be written."""
    text = json.dumps(storyboard_content(board), indent=2, ensure_ascii=False)
    write_aside(Path(file), lambda temporary: temporary.write_bytes((_on_one_line(text) + "\n").encode()))


def _path_content(path: StoryPath) -> dict[str, Any]:
    content: dict[str, Any] = {"points": [_short_place(place) for place in path.points], "cyclic": path.cyclic}
    return content if path.weights is None else content | {"weights": [_short(weight) for weight in path.weights]}


def _shot_content(shot: StoryShot) -> dict[str, Any]:
    content: dict[str, Any] = {"prompt": shot.prompt, "first": shot.first, "last": shot.last, "seed": shot.seed}
    if shot.locked:
        content["locked"] = True
    if shot.path is not None:
        content["path"] = shot.path
    if shot.part != (0.0, 1.0):
        content["part"] = [_short(share) for share in shot.part]
    if shot.takes != 1:
        content["takes"] = shot.takes
    if shot.pins:
        content["pins"] = [
            {"joint": pin.joint, "at": _short_place(pin.at), "first": pin.first, "last": pin.last} for pin in shot.pins
        ]
    return content


def _on_one_line(text: str) -> str:
    """Lists of numbers on a line of their own instead of a line for each number. Text in JSON has no line ends."""
    number = r"[-+.\deE]+"
    lists = re.compile(rf"\[\n\s*({number}(?:,\n\s*{number})*)\n\s*\]")
    return lists.sub(lambda found: "[" + ", ".join(found[1].replace(",", "").split()) + "]", text)


# small parts


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise InvalidRequest(f"The storyboard says {_quoted(double)} twice in one place.")
    return found


def _fields(value: Any, where: str, required: Sequence[str], optional: Sequence[str]) -> dict[str, Any]:
    """The parts of an object, with nothing missing and nothing unknown."""
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where} must be {{...}}, not {_shown(value)}.")
    missing = [name for name in required if name not in value]
    if missing:
        raise InvalidRequest(f"{where} lacks {_quoted(missing[0])}.")
    unknown = [name for name in value if name not in (*required, *optional)]
    if unknown:
        raise InvalidRequest(
            f"{where} holds something unknown, {_quoted(unknown[0])}: it may have "
            f"{', '.join(name for name in (*required, *optional) if name != VERSION_FIELD)}."
        )
    return value


def _list_in(given: Mapping[str, Any], name: str, where: str, default: Sequence[Any] | None = None) -> Sequence[Any]:
    value = given[name] if name in given or default is None else default
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f'{where}: "{name}" must be a list [...], not {_shown(value)}.')
    return value


def _text_in(given: Mapping[str, Any], name: str, where: str) -> str:
    if not isinstance(given[name], str):
        raise InvalidRequest(f'{where}: "{name}" must be text, not {_shown(given[name])}.')
    value: str = given[name]
    return value


def _flag_in(given: Mapping[str, Any], name: str, where: str) -> bool:
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f'{where}: "{name}" must be true or false, not {_shown(value)}.')
    return value


def _whole_in(given: Mapping[str, Any], name: str, where: str, default: int | None = None) -> int:
    value = given[name] if name in given or default is None else default
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequest(f'{where}: "{name}" must be a whole number, not {_shown(value)}.')
    return value


def _number_in(given: Mapping[str, Any], name: str, where: str, default: float | None = None) -> float:
    return _as_number(given[name] if name in given or default is None else default, name, where)


def _as_number(value: Any, name: str, where: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise InvalidRequest(f'{where}: "{name}" must be a finite number, not {_shown(value)}.')


def _place_in(given: Mapping[str, Any], name: str, where: str) -> Place:
    return _place(given[name], name, where) if name in given else (0.0, 0.0, 0.0)


def _place(value: Any, name: str, where: str) -> Place:
    if not isinstance(value, list) or len(value) not in (2, 3):
        raise InvalidRequest(f'{where}: in "{name}" a place must be [x, y] or [x, y, z], not {_shown(value)}.')
    x, y, z = (_as_number(number, name, where) for number in (*value, *[0.0] * (3 - len(value))))
    return x, y, z


def _check_place(place: Place) -> None:
    if not all(abs(number) <= FARTHEST for number in place):  # false for NaN, too
        raise InvalidRequest(f"A place is farther than {FARTHEST:g} m from the origin.")


def _check_name(name: str) -> None:
    if not name.strip():
        raise InvalidRequest("A name is empty.")
    _check_text(name, "A name")
    if len(name.encode()) > LONGEST_NAME:
        raise InvalidRequest(f"The name {_quoted(name)} is longer than Blender's {LONGEST_NAME} bytes.")


def _check_text(text: str, what: str) -> None:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise InvalidRequest(f"{what} holds a control character or half of one.")


def _shot_of(character: str, number: int) -> str:
    return f"Character {_quoted(character)}, shot {number}"


def _fail(where: str, error: InvalidRequest) -> NoReturn:
    """Raise it again with where it is, unless it says so itself."""
    sentence = str(error)
    if not sentence.startswith(("Character ", "Path ", "The storyboard")):
        sentence = f"{where}: {sentence[0].lower()}{sentence[1:]}"
    raise InvalidRequest(sentence) from None


def _quoted(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "?" for letter in text)
    return f'"{clean if len(clean) <= 40 else clean[:37] + "..."}"'


def _shown(value: Any) -> str:
    """A value of JSON in a sentence."""
    if isinstance(value, dict):
        return "{...}" if value else "{}"
    if isinstance(value, list):
        return "[...]" if value else "[]"
    if isinstance(value, str):
        return _quoted(value)
    return "null" if value is None else _number(value) if not isinstance(value, bool) else str(value).lower()


def _number(value: float) -> str:
    return "a number of very many digits" if isinstance(value, int) and abs(value) > 10**15 else f"{value}"


def _short(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _short_place(place: Place) -> list[float | int]:
    return [_short(number) for number in (place if place[2] else place[:2])]
