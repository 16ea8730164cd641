"""Bodies of unusual proportions: long feet, broad hips, thighs and shins of other lengths than SMPL's."""

from __future__ import annotations

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.foot_contacts import foot_contacts
from motionlcm_blender.motion.motion import Clip, Motion
from motionlcm_blender.motion.retarget import forward_kinematics, retarget
from motionlcm_blender.motion.skeleton import JOINTS, SMPL
from motionlcm_blender.rigs.rig_body import rig_body
from motionlcm_blender.rigs.rig_retarget import positions, retarget_to_body, world_rotations
from tests.rig_samples import J, rig
from tests.synthetic_motion import walk

LEGS = [(f"{side}_{one}", f"{side}_{other}") for side in "lr" for one, other in (("hip", "knee"), ("knee", "ankle"))]


def walking() -> Motion:
    joints = walk(80, speed=1.1, turn_rate=0.4)
    return Motion(joints, foot_contacts(joints).astype(np.float32))


def sitting_down() -> Motion:
    """Feet stay where they are; the thighs end level, the shins a little forward."""
    frames = 50
    part = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, frames))
    turns = np.tile(rot.IDENTITY, (frames, len(SMPL), 1))
    for side in "lr":
        for joint, degrees in ((f"{side}_hip", -85.0), (f"{side}_knee", 95.0), (f"{side}_ankle", -10.0)):
            turns[:, J[joint]] = rot.from_axis_angle((1.0, 0.0, 0.0), np.radians(degrees) * part)
    joints = forward_kinematics(Clip(20.0, np.zeros((frames, 3)), turns, SMPL))[:, : len(JOINTS)]
    joints = joints + ([0.0, 0.02, 0.0] - joints[:, [J["l_foot"]]]) * [0.0, 1.0, 1.0]
    return Motion(joints.astype(np.float32), np.ones((frames, 4), np.float32))


def listing() -> Motion:
    """A figure that stands and lists its pelvis by 8 degrees to both sides; legs and chest stay upright."""
    frames = 60
    turns = np.tile(rot.IDENTITY, (frames, len(SMPL), 1))
    angle = np.radians(8.0) * np.sin(np.linspace(0.0, 4.0 * np.pi, frames))
    for joint, sign in (("pelvis", 1.0), ("l_hip", -1.0), ("r_hip", -1.0), ("spine1", -1.0)):
        turns[:, J[joint]] = rot.from_axis_angle((0.0, 0.0, 1.0), sign * angle)
    place = np.tile([0.0, -SMPL.rest[J["l_foot"], 1] + 0.02, 0.0], (frames, 1))
    joints = forward_kinematics(Clip(20.0, place, turns, SMPL))[:, : len(JOINTS)]
    return Motion(joints.astype(np.float32), np.ones((frames, 4), np.float32))


def leg_errors(offsets: np.ndarray, motion: Motion) -> np.ndarray:
    """(4,) mean angles, degrees, between the limbs of the legs of a body and those of SMPL."""
    body = rig_body(*rig(offsets))
    clip = retarget_to_body(motion, body)
    ours = positions(clip.translation, world_rotations(clip), body.skeleton)
    theirs = forward_kinematics(retarget(motion, SMPL))
    errors = []
    for start, end in LEGS:
        one, other = (each[:, J[end]] - each[:, J[start]] for each in (ours, theirs))
        errors.append(np.degrees(rot.angle_of(rot.between(one, other))).mean())
    return np.array(errors)


def scaled(factors: dict[str, tuple[float, float, float]]) -> np.ndarray:
    """(22, 3) offsets of SMPL's joints, those of both sides times a factor for each axis."""
    offsets = np.array(SMPL.offsets[: len(JOINTS)])
    for joint, factor in factors.items():
        for side in "lr":
            offsets[J[f"{side}_{joint}"]] *= factor
    return offsets


def test_long_feet_do_not_carry_the_legs_away() -> None:
    assert leg_errors(scaled({"foot": (1.0, 2.6, 2.6)}), walking()).max() < 4.0


def test_a_broad_pelvis_lists_less() -> None:
    """The broader the hips, the more the legs would have to bend and stretch."""
    lists = []
    for width in (1.0, 3.0, 9.0):
        body = rig_body(*rig(scaled({"hip": (width, 1.0, 1.0)})))
        turned = world_rotations(retarget_to_body(listing(), body))[:, 0]
        lists.append(float(np.degrees(rot.angle_of(turned)).max()))
    assert lists[0] == pytest.approx(8.0, abs=0.2) and lists[1] == pytest.approx(lists[0], abs=0.01)
    assert lists[2] == pytest.approx(0.8 * lists[0], abs=0.2)


def test_short_shins_stay_upright_where_the_thighs_are_level() -> None:
    offsets = scaled({"knee": (1.0, 1.24, 1.24), "ankle": (1.0, 0.78, 0.78)})
    assert leg_errors(offsets, sitting_down()).max() < 6.0
