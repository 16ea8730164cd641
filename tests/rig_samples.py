"""Small armatures of our own making, and how Blender poses their bones. Plain arrays, no Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.skeleton import JOINTS, SMPL
from motionlcm_blender.rigs.bone_channels import BoneChannels
from motionlcm_blender.rigs.description import FkSwitch, RigBone, RigDescription, RigMapping
from motionlcm_blender.rigs.rig_body import ENGINE_TO_WORLD

J = {name: index for index, name in enumerate(JOINTS)}
FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_SPREAD = {"thumb": 0.04, "index": 0.025, "middle": 0.008, "ring": -0.009, "pinky": -0.025}
_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""An object turned by 90 degrees about X: its data is Y up."""


def proportions(seed: int = 1) -> np.ndarray:
    """(22, 3) rest offsets of a body in a T-pose, engine axes, metres; symmetrical."""
    rng = np.random.default_rng(seed)
    scale = rng.uniform(0.85, 1.2, len(JOINTS))
    for joint, name in enumerate(JOINTS):
        if name.startswith("r_"):
            scale[joint] = scale[J["l_" + name[2:]]]
    return np.asarray(SMPL.offsets)[: len(JOINTS)] * scale[:, None]


def rest_turns(lowered: float = 0.0, spread: float = 0.0, bent: float = 0.0) -> np.ndarray:
    """(22, 4) turns of the bones from the T-pose: arms lowered, legs spread, elbows bent, radians."""
    turns = np.tile(rot.IDENTITY, (len(JOINTS), 1))
    for side, sign in (("l_", 1.0), ("r_", -1.0)):
        arm = rot.from_axis_angle((0.0, 0.0, 1.0), -sign * lowered)
        fore = rot.multiply(arm, rot.from_axis_angle((0.0, 1.0, 0.0), -sign * bent))
        leg = rot.from_axis_angle((0.0, 0.0, 1.0), sign * spread)
        turns[J[side + "shoulder"]] = arm
        turns[[J[side + "elbow"], J[side + "wrist"]]] = fore
        turns[[J[side + "hip"], J[side + "knee"]]] = leg
    return turns


def rig(
    offsets: np.ndarray | None = None,
    turns: np.ndarray | None = None,
    *,
    x_along: bool = False,
    fbx: bool = False,
    without: tuple[str, ...] = (),
    fingers: bool = False,
    mode: str = "QUATERNION",
    rest_pose: str = "T",
) -> tuple[RigDescription, RigMapping]:
    """An armature that stands on its origin and faces -Y in the world, and its mapping.

    turns: of the bones from the T-pose to the rest pose. x_along: X points along the limbs, and the tails aside. fbx:
    the object is scaled by 0.01 and turned by 90 degrees. without: joints without a bone.
    """
    offsets = proportions() if offsets is None else offsets
    turns = rest_turns() if turns is None else turns
    points = np.zeros((len(JOINTS), 3))
    for joint, parent in enumerate(SMPL.parents[: len(JOINTS)]):
        if parent >= 0:
            points[joint] = points[parent] + rot.rotate(turns[parent], offsets[joint])
    points[:, 1] += 0.02 - points[:, 1].min()
    to_armature = 100.0 * np.linalg.inv(_Y_UP) @ ENGINE_TO_WORLD if fbx else ENGINE_TO_WORLD
    world = np.eye(4)
    world[:3, :3] = 0.01 * _Y_UP if fbx else np.eye(3)
    bones: list[RigBone] = []
    index: dict[str, int] = {}

    def add(name: str, parent: str | None, head: np.ndarray, end: np.ndarray) -> None:
        place, along = to_armature @ head, to_armature @ (end - head)
        matrix = axes_along(along, x_along)
        index[name] = len(bones)
        tail = place + matrix[:, 1] * np.linalg.norm(along)
        above = -1 if parent is None else index[parent]
        bones.append(RigBone(name, above, place, tail, matrix, rotation_mode=mode))

    for joint, name in enumerate(JOINTS):
        if name in without:
            continue
        above = SMPL.parents[joint]
        while above >= 0 and JOINTS[above] in without:
            above = SMPL.parents[above]
        add(f"bone {name}", None if above < 0 else f"bone {JOINTS[above]}", points[joint], _end(points, turns, joint))
    for side, sign in (("l_", 1.0), ("r_", -1.0)) if fingers else ():
        wrist, turn = points[J[side + "wrist"]], turns[J[side + "wrist"]]
        for finger in FINGERS:
            reach = (0.054, 0.072, 0.084) if finger == "thumb" else (0.09, 0.12, 0.14)
            places = [wrist + rot.rotate(turn, (sign * ahead, -0.005, _SPREAD[finger])) for ahead in reach]
            for number in (0, 1):
                parent = f"bone {side}wrist" if number == 0 else f"{side}{finger} 0"
                add(f"{side}{finger} {number}", parent, places[number], places[number + 1])
    names = {name: () if name in without else (f"bone {name}",) for name in JOINTS}
    facing = None if rest_pose == "zero" else np.array([0.0, -1.0, 0.0])
    mapping = RigMapping(
        "sample", names, dict.fromkeys(JOINTS, 1.0), (), (), facing, np.array([0.0, 0.0, 1.0]), 0.82, rest_pose
    )
    return RigDescription("Sample", tuple(bones), world), mapping


def zero_pose_rig(offsets: np.ndarray | None = None) -> tuple[RigDescription, RigMapping]:
    """A rig as from a BVH file of joints whose X axes lie along their limbs: at rest all limbs lie along +X.

    Arms, legs and trunk are bundles along one axis; only hips and shoulders lie apart. Z is the body's front.
    """
    offsets = proportions() if offsets is None else offsets
    frames = zero_pose_frames(offsets)
    points = np.zeros((len(JOINTS), 3))
    for joint, parent in enumerate(SMPL.parents[: len(JOINTS)]):
        if parent >= 0:
            points[joint] = points[parent] + frames[parent].T @ offsets[joint]
    bones = tuple(
        RigBone(f"bone {name}", SMPL.parents[joint], points[joint], points[joint] + [0.0, 0.1, 0.0], np.eye(3))
        for joint, name in enumerate(JOINTS)
    )
    mapping = RigMapping(
        "sample", {name: (f"bone {name}",) for name in JOINTS}, dict.fromkeys(JOINTS, 1.0), (), (), None,
        np.array([1.0, 0.0, 0.0]), 0.82, "zero",
    )  # fmt: skip
    return RigDescription("Zero", bones, np.eye(4)), mapping


def zero_pose_frames(offsets: np.ndarray) -> np.ndarray:
    """(22, 3, 3) axes of the joints in the T-pose: X along the limb, Y to the body's right where that is possible."""
    frames = np.zeros((len(JOINTS), 3, 3))
    for joint in range(len(JOINTS)):
        ends = [c for c, p in enumerate(SMPL.parents[: len(JOINTS)]) if p == joint]
        along = np.array([0.0, 1.0, 0.0]) if joint in (0, J["spine3"]) or not ends else offsets[ends[0]]
        name = JOINTS[joint]
        if name.endswith(("wrist", "foot")):
            along = offsets[joint]
        x = along / np.linalg.norm(along)
        y = np.array([-1.0, 0.0, 0.0])
        if abs(x @ y) > 0.9:
            y = np.array([0.0, 1.0, 0.0]) if x[0] > 0.0 else np.array([0.0, -1.0, 0.0])
        y = y - (y @ x) * x
        y = y / np.linalg.norm(y)
        frames[joint] = np.stack([x, y, np.cross(x, y)], axis=1)
    return frames


def _end(points: np.ndarray, turns: np.ndarray, joint: int) -> np.ndarray:
    """Where the bone of a joint ends: at its middle child, or a bit further on."""
    ends = [c for c, p in enumerate(SMPL.parents[: len(JOINTS)]) if p == joint]
    middle = {0: J["spine1"], J["spine3"]: J["neck"]}.get(joint, ends[0] if ends else -1)
    if middle >= 0:
        return points[middle]
    ahead = {"l_wrist": (0.1, 0, 0), "r_wrist": (-0.1, 0, 0), "l_foot": (0, 0, 0.06), "r_foot": (0, 0, 0.06)}
    return points[joint] + rot.rotate(turns[joint], np.array(ahead.get(JOINTS[joint], (0.0, 0.15, 0.0)), float))


def axes_along(along: np.ndarray, x_along: bool) -> np.ndarray:
    """(3, 3) axes of a bone: Y along its limb, or X along it with a Y that stands aside."""
    y = along / np.linalg.norm(along)
    aside = np.eye(3)[np.abs(y).argmin()]
    x = np.cross(y, aside)
    x = x / np.linalg.norm(x)
    matrix = np.stack([x, y, np.cross(x, y)], axis=1)
    return np.stack([matrix[:, 1], matrix[:, 2], matrix[:, 0]], axis=1) if x_along else matrix


def pose(
    description: RigDescription, channels: BoneChannels, world: np.ndarray | None = None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Heads (T, 3) in the world and turns from rest (T, 4) in armature space of all bones, as Blender poses them.

    Rest: a bone's matrix in its parent's; location in the axes of the bone or, without Local Location, of the parent;
    without Inherit Rotation the parent's turn has no effect on the bone's own.
    """
    frames = len(next(iter(channels.rotations.values())))
    matrix = description.world if world is None else world
    heads: list[np.ndarray] = []
    turns: list[np.ndarray] = []
    for bone in description.bones:
        rest = rot.from_matrix(bone.matrix)
        parent = np.tile(rot.IDENTITY, (frames, 1)) if bone.parent < 0 else turns[bone.parent]
        head = np.tile(bone.head, (frames, 1))
        if bone.parent >= 0:
            above = description.bones[bone.parent]
            head = heads[bone.parent] + rot.rotate(parent, bone.head - above.head)
        if bone.name in channels.locations:
            axes = rot.multiply(parent, rest)
            if not bone.use_local_location:
                axes = rot.IDENTITY if bone.parent < 0 else rot.multiply(
                    parent, rot.from_matrix(description.bones[bone.parent].matrix)
                )  # fmt: skip
            head = head + rot.rotate(axes, channels.locations[bone.name])
        own = channels.rotations.get(bone.name, np.tile(rot.IDENTITY, (frames, 1)))
        basis = rot.multiply(rot.multiply(rest, own), rot.inverse(rest))
        heads.append(head)
        turns.append(rot.multiply(parent, basis) if bone.use_inherit_rotation else basis)
    names = [bone.name for bone in description.bones]
    shown = [head @ matrix[:3, :3].T + matrix[:3, 3] for head in heads]
    return dict(zip(names, shown, strict=True)), dict(zip(names, turns, strict=True))


def changed(description: RigDescription, changes: Mapping[str, Mapping[str, object]]) -> RigDescription:
    """A rig with other settings of some bones."""
    bones = tuple(replace(bone, **changes.get(bone.name, {})) for bone in description.bones)  # type: ignore[arg-type]
    return replace(description, bones=bones)


def switch(bone: str, prop: str = "", constraint: str = "", value: float = 1.0) -> FkSwitch:
    """A switch of a control rig."""
    return FkSwitch(bone, prop, constraint, value)
