"""A motion as a Blender file: the character with its Action, and the path as a curve.

    python operators/scripts/write_blend.py MOTION.npz OUT.blend                       (a Python with bpy)
    blender --background --factory-startup --python operators/scripts/write_blend.py -- MOTION.npz OUT.blend

MOTION.npz is what `motionlcm generate --out MOTION.npz` writes. The file also gets a camera and a sun.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from extension_package import part
from script_program import run_program

PATH_STEP_M = 0.05


def load_motion(file: Path) -> tuple[Any, dict[str, np.ndarray]]:
    """The clip in it, and everything else by name."""
    Clip = part("motionlcm_blender.motion.motion").Clip  # noqa: N806  a class
    with np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return Clip(float(arrays["fps"]), arrays["translation"], arrays["rotations"]), arrays


def add_path(xz: np.ndarray) -> bpy.types.Object:
    """The target root positions (T, 2), engine x and z, as a flat curve on the floor."""
    place = part("motionlcm_blender.motion.world_transform").engine_to_blender
    points = place(np.insert(np.asarray(xz, np.float64), 1, 0.0, axis=1))
    kept = [points[0]]
    for point in points[1:]:
        if np.linalg.norm(point - kept[-1]) >= PATH_STEP_M:
            kept.append(point)
    data = bpy.data.curves.new("MotionLCM Path", "CURVE")
    data.dimensions = "2D"
    data.fill_mode = "NONE"
    spline = data.splines.new("POLY")
    spline.points.add(len(kept) - 1)
    for point, position in zip(spline.points, kept, strict=True):
        point.co = (*position, 1.0)
    curve = bpy.data.objects.new("MotionLCM Path", data)
    bpy.context.scene.collection.objects.link(curve)
    return curve


def write_blend(file: Path, out: Path) -> None:
    """Empty Blender, character, Action, path, save."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    part("operators").register()
    rig_of, actions = part("operators.armature.smpl_rig"), part("operators.armature.actions")
    stage = part("operators.scene.camera_and_light")
    clip, arrays = load_motion(file)
    scene = bpy.context.scene
    stage.set_frame_rate(scene, clip.fps)
    character = part("operators.characters.add_character").create_character(bpy.context)
    rig = rig_of.read_rig(character)
    pose = rig_of.pose_channels(clip, character, rig, rig_of.units_per_metre(character, rig))
    prompt, seed = str(arrays["prompt"]), int(arrays["seed"])
    actions.new_action(
        character,
        f"MotionLCM {prompt[:40].strip()} s{seed}",
        1.0 + np.arange(clip.frames, dtype=np.float64),
        actions.channels_of(character, pose),
        {"prompt": prompt, "seed": seed},
    )
    scene.frame_start, scene.frame_end = 1, clip.frames
    scene.frame_set(1)
    settings = scene.motionlcm
    settings.character, settings.prompt, settings.seed = character, prompt, seed
    floor = clip.translation[:, [0, 2]] * (1.0, -1.0)
    if "path" in arrays:
        settings.path = add_path(arrays["path"])
        floor = np.concatenate([floor, arrays["path"] * (1.0, -1.0)])
    stage.add_camera_and_sun(scene, floor)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(out.resolve()), compress=True)


def main(arguments: list[str]) -> None:
    """Write MOTION.npz as OUT.blend."""
    write_blend(Path(arguments[0]), Path(arguments[1]))


if __name__ == "__main__":
    run_program(main, 2, __doc__ or "")
