"""Which joint of a captured skeleton is which of the 22: by name, for the conventions people use.

Understood: CMU (BVH conversions and ASF), Mixamo, SMPL and HumanML3D, Biped, Unreal, Rigify, Daz, Xsens, Biovision.
Limbs are matched by name; the spine by its place in the tree, since spines have one to six joints.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ...array_types import FloatArray
from ...errors import TrainingDataError
from ...motion.skeleton import HUMANML, JOINT_COUNT, JOINTS

_LIMBS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
_NAMED_BY_JOINT: dict[str, tuple[str, ...]] = {
    "hip": ("hip",), "knee": ("knee",), "ankle": ("ankle",), "foot": ("foot", "toe", "toebase", "ball"),
    "collar": ("collar", "clavicle", "innershoulder"), "shoulder": ("shoulder",), "elbow": ("elbow",),
    "wrist": ("wrist", "hand"),
}  # fmt: skip
_NAMED_BY_BONE: dict[str, tuple[str, ...]] = {
    "hip": ("upleg", "thigh", "upperleg", "thighbend", "femur"),
    "knee": ("leg", "lowleg", "lowerleg", "shin", "calf", "tibia"), "ankle": ("foot", "ankle"),
    "foot": ("toebase", "toe", "toe0", "toes", "ball", "forefoot"), "collar": ("shoulder", "clavicle", "collar"),
    "shoulder": ("arm", "uparm", "upperarm", "shldr", "shldrbend", "humerus"),
    "elbow": ("forearm", "lowarm", "lowerarm", "forearmbend", "radius"), "wrist": ("wrist", "hand"),
}  # fmt: skip
_PELVIS = ("hips", "pelvis", "hip", "root")
_COLLAR_FRACTION = 0.4
"""Where a collar joint lies between chest and shoulder in skeletons that have none, as in the training data."""


def plain_name(name: str) -> str:
    """A joint name without name space, punctuation and the prefixes of Mixamo and Biped, in lower case."""
    short = re.sub(r"[^a-z0-9]", "", name.rsplit(":", 1)[-1].rsplit("|", 1)[-1].lower())
    return re.sub(r"^(mixamorig\d?|bip0*1|valvebiped|def|ccbase)(?=.)", "", short)


def twenty_two_joints(
    names: Sequence[str],
    parents: Sequence[int],
    rest: FloatArray,
    positions: FloatArray,
    given: Mapping[str, str] | None = None,
) -> FloatArray:
    """The 22 joints of HumanML3D, seen in the motion of another skeleton.

    names, parents: N joints, parents first, -1 for a root; the ends of last bones are joints without a name ("").
    rest: (N, 3) the skeleton's rest positions, only used to find joints at the same place.
    positions: (T, N, 3), any unit and frame. given: our joint name -> the file's, where guessing fails.
    Returns (T, 22, 3) float64 in the unit and frame of `positions`.
    Raises TrainingDataError naming the first joint that cannot be found.
    """
    plain = [plain_name(n) if n else "" for n in names]
    wanted = _given_joints(names, given or {})
    limbs = _limbs(plain, wanted, names)
    limbs.update({name: joint for name, joint in wanted.items() if name in JOINTS})
    ancestors = [_ancestors(parents, joint) for joint in range(len(names))]

    hips_share = [joint for joint in ancestors[limbs["l_hip"]] if joint in ancestors[limbs["r_hip"]]]
    if not hips_share:
        raise TrainingDataError("The two legs of the skeleton hang on different roots.")
    pelvis = limbs.get("pelvis", next((j for stem in _PELVIS for j in hips_share if plain[j] == stem), hips_share[0]))
    size = float(np.linalg.norm(rest - rest[pelvis], axis=-1).max()) or 1.0

    def apart(a: int, b: int) -> bool:
        return bool(np.linalg.norm(rest[a] - rest[b]) > 1e-3 * size)

    head = limbs.get("head", _head(plain))
    trunk = [joint for joint in reversed(ancestors[head]) if joint not in hips_share and joint != pelvis]
    trunk = [*(joint for joint in trunk if apart(joint, pelvis)), head]
    spine = _spine(positions, pelvis, trunk, plain)

    out = np.empty((len(positions), JOINT_COUNT, 3))
    out[:, 0] = positions[:, pelvis]
    for row, name in zip((3, 6, 9, 12, 15), ("spine1", "spine2", "spine3", "neck", "head"), strict=True):
        out[:, row] = positions[:, limbs[name]] if name in limbs else spine[name]
    for side in ("l_", "r_"):
        for part in _LIMBS:
            out[:, JOINTS.index(side + part)] = positions[:, limbs[side + part]]
        foot, collar = limbs.get(side + "foot"), limbs.get(side + "collar")
        if foot is None or not apart(foot, limbs[side + "ankle"]):
            foot = _below(parents, limbs[side + "ankle"], apart)
        out[:, JOINTS.index(side + "foot")] = positions[:, foot]
        chest, shoulder = out[:, 9], positions[:, limbs[side + "shoulder"]]
        below_collar = [joint for joint in trunk[:-1] if collar is not None and not apart(joint, collar)]
        if collar is None or below_collar or not apart(collar, limbs[side + "shoulder"]):
            out[:, JOINTS.index(side + "collar")] = chest + _COLLAR_FRACTION * (shoulder - chest)
        else:
            out[:, JOINTS.index(side + "collar")] = positions[:, collar]
    return out


def _given_joints(names: Sequence[str], given: Mapping[str, str]) -> dict[str, int]:
    lookup = {name: index for index, name in enumerate(names) if name}
    out = {}
    for ours, theirs in given.items():
        if ours not in JOINTS:
            raise TrainingDataError(f"There is no joint {ours!r}; the names are {', '.join(JOINTS)}.")
        if theirs not in lookup:
            raise TrainingDataError(f"The skeleton has no joint {theirs!r}, which was given for {ours}.")
        out[ours] = lookup[theirs]
    return out


def _limbs(plain: Sequence[str], given: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    index: dict[str, int] = {}
    for joint, name in enumerate(plain):
        index.setdefault(name, joint)
    best: dict[str, int] = {}
    missing: list[str] = []
    for convention in (_NAMED_BY_JOINT, _NAMED_BY_BONE):
        found: dict[str, int] = dict(given)
        for part, stems in convention.items():
            for side, words in (("l_", ("left", "l")), ("r_", ("right", "r"))):
                options = [form for stem in stems for word in words for form in (word + stem, stem + word)]
                there = [index[form] for form in options if form in index]
                if there:
                    found.setdefault(side + part, there[0])
        lacking = [side + part for part in _LIMBS for side in ("l_", "r_") if side + part not in found]
        if not lacking:
            return found
        if not best or len(lacking) < len(missing):
            best, missing = found, lacking
    first = ", ".join(repr(n) for n in [n for n in names if n][:4])
    raise TrainingDataError(
        f"The skeleton's joint names are not understood: no {missing[0]} among {first} and the others; "
        "give a file of joint names."
    )


def _ancestors(parents: Sequence[int], joint: int) -> list[int]:
    """From the joint's parent to the root."""
    out = []
    joint = parents[joint]
    while joint >= 0:
        out.append(joint)
        joint = parents[joint]
    return out


def _head(plain: Sequence[str]) -> int:
    if "head" in plain:
        return plain.index("head")
    for joint, name in enumerate(plain):
        if "head" in name:
            return joint
    raise TrainingDataError("The skeleton's joint names are not understood: there is no head.")


def _below(parents: Sequence[int], joint: int, apart: object) -> int:
    """The first joint or bone end under a joint, away from it."""
    assert callable(apart)
    below = [joint]
    for child in range(joint + 1, len(parents)):
        if parents[child] in below:
            if apart(child, joint):
                return child
            below.append(child)
    raise TrainingDataError("The skeleton's feet have no length: there is no toe joint and no end of the foot.")


def _spine(positions: FloatArray, pelvis: int, trunk: Sequence[int], plain: Sequence[str]) -> dict[str, FloatArray]:
    """spine1..3, neck and head from the joints between pelvis and head, the head last."""
    if len(trunk) == 5:
        return {n: positions[:, j] for n, j in zip(("spine1", "spine2", "spine3", "neck", "head"), trunk, strict=True)}
    neck = next((k for k, joint in enumerate(trunk[:-1]) if plain[joint].startswith("neck")), len(trunk) - 2)
    column = [positions[:, pelvis], *(positions[:, joint] for joint in trunk[: neck + 1])]
    heights = np.cumsum([HUMANML.bone_lengths[JOINTS.index(n)] for n in ("spine1", "spine2", "spine3", "neck")])
    if neck < 0:
        heights = np.append(heights, heights[-1] + HUMANML.bone_lengths[JOINTS.index("head")])
        column.append(positions[:, trunk[-1]])
    marks = _along(np.stack(column, axis=1), heights / heights[-1])
    out = {name: marks[:, k] for k, name in enumerate(("spine1", "spine2", "spine3", "neck"))}
    return {**out, "head": positions[:, trunk[-1]]}


def _along(line: FloatArray, fractions: FloatArray) -> FloatArray:
    """Points at fractions of the length of a polyline. line: (T, K, 3); fractions: (F,) in 0..1 -> (T, F, 3)."""
    steps = np.linalg.norm(np.diff(line, axis=1), axis=-1)
    length = np.concatenate([np.zeros((len(line), 1)), np.cumsum(steps, axis=1)], axis=1)
    target = length[:, -1:] * fractions
    segment = np.clip((target[:, :, None] >= length[:, None, 1:]).sum(-1), 0, line.shape[1] - 2)
    rows = np.arange(len(line))[:, None]
    weight = (target - length[rows, segment]) / np.maximum(steps[rows, segment], 1e-12)
    result: FloatArray = line[rows, segment] + np.clip(weight, 0, 1)[..., None] * (
        line[rows, segment + 1] - line[rows, segment]
    )
    return result
