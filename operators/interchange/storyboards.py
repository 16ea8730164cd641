"""Import and export of storyboards: characters, paths, pins and shots in a JSON file."""

# No `from __future__ import annotations` here: Blender reads properties from real annotations.
import math
from typing import TYPE_CHECKING

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..characters.add_character import create_character
from ..controls import pins
from ..scene import messages, scene_time, user_paths
from ..scene.linking import put_into_scene, scene_units_per_metre
from ..scene.operator_base import MotionLCMOperator
from ..session import job_queue
from ..shots import generate_shots, shot_list
from .file_menu import file_menu_entries

if TYPE_CHECKING:
    from ...motionlcm_blender.storyboard.storyboard import Place, Storyboard, StoryCharacter, StoryPath, StoryPin

SHORTEST_STEP = 0.01
"""Shortest distance in metres between points of the path that is written for an animated object."""


def build(context: bpy.types.Context, board: "Storyboard", use_armatures: bool = False) -> list[bpy.types.Object]:
    """Add all contents of a storyboard to this scene at its frame rate; the shots are empty.

    use_armatures: whether an armature of this scene with a character's name performs it, in place of a new character.
    Raises InvalidRequest, before any change, if a shot is too short at this rate or beyond Blender's last frame.
    """
    scene = context.scene
    board = board.at_fps(scene_time.rate_of(scene))
    units = scene_units_per_metre(scene)
    for shot in (shot for character in board.characters for shot in character.shots):
        scene_time.check_range(scene, shot.first, shot.last)
    made = [
        _character(context, character, units, use_armatures) for character in board.characters
    ]  # first, because paths and pins refer to their names
    lines = {name: add_curve(context, name, path, units) for name, path in board.paths.items()}
    for character, story in zip(made, board.characters, strict=True):
        _add_shots(context, character, story, lines, units)
    scene.motionlcm.character = made[0]
    for character in made:
        for shot in character.motionlcm.shots:
            scene_time.make_room(scene, shot.first, shot.last)
    return made


def add_curve(context: bpy.types.Context, name: str, path: "StoryPath", units: float) -> bpy.types.Object:
    """Add a poly curve as a path. units: scene units per metre of the path."""
    data = bpy.data.curves.new(name, "CURVE")
    data.dimensions = "3D"
    spline = data.splines.new("POLY")
    spline.points.add(len(path.points) - 1)
    for number, (point, place) in enumerate(zip(spline.points, path.points, strict=True)):
        point.co = (*(units * value for value in place), 1.0)
        point.radius = 1.0 if path.weights is None else path.weights[number]
    spline.use_cyclic_u = path.cyclic
    curve = bpy.data.objects.new(name, data)
    put_into_scene(context, curve)
    return curve


def _character(
    context: bpy.types.Context, story: "StoryCharacter", units: float, use_armatures: bool
) -> bpy.types.Object:
    from . import storyboard_characters

    at = [units * value for value in story.at]
    character = storyboard_characters.armature_for(context.scene, story) if use_armatures else None
    if character is None:
        character = create_character(context)
        place(character, story.name, at, story.facing, story.scale)
    else:
        storyboard_characters.stand_at(character, at, story.facing)
    context.view_layer.update()
    return character


def _add_shots(
    context: bpy.types.Context,
    character: bpy.types.Object,
    story: "StoryCharacter",
    lines: dict[str, bpy.types.Object],
    units: float,
) -> None:
    for number, wanted in enumerate(story.shots):
        shot = shot_list.new_shot(character, number, wanted.prompt, wanted.first, wanted.last)
        shot.seed, shot.locked, shot.takes = wanted.seed, wanted.locked, wanted.takes
        if wanted.path is not None:
            shot.path = lines[wanted.path]
            shot.path_from, shot.path_to = wanted.part
        shot.stale = False
        for pin in wanted.pins:
            _add_pin(context, character, shot, pin, units)
    character.motionlcm.shot_index = 0


def place(character: bpy.types.Object, name: str, at: "list[float]", facing: float, scale: float) -> None:
    """Name a new character and move it. at: scene units; facing: degrees, as in storyboards."""
    character.name = name
    character.location = at
    character.rotation_euler.z = math.radians(facing)
    character.scale *= scale


def _add_pin(
    context: bpy.types.Context,
    character: bpy.types.Object,
    shot: "shot_list.MotionLCMShot",
    story_pin: "StoryPin",
    units: float,
) -> None:
    target = bpy.data.objects.new(f"Pin {character.name} {story_pin.joint}", None)
    target.empty_display_type, target.empty_display_size = "SPHERE", pins.SIZE * units
    target.location = [units * value for value in story_pin.at]
    context.scene.collection.objects.link(target)
    pin = shot.pins.add()
    pin.target, pin.joint = target, story_pin.joint
    pin.first, pin.last = story_pin.first, story_pin.last


def storyboard_of(context: bpy.types.Context) -> "tuple[Storyboard, tuple[str, ...]]":
    """The scene's characters, their shots, paths and pins, and warnings about data that a storyboard cannot contain.

    Raises InvalidRequest if there is no character, or a value is invalid in a storyboard.
    """
    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.storyboard.storyboard import Storyboard, StoryCharacter, StoryShot
    from ..rigs.recognised import units_per_metre
    from . import storyboard_characters

    scene = context.scene
    context.view_layer.update()
    units = scene_units_per_metre(scene)
    found, warnings = storyboard_characters.characters_of(scene)
    if not found:
        raise InvalidRequest("There is no character in this scene: add a character with shots.")
    paths: dict[str, StoryPath] = {}
    characters = []
    for character, rig in found:
        floor, heading = storyboard_characters.standing(character, rig)
        story_shots = []
        left = {number: pin.first for number, pin in enumerate(scene.motionlcm.pins)}
        for number, shot in enumerate(character.motionlcm.shots, 1):
            name = None
            try:
                if shot.path is not None:
                    name, path_warnings = _add_path(context, paths, character, shot, units)
                    warnings += path_warnings
                pins = _pins_of(context, character, shot, left, units)
                of_curve = name is not None and shot.path.type == "CURVE"
                part = (round(shot.path_from, 4), round(shot.path_to, 4)) if of_curve else (0.0, 1.0)
                story_shots.append(
                    StoryShot(shot.prompt, shot.first, shot.last, shot.seed, shot.locked, name, part, pins, shot.takes)
                )
            except InvalidRequest as error:
                sentence = str(error)
                raise InvalidRequest(
                    f'Character "{character.name}", shot {number}: {sentence[0].lower()}{sentence[1:]}'
                ) from None
        size = round(units_per_metre(character, rig) / units, 4)
        facing = round(math.degrees(heading), 3)
        characters.append(StoryCharacter(character.name, _in_metres(floor, units), facing, size, tuple(story_shots)))
    rate = scene_time.rate_of(scene)
    return Storyboard(tuple(characters), round(rate, 5), paths), tuple(dict.fromkeys(warnings))


def _in_metres(place: "object", units: float) -> "Place":
    x, y, z = (round(float(value) / units, 4) + 0.0 for value in place)  # type: ignore[attr-defined]
    return x, y, z


def _place_on(context: bpy.types.Context, obj: bpy.types.Object, frame: int, units: float) -> "Place":
    """The object's place on a frame of the timeline, in metres."""
    import numpy as np

    at = np.array([frame / scene_time.stretch(context.scene)])
    return _in_metres(scene_time.places_at(context, obj, at)[0], units)


def _add_path(
    context: bpy.types.Context,
    paths: "dict[str, StoryPath]",
    character: bpy.types.Object,
    shot: "shot_list.MotionLCMShot",
    units: float,
) -> tuple[str, list[str]]:
    """Add a shot's path to the storyboard's paths, once. Returns its name there, and a warning about lost data."""
    import numpy as np

    from ...motionlcm_blender.errors import InvalidRequest
    from ...motionlcm_blender.storyboard.storyboard import StoryPath
    from ..controls.trajectory import curve_points, weights_of
    from ..scene.scene_time import at_frame, may_change, places_at

    obj, warnings = shot.path, []
    if obj.type == "CURVE":
        if obj.name in paths:
            return obj.name, []
        with at_frame(context.scene, shot.first, may_change(obj)):
            try:
                points, cyclic, strokes = curve_points(context, obj)
            except InvalidRequest as error:
                raise InvalidRequest(f'Path "{obj.name}": {error}') from None
        weights = weights_of(obj, len(points))
        if strokes > 1:
            warnings.append(f'"{obj.name}" has {strokes} strokes: the first one is in the storyboard.')
        speeds = None if weights is None else tuple(round(float(weight), 4) for weight in weights)
        paths[obj.name] = StoryPath(tuple(_in_metres(point, units) for point in points), cyclic, speeds)
        return obj.name, warnings
    name = f"{obj.name} {character.name} {shot.name}"[:40]
    way = places_at(context, obj, np.arange(shot.first, shot.last + 1, dtype=np.float64))
    kept = [way[0]]
    for point in way[1:]:
        if np.linalg.norm(point - kept[-1]) >= SHORTEST_STEP * units:
            kept.append(point)
    paths[name] = StoryPath(tuple(_in_metres(point, units) for point in kept))
    return name, [f'The storyboard has the path of "{obj.name}" as a line, without its timing.']


def _pins_of(
    context: bpy.types.Context,
    character: bpy.types.Object,
    shot: "shot_list.MotionLCMShot",
    left: dict[int, int],
    units: float,
) -> "tuple[StoryPin, ...]":
    """The shot's own pins, and the scene's pins on its frames.

    left: for each of the scene's pins, its first frame that no earlier shot covers.
    """
    from ...motionlcm_blender.storyboard.storyboard import StoryPin

    found = []
    for pin in shot.pins:
        first, last = max(pin.first, shot.first), min(pin.last, shot.last)
        if pin.active and pin.target is not None and first <= last:
            found.append(StoryPin(pin.joint, _place_on(context, pin.target, first, units), first, last))
    for number, pin in enumerate(context.scene.motionlcm.pins):
        first, last = max(left[number], shot.first), min(pin.last, shot.last)
        if not pin.active or pin.target is None or pin.character not in (None, character) or first > last:
            continue
        left[number] = last + 1
        found.append(StoryPin(pin.joint, _place_on(context, pin.target, first, units), first, last))
    return tuple(found)


class MOTIONLCM_OT_import_storyboard(MotionLCMOperator, bpy.types.Operator, ImportHelper):
    """Add the characters, paths and shots of a storyboard file to this scene"""

    bl_idname = "motionlcm.import_storyboard"
    bl_label = "Import Storyboard"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = ".json"
    filepath: bpy.props.StringProperty(
        name="File", description="JSON file of a storyboard", subtype="FILE_PATH", options=user_paths.BLEND_RELATIVE
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})
    generate: bpy.props.BoolProperty(
        name="Generate",
        description="Generate all shots after the import. Otherwise, the shots stay empty",
        default=False,
    )
    set_frame_rate: bpy.props.BoolProperty(
        name="Set Frame Rate",
        description="Set the scene's frame rate to the storyboard's. "
        "Otherwise, convert frames to the scene's frame rate",
        default=False,
    )
    use_armatures: bpy.props.BoolProperty(
        name="Use Armatures of This Scene",
        description="Give the shots to armatures of this scene that have the names of the storyboard's characters and "
        "no shots yet, and move them to the characters' places. Otherwise, add new characters",
        default=True,
    )

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.storyboard.reading import read_storyboard
        from ..scene.camera_and_light import set_frame_rate
        from . import storyboard_characters

        board = read_storyboard(user_paths.absolute(self.filepath))
        if self.set_frame_rate:
            set_frame_rate(context.scene, board.fps)
        before = set(context.scene.objects)
        made = build(context, board, self.use_armatures)
        count = sum(len(character.motionlcm.shots) for character in made)
        new, units = [character for character in made if character not in before], scene_units_per_metre(context.scene)
        sizes = [
            storyboard_characters.size_warning(character, story, units)
            for character, story in zip(made, board.characters, strict=True)
            if character not in new
        ]
        message = f"{_counted(len(new), 'character')} and {_counted(count, 'shot')} were added."
        messages.show_message(message, warnings=tuple(filter(None, sizes)))
        if self.generate:
            stale = [(character, generate_shots.stale_shots(character)) for character in made]
            jobs = [generate_shots.queued_job(context.scene, character, uids) for character, uids in stale if uids]
            job_queue.get().enqueue(jobs)


class MOTIONLCM_OT_export_storyboard(MotionLCMOperator, bpy.types.Operator, ExportHelper):
    """Write the shots of all characters of this scene to a storyboard file, with paths and pins"""

    bl_idname = "motionlcm.export_storyboard"
    bl_label = "Export Storyboard"
    bl_options = {"REGISTER"}

    filename_ext = ".json"
    filepath: bpy.props.StringProperty(
        name="File", description="JSON file of a storyboard", subtype="FILE_PATH", options=user_paths.BLEND_RELATIVE
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def perform(self, context: bpy.types.Context) -> None:
        from ...motionlcm_blender.storyboard.writing import write_storyboard

        board, warnings = storyboard_of(context)
        write_storyboard(board, user_paths.absolute(self.filepath))
        count = sum(len(character.shots) for character in board.characters)
        message = f"{_counted(len(board.characters), 'character')} and {_counted(count, 'shot')} were written."
        messages.show_message(message, warnings=warnings)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


CLASSES = (MOTIONLCM_OT_import_storyboard, MOTIONLCM_OT_export_storyboard)

register_properties, unregister_properties = file_menu_entries(
    "motionlcm.import_storyboard", "motionlcm.export_storyboard", "MotionLCM Storyboard (.json)"
)
