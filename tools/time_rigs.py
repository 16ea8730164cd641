"""Time from a finished motion to the keys of a rig, beside the same on SMPL's bones, in Blender.

    .venv-blender-4.5/bin/python tools/time_rigs.py RIG.json [--fps 24] [--tolerance 10] [--runs 15]

RIG.json as for tools/measure_rigs.py, whose three motions are used. Retargeting, key fitting and writing of the Action
are those of a generation. Prints medians of the processor time in milliseconds. Fitting works in a worker thread; what
Blender's interface waits for is the writing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from checkout_extension import ROOT, part
from measure_rigs import FIRST, MOTIONS, build_module, make_motions

PARTS = ("retarget", "fit keys", "channels", "write")


def timed(obj: bpy.types.Object, name: str, motions: dict[str, Any], fps: float, tolerance: float) -> list[float]:
    """Milliseconds of each of `PARTS` for one motion."""
    worker, job_keys = part("operators.session.generation_worker"), part("operators.rigs.job_keys")
    recognised, actions = part("operators.rigs.recognised"), part("operators.armature.actions")
    writing, output = part("operators.generation.write_actions"), part("motionlcm_blender.export.clip_output")
    handles, request = part("operators.scene.handles"), part("motionlcm_blender.generation.request")
    rig = recognised.read_character(obj)
    body = rig if isinstance(rig, recognised.BodyRig) else None
    motion = motions[name]
    place = part("motionlcm_blender.motion.world_transform").Placement(np.zeros(3))
    order = worker.GenerationJobInput(
        request.Request("a motion", len(motion.joints)), rig.skeleton, place, fps, float(FIRST), handles.handle_of(obj),
        handles.handle_of(bpy.context.scene), SimpleNamespace(), recognised.units_per_metre(obj, rig),
        key_tolerance=tolerance, body=body,
    )  # fmt: skip
    moments = [time.process_time()]
    if body is None:
        clip, sampled = output.on_skeleton(motion, rig.skeleton, name == "walk"), output.resample
    else:
        clip = job_keys.retargeted(motion, body, order.request, name == "walk", True)
        sampled = job_keys.sampling_on_feet(motion, order.request, True)
    clip = output.written_part(clip, fps, None, None, None, sampled)
    moments.append(time.process_time())
    keys = worker.fitted_keys(clip, tolerance, order)
    moments.append(time.process_time())
    result = worker.GenerationOutput(clip, order.request, {}, "", "", "", "", keys=keys)
    times, channels = writing.written_channels(obj, order, result)
    moments.append(time.process_time())
    bpy.data.actions.remove(actions.new_action(obj, "timed", times, channels, {}))
    moments.append(time.process_time())
    return [1000.0 * (after - before) for before, after in pairwise(moments)]


def main() -> None:
    """Time one rig."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rig", type=Path)
    parser.add_argument("--fps", type=float, default=24.0)
    parser.add_argument("--tolerance", type=float, default=10.0, help="millimetres of fitted keys")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "measure_rigs", help="where motions are kept")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    part("operators").register()
    motions = make_motions(arguments.output / "motions.npz")
    described = json.loads(arguments.rig.read_text(encoding="utf-8"))
    made: dict[str, Any] = {
        "SMPL": lambda: part("operators.characters.add_character").create_character(bpy.context),
        described["id"]: lambda: build_module(arguments.rig.parent).build_rig(described),
    }
    print(f"| rig | motion | {' | '.join(PARTS)} | all |\n|{'---|' * (len(PARTS) + 3)}")
    for rig, make in made.items():
        bpy.ops.wm.read_factory_settings(use_empty=True)
        obj = make()
        for name, *_ in MOTIONS:
            settings = obj, name, motions, arguments.fps, arguments.tolerance
            runs = [timed(*settings) for _ in range(arguments.runs + 1)][1:]
            parts = [statistics.median(each) for each in zip(*runs, strict=True)]
            whole = statistics.median(map(sum, runs))
            print(f"| {rig} | {name} | {' | '.join(f'{each:.0f}' for each in parts)} | {whole:.0f} |", flush=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Python's own ending hangs some versions of the bpy package
