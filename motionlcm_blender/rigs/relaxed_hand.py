"""A relaxed hand: the turns of finger bones with which the fingers of any hand hang a little bent.

Angles are of a hand at rest beside the body, rounded: they rise from the index finger to the little finger.
"""

from __future__ import annotations

import numpy as np

from ..array_types import FloatArray
from ..motion import rotations as rot
from .description import RigDescription, RigMapping
from .hand_frames import hand_frame

CURLS = {
    "thumb": (0.0, 10.0, 12.0), "index": (16.0, 22.0, 12.0), "middle": (20.0, 26.0, 14.0), "ring": (23.0, 29.0, 16.0),
    "pinky": (26.0, 31.0, 18.0),
}  # fmt: skip
"""Degrees by which the three bones of each finger are bent towards the palm, from the palm outwards."""
_METACARPAL = 0.5
"""A chain that begins nearer to the wrist than this part of the way to its next bone begins with a bone of the palm."""


def relaxed_fingers(description: RigDescription, mapping: RigMapping) -> dict[str, FloatArray]:
    """Compute the turns of the finger bones of both hands.

    Args:
        description: The armature.
        mapping: Its mapping, with fingers.

    Returns:
        Bone name -> (4,) unit quaternion in the bone's own axes, relative to its rest pose. What a finger is bent at
        rest is left out of it. A hand whose palm is not known has none.
    """
    index = {bone.name: number for number, bone in enumerate(description.bones)}
    found: dict[str, FloatArray] = {}
    for side, sign in (("l", 1.0), ("r", -1.0)):
        wrist = next((index[name] for name in mapping.joints[f"{side}_wrist"] if name in index), None)
        fingers = mapping.fingers.get(side, {})
        if wrist is None or not fingers:
            continue
        ahead, thumb = _palm(description, mapping, wrist, side, index)
        if ahead is None or thumb is None:
            continue
        palm = sign * np.cross(ahead, thumb)
        for finger, names in fingers.items():
            chain = [index[name] for name in names if name in index]
            found |= _relaxed(description, chain, finger, wrist, ahead, palm)
    return found


def _palm(
    description: RigDescription, mapping: RigMapping, wrist: int, side: str, index: dict[str, int]
) -> tuple[FloatArray | None, FloatArray | None]:
    """The way a hand points and where its thumb is: by its hierarchy, or in a control rig by the fingers' names."""
    ahead, thumb = hand_frame(description, wrist)
    fingers = mapping.fingers[side]
    if (ahead is not None and thumb is not None) or not {"index", "pinky"} <= fingers.keys():
        return ahead, thumb
    start = description.bones[wrist].head
    one, other = (description.bones[index[fingers[name][0]]].head for name in ("index", "pinky"))
    ahead = rot.unit((one + other) / 2.0 - start, (0.0, 1.0, 0.0))
    across = (one - other) - ((one - other) @ ahead) * ahead
    return ahead, rot.unit(across, (1.0, 0.0, 0.0))


def _relaxed(
    description: RigDescription, chain: list[int], finger: str, wrist: int, ahead: FloatArray, palm: FloatArray
) -> dict[str, FloatArray]:
    """The turns of one finger."""
    bones, start = description.bones, description.bones[wrist].head
    if len(chain) > 1 and finger != "thumb":
        far = [float(np.linalg.norm(bones[number].head - start)) for number in chain[:2]]
        if far[0] < _METACARPAL * far[1]:
            chain = chain[1:]
    found = {}
    before = ahead
    for at, (number, curl) in enumerate(zip(chain, np.radians(CURLS[finger]), strict=False)):
        bone = bones[number]
        end = bones[chain[at + 1]].head if at + 1 < len(chain) else bone.tail
        along = rot.unit(end - bone.head, before)
        if at + 1 == len(chain) and along @ before < 0.5:  # the tail of a last bone may point anywhere
            along = before
        bent = float(np.arctan2(along @ palm, along @ before))
        if at == 0 and finger == "thumb":
            bent = 0.0
        axis = np.cross(along, palm)
        angle = float(np.clip(curl - max(bent, 0.0), 0.0, curl))
        before = along
        if angle < 1e-3 or np.linalg.norm(axis) < 1e-6:
            continue
        rest = rot.from_matrix(bone.matrix)
        turn = rot.from_axis_angle(axis / np.linalg.norm(axis), angle)
        found[bone.name] = rot.normalise(rot.multiply(rot.multiply(rot.inverse(rest), turn), rest))
    return found
