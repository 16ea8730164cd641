"""SMPL's joints in an armature of any kind: names, hierarchy and lengths weighed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..motion.skeleton import JOINTS
from .controls import best_control, control_trunk
from .description import NotHumanoid
from .figure import Figure
from .limbs import ARM, LEG, Limb, named_limb, same_place
from .shape import ShapeLimbs, shape_limbs
from .sides import SIDES, sides_by_name, sides_by_shape
from .trunk import plain_trunk, spread

NO_LIMBS = "This armature is no humanoid: no two legs and two arms were found in it."
AMBIGUOUS = 0.45
"""Confidence, at most, of a joint that only the shape shows, where another bone could be the joint as well."""
TRUNK_NAMES = ("spine1", "spine2", "spine3", "neck")
BEFORE = {"wrist": "elbow", "foot": "ankle", "elbow": "shoulder", "knee": "hip", "ankle": "knee"}
"""The joint from which another hangs in a limb."""
TIP_FIT = 0.3
"""Names that fit the toes less than this are those of tips and twist bones."""
SPREAD_TOES = 3
"""Bones that hang from the joint of the toes where each toe has a bone."""
TELLING = 0.5
"""A name that fits a joint better than this names it."""
HEEL = 0.5
"""Of the distance from the ankle to the tip of the toes: a bone nearer to the ankle is a heel."""
FEW_NAMES = 4
"""Limb bones with a side in their names, from which on the names' sides are believed."""


@dataclass(frozen=True, eq=False)
class Body:
    """Joint name -> bones and confidence; each bone's side."""

    joints: dict[str, tuple[int, ...]]
    confidence: dict[str, float]
    sides: list[str]


def find_body(figure: Figure) -> Body:
    """SMPL's 22 joints in an armature.

    Raises:
        NotHumanoid: No two legs and two arms were found.
    """
    named = sum(bool(name.side) and bool(name.parts) for name in figure.names)
    figure, sides = sides_by_name(figure)
    shape = None if figure.control_rig and named >= 2 * FEW_NAMES else shape_limbs(figure)
    sides_sure = True
    if named < FEW_NAMES and shape is not None and sum(map(bool, sides)) < 2 * FEW_NAMES:
        sides, sides_sure = sides_by_shape(figure, shape)
    limbs = {}
    for side in SIDES:
        for kind in (LEG, ARM):
            guess, sure = _guess(shape, kind, side, sides)
            limb = named_limb(figure, kind, side, sides, [(bone, sure) for bone in guess])
            limb = limb or (Limb((guess[0], guess[1], guess[2]), 0.0, (0.0,) * 3, (0.0,) * 3) if guess else None)
            if limb is None:
                raise NotHumanoid(NO_LIMBS)
            limbs[side, kind] = limb, guess, sure
    joints: dict[str, tuple[int, ...]] = {}
    confidence: dict[str, float] = {}
    for (side, kind), (limb, guess, sure) in limbs.items():
        other = limbs["r" if side == "l" else "l", kind][0]
        for at, part in enumerate(kind):
            joints[f"{side}_{part}"] = (limb.bones[at],)
            confidence[f"{side}_{part}"] = _sureness(figure, limb, other, at, guess, sure)
    _add_trunk(figure, joints, confidence)
    for side in SIDES:
        _add_collar(figure, side, sides, joints, confidence)
        _add_toe(figure, side, sides, joints, confidence)
    sided = () if sides_sure else tuple(name for name in joints if name[1] == "_")
    for name in {*_ambiguous(figure, joints), *sided}:
        confidence[name] = min(confidence[name], AMBIGUOUS)
    return Body({name: joints[name] for name in JOINTS}, {name: confidence[name] for name in JOINTS}, sides)


def _ambiguous(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> set[str]:
    """Joints beside which another bone could be the joint.

    Of joints without a telling name these are all joints of a control rig; joints at which other bones begin too; the
    ends of a spine and a neck; hips under a bone of the leg; shoulders without a collar; toes in two parts; both joints
    of a limb between which a bone was left out; bones of a limb that only their numbers distinguish. With telling
    names: shoulders below which a bone was left out that is called an upper arm.
    """

    def names_part(name: str, part: str) -> bool:
        return any(figure.names[bone].parts.get(part, 0.0) > 0.1 for bone in joints[name])

    found: set[str] = set()
    if not any(names_part(name, name.rstrip("123")) for name in TRUNK_NAMES):
        found = {"spine2", "spine3", "neck"}
    elif not names_part("neck", "neck") and (joints["neck"] or not names_part("head", "head")):
        found = {"spine3", "neck"}
    trunk = {bone for name in ("pelvis", *TRUNK_NAMES) for bone in joints[name]}
    mapped = {bone for bones in joints.values() for bone in bones}
    for side in SIDES:
        for part in (*LEG, *ARM, "foot"):
            name = f"{side}_{part}"
            if part == "shoulder" and _names_lower_bone(figure, joints[name][0], joints[f"{side}_elbow"][0]):
                found |= {name, f"{side}_collar"}
            if joints[name] and part in BEFORE and _is_numbered(figure, joints[name][0], part, mapped):
                found.add(name)
            if names_part(name, part) or not joints[name]:
                continue
            bone = joints[name][0]
            above, before = figure.parent[bone], f"{side}_{BEFORE.get(part, '')}"
            apart = bool(joints.get(before)) and above not in joints[before]
            others = (other for other in range(len(figure.parent)) if other not in mapped)
            if figure.control_rig or apart or any(same_place(figure, bone, other) for other in others):
                found |= {name, before} if apart and not names_part(before, BEFORE[part]) else {name}
            elif part == "hip" and above >= 0 and above not in trunk:
                found.add(name)
            elif part == "shoulder" and not joints[f"{side}_collar"]:
                found |= {name, f"{side}_collar"}
            elif part == "foot" and any(figure.children[kid] for kid in figure.children[bone]):
                found.add(name)
    return found


def _is_numbered(figure: Figure, bone: int, part: str, mapped: set[int]) -> bool:
    """Whether only a number distinguishes a bone with no telling name from a bone of the limb that is left out."""
    name = figure.names[bone]
    if name.parts.get(part, 0.0) > TELLING or not name.numbers:
        return False
    beside = [other for other in (figure.parent[bone], *figure.children[bone]) if other >= 0 and other not in mapped]
    return any(figure.names[other].words == name.words for other in beside)


def _names_lower_bone(figure: Figure, shoulder: int, elbow: int) -> bool:
    """Whether a bone between shoulder and elbow has a better name for a shoulder than the one that was taken."""
    own = figure.names[shoulder].parts.get("shoulder", 0.0)
    between = figure.way(shoulder, elbow) if figure.is_below(elbow, shoulder) else []
    return any(figure.names[bone].parts.get("shoulder", 0.0) > own + 0.1 for bone in between)


def _sureness(figure: Figure, limb: Limb, other: Limb, at: int, guess: Sequence[int], sure: float) -> float:
    """How sure one joint of a limb is, from name, margin, shape and the other side."""
    bone = limb.bones[at]
    by_name = 0.9 * min(1.0, limb.fits[at]) * min(1.0, 0.4 + limb.margin[at])
    agrees = bool(guess) and same_place(figure, bone, guess[at])
    by_shape = 0.75 * sure if agrees else 0.0
    doubt = 0.1 * sure if guess and not agrees else 0.0
    twin = figure.names[bone].words == figure.names[other.bones[at]].words and limb.fits[at] > 0.0
    return float(np.clip(1.0 - (1.0 - by_name) * (1.0 - by_shape) - doubt + 0.05 * twin, 0.0, 0.99))


def _guess(
    shape: ShapeLimbs | None, kind: tuple[str, str, str], side: str, sides: Sequence[str]
) -> tuple[tuple[int, ...], float]:
    """The bones that shape takes for a limb of one side, and how sure it is, 0 to 1."""
    if shape is None:
        return (), 0.0
    one, other = shape.legs if kind == LEG else shape.arms
    votes = 0
    for sign, bones in ((1, one), (-1, other)):
        votes += sign * sum((sides[bone] == "l") - (sides[bone] == "r") for bone in bones)
    sure = float(np.clip((shape.score + 3.0) / 3.0, 0.0, 1.0) * np.clip(0.3 + shape.margin / 2.0, 0.0, 1.0))
    if votes == 0:
        sure = 0.3 * sure
    return (one if (votes >= 0) == (side == "l") else other), sure


def _add_trunk(figure: Figure, joints: dict[str, tuple[int, ...]], confidence: dict[str, float]) -> None:
    hips = [joints["l_hip"][0], joints["r_hip"][0]]
    shoulders = [joints["l_shoulder"][0], joints["r_shoulder"][0]]
    trunk = (control_trunk if figure.control_rig else plain_trunk)(figure, hips, shoulders)
    limbs = float(np.mean([confidence[f"{side}_{part}"] for side in SIDES for part in ("hip", "shoulder")]))
    joints["pelvis"], joints["neck"], joints["head"] = trunk.pelvis, trunk.neck, trunk.head
    joints["spine1"], joints["spine2"], joints["spine3"] = spread(trunk.spine)
    for name in ("pelvis", "spine1", "spine2", "spine3", "neck", "head"):
        part = name.rstrip("123")
        by_name = all(figure.names[bone].parts.get(part, 0.0) > 0.3 for bone in joints[name])
        confidence[name] = trunk.sure[part] * (0.5 + 0.5 * limbs) * (1.0 if by_name else 0.85)


def _add_collar(
    figure: Figure, side: str, sides: Sequence[str], joints: dict[str, tuple[int, ...]], confidence: dict[str, float]
) -> None:
    name, shoulder = f"{side}_collar", joints[f"{side}_shoulder"][0]
    if figure.control_rig:
        reach = figure.distance(shoulder, joints[f"{side}_elbow"][0]) + 1e-9
        bone = best_control(figure, "collar", side, sides, shoulder, reach)
        found = bone >= 0
        joints[name], confidence[name] = ((bone,) if found else ()), 0.85 if found else 0.6
        return
    chest = figure.common([joints["l_shoulder"][0], joints["r_shoulder"][0]])
    between = [
        bone
        for bone in figure.way(chest, shoulder)
        if not figure.names[bone].kinds & {"twist", "ik", "mechanism", "tip"} and bone not in joints["spine3"]
    ]
    fits = [figure.names[bone].parts.get("collar", 0.0) for bone in between]
    sure = confidence[f"{side}_shoulder"]
    if not between:
        joints[name], confidence[name] = (), 0.9 * sure
    elif max(fits) > 0.3:
        best = fits.index(max(fits))
        joints[name], confidence[name] = (between[best],), 0.6 * sure + 0.4 * min(1.0, max(fits) + 0.2)
        if max(fits[:best], default=0.0) > 0.3:  # a shoulder above a shoulder blade
            confidence[name] = min(confidence[name], AMBIGUOUS)
    else:
        joints[name], confidence[name] = (between[0],), 0.75 * sure


def _add_toe(
    figure: Figure, side: str, sides: Sequence[str], joints: dict[str, tuple[int, ...]], confidence: dict[str, float]
) -> None:
    name, ankle = f"{side}_foot", joints[f"{side}_ankle"][0]
    sure = confidence[f"{side}_ankle"]
    if figure.control_rig:
        reach = 0.5 * figure.distance(ankle, joints[f"{side}_knee"][0]) + 1e-9
        bone = best_control(figure, "foot", side, sides, ankle, reach)
        found = bone >= 0
        joints[name], confidence[name] = ((bone,) if found else ()), 0.8 if found else AMBIGUOUS
        return
    below = [bone for bone in range(len(figure.parent)) if figure.is_below(bone, ankle)]
    fits = {bone: figure.names[bone].parts.get("foot", 0.0) for bone in below}
    if "ankle" in figure.names[ankle].words:  # what is called foot below an ankle is the front of it
        reach = max((figure.distance(bone, ankle) for bone in below), default=0.0)
        front = {
            bone
            for bone in below
            if "foot" in figure.names[bone].words
            and "toe" not in figure.names[bone].words
            and figure.distance(bone, ankle) > HEEL * reach
        }
        fits = {bone: fit + 0.6 * (bone in front and fit > 0.0) for bone, fit in fits.items()}
    named = [
        (fit - 0.1 * figure.depth[bone], bone)
        for bone, fit in fits.items()
        if fit > 0.15 or (fit > 0.05 and figure.parent[bone] == ankle)
    ]
    if named:
        best, bone = max(named, key=lambda each: (each[0], -each[1]))
        beside = set(figure.children[figure.parent[bone]])
        several = sum(abs(fit - best) < 0.01 and other in beside for fit, other in named) > 2
        common = (figure.parent[bone],) if figure.parent[bone] != ankle else ()
        joints[name], confidence[name] = (common if several else (bone,)), 0.95 * (0.3 + 0.7 * sure)
        if fits[bone] < TIP_FIT:
            confidence[name] = min(confidence[name], AMBIGUOUS)
        return
    strange = {"tip", "ik", "mechanism", "helper", "face", "other", "twist"}
    kids = [kid for kid in figure.children[ankle] if not figure.names[kid].kinds & strange]
    unnamed = not figure.names[ankle].parts and 0 < len(kids) < 4
    if unnamed or len(kids) == 1:
        toe = max(kids, key=lambda kid: figure.distance(kid, ankle) + figure.reach[kid])
        fans = [bone for bone in below if len(figure.children[bone]) >= SPREAD_TOES and figure.is_below(bone, toe)]
        joints[name], confidence[name] = (min(fans, default=toe),), 0.7 * sure
    else:
        joints[name], confidence[name] = (), (0.85 if not below else 0.7) * (0.3 + 0.7 * sure)


def names_of(figure: Figure, joints: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, ...]]:
    """Bone names in place of indices."""
    return {name: tuple(figure.bones[bone].name for bone in bones) for name, bones in joints.items()}
