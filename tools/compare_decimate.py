"""Our keys beside Blender's own Decimate at the same error.

    .venv-blender-4.5/bin/python tools/compare_decimate.py [--seeds 2] [--tolerance 10]

For takes of the bundled model, keyed on every frame: our fitting at a tolerance, and Graph Editor > Key > Decimate
(Allowed Change) with the largest margin whose worst joint is no further off than ours, found by bisection. Both are
measured as Blender plays them: the world position of every joint's bone on every frame, against the dense keys. Prints
a table in Markdown. Needs the `bpy` package; the extension is enabled from this checkout.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="blender_user_")  # before bpy: keeps the user's own out
os.environ.setdefault("OMP_NUM_THREADS", "1")

import bpy
import checkout_extension
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = "bl_ext.user_default.motionlcm_blender"
PROMPTS = (
    "a person walks forward", "a person runs forward", "a person jumps", "a person dances",
    "a person walks and waves with the right hand", "a person kicks with the right leg",
)  # fmt: skip
SECONDS, BISECTIONS = 5.0, 9


def curves(armature: bpy.types.Object) -> list[bpy.types.FCurve]:
    return list(import_module(f"{EXTENSION}.operators.armature.actions").curves_of(armature))


def moments(armature: bpy.types.Object) -> int:
    """Keys, those of all channels of one property at one time counted once."""
    found: dict[str, set[float]] = {}
    for curve in curves(armature):
        found.setdefault(curve.data_path, set()).update(round(point.co.x, 2) for point in curve.keyframe_points)
    return sum(len(times) for times in found.values())


def points(armature: bpy.types.Object) -> int:
    """Keys, each channel's by itself, as the Graph Editor shows them."""
    return sum(len(curve.keyframe_points) for curve in curves(armature))


def heads(armature: bpy.types.Object, last: int) -> np.ndarray:
    """(frames, bones, 3) world positions of all bones' heads."""
    scene, found = bpy.context.scene, []
    for frame in range(1, last + 1):
        scene.frame_set(frame)
        found.append([armature.matrix_world @ bone.head for bone in armature.pose.bones])
    return np.array(found)


def decimated(armature: bpy.types.Object, dense: bpy.types.Action, margin: float) -> None:
    """Give the armature a copy of the dense Action with Blender's Decimate applied."""
    before = armature.animation_data.action
    armature.animation_data.action = dense.copy()
    if before is not None and before != dense:
        bpy.data.actions.remove(before)
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "GRAPH_EDITOR"
    area.spaces.active.dopesheet.show_only_selected = False
    region = next(r for r in area.regions if r.type == "WINDOW")
    for curve in curves(armature):
        for point in curve.keyframe_points:
            point.select_control_point = True
    with bpy.context.temp_override(window=window, area=area, region=region):
        bpy.ops.graph.select_all(action="SELECT")
        bpy.ops.graph.decimate(mode="ERROR", remove_error_margin=margin)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=10.0, help="millimetres")
    arguments = parser.parse_args()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    checkout_extension.enable(EXTENSION)
    bpy.context.preferences.addons[EXTENSION].preferences.device = "NUMPY"
    rows = [
        (prompt, *compare(prompt, seed, arguments.tolerance)) for prompt in PROMPTS for seed in range(arguments.seeds)
    ]
    tolerance = f"{arguments.tolerance:g} mm"
    print(f"Blender {bpy.app.version_string}, {SECONDS:g} s at 24 fps, {arguments.seeds} seeds, {tolerance}")
    print("| prompt | off, mm: ours | Decimate | keys, dense | ours | Decimate | by channel, dense | ours | Decimate |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in (*PROMPTS, "all"):
        mean = np.mean([row[1:] for row in rows if name in (row[0], "all")], axis=0)
        print(f"| {name} | {mean[0]:.1f} | {mean[1]:.1f} | " + " | ".join(f"{v:.0f}" for v in mean[2:]) + " |")


def compare(prompt: str, seed: int, tolerance: float) -> tuple[float, ...]:
    """Errors of ours and Decimate's, mm; keys dense, ours, Decimate's; the same counted by channel."""
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    scene = bpy.context.scene
    bpy.ops.motionlcm.add_character()
    chosen = scene.motionlcm
    armature = chosen.character
    chosen.prompt, chosen.length, chosen.seed, chosen.key_mode = prompt, SECONDS, seed, "DENSE"
    bpy.ops.motionlcm.generate()
    dense, last = armature.animation_data.action, int(armature.animation_data.action.frame_range[1])
    wanted, counts = heads(armature, last), [(moments(armature), points(armature))]
    chosen.key_mode, chosen.key_tolerance = "FITTED", tolerance
    bpy.ops.motionlcm.generate()
    ours = worst(armature, wanted, last)
    counts.append((moments(armature), points(armature)))
    low, high, best = 0.0, 0.2, None
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        decimated(armature, dense, middle)
        error = worst(armature, wanted, last)
        if error <= ours:
            low, best = middle, (error, moments(armature), points(armature))
        else:
            high = middle
    if best is None:
        best = (0.0, *counts[0])
    counts.append(best[1:])
    return (ours, best[0], *(c[0] for c in counts), *(c[1] for c in counts))


def worst(armature: bpy.types.Object, wanted: np.ndarray, last: int) -> float:
    """Millimetres: the largest distance of any joint on any frame."""
    return float(np.linalg.norm(heads(armature, last) - wanted, axis=-1).max() * 1000.0)


if __name__ == "__main__":
    main()
    shutil.rmtree(os.environ["BLENDER_USER_RESOURCES"], ignore_errors=True)
    sys.stdout.flush()
    os._exit(0)  # Python's own ending crashes some versions of the module while classes are registered
