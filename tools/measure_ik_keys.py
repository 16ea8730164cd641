"""Key IK Controls on control rigs, measured on the deforming bones in Blender.

    .venv-blender-4.5/bin/python tools/measure_ik_keys.py FOLDER [--only NAME] [--output build/measure_rigs]

FOLDER as for tools/measure_rigs.py. The walk, the kick and the sit-down of that tool are written on the FK controls of
each rig whose IK controls are known or found, then on the IK controls, with a key on every frame and with few keys.
Prints distances between the two, millimetres of the body, and the share of keys.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

sys.path.insert(0, str(Path(__file__).resolve().parent))

from checkout_extension import ROOT, part
from measure_rigs import FIRST, MOTIONS, build_module, make_motions

TOLERANCES = (0.0, 10.0)
"""Millimetres of fitted keys; 0: a key on every frame."""


def measure(rig: dict[str, Any], obj: bpy.types.Object, motions: dict[str, Any]) -> None:
    """Print a line for each motion and tolerance; nothing for a rig without IK controls."""
    recognised, job_keys = part("operators.rigs.recognised"), part("operators.rigs.job_keys")
    read = recognised.read_and_note(obj)
    if not isinstance(read, recognised.BodyRig) or not read.body.mapping.ik:
        return
    retarget, write = part("motionlcm_blender.rigs.rig_retarget"), part("operators.rigs.apply_motion")
    ik_keys, actions = part("operators.rigs.ik_keys"), part("operators.armature.actions")
    for name, *_ in MOTIONS:
        clip = retarget.retarget_to_body(motions[name], read.body, on_path=name == "walk")
        belongs = job_keys.activate_fk_controls(obj, read)
        write.write_motion(obj, read.body, clip, FIRST, f"measured {name}", belongs)
        plain = obj.animation_data.action
        for tolerance in TOLERANCES:
            started = time.process_time()
            made = ik_keys.key_ik_controls(bpy.context, obj, tolerance)
            print(
                f"| {rig['id']} | {name} | {tolerance:.0f} | {made.mean_mm:.1f} | {made.most_mm:.1f} | "
                f"{100 * made.keys / made.dense:.0f} % | {time.process_time() - started:.1f} |",
                flush=True,
            )
            actions.assign(obj, plain)
            bpy.context.view_layer.update()


def main() -> None:
    """Measure all rigs of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="part of the names of rigs")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "measure_rigs", help="where motions are kept")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    part("operators").register()
    motions, building = make_motions(arguments.output / "motions.npz"), build_module(arguments.folder)
    print("| rig | motion | tolerance mm | mean mm | most mm | keys | seconds |\n|" + "---|" * 7)
    for file in sorted(arguments.folder.glob("*.json")):
        rig = json.loads(file.read_text(encoding="utf-8"))
        if arguments.only not in file.stem or not rig.get("humanoid"):
            continue
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.scene.render.fps = 20
        measure(rig, building.build_rig(rig), motions)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Python's own ending hangs some versions of the bpy package
