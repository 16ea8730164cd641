"""Functions for scripts and pipelines: characters, shots and takes without panels and without waiting for timers.

    from importlib import import_module
    motionlcm = import_module("bl_ext.user_default.motionlcm_blender.operators.api")

    hero = motionlcm.add_character("Hero", at=(1, 0, 0))
    motionlcm.add_shot(hero, "a person walks forward", seconds=4)
    motionlcm.add_shot(hero, "a person waves", seconds=2, seed=3)
    motionlcm.generate(hero)
    motionlcm.bake(hero)

The functions use the scene of `bpy.context`, its frame rate, and the panel's settings for feet, ground, pins, steps and
keys. Each function returns when its work is done. A failure raises an error whose text is one sentence, a ValueError if
the request itself is wrong; nothing is changed then. See docs/PYTHON.md.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from .armature.take_properties import SEED
from .characters.add_character import create_character
from .generation import orders
from .interchange import storyboards
from .scene import scene_time, shot_lookup, user_paths
from .session import job_queue
from .shots import generate_shots, nla_track
from .shots import shot_list as shot_lists

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "add_character", "add_path", "add_shot", "bake", "bake_pose_corrections", "export_smpl", "export_storyboard",
    "find_shot", "generate", "generate_take", "import_smpl", "import_storyboard",
]  # fmt: skip


def add_character(
    name: str = "", at: Sequence[float] = (0.0, 0.0, 0.0), facing: float = 0.0, scale: float = 1.0
) -> bpy.types.Object:
    """Add an armature with SMPL bones and a mannequin, and choose it in the panel. Returns the armature.

    name: empty lets Blender choose. at: location in scene units. facing: degrees seen from above, counter-clockwise
    from Blender's front (-Y). scale: 1 is life size.
    """
    character = create_character(bpy.context)
    storyboards.place(character, name or character.name, [*at, 0.0, 0.0, 0.0][:3], facing, scale)
    bpy.context.view_layer.update()
    bpy.context.scene.motionlcm.character = character
    return character


def add_path(
    name: str, points: Sequence[Sequence[float]], cyclic: bool = False, weights: Sequence[float] | None = None
) -> bpy.types.Object:
    """Add a curve as a path. points: [x, y] or [x, y, z], scene units; weights: relative speed at each point.

    Raises a ValueError if the points are no path.
    """
    from ..motionlcm_blender.storyboard.storyboard import StoryPath

    places = []
    for point in points:
        x, y, z = [*(float(number) for number in point), 0.0][:3]
        places.append((x, y, z))
    speeds = None if weights is None else tuple(float(weight) for weight in weights)
    path = StoryPath(tuple(places), cyclic, speeds)
    if bpy.context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    return storyboards.add_curve(bpy.context, name, path, 1.0)


def add_shot(
    character: bpy.types.Object,
    prompt: str,
    seconds: float | None = None,
    *,
    first: int | None = None,
    last: int | None = None,
    path: bpy.types.Object | None = None,
    part: tuple[float, float] = (0.0, 1.0),
    seed: int = 0,
    takes: int = 1,
    locked: bool = False,
    start_pose: bpy.types.Action | None = None,
    end_pose: bpy.types.Action | None = None,
) -> str:
    """Add an empty shot after the character's last shot. Returns the identity of the shot, which never changes.

    seconds: the length; or last: the last frame. first: the first frame, by default the end of the previous shot or, in
    an empty list, the start of the scene. path: a curve, or an object that moves; part: from and to which fraction of
    the curve's length. takes: the number of takes to generate. start_pose, end_pose: Actions with the start or end pose
    on their first frame. Raises a ValueError if there is no space for the shot, or a value is invalid.
    """
    from ..motionlcm_blender.errors import InvalidRequest
    from ..motionlcm_blender.storyboard.storyboard import StoryShot, check_shot_length
    from .controls import trajectory

    scene, listed = bpy.context.scene, character.motionlcm.shots
    end = listed[-1].last if len(listed) else None
    start = end if end is not None else scene_time.start_of_motion(scene, "SCENE_START")
    begin = start if first is None else first
    if (seconds is None) == (last is None):
        raise InvalidRequest("A shot needs either seconds or the frame on which it ends.")
    if end is not None and begin < end:
        raise InvalidRequest(f'The shot would begin on frame {begin}, before "{listed[-1].name}" ends ({end}).')
    if seconds is not None:
        _check_seconds(seconds)
        last = begin + max(1, round(seconds * scene_time.rate_of(scene)))
    assert last is not None
    scene_time.check_range(scene, begin, last)
    named = None if path is None else path.name
    StoryShot(prompt, begin, last, seed, path=named, part=part, takes=takes)  # raises the error of a wrong value
    check_shot_length(begin, last, scene_time.rate_of(scene))
    if path is not None:
        trajectory.check_path_object(path, character)
    shot = shot_lists.new_shot(character, len(listed), prompt, begin, last)
    shot.seed, shot.takes, shot.path, shot.locked = seed, takes, path, locked
    shot.path_from, shot.path_to = part
    shot.start_pose, shot.end_pose = start_pose, end_pose
    shot.stale = False
    scene_time.make_room(scene, begin, last)
    identity: str = shot.uid
    return identity


def find_shot(character: bpy.types.Object, identity: str) -> Any:
    """The shot with this identity, to read and set its prompt, first, last, seed, path, locked, and to read its state
    and action.

    Do not keep the returned object: call this function again after shots were added, moved or removed, or after undo.
    Raises a ValueError if the shot was removed.
    """
    from ..motionlcm_blender.errors import InvalidRequest

    index = shot_lookup.index_of(character, identity)
    if index < 0:
        raise InvalidRequest(f'"{character.name}" has no such shot.')
    return character.motionlcm.shots[index]


def generate(character: bpy.types.Object, shots: Sequence[str] | None = None) -> list[bpy.types.Action]:
    """Generate shots, one after the other, and wait for them. Returns their Actions in order.

    shots: identities; None: all empty or stale shots. A locked shot keeps its motion. Running and waiting jobs of this
    character are cancelled. Raises the error of a failed shot; earlier shots keep their new motion.
    """
    if shots is not None:
        for identity in shots:
            find_shot(character, identity)
    if shots is None and nla_track.misplaced(character):
        nla_track.restore(character)
    wanted = generate_shots.stale_shots(character) if shots is None else tuple(shots)
    before = {identity: _uid(find_shot(character, identity).action) for identity in wanted}
    turn = generate_shots.queued_job(bpy.context.scene, character, wanted)
    job_queue.get().cancel_owner(turn.owner)
    job_queue.run_blocking(turn.start)
    made = [find_shot(character, identity).action for identity in wanted]
    return [
        action
        for identity, action in zip(wanted, made, strict=True)
        if action is not None and _uid(action) != before[identity]
    ]


def generate_take(
    character: bpy.types.Object,
    prompt: str,
    seconds: float = 5.0,
    *,
    path: bpy.types.Object | None = None,
    seed: int = 0,
    takes: int = 1,
    first: int | None = None,
) -> list[bpy.types.Action]:
    """Generate a motion outside the shots, as the panel's Generate does, and wait for it. Returns the Actions of the
    takes.

    The first take becomes the character's active Action. first: the first frame, by default the start of the scene. The
    panel's other settings apply and stay unchanged. Raises the error if the generation fails; nothing is changed then.
    """
    from ..motionlcm_blender.storyboard.storyboard import StoryShot

    _check_seconds(seconds)
    StoryShot(prompt, 0, 1, seed, takes=takes)  # raises the error of a wrong value
    start = "SCENE_START" if first is None else "CURRENT_FRAME"
    scene, before = bpy.context.scene, {action.session_uid for action in bpy.data.actions}
    wanted = {
        "character": character, "prompt": prompt, "length": seconds, "path": path, "seed": seed, "takes": takes,
        "start": start,
    }  # fmt: skip
    shown = scene.frame_current
    with _settings(scene, wanted):
        try:
            if first is not None:
                scene.frame_set(first)
            turn = orders.queued_job(orders.order_from_scene(bpy.context))
        finally:
            scene.frame_set(shown)
    job_queue.get().cancel_owner(turn.owner)
    job_queue.run_blocking(turn.start)
    made = [action for action in bpy.data.actions if action.session_uid not in before]
    present = character.animation_data.action
    return sorted(made, key=lambda action: (action != present, SEED.read(action)))


def bake(character: bpy.types.Object) -> bpy.types.Action:
    """Write the motion of all shots to one Action and assign it to the character; the shots stay. Returns the Action.

    Raises a ValueError if no shot has a motion.
    """
    from ..motionlcm_blender.errors import InvalidRequest

    made = shot_lists.with_motion(character.motionlcm.shots)
    if not made:
        raise InvalidRequest(f'No shot of "{character.name}" has a motion yet: generate them first.')
    return nla_track.bake(character, made)


def import_storyboard(file: str | os.PathLike[str], use_armatures: bool = False) -> list[bpy.types.Object]:
    """Add the characters, paths and empty shots of a storyboard file. Returns the characters.

    use_armatures: whether an armature of this scene that has a character's name, and no shots yet, performs it.
    Raises a ValueError if the file is invalid; nothing is added then.
    """
    from ..motionlcm_blender.storyboard.reading import read_storyboard

    return storyboards.build(bpy.context, read_storyboard(user_paths.absolute(file)), use_armatures)


def export_storyboard(file: str | os.PathLike[str]) -> tuple[str, ...]:
    """Write the shots of all characters of the scene to a storyboard file. Returns warnings about data it cannot
    contain."""
    from ..motionlcm_blender.storyboard.writing import write_storyboard

    board, warnings = storyboards.storyboard_of(bpy.context)
    write_storyboard(board, user_paths.absolute(file))
    return warnings


def export_smpl(
    character: bpy.types.Object,
    file: str | os.PathLike[str],
    layout: str = "smplx",
    *,
    whole_scene: bool = False,
    fps: float = 0.0,
    up: str = "Z",
    gender: str = "",
    body_model: str | os.PathLike[str] | None = None,
) -> int:
    """Write the character's visible motion as SMPL parameters (.npz, as in AMASS). Returns the number of frames.

    layout: smpl, smplh or smplx. whole_scene: the frames of the scene; otherwise those of the active Action. fps: 0:
    the scene's. up: the axis of the file that points up. gender: empty: that of the character's own body, else neutral.
    body_model: file of the body that will perform the motion. Raises a ValueError if a value is invalid.
    """
    from ..motionlcm_blender.smpl.parameter_file import write_parameters
    from .interchange.smpl_motion import parameters_of_character

    parameters = parameters_of_character(
        bpy.context,
        character,
        layout,
        whole_scene=whole_scene,
        fps=fps,
        up=up,
        gender=gender,
        model_file=None if body_model is None else Path(body_model),
    )
    write_parameters(parameters, user_paths.absolute(file))
    return len(parameters.translation)


def import_smpl(
    character: bpy.types.Object,
    file: str | os.PathLike[str],
    *,
    first: int | None = None,
    at_character: bool = False,
    fps: float = 0.0,
    up: str = "",
    body_model: str | os.PathLike[str] | None = None,
) -> bpy.types.Action:
    """Add a motion of SMPL parameters as a take of a character of any recognised rig family. Returns its Action.

    first: the first frame, by default the start of the scene. at_character: start where the character stands;
    otherwise where the file has it. fps, up: of a file without them. body_model: the body model file of the
    motion. Raises a ValueError if the file is no such motion; nothing is changed then.
    """
    from ..motionlcm_blender.smpl.parameter_file import read_parameters
    from .interchange.smpl_motion import import_parameters

    path = user_paths.absolute(file)
    return import_parameters(
        bpy.context,
        character,
        read_parameters(path, fps, up),
        path.name,
        first_frame=bpy.context.scene.frame_start if first is None else first,
        at_character=at_character,
        model_file=None if body_model is None else Path(body_model),
    ).action


def bake_pose_corrections(
    character: bpy.types.Object, body_model: str | os.PathLike[str], first: int, last: int
) -> int:
    """Key the pose-dependent shapes of a character's SMPL body on frames `first` to `last`, from the file that the body
    was made from. Returns the number of shape keys. Raises a ValueError if the file is of another body."""
    import numpy as np

    from .characters import pose_corrections

    return pose_corrections.bake(bpy.context, character, Path(body_model), np.arange(first, last + 1.0))


def _check_seconds(seconds: float) -> None:
    from ..motionlcm_blender.errors import InvalidRequest

    if not (math.isfinite(seconds) and seconds > 0.0):
        raise InvalidRequest(f"The length must be a positive number of seconds, not {seconds:g}.")


@contextmanager
def _settings(scene: bpy.types.Scene, wanted: dict[str, Any]) -> Iterator[None]:
    """Set panel settings temporarily."""
    chosen = scene.motionlcm
    before = {name: getattr(chosen, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(chosen, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(chosen, name, value)


def _uid(action: bpy.types.Action | None) -> int | None:
    return None if action is None else action.session_uid
