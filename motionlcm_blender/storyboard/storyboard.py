"""Storyboards: several characters, their shots and their paths, as one JSON file.

Positions are in metres in Blender's axes (Z up), directions in degrees seen from above: 0 is Blender's front (-Y),
counter-clockwise is positive. Frames are the scene's. docs/USAGE.md describes the file format.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import InvalidRequest
from ..export.motion_files import check_fps
from ..files.json_fields import number_text, quoted
from ..generation.request import LONGEST_PROMPT, MAX_CHAINED_FRAMES, START_FRAMES
from ..motion.ground_path import GroundPath
from ..motion.skeleton import FPS, MIN_FRAMES
from .text import fail_at, shot_name

VERSION = 1
VERSION_FIELD = "motionlcm_storyboard"
DEFAULT_FPS = 24.0
FIRST_FRAME = 1
PIN_JOINTS = ("l_wrist", "r_wrist", "l_foot", "r_foot", "head", "pelvis")
MAX_SEED = 2**31 - 1
MOST_TAKES = 32
LAST_FRAME = 1_000_000
"""Blender's timeline ends shortly after this."""
FARTHEST = 100_000.0
"""Metres from the origin."""
LONGEST_NAME = 63
"""Bytes of a name in Blender."""

Place = tuple[float, float, float]


@dataclass(frozen=True)
class StoryPath:
    """A line on the floor.

    Attributes:
        points: Positions, metres.
        cyclic: The last point joins the first.
        weights: Relative speed at each point.
    """

    points: tuple[Place, ...]
    cyclic: bool = False
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for place in self.points:
            _check_place(place)
        self.ground()

    def ground(self) -> GroundPath:
        """Convert to the engine's axes.

        Raises:
            InvalidRequest: This is not a valid path.
        """
        floor = np.array(self.points, np.float64).reshape(-1, 3)[:, :2] * (1.0, -1.0)
        return GroundPath(floor, self.cyclic, None if self.weights is None else np.array(self.weights))

    def part(self, begin: float, end: float) -> StoryPath:
        """Cut a section between two fractions, 0 to 1, of the length on the floor.

        Raises:
            InvalidRequest: The section has no length.
        """
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
    """A body part pinned to a position.

    Attributes:
        joint: One of PIN_JOINTS.
        at: Position, metres.
        first: First frame in the scene.
        last: Last frame in the scene.
    """

    joint: str
    at: Place
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.joint not in PIN_JOINTS:
            raise InvalidRequest(f"There is no joint {quoted(self.joint)}: choose one of {', '.join(PIN_JOINTS)}.")
        _check_place(self.at)
        if self.last < self.first:
            raise InvalidRequest(f"It ends on frame {self.last}, before it begins ({self.first}).")


def check_shot_length(first: int, last: int, fps: float) -> None:
    """Check the length of a shot.

    Args:
        first: First frame in the scene.
        last: Last frame in the scene.
        fps: Frames per second of the scene.

    Raises:
        InvalidRequest: The shot is shorter or longer than a motion can be.
    """
    seconds = (last - first) / fps
    frames = math.ceil(seconds * FPS - 1e-6) + 1
    longest = MAX_CHAINED_FRAMES - START_FRAMES
    if not MIN_FRAMES <= frames <= longest:
        raise InvalidRequest(
            f"Frames {first} to {last} are {seconds:.1f} s; "
            f"a shot is {(MIN_FRAMES - 1) / FPS:.2f} to {(longest - 1) / FPS:.1f} s long."
        )


@dataclass(frozen=True)
class StoryShot:
    """The action of a character between two frames.

    Attributes:
        prompt: English text.
        first: First frame in the scene.
        last: Last frame in the scene.
        seed: Seed of the first take.
        locked: The shot is not regenerated.
        path: Name of a path of the storyboard.
        part: Section of the path, as fractions of its length.
        pins: Pins of the shot.
        takes: Number of takes to choose from.

    Raises:
        InvalidRequest: A value is not possible.
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
            raise InvalidRequest(f"The number of takes must be 1 to {MOST_TAKES}, not {number_text(self.takes)}.")
        if not self.prompt.strip():
            raise InvalidRequest("The prompt is empty: describe what the character should do.")
        if any("\ud800" <= letter <= "\udfff" for letter in self.prompt):  # as in `Request`
            raise InvalidRequest("The prompt is not text in UTF-8.")
        if len(self.prompt) > LONGEST_PROMPT:
            raise InvalidRequest(f"The prompt has {len(self.prompt)} letters; {LONGEST_PROMPT} are the most.")
        if not -LAST_FRAME <= self.first < self.last <= LAST_FRAME:
            raise InvalidRequest(
                f"Frames {self.first} to {self.last} are no shot: it must end after it begins, and before {LAST_FRAME}."
            )
        if not 0 <= self.seed <= MAX_SEED:
            raise InvalidRequest(f"The seed must be 0 to {MAX_SEED}, not {number_text(self.seed)}.")
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
    """A character with its position and its shots in order of time.

    Attributes:
        name: Name of the character.
        at: Position, metres.
        facing: Degrees.
        scale: 1 is life size.
        shots: The shots.
    """

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
    """The content of a storyboard file.

    Raises InvalidRequest, with the names of character and shot, if the parts do not fit together.
    """

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
                raise InvalidRequest(f"Two characters are called {quoted(character.name)}: give each its own name.")
            seen.add(character.name)
            for number, shot in enumerate(character.shots, 1):
                try:
                    self._check_shot(shot)
                except InvalidRequest as error:
                    fail_at(shot_name(character.name, number), error)

    def _check_shot(self, shot: StoryShot) -> None:
        check_shot_length(shot.first, shot.last, self.fps)
        if shot.path is None:
            return
        if shot.path not in self.paths:
            known = f"the storyboard's are {', '.join(map(quoted, self.paths))}" if self.paths else "it has none"
            raise InvalidRequest(f"There is no path {quoted(shot.path)}: {known}.")
        if shot.part != (0.0, 1.0):
            self.paths[shot.path].part(*shot.part)

    def at_fps(self, fps: float) -> Storyboard:
        """Convert to another frame rate; times stay.

        Raises:
            InvalidRequest: A shot becomes too short.
        """
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
                    fail_at(shot_name(character.name, number), error)
            characters.append(replace(character, shots=tuple(shots)))
        return replace(self, fps=fps, characters=tuple(characters))


# reading


# writing


# small parts


def _check_place(place: Place) -> None:
    if not all(abs(number) <= FARTHEST for number in place):  # false for NaN as well
        raise InvalidRequest(f"A place is farther than {FARTHEST:g} m from the origin.")


def _check_name(name: str) -> None:
    if not name.strip():
        raise InvalidRequest("A name is empty.")
    _check_text(name, "A name")
    if len(name.encode()) > LONGEST_NAME:
        raise InvalidRequest(f"The name {quoted(name)} is longer than Blender's {LONGEST_NAME} bytes.")


def _check_text(text: str, what: str) -> None:
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise InvalidRequest(f"{what} holds a control character or half of one.")
