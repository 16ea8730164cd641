"""Synthetic BVH and ASF/AMC files whose joint positions are known from an independent calculation (scipy)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

# name: (parent, offset in metres from the parent in the rest pose)
Tree = dict[str, tuple[str | None, tuple[float, float, float]]]


def limbs(arm_root: str, leg_root: str, names: dict[str, str], lateral: float = 0.1) -> Tree:
    """Both arms and legs under two joints; names: our part -> a pattern with {s} for the side's word."""
    tree: Tree = {}
    for side, sign in (("left", 1), ("right", -1)):
        n = {
            part: pattern.replace("{s}", side)
            .replace("{S}", side.capitalize())
            .replace("{l}", side[0])
            .replace("{L}", side[0].upper())
            for part, pattern in names.items()
        }
        tree[n["hip"]] = (leg_root, (sign * lateral, -0.08, 0.0))
        tree[n["knee"]] = (n["hip"], (0.0, -0.4, 0.01))
        tree[n["ankle"]] = (n["knee"], (0.0, -0.42, -0.01))
        tree[n["foot"]] = (n["ankle"], (0.0, -0.06, 0.13))
        tree[n["collar"]] = (arm_root, (sign * 0.07, 0.08, 0.0))
        tree[n["shoulder"]] = (n["collar"], (sign * 0.11, 0.03, -0.01))
        tree[n["elbow"]] = (n["shoulder"], (sign * 0.28, 0.0, 0.0))
        tree[n["wrist"]] = (n["elbow"], (sign * 0.25, 0.0, 0.0))
    return tree


MIXAMO_LIMBS = {
    "hip": "mixamorig:{S}UpLeg", "knee": "mixamorig:{S}Leg", "ankle": "mixamorig:{S}Foot",
    "foot": "mixamorig:{S}ToeBase", "collar": "mixamorig:{S}Shoulder", "shoulder": "mixamorig:{S}Arm",
    "elbow": "mixamorig:{S}ForeArm", "wrist": "mixamorig:{S}Hand",
}  # fmt: skip
SMPL_LIMBS = {
    "hip": "{L}_Hip", "knee": "{L}_Knee", "ankle": "{L}_Ankle", "foot": "{L}_Foot", "collar": "{L}_Collar",
    "shoulder": "{L}_Shoulder", "elbow": "{L}_Elbow", "wrist": "{L}_Wrist",
}  # fmt: skip
UNREAL_LIMBS = {
    "hip": "thigh_{l}", "knee": "calf_{l}", "ankle": "foot_{l}", "foot": "ball_{l}", "collar": "clavicle_{l}",
    "shoulder": "upperarm_{l}", "elbow": "lowerarm_{l}", "wrist": "hand_{l}",
}  # fmt: skip
BIPED_LIMBS = {
    "hip": "Bip01 {L} Thigh", "knee": "Bip01 {L} Calf", "ankle": "Bip01 {L} Foot", "foot": "Bip01 {L} Toe0",
    "collar": "Bip01 {L} Clavicle", "shoulder": "Bip01 {L} UpperArm", "elbow": "Bip01 {L} Forearm",
    "wrist": "Bip01 {L} Hand",
}  # fmt: skip
XSENS_LIMBS = {
    "hip": "{S}Hip", "knee": "{S}Knee", "ankle": "{S}Ankle", "foot": "{S}Toe", "collar": "{S}Collar",
    "shoulder": "{S}Shoulder", "elbow": "{S}Elbow", "wrist": "{S}Wrist",
}  # fmt: skip


def spine(names: list[str], steps: list[float]) -> Tree:
    """A chain of joints going up, the first one the root."""
    return {n: (names[k - 1] if k else None, (0.0, steps[k], 0.005 * k)) for k, n in enumerate(names)}


_FIVE = [0.0, 0.12, 0.12, 0.12, 0.15, 0.11]
MIXAMO = spine([f"mixamorig:{n}" for n in ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head")], _FIVE)
MIXAMO |= limbs("mixamorig:Spine2", "mixamorig:Hips", MIXAMO_LIMBS)
SMPL = spine(["Pelvis", "Spine1", "Spine2", "Spine3", "Neck", "Head"], _FIVE) | limbs("Spine3", "Pelvis", SMPL_LIMBS)
UNREAL = spine(
    ["pelvis", *(f"spine_0{k}" for k in range(1, 6)), "neck_01", "neck_02", "head"],
    [0.0, 0.02, 0.08, 0.08, 0.08, 0.08, 0.15, 0.05, 0.06],
)
UNREAL |= limbs("spine_05", "pelvis", UNREAL_LIMBS)
BIPED = spine(["Bip01", "Bip01 Pelvis", "Bip01 Spine", "Bip01 Spine1", "Bip01 Neck", "Bip01 Head"], _FIVE)
BIPED |= limbs("Bip01 Neck", "Bip01 Spine", BIPED_LIMBS)
XSENS = spine(["Hips", "Chest", "Chest2", "Chest3", "Chest4", "Neck", "Head"], [0.0, 0.08, 0.1, 0.1, 0.1, 0.14, 0.1])
XSENS |= limbs("Chest4", "Hips", XSENS_LIMBS)


def cmu_bvh() -> Tree:
    """The tree of the CMU conversions to BVH: joints in one place, fingers, no collar of its own."""
    tree = spine(["Hips", "LowerBack", "Spine", "Spine1", "Neck", "Neck1", "Head"], [0, 0, 0.12, 0.12, 0.12, 0.1, 0.1])
    tree["LowerBack"] = ("Hips", (0.0, 0.0, 0.0))
    for side, sign in (("Left", 1), ("Right", -1)):
        joint = side[0] + "HipJoint"
        tree[joint] = ("Hips", (0.0, 0.0, 0.0))
        tree[side + "UpLeg"] = (joint, (sign * 0.1, -0.1, 0.05))
        tree[side + "Leg"] = (side + "UpLeg", (sign * 0.1, -0.38, 0.0))
        tree[side + "Foot"] = (side + "Leg", (sign * 0.1, -0.4, 0.0))
        tree[side + "ToeBase"] = (side + "Foot", (0.01, -0.04, 0.12))
        tree[side + "Shoulder"] = ("Spine1", tree["Neck"][1])
        tree[side + "Arm"] = (side + "Shoulder", (sign * 0.18, 0.04, 0.0))
        tree[side + "ForeArm"] = (side + "Arm", (sign * 0.28, 0.0, 0.0))
        tree[side + "Hand"] = (side + "ForeArm", (sign * 0.2, 0.0, 0.0))
        tree[side + "FingerBase"] = (side + "Hand", (0.0, 0.0, 0.0))
        tree[side + "HandIndex1"] = (side + "FingerBase", (sign * 0.06, 0.0, 0.0))
        tree[side[0] + "Thumb"] = (side + "Hand", (0.0, 0.0, 0.0))
    return tree


@dataclass
class Written:
    """positions: joint name -> (T, 3) in the file's units."""

    path: Path
    positions: dict[str, np.ndarray]


def children(tree: Tree, name: str | None) -> list[str]:
    return [n for n, (parent, _) in tree.items() if parent == name]


def write_bvh(
    path: Path,
    tree: Tree,
    frames: int = 24,
    fps: float = 120.0,
    scale: float = 100.0,
    seed: int = 0,
    bend: float = 25.0,
    up: str = "y",
    travel: float = 0.5,
    free_joints: bool = False,
    newline: str = "\n",
) -> Written:
    """Write random smooth motion with a random order of channels per joint.

    scale: file units per metre. bend: degrees. up: "z" turns the whole figure to stand along z.
    free_joints: every joint has position channels too.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(frames) / fps
    lines, columns, out = ["HIERARCHY"], [], {}
    turns: dict[str, Rotation] = {}
    lift = Rotation.from_euler("x", 90, degrees=True) if up == "z" else Rotation.identity()

    def visit(name: str, depth: int) -> None:
        parent, offset_m = tree[name]
        offset = np.array(offset_m) * scale
        pad = "\t" * depth
        order = "".join(rng.permutation(list("xyz")))
        angles = bend * np.sin(2 * np.pi * rng.uniform(0.2, 1.5, 3) * time[:, None] + rng.uniform(0, 6, 3))
        place = np.tile(offset, (frames, 1))
        channels = []
        if parent is None or free_joints:
            if parent is None:
                place = np.array([0.3, 0.95, -0.2]) * scale + travel * scale * time[:, None] * np.array([0.2, 0.0, 1.0])
                place = lift.apply(place)
            axes = rng.permutation(list("xyz"))
            channels += [f"{a.upper()}position" for a in axes]
            columns.extend(place[:, "xyz".index(a)] for a in axes)
        channels += [f"{a.upper()}rotation" for a in order]
        turn = Rotation.from_euler(order.upper(), angles, degrees=True)  # capitals: about the turned axes, in order
        if parent is None:
            euler = (lift * turn).as_euler(order.upper(), degrees=True)
            columns.extend(euler.T)
            turns[name], out[name] = lift * turn, place
        else:
            columns.extend(angles.T)
            out[name] = out[parent] + turns[parent].apply(place)
            turns[name] = turns[parent] * turn
        kind = "ROOT" if parent is None else "JOINT"
        lines.extend([f"{pad}{kind} {name}", f"{pad}{{", f"{pad}\tOFFSET " + " ".join(f"{v:.9f}" for v in offset)])
        lines.append(f"{pad}\tCHANNELS {len(channels)} {' '.join(channels)}")
        for child in children(tree, name):
            visit(child, depth + 1)
        if not children(tree, name):
            end = np.array([0.0, 0.0, 0.08]) * scale
            out["end of " + name] = out[name] + turns[name].apply(end)
            shown = f"{end[0]} {end[1]} {end[2]}"
            lines.extend([f"{pad}\tEnd Site", f"{pad}\t{{", f"{pad}\t\tOFFSET {shown}", f"{pad}\t}}"])
        lines.append(f"{pad}}}")

    (root,) = children(tree, None)
    visit(root, 0)
    lines += ["MOTION", f"Frames: {frames}", f"Frame Time: {1 / fps:.9f}"]
    lines += [" ".join(f"{v:.9f}" for v in row) for row in np.stack(columns, axis=1)]
    path.write_text(newline.join(lines) + newline, newline="")
    return Written(path, out)


# CMU's bones: name: (parent, direction and length in metres as one vector, degrees of freedom)
ASF_BONES: dict[str, tuple[str, tuple[float, float, float], str]] = {
    "lhipjoint": ("root", (0.10, -0.10, 0.05), ""),
    "lfemur": ("lhipjoint", (0.13, -0.37, 0.0), "rx ry rz"),
    "ltibia": ("lfemur", (0.13, -0.37, 0.01), "rx"),
    "lfoot": ("ltibia", (0.01, -0.04, 0.13), "rx rz"),
    "ltoes": ("lfoot", (0.0, 0.0, 0.07), "rx"),
    "lowerback": ("root", (0.0, 0.12, -0.01), "rx ry rz"),
    "upperback": ("lowerback", (0.0, 0.12, 0.0), "rx ry rz"),
    "thorax": ("upperback", (0.0, 0.12, 0.0), "rx ry rz"),
    "lowerneck": ("thorax", (0.0, 0.09, 0.0), "rx ry rz"),
    "upperneck": ("lowerneck", (0.0, 0.09, 0.01), "rx ry rz"),
    "head": ("upperneck", (0.0, 0.1, 0.0), "rx ry rz"),
    "lclavicle": ("thorax", (0.18, 0.05, 0.0), "ry rz"),
    "lhumerus": ("lclavicle", (0.28, 0.0, 0.0), "rx ry rz"),
    "lradius": ("lhumerus", (0.17, 0.0, 0.0), "rx"),
    "lwrist": ("lradius", (0.08, 0.0, 0.0), "ry"),
    "lhand": ("lwrist", (0.06, 0.0, 0.0), "rx rz"),
    "lfingers": ("lhand", (0.05, 0.0, 0.0), "rx"),
    "lthumb": ("lwrist", (0.04, 0.0, 0.05), "rx rz"),
}
for _name, (_parent, (_x, _y, _z), _dof) in list(ASF_BONES.items()):
    if _name.startswith("l") and _name not in ("lowerback", "lowerneck"):
        _other = _parent if _parent in ("root", "thorax") else "r" + _parent[1:]
        ASF_BONES["r" + _name[1:]] = (_other, (-_x, _y, _z), _dof)


def write_asf_amc(
    folder: Path, name: str = "07_01", frames: int = 30, seed: int = 0, radians: bool = False, bend: float = 25.0
) -> Written:
    """Write 07.asf and 07_01.amc in CMU's conventions. Positions: bone name -> (T, 3) of its END, metres."""
    rng = np.random.default_rng(seed)
    unit = 0.45
    to_file = unit / 0.0254
    time = np.arange(frames) / 120.0
    bones, motion = [], {}
    ends: dict[str, np.ndarray] = {}
    turns: dict[str, Rotation] = {}
    travel = np.array([0.2, 0.95, -0.1]) + time[:, None] * np.array([0.1, 0.0, 1.0])
    angles = bend * np.sin(2 * np.pi * rng.uniform(0.2, 1.0, 3) * time[:, None] + rng.uniform(0, 6, 3))
    ends["root"] = travel
    turns["root"] = Rotation.from_euler("xyz", angles, degrees=True)  # small letters: about the fixed axes, x first
    motion["root"] = np.concatenate([travel * to_file, np.radians(angles) if radians else angles], axis=1)
    for bone, (parent, vector, dof) in ASF_BONES.items():
        axis = rng.uniform(-90, 90, 3)
        frame = Rotation.from_euler("xyz", axis, degrees=True)
        turn = Rotation.identity(frames)
        if dof:
            free = [d[1] for d in dof.split()]
            rates, phases = rng.uniform(0.2, 1.0, len(free)), rng.uniform(0, 6, len(free))
            angles = bend * np.sin(2 * np.pi * rates * time[:, None] + phases)
            turn = frame * Rotation.from_euler("".join(free), angles, degrees=True) * frame.inv()
            motion[bone] = np.radians(angles) if radians else angles
        turns[bone] = turns[parent] * turn
        ends[bone] = ends[parent] + turns[bone].apply(vector)
        length = float(np.linalg.norm(vector))
        direction = np.array(vector) / length
        shown = np.radians(axis) if radians else axis
        bones += [
            "  begin",
            f"     id {len(turns)}",
            f"     name {bone}",
            "     direction " + " ".join(f"{v:.9f}" for v in direction),
            f"     length {length * to_file:.9f}",
            "     axis " + " ".join(f"{v:.9f}" for v in shown) + "  XYZ",
        ]
        if dof:
            bones.append(f"    dof {dof}")
            limits = " ".join(["(-180.0 180.0)"])
            bones.append(f"    limits {limits}")
            bones += [f"           {limits}"] * (len(dof.split()) - 1)
        bones.append("  end")
    order: dict[str, list[str]] = {}
    for bone, (parent, _, _) in ASF_BONES.items():
        order.setdefault(parent, []).append(bone)
    hierarchy = ["  begin", *(f"    {parent} {' '.join(below)}" for parent, below in order.items()), "  end"]
    kind = "rad" if radians else "deg"
    text = ["# a comment", ":version 1.10", ":name VICON", ":units", "  mass 1.0", f"  length {unit}",
            f"  angle {kind}", ":documentation", "   made for a test", ":root", "   order TX TY TZ RX RY RZ",
            "   axis XYZ", "   position 0 0 0", "   orientation 0 0 0", ":bonedata", *bones, ":hierarchy",
            *hierarchy]  # fmt: skip
    (folder / f"{name.split('_')[0]}.asf").write_text("\n".join(text) + "\n")
    amc = ["#!OML:ASF synthetic", ":FULLY-SPECIFIED", ":RADIANS" if radians else ":DEGREES"]
    for frame in range(frames):
        amc.append(str(frame + 1))
        amc += [f"{bone} " + " ".join(f"{v:.9f}" for v in values[frame]) for bone, values in motion.items()]
    path = folder / f"{name}.amc"
    path.write_text("\n".join(amc) + "\n")
    return Written(path, ends)
