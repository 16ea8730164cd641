"""Motions put onto rigs of any family, measured in Blender against the same motions on SMPL.

    .venv-blender-4.5/bin/python tools/measure_rigs.py FOLDER [--only NAME] [--fps 20] [--output build/measure_rigs]

FOLDER has rig files (JSON with bones, mapping, mapping_deform, fk_switches, apart); in it or above it is build_rig.py.
Three motions of the bundled model (a walk along an S, a kick, a sit-down) are written onto each rig and evaluated on
every frame. Writes figures.md and joints.npz, from which tools/draw_rigs.py draws.

Positions are in metres of the body, whose legs are 0.82 m long. "own": distance from where the SMPL turns put a figure
of these proportions. "raw": distance from SMPL's joints.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from checkout_extension import ROOT, part

LEG = 0.82
MOTIONS = (("walk", "a person walks forward", 120, "s"), ("kick", "a person kicks with the right leg", 80, None),
           ("sit", "a person sits down", 100, None))  # fmt: skip
AXES = {"+X": (1, 0, 0), "-X": (-1, 0, 0), "+Y": (0, 1, 0), "-Y": (0, -1, 0), "+Z": (0, 0, 1), "-Z": (0, 0, -1)}
LIMBS = (("l_hip", "l_knee"), ("l_knee", "l_ankle"), ("r_hip", "r_knee"), ("r_knee", "r_ankle"),
         ("l_shoulder", "l_elbow"), ("l_elbow", "l_wrist"), ("r_shoulder", "r_elbow"),
         ("r_elbow", "r_wrist"))  # fmt: skip
FIRST = 1


@dataclass(frozen=True)
class Figures:
    """The figures of one motion on one rig: centimetres in a metre of leg, degrees, centimetres, millimetres."""

    raw: float
    own: float
    angle: float
    angle_95: float
    ankle: float
    toe: float
    slide: float
    slide_95: float
    path: float
    smpl_path: float
    worst_limb: str = ""
    worst_joint: str = ""


def read_mapping(rig: dict[str, Any], description: Any) -> Any:
    """The mapping that a rig file states."""
    kinds, joints = part("motionlcm_blender.rigs.description"), part("motionlcm_blender.motion.skeleton").JOINTS
    names = {joint: as_names(rig["mapping"][joint]) for joint in joints}
    if rig.get("up_world"):
        up, facing = np.array(AXES[rig["up_world"]], float), np.array(AXES[rig["facing_world"]], float)
    else:
        heads = {bone.name: bone.head for bone in description.bones}
        up = description.world[:3, :3] @ (heads[names["head"][0]] - heads[names["pelvis"][0]])
        up, facing = up / np.linalg.norm(up), None
    switches = tuple(
        kinds.FkSwitch(s["bone"], s.get("property", ""), s.get("constraint", ""), s.get("value", s.get("influence")))
        for s in rig.get("fk_switches") or ()
    )
    return kinds.RigMapping(
        rig["family"], names, dict.fromkeys(joints, 1.0), switches, tuple(rig.get("apart") or ()), facing, up,
        rig.get("leg_length_world") or 0.0, rig["rest_pose"],
    )  # fmt: skip


def as_names(value: Any) -> tuple[str, ...]:
    """The bones of a joint in a rig file: null, a name or a list."""
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def make_motions(file: Path) -> dict[str, Any]:
    """The three motions of the bundled model; generated once and kept in a file."""
    motion = part("motionlcm_blender.motion.motion").Motion
    if not file.exists():
        pipeline, request = part("motionlcm_blender.generation.pipeline"), part("motionlcm_blender.generation.request")
        paths = part("motionlcm_blender.motion.ground_path")
        place = part("motionlcm_blender.motion.world_transform")
        model = pipeline.MotionLCM.from_folder(ROOT / "bundled_models" / "default", device="numpy")
        kept: dict[str, np.ndarray] = {}
        for name, prompt, frames, path in MOTIONS:
            hints = None
            if path is not None:
                timed = paths.timed(paths.named_path(path, paths.natural_length(path, frames / 20.0)), frames)
                kept["path"] = place.canonicalise(timed)[0]
                hints = request.Hints.ground_path(kept["path"])
            made = model.generate(request.Request(prompt, frames, seed=3, hints=hints))[0]
            kept |= {f"{name}_joints": made.joints, f"{name}_contacts": made.contacts}
            if made.head_hands is not None:
                kept[f"{name}_head_hands"] = made.head_hands
        np.savez(file, **kept)
    stored = np.load(file)
    made = {
        name: motion(stored[f"{name}_joints"], stored[f"{name}_contacts"], 20.0, stored.get(f"{name}_head_hands"))
        for name, *_ in MOTIONS
    }
    return made | {"path": stored["path"]}


def build_module(folder: Path) -> ModuleType:
    """build_rig.py of the folder or of the one above."""
    file = next(place / "build_rig.py" for place in (folder, folder.parent) if (place / "build_rig.py").exists())
    spec = importlib.util.spec_from_file_location("build_rig", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def evaluated_heads(obj: bpy.types.Object, names: list[str], frames: int) -> np.ndarray:
    """(T, N, 3) heads of bones in the world."""
    scene = bpy.context.scene
    heads = np.empty((frames, len(names), 3))
    for frame in range(frames):
        scene.frame_set(FIRST + frame)
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrix, bones = evaluated.matrix_world, evaluated.pose.bones
        heads[frame] = [matrix @ bones[name].head for name in names]
    return heads


@dataclass(frozen=True)
class Measured:
    """A rig with a motion on it.

    joints: those that the mapping names. shown: (T, N, 3) their places as evaluated, engine axes, metres of the body.
    rest: (N, 3) the places of the measured bones at rest, armature space. clip: what was written.
    """

    joints: list[str]
    shown: np.ndarray
    rest: np.ndarray
    clip: Any
    body: Any
    motion: Any


def measure(
    rig: dict[str, Any], obj: bpy.types.Object, motions: dict[str, Any], log: dict[str, Any], fps: float
) -> dict[str, Figures]:
    """Write each motion onto a rig and measure it. log: takes what is drawn."""
    describe, write = part("operators.rigs.rig_description"), part("operators.rigs.apply_motion")
    retarget, resampling = part("motionlcm_blender.rigs.rig_retarget"), part("motionlcm_blender.rigs.rig_resampling")
    stances_of = part("motionlcm_blender.rigs.rig_feet").find_stances
    description = describe.describe_rig(obj)
    body = part("motionlcm_blender.rigs.rig_body").rig_body(description, read_mapping(rig, description))
    names = measured_bones(rig)
    chosen = [name for each in names.values() for name in each]
    every = list(dict.fromkeys([*chosen, *(bone.name for bone in obj.data.bones if bone.use_deform)]))
    heads = {bone.name: bone.head for bone in description.bones}
    rest = np.array([np.mean([heads[name] for name in each], axis=0) for each in names.values()])
    parts = [[every.index(name) for name in each] for each in names.values()]
    log["links"] = [(every.index(b), every.index(p)) for b in every if (p := shown_parent(obj, b, every)) is not None]
    log["mapped"], found = [list(names), [each[0] for each in parts]], {}
    for name, *_ in MOTIONS:
        motion, started = motions[name], time.process_time()
        clip = retarget.retarget_to_body(motion, body, on_path=name == "walk")
        clip = resampling.resample_on_feet(clip, fps, stances_of(motion, motion.joints))
        middle = time.process_time()
        write.write_motion(obj, body, clip, FIRST, f"measured {name}", {})
        log[f"{name}_seconds"] = (middle - started, time.process_time() - middle)
        places = evaluated_heads(obj, every, clip.frames) / body.units_per_metre
        log[f"{name}_heads"] = places.astype(np.float32)
        shown = np.stack([places[:, each].mean(1) for each in parts], axis=1)[..., [0, 2, 1]] * [1.0, 1.0, -1.0]
        path = motions["path"] if name == "walk" else None
        found[name] = figures(Measured(list(names), shown, rest, clip, body, motion), path)
    return found


def measured_bones(rig: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """The bones in which a pose must show, by joint: all of a chain that shares a turn, else the first."""
    deform = rig.get("mapping_deform") or rig["mapping"]
    joints, sharing = (
        part("motionlcm_blender.motion.skeleton").JOINTS,
        part("motionlcm_blender.rigs.mapped_joints").SHARING,
    )
    names = {joint: as_names(deform[joint]) for joint in joints if as_names(deform[joint])}
    return {joint: all_ if joints.index(joint) in sharing else all_[:1] for joint, all_ in names.items()}


def shown_parent(obj: bpy.types.Object, bone: str, every: list[str]) -> str | None:
    """The next bone above that is among those shown."""
    above = obj.data.bones[bone].parent
    while above is not None and above.name not in every:
        above = above.parent
    return None if above is None else above.name


def figures(measured: Measured, path: np.ndarray | None) -> Figures:
    """Compare joints as shown with SMPL's. path: (T, 2) at 20 fps, of a motion on a path."""
    rigs, joints = part("motionlcm_blender.rigs.rig_retarget"), part("motionlcm_blender.motion.skeleton").JOINTS
    retargeting, resample = (
        part("motionlcm_blender.motion.retarget"),
        part("motionlcm_blender.motion.resampling").resample,
    )
    rot, smpl = part("motionlcm_blender.motion.rotations"), part("motionlcm_blender.motion.skeleton").SMPL
    clip, body, shown = measured.clip, measured.body, measured.shown
    performed = retargeting.retarget(measured.motion, smpl)
    source = resample(performed, clip.fps)
    on_smpl, turned = retargeting.forward_kinematics(source), rigs.world_rotations(source)
    order = [joints.index(joint) for joint in measured.joints]
    at = {joint: number for number, joint in enumerate(measured.joints)}
    expected = rigs.positions(clip.translation, turned, body.skeleton)
    for joint, start in zip(order, measured.rest, strict=True):  # a measured bone may begin beside the joint
        beside = rot.multiply(turned[:, joint], body.alignment.turns[joint])
        expected[:, joint] += rot.rotate(beside, (start - body.alignment.points[joint]) / body.alignment.size)
    raw = np.linalg.norm(shown - on_smpl[:, order], axis=-1)
    own = np.linalg.norm(shown - expected[:, order], axis=-1)
    angles = np.array([limb_angles(shown, on_smpl, at, *limb) for limb in LIMBS])
    stances = part("motionlcm_blender.rigs.rig_feet").find_stances(
        measured.motion, retargeting.forward_kinematics(performed)[:, :22]
    )
    ankle, toe, slide = feet_off(measured, stances, at)
    off, smpl_off = (0.0, 0.0) if path is None else paths_off(measured, on_smpl, at, path)
    worst_limb, worst_joint = int(angles.mean(1).argmax()), int(own.mean(0).argmax())
    return Figures(
        100 * raw.mean() / LEG, 100 * own.mean() / LEG, angles.mean(), float(np.percentile(angles, 95)),
        100 * ankle, 100 * toe, 1000 * max(slide), 1000 * float(np.percentile(slide, 95)), 100 * off, 100 * smpl_off,
        f"{LIMBS[worst_limb][0]} {angles.mean(1).max():.1f}",
        f"{measured.joints[worst_joint]} {100 * own.mean(0).max():.1f}",
    )  # fmt: skip


def feet_off(measured: Measured, stances: Any, at: dict[str, int]) -> tuple[float, float, list[float]]:
    """Metres by which ankles and toes of flat feet are off their height at most, and the slides of standing feet."""
    shown, heights = measured.shown, measured.body.alignment.heights
    times = np.arange(len(shown)) * 20.0 / measured.clip.fps
    low = np.floor(times + 1e-6).astype(int)
    high = np.minimum(np.ceil(times - 1e-6).astype(int), len(stances.labels) - 1)
    ankle, toe, slide = [0.0], [0.0], [0.0]
    for side, letter in enumerate("lr"):
        stands = stances.labels[:, side] >= 0
        flat, on_toe = (part_ & stands for part_ in (stances.flat[:, side], stances.stands[:, side, 1]))
        flat, on_toe = flat[low] & flat[high], on_toe[low] & on_toe[high]
        ankle.extend(np.abs(shown[flat, at[f"{letter}_ankle"], 1] - heights[side, 0]))
        slide.extend(slides(shown[:, at[f"{letter}_ankle"]], flat))
        if f"{letter}_foot" in at:
            toe.extend(np.abs(shown[flat, at[f"{letter}_foot"], 1] - heights[side, 1]))
            slide.extend(slides(shown[:, at[f"{letter}_foot"]], on_toe))
    return max(ankle), max(toe), slide


def paths_off(measured: Measured, on_smpl: np.ndarray, at: dict[str, int], path: np.ndarray) -> tuple[float, float]:
    """Mean distance in metres of the pelvis from the path, on the rig and on SMPL.

    The rig's pelvis is where the clip has it above the hips that are shown: its bone may begin anywhere.
    """
    rigs, clip = part("motionlcm_blender.rigs.rig_retarget"), measured.clip
    joints = rigs.positions(clip.translation, rigs.world_rotations(clip), clip.skeleton)
    hips = measured.shown[:, [at["l_hip"], at["r_hip"]]].mean(1)
    pelvis = hips + clip.translation - joints[:, [1, 2]].mean(1)
    times = np.arange(len(pelvis)) * 20.0 / clip.fps
    wanted = np.stack([np.interp(times, np.arange(len(path)), path[:, axis]) for axis in (0, 1)], axis=-1)
    ours, theirs = (np.linalg.norm(each[:, [0, 2]] - wanted, axis=-1).mean() for each in (pelvis, on_smpl[:, 0]))
    return float(ours), float(theirs)


def limb_angles(shown: np.ndarray, on_smpl: np.ndarray, at: dict[str, int], start: str, end: str) -> np.ndarray:
    """(T,) degrees between a limb and SMPL's."""
    joints = part("motionlcm_blender.motion.skeleton").JOINTS
    if start not in at or end not in at:
        return np.zeros(len(shown))
    ours = shown[:, at[end]] - shown[:, at[start]]
    theirs = on_smpl[:, joints.index(end)] - on_smpl[:, joints.index(start)]
    cosine = (ours * theirs).sum(-1) / np.maximum(np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1), 1e-9)
    return np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))


def slides(places: np.ndarray, stands: np.ndarray) -> np.ndarray:
    """Metres per frame that a joint moves over the floor on frames on which it stands."""
    both = stands[1:] & stands[:-1]
    return np.linalg.norm(np.diff(places[:, [0, 2]], axis=0), axis=-1)[both]


def table(found: dict[str, dict[str, Figures]]) -> str:
    """The figures as Markdown."""
    columns = (
        "rig", "motion", "raw cm/m", "own cm/m", "limbs deg", "95 %", "ankle cm", "toe cm", "slide mm", "95 %",
        "path cm", "SMPL", "worst limb, joint",
    )  # fmt: skip
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    for rig, motions in found.items():
        for motion, f in motions.items():
            lines.append(
                f"| {rig} | {motion} | {f.raw:.1f} | {f.own:.1f} | {f.angle:.1f} | {f.angle_95:.1f} | {f.ankle:.1f} | "
                f"{f.toe:.1f} | {f.slide:.1f} | {f.slide_95:.1f} | {f.path:.1f} | {f.smpl_path:.1f} | "
                f"{f.worst_limb}, {f.worst_joint} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Measure all rigs of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="part of the names of rigs")
    parser.add_argument("--fps", type=int, default=20, help="frame rate of the scene")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "measure_rigs")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    motions = make_motions(arguments.output / "motions.npz")
    building = build_module(arguments.folder)
    found: dict[str, dict[str, Figures]] = {}
    kept: dict[str, Any] = {}
    for file in sorted(arguments.folder.glob("*.json")):
        rig = json.loads(file.read_text(encoding="utf-8"))
        if arguments.only not in file.stem or not rig.get("humanoid"):
            continue
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.context.scene.render.fps = arguments.fps
        kept[rig["id"]] = {}
        found[rig["id"]] = measure(rig, building.build_rig(rig), motions, kept[rig["id"]], arguments.fps)
        print(table({rig["id"]: found[rig["id"]]}).split("\n", 2)[2], flush=True)
    (arguments.output / "figures.md").write_text(table(found) + "\n", encoding="utf-8")
    stored = {rig: np.array(log, object) for rig, log in kept.items()}
    np.savez_compressed(arguments.output / "joints.npz", **stored)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Python's own ending hangs some versions of the bpy package
