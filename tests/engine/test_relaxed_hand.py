"""Relaxed hands: fingers bend towards the palm on every rig that has fingers, and no further than they should."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.rigs.recognition import recognise
from motionlcm_blender.rigs.relaxed_hand import CURLS, relaxed_fingers
from tests.rig_answers import rig

WITH_FINGERS = ("m2m_human", "mpfb_default", "mpfb_mixamo", "ue4_mannequin_fbx", "quaternius_man", "soma77_tpose",
                "cloudrig_human", "secondlife_bento")  # fmt: skip


def posed_tips(name: str, turns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where each bone's tail goes when bones turn, in the world."""
    description = rig(name)
    poses: list[np.ndarray] = []
    tips = {}
    for bone in description.bones:
        rest = np.eye(4)
        rest[:3, :3], rest[:3, 3] = bone.matrix, bone.head
        local = rest.copy()
        if bone.parent >= 0:
            above = description.bones[bone.parent]
            parent = np.eye(4)
            parent[:3, :3], parent[:3, 3] = above.matrix, above.head
            local = np.linalg.inv(parent) @ rest
        turned = np.eye(4)
        if bone.name in turns:
            turned[:3, :3] = rot.to_matrix(turns[bone.name])
        pose = (poses[bone.parent] if bone.parent >= 0 else np.eye(4)) @ local @ turned
        poses.append(pose)
        tip = pose @ np.append(bone.matrix.T @ (bone.tail - bone.head), 1.0)
        tips[bone.name] = (description.world @ tip)[:3]
    return tips


@pytest.mark.parametrize("name", WITH_FINGERS)
def test_fingers_bend_towards_the_palm(name: str) -> None:
    description = rig(name)
    mapping = recognise(description)
    relaxed = relaxed_fingers(description, mapping)
    fingers = {bone: finger for side in "lr" for finger, bones in mapping.fingers[side].items() for bone in bones}
    assert relaxed and set(relaxed) <= set(fingers)
    for bone, turn in relaxed.items():
        angle = float(rot.angle_of(turn))
        assert min(angle, 2.0 * np.pi - angle) <= np.radians(max(CURLS[fingers[bone]])) + 1e-6
    if mapping.rest_pose == "T" and name != "cloudrig_human":  # palms look down: fingertips sink
        still, bent = posed_tips(name, {}), posed_tips(name, relaxed)
        for side in "lr":
            last = mapping.fingers[side]["middle"][-1]
            assert bent[last][2] < still[last][2] - 0.01 * mapping.leg_length


def test_a_hand_that_is_bent_at_rest_is_left_alone() -> None:
    """Rigify's human has relaxed hands at rest."""
    description = rig("rigify_human_metarig")
    mapping = recognise(description)
    assert mapping.fingers["l"].keys() == CURLS.keys() and relaxed_fingers(description, mapping) == {}


def test_rigs_without_fingers_have_none() -> None:
    for name in ("kaykit_knight", "cmu_bvh", "xsens_100style_fbx"):
        assert relaxed_fingers(rig(name), recognise(rig(name))) == {}
