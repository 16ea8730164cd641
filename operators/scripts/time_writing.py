"""Milliseconds of writing a motion's fitted keys to an Action, in a Blender without a window; run by `motionlcm bench`.

    python operators/scripts/time_writing.py MOTION.npz REPEATS                        (a Python with bpy)
    blender --background --factory-startup --python operators/scripts/time_writing.py -- MOTION.npz REPEATS

MOTION.npz is what `motionlcm generate --out MOTION.npz` writes. Prints one line: MARK and a list of milliseconds, one
for each repeat: from fitted keys to an Action that the character plays.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from extension_package import part
from script_program import run_program

MARK = "MOTIONLCM "
"""Prefix of the line for `motionlcm bench`; Blender prints other lines too."""
SCENE_FPS = 24.0


def time_writing(file: Path, repeats: int) -> list[float]:
    """Write the Action of the motion so many times, each time a new one; milliseconds of each."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    part("operators").register()
    rig_of, actions = part("operators.armature.smpl_rig"), part("operators.armature.actions")
    pose_keys = part("operators.armature.pose_keys").pose_keys
    motions, resampling = part("motionlcm_blender.motion.motion"), part("motionlcm_blender.motion.resampling")
    with np.load(file, allow_pickle=False) as stored:
        clip = motions.Clip(float(stored["fps"]), stored["translation"], stored["rotations"])
    clip = resampling.resample(clip, SCENE_FPS)
    keys = part("motionlcm_blender.keyframes.fitting").fit_keys(clip)
    character = part("operators.characters.add_character").create_character(bpy.context)
    rig = rig_of.read_rig(character)
    units = rig_of.units_per_metre(character, rig)
    times = 1.0 + np.arange(clip.frames, dtype=np.float64)
    milliseconds = []
    for _ in range(repeats):
        before = character.animation_data.action if character.animation_data is not None else None
        if before is not None:
            bpy.data.actions.remove(before)
        started = time.perf_counter()
        pose = rig_of.pose_channels(clip, character, rig, units)
        location, turned, _ = pose_keys(keys, character, rig, units)
        channels = actions.channels_of(character, pose, (location, turned))
        actions.new_action(character, "MotionLCM", times, channels, {"prompt": "a person walks"})
        milliseconds.append(1000.0 * (time.perf_counter() - started))
    return milliseconds


def main(arguments: list[str]) -> None:
    """Print the milliseconds of MOTION.npz, REPEATS times."""
    print(MARK + json.dumps(time_writing(Path(arguments[0]), int(arguments[1]))), flush=True)


if __name__ == "__main__":
    run_program(main, 2, __doc__ or "")
