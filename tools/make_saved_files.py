"""Write a .blend that later versions of the extension must still open, into tests/blender/data.

    .venv-blender-4.2/bin/python tools/make_saved_files.py      once in each of Blender's versions

Run it at the last commit of a version, before what is stored changes. Beside the file goes a .json with what it holds:
shots, takes, and poses on some frames. Both are packed with xz. The motion is that of a model of random numbers.
"""

from __future__ import annotations

import json
import lzma
import os
import sys
import tempfile
from pathlib import Path

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_user_")  # before bpy: keeps the user's own out
os.environ["HOME"] = tempfile.gettempdir()  # a file browser stores the home folder
os.environ.setdefault("OMP_NUM_THREADS", "1")

import bpy
import numpy as np
from mathutils import Euler

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import checkout_extension

from motionlcm_blender import __version__
from tests.blender.published_rigs import smpl_armature
from tests.blender.saved_files import choose, describe, settings, stored
from tests.blender.support import EXTENSION, add_character, generate, poly_curve
from tests.tiny_model import write_tiny_model

FOLDER = ROOT / "tests" / "blender" / "data"


def enable_extension(model: Path) -> None:
    checkout_extension.enable(EXTENSION)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    write_tiny_model(model)
    preferences = bpy.context.preferences.addons[EXTENSION].preferences
    preferences.model_folder, preferences.device = str(model), "NUMPY"


def pin(joint: str, place: tuple[float, float, float], first: int, last: int, to_shot: bool = False) -> None:
    """A pin at an empty of its own, or an object that moves if it goes to a shot."""
    for obj in bpy.context.selected_objects:
        obj.select_set(False)
    bpy.context.scene.cursor.location = place
    bpy.ops.motionlcm.add_pin(joint=joint, to_shot=to_shot)
    listed = settings().character.motionlcm
    added = (listed.shots[listed.shot_index] if to_shot else settings()).pins[-1]
    added.first, added.last = first, last
    if to_shot:
        added.target.keyframe_insert("location", frame=first)
        added.target.location.z += 0.1
        added.target.keyframe_insert("location", frame=last)
    else:
        added.character = settings().character
    bpy.context.scene.cursor.location = (0.0, 0.0, 0.0)


def walker() -> None:
    """Takes along a path with pins and a direction to face; one mirrored, one varied, all starred; few keys."""
    add_character().name = "Walker"
    chosen = settings()
    chosen.key_mode, chosen.key_tolerance = "FITTED", 80.0
    pin("r_wrist", (0.35, -0.5, 1.1), 14, 20)
    pin("head", (0.1, -1.0, 1.4), 28, 28)
    chosen.facing, chosen.facing_angle, chosen.ease_in = "FIXED", 0.4, 0.3
    chosen.takes = 2
    path = poly_curve([(0, 0, 0), (0.3, -0.6, 0.1), (0.0, -1.4, 0.2)], name="Ramp")
    generate("a person walks forward", 1.4, path, seed=5)
    bpy.ops.motionlcm.star_take()
    chosen.takes = 1
    bpy.ops.motionlcm.mirror_take()
    bpy.ops.motionlcm.star_take()
    bpy.ops.motionlcm.vary_take(share=0.25)
    bpy.ops.motionlcm.star_take()
    chosen.ease_in, chosen.facing = 0.0, "WAY"


def actor() -> None:
    """Four shots of a larger character in a place of its own, with paths, pins, poses, takes and a lock."""
    bpy.context.scene.cursor.location = (3.0, 1.0, 0.0)
    armature = add_character()
    armature.name = "Actor"
    armature.rotation_euler, armature.scale = Euler((0.0, 0.0, 0.7)), (1.2, 1.2, 1.2)
    bpy.context.view_layer.update()
    chosen, shots = settings(), armature.motionlcm.shots
    chosen.path = None
    lengths = {"a person walks": 1.2, "a person turns": 1.2, "a person waves": 1.0, "a person sits": 0.8}
    for prompt, seconds in lengths.items():
        chosen.prompt, chosen.length, chosen.seed = prompt, seconds, len(shots) + 1
        bpy.ops.motionlcm.add_shot()
    shots[0].path = poly_curve([(3.0, 1.0), (3.4, 0.4), (3.6, -0.6)], name="Way of Two")
    choose(armature, 0)
    bpy.ops.motionlcm.share_path()
    for index in (2, 3):
        shots[index].path, shots[index].path_from, shots[index].path_to = None, 0.0, 1.0
    choose(armature, 2)
    pin("l_wrist", (3.7, -0.8, 1.5), shots[2].first + 8, shots[2].first + 14, to_shot=True)
    shots[1].takes = 2
    bpy.ops.motionlcm.generate_shots()
    bpy.context.scene.frame_set(shots[0].first + 10)
    choose(armature, 3)
    bpy.ops.motionlcm.capture_pose(end=True)
    bpy.ops.motionlcm.generate_shots()
    shots[2].locked = True
    shots[3].name = "The End"
    choose(armature, 1)


def carried() -> None:
    """A body with another skeleton: on a mesh in the NLA, and in a loop with a key on every frame, object and all."""
    rig = smpl_armature(np.random.default_rng(4))
    rig.name = "Carried"
    rig.location = (-3.0, 0.0, 0.0)
    rig.rotation_euler = Euler((np.pi / 2, 0.0, 0.0))
    bpy.context.view_layer.update()
    mesh = bpy.data.meshes.new("Slope")
    mesh.from_pydata([(-6, -6, 0.3), (0, -6, 0.3), (0, 3, 0), (-6, 3, 0)], [], [(0, 1, 2, 3)])
    slope = bpy.data.objects.new("Slope", mesh)
    bpy.context.scene.collection.objects.link(slope)
    chosen = settings()
    choose(rig)
    chosen.ground, chosen.steps = slope, "2"
    generate("a person steps forward", 1.2, None, seed=7)
    bpy.ops.motionlcm.push_take()
    chosen.travel, chosen.start, chosen.loop, chosen.key_mode = "root", "CURRENT_FRAME", True, "DENSE"
    chosen.ground = None
    bpy.context.scene.frame_set(60)
    generate("a person walks on", 1.5, poly_curve([(-3, 0), (-3.2, -1), (-3.1, -2)], name="Down"), seed=8)
    chosen.ground = slope


def main() -> None:
    model = Path(tempfile.mkdtemp(prefix="tiny_model_")) / "tiny"
    enable_extension(model)
    for build in (walker, actor, carried):
        build()
    settings().feet, settings().takes, settings().take_sort = "ground", 2, "PATH"
    bodies = [obj for obj in bpy.data.objects if obj.motionlcm.armature is not None]
    for body in bodies[1:]:  # one mesh for all, so that the file is small
        body.data = bodies[0].data
    bpy.ops.outliner.orphans_purge()
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = f"{'.'.join(__version__.split('.')[:2])}-blender-{'.'.join(map(str, bpy.app.version[:2]))}"
    # A .blend contains its path, so it is saved in a folder whose name contains nothing of this machine.
    with tempfile.TemporaryDirectory(prefix="saved_") as folder:
        file = Path(folder) / f"{name}.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(file), compress=False)
        bpy.ops.wm.open_mainfile(filepath=str(file))
        (FOLDER / f"{name}.blend.xz").write_bytes(lzma.compress(file.read_bytes(), preset=9 | lzma.PRESET_EXTREME))
    contents = {"blender": bpy.app.version_string, "extension": __version__, "settings": stored(settings())}
    contents["characters"] = {name: describe(bpy.data.objects[name]) for name in ("Walker", "Actor", "Carried")}
    (FOLDER / f"{name}.json.xz").write_bytes(lzma.compress(json.dumps(contents).encode(), preset=9))
    print(*(f"{each.name}: {each.stat().st_size / 1024:.0f} KiB" for each in FOLDER.glob(f"{name}.*")), sep="\n")
    sys.stdout.flush()
    os._exit(0)  # Python's own ending crashes Blender 4.2 and hangs 4.5 while classes are registered


if __name__ == "__main__":
    main()
