"""Conversion of recipes to named values, to the properties of an Action, and to JSON files, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import BoolArray, FloatArray
from ..errors import InvalidRequest
from ..export.clip_output import EndPose, StartPose
from ..files.atomic_write import write_aside
from ..generation.request import MAX_CHAINED_FRAMES, Blend, Request
from ..motion.loops import Travel
from ..motion.motion import Motion
from ..motion.skeleton import FPS, JOINT_COUNT, MIN_FRAMES
from ..motion.world_transform import Placement
from ..postprocess.foot_lock import FootLock
from ..postprocess.terrain import Ground, HeightField, PathHeights
from .fields import COLUMNS, FIELDS, checked_value, member_of, require
from .recipe import Origin, Recipe, hints_of

VERSION = 1
VERSION_FIELD = "motionlcm_recipe"
LARGEST_FILE = 64 * 2**20
MOST_RECIPES = 64
MOST_HEIGHTS = 400_000


def values_of(recipe: Recipe) -> dict[str, Any]:
    """Convert a recipe to values by the names of FIELDS: text, numbers, float64 arrays; empty fields are left out."""
    request, ground = recipe.request, recipe.ground
    values: dict[str, Any] = {
        "prompt": request.prompt, "seed": int(request.seed), "steps": int(request.steps), "seconds": recipe.seconds,
        "frames": int(request.frames), "scene_fps": recipe.scene_fps, "first_frame": int(recipe.first_frame),
        **vars(recipe.origin),
        "origin": recipe.placement.origin, "heading": recipe.placement.heading,
        "units_per_metre": recipe.units_per_metre, "path": recipe.path, "feet": request.feet.value,
        "ground": recipe.ground_name, "refine": request.refine, "travel": recipe.travel.value, "loop": recipe.loop,
        "key_tolerance": recipe.key_tolerance or 0.0, "mirror": request.mirror, "speed": request.speed,
        "gestures": request.gestures, "sequence": request.sequence, "rewrite": request.rewrite,
        "caption_liveliness": request.caption_liveliness,
    }  # fmt: skip
    if request.guidance is not None:
        values["guidance"] = request.guidance
    if request.liveliness != 1.0:
        values["liveliness"] = request.liveliness
    if request.blends:
        values["blends"] = np.array([(float(blend.towards), blend.weight) for blend in request.blends])
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
        values |= {"seam_frame": int(seam.frame), "seam_translation": seam.translation, "seam_turns": seam.rotations}
    if request.end is not None:
        values |= {"end": request.end.joints, "end_anywhere": request.end_anywhere}
    if recipe.landing is not None:
        values["landing_turns"] = recipe.landing.rotations
        if recipe.landing.translation is not None:
            values["landing_translation"] = recipe.landing.translation
    if recipe.scene_frames is not None:
        values["scene_frames"] = int(recipe.scene_frames)
    return {
        name: np.asarray(value, np.float64) if FIELDS[name].kind is np.ndarray else value
        for name, value in values.items()
    }


def recipe_from(values: Mapping[str, Any]) -> Recipe:
    """Make a recipe from values of `values_of`.

    Raises:
        InvalidRequest: The values are not a recipe.
    """
    missing = [name for name, field in FIELDS.items() if field.needed and name not in values]
    require(not missing, f'The recipe has no "{missing[0] if missing else ""}".')
    given = {name: checked_value(name, values[name]) for name in FIELDS if name in values}
    frames = given["frames"]
    sentence = f'The recipe\'s "frames" must be {MIN_FRAMES} to {MAX_CHAINED_FRAMES}.'
    require(MIN_FRAMES <= frames <= MAX_CHAINED_FRAMES, sentence)
    placement = Placement(given["origin"], given["heading"])
    path_xz = given.get("path_xz")
    if path_xz is not None:
        require(len(path_xz) == frames, "The recipe's path_xz must give x and z for each of its frames.")
    pinned = _pins(given["pins"], frames) if "pins" in given else None
    request = Request(
        given["prompt"],
        frames,
        seed=given["seed"],
        steps=given["steps"],
        guidance=given.get("guidance"),
        hints=hints_of(path_xz, pinned, placement, pins_in_motion=True),
        start=_start(given),
        end=_end(given),
        end_anywhere=given.get("end_anywhere", False),
        feet=member_of(FootLock, "feet", given.get("feet", "auto")),
        facing=given.get("facing"),
        refine=given.get("refine", False),
        blends=_blends(given.get("blends")),
        mirror=given.get("mirror", False),
        speed=given.get("speed", 1.0),
        liveliness=given.get("liveliness", 1.0),
        gestures=given.get("gestures", False),  # recipes of older versions have none
        sequence=given.get("sequence", False),
        rewrite=given.get("rewrite", False),
        caption_liveliness=given.get("caption_liveliness", False),
    )
    standing = given.get("standing")
    return Recipe(
        request,
        placement,
        given["seconds"],
        given["first_frame"],
        scene_fps=given.get("scene_fps", FPS),
        units_per_metre=given["units_per_metre"],
        path=given.get("path", ""),
        path_xz=path_xz,
        ground=_ground(given),
        ground_name=given.get("ground", ""),
        standing=None if standing is None else Placement(standing[:3], float(standing[3])),
        travel=member_of(Travel, "travel", given.get("travel", "hips")),
        loop=given.get("loop", False),
        key_tolerance=given.get("key_tolerance", 0.0) or None,
        seam=_seam(given),
        landing=_landing(given),
        scene_frames=given.get("scene_frames"),
        origin=Origin(**{name: given.get(name, "") for name in vars(Origin())}),
    )


def _pins(rows: FloatArray, frames: int) -> tuple[FloatArray, BoolArray]:
    at = rows[:, :2].astype(np.int64)
    whole = bool((at == rows[:, :2]).all() and (at >= 0).all() and (at < [frames, JOINT_COUNT]).all())
    require(whole, "The recipe's pins must name one of its frames and a joint from 0 to 21.")
    positions, mask = np.zeros((frames, JOINT_COUNT, 3)), np.zeros((frames, JOINT_COUNT, 3), bool)
    positions[at[:, 0], at[:, 1]], mask[at[:, 0], at[:, 1]] = rows[:, 2:], True
    return positions, mask


def _blends(rows: FloatArray | None) -> tuple[Blend, ...]:
    if rows is None:
        return ()
    require(bool((rows[:, 0] == np.rint(rows[:, 0])).all()), "The recipe's blends must name whole seeds.")
    return tuple(Blend(int(towards), float(weight)) for towards, weight in rows)


def _start(given: Mapping[str, Any]) -> Motion | None:
    if "start" not in given:
        return None
    joints = given["start"].astype(np.float32)
    contacts = given.get("start_contacts", np.zeros((len(joints), 4))).astype(np.float32)
    require(len(contacts) == len(joints), "The recipe's start_contacts must be given for each frame of its start.")
    return Motion(joints, contacts)


def _end(given: Mapping[str, Any]) -> Motion | None:
    if "end" not in given:
        return None
    joints = given["end"].astype(np.float32)
    return Motion(joints, np.zeros((len(joints), 4), np.float32))


def _landing(given: Mapping[str, Any]) -> EndPose | None:
    require("landing_translation" not in given or "landing_turns" in given, "A recipe with a landing needs its turns.")
    if "landing_turns" not in given:
        return None
    return EndPose(given.get("landing_translation"), given["landing_turns"])


def _seam(given: Mapping[str, Any]) -> StartPose | None:
    names = ("seam_frame", "seam_translation", "seam_turns")
    there = [name for name in names if name in given]
    if not there:
        return None
    require(len(there) == len(names), f"A recipe with a seam needs {', '.join(names)}.")
    return StartPose(given["seam_frame"], given["seam_translation"], given["seam_turns"])


def _ground(given: Mapping[str, Any]) -> Ground | None:
    if "ground_grid" in given:
        require("ground_corner" in given and "ground_step" in given, "The recipe's ground needs a corner and a step.")
        require(given["ground_grid"].size <= MOST_HEIGHTS, "The recipe's ground has too many heights.")
        return HeightField(given["ground_corner"], given["ground_step"], given["ground_grid"])
    if "ground_points" in given:
        points, levels = given["ground_points"], given.get("ground_levels", np.empty(0))
        require(len(points) == len(levels) >= 2, "The recipe's ground needs one level for each of its points.")
        return PathHeights(points, levels)
    return None


def flat_values(recipe: Recipe) -> dict[str, Any]:
    """Convert a recipe to text, numbers, and lists of numbers without nesting, which an Action can store."""
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
    """Make a recipe from values of `flat_values`; other values are ignored.

    Raises:
        InvalidRequest: The values are not a recipe.
    """
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
            require(whole, f'The recipe\'s "{name}" is not whole.')
        elif field.kind is int and isinstance(value, str):
            require(value.lstrip("-").isdecimal(), f'The recipe\'s "{name}" must be a whole number.')
            values[name] = int(value)
        elif field.kind is bool:
            values[name] = bool(value)  # an Action may store it as 0 or 1
        else:
            values[name] = value
    return recipe_from(values)


def to_json(recipes: Sequence[Recipe]) -> str:
    """Convert recipes to the text of a JSON file. Numbers are restored exactly."""
    written = [
        {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values_of(recipe).items()}
        for recipe in recipes
    ]
    everything = {VERSION_FIELD: VERSION, "recipes": written}
    return json.dumps(everything, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> list[Recipe]:
    """Parse the recipes of a file's text.

    Raises:
        InvalidRequest: The text is not a recipe file.
    """
    try:
        found = json.loads(text, parse_constant=_no_number)
    except InvalidRequest:
        raise
    except (ValueError, RecursionError):
        raise InvalidRequest("It is not JSON.") from None
    require(isinstance(found, dict) and VERSION_FIELD in found, "It is JSON, but no recipe of MotionLCM.")
    version = found[VERSION_FIELD]
    require(type(version) is int and version >= 1, f'Its "{VERSION_FIELD}" is no version: it must be {VERSION}.')
    require(version <= VERSION, f"It is a recipe of version {version}; only version {VERSION} is known: update.")
    others = sorted(set(found) - {VERSION_FIELD, "recipes"})
    require(not others, f'It has a field "{others[0] if others else ""}" that recipes of this version have not.')
    recipes = found.get("recipes")
    require(isinstance(recipes, list) and len(recipes) > 0, 'It has no list "recipes" with a recipe in it.')
    assert isinstance(recipes, list)
    require(len(recipes) <= MOST_RECIPES, f"It has {len(recipes)} recipes; at most {MOST_RECIPES} are read.")
    parsed = []
    for number, values in enumerate(recipes, 1):
        try:
            require(isinstance(values, dict), "The recipe is no list of named values.")
            unknown = sorted(set(values) - set(FIELDS))
            require(not unknown, f'The recipe has a field "{unknown[0] if unknown else ""}" that is not known.')
            parsed.append(recipe_from(values))
        except InvalidRequest as error:
            raise InvalidRequest(f"Recipe {number}: {error}" if len(recipes) > 1 else str(error)) from None
    return parsed


def _no_number(text: str) -> float:
    raise InvalidRequest(f"It holds {text}, which is no number that a recipe can have.")


def read(file: Path) -> list[Recipe]:
    """Read the recipes of a file.

    Raises:
        InvalidRequest: The file has none; the sentence names the file.
    """
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
    """Write recipes to a file atomically.

    Raises:
        MotionLCMError: The file cannot be written.
    """
    write_aside(file, lambda temporary: temporary.write_bytes(to_json(recipes).encode()))
