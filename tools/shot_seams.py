"""How well shots go on from one another: ten sequences of three shots with the bundled model, measured in Blender.

    python tools/shot_seams.py [--sequences N] [--repeats N] [--tolerance MM] [--locked]

Run it with the Python of one of tools/blender_environments.py's environments. At each seam it prints the largest change
of any joint's velocity from one frame to the next, at 20 frames a second, within two frames of the seam, and how fast
feet that stand slide in the second around it; beside both, what is usual inside the shots.
"""

from __future__ import annotations

import argparse
import os
import sys

import bpy
import numpy as np
from checkout_extension import ROOT, part

sys.path.insert(0, str(ROOT))

import itertools

from motionlcm_blender.motion.metrics import foot_skate
from motionlcm_blender.motion.skeleton import FPS

SEQUENCES = (
    ("a person walks forward", "a person turns around", "a person waves"),
    ("a person waves", "a person walks forward", "a person stops and stands"),
    ("a person runs forward", "a person walks forward", "a person jumps"),
    ("a person turns left", "a person walks forward", "a person kicks"),
    ("a person walks backwards", "a person waves", "a person walks forward"),
    ("a person dances", "a person walks in a circle", "a person bows"),
    ("a person jumps", "a person walks forward", "a person turns right"),
    ("a person stands", "a person runs forward", "a person stops and stands"),
    ("a person walks forward", "a person picks something up", "a person walks forward"),
    ("a person walks forward and waves", "a person walks sideways", "a person claps"),
)
SECONDS = 4.0
NEAR = 2
"""Frames of the model on both sides of a seam on which its jump is looked for."""


def joints_at(character: bpy.types.Object, at: np.ndarray) -> np.ndarray:
    """(N, 22, 3) metres, engine axes: the bones' heads as Blender shows them on these scene frames."""
    rig = part("operators.armature.smpl_rig").read_rig(character)
    scene, found = bpy.context.scene, []
    for moment in at:
        scene.frame_set(int(moment), subframe=float(moment) % 1.0)
        shown = character.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append([shown.matrix_world @ shown.pose.bones[bone].head for bone in rig.bones[:22]])
    joints: np.ndarray = part("motionlcm_blender.motion.world_transform").blender_to_engine(np.array(found))
    return joints


def sequence(prompts: tuple[str, ...], seed: int, tolerance: float, locked: bool) -> tuple[np.ndarray, list[int]]:
    """Joints of a whole sequence at 20 fps, and its seams among them. tolerance: of fitted keys; 0 is every frame.
    locked: the second shot is locked and the others are made again with other seeds, so that the first has to end in
    it."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    bpy.ops.motionlcm.add_character()
    scene, chosen = bpy.context.scene, bpy.context.scene.motionlcm
    chosen.length, chosen.seed = SECONDS, seed
    chosen.key_mode = "FITTED" if tolerance > 0.0 else "DENSE"
    chosen.key_tolerance = tolerance or chosen.key_tolerance
    for prompt in prompts:
        chosen.prompt = prompt
        bpy.ops.motionlcm.add_shot()
    bpy.ops.motionlcm.generate_shots()
    shots = chosen.character.motionlcm.shots
    if locked:
        shots[1].locked = True
        for shot in (shots[0], shots[2]):
            shot.seed += 100
        bpy.ops.motionlcm.generate_shots()
    each = scene.render.fps / scene.render.fps_base / FPS
    frames = int((shots[-1].last - shots[0].first) / each + 1e-6) + 1
    joints = joints_at(chosen.character, shots[0].first + each * np.arange(frames))
    return joints, [round((shot.first - shots[0].first) / each) for shot in list(shots)[1:]]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sequences", type=int, default=len(SEQUENCES))
    parser.add_argument("--repeats", type=int, default=1, help="each sequence so often, with other seeds")
    parser.add_argument("--tolerance", type=float, default=10.0, help="of fitted keys, millimetres; 0: every frame")
    parser.add_argument("--locked", action="store_true", help="make the shots around a locked one again")
    options = parser.parse_args()
    part("operators").register()
    at_seams: list[float] = []
    inside: list[np.ndarray] = []
    slides: list[float] = []
    slides_inside: list[float] = []
    for number, prompts in enumerate(options.repeats * SEQUENCES[: options.sequences]):
        joints, seams = sequence(prompts, number, options.tolerance, options.locked)
        change = np.linalg.norm(np.diff(joints, n=2, axis=0), axis=-1).max(axis=1) * FPS  # of the frames 1, 2, ...
        near = np.zeros(len(change), bool)
        for seam, one, two in zip(seams, prompts[:-1], prompts[1:], strict=True):
            around = slice(seam - 1 - NEAR, seam + NEAR)
            near[around] = True
            at_seams.append(float(change[around].max()))
            slides.append(foot_skate(joints[seam - 10 : seam + 11]))
            print(f"{at_seams[-1]:5.2f} m/s  {slides[-1]:5.1f} cm/s  {one} | {two}", flush=True)
        inside.append(change[~near])
        bounds = [0, *seams, len(joints) - 1]
        for first, last in itertools.pairwise(bounds):
            slides_inside.append(foot_skate(joints[first + 10 : last - 9]))
    p50, p90, p99 = np.percentile(np.concatenate(inside), [50, 90, 99])
    # A seam's figure is the largest of five frames; so is this.
    of_five = np.concatenate([np.lib.stride_tricks.sliding_window_view(i, 2 * NEAR + 1).max(1) for i in inside])
    jumps = np.array(at_seams)
    print(f"Inside the shots, any frame: median {p50:.2f}, 90 % {p90:.2f}, 99 % {p99:.2f} m/s")
    print(f"Inside, largest of five frames: median {np.median(of_five):.2f}, 99 % {np.percentile(of_five, 99):.2f} m/s")
    print(
        f"{len(jumps)} seams: median {np.median(jumps):.2f}, largest {jumps.max():.2f} m/s; "
        f"{int((jumps > p99).sum())} above the 99 % inside"
    )
    print(
        f"Feet slide {np.mean(slides):.1f} cm/s around seams, at most {max(slides):.1f}; "
        f"{np.mean(slides_inside):.1f} cm/s inside, at most {max(slides_inside):.1f}"
    )
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # Python's own ending may hang Blender while classes are registered
