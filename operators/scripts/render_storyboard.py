"""A storyboard as a Blender file, in a Blender without a window; run by `motionlcm storyboard`.

    python render_storyboard.py TASK.json                                              (a Python with bpy)
    blender --background --factory-startup --python render_storyboard.py -- TASK.json

TASK.json contains "storyboard" (the content of its file), "out" (.blend), "bake", and "packages": folders of Python
packages that Blender may lack, by name. Each generated shot is a line on standard output, and so is an error.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from extension_package import part

MARK = "MOTIONLCM "
"""Prefix of the lines for `motionlcm storyboard`; Blender prints other lines too."""


class Lent(MetaPathFinder):
    """Import hook that finds packages in the given folders, after all other finders: packages of another Python that
    work in this one."""

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = folders

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is not None or name not in self.folders:
            return None
        return PathFinder.find_spec(name, [self.folders[name]])


def write_line(**facts: Any) -> None:
    print(MARK + json.dumps(facts), flush=True)


def render(task: dict[str, Any]) -> None:
    """Create an empty file, add characters and paths, generate each shot, save."""
    import bpy

    sys.meta_path.append(Lent(task["packages"]))
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    part("operators").register()
    board = part("motionlcm_blender.storyboard.reading").storyboard_from(task["storyboard"])
    storyboards, stage = part("operators.interchange.storyboards"), part("operators.scene.camera_and_light")
    scene = bpy.context.scene
    stage.set_frame_rate(scene, board.fps)
    made = storyboards.build(bpy.context, board)
    for character, story in zip(made, board.characters, strict=True):
        for number in range(len(story.shots)):
            make_shot(scene, character, story.name, number)
    if task["bake"]:
        strips, shots = part("operators.shots.nla_track"), part("operators.shots.shot_list")
        for character in made:
            with_motion = shots.with_motion(character.motionlcm.shots)
            if with_motion:
                strips.bake(character, with_motion)
    every = [shot for character in made for shot in character.motionlcm.shots]
    if every:
        scene.frame_start, scene.frame_end = min(s.first for s in every), max(s.last for s in every)
    stage.add_camera_and_sun(scene, places_seen(scene, made))
    scene.frame_set(scene.frame_start)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=task["out"], compress=True)


def make_shot(scene: Any, character: Any, name: str, number: int) -> None:
    """Generate one shot and print the duration. name: the character's name in the storyboard."""
    errors, handles = part("motionlcm_blender.errors"), part("operators.scene.handles")
    shot = character.motionlcm.shots[number]
    owner = handles.handle_of(character)
    start = partial(part("operators.shots.generate_shots").make_next, handles.handle_of(scene), owner, (shot.uid,))
    began = time.perf_counter()
    try:
        part("operators.session.job_queue").run_blocking(start)
    except errors.MotionLCMError as error:
        raise errors.InvalidRequest(f'Character "{name}", shot {number + 1}: {error}') from None
    warnings = part("operators.scene.messages").status.warnings
    milliseconds = 1000.0 * (time.perf_counter() - began)
    write_line(character=name, shot=number + 1, milliseconds=milliseconds, warnings=warnings)


def places_seen(scene: Any, characters: Any) -> Any:
    """(N, 2) places of the characters in their shots, and the points of their paths."""
    import bpy
    import numpy as np

    found = []
    for character in characters:
        hips = part("operators.armature.smpl_rig").read_rig(character).bones[0]
        moments = {frame for shot in character.motionlcm.shots for frame in (shot.first, shot.last)}
        for moment in sorted(moments) or [scene.frame_start]:
            scene.frame_set(moment)
            shown = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
            found.append((shown.matrix_world @ shown.pose.bones[hips].head)[:2])
    return np.array(found)


def main(arguments: list[str]) -> int:
    try:
        render(json.loads(Path(arguments[0]).read_text(encoding="utf-8-sig")))
    except Exception as error:  # noqa: BLE001  each exception ends the program with a sentence
        traceback.print_exc()
        try:
            write_line(failed=part("operators.scene.messages").sentence_for(error))
        except Exception:  # noqa: BLE001  each exception ends the program with a sentence
            write_line(failed=f"{type(error).__name__}: {error}")
        return 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Blender 4.2 and 4.5 crash when Python exits normally
