"""Upgrade an installed version of the extension in a clean profile, and work on with what was made before.

    .venv-blender-4.5/bin/python tools/try_upgrade.py OLD.zip NEW.zip

Run it with the Python of each Blender environment before a release. A checkout of the old version builds the old zip.
The first process installs the old version, sets preferences, puts a model into the folder of the user's models, and
generates motion and shots with both models. It saves a file, installs the new version over the old one, as *Install
from Disk* does, and generates. The second process is a Blender that starts anew: it opens the file. Each step
is one line.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).resolve()
EXTENSION = "bl_ext.user_default.motionlcm_blender"
PREFERENCES = {"device": "NUMPY", "show_strips": False, "idle_minutes": 7, "wheel_folder": "/wheels"}
NEAR = 1e-3
"""Metres: how near poses of the opened file are to those that were saved."""
READS_PREFERENCES = (4, 3, 0)
"""Version from which the package bpy can read preferences; 4.2.23 crashes also with those of factory settings."""
LIMIT_S = 1800


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--part", choices=("before", "after"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.part:
        (before if arguments.part == "before" else after)(arguments.old, arguments.new)
        sys.stdout.flush()
        os._exit(0)  # Python's own ending crashes Blender 4.2 and hangs 4.5 while classes are registered
    profile = Path(tempfile.mkdtemp(prefix="blender_user_"))
    variables = os.environ | {"BLENDER_USER_RESOURCES": str(profile)}
    zips = [str(arguments.old.resolve()), str(arguments.new.resolve())]
    variables.setdefault("OMP_NUM_THREADS", "1")
    try:
        for part in ("before", "after"):
            command = [sys.executable, "-X", "faulthandler", str(SCRIPT), *zips, "--part", part]
            code = subprocess.run(command, env=variables, cwd=profile, timeout=LIMIT_S, check=False).returncode
            if code:
                print(f"FAILED: the part {part!r} ended with {code}", file=sys.stderr)
                return 1
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    return 0


def check(what: str, holds: bool, detail: object = "") -> None:
    """Print a step; raises SystemExit if it does not hold."""
    print(f"{'ok' if holds else 'NOT'}: {what}", f"({detail})" if detail != "" else "", flush=True)
    if not holds:
        os._exit(1)


def install(archive: Path) -> None:
    import bpy

    done = bpy.ops.extensions.package_install_files(
        filepath=str(archive), repo="user_default", enable_on_install=True, overwrite=True
    )
    with zipfile.ZipFile(archive) as opened:
        manifest = opened.read("blender_manifest.toml").decode()
    check(f"{archive.name} is installed", done == {"FINISHED"} and version() == version_in(manifest), version())
    check("the extension is enabled", EXTENSION in enabled())


def enabled() -> Any:
    import bpy

    return bpy.context.preferences.addons


def preferences() -> Any:
    return enabled()[EXTENSION].preferences


def version() -> str:
    return version_in((home() / "blender_manifest.toml").read_text("utf-8"))


def version_in(manifest: str) -> str:
    return next(line.split('"')[1] for line in manifest.splitlines() if line.startswith("version"))


def home() -> Path:
    return Path(os.environ["BLENDER_USER_RESOURCES"]) / "extensions" / "user_default" / "motionlcm_blender"


def user_model() -> Path:
    import bpy

    return Path(bpy.utils.extension_path_user(EXTENSION, path="models", create=True)) / "mine"


def poses(character: Any, frames: list[int]) -> list[list[float]]:
    """World places of all bones' heads, metres, one list of numbers for each frame."""
    import bpy

    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        shown = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heads = [shown.matrix_world @ bone.head for bone in shown.pose.bones]
        found.append([round(value, 5) for head in heads for value in head])
    return found


def farthest(one: list[list[float]], other: list[list[float]]) -> float:
    return max(abs(a - b) for row, also in zip(one, other, strict=True) for a, b in zip(row, also, strict=True))


def generate_one(prompt: str, path: Any = None) -> Any:
    """Generate a motion of the chosen character; returns its Action."""
    import bpy

    chosen = bpy.context.scene.motionlcm
    chosen.prompt, chosen.length, chosen.path = prompt, 3.0, path
    action = chosen.character.animation_data.action if chosen.character.animation_data else None
    bpy.ops.motionlcm.generate()
    made = chosen.character.animation_data.action
    check(f"{prompt!r} is generated by version {version()}", made is not None and made != action)
    return made


def before(old: Path, new: Path) -> None:
    import bpy

    install(old)
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    for name, value in PREFERENCES.items():
        setattr(preferences(), name, value)
    shutil.copytree(home() / "bundled_models" / "default", user_model())
    bpy.ops.motionlcm.add_character()
    walker = bpy.context.scene.motionlcm.character
    walker.name = "Walker"
    curve = bpy.data.objects.new("Path", bpy.data.curves.new("Path", "CURVE"))
    spline = curve.data.splines.new("POLY")
    spline.points.add(2)
    for point, place in zip(spline.points, ((0, 0), (0.5, -1.5), (0, -3)), strict=True):
        point.co = (*place, 0.0, 1.0)
    bpy.context.scene.collection.objects.link(curve)
    generate_one("a person walks forward", curve)
    preferences().model_folder = str(user_model())
    generate_one("a person jumps")
    bpy.ops.motionlcm.add_character()
    actor = bpy.context.scene.motionlcm.character
    actor.name = "Actor"
    actor.location.x = 3.0
    for prompt in ("a person walks forward", "a person sits down"):
        bpy.context.scene.motionlcm.prompt, bpy.context.scene.motionlcm.length = prompt, 2.0
        bpy.context.scene.motionlcm.path = None
        bpy.ops.motionlcm.add_shot()
    bpy.ops.motionlcm.generate_shots()
    check("two shots are generated", [shot.state for shot in actor.motionlcm.shots] == ["DONE"] * 2)
    frames = list(range(1, 90, 8))
    held = {name: poses(bpy.data.objects[name], frames) for name in ("Walker", "Actor")}
    file = Path("file.blend").resolve()
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    Path("held.json").write_text(json.dumps({"frames": frames, "poses": held}))
    bpy.ops.wm.save_userpref()
    first = version()
    print(f"-- {new.name} over {first}, in the running Blender", flush=True)
    install(new)
    check("the version is another one", version() != first, f"{first} -> {version()}")
    same_as_before()
    bpy.ops.wm.save_userpref()


def after(_old: Path, _new: Path) -> None:
    import bpy

    print("-- Blender starts anew", flush=True)
    with_preferences = bpy.app.version >= READS_PREFERENCES
    if with_preferences:
        bpy.ops.wm.read_userpref()  # the package bpy starts with factory settings
    else:
        print("-- preferences are not compared: this package bpy crashes when it reads any", flush=True)
        addon_utils = import_module("addon_utils")
        addon_utils.enable(EXTENSION, default_set=True)
        preferences().device = "NUMPY"
    check("the extension is enabled", EXTENSION in enabled(), version())
    check("the file opens", bpy.ops.wm.open_mainfile(filepath=str(Path("file.blend").resolve())) == {"FINISHED"})
    same_as_before(with_preferences)


def same_as_before(with_preferences: bool = True) -> None:
    """Preferences, models, motion and shots are there; every kind of generation works."""
    import bpy

    if with_preferences:
        for name, value in (PREFERENCES | {"model_folder": str(user_model())}).items():
            check(f"preference {name} is kept", getattr(preferences(), name) == value, value)
    preferences().model_folder = str(user_model())
    check("the user's model is there", (user_model() / "config.json").is_file())
    held = json.loads(Path("held.json").read_text())
    for name, expected in held["poses"].items():
        off = farthest(poses(bpy.data.objects[name], held["frames"]), expected)
        check(f"{name} moves as before", off < NEAR, f"{1000 * off:.2f} mm")
    chosen = bpy.context.scene.motionlcm
    chosen.character = bpy.data.objects["Walker"]
    listed = sorted(action.name for action in bpy.data.actions if "motionlcm_prompt" in action)
    check("Actions have their recipes", len(listed) >= 4, ", ".join(listed))
    bpy.ops.motionlcm.generate_again()
    check("the user's model makes the jump again", chosen.character.animation_data.action.name not in listed)
    preferences().model_folder = ""
    generate_one("a person waves with the right hand")
    generate_one("a person walks forward", bpy.data.objects["Path"])
    chosen.character = actor = bpy.data.objects["Actor"]
    actor.motionlcm.shots[0].prompt = "a person runs forward"
    check("a changed shot is stale", actor.motionlcm.shots[0].state == "STALE")
    bpy.ops.motionlcm.generate_shots()
    check("shots are generated", [shot.state for shot in actor.motionlcm.shots] == ["DONE"] * 2)
    preferences().model_folder = str(user_model())


if __name__ == "__main__":
    sys.exit(main())
