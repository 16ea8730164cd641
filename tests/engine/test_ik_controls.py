"""Poles of limbs, IK controls found by constraints, and keys of IK controls; moving a clip to another body."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionlcm_blender.motion import rotations as rot
from motionlcm_blender.motion.motion import Clip
from motionlcm_blender.rigs.clip_retarget import retarget_clip_to_body
from motionlcm_blender.rigs.description import FkSwitch, IkLimb, read_rig_json
from motionlcm_blender.rigs.ik_controls import RestLimb, fit_control, pole_correction, pole_places, turned_poles
from motionlcm_blender.rigs.ik_finding import ik_switches_of
from motionlcm_blender.rigs.pose_reading import showing_body, shown_clip
from motionlcm_blender.rigs.recognition import recognise
from motionlcm_blender.rigs.rig_body import rig_body
from motionlcm_blender.rigs.rig_retarget import positions, retarget_to_body, world_rotations
from tests import rig_samples
from tests.engine.test_rig_retarget import walking

REST = RestLimb(np.zeros(3), np.array([0.0, -0.02, -0.5]), np.array([0.0, 0.0, -1.0]), np.array([0.0, -0.8, -0.5]))


def limb(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A leg that swings to the front and bends its knee, turned about its length."""
    turns = rot.multiply(
        rot.from_axis_angle((0.0, 0.0, 1.0), 0.5 * angles), rot.from_axis_angle((1.0, 0.0, 0.0), -angles)
    )
    middles = rot.rotate(turns, REST.middle)
    bend = rot.multiply(turns, rot.from_axis_angle((1.0, 0.0, 0.0), 1.5 * angles))
    return np.zeros((len(angles), 3)), middles, middles + rot.rotate(bend, REST.end - REST.middle), turns


def test_the_pole_lies_in_the_plane_of_a_bent_limb() -> None:
    roots, middles, ends, turns = limb(np.linspace(0.0, 1.0, 30))
    poles = pole_places(roots, middles, ends, turns, REST)
    np.testing.assert_allclose(np.linalg.norm(poles - middles, axis=-1), np.linalg.norm(REST.pole - REST.middle))
    normal = rot.unit(np.cross(middles - roots, ends - roots), (1.0, 0.0, 0.0))
    bent = np.linspace(0.0, 1.0, 30) > 0.4
    assert np.abs(((poles - roots) * normal).sum(-1))[bent].max() < 1e-6
    assert np.linalg.norm(np.diff(poles, axis=0), axis=-1).max() < 0.1  # no jump where the limb is straight


def test_a_straight_limb_keeps_the_pole_of_its_rest_pose() -> None:
    rest = RestLimb(np.zeros(3), np.array([0.0, 0.0, -0.5]), np.array([0.0, 0.0, -1.0]), np.array([0.0, -0.8, -0.5]))
    still = [np.tile(place, (4, 1)) for place in (rest.root, rest.middle, rest.end)]
    poles = pole_places(*still, np.tile(rot.IDENTITY, (4, 1)), rest)
    np.testing.assert_allclose(poles, np.tile(rest.pole, (4, 1)), atol=1e-9)


@pytest.mark.parametrize("angle", [-0.4, 0.0, 0.3])
def test_a_limb_beside_its_pole_is_turned_back(angle: float) -> None:
    roots, middles, ends, turns = limb(np.linspace(0.5, 1.0, 12))
    shown = turned_poles(roots, ends, middles, -angle)
    assert pole_correction(roots, ends, middles, shown, 1.0) == pytest.approx(angle, abs=1e-6)
    poles = pole_places(roots, middles, ends, turns, REST)
    back = turned_poles(roots, ends, turned_poles(roots, ends, poles, angle), -angle)
    np.testing.assert_allclose(back, poles, atol=1e-9)


@pytest.mark.parametrize("mode", ["QUATERNION", "ZXY", "AXIS_ANGLE"])
def test_a_control_gets_few_keys(mode: str) -> None:
    at = np.linspace(0.0, 4.0, 80)
    places = np.stack([100.0 * at, 20.0 * np.sin(at), np.zeros(80)], axis=1)
    turns = rot.from_axis_angle((0.3, 1.0, 0.2), 0.5 * np.sin(at))
    location, rotation = fit_control(places, turns, 100.0, 5.0, 10.0, mode, 20.0)
    frames = 10.0 + np.arange(80)
    assert location.count < 30
    assert np.linalg.norm(location.evaluate(frames) - places, axis=-1).max() < 0.5 + 1e-6
    if mode == "AXIS_ANGLE":
        assert rotation is None
    else:
        assert rotation is not None and rotation.count < 40 and rotation.values.shape[1] == (3 if mode == "ZXY" else 4)


def test_poses_are_read_as_the_clip_that_made_them() -> None:
    description, mapping = rig_samples.rig(turns=rig_samples.rest_turns(0.7), x_along=True, fbx=True, rest_pose="A")
    body = rig_body(description, mapping)
    assert showing_body(body) is body
    clip = retarget_to_body(walking(20), body)
    poses = np.tile(np.eye(4), (20, len(body.bones), 1, 1))
    world, joints = world_rotations(clip), positions(clip.translation, world_rotations(clip), clip.skeleton)
    linear = description.world[:3, :3] / np.cbrt(np.linalg.det(description.world[:3, :3]))
    to_armature = rot.from_matrix(linear.T @ np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]))
    for number, each in enumerate(body.bones):
        bone = description.bones[each.bone]
        turned = rot.multiply(rot.multiply(to_armature, world[:, each.joint]), body.alignment.turns[each.joint])
        poses[:, number, :3, :3] = rot.to_matrix(rot.multiply(turned, rot.from_matrix(bone.matrix)))
        place = rot.rotate(to_armature, joints[:, each.joint]) * body.units_per_metre / 0.01
        poses[:, number, :3, 3] = place + rot.rotate(turned, bone.head - body.alignment.points[each.joint])
    again = shown_clip(body, poses, np.tile(description.world, (20, 1, 1)), 20.0)
    np.testing.assert_allclose(again.translation, clip.translation, atol=1e-6)
    off = rot.angle_of(rot.multiply(rot.inverse(world_rotations(again)), world))
    assert np.minimum(off, 2.0 * np.pi - off)[:, :22].max() < 1e-4


def test_a_clip_moves_to_another_body_with_standing_feet() -> None:
    first = rig_body(*rig_samples.rig())
    second = rig_body(*rig_samples.rig(rig_samples.proportions(7), rig_samples.rest_turns(0.7), rest_pose="A"))
    clip = retarget_to_body(walking(60), first)
    moved = retarget_clip_to_body(clip, second, source_heights=first.alignment.heights)
    assert moved.frames == 60 and moved.skeleton is second.skeleton
    joints = positions(moved.translation, world_rotations(moved), moved.skeleton)
    soles = joints[:, [10, 11], 1] - second.alignment.heights[:, 1]
    assert soles.min() > -0.02 and np.abs(soles.min(axis=1)).mean() < 0.03
    way = np.linalg.norm((moved.translation[-1] - moved.translation[0])[[0, 2]])
    assert way == pytest.approx(np.linalg.norm((clip.translation[-1] - clip.translation[0])[[0, 2]]), abs=0.05)
    before, after = (world_rotations(one)[:, [16, 17, 18, 19]] for one in (clip, moved))
    off = rot.angle_of(rot.multiply(rot.inverse(before), after))
    assert np.minimum(off, 2.0 * np.pi - off).max() < 1e-6


def test_a_slow_step_is_no_stance() -> None:
    """A foot that is set forward slowly and low is as slow and as low as a standing foot of a network's motion."""
    first = rig_body(*rig_samples.rig())
    second = rig_body(*rig_samples.rig(rig_samples.proportions(7), rig_samples.rest_turns(0.7), rest_pose="A"))
    frames, joint = 40, {name: at for at, name in enumerate(first.skeleton.names)}
    step = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, frames))
    lift = 0.25 * np.sin(np.linspace(0.0, np.pi, frames))
    turns = np.tile(rot.IDENTITY, (frames, len(joint), 1))
    for name, angle in (("r_hip", -0.3 * step - lift), ("r_knee", 2.0 * lift), ("r_ankle", 0.3 * step - lift)):
        turns[:, joint[name]] = rot.from_axis_angle((1.0, 0.0, 0.0), angle)
    at_rest = positions(np.zeros((1, 3)), np.tile(rot.IDENTITY, (1, len(joint), 1)), first.skeleton)[0]
    low = at_rest[[joint["l_foot"], joint["r_foot"]], 1].mean()
    place = np.tile([0.0, float(first.alignment.heights[:, 1].mean()) - low, 0.0], (frames, 1))
    clip = Clip(24.0, place, turns, first.skeleton)
    moved = retarget_clip_to_body(clip, second, source_heights=first.alignment.heights)
    before, after = (world_rotations(one)[:, [joint["r_hip"], joint["r_knee"]]] for one in (clip, moved))
    off = rot.angle_of(rot.multiply(rot.inverse(before), after))
    assert np.degrees(np.minimum(off, 2.0 * np.pi - off).max()) < 6.0


CONTROL_RIGS = Path(__file__).parents[1] / "data" / "control_rigs"


@pytest.mark.parametrize("name", ["cloudrig_human", "rigify_human_generated"])
def test_constraints_show_the_controls_that_the_family_names(name: str) -> None:
    description = read_rig_json(CONTROL_RIGS / f"{name}.json")
    named, found = recognise(description), recognise(description, families=False)
    assert {replace(limb, toe="") for limb in found.ik} == {replace(limb, toe="") for limb in named.ik}
    assert len(found.ik) == 4 and named.family != found.family == "generic"
    without = tuple(replace(bone, constraints=()) for bone in description.bones)
    assert recognise(replace(description, bones=without), families=False).ik == ()


def test_switches_of_the_ik_controls_are_those_of_their_limbs() -> None:
    """A property of a trunk or of a limb that stays in FK keeps its value, as do others; constraints come back."""
    description, mapping = rig_samples.rig()
    names = {"IK_FK": (0.0, 0.0, 1.0), "ik_left_arm": (1, 0, 1), "ik_spine": (1.0, 0.0, 1.0), "follow": (0.0, 0.0, 1.0)}
    bones = (replace(description.bones[0], name="leg switch", properties=names), *description.bones[1:])
    knee, elbow = mapping.joints["l_knee"][0], mapping.joints["l_elbow"][0]
    switches = (
        FkSwitch("leg switch", "IK_FK", "", 1.0), FkSwitch("leg switch", "ik_left_arm", "", 0.0),
        FkSwitch("leg switch", "ik_spine", "", 0.0), FkSwitch("leg switch", "follow", "", 1.0),
        FkSwitch(knee, "", "IK", 0.0), FkSwitch(elbow, "", "IK", 0.0),
    )  # fmt: skip
    legs = (IkLimb("l_ankle", "foot IK"),)
    values = [each.value for each in ik_switches_of(switches, bones, legs, mapping.joints)]
    assert values == [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    both = (*legs, IkLimb("l_wrist", "hand IK"))
    values = [each.value for each in ik_switches_of(switches, bones, both, mapping.joints)]
    assert values == [0.0, 1.0, 0.0, 1.0, 1.0, 1.0]
