"""Recipes: all it takes to make one motion again, as plain values that travel in an Action or in a JSON file.

A recipe does not ask for the curve, the pins' objects or the ground it was made with, nor for the motion it goes on
from: what was read off them is in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InvalidRequest
from .finishing import Landing, Seam
from .motion.clips import Motion
from .motion.foot_lock import FootLock
from .motion.ground import Ground, HeightField, PathHeights
from .motion.loops import Travel
from .motion.placement import Placement, unplace_joints
from .motion.skeleton import FPS, JOINT_COUNT, MIN_FRAMES, SMPL
from .request import MAX_CHAINED_FRAMES, Blend, Hints, Request

if TYPE_CHECKING:
    from .export import Shot

VERSION = 1
VERSION_FIELD = "motionlcm_recipe"
LARGEST_FILE = 64 * 2**20
MOST_RECIPES = 64
LONGEST_TEXT = 4000
MOST_HEIGHTS = 400_000
LARGEST_NUMBER = 1e9
"""No place, time or frame of a recipe is beyond this."""
LARGEST_SEED, LARGEST_BLENDED = 2**62, 2**53
"""Seeds of blends are kept as floating-point numbers, which are exact up to here."""
SAME_SIZE = 1e-4
"""Share by which two characters may differ in size and still be given the same numbers."""


@dataclass(frozen=True)
class Origin:
    """Which model and version made a motion, and whose the model is."""

    model: str = ""
    model_sha256: str = ""
    licence: str = ""
    attribution: str = ""
    version: str = ""


@dataclass(frozen=True)
class Recipe:
    """One motion and how it was written.

    request: of one take. placement: where in the world, engine axes, metres of the character. seconds: the length asked
    for. first_frame, scene_fps: of the scene. units_per_metre: scene units for each metre of the character. path_xz:
    (frames, 2) the path in the world. ground: heights above the motion's floor, by places in the world. standing: where
    the armature object stood. key_tolerance: millimetres; None: a key on every frame. seam: where it goes on from an
    earlier motion. landing: the pose it ends in. scene_frames: how many frames of the scene are written at most. path,
    ground_name: what they were called. Raises InvalidRequest if the parts do not fit one another.
    """

    request: Request
    placement: Placement
    seconds: float
    first_frame: int
    scene_fps: float = FPS
    units_per_metre: float = 1.0
    path: str = ""
    path_xz: np.ndarray | None = None
    ground: Ground | None = None
    ground_name: str = ""
    standing: Placement | None = None
    travel: Travel = Travel.HIPS
    loop: bool = False
    key_tolerance: float | None = None
    seam: Seam | None = None
    landing: Landing | None = None
    scene_frames: int | None = None
    origin: Origin = Origin()

    def __post_init__(self) -> None:
        _require(self.request.takes == 1, "A recipe is of one take.")
        _require(0 <= self.seconds <= LARGEST_NUMBER, "The recipe's length must be a number of seconds.")
        _require(abs(self.first_frame) < 2**30, "The recipe starts on a frame that no scene has.")
        _require(0 < self.scene_fps <= LARGEST_NUMBER, "The recipe's frame rate is not one that a scene can have.")
        _require(1e-9 < self.units_per_metre < 1e9, "The recipe's units_per_metre must be a positive number.")
        if self.path_xz is not None:
            fits = np.shape(self.path_xz) == (self.request.frames, 2)
            _require(fits, "The recipe's path_xz must give x and z for each of its frames.")
        if self.key_tolerance is not None:
            _require(0 < self.key_tolerance <= 1e4, "The recipe's key_tolerance must be 0 to 10000 millimetres.")
        if self.scene_frames is not None:
            _require(1 <= self.scene_frames < 2**30, "The recipe's scene_frames must be 1 or more.")
        if self.seam is not None:
            _require(0 <= self.seam.frame < self.request.frames, "The recipe's seam is not on one of its frames.")
            _check_turns("seam_turns", self.seam.turns)
        if self.landing is not None:
            _check_turns("landing_turns", self.landing.turns)

    def for_size(self, units_per_metre: float) -> Recipe:
        """The same places in the world for a character of another size."""
        ratio = self.units_per_metre / units_per_metre
        if abs(ratio - 1.0) < SAME_SIZE:
            return self
        request = self.request
        if request.hints is not None:
            request = replace(request, hints=replace(request.hints, positions=request.hints.positions * ratio))
        if request.end is not None and not request.end_anywhere:
            away = (ratio - 1.0) * request.end.joints[0, 0] * (1.0, 0.0, 1.0)
            joints = (request.end.joints + away).astype(np.float32)
            request = replace(request, end=replace(request.end, joints=joints))
        seam, standing, landing = self.seam, self.standing, self.landing
        if landing is not None and landing.translation is not None:
            landing = replace(landing, translation=landing.translation * ratio)
        return replace(
            self, request=request, placement=_sized(self.placement, ratio), units_per_metre=units_per_metre,
            path_xz=None if self.path_xz is None else self.path_xz * ratio,
            ground=None if self.ground is None else _sized_ground(self.ground, ratio),
            standing=None if standing is None else _sized(standing, ratio),
            seam=None if seam is None else replace(seam, translation=seam.translation * ratio), landing=landing,
        )  # fmt: skip


def _require(holds: bool, sentence: str) -> None:
    if not holds:
        raise InvalidRequest(sentence)


def _check_turns(name: str, turns: np.ndarray) -> None:
    _require(np.shape(turns) == (len(SMPL), 4), f"The recipe's {name} must be {len(SMPL)} quaternions.")
    _require(bool(np.linalg.norm(turns, axis=1).min() > 0.1), f"The recipe's {name} are no turns.")


def _sized(placement: Placement, ratio: float) -> Placement:
    return replace(placement, origin=placement.origin * ratio)


def _sized_ground(ground: Ground, ratio: float) -> Ground:
    if isinstance(ground, HeightField):
        return HeightField(ground.corner * ratio, ground.step * ratio, ground.grid * ratio)
    if isinstance(ground, PathHeights):
        return PathHeights(ground.points * ratio, ground.levels * ratio)
    return ground


def hints_of(
    path_xz: np.ndarray | None,
    pinned: tuple[np.ndarray, np.ndarray] | None,
    placement: Placement,
    pins_in_motion: bool = False,
) -> Hints | None:
    """Hints of a path (frames, 2) in the world and of pins: positions and mask (frames, 22, 3).

    pins_in_motion: the pins' positions are in the motion's frame already, not in the world. None without either.
    """
    if path_xz is None and pinned is None:
        return None
    path: Hints | None = None
    if path_xz is not None:
        canonical = unplace_joints(np.insert(path_xz, 1, 0.0, axis=1), placement)[:, [0, 2]]
        canonical[0] = 0.0
        path = Hints.ground_path(canonical)
    if pinned is None:
        return path
    positions, mask = pinned
    if not pins_in_motion:
        positions = unplace_joints(positions, placement)
    if path is not None:
        positions = np.where(path.mask, path.positions, positions)
        mask = mask | path.mask
    return Hints(np.where(mask, positions, 0.0), mask)


# Recipes as named values


@dataclass(frozen=True)
class _Field:
    """kind: of the value. shape: of an array, None where it may be of any length."""

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
    "mirror": _Field(bool), "speed": _Field(float), "blends": _array(None, 2), "facing": _array(None),
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
"""What a recipe holds, by name. Pins are rows of frame, joint and place in the motion's frame, standing is a place and
a heading, blends are rows of seed and share."""
COLUMNS = "ground_columns"
"""Flat values cannot tell how wide a grid is: this does."""


def values_of(recipe: Recipe) -> dict[str, Any]:
    """A recipe as values by the names of FIELDS: text, numbers, and float64 arrays. What is not there is left out."""
    request, ground = recipe.request, recipe.ground
    values: dict[str, Any] = {
        "prompt": request.prompt, "seed": int(request.seed), "steps": int(request.steps), "seconds": recipe.seconds,
        "frames": int(request.frames), "scene_fps": recipe.scene_fps, "first_frame": int(recipe.first_frame),
        **vars(recipe.origin),
        "origin": recipe.placement.origin, "heading": recipe.placement.heading,
        "units_per_metre": recipe.units_per_metre, "path": recipe.path, "feet": request.feet.value,
        "ground": recipe.ground_name, "refine": request.refine, "travel": recipe.travel.value, "loop": recipe.loop,
        "key_tolerance": recipe.key_tolerance or 0.0, "mirror": request.mirror, "speed": request.speed,
    }  # fmt: skip
    if request.guidance is not None:
        values["guidance"] = request.guidance
    if request.blends:
        values["blends"] = np.array([(float(blend.towards), blend.share) for blend in request.blends])
    if recipe.standing is not None:
        values["standing"] = np.append(recipe.standing.origin, recipe.standing.heading)
    if recipe.path_xz is not None:
        values["path_xz"] = recipe.path_xz
    if request.facing is not None:
        values["facing"] = request.facing
    if request.hints is not None and request.hints.pins is not None:
        positions, mask = request.hints.pins
        at = np.argwhere(mask.any(-1))
        values["pins"] = np.concatenate([at, positions[at[:, 0], at[:, 1]]], axis=1)
    if isinstance(ground, HeightField):
        values |= {"ground_corner": ground.corner, "ground_step": float(ground.step), "ground_grid": ground.grid}
    elif isinstance(ground, PathHeights):
        values |= {"ground_points": ground.points, "ground_levels": ground.levels}
    if request.start is not None:
        values |= {"start": request.start.joints, "start_contacts": request.start.contacts}
    if recipe.seam is not None:
        seam = recipe.seam
        values |= {"seam_frame": int(seam.frame), "seam_translation": seam.translation, "seam_turns": seam.turns}
    if request.end is not None:
        values |= {"end": request.end.joints, "end_anywhere": request.end_anywhere}
    if recipe.landing is not None:
        values["landing_turns"] = recipe.landing.turns
        if recipe.landing.translation is not None:
            values["landing_translation"] = recipe.landing.translation
    if recipe.scene_frames is not None:
        values["scene_frames"] = int(recipe.scene_frames)
    return {
        name: np.asarray(value, np.float64) if FIELDS[name].kind is np.ndarray else value
        for name, value in values.items()
    }


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """The recipe of values as `values_of` gives them. Raises InvalidRequest, with one sentence, if it is none."""
    missing = [name for name, field in FIELDS.items() if field.needed and name not in values]
    _require(not missing, f'The recipe has no "{missing[0] if missing else ""}".')
    given = {name: _checked(name, values[name]) for name in FIELDS if name in values}
    frames = given["frames"]
    told = f'The recipe\'s "frames" must be {MIN_FRAMES} to {MAX_CHAINED_FRAMES}.'
    _require(MIN_FRAMES <= frames <= MAX_CHAINED_FRAMES, told)
    placement = Placement(given["origin"], given["heading"])
    path_xz = given.get("path_xz")
    if path_xz is not None:
        _require(len(path_xz) == frames, "The recipe's path_xz must give x and z for each of its frames.")
    pinned = _pins(given["pins"], frames) if "pins" in given else None
    request = Request(
        given["prompt"], frames, seed=given["seed"], steps=given["steps"], guidance=given.get("guidance"),
        hints=hints_of(path_xz, pinned, placement, pins_in_motion=True), start=_start(given),
        end=_end(given), end_anywhere=given.get("end_anywhere", False),
        feet=_member(FootLock, "feet", given.get("feet", "auto")), facing=given.get("facing"),
        refine=given.get("refine", False), blends=_blends(given.get("blends")), mirror=given.get("mirror", False),
        speed=given.get("speed", 1.0),
    )  # fmt: skip
    standing = given.get("standing")
    return Recipe(
        request, placement, given["seconds"], given["first_frame"],
        scene_fps=given.get("scene_fps", FPS), units_per_metre=given["units_per_metre"],
        path=given.get("path", ""), path_xz=path_xz, ground=_ground(given), ground_name=given.get("ground", ""),
        standing=None if standing is None else Placement(standing[:3], float(standing[3])),
        travel=_member(Travel, "travel", given.get("travel", "hips")), loop=given.get("loop", False),
        key_tolerance=given.get("key_tolerance", 0.0) or None, seam=_seam(given),
        landing=_landing(given), scene_frames=given.get("scene_frames"),
        origin=Origin(**{name: given.get(name, "") for name in vars(Origin())}),
    )  # fmt: skip


def _checked(name: str, value: Any) -> Any:
    """A value of the field's kind and shape. Raises InvalidRequest."""
    field = FIELDS[name]
    if field.kind is np.ndarray:
        return _checked_array(name, value, field.shape)
    if field.kind is str:
        _require(isinstance(value, str), f'The recipe\'s "{name}" must be text.')
        _require(len(value) <= LONGEST_TEXT, f'The recipe\'s "{name}" is longer than {LONGEST_TEXT} letters.')
        return value
    if field.kind is bool:
        _require(isinstance(value, bool), f'The recipe\'s "{name}" must be true or false.')
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    _require(number and math.isfinite(_as_float(value)), f'The recipe\'s "{name}" must be a finite number.')
    if field.kind is int:
        _require(float(value).is_integer(), f'The recipe\'s "{name}" must be a whole number.')
        most = LARGEST_SEED if name == "seed" else LARGEST_NUMBER
        _require(abs(value) <= most, f'The recipe\'s "{name}" is too large.')
        return int(value)
    _require(abs(value) <= LARGEST_NUMBER, f'The recipe\'s "{name}" is too large.')
    return float(value)


def _as_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _checked_array(name: str, value: Any, shape: tuple[int | None, ...]) -> np.ndarray:
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
    told = " x ".join("any" if size is None else str(size) for size in shape)
    _require(fits, f'The recipe\'s "{name}" must be {told} numbers.')
    _require(bool(np.isfinite(array).all()), f'The recipe\'s "{name}" holds a number that is not finite.')
    most = LARGEST_BLENDED if name == "blends" else LARGEST_NUMBER
    _require(bool(np.abs(array).max() <= most), f'The recipe\'s "{name}" holds a number that is too large.')
    return array


def _member(kind: type[Any], name: str, value: str) -> Any:
    known = [member.value for member in kind]
    _require(value in known, f'The recipe\'s "{name}" must be one of {", ".join(known)}.')
    return kind(value)


def _pins(rows: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    at = rows[:, :2].astype(np.int64)
    whole = bool((at == rows[:, :2]).all() and (at >= 0).all() and (at < [frames, JOINT_COUNT]).all())
    _require(whole, "The recipe's pins must name one of its frames and a joint from 0 to 21.")
    positions, mask = np.zeros((frames, JOINT_COUNT, 3)), np.zeros((frames, JOINT_COUNT, 3), bool)
    positions[at[:, 0], at[:, 1]], mask[at[:, 0], at[:, 1]] = rows[:, 2:], True
    return positions, mask


def _blends(rows: np.ndarray | None) -> tuple[Blend, ...]:
    if rows is None:
        return ()
    _require(bool((rows[:, 0] == np.rint(rows[:, 0])).all()), "The recipe's blends must name whole seeds.")
    return tuple(Blend(int(towards), float(share)) for towards, share in rows)


def _start(given: Mapping[str, Any]) -> Motion | None:
    if "start" not in given:
        return None
    joints = given["start"].astype(np.float32)
    contacts = given.get("start_contacts", np.zeros((len(joints), 4))).astype(np.float32)
    _require(len(contacts) == len(joints), "The recipe's start_contacts must be given for each frame of its start.")
    return Motion(joints, contacts)


def _end(given: Mapping[str, Any]) -> Motion | None:
    if "end" not in given:
        return None
    joints = given["end"].astype(np.float32)
    return Motion(joints, np.zeros((len(joints), 4), np.float32))


def _landing(given: Mapping[str, Any]) -> Landing | None:
    _require("landing_translation" not in given or "landing_turns" in given, "A recipe with a landing needs its turns.")
    if "landing_turns" not in given:
        return None
    return Landing(given.get("landing_translation"), given["landing_turns"])


def _seam(given: Mapping[str, Any]) -> Seam | None:
    names = ("seam_frame", "seam_translation", "seam_turns")
    there = [name for name in names if name in given]
    if not there:
        return None
    _require(len(there) == len(names), f"A recipe with a seam needs {', '.join(names)}.")
    return Seam(given["seam_frame"], given["seam_translation"], given["seam_turns"])


def _ground(given: Mapping[str, Any]) -> Ground | None:
    if "ground_grid" in given:
        _require("ground_corner" in given and "ground_step" in given, "The recipe's ground needs a corner and a step.")
        _require(given["ground_grid"].size <= MOST_HEIGHTS, "The recipe's ground has too many heights.")
        return HeightField(given["ground_corner"], given["ground_step"], given["ground_grid"])
    if "ground_points" in given:
        points, levels = given["ground_points"], given.get("ground_levels", np.empty(0))
        _require(len(points) == len(levels) >= 2, "The recipe's ground needs one level for each of its points.")
        return PathHeights(points, levels)
    return None


# In an Action: flat values


def flat_values(recipe: Recipe) -> dict[str, Any]:
    """A recipe as text, numbers, and lists of numbers without lists in them, which is what an Action can carry."""
    flat: dict[str, Any] = {}
    for name, value in values_of(recipe).items():
        if isinstance(value, np.ndarray):
            flat[name] = value.ravel().tolist()
        elif type(value) is int and not -(2**31) <= value < 2**31:
            flat[name] = str(value)
        else:
            flat[name] = value
        if name == "ground_grid":
            flat[COLUMNS] = int(value.shape[1])
    return flat


def from_flat(flat: Mapping[str, Any]) -> Recipe:
    """The recipe of values as `flat_values` gives them; others among them are passed over. Raises InvalidRequest."""
    values: dict[str, Any] = {}
    for name, value in flat.items():
        field = FIELDS.get(name)
        if field is None:
            continue
        if field.kind is np.ndarray:
            widths = [size for size in field.shape[1:] if size is not None]
            if name == "ground_grid":
                widths = [flat.get(COLUMNS, 0)]
            try:
                array = np.array(value, np.float64)
                width = math.prod(widths)
                whole = width > 0 and array.size > 0 and array.size % width == 0
                values[name] = array.reshape(-1, *widths) if whole else None
            except (TypeError, ValueError):
                raise InvalidRequest(f'The recipe\'s "{name}" must be a list of numbers.') from None
            _require(whole, f'The recipe\'s "{name}" is not whole.')
        elif field.kind is int and isinstance(value, str):
            _require(value.lstrip("-").isdecimal(), f'The recipe\'s "{name}" must be a whole number.')
            values[name] = int(value)
        elif field.kind is bool:
            values[name] = bool(value)  # an Action may keep it as 0 or 1
        else:
            values[name] = value
    return recipe_from(values)


# In a file: JSON


def to_json(recipes: Sequence[Recipe]) -> str:
    """Recipes as the text of a file. Numbers come back exactly."""
    written = [
        {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values_of(recipe).items()}
        for recipe in recipes
    ]
    everything = {VERSION_FIELD: VERSION, "recipes": written}
    return json.dumps(everything, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> list[Recipe]:
    """The recipes of a file's text. Raises InvalidRequest, with one sentence, if it is none of ours."""
    try:
        found = json.loads(text, parse_constant=_no_number)
    except InvalidRequest:
        raise
    except (ValueError, RecursionError):
        raise InvalidRequest("It is not JSON.") from None
    _require(isinstance(found, dict) and VERSION_FIELD in found, "It is JSON, but no recipe of MotionLCM.")
    version = found[VERSION_FIELD]
    _require(type(version) is int and version >= 1, f'Its "{VERSION_FIELD}" is no version: it must be {VERSION}.')
    _require(version <= VERSION, f"It is a recipe of version {version}; only version {VERSION} is known: update.")
    others = sorted(set(found) - {VERSION_FIELD, "recipes"})
    _require(not others, f'It has a field "{others[0] if others else ""}" that recipes of this version have not.')
    recipes = found.get("recipes")
    _require(isinstance(recipes, list) and len(recipes) > 0, 'It has no list "recipes" with a recipe in it.')
    assert isinstance(recipes, list)
    _require(len(recipes) <= MOST_RECIPES, f"It has {len(recipes)} recipes; at most {MOST_RECIPES} are read.")
    made = []
    for number, values in enumerate(recipes, 1):
        try:
            _require(isinstance(values, dict), "The recipe is no list of named values.")
            unknown = sorted(set(values) - set(FIELDS))
            _require(not unknown, f'The recipe has a field "{unknown[0] if unknown else ""}" that is not known.')
            made.append(recipe_from(values))
        except InvalidRequest as error:
            raise InvalidRequest(f"Recipe {number}: {error}" if len(recipes) > 1 else str(error)) from None
    return made


def _no_number(text: str) -> float:
    raise InvalidRequest(f"It holds {text}, which is no number that a recipe can have.")


def read(file: Path) -> list[Recipe]:
    """The recipes of a file. Raises InvalidRequest, with one sentence that names the file, if it holds none."""
    try:
        size = file.stat().st_size
        if size > LARGEST_FILE:
            raise InvalidRequest(f"It is larger than {LARGEST_FILE // 2**20} MB, so it is no recipe.")
        return from_json(file.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InvalidRequest(f"{file} cannot be read: It is not JSON.") from None
    except InvalidRequest as error:
        raise InvalidRequest(f"{file} cannot be read: {error}") from None
    except OSError as error:
        raise InvalidRequest(f"{file} cannot be read: {error.strerror or error}.") from None


def write(file: Path, recipes: Sequence[Recipe]) -> None:
    """Write recipes to a file, whole or not at all. Raises MotionLCMError if it cannot be written."""
    from .export import write_aside

    write_aside(file, lambda temporary: temporary.write_bytes(to_json(recipes).encode()))


def shot_of(motion: Motion, recipe: Recipe, fps: float) -> Shot:
    """A motion made of a recipe's request as it is written to a file: placed, on its ground, from its seam on, looped.

    On the engine's own skeleton, its travel in the hips. Raises InvalidRequest on a frame rate that is not possible.
    """
    from .export import Shot, check_fps
    from .finishing import on_ground, on_skeleton, written_part
    from .motion.loops import looped
    from .motion.placement import place_clip
    from .motion.retarget import forward_kinematics

    check_fps(fps)
    if recipe.ground is not None:
        motion = on_ground(motion, recipe.placement, recipe.ground)
    clip = place_clip(on_skeleton(motion, SMPL, recipe.path_xz is not None), recipe.placement)
    frames = frames_at(recipe, fps)
    clip = written_part(clip, fps, recipe.seam, frames, recipe.landing)
    if recipe.loop:
        clip = looped(clip)
    joints = forward_kinematics(clip)[:, :JOINT_COUNT].astype(np.float32)
    path = None
    if recipe.path_xz is not None and not recipe.loop:
        first = 0 if recipe.seam is None else recipe.seam.frame
        at = first + np.arange(clip.frames) * (FPS / fps)
        model = np.arange(len(recipe.path_xz))
        path = np.stack([np.interp(at, model, recipe.path_xz[:, k]) for k in (0, 1)], axis=1).astype(np.float32)
    return Shot(joints, clip, recipe.request.prompt, recipe.request.seed, path)


def frames_at(recipe: Recipe, fps: float) -> int | None:
    """How many frames are written at most at a frame rate, which may be another one than the recipe's own."""
    if recipe.scene_frames is None or fps == recipe.scene_fps:
        return recipe.scene_frames
    return max(2, round((recipe.scene_frames - 1) * fps / recipe.scene_fps) + 1)
