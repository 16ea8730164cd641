"""IK controls of limbs in rigs of no known family, found by the IK constraints of their bones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from .description import BoneConstraint, FkSwitch, IkLimb, RigBone
from .figure import CLOSE, Figure
from .limbs import ARM, LEG
from .sides import SIDES

_NEAR = 10.0 * CLOSE
"""Of the figure's size: places closer than this are one joint of a chain."""
_COPIES = {"COPY_ROTATION", "COPY_TRANSFORMS"}
_PLACED = {"COPY_LOCATION", "COPY_TRANSFORMS", "COPY_ROTATION", "ARMATURE", "CHILD_OF", "IK", "TRANSFORM"}
"""Constraints by which a rig moves a bone: an animator keys a bone without them, which carries the target."""
_JOINTS_OF = {"wrist": ARM, "ankle": LEG}
_WORDS = {"wrist": ("arm", "hand", "elbow", "wrist"), "ankle": ("leg", "foot", "thigh", "knee", "ankle")}
_TRUNK_WORDS = ("spine", "torso", "chest", "neck", "head")
"""Words in the names of properties that choose between IK and FK for parts of the body other than a limb."""
_NO_CONTROL = {"mechanism", "deform", "tweak", "twist"}


def find_ik_limbs(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> tuple[IkLimb, ...]:
    """Find the IK controls of hands and feet, and of elbows and knees.

    A limb has them if an IK constraint with a target bone holds a chain from its first joint to its last.

    Args:
        figure: The bones.
        joints: SMPL's joint name -> bones of the mapping.

    Returns:
        The limbs that have controls. Those without a pole keep the keys of their upper bones, which choose the plane of
        the limb.
    """
    index = {bone.name: at for at, bone in enumerate(figure.bones)}
    found = []
    for side in SIDES:
        for kind in (ARM, LEG):
            names = [f"{side}_{part}" for part in kind]
            if not all(joints[name] for name in names):
                continue
            limb = [joints[name][0] for name in names]
            constrained = _chain_of(figure, limb)
            if constrained is None:
                continue
            chain, constraint = constrained
            control = _control_of(figure, index, constraint.target)
            if control < 0 or control in limb:
                continue
            pole = _control_of(figure, index, constraint.pole) if constraint.pole else -1
            aim = _aim_of(figure, index, limb[2])
            end = figure.bones[limb[2]]
            kept = [] if pole >= 0 else [bone for bone in limb[:2] if bone in chain]
            if limb[1] in chain and not _copies(end, figure.bones[control].name):
                kept.append(limb[2])  # the end bone turns by its own keys
            found.append(
                IkLimb(
                    names[2],
                    figure.bones[control].name,
                    figure.bones[pole].name if pole >= 0 else "",
                    aim=figure.bones[aim].name if aim >= 0 else "",
                    kept=tuple(figure.bones[bone].name for bone in kept),
                )
            )
    return tuple(found)


def ik_switches_of(
    switches: Iterable[FkSwitch],
    bones: Iterable[RigBone],
    limbs: Iterable[IkLimb],
    joints: Mapping[str, tuple[str, ...]],
) -> tuple[FkSwitch, ...]:
    """What to set for the IK controls of some limbs, from what to set for the FK controls.

    Args:
        switches: What to set for the FK controls.
        bones: The armature's bones.
        limbs: The limbs with IK controls.
        joints: SMPL's joint name -> bone names of the mapping.

    Returns:
        The same switches. Of these limbs a property that names IK gets the other end of its range, and constraints of
        the mapped bones get their full influence.
    """
    limits = {bone.name: bone.properties for bone in bones}
    ends = {limb.end for limb in limbs}
    in_limbs = {bone for end in ends for joint in _JOINTS_OF[end[2:]] for bone in joints[end[:2] + joint]}
    without = [words for part, words in _WORDS.items() if not any(end.endswith(part) for end in ends)]
    found = []
    for each in switches:
        value, prop = each.value, each.prop.lower()
        named = f"{each.bone} {each.prop}".lower()
        others = any(word in named for words in (_TRUNK_WORDS, *without) for word in words)
        if each.constraint:
            value = 1.0 if each.bone in in_limbs else value
        elif "ik" in prop and not others and each.prop in limits.get(each.bone, {}):
            _, least, most = limits[each.bone][each.prop]
            low, high = 0.0 if least is None else float(least), 1.0 if most is None else float(most)
            value = high if each.value == low else low
        found.append(FkSwitch(each.bone, each.prop, each.constraint, value))
    return tuple(found)


def _chain_of(figure: Figure, limb: list[int]) -> tuple[list[int], BoneConstraint] | None:
    """The bones that an IK constraint turns from the first joint of a limb to the last, and the constraint.

    Of several constraints the one with a pole.
    """
    root, middle, end = (figure.heads[bone] for bone in limb)
    near = _NEAR * figure.size
    found = []
    for number, bone in enumerate(figure.bones):
        if np.linalg.norm(figure.tails[number] - end) > near:
            continue
        for one in bone.constraints:
            if one.type != "IK" or not one.target or one.chain == 1:
                continue
            chain = [number, *figure.ancestors(number)]
            chain = chain[: one.chain or len(chain)]
            bends = any(np.linalg.norm(figure.heads[each] - middle) < near for each in chain)
            if bends and np.linalg.norm(figure.heads[chain[-1]] - root) < near:
                found.append((bool(one.pole), -number, chain, one))
    if not found:
        return None
    best = max(found, key=lambda each: each[:2])
    return best[2], best[3]


def _control_of(figure: Figure, index: Mapping[str, int], target: str) -> int:
    """The bone that an animator moves for a target: the topmost of the same side that carries it."""
    if target not in index:
        return -1
    bone = index[target]
    side, shaped = figure.names[bone].side, any(each.custom_shape for each in figure.bones)
    found = bone
    for above in figure.ancestors(bone):
        name, one = figure.names[above], figure.bones[above]
        if not name.side or name.side != side:
            break
        placed = any(each.type in _PLACED and each.influence > 0.0 for each in one.constraints)
        free = not placed and not name.kinds & _NO_CONTROL and "ik" in name.kinds
        if free and (one.custom_shape or not shaped):
            found = above
    return found


def _aim_of(figure: Figure, index: Mapping[str, int], end: int) -> int:
    """The target of an IK constraint that turns the end bone alone, -1 for none."""
    for one in figure.bones[end].constraints:
        if one.type == "IK" and one.chain == 1 and one.target in index:
            return index[one.target]
    return -1


def _copies(bone: RigBone, control: str) -> bool:
    return any(one.type in _COPIES and control in one.targets for one in bone.constraints)
